//! Wire format of the Valence singletons: accounts, instructions, errors and seeds of the processor, the scheduler and
//! the diff program. A caller needs nothing else.
//!
//! Features: `cpi` adds the helpers by which a Pinocchio program calls the singletons; `client` adds builders of
//! instructions for off-chain use.
//!
//! All numbers are little-endian. Times are unix seconds, amounts are lamports, and sizes are bytes.

#![no_std]

pub mod account;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "cpi")]
pub mod cpi;
pub mod declare;
pub mod diff;
pub mod lifecycle;
pub mod processor;
pub mod scheduler;

pub use account::{AccountHeader, AccountLayout, Key, NO_KEY, keys_equal, load, load_mut, total_bytes};
