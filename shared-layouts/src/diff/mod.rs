//! Diff: state diffs staged in an arena, optimized, validated, applied and rolled back.

mod accounts;
mod error;
mod instructions;

pub use accounts::*;
pub use error::DiffError;
pub use instructions::*;
