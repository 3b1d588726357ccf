//! Thresholds: which figures must stay where, from a file.

use super::figures::{Figure, Figures, spec};
use crate::failure::{Failure, Outcome};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A file of thresholds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// In the order of the file.
    #[serde(default)]
    threshold: Vec<Threshold>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Threshold {
    figure: String,
    /// Only figures with these labels; all of the name without.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Crossed by a higher value.
    above: Option<f64>,
    /// Crossed by a lower value.
    below: Option<f64>,
}

impl Thresholds {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Outcome<Self> {
        let fault = |cause: String| Failure::new(format!("{}: {cause}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        let read: Self = toml::from_str(&text).map_err(|error| fault(error.to_string()))?;
        for threshold in &read.threshold {
            threshold.check().map_err(fault)?;
        }
        Ok(read)
    }

    /// What a figure crosses, in words.
    pub fn crossed(&self, figure: &Figure) -> Option<String> {
        self.threshold.iter().find_map(|threshold| threshold.crossed(figure))
    }

    /// Whether any figure crosses a threshold.
    pub fn is_any_crossed(&self, figures: &Figures) -> bool {
        figures.list.iter().any(|figure| self.crossed(figure).is_some())
    }
}

impl Threshold {
    fn check(&self) -> Result<(), String> {
        let name = &self.figure;
        let spec = spec(name)
            .ok_or_else(|| format!("there is no figure `{name}`: `valence health --json` shows their names"))?;
        if let Some(label) = self.labels.keys().find(|label| !spec.labels.contains(&label.as_str())) {
            return Err(format!("`{name}` has no label `{label}`: it has {}", spec.labels.join(", ")));
        }
        if self.above.is_none() && self.below.is_none() {
            return Err(format!("the threshold of `{name}` has neither `above` nor `below`: give one"));
        }
        Ok(())
    }

    fn crossed(&self, figure: &Figure) -> Option<String> {
        let has = |name: &str| figure.spec.labels.iter().zip(&figure.labels).find(|(label, _)| **label == name);
        let is_meant = figure.spec.name == self.figure
            && self.labels.iter().all(|(name, value)| has(name).is_some_and(|(_, found)| found == value));
        if !is_meant {
            return None;
        }
        let above = self.above.filter(|limit| figure.value > *limit).map(|limit| format!("above {limit}"));
        above.or_else(|| self.below.filter(|limit| figure.value < *limit).map(|limit| format!("below {limit}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thresholds(text: &str) -> Outcome<Thresholds> {
        let name = std::thread::current().name().unwrap_or_default().replace(':', "-");
        let path = std::env::temp_dir().join(format!("valence-{}-{name}.toml", std::process::id()));
        fs::write(&path, text).unwrap();
        let read = Thresholds::read(&path);
        fs::remove_file(path).unwrap();
        read
    }

    #[test]
    fn a_threshold_is_crossed_by_figures_of_its_name_and_labels() {
        let text = "[[threshold]]\nfigure = 'queue_entries'\nlabels = { list = 'dead' }\nabove = 2\n\
            [[threshold]]\nfigure = 'program_deployed'\nbelow = 1\n";
        let read = thresholds(text).unwrap();
        let mut figures = Figures::default();
        figures.add("queue_entries", &["0/0", "dead"], 2.0);
        figures.add("queue_entries", &["0/0", "ready"], 9.0);
        figures.add("program_deployed", &["diff"], 1.0);
        assert!(!read.is_any_crossed(&figures));
        figures.add("queue_entries", &["0/1", "dead"], 3.0);
        figures.add("program_deployed", &["processor"], 0.0);
        let crossed: Vec<_> = figures.list.iter().filter_map(|figure| read.crossed(figure)).collect();
        assert_eq!(crossed, ["above 2", "below 1"]);
    }

    #[test]
    fn a_wrong_file_says_what_is_wrong() {
        for (text, words) in [
            ("[[threshold]]\nfigure = 'queue_length'\nabove = 1\n", "there is no figure `queue_length`"),
            ("[[threshold]]\nfigure = 'shards'\n", "neither `above` nor `below`"),
            ("[[threshold]]\nfigure = 'queue_slots'\nlabels = { list = 'x' }\nabove = 1\n", "has no label `list`"),
            ("[[threshold]]\nfigure = 'shards'\nover = 1\n", "unknown field `over`"),
        ] {
            let line = thresholds(text).unwrap_err().line();
            assert!(line.contains(words), "{line}");
        }
    }

    #[test]
    fn the_example_of_the_documentation_is_accepted() {
        let page = include_str!("../../../docs/monitoring.md");
        let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        assert_eq!(thresholds(example).unwrap().threshold.len(), 1);
    }

    #[test]
    fn the_shipped_thresholds_are_valid() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../monitoring/thresholds.toml");
        assert!(!Thresholds::read(&path).unwrap().threshold.is_empty());
    }
}
