//! Diff: changes of state, checked before the first write.

#![no_std]

mod entrypoint;
mod hash;
mod instructions;
mod memory;
mod parts;
mod refusal;
mod rent;
mod resize;

use program_common::Singleton;
use shared_layouts::diff::{DiffConfig, DiffError};

/// The diff program among the three programs.
pub(crate) struct Diff;

impl Singleton for Diff {
    const ERROR_BASE: u32 = DiffError::BASE;
    type Config = DiffConfig;
    type Migrations = program_common::migration::OneVersion;
}
