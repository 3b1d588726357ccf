//! The figures in Prometheus' text format.

use crate::health::figures::Figures;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, GaugeVec, Opts, Registry, TextEncoder};

/// Type of the text.
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// What every name begins with.
pub const PREFIX: &str = "valence_";

/// Each family of the figures with its help and type.
pub fn text(figures: &Figures) -> prometheus::Result<String> {
    let registry = Registry::new();
    registry.register(Box::new(Families::new(figures)?))?;
    TextEncoder::new().encode_to_string(&registry.gather())
}

/// Families that were made of figures, as a registry takes them.
struct Families(Vec<Box<dyn Collector>>);

impl Families {
    fn new(figures: &Figures) -> prometheus::Result<Self> {
        let mut families: Vec<Box<dyn Collector>> = Vec::new();
        for spec in crate::health::figures::SPECS {
            let values = figures.list.iter().filter(|figure| figure.spec.name == spec.name);
            let options = Opts::new(format!("{PREFIX}{}", spec.name), spec.help);
            if spec.is_counter() {
                let family = CounterVec::new(options, spec.labels)?;
                for figure in values {
                    family.get_metric_with_label_values(&figure.labels)?.inc_by(figure.value);
                }
                families.push(Box::new(family));
            } else {
                let family = GaugeVec::new(options, spec.labels)?;
                for figure in values {
                    family.get_metric_with_label_values(&figure.labels)?.set(figure.value);
                }
                families.push(Box::new(family));
            }
        }
        Ok(Self(families))
    }
}

impl Collector for Families {
    fn desc(&self) -> Vec<&Desc> {
        self.0.iter().flat_map(|family| family.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.0.iter().flat_map(|family| family.collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_become_families_with_labels_and_types() {
        let mut figures = Figures::default();
        figures.add("queue_entries", &["0/0", "ready"], 3.0);
        figures.add("queue_entries", &["0/0", "dead"], 1.0);
        figures.add("queue_enqueued_total", &["0/0"], 9.0);
        let text = text(&figures).unwrap();
        for line in [
            "# TYPE valence_queue_entries gauge",
            "valence_queue_entries{list=\"dead\",queue=\"0/0\"} 1",
            "# TYPE valence_queue_enqueued_total counter",
            "valence_queue_enqueued_total{queue=\"0/0\"} 9",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
    }
}
