//! The alert rules, their runbooks and the dashboard, held to the figures that there are.

use super::metrics::PREFIX;
use crate::health::figures::spec;
use serde_json::Value;
use shared_layouts::{diff::DiffError, lifecycle::Fault, processor::ProcessorError, scheduler::SchedulerError};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Errors of the runtime that rules name.
const RUNTIME_ERRORS: [&str; 3] =
    ["MissingRequiredSignature", "ComputationalBudgetExceeded", "ProgramFailedToComplete"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Words that begin with the metrics' prefix, with the labels in the braces that follow.
fn metrics(text: &str) -> Vec<(String, Vec<String>)> {
    let starts = text.match_indices(PREFIX).map(|(at, _)| &text[at + PREFIX.len()..]);
    let metric = |rest: &str| {
        let end = rest.find(|mark: char| !mark.is_ascii_lowercase() && mark != '_').unwrap_or(rest.len());
        let braces = rest[end..].strip_prefix('{').and_then(|inside| inside.split('}').next()).unwrap_or_default();
        let parts = braces.split(',').filter_map(|pair| pair.split(['=', '!']).next());
        let labels = parts.map(str::trim).filter(|label| label.chars().all(|mark| mark.is_ascii_lowercase()));
        (rest[..end].to_owned(), labels.filter(|label| !label.is_empty()).map(str::to_owned).collect())
    };
    starts.map(metric).collect()
}

#[track_caller]
fn check(text: &str) {
    let found = metrics(text);
    assert!(!found.is_empty(), "no metric in {text}");
    for (name, labels) in found {
        let spec = spec(&name).unwrap_or_else(|| panic!("{PREFIX}{name} is not exported"));
        for label in labels {
            assert!(spec.labels.contains(&label.as_str()), "{PREFIX}{name} has no label {label}");
        }
    }
}

#[test]
fn every_metric_of_rules_and_dashboard_is_exported() {
    let rules = read("monitoring/alerts.yml");
    let expressions: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert!(expressions.len() > 20);
    for expression in expressions.iter().filter(|expression| !expression.contains("up{job=")) {
        check(expression);
    }
    let dashboard: Value = serde_json::from_str(&read("monitoring/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets: Vec<_> = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten().collect();
    assert!(targets.len() > 15);
    for target in targets {
        check(target["expr"].as_str().unwrap());
    }
}

#[test]
fn every_error_that_a_rule_names_exists() {
    let all = [ProcessorError::ALL, SchedulerError::ALL, DiffError::ALL, Fault::ALL].concat();
    let known: BTreeSet<_> = all.iter().map(|error| error.name).chain(RUNTIME_ERRORS).collect();
    let rules = read("monitoring/alerts.yml");
    let lists: Vec<_> = rules.match_indices("error=~\"").map(|(at, mark)| &rules[at + mark.len()..]).collect();
    assert!(lists.len() > 3);
    for name in lists.iter().filter_map(|rest| rest.split('"').next()).flat_map(|list| list.split('|')) {
        assert!(known.contains(name), "no program has the error {name}");
    }
}

#[test]
fn every_rule_has_its_runbook_and_every_runbook_its_rule() {
    let rules = read("monitoring/alerts.yml");
    let values = |name: &str| -> Vec<String> {
        rules.lines().filter_map(|line| line.trim().strip_prefix(name)).map(str::to_owned).collect()
    };
    let (alerts, pages) = (values("- alert: "), values("runbook_url: "));
    assert_eq!(alerts.len(), pages.len());
    for (alert, page) in alerts.iter().zip(&pages) {
        assert!(read(page).starts_with(&format!("# {alert}\n")), "{page} is not about {alert}");
    }
    let index = read("docs/runbooks/README.md");
    for file in fs::read_dir(root().join("docs/runbooks")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let path = format!("docs/runbooks/{name}");
        assert!(name == "README.md" || pages.contains(&path), "{path} belongs to no rule");
        assert!(name == "README.md" || index.contains(&format!("({name})")), "{path} is not in the index");
    }
}
