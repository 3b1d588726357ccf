//! Figures over time, for the plots of the status page: in memory, for as long as the monitor runs.

use crate::health::figures::Figures;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

/// Samples that are kept of each line: at one in 15 seconds, six hours.
const SAMPLES: usize = 1_440;
/// Size of a plot, pixels.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 120.0;

/// What is plotted: a title, the figure, and the label that makes the lines of one plot; the others make plots of it.
const PLOTS: &[(&str, &str, Option<&str>)] = &[
    ("entries", "queue_entries", Some("list")),
    ("oldest ready entry, seconds", "queue_oldest_ready_seconds", None),
    ("dispatches per second", "queue_dispatches_per_second", None),
    ("share of verifications that passed", "verification_success_ratio", None),
    ("staged bytes that optimization leaves", "arena_optimization_ratio", None),
    ("batches committed", "arena_batches_total", None),
];

/// A figure's values, one for each time; none where it was not there.
type Line = VecDeque<Option<f64>>;

/// Samples by figure and labels.
#[derive(Default)]
pub struct History {
    times: VecDeque<i64>,
    lines: BTreeMap<(&'static str, Vec<String>), Line>,
}

/// A plot.
#[derive(serde::Serialize)]
pub struct Plot {
    title: String,
    /// Names of the lines with their last values and their classes.
    legend: Vec<(String, String, usize)>,
    /// Inline SVG.
    svg: String,
}

impl History {
    /// Adds what was found at a time (unix seconds).
    pub fn add(&mut self, now: i64, figures: &Figures) {
        self.times.push_back(now);
        let samples = self.times.len();
        for (_, name, _) in PLOTS {
            for figure in figures.list.iter().filter(|figure| figure.spec.name == *name) {
                let line = self.lines.entry((figure.spec.name, figure.labels.clone())).or_default();
                // It may be new, or have been away.
                line.resize(samples - 1, None);
                line.push_back(Some(figure.value));
            }
        }
        for line in self.lines.values_mut() {
            line.resize(samples, None);
        }
        while self.times.len() > SAMPLES {
            self.times.pop_front();
            for line in self.lines.values_mut() {
                line.pop_front();
            }
        }
        self.lines.retain(|_, line| line.iter().any(Option::is_some));
    }

    /// Every plot of which there is a sample.
    pub fn plots(&self) -> Vec<Plot> {
        PLOTS.iter().flat_map(|(title, name, lines)| self.of(title, name, *lines)).collect()
    }

    fn of(&self, title: &str, name: &'static str, by: Option<&str>) -> Vec<Plot> {
        let mut plots: BTreeMap<String, Vec<(String, &Line)>> = BTreeMap::new();
        let labels = crate::health::figures::spec(name).map_or(&[][..], |spec| spec.labels);
        for ((found, values), line) in self.lines.iter().filter(|((found, _), _)| *found == name) {
            let pairs: Vec<_> = labels.iter().copied().zip(values).collect();
            let plot = pairs.iter().filter(|(label, _)| Some(*label) != by);
            let plot: Vec<_> = plot.map(|(label, value)| format!("{label} {value}: ")).collect();
            let line_name = pairs.iter().find(|(label, _)| Some(*label) == by).map(|(_, value)| (*value).clone());
            plots.entry(plot.concat()).or_default().push((line_name.unwrap_or_else(|| (*found).to_owned()), line));
        }
        plots.into_iter().map(|(plot, lines)| self.plot(format!("{plot}{title}"), &lines)).collect()
    }

    fn plot(&self, title: String, lines: &[(String, &Line)]) -> Plot {
        let values = lines.iter().flat_map(|(_, line)| line.iter().flatten());
        let top = values.copied().fold(1.0, f64::max);
        let (first, last) = (self.times.front().copied().unwrap_or(0), self.times.back().copied().unwrap_or(0));
        #[allow(clippy::cast_precision_loss)] // Seconds and samples.
        let x = |time: i64| WIDTH * (time - first) as f64 / (last - first).max(1) as f64;
        let mut svg = format!("<svg viewBox=\"-2 -14 {} {}\" role=\"img\">", WIDTH + 4.0, HEIGHT + 30.0);
        let _ = write!(svg, "<path class=\"axis\" d=\"M0 0V{HEIGHT}H{WIDTH}\"/>");
        let _ = write!(svg, "<text x=\"4\" y=\"-3\">{}</text>", shown(top));
        let span = match last - first {
            seconds @ ..180 => format!("{seconds} seconds"),
            seconds => format!("{} minutes", seconds / 60),
        };
        let _ = write!(svg, "<text x=\"{WIDTH}\" y=\"{}\" class=\"end\">last {span}</text>", HEIGHT + 13.0);
        for (class, (_, line)) in lines.iter().enumerate() {
            let mut path = String::new();
            let mut is_open = false;
            for (time, value) in self.times.iter().zip(*line) {
                if let Some(value) = value {
                    let mark = if is_open { 'L' } else { 'M' };
                    let _ = write!(path, "{mark}{:.1} {:.1}", x(*time), HEIGHT - HEIGHT * value / top);
                }
                is_open = value.is_some();
            }
            let _ = write!(svg, "<path class=\"line line{}\" d=\"{path}\"/>", class % 6);
        }
        svg.push_str("</svg>");
        let legend = lines.iter().enumerate().map(|(class, (name, line))| {
            (name.clone(), line.back().copied().flatten().map_or("-".to_owned(), shown), class % 6)
        });
        Plot { title, legend: legend.collect(), svg }
    }
}

/// At most three digits behind the point.
pub fn shown(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_queue_share_a_plot_and_a_gap_stays_a_gap() {
        let mut history = History::default();
        for (now, ready) in [(0, Some(4.0)), (60, None), (120, Some(2.0))] {
            let mut figures = Figures::default();
            figures.add("queue_entries", &["0/0", "dead"], 1.0);
            if let Some(ready) = ready {
                figures.add("queue_entries", &["0/0", "ready"], ready);
            }
            history.add(now, &figures);
        }
        let plots = history.plots();
        assert_eq!(plots.len(), 1);
        assert_eq!(plots[0].title, "queue 0/0: entries");
        assert_eq!(plots[0].legend, [("dead".into(), "1".into(), 0), ("ready".into(), "2".into(), 1)]);
        assert!(plots[0].svg.contains("d=\"M0.0 90.0L240.0 90.0L480.0 90.0\""), "{}", plots[0].svg);
        assert!(plots[0].svg.contains("d=\"M0.0 0.0M480.0 60.0\""), "{}", plots[0].svg);
    }
}
