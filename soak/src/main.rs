//! `soak [operations] [seed]`: the long run; writes bench/results/soak.md if it is not shortened. `soak seeds <count>` runs random seeds with
//! every rule checked after each step, and prints the one that fails.

use soak::engine::{Engine, LARGE, Plan, SMALL};
use soak::ledger::{Fate, Record};
use soak::orders::Bound;
use std::fmt::Write;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, path::Path};

/// Operations of the long run.
const OPERATIONS: u64 = 200_000;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "seeds") {
        let count = arguments.get(1).and_then(|count| count.parse().ok()).expect("say how many seeds");
        return seeds(count);
    }
    let number =
        |index: usize, otherwise| arguments.get(index).map_or(otherwise, |text| text.parse().expect("a number"));
    let (operations, seed) = (number(0, OPERATIONS), number(1, 1));
    let began = Instant::now();
    let mut engine = Engine::new(seed, Plan { operations, ..LARGE });
    engine.run(|engine| println!("{} steps, {} operations queued", engine.steps(), engine.ledger.next() - 1));
    let text = report(&engine, seed);
    println!("{text}\n{} seconds", began.elapsed().as_secs());
    if operations >= OPERATIONS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/results/soak.md");
        fs::write(path, text).expect("the results can be written");
    }
}

fn seeds(count: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
    for seed in now..now + count {
        println!("seed {seed}: add it to soak/corpus/seeds.txt if it fails");
        Engine::new(seed, Plan { operations: 300, ..SMALL }).run(|_| {});
    }
}

fn report(engine: &Engine, seed: u64) -> String {
    let [live, done, cancelled, purged] = engine.ledger.fates();
    let shards = LARGE.shards;
    let mut text = format!(
        "# The long run\n\n{shards} shards with leased, open and strict queues in simulated time; written by `./justw soak`, seed {seed}. Every operation \
         that was\naccepted ran once, was cancelled, or died and was purged; the token program's account of what ran agrees. None ran before what \
         its order\nputs before it.\n\n"
    );
    let totals = [
        ("operations accepted", (live + done + cancelled + purged) as u64),
        ("ran", done as u64),
        ("cancelled", cancelled as u64),
        ("purged", purged as u64),
        ("left in a queue", live as u64),
        ("steps", engine.steps()),
        ("seconds of simulated time", engine.seconds().unsigned_abs()),
    ];
    table(&mut text, ["what", "how many"], totals.map(|(name, count)| [name.to_owned(), count.to_string()]));
    text.push_str(
        "\n## Orders\n\nThe queues of the first eight shards are bound to two strict orders over four shards each, which were composed anew and \
         rotated while operations\nwere queued. An operation waited if a worker who came for the next ones passed it over, or if its dispatch was \
         refused, because of another one\nthat had to come first.\n\n",
    );
    table(&mut text, ["what", "how many"], of_orders(engine).map(|(name, count)| [name.to_owned(), count.to_string()]));
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

/// What happened in the queues that are bound to an order.
fn of_orders(engine: &Engine) -> [(&'static str, u64); 8] {
    let is_ordered = |record: &&Record| engine.orders.iter().any(|order| order.lanes.contains(&record.place.lane));
    let ordered: Vec<&Record> = engine.ledger.records().iter().filter(is_ordered).collect();
    let count = |which: fn(&Record) -> bool| ordered.iter().filter(|record| which(record)).count() as u64;
    let sum = |count: fn(&Bound) -> u64| engine.orders.iter().map(count).sum::<u64>();
    [
        ("operations accepted", ordered.len() as u64),
        ("ran", count(|record| record.fate == Fate::Done)),
        ("waited at least once", count(|record| record.waited)),
        ("dispatches that the order refused", sum(|order| order.counts.refused)),
        ("deaths with one that had to come first", sum(|order| order.judge.doomed)),
        ("given up after the order's patience", sum(|order| order.judge.given_up_count)),
        ("epochs opened by a composition", sum(|order| order.counts.compositions)),
        ("epochs opened by a rotation", sum(|order| order.counts.rotations)),
    ]
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
