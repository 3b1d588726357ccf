//! Scheduler: shards, queues, leases, orders.

mod accounts;
mod error;
mod instructions;
mod order_accounts;
mod order_instructions;
#[cfg(feature = "client")]
mod ordered_reader;
#[cfg(feature = "client")]
pub mod reader;

pub use accounts::*;
pub use error::SchedulerError;
pub use instructions::*;
pub use order_accounts::*;
pub use order_instructions::*;
#[cfg(feature = "client")]
pub use ordered_reader::{Turn, turn};

use crate::declare::{InstructionSpec, join_instructions};

/// Every instruction of the program: those of shards and queues, then those of orders and resources.
pub const INSTRUCTIONS: &[&InstructionSpec] = &join_instructions::<
    { instructions::INSTRUCTIONS.len() + order_instructions::INSTRUCTIONS.len() },
>(instructions::INSTRUCTIONS, order_instructions::INSTRUCTIONS);
