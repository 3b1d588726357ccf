//! Scheduler: sharded priority queues whose entries run exactly once, or end in the dead letters with a reason.

#![no_std]

mod close;
mod entrypoint;
mod instructions;
mod load;
mod metered;
mod ordered;
mod orders;
mod run;

use program_common::Singleton;
use shared_layouts::scheduler::{SchedulerConfig, SchedulerError};

/// The scheduler among the three programs.
pub(crate) struct Scheduler;

impl Singleton for Scheduler {
    const ERROR_BASE: u32 = SchedulerError::BASE;
    type Config = SchedulerConfig;
    type Migrations = program_common::migration::OneVersion;
}
