//! Scheduler: shards, queues, leases, orders.

mod accounts;
mod error;
mod instructions;

pub use accounts::*;
pub use error::SchedulerError;
pub use instructions::*;
