//! Processor: runs a capability's verification functions, then its target. Keeps no state between executions.

#![no_std]

mod binding;
mod definition;
mod entrypoint;
mod external;
mod instructions;
#[cfg(feature = "layout-v2")]
mod migration;
mod quick;
mod verification;

use program_common::Singleton;
use shared_layouts::processor::{ProcessorConfig, ProcessorError};

/// The processor among the three programs.
pub(crate) struct Processor;

impl Singleton for Processor {
    const ERROR_BASE: u32 = ProcessorError::BASE;
    type Config = ProcessorConfig;
    #[cfg(not(feature = "layout-v2"))]
    type Migrations = program_common::migration::OneVersion;
    #[cfg(feature = "layout-v2")]
    type Migrations = migration::Second;
}
