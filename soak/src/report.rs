//! The report of a run, and that what it counts has happened at all.

use crate::engine::{Engine, LARGE};
use crate::ledger::{Fate, Record};
use crate::orders::{Bound, Counts};
use shared_layouts::processor::ProcessorError;
use shared_layouts::scheduler::{SchedulerError, composition_mode};
use std::fmt::Write;

/// Something that a run counts.
type Row = (&'static str, u64);

/// What the report says before its first table, after the number of shards and before the seed.
const HEAD: &str = "shards with leased, open and strict queues in simulated time; written by `./justw soak`, seed";
/// What every run has held.
const HELD: &str = "Every operation that was\naccepted ran as often as it was asked to, was cancelled, or died and was purged; the \
                    token program's account of what ran agrees. None ran\nbefore it was due, under a version of its capability \
                    that was replaced, or before what its order puts before it.";
/// What the table of recurring operations counts.
const RECURRING: &str = "An operation with several runs is due again one interval after it was, and leaves out the periods that it \
                         missed unless it is to make up for them.";
/// What the table of rare ways counts.
const RARELY: &str = "Owners replace versions of capabilities while operations are queued under them, and queue what was lost on \
                      its way. Operations that need no\nsignature of their capability run behind `Verify`, or directly while the \
                      processor's authority has paused it or the scheduler's has said so.";
/// What the table of orders counts.
const ORDERS: &str = "The queues of the first eight shards are bound to two orders over four shards each, one strict and one composed \
                      by weight, which were composed\nanew and rotated while operations were queued. An operation waited if a \
                      worker who came for the next ones passed it over, or if its dispatch was\nrefused, because of another one \
                      that had to come first.";

/// The report.
pub fn text(engine: &Engine, seed: u64) -> String {
    let mut text = format!("# The long run\n\n{} {HEAD} {seed}. {HELD}\n\n", LARGE.shards);
    counts(&mut text, &totals(engine));
    for (title, head, rows) in [
        ("Several runs", RECURRING, recurring(engine)),
        ("Versions, losses, direct runs", RARELY, rare(engine)),
        ("Orders", ORDERS, of_orders(engine)),
    ] {
        write!(text, "\n## {title}\n\n{head}\n\n").expect("a string can be written to");
        counts(&mut text, &rows);
    }
    text.push_str("\n## Transactions\n\n");
    let with_order = |name: &str| engine.with_order.get(name).copied().unwrap_or_default();
    let kept = engine.succeeded.iter();
    let kept = kept.map(|(name, count)| [(*name).to_owned(), count.to_string(), with_order(name).to_string()]);
    table(&mut text, ["kept", "how many", "with an order"], kept);
    text.push('\n');
    let refused = engine.refused.iter().map(|(code, count)| [code.to_string(), count.to_string()]);
    table(&mut text, ["refused with", "how many"], refused);
    text
}

/// Nothing that the report is about was left out of the run.
///
/// # Panics
/// When something was.
pub fn check_claims(engine: &Engine) {
    for (name, count) in recurring(engine).into_iter().chain(rare(engine)).chain(of_orders(engine)) {
        assert!(count > 0, "not once in this run: {name}");
    }
}

fn totals(engine: &Engine) -> Vec<Row> {
    let [live, done, cancelled, purged] = engine.ledger.fates().map(|count| count as u64);
    vec![
        ("operations accepted", live + done + cancelled + purged),
        ("ran as often as they were to", done),
        ("cancelled", cancelled),
        ("purged", purged),
        ("left in a queue", live),
        ("runs", engine.ledger.runs),
        ("steps", engine.steps()),
        ("seconds of simulated time", engine.seconds().unsigned_abs()),
    ]
}

/// How many operations are of some kind.
fn count(engine: &Engine, which: impl Fn(&Record) -> bool) -> u64 {
    engine.ledger.records().iter().filter(|record| which(record)).count() as u64
}

/// What became of operations that were delayed, or have several runs.
fn recurring(engine: &Engine) -> Vec<Row> {
    let count =
        |which: fn(&Record) -> bool| count(engine, |record| record.schedule.interval_seconds != 0 && which(record));
    let runs = engine.ledger.records().iter().filter(|record| record.schedule.interval_seconds != 0);
    vec![
        ("operations delayed when they were queued", engine.ledger.delayed),
        ("operations with several runs", count(|_| true)),
        ("their runs", runs.map(|record| u64::from(record.ran)).sum()),
        ("ran as often as they were to", count(|record| record.fate == Fate::Done)),
        (
            "of these, made up for what they missed",
            count(|record| record.fate == Fate::Done && record.schedule.catches_up),
        ),
        ("cancelled between two runs", count(|record| record.fate == Fate::Cancelled && record.ran > 0)),
        ("of these, without end", count(|record| record.ran > 0 && record.schedule.is_endless())),
        ("died between two runs, and purged", count(|record| record.fate == Fate::Purged && record.ran > 0)),
    ]
}

/// What became of operations off the usual way.
fn rare(engine: &Engine) -> Vec<Row> {
    let refused = |code: u32| engine.refused.get(&code).copied().unwrap_or_default();
    let old = refused(SchedulerError::CapabilityChanged as u32) + refused(ProcessorError::StaleCapability as u32);
    let ran = |record: &Record| record.fate == Fate::Done;
    vec![
        ("runs refused under a version that was replaced", old),
        ("operations put under a new version", count(engine, |record| record.detours.requeued)),
        ("of these, ran", count(engine, |record| record.detours.requeued && ran(record))),
        ("operations restored by their owner", count(engine, |record| record.detours.restored)),
        ("of these, ran", count(engine, |record| record.detours.restored && ran(record))),
        ("restorations refused, since nothing was paused", refused(SchedulerError::ShardNotPaused as u32)),
        ("restorations refused, since the sequence number was too old", engine.late_restorations),
        ("direct runs while the processor was paused", engine.direct_runs.while_paused),
        ("direct runs while the scheduler's authority said so", engine.direct_runs.while_opened),
        ("direct runs refused, since they were closed", refused(SchedulerError::DirectClosed as u32)),
        ("of these, while the processor's guardian had paused it", engine.direct_runs.refused_under_guardian),
        ("direct runs refused, since the capability is not flagged", refused(SchedulerError::NotDirect as u32)),
    ]
}

/// What happened in the queues that are bound to an order, and in the orders.
fn of_orders(engine: &Engine) -> Vec<Row> {
    let is_ordered = |record: &Record| engine.orders.iter().any(|order| order.lanes.contains(&record.place.lane));
    let count = |which: fn(&Record) -> bool| count(engine, |record| is_ordered(record) && which(record));
    let sum = |count: fn(&Counts) -> u64| engine.orders.iter().map(|order| count(&order.counts)).sum::<u64>();
    let judged = |count: fn(&Bound) -> u64| engine.orders.iter().map(count).sum::<u64>();
    let by_weight = |count: fn(&Counts) -> u64| {
        let orders = engine.orders.iter().filter(|order| order.mode == composition_mode::WEIGHTED);
        orders.map(|order| count(&order.counts)).sum::<u64>()
    };
    vec![
        ("operations accepted", count(|_| true)),
        ("ran as often as they were to", count(|record| record.fate == Fate::Done)),
        ("waited at least once", count(|record| record.waited)),
        ("had the level of their member", sum(|counts| counts.levelled)),
        ("dispatches that the order refused", sum(|counts| counts.refused)),
        ("deaths with one that had to come first", judged(|order| order.judge.doomed)),
        ("given up after the order's patience", judged(|order| order.judge.given_up_count)),
        ("epochs opened by a rotation", sum(|counts| counts.rotations)),
        ("epochs opened by a composition", sum(|counts| counts.compositions)),
        ("of these, by weight", by_weight(|counts| counts.compositions)),
        ("constraints that these kept", by_weight(|counts| counts.kept)),
        ("of these, assertions", by_weight(|counts| counts.assertions)),
        ("constraints that these dropped", by_weight(|counts| counts.dropped)),
        ("strict compositions refused, since they contradicted themselves", sum(|counts| counts.contradictions)),
    ]
}

fn counts(text: &mut String, rows: &[Row]) {
    table(text, ["what", "how many"], rows.iter().map(|(name, count)| [(*name).to_owned(), count.to_string()]));
}

/// A table; all columns but the first are numbers.
fn table<const COLUMNS: usize>(
    text: &mut String,
    head: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) {
    writeln!(text, "| {} |\n|---|{}", head.join(" | "), "---:|".repeat(COLUMNS - 1))
        .expect("a string can be written to");
    for row in rows {
        writeln!(text, "| {} |", row.join(" | ")).expect("a string can be written to");
    }
}
