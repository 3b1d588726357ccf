//! `bench measure` records compute units and sizes; `bench check` holds them to the record and the budgets.

use std::process::ExitCode;

use bench::{Result, files, gate};

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    let outcome = match command.as_str() {
        "measure" => measure(),
        "check" => check(),
        _ => Err("say `measure` or `check`".into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the tables. Fails where the gate would fail on them, so that nobody commits what cannot pass.
fn measure() -> Result<bool> {
    let budgets = files::budgets()?;
    let report = files::measure()?;
    if report.rows.is_empty() {
        return Err("no rows measured".into());
    }
    let written = files::save(&files::results(), &report, &budgets)?;
    let files = written.len() + usize::from(files::save_readme(&report)?);
    println!("bench: {} rows, {files} files written", report.rows.len());
    Ok(tell(&gate::check(Some(&report), &report, &budgets)))
}

fn check() -> Result<bool> {
    let budgets = files::budgets()?;
    let recorded = files::load(&files::results())?;
    let report = files::measure()?;
    let mut holds = tell(&gate::check(recorded.as_ref(), &report, &budgets));
    if let Some(recorded) = recorded {
        let tables = [
            ("bench/results/compute_units.md", files::markdown_is_current(&files::results(), &recorded, &budgets)),
            ("README.md", files::readme_is_current(&recorded)?),
        ];
        for (file, _) in tables.iter().filter(|(_, is_current)| !is_current) {
            println!("FAILED: {file} is not what the recorded numbers and the budgets give: run `just bench`");
            holds = false;
        }
    }
    if holds {
        println!("bench-check: {} rows and {} programs hold", report.rows.len(), report.binaries.len());
    }
    Ok(holds)
}

fn tell(verdict: &gate::Verdict) -> bool {
    for note in &verdict.notes {
        println!("note: {note}");
    }
    for violation in &verdict.violations {
        println!("FAILED: {violation}");
    }
    verdict.violations.is_empty()
}
