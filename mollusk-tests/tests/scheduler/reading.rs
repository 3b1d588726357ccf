//! The off-chain reader predicts what the program does.

use mollusk_tests::features::FeatureProfile::Mainnet;
use mollusk_tests::fixture::{Definition, people, queue_policy};
use mollusk_tests::programs::NOOP;
use mollusk_tests::queues::{Bench, leased_policy, plain};
use shared_layouts::scheduler::{self as wire, EntryHandle, SchedulerError as E, enqueue::Data, list};

/// Fills a queue with entries of many levels, some delayed, some of short life.
fn fill(bench: &mut Bench) {
    let now = bench.fixture.world.unix_seconds();
    for sequence in 1..=24u64 {
        let level = u8::try_from(sequence * 7 % 16).expect("it is small");
        let not_before_at = if sequence % 5 == 0 { now + 20 } else { 0 };
        let deadline_at = if sequence % 4 == 1 && not_before_at == 0 { now + 10 } else { 0 };
        let data = Data { level, not_before_at, deadline_at, ..plain(sequence) };
        let enqueue = bench.enqueue(&data, &[]);
        bench.send(&[enqueue], &[people::PRODUCER]);
    }
}

#[test]
fn claims_are_as_predicted() {
    for every in [0, 3] {
        let policy = wire::create_queue::Data { lowest_level_every: every, ..leased_policy() };
        let mut bench = Bench::new(Mainnet, &policy, &Definition::new(&NOOP.address()));
        fill(&mut bench);
        bench.wait(15);
        let mut known: Vec<EntryHandle> = Vec::new();
        for count in [1u8, 4, 2, 8, 8, 8] {
            bench.wait(3);
            let now = bench.fixture.world.unix_seconds();
            let predicted = bench.read().next_claims(usize::from(count), now);
            let claim = bench.claim(people::WORKER, 0, count);
            bench.send(&[claim], &[people::WORKER]);
            let reader = bench.read();
            let leased: Vec<EntryHandle> =
                reader.list(list::LEASED).iter().filter_map(|(slot, _)| reader.handle(*slot)).collect();
            assert_eq!(leased[known.len()..], predicted);
            known = leased;
        }
        assert!(known.len() > 10, "the queue was nearly emptied");
    }
}

#[test]
fn dispatches_are_as_predicted() {
    for every in [0, 2] {
        let policy = wire::create_queue::Data { lowest_level_every: every, eligible_window: 4, ..queue_policy() };
        let mut bench = Bench::new(Mainnet, &policy, &Definition::new(&NOOP.address()));
        fill(&mut bench);
        bench.wait(15);
        for turn in 0..8usize {
            let reader = bench.read();
            let predicted = reader.dispatchable(bench.fixture.world.unix_seconds());
            let now = bench.fixture.world.unix_seconds();
            let living = reader.list(list::READY).into_iter().filter(|(_, entry)| entry.deadline_at >= now);
            let living: Vec<EntryHandle> = living.filter_map(|(slot, _)| reader.handle(slot)).collect();
            for handle in living {
                let run = bench.run(people::WORKER, handle, &[]);
                if predicted.contains(&handle) {
                    let mut fork = bench.clone();
                    fork.send(&run, &[people::WORKER]);
                } else {
                    bench.refuse(&run, &[people::WORKER], 0, E::NotEligible);
                }
            }
            let chosen = predicted[turn % predicted.len()];
            let run = bench.run(people::WORKER, chosen, &[]);
            bench.send(&run, &[people::WORKER]);
        }
    }
}
