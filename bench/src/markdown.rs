//! `bench/results/compute_units.md`: the table for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::budgets::{Budget, Budgets, Over};
use crate::report::{Report, Units};
use crate::side_by_side;

/// The groups that come first, in this order; any other follows by name.
const GROUPS: [&str; 4] = ["floor", "processor", "scheduler", "diff"];

/// Renders a report with the budgets beside it. The same input gives the same text: no date, no path.
pub fn render(report: &Report, budgets: &Budgets) -> String {
    let mut text = String::from(
        "# Compute units\n\n\
         Whole instructions, entrypoint included; CU with mainnet's feature set, which the budgets hold, and with every\n\
         feature active. Reproduce with `./justw bench`; `./justw bench-check` fails where a number here is not the one\n\
         measured. Written by `bench`, so edits are lost.\n",
    );
    for group in groups(report) {
        write_group(&mut text, group, report, budgets);
    }
    side_by_side::write(&mut text, report);
    text.push_str("\n## Size of the programs\n\n| program | bytes | at most |\n|---|---:|---:|\n");
    for (name, bytes) in &report.binaries {
        let ceiling = show_budget(budgets.binaries.get(name), |base| report.binaries.get(base).copied());
        row(&mut text, &[name, &thousands(*bytes), &ceiling]);
    }
    text.push_str("\n## Measured with\n\n| tool | version |\n|---|---|\n");
    for (name, version) in report.toolchain.entries() {
        row(&mut text, &[name, version]);
    }
    text
}

pub(crate) fn row(text: &mut String, cells: &[&str]) {
    writeln!(text, "| {} |", cells.join(" | ")).expect("a string takes any text");
}

fn group_of(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

fn groups(report: &Report) -> Vec<&str> {
    let mut groups: Vec<&str> = report.rows.keys().map(|name| group_of(name)).collect();
    groups.sort_by_key(|group| (GROUPS.iter().position(|first| first == group).unwrap_or(GROUPS.len()), *group));
    groups.dedup();
    groups
}

fn write_group(text: &mut String, group: &str, report: &Report, budgets: &Budgets) {
    write!(text, "\n## {group}\n\n| row | CU | budget | CU, all features |\n|---|---:|---:|---:|\n")
        .expect("a string takes any text");
    let rows: BTreeMap<&String, &Units> = report.rows.iter().filter(|(name, _)| group_of(name) == group).collect();
    for (name, units) in rows {
        let budget = show_budget(budgets.rows.get(name), |base| report.rows.get(base).map(|units| units.mainnet));
        row(text, &[name, &thousands(units.mainnet), &budget, &thousands(units.all_features)]);
    }
}

fn show_budget(budget: Option<&Budget>, measured: impl Fn(&str) -> Option<u64>) -> String {
    match budget {
        None => "none".to_owned(),
        Some(budget) => match (budget, budget.ceiling(measured)) {
            (Budget::Over(Over { over, plus }), Ok(Some(ceiling))) => {
                format!("{} = {over} + {}", thousands(ceiling), thousands(*plus))
            }
            (_, Ok(Some(ceiling))) => thousands(ceiling),
            (_, Ok(None)) => "recorded".to_owned(),
            (_, Err(base)) => format!("over {base}, which is missing"),
        },
    }
}

/// 65536 as `65,536`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolchain::Toolchain;

    #[test]
    fn numbers_are_grouped_by_three() {
        let shown = [0, 999, 1_000, 65_536, 1_400_000].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "65,536", "1,400,000"]);
    }

    #[test]
    fn rows_stand_in_their_program_with_their_budget() {
        let units = |mainnet| Units { mainnet, all_features: mainnet + 1 };
        let report = Report {
            toolchain: Toolchain { rustc: "1.96.0".into(), ..Toolchain::default() },
            binaries: BTreeMap::from([("diff".into(), 9_000)]),
            rows: BTreeMap::from([
                ("diff/pause".into(), units(120)),
                ("floor/cpi".into(), units(1_000)),
                ("processor/execute".into(), units(1_200)),
            ]),
            limits: BTreeMap::new(),
        };
        let budgets: Budgets = toml::from_str(
            "[binaries]\ndiff = 65536\n[rows]\n\"diff/pause\" = 150\n\"floor/cpi\" = \"recorded\"\n\
             \"processor/execute\" = { over = \"floor/cpi\", plus = 350 }",
        )
        .unwrap();
        let text = render(&report, &budgets);
        for line in [
            "| floor/cpi | 1,000 | recorded | 1,001 |",
            "| processor/execute | 1,200 | 1,350 = floor/cpi + 350 | 1,201 |",
            "| diff/pause | 120 | 150 | 121 |",
            "| diff | 9,000 | 65,536 |",
            "| rustc | 1.96.0 |",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        let place = |heading| text.find(heading).unwrap();
        assert!(place("## floor") < place("## processor") && place("## processor") < place("## diff"));
    }
}
