//! The measured rows. Each program has a module here with a function `rows`; [`rows`] lists them.
//!
//! A row costs what its instruction costs, entrypoint included, as the only or the named instruction of a transaction in
//! `LiteSVM`; instructions that it calls count towards it.

mod baseline;
mod diff;
mod floor;
mod lifecycle;
mod managing;
mod orders;
mod processor;
mod scheduler;
mod worst;

pub use baseline::limits;

use crate::report::{self, Units};
use mollusk_tests::features::FeatureProfile;
use std::rc::Rc;
use std::thread;

/// A row that has not been measured yet.
#[derive(Clone)]
struct Row {
    name: String,
    /// Runs the instruction under a feature set and returns what it cost.
    units: Rc<dyn Fn(FeatureProfile) -> u64>,
}

/// Measures every row, with both feature sets at the same time.
pub fn rows() -> Vec<report::Row> {
    let measure = |profile| all().iter().map(|row| (row.units)(profile)).collect::<Vec<u64>>();
    let (mainnet, all_features) = thread::scope(|scope| {
        let all_features = scope.spawn(|| measure(FeatureProfile::AllFeatures));
        (measure(FeatureProfile::Mainnet), all_features.join().expect("each row can be measured"))
    });
    let units = mainnet.into_iter().zip(all_features);
    let units = units.map(|(mainnet, all_features)| Units { mainnet, all_features });
    names().into_iter().zip(units).map(|(name, units)| report::Row { name, units }).collect()
}

/// Units of the row of that name with mainnet's features, if there is one.
pub fn units_of(name: &str) -> Option<u64> {
    all().iter().find(|row| row.name == name).map(|row| (row.units)(FeatureProfile::Mainnet))
}

/// Names of the rows.
pub fn names() -> Vec<String> {
    all().into_iter().map(|row| row.name).collect()
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
        managing::rows(),
        worst::rows(),
        baseline::rows(),
    ]
    .concat()
}

/// One row: `units` runs the instruction under a feature set and returns what it cost.
fn row(name: &str, units: impl Fn(FeatureProfile) -> u64 + 'static) -> Row {
    Row { name: name.to_owned(), units: Rc::new(units) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::root;
    use shared_layouts::declare::InstructionSpec;
    use shared_layouts::{diff, processor, scheduler};
    use std::collections::BTreeSet;

    const PROGRAMS: [(&str, &[&InstructionSpec]); 3] =
        [("processor", processor::INSTRUCTIONS), ("scheduler", scheduler::INSTRUCTIONS), ("diff", diff::INSTRUCTIONS)];

    /// `CreateQueue` as rows call it: `create_queue`.
    fn snake(name: &str) -> String {
        let mut snake = String::new();
        for letter in name.chars() {
            if letter.is_uppercase() && !snake.is_empty() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        }
        snake
    }

    /// Declared instructions of which no row is.
    fn unmeasured(names: &BTreeSet<String>, programs: &[(&str, &[&InstructionSpec])]) -> Vec<String> {
        let all = programs
            .iter()
            .flat_map(|(program, declared)| declared.iter().map(move |spec| format!("{program}/{}", snake(spec.name))));
        let has_row = |row: &String| names.iter().any(|name| name == row || name.starts_with(&format!("{row}/")));
        all.filter(|row| !has_row(row)).collect()
    }

    #[test]
    fn every_declared_instruction_has_a_row() {
        let mut names: BTreeSet<String> = names().into_iter().collect();
        assert_eq!(unmeasured(&names, &PROGRAMS), Vec::<String>::new());
        // A check that sees nothing would prove nothing.
        names.retain(|name| !name.starts_with("scheduler/claim/"));
        assert_eq!(unmeasured(&names, &PROGRAMS), ["scheduler/claim"]);
    }

    /// Lines of the table of worst cases in `docs/performance.md`: instructions, and rows or why there is none but the usual.
    fn worst_cases() -> Vec<(Vec<String>, String)> {
        let page = std::fs::read_to_string(root().join("docs/performance.md")).unwrap();
        let (_, section) = page.split_once("\n## Worst cases\n").expect("the section stands there");
        let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let lines = section.lines().filter(|line| line.starts_with("| `"));
        lines
            .map(|line| {
                let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
                let [instructions, _, row] = cells[..] else { panic!("three cells: {line}") };
                (quoted(instructions), row.trim_matches('`').to_owned())
            })
            .collect()
    }

    /// Each declared instruction stands in one line of the table. The line names the row that the instruction has, in each
    /// program that has the instruction, or `-` where the cost is fixed.
    #[test]
    fn the_table_of_worst_cases_is_complete_and_names_rows_that_exist() {
        let names: BTreeSet<String> = names().into_iter().collect();
        let lines = worst_cases();
        for (program, declared) in PROGRAMS {
            for spec in declared {
                let found: Vec<_> = lines.iter().filter(|(all, _)| all.iter().any(|name| name == spec.name)).collect();
                let [(_, row)] = found[..] else { panic!("{} stands in {} lines", spec.name, found.len()) };
                let row = format!("{program}/{}/{row}", snake(spec.name));
                assert!(row.ends_with("/-") || names.contains(&row), "{row}");
            }
        }
        let declared: BTreeSet<&str> = PROGRAMS.iter().flat_map(|(_, all)| all.iter().map(|spec| spec.name)).collect();
        let named: BTreeSet<&str> = lines.iter().flat_map(|(all, _)| all.iter().map(String::as_str)).collect();
        assert_eq!(named, declared);
    }
}
