//! Scheduler: shards, queues, leases, orders.

mod accounts;
mod error;
mod instructions;
mod order_accounts;
#[cfg(feature = "client")]
pub mod reader;

pub use accounts::*;
pub use error::SchedulerError;
pub use instructions::*;
pub use order_accounts::*;
