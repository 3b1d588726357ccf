//! The corpus of seeds, with every rule checked after each step, and the short form of the long run.

use soak::engine::{Engine, LARGE, Plan, SMALL};
use soak::report;

#[test]
fn every_seed_of_the_corpus_keeps_every_rule_after_each_step() {
    let corpus = include_str!("../corpus/seeds.txt");
    let mut count = 0;
    for line in corpus.lines().filter(|line| !line.starts_with('#')) {
        let seed = line.split(':').next().and_then(|seed| seed.parse().ok()).expect("a line begins with a seed");
        println!("seed {seed}");
        Engine::new(seed, Plan { operations: 150, ..SMALL }).run(|_| {});
        count += 1;
    }
    assert!(count > 0, "the corpus is empty");
}

#[test]
fn sixteen_shards_lose_nothing_and_run_nothing_twice_or_out_of_order() {
    let mut engine = Engine::new(42, Plan { operations: 3_000, check_every: 250, ..LARGE });
    engine.run(|_| {});
    for name in [
        "Pause",
        "Resume",
        "GrowQueue",
        "Migrate",
        "SetConstraints",
        "AcceptConstraints",
        "UpdateCapability",
        "SetDirect",
    ] {
        assert!(engine.succeeded.contains_key(name), "no {name} in this run");
    }
    let entries = ["Enqueue", "EnqueueBatch", "Claim", "Dispatch", "DispatchDirect", "Fail", "Reap"];
    let owners = ["Hold", "Release", "Reprioritize", "Requeue", "Restore", "Cancel", "DeadLetter", "Redrive", "Purge"];
    let orders = ["Compose", "RotateEpoch", "CloseQueue", "CloseOrder"];
    for name in entries.iter().chain(&owners).chain(&orders) {
        let [all, with_order] = [&engine.succeeded, &engine.with_order].map(|count| count.get(name).copied());
        assert!(with_order.is_some_and(|count| count > 0), "no {name} with an order in this run");
        let is_about_orders = orders.contains(name);
        assert!(is_about_orders || all > with_order, "no {name} without an order in this run");
    }
    assert!(engine.orders.iter().all(|order| order.counts.refused > 0), "an order refused no dispatch");
    let recomposed = engine.orders.iter().filter(|order| order.counts.compositions > 1).count();
    assert!(recomposed > 0, "what was queued was never under two compositions");
    report::check_claims(&engine);
}
