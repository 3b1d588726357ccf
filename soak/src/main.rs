//! `soak [operations] [seed]`: the long run; writes bench/results/soak.md if it is not shortened. `soak seeds <count>` runs random seeds with
//! every rule checked after each step, and prints the one that fails.

use soak::engine::{Engine, LARGE, Plan, SMALL};
use soak::report;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, path::Path};

/// Operations of the long run.
const OPERATIONS: u64 = 200_000;
/// Operations of the shortest run in which everything that the report counts must have happened.
const FEWEST: u64 = 3_000;

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
    let text = report::text(&engine, seed);
    println!("{text}\n{} seconds", began.elapsed().as_secs());
    if operations >= FEWEST {
        report::check_claims(&engine);
    }
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
