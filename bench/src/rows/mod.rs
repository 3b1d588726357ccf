//! The measured rows. Each program has a module here with a function `rows`; [`rows`] lists them.
//!
//! A row costs what its instruction costs, entrypoint included, as the only or the named instruction of a transaction in
//! `LiteSVM`; instructions that it calls count towards it.

mod baseline;
mod diff;
mod floor;
mod lifecycle;
mod orders;
mod processor;
mod scheduler;
mod worst;

pub use baseline::limits;

use crate::report::{Row, Units};
use mollusk_tests::features::FeatureProfile;

/// Measures every row, with both feature sets.
pub fn rows() -> Vec<Row> {
    [
        floor::rows(),
        processor::rows(),
        scheduler::rows(),
        scheduler::sizes(),
        orders::rows(),
        diff::rows(),
        lifecycle::rows(),
        worst::rows(),
        baseline::rows(),
    ]
    .concat()
}

/// Measures one row: `units` runs the instruction under a feature set and returns what it cost.
fn row(name: &str, units: impl Fn(FeatureProfile) -> u64) -> Row {
    Row {
        name: name.to_owned(),
        units: Units { mainnet: units(FeatureProfile::Mainnet), all_features: units(FeatureProfile::AllFeatures) },
    }
}
