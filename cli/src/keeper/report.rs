//! What a keeper says: a line for each event, counters at the end, and both in files for `valence health` and others.
//!
//! The counters' file is in Prometheus' text format. Both are documented in docs/cli.md.

use crate::failure::{Failure, Outcome};
use crate::output::Row;
use prometheus::{IntGaugeVec, Opts, Registry, TextEncoder};
use serde_json::{Map, Value};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Longest time between two writings of the counters: a reader can tell a living keeper from a dead one.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Different failures that are counted apart; what comes beyond is counted under no capability and code 0.
const MAX_FAILURES: usize = 1_000;

/// What a keeper has done since it was started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Entries run.
    pub dispatched: u64,
    /// Failures that another attempt may cure.
    pub failed_transient: u64,
    /// Failures that none will cure.
    pub failed_permanent: u64,
    /// Entries that somebody else ran, or that could not be run just then.
    pub lost_races: u64,
    /// Handles given to `Reap`.
    pub reaped: u64,
    /// Claims that were accepted.
    pub claims: u64,
    /// Transactions simulated.
    pub simulated: u64,
    /// Simulations that a verification function decided against.
    pub rejected: u64,
    /// Simulations that failed otherwise.
    pub simulations_failed: u64,
    /// Requests that the RPC server did not answer as it should.
    pub connection_errors: u64,
    /// Times that the subscription was lost.
    pub subscriptions_lost: u64,
}

/// How an entry failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failed {
    /// Its capability.
    pub capability: String,
    /// Code that `Fail` records.
    pub code: u32,
    /// Another attempt would fail as well.
    pub permanent: bool,
}

/// The voice of a keeper.
pub struct Report {
    /// What it has done.
    pub counts: Counts,
    json: bool,
    worker: String,
    is_subscribed: bool,
    started_at: u64,
    failures: BTreeMap<Failed, u64>,
    rejections: BTreeMap<u32, u64>,
    files: Option<Files>,
}

struct Files {
    events: PathBuf,
    counters: PathBuf,
    written: Option<Instant>,
    /// It was said that they cannot be written.
    is_broken: bool,
}

impl Report {
    /// A report for people or machines on standard output, and into the folder `export` if there is one.
    pub fn new(json: bool, worker: &Pubkey, export: Option<&Path>) -> Outcome<Self> {
        let files = export.map(|folder| {
            fs::create_dir_all(folder).map_err(|error| {
                Failure::new(format!("{}: {error}", folder.display())).cure("name a folder by --export")
            })?;
            let file = |ending| folder.join(format!("keeper-{worker}.{ending}"));
            Ok(Files { events: file("jsonl"), counters: file("prom"), written: None, is_broken: false })
        });
        let mut report = Self {
            counts: Counts::default(),
            json,
            worker: worker.to_string(),
            is_subscribed: false,
            started_at: unix_seconds(),
            failures: BTreeMap::new(),
            rejections: BTreeMap::new(),
            files: files.transpose()?,
        };
        report
            .write(false)
            .map_err(|error| Failure::new(error).cure("name a folder that can be written by --export"))?;
        Ok(report)
    }

