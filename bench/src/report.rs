//! The numbers of one measurement, in the shape of `bench/results/compute_units.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Result, toolchain::Toolchain};

/// One measured instruction, named `program/instruction/case`.
#[derive(Clone, Debug)]
pub struct Row {
    /// The name that the table, the budgets and the documents share.
    pub name: String,
    /// Its cost.
    pub units: Units,
}

/// Compute units of a whole instruction, entrypoint included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// With mainnet's feature set. Budgets hold this number.
    pub mainnet: u64,
    /// With every feature active.
    pub all_features: u64,
}

/// One measurement: the tools, the size of each program in bytes, the rows, and how far the baselines go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What compiled and what ran the programs.
    pub toolchain: Toolchain,
    /// Program to size in bytes.
    pub binaries: BTreeMap<String, u64>,
    /// Row to cost.
    pub rows: BTreeMap<String, Units>,
    /// Baseline to the largest size at which it runs.
    pub limits: BTreeMap<String, u64>,
}

impl Report {
    /// Fails where two rows share a name: one of them would vanish.
    pub fn new(
        toolchain: Toolchain,
        binaries: BTreeMap<String, u64>,
        measured: Vec<Row>,
        limits: BTreeMap<String, u64>,
    ) -> Result<Self> {
        let mut rows = BTreeMap::new();
        for Row { name, units } in measured {
            if rows.insert(name.clone(), units).is_some() {
                return Err(format!("two rows are named {name}").into());
            }
        }
        Ok(Self { toolchain, binaries, rows, limits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> Row {
        Row { name: name.into(), units: Units { mainnet: 1, all_features: 1 } }
    }

    #[test]
    fn two_rows_of_one_name_are_refused() {
        let report = Report::new(Toolchain::default(), BTreeMap::new(), vec![row("a/b"), row("a/b")], BTreeMap::new());
        assert_eq!(report.unwrap_err().to_string(), "two rows are named a/b");
    }

    #[test]
    fn the_json_has_the_published_shape() {
        let binaries = BTreeMap::from([("processor".to_owned(), 9_000)]);
        let limits = BTreeMap::from([("vec-queue, tasks".to_owned(), 150)]);
        let report = Report::new(Toolchain::default(), binaries, vec![row("scheduler/enqueue/empty")], limits).unwrap();
        let json = serde_json::to_value(&report).unwrap();
        assert!(json["toolchain"].is_object());
        assert_eq!(json["binaries"]["processor"], 9_000);
        assert_eq!(json["limits"]["vec-queue, tasks"], 150);
        assert_eq!(json["rows"]["scheduler/enqueue/empty"], serde_json::json!({ "mainnet": 1, "all_features": 1 }));
        assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
    }
}
