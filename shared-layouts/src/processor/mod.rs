//! Processor: runs a capability's verification functions, then its target.

mod accounts;
#[cfg(feature = "cpi")]
pub mod cpi;
mod error;
mod instructions;

pub use accounts::*;
pub use error::ProcessorError;
pub use instructions::*;