    /// One event, as a line.
    pub fn say(&mut self, event: &str, fields: Value) {
        let Value::Object(fields) = fields else { return };
        if self.json {
            println!("{}", line(&[("event", event.into())], &fields));
        } else {
            let shown = fields.iter().map(|(name, value)| {
                format!("{name} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            });
            println!("{event}: {}", shown.collect::<Vec<_>>().join(", "));
        }
        if let Some(files) = &mut self.files {
            let line = line(
                &[("at", unix_seconds().into()), ("worker", self.worker.clone().into()), ("event", event.into())],
                &fields,
            );
            // Opened for each line, so that the file can be rotated at any time.
            let file = fs::OpenOptions::new().create(true).append(true).open(&files.events);
            let written = file.and_then(|mut file| writeln!(file, "{line}"));
            if let Err(error) = written {
                files.complain(&error);
            }
        }
    }

    /// Counts a failure.
    pub fn failed(&mut self, failed: Failed) {
        if failed.permanent {
            self.counts.failed_permanent += 1;
        } else {
            self.counts.failed_transient += 1;
        }
        let is_known = self.failures.contains_key(&failed) || self.failures.len() < MAX_FAILURES;
        let other = Failed { capability: String::new(), code: 0, permanent: failed.permanent };
        *self.failures.entry(if is_known { failed } else { other }).or_default() += 1;
    }

    /// Counts a simulation that failed, by the verification function that decided, if one did.
    pub fn simulation_failed(&mut self, predicate: Option<u32>) {
        if let Some(predicate) = predicate {
            self.counts.rejected += 1;
            *self.rejections.entry(predicate).or_default() += 1;
        } else {
            self.counts.simulations_failed += 1;
        }
    }

    /// How the keeper learns of changes.
    pub const fn connection(&mut self, is_subscribed: bool) {
        self.is_subscribed = is_subscribed;
    }

    /// Writes the counters if that was long ago, or if this is the last word.
    pub fn beat(&mut self, is_last: bool) {
        let is_due = self.files.as_ref().is_some_and(|files| files.written.is_none_or(|at| at.elapsed() >= HEARTBEAT));
        if (is_due || is_last)
            && let Err(error) = self.write(is_last)
            && let Some(files) = &mut self.files
        {
            files.complain(&error);
        }
    }

    /// Longest time until the counters have to be written again.
    pub const fn heartbeat(&self) -> Option<Duration> {
        if self.files.is_some() { Some(HEARTBEAT) } else { None }
    }

    fn write(&mut self, is_last: bool) -> Result<(), String> {
        let counters = self.counters(is_last).map_err(|error| error.to_string())?;
        let Some(files) = &mut self.files else { return Ok(()) };
        files.written = Some(Instant::now());
        let staged = files.counters.with_extension("new");
        let written = fs::write(&staged, counters).and_then(|()| fs::rename(&staged, &files.counters));
        written.map_err(|error| format!("{}: {error}", files.counters.display()))
    }

    /// The counters in Prometheus' text format.
    fn counters(&self, is_last: bool) -> prometheus::Result<String> {
        let registry = Registry::new();
        let family = |name: &str, help: &str, labels: &[&str]| {
            let family = IntGaugeVec::new(Opts::new(format!("valence_keeper_{name}"), help), labels)?;
            registry.register(Box::new(family.clone()))?;
            Ok::<_, prometheus::Error>(family)
        };
        let counts = &self.counts;
        let passed = counts.simulated - counts.rejected - counts.simulations_failed;
        let simulations = family("simulations_total", "Transactions simulated, by result.", &["result"])?;
        for (result, count) in
            [("passed", passed), ("rejected", counts.rejected), ("failed", counts.simulations_failed)]
        {
            simulations.with_label_values(&[result]).set(count.cast_signed());
        }
        let rejections =
            family("rejections_total", "Simulations rejected, by index of the verification function.", &["predicate"])?;
        for (predicate, count) in &self.rejections {
            rejections.with_label_values(&[&predicate.to_string()]).set(count.cast_signed());
        }
        let failures = family("failures_total", "Entries that failed.", &["capability", "code", "class"])?;
        for (failed, count) in &self.failures {
            let labels = [&failed.capability, &failed.code.to_string()[..], class(failed.permanent)];
            failures.with_label_values(&labels).set(count.cast_signed());
        }
        for (name, help, value) in [
            ("dispatched_total", "Entries run.", counts.dispatched),
            ("lost_races_total", "Entries that somebody else ran, or that could not be run then.", counts.lost_races),
            ("reaped_total", "Handles given to Reap.", counts.reaped),
            ("claims_total", "Claims accepted.", counts.claims),
            ("connection_errors_total", "Errors of the RPC server or the way to it.", counts.connection_errors),
            ("subscriptions_lost_total", "Times that the subscription was lost.", counts.subscriptions_lost),
            ("subscribed", "1 while the subscription stands, 0 while the keeper polls.", self.is_subscribed.into()),
            ("running", "1 until the keeper has stopped in good order.", (!is_last).into()),
            ("started_seconds", "When it started, unix seconds.", self.started_at),
            ("updated_seconds", "When this was written, unix seconds.", unix_seconds()),
        ] {
            family(name, help, &[])?.with_label_values::<&str>(&[]).set(value.cast_signed());
        }
        TextEncoder::new().encode_to_string(&registry.gather())
    }
}

impl Files {
    fn complain(&mut self, error: &dyn std::fmt::Display) {
        if !self.is_broken {
            eprintln!("valence: the keeper's files cannot be written ({error}); it goes on without");
            self.is_broken = true;
        }
    }
}

impl Counts {
    /// By name.
    pub fn row(&self) -> Row {
        vec![
            ("dispatched", self.dispatched.into()),
            ("failed_transient", self.failed_transient.into()),
            ("failed_permanent", self.failed_permanent.into()),
            ("lost_races", self.lost_races.into()),
            ("reaped", self.reaped.into()),
            ("claims", self.claims.into()),
            ("simulated", self.simulated.into()),
            ("rejected", self.rejected.into()),
            ("simulations_failed", self.simulations_failed.into()),
            ("connection_errors", self.connection_errors.into()),
            ("subscriptions_lost", self.subscriptions_lost.into()),
        ]
    }
}

/// Name of a failure's class.
pub const fn class(permanent: bool) -> &'static str {
    if permanent { "permanent" } else { "transient" }
}

fn line(first: &[(&str, Value)], fields: &Map<String, Value>) -> Value {
    let first = first.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Value::Object(first.chain(fields.clone()).collect())
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn failed(code: u32) -> Failed {
        Failed { capability: "c".to_owned(), code, permanent: false }
    }

    #[test]
    fn failures_are_counted_by_predicate_and_by_code() {
        let folder = std::env::temp_dir().join(format!("valence-export-{}", std::process::id()));
        let worker = Pubkey::new_from_array([3; 32]);
        let mut report = Report::new(true, &worker, Some(&folder)).unwrap();
        report.counts.simulated = 6;
        for predicate in [3, 3, 4] {
            report.simulation_failed(Some(predicate));
            report.failed(failed(1200 + predicate));
        }
        report.simulation_failed(None);
        report.say("failed", json!({ "predicate": 3 }));
        report.beat(true);
        let counters = fs::read_to_string(folder.join(format!("keeper-{worker}.prom"))).unwrap();
        for line in [
            "valence_keeper_simulations_total{result=\"passed\"} 2",
            "valence_keeper_simulations_total{result=\"rejected\"} 3",
            "valence_keeper_simulations_total{result=\"failed\"} 1",
            "valence_keeper_rejections_total{predicate=\"3\"} 2",
            "valence_keeper_failures_total{capability=\"c\",class=\"transient\",code=\"1203\"} 2",
            "valence_keeper_running 0",
        ] {
            assert!(counters.lines().any(|found| found == line), "no {line} in {counters}");
        }
        let events = fs::read_to_string(folder.join(format!("keeper-{worker}.jsonl"))).unwrap();
        let event: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
        assert_eq!((&event["event"], &event["worker"]), (&json!("failed"), &json!(worker.to_string())));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_number_of_failures_that_are_told_apart_is_bounded() {
        let worker = Pubkey::new_from_array([3; 32]);
        let mut report = Report::new(true, &worker, None).unwrap();
        for code in 0..2_000 {
            report.failed(failed(code));
        }
        assert!(report.failures.len() <= MAX_FAILURES + 1);
        assert_eq!(report.failures.values().sum::<u64>(), 2_000);
    }
}
