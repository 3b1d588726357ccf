//! The queue against a model: random sequences of every verb, on queues of several sizes, open and leased. After each step
//! results, order, entries and counters are those of a plain vector, and the slab's links are consistent.

mod edges;
mod invariants;
mod limits;
mod load;
mod model;
mod steps;

use std::time::{SystemTime, UNIX_EPOCH};

/// Steps over all queues, where `QUEUE_STEPS` does not say how many.
const STEPS: usize = 400_000;

/// Slots and flags of the queues.
const QUEUES: [(u16, u8); 8] = [(1, 0), (4, 1), (16, 0), (16, 1), (16, 2), (16, 3), (40, 1), (150, 1)];

#[test]
fn every_verb_does_what_a_plain_vector_does() {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_nanos();
    let seed = match std::env::var("QUEUE_SEED") {
        Ok(seed) => seed.parse().expect("QUEUE_SEED is a number"),
        Err(_) => u64::try_from(clock % u128::from(u64::MAX)).expect("it was reduced"),
    };
    println!("QUEUE_SEED={seed}");
    let steps = std::env::var("QUEUE_STEPS").map_or(STEPS, |steps| steps.parse().expect("QUEUE_STEPS is a number"));
    for (index, (slots, flags)) in QUEUES.into_iter().enumerate() {
        let seed = seed.wrapping_add(index as u64);
        let mut run = steps::Run::new(seed, slots, flags);
        for step in 0..steps / QUEUES.len() {
            run.step(step);
        }
        run.assert_everything_happened();
    }
}

#[test]
fn a_corrupt_length_is_refused() {
    let mut run = steps::Run::new(1, 4, 0);
    run.assert_length_is_checked();
}
