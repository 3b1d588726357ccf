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

use crate::report::{self, Units};
use mollusk_tests::features::FeatureProfile;
use std::rc::Rc;

/// A row that has not been measured yet.
#[derive(Clone)]
struct Row {
    name: String,
    /// Runs the instruction under a feature set and returns what it cost.
    units: Rc<dyn Fn(FeatureProfile) -> u64>,
}

/// Measures every row, with both feature sets.
pub fn rows() -> Vec<report::Row> {
    let measured = |Row { name, units }: Row| {
        let (mainnet, all_features) = (units(FeatureProfile::Mainnet), units(FeatureProfile::AllFeatures));
        report::Row { name, units: Units { mainnet, all_features } }
    };
    all().into_iter().map(measured).collect()
}

/// Units of the row of that name with mainnet's features, if there is one.
pub fn units_of(name: &str) -> Option<u64> {
    all().iter().find(|row| row.name == name).map(|row| (row.units)(FeatureProfile::Mainnet))
}

fn all() -> Vec<Row> {
    [
        floor::rows(),
        processor::rows(),
        scheduler::rows(),
        scheduler::bound_rows(),
        scheduler::sizes(),
        orders::rows(),
        diff::rows(),
        lifecycle::rows(),
        worst::rows(),
        baseline::rows(),
    ]
    .concat()
}

/// One row: `units` runs the instruction under a feature set and returns what it cost.
fn row(name: &str, units: impl Fn(FeatureProfile) -> u64 + 'static) -> Row {
    Row { name: name.to_owned(), units: Rc::new(units) }
}
