//! `soak [operations] [seed]`: the long run; writes bench/results/soak.md. `soak seeds <count>` runs random seeds with every rule checked
//! after each step, and prints the one that fails.

use soak::engine::{Engine, Plan};
use std::fmt::Write;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, path::Path};

/// Operations of the long run.
const OPERATIONS: u64 = 200_000;
const SHARDS: usize = 16;

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
    let mut engine = Engine::new(seed, Plan { shards: SHARDS, operations, most_slots: 100, check_every: 5_000 });
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
        Engine::new(seed, Plan { shards: 3, operations: 300, most_slots: 60, check_every: 1 }).run(|_| {});
    }
}

fn report(engine: &Engine, seed: u64) -> String {
    let [live, done, cancelled, purged] = engine.ledger.fates();
    let mut text = format!(
        "# The long run\n\n{SHARDS} shards with leased, open and strict queues in simulated time; written by `./justw soak`, seed {seed}. Every operation \
         that was\naccepted ran once, was cancelled, or died and was purged; the token program's account of what ran agrees.\n\n\
         | what | how many |\n|---|---:|\n| operations accepted | {} |\n| ran | {done} |\n| cancelled | {cancelled} |\n| purged | {purged} |\n\
         | left in a queue | {live} |\n| steps | {} |\n| seconds of simulated time | {} |\n\n## Transactions\n\n\
         | kept | how many |\n|---|---:|\n",
        live + done + cancelled + purged,
        engine.steps(),
        engine.seconds(),
    );
    for (name, count) in &engine.succeeded {
        writeln!(text, "| {name} | {count} |").expect("a string can be written to");
    }
    text.push_str("\n| refused with | how many |\n|---|---:|\n");
    for (code, count) in &engine.refused {
        writeln!(text, "| {code} | {count} |").expect("a string can be written to");
    }
    text
}
