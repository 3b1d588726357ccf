//! Processor: runs a capability's verification functions, then its target. Keeps no state between executions.

#![no_std]

mod binding;
mod entrypoint;
mod instructions;
mod verification;

use program_common::Singleton;
use shared_layouts::processor::{ProcessorConfig, ProcessorError};

/// The processor among the three programs.
pub(crate) struct Processor;

impl Singleton for Processor {
    const ERROR_BASE: u32 = ProcessorError::BASE;
    type Config = ProcessorConfig;
}
