//! One handler for each instruction. Accounts, data and errors are declared in `shared_layouts::scheduler`.

mod accept_authority;
mod create_queue;
mod dispatch;
mod enqueue;
mod finalize;
mod initialize;
mod migrate;
mod nominate_authority;
mod pause;
mod register_shard;
mod resume;
mod update_config;

pub(crate) use accept_authority::accept_authority;
pub(crate) use create_queue::create_queue;
pub(crate) use dispatch::dispatch;
pub(crate) use enqueue::enqueue;
pub(crate) use finalize::finalize;
pub(crate) use initialize::initialize;
pub(crate) use migrate::migrate;
pub(crate) use nominate_authority::nominate_authority;
pub(crate) use pause::pause;
pub(crate) use register_shard::register_shard;
pub(crate) use resume::resume;
pub(crate) use update_config::update_config;
