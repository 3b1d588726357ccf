//! `valence health`: the figures as a table, judged by thresholds.

use crate::cluster::Cluster;
use crate::failure::Outcome;
use crate::health::figures::{Figure, Figures};
use crate::health::thresholds::Thresholds;
use crate::health::{Gatherer, Scope};
use crate::output::{Output, Row};
use crate::signals::{rest, stop_on_signals};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Exit status when a threshold is crossed.
const CROSSED: u8 = 3;

/// Arguments of `health`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    scope: Scope,
    /// File of thresholds: the exit status is 3 if one is crossed
    #[arg(long, value_name = "FILE")]
    thresholds: Option<PathBuf>,
    /// Shows the figures every so many seconds, until a signal
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    watch: Option<u64>,
    /// Shows only figures that cross a threshold
    #[arg(long, requires = "thresholds")]
    crossed: bool,
}

/// Runs the command.
pub fn run(cluster: &Cluster, arguments: &Arguments, json: bool) -> Outcome<Output> {
    let thresholds = arguments.thresholds.as_deref().map(Thresholds::read).transpose()?.unwrap_or_default();
    let programs = cluster.programs()?;
    let mut gatherer = Gatherer::new(&programs, &arguments.scope);
    let mut judged = || -> Outcome<Output> {
        let (figures, _) = gatherer.gather(cluster)?;
        Ok(judge(&figures, &thresholds, arguments.crossed))
    };
    let Some(seconds) = arguments.watch else { return judged() };
    let stop = stop_on_signals()?;
    let mut last = judged()?;
    while !stop.load(Ordering::Relaxed) {
        if json {
            println!("{}", last.json());
        } else {
            println!("{}\n", last.text());
        }
        rest(Duration::from_secs(seconds), &stop);
        last = judged()?;
    }
    Ok(last)
}

fn judge(figures: &Figures, thresholds: &Thresholds, only_crossed: bool) -> Output {
    let rows = figures.list.iter().map(|figure| (row(figure), thresholds.crossed(figure)));
    let rows = rows.filter(|(_, crossed)| crossed.is_some() || !only_crossed);
    let rows = rows.map(|(mut row, crossed)| {
        row.push(("crossed", crossed.into()));
        row
    });
    let shown = Output::Table("no figures", rows.collect());
    if thresholds.is_any_crossed(figures) { Output::WithStatus(Box::new(shown), CROSSED) } else { shown }
}

fn row(figure: &Figure) -> Row {
    let labels = figure.spec.labels.iter().zip(&figure.labels);
    let labels: serde_json::Map<_, _> =
        labels.map(|(name, value)| ((*name).to_owned(), Value::from(value.clone()))).collect();
    vec![
        ("figure", figure.spec.name.into()),
        ("labels", if labels.is_empty() { Value::Null } else { json!(labels) }),
        ("value", number(figure.value)),
        ("source", figure.spec.source.name().into()),
    ]
}

/// A whole number without a fraction.
fn number(value: f64) -> Value {
    #[allow(clippy::cast_possible_truncation)] // Checked by the comparison.
    let whole = value as i64;
    #[allow(clippy::cast_precision_loss, clippy::float_cmp)] // Exactly whole, or shown with its fraction.
    if whole as f64 == value { whole.into() } else { json!((value * 1e6).round() / 1e6) }
}
