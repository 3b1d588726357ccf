//! One handler for each instruction. Accounts, data and errors are declared in `shared_layouts::diff`.

mod accept_authority;
mod apply_inline;
mod create_state;
mod finalize;
mod initialize;
mod migrate;
mod nominate_authority;
mod pause;
mod resume;
mod update_config;

pub(crate) use accept_authority::accept_authority;
pub(crate) use apply_inline::apply_inline;
pub(crate) use create_state::create_state;
pub(crate) use finalize::finalize;
pub(crate) use initialize::initialize;
pub(crate) use migrate::migrate;
pub(crate) use nominate_authority::nominate_authority;
pub(crate) use pause::pause;
pub(crate) use resume::resume;
pub(crate) use update_config::update_config;
