//! One handler for each instruction. Accounts, data and errors are declared in `shared_layouts::diff`.

mod apply_inline;
mod create_state;
mod initialize;
mod pause;
mod resume;

pub(crate) use apply_inline::apply_inline;
pub(crate) use create_state::create_state;
pub(crate) use initialize::initialize;
pub(crate) use pause::pause;
pub(crate) use resume::resume;
