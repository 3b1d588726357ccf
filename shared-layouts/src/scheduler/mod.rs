//! Scheduler: shards, queues, leases, orders.

mod accounts;
mod error;
mod instructions;
#[cfg(feature = "client")]
pub mod reader;

pub use accounts::*;
pub use error::SchedulerError;
pub use instructions::*;
