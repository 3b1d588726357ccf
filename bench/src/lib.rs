//! Compute units per instruction: measured, recorded in `bench/results`, and held to `bench/budgets.toml`.
//!
//! [`rows`] measures, [`report`] holds the numbers, [`budgets`] the ceilings, and [`gate`] says whether a measurement
//! agrees with what is committed. The gate is a pure function, so its tests need no program and no virtual machine.

pub mod budgets;
pub mod files;
pub mod gate;
pub mod markdown;
pub mod readme;
pub mod report;
pub mod rows;
pub mod side_by_side;
pub mod toolchain;

/// What can go wrong outside the gate: a file that is missing or does not parse, a tool that does not run.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
