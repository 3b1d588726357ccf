//! One handler for each instruction. Accounts, data and errors are declared in `shared_layouts::scheduler`.

mod create_queue;
mod dispatch;
mod enqueue;
mod initialize;
mod pause;
mod register_shard;
mod resume;

pub(crate) use create_queue::create_queue;
pub(crate) use dispatch::dispatch;
pub(crate) use enqueue::enqueue;
pub(crate) use initialize::initialize;
pub(crate) use pause::pause;
pub(crate) use register_shard::register_shard;
pub(crate) use resume::resume;
