//! The short table in `README.md`, between two markers, from the same numbers as the long one.

use std::fmt::Write;

use crate::Result;
use crate::markdown::thousands;
use crate::report::Report;

const BEGIN: &str = "<!-- compute units, written by `just bench` -->\n";
const END: &str = "<!-- end of compute units -->";

/// The rows that the README shows, and what they are called there.
const ROWS: [(&str, &str); 8] = [
    ("scheduler/enqueue/empty", "queue an operation with 64 bytes of arguments"),
    ("scheduler/dispatch/unleased", "take an operation out of an open queue, bound to the call that follows"),
    ("processor/verify/predicates-0", "verify a target call of 3 accounts as a sibling"),
    ("processor/execute/predicates-0", "run a target of 3 accounts by CPI, the target included"),
    ("floor/cpi-3-accounts", "for comparison: the least that such a CPI costs"),
    ("diff/apply_inline/1-op", "change 8 bytes of a managed state"),
    ("diff/apply_inline/16-ops", "change 16 times 8 bytes of it"),
    ("scheduler/pause", "pause a program"),
];

/// `readme` with the table of `report` between the markers.
pub fn update(readme: &str, report: &Report) -> Result<String> {
    let missing = || format!("README.md has no section between {} and {END}", BEGIN.trim_end());
    let (before, rest) = readme.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", table(report)?))
}

fn table(report: &Report) -> Result<String> {
    let mut text = String::from("| what | CU | row |\n|---|---:|---|\n");
    for (row, what) in ROWS {
        let units = report.rows.get(row).ok_or_else(|| format!("the README shows {row}, which is not measured"))?;
        writeln!(text, "| {what} | {} | `{row}` |", thousands(units.mainnet))?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Units;
    use crate::toolchain::Toolchain;
    use std::collections::BTreeMap;

    fn report(mainnet: u64) -> Report {
        let rows = ROWS.map(|(row, _)| (row.to_owned(), Units { mainnet, all_features: mainnet }));
        Report {
            toolchain: Toolchain::default(),
            binaries: BTreeMap::new(),
            rows: BTreeMap::from(rows),
            limits: BTreeMap::new(),
        }
    }

    #[test]
    fn the_table_replaces_what_stood_between_the_markers() {
        let readme = format!("before\n{BEGIN}old{END}\nafter");
        let updated = update(&readme, &report(1_234)).unwrap();
        assert!(updated.starts_with("before\n") && updated.ends_with("\nafter"));
        assert!(updated.contains("| 1,234 | `scheduler/enqueue/empty` |") && !updated.contains("old"));
        assert_eq!(update(&updated, &report(1_234)).unwrap(), updated);
        assert_ne!(update(&updated, &report(1_235)).unwrap(), updated);
    }

    #[test]
    fn a_missing_marker_or_row_is_an_error() {
        assert!(update("no markers", &report(1)).is_err());
        let mut short = report(1);
        short.rows.remove("scheduler/pause");
        let error = update(&format!("{BEGIN}{END}"), &short).unwrap_err();
        assert_eq!(error.to_string(), "the README shows scheduler/pause, which is not measured");
    }
}
