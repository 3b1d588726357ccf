//! Figures that keepers export: what they simulated, which no ledger shows.

use super::figures::Figures;
use crate::failure::{Failure, Outcome};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Longest wait for a keeper's answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Adds the counters of each keeper; one that does not answer is shown as down.
pub fn figures(figures: &mut Figures, keepers: &[String]) {
    for keeper in keepers {
        let text = read(keeper);
        figures.count("keeper_up", &[keeper], text.is_ok().into());
        add(figures, keeper, &text.unwrap_or_default());
    }
}

/// The counters of a keeper, from its address or its file.
fn read(keeper: &str) -> Outcome<String> {
    let fault = |error: &dyn std::fmt::Display| Failure::new(format!("the counters of the keeper {keeper}: {error}"));
    if !keeper.starts_with("http://") && !keeper.starts_with("https://") {
        return fs::read_to_string(keeper).map_err(|error| fault(&error));
    }
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build().into();
    let mut answer = agent.get(keeper).call().map_err(|error| fault(&error))?;
    answer.body_mut().read_to_string().map_err(|error| fault(&error))
}

fn add(figures: &mut Figures, keeper: &str, text: &str) {
    let mut results: BTreeMap<&str, u64> = BTreeMap::new();
    for line in text.lines() {
        if let Some((result, count)) = sample(line, "valence_keeper_simulations_total", "result") {
            *results.entry(result).or_default() += count;
            figures.count("keeper_simulations_total", &[keeper, result], count);
        }
        if let Some((predicate, count)) = sample(line, "valence_keeper_rejections_total", "predicate") {
            figures.count("keeper_rejections_total", &[keeper, predicate], count);
        }
    }
    let count = |result| results.get(result).copied().unwrap_or_default();
    let decided = count("passed") + count("rejected");
    figures.ratio("simulated_verification_success_ratio", &[keeper], count("passed"), decided);
}

/// A line `name{label="value"} count` of Prometheus' text format.
fn sample<'a>(line: &'a str, name: &str, label: &str) -> Option<(&'a str, u64)> {
    let rest = line.strip_prefix(name)?.strip_prefix('{')?.strip_prefix(label)?.strip_prefix("=\"")?;
    let (value, rest) = rest.split_once('"')?;
    let count: f64 = rest.strip_prefix('}')?.split_whitespace().next()?.parse().ok()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A counter.
    Some((value, count as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_a_keeper_are_read_and_labelled_with_it() {
        let text = "# TYPE valence_keeper_simulations_total counter\n\
            valence_keeper_simulations_total{result=\"passed\"} 6\n\
            valence_keeper_simulations_total{result=\"rejected\"} 2\n\
            valence_keeper_simulations_total{result=\"failed\"} 9\n\
            valence_keeper_rejections_total{predicate=\"1\"} 2\nanother_total 3\n";
        let mut figures = Figures::default();
        add(&mut figures, "a", text);
        assert_eq!(figures.value("keeper_simulations_total", &["a", "failed"]), Some(9.0));
        assert_eq!(figures.value("keeper_rejections_total", &["a", "1"]), Some(2.0));
        assert_eq!(figures.value("simulated_verification_success_ratio", &["a"]), Some(0.75));
    }

    #[test]
    fn a_keeper_that_does_not_answer_is_down() {
        let mut figures = Figures::default();
        super::figures(&mut figures, &["/nowhere".to_owned(), "http://127.0.0.1:9/metrics".to_owned()]);
        assert_eq!(figures.list.iter().map(|figure| figure.value).collect::<Vec<_>>(), [0.0, 0.0]);
    }
}
