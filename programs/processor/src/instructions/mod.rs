//! One handler for each instruction. Accounts, data and errors are declared in `shared_layouts::processor`.

mod execute;
mod initialize;
mod pause;
mod register_capability;
mod resume;
mod verify;

pub(crate) use execute::execute;
pub(crate) use initialize::initialize;
pub(crate) use pause::pause;
pub(crate) use register_capability::register_capability;
pub(crate) use resume::resume;
pub(crate) use verify::{Seen, verify, verify_each};
