//! Where everything lies, and the reading and writing of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::budgets::Budgets;
use crate::markdown;
use crate::readme;
use crate::report::Report;
use crate::rows;
use crate::toolchain::Toolchain;

/// The programs whose size is recorded: name in the table, file in `target/deploy`.
const PROGRAMS: [(&str, &str); 3] =
    [("processor", "valence_processor.so"), ("scheduler", "valence_scheduler.so"), ("diff", "valence_diff.so")];

/// The folder of the repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The folder of the committed results.
pub fn results() -> PathBuf {
    root().join("bench/results")
}

/// Reads `bench/budgets.toml`.
pub fn budgets() -> Result<Budgets> {
    let path = root().join("bench/budgets.toml");
    toml::from_str(&read(&path)?).map_err(|error| format!("bench/budgets.toml: {error}").into())
}

/// Measures every row, weighs every program, and asks the tools for their versions.
pub fn measure() -> Result<Report> {
    let mut binaries = BTreeMap::new();
    for (name, file) in PROGRAMS {
        binaries.insert(name.to_owned(), read_program(file)?.len() as u64);
    }
    let [(_, any_program), ..] = PROGRAMS;
    let toolchain = Toolchain::read(&read_program(any_program)?)?;
    Report::new(toolchain, binaries, rows::rows(), rows::limits())
}

fn read_program(file: &str) -> Result<Vec<u8>> {
    let path = root().join("target/deploy").join(file);
    fs::read(path).map_err(|error| format!("target/deploy/{file}: {error}: run `just build`").into())
}

/// The committed report, if there is one.
pub fn load(folder: &Path) -> Result<Option<Report>> {
    let path = folder.join("compute_units.json");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display()).into()),
    }
}

/// Writes both tables where a number in them changed, and returns the files written.
pub fn save(folder: &Path, report: &Report, budgets: &Budgets) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let json = serde_json::to_string_pretty(report)? + "\n";
    let texts = [("compute_units.json", json), ("compute_units.md", markdown::render(report, budgets))];
    let mut written = Vec::new();
    for (name, text) in texts {
        let path = folder.join(name);
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        fs::write(&path, text)?;
        written.push(path);
    }
    Ok(written)
}

/// Whether the committed Markdown is what the committed numbers and budgets give.
pub fn markdown_is_current(folder: &Path, recorded: &Report, budgets: &Budgets) -> bool {
    fs::read_to_string(folder.join("compute_units.md")).is_ok_and(|text| text == markdown::render(recorded, budgets))
}

/// Writes the README's table of `report` where a number in it changed; says whether it did.
pub fn save_readme(report: &Report) -> Result<bool> {
    let path = root().join("README.md");
    let old = read(&path)?;
    let new = readme::update(&old, report)?;
    if new == old {
        return Ok(false);
    }
    fs::write(&path, new)?;
    Ok(true)
}

/// Whether the README shows the numbers of `recorded`.
pub fn readme_is_current(recorded: &Report) -> Result<bool> {
    let text = read(&root().join("README.md"))?;
    Ok(readme::update(&text, recorded)? == text)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Units;

    fn report(mainnet: u64) -> Report {
        Report {
            toolchain: Toolchain::default(),
            binaries: BTreeMap::new(),
            rows: BTreeMap::from([("diff/pause".into(), Units { mainnet, all_features: mainnet })]),
            limits: BTreeMap::new(),
        }
    }

    #[test]
    fn the_committed_budgets_parse_and_name_every_program() {
        let budgets = budgets().unwrap();
        for (name, _) in PROGRAMS {
            assert!(budgets.binaries.contains_key(name), "{name}");
        }
        assert!(!budgets.rows.is_empty());
    }

    #[test]
    fn files_are_written_only_when_a_number_changes() {
        let folder = std::env::temp_dir().join(format!("bench-files-{}", std::process::id()));
        let budgets = Budgets::default();
        assert_eq!(load(&folder).unwrap(), None);
        assert_eq!(save(&folder, &report(100), &budgets).unwrap().len(), 2);
        assert_eq!(save(&folder, &report(100), &budgets).unwrap().len(), 0);
        assert_eq!(load(&folder).unwrap(), Some(report(100)));
        assert!(markdown_is_current(&folder, &report(100), &budgets));
        assert!(!markdown_is_current(&folder, &report(101), &budgets));
        assert_eq!(save(&folder, &report(101), &budgets).unwrap().len(), 2);
        fs::remove_dir_all(&folder).unwrap();
    }

    /// Verbs move links: what they cost must not depend on how many entries a queue has.
    #[test]
    fn what_the_design_calls_flat_is_flat_in_the_committed_table() {
        let report = load(&results()).unwrap().unwrap();
        let units = |row: &str| report.rows[row].mainnet;
        for (row, in_a_full_queue) in [
            ("scheduler/enqueue/empty", "scheduler/enqueue/last-slot"),
            ("scheduler/enqueue/10th", "scheduler/enqueue/last-slot"),
            ("scheduler/dispatch/of-10", "scheduler/dispatch/of-1000"),
            ("scheduler/enqueue/ordered", "scheduler/enqueue/ordered-last-slot"),
            ("scheduler/dispatch/ordered", "scheduler/dispatch/ordered-of-1000"),
            ("scheduler/dispatch/ordered-unleased", "scheduler/dispatch/ordered-unleased-of-1000"),
            ("scheduler/hold", "scheduler/hold/worst"),
            ("scheduler/reprioritize", "scheduler/reprioritize/worst"),
        ] {
            let (few, many) = (units(row), units(in_a_full_queue));
            assert!(many.abs_diff(few) * 10 <= few, "{row} costs {few}, {in_a_full_queue} {many}");
        }
    }
}
