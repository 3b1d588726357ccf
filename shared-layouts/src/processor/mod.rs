//! Processor: runs a capability's verification functions, then its target.

mod accounts;
mod error;
mod instructions;

pub use accounts::*;
pub use error::ProcessorError;
pub use instructions::*;
