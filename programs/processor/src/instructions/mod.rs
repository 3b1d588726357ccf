//! One handler for each instruction. Accounts, data and errors are declared in `shared_layouts::processor`.

mod accept_authority;
mod check;
mod close_capability;
mod execute;
mod finalize;
mod initialize;
mod migrate;
mod nominate_authority;
mod pause;
mod register_capability;
mod resume;
mod update_capability;
mod update_config;
mod verify;

pub(crate) use accept_authority::accept_authority;
pub(crate) use check::{check, check_each};
pub(crate) use close_capability::close_capability;
pub(crate) use execute::execute;
pub(crate) use finalize::finalize;
pub(crate) use initialize::initialize;
pub(crate) use migrate::migrate;
pub(crate) use nominate_authority::nominate_authority;
pub(crate) use pause::pause;
pub(crate) use register_capability::register_capability;
pub(crate) use resume::resume;
pub(crate) use update_capability::update_capability;
pub(crate) use update_config::update_config;
pub(crate) use verify::{Seen, verify, verify_each, verify_functions};
