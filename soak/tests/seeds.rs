//! The corpus of seeds, with every rule checked after each step, and the short form of the long run.

use soak::engine::{Engine, Plan};

#[test]
fn every_seed_of_the_corpus_keeps_every_rule_after_each_step() {
    let corpus = include_str!("../corpus/seeds.txt");
    let mut count = 0;
    for line in corpus.lines().filter(|line| !line.starts_with('#')) {
        let seed = line.split(':').next().and_then(|seed| seed.parse().ok()).expect("a line begins with a seed");
        println!("seed {seed}");
        Engine::new(seed, Plan { shards: 3, operations: 150, most_slots: 60, check_every: 1 }).run(|_| {});
        count += 1;
    }
    assert!(count > 0, "the corpus is empty");
}

#[test]
fn sixteen_shards_lose_nothing_and_run_nothing_twice_or_out_of_order() {
    let mut engine = Engine::new(42, Plan { shards: 16, operations: 2_000, most_slots: 60, check_every: 250 });
    engine.run(|_| {});
    for name in
        ["EnqueueBatch", "Claim", "Dispatch, Execute", "Fail", "Reap", "Pause", "Resume", "GrowQueue", "Migrate"]
    {
        assert!(engine.succeeded.contains_key(name), "no {name} in this run");
    }
}
