//! Figures that keepers export: what they simulated, which no ledger shows.

use super::figures::Figures;
use crate::failure::{Failure, Outcome};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A keeper writes its counters every few seconds: after this it is taken for dead.
const SILENCE_SECONDS: u64 = 60;
/// The format that is read here.
const FORMAT: u32 = 1;

/// The counters that a keeper writes; docs/monitoring.md states the format. Further fields are the keeper's own.
#[derive(Debug, Deserialize)]
struct Counters {
    format: u32,
    worker: String,
    /// Unix seconds.
    updated_at: u64,
    stopped: bool,
    simulated: u64,
    simulations_failed: u64,
    dispatched: u64,
    lost_races: u64,
    connection_errors: u64,
    failures: Vec<Failed>,
}

#[derive(Debug, Deserialize)]
struct Failed {
    /// Index of the verification function that decided against the entry.
    predicate: Option<u32>,
    count: u64,
}

/// Adds the counters of each keeper; a file that cannot be read is a keeper that is down.
pub fn figures(figures: &mut Figures, places: &[PathBuf]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    for file in places.iter().flat_map(|place| files(place)) {
        match read(&file) {
            Ok(counters) => add(figures, &counters, now),
            Err(failure) => {
                eprintln!("error: {}", failure.line());
                figures.count("keeper_up", &[&file.display().to_string()], 0);
            }
        }
    }
}

/// A file, or the counters of every keeper in a folder.
fn files(place: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(place) else { return vec![place.to_owned()] };
    let paths = entries.flatten().map(|entry| entry.path());
    let is_counters = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("keeper-") && path.extension().is_some_and(|ending| ending == "json")
    };
    let mut found: Vec<_> = paths.filter(is_counters).collect();
    found.sort();
    found
}

fn read(file: &Path) -> Outcome<Counters> {
    let fault = |cause: String| Failure::new(format!("the counters of a keeper, {}: {cause}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| fault(error.to_string()))?;
    let counters: Counters = serde_json::from_str(&text).map_err(|error| fault(error.to_string()))?;
    if counters.format != FORMAT {
        return Err(fault(format!("they have format {}, and {FORMAT} is read here", counters.format))
            .cure("use the `valence` of the keeper's version"));
    }
    Ok(counters)
}

fn add(figures: &mut Figures, counters: &Counters, now: u64) {
    let name: [&str; 1] = [&counters.worker];
    let is_up = !counters.stopped && now.saturating_sub(counters.updated_at) <= SILENCE_SECONDS;
    figures.count("keeper_up", &name, is_up.into());
    let mut predicates: BTreeMap<u32, u64> = BTreeMap::new();
    for failed in &counters.failures {
        if let Some(predicate) = failed.predicate {
            *predicates.entry(predicate).or_default() += failed.count;
        }
    }
    let rejected: u64 = predicates.values().sum();
    let passed = counters.simulated.saturating_sub(counters.simulations_failed);
    let failed = counters.simulations_failed.saturating_sub(rejected);
    for (result, count) in [("passed", passed), ("rejected", rejected), ("failed", failed)] {
        figures.count("keeper_simulations_total", &[name[0], result], count);
    }
    for (predicate, count) in predicates {
        figures.count("keeper_rejections_total", &[name[0], &predicate.to_string()], count);
    }
    figures.ratio("simulated_verification_success_ratio", &name, passed, passed + rejected);
    figures.count("keeper_dispatched_total", &name, counters.dispatched);
    figures.count("keeper_lost_races_total", &name, counters.lost_races);
    figures.count("keeper_connection_errors_total", &name, counters.connection_errors);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(updated_at: u64) -> Counters {
        let failed = |predicate, count| Failed { predicate, count };
        Counters {
            format: FORMAT,
            worker: "w".to_owned(),
            updated_at,
            stopped: false,
            simulated: 17,
            simulations_failed: 11,
            dispatched: 6,
            lost_races: 1,
            connection_errors: 0,
            failures: vec![failed(Some(1), 2), failed(None, 9), failed(Some(1), 0)],
        }
    }

    #[test]
    fn simulations_are_told_apart_by_what_decided_them() {
        let mut figures = Figures::default();
        add(&mut figures, &counters(100), 100);
        for (result, count) in [("passed", 6.0), ("rejected", 2.0), ("failed", 9.0)] {
            assert_eq!(figures.value("keeper_simulations_total", &["w", result]), Some(count));
        }
        assert_eq!(figures.value("keeper_rejections_total", &["w", "1"]), Some(2.0));
        assert_eq!(figures.value("simulated_verification_success_ratio", &["w"]), Some(0.75));
        assert_eq!(figures.value("keeper_up", &["w"]), Some(1.0));
    }

    #[test]
    fn a_keeper_that_is_silent_or_has_stopped_is_down() {
        let mut stopped = counters(100);
        stopped.stopped = true;
        for (counters, now) in [(counters(100), 161), (stopped, 100)] {
            let mut figures = Figures::default();
            add(&mut figures, &counters, now);
            assert_eq!(figures.value("keeper_up", &["w"]), Some(0.0));
        }
        let mut figures = Figures::default();
        super::figures(&mut figures, &[PathBuf::from("/nowhere")]);
        assert_eq!(figures.value("keeper_up", &["/nowhere"]), Some(0.0));
    }
}
