//! Figures that keepers export: what they simulated, which no ledger shows.

use super::figures::Figures;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A keeper writes its counters every few seconds: after this it is taken for dead.
const SILENCE_SECONDS: u64 = 60;
/// What the keeper's names begin with.
const PREFIX: &str = "valence_keeper_";

/// The counters that a keeper writes, by name and by the value of their label, which is empty where there is none.
type Counters = BTreeMap<(String, String), u64>;

/// Adds the counters of each keeper; a file that cannot be read is a keeper that is down.
pub fn figures(figures: &mut Figures, places: &[PathBuf]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    for file in places.iter().flat_map(|place| files(place)) {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = name.strip_prefix("keeper-").unwrap_or(&name);
        match fs::read_to_string(&file) {
            Ok(text) => add(figures, name, &parse(&text), now),
            Err(error) => {
                eprintln!("error: the counters of a keeper, {}: {error}", file.display());
                figures.count("keeper_up", &[name], 0);
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
        name.starts_with("keeper-") && path.extension().is_some_and(|ending| ending == "prom")
    };
    let mut found: Vec<_> = paths.filter(is_counters).collect();
    found.sort();
    found
}

/// Lines `name{label="value"} count` of Prometheus' text format, with at most one label. Others are the keeper's own.
fn parse(text: &str) -> Counters {
    let sample = |line: &str| {
        let (name, count) = line.strip_prefix(PREFIX)?.rsplit_once(' ')?;
        let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
        let labels = labels.strip_suffix('}')?;
        if labels.contains(',') {
            return None;
        }
        let value = labels.split_once("=\"").map_or("", |(_, value)| value.trim_end_matches('"'));
        Some(((name.to_owned(), value.to_owned()), count.parse().ok()?))
    };
    text.lines().filter_map(sample).collect()
}

fn add(figures: &mut Figures, keeper: &str, counters: &Counters, now: u64) {
    let value = |name: &str, label: &str| counters.get(&(name.to_owned(), label.to_owned())).copied();
    let plain = |name: &str| value(name, "").unwrap_or_default();
    let is_up = plain("running") == 1 && now.saturating_sub(plain("updated_seconds")) <= SILENCE_SECONDS;
    figures.count("keeper_up", &[keeper], is_up.into());
    for ((name, label), count) in counters {
        match name.as_str() {
            "simulations_total" => figures.count("keeper_simulations_total", &[keeper, label], *count),
            "rejections_total" => figures.count("keeper_rejections_total", &[keeper, label], *count),
            _ => {}
        }
    }
    let [passed, rejected] =
        ["passed", "rejected"].map(|result| value("simulations_total", result).unwrap_or_default());
    figures.ratio("simulated_verification_success_ratio", &[keeper], passed, passed + rejected);
    figures.count("keeper_dispatched_total", &[keeper], plain("dispatched_total"));
    figures.count("keeper_lost_races_total", &[keeper], plain("lost_races_total"));
    figures.count("keeper_connection_errors_total", &[keeper], plain("connection_errors_total"));
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE valence_keeper_simulations_total gauge\n\
        valence_keeper_simulations_total{result=\"passed\"} 6\n\
        valence_keeper_simulations_total{result=\"rejected\"} 2\n\
        valence_keeper_simulations_total{result=\"failed\"} 9\n\
        valence_keeper_rejections_total{predicate=\"1\"} 2\n\
        valence_keeper_failures_total{capability=\"c\",class=\"transient\",code=\"1\"} 3\n\
        valence_keeper_dispatched_total 6\nvalence_keeper_running 1\nvalence_keeper_updated_seconds 100\nanother 3\n";

    #[test]
    fn counters_are_read_and_labelled_with_their_keeper() {
        let mut figures = Figures::default();
        add(&mut figures, "w", &parse(TEXT), 100);
        for (result, count) in [("passed", 6.0), ("rejected", 2.0), ("failed", 9.0)] {
            assert_eq!(figures.value("keeper_simulations_total", &["w", result]), Some(count));
        }
        assert_eq!(figures.value("keeper_rejections_total", &["w", "1"]), Some(2.0));
        assert_eq!(figures.value("keeper_dispatched_total", &["w"]), Some(6.0));
        assert_eq!(figures.value("simulated_verification_success_ratio", &["w"]), Some(0.75));
        assert_eq!(figures.value("keeper_up", &["w"]), Some(1.0));
    }

    #[test]
    fn a_keeper_that_is_silent_has_stopped_or_wrote_nothing_is_down() {
        for (text, now) in [(TEXT, 161), (&TEXT.replace("running 1", "running 0")[..], 100), ("", 100)] {
            let mut figures = Figures::default();
            add(&mut figures, "w", &parse(text), now);
            assert_eq!(figures.value("keeper_up", &["w"]), Some(0.0));
        }
        let mut figures = Figures::default();
        super::figures(&mut figures, &[PathBuf::from("/nowhere/keeper-w.prom")]);
        assert_eq!(figures.value("keeper_up", &["w"]), Some(0.0));
    }
}
