//! Two queues bound to one order, under random verbs. A judge that shares no code with the cores follows members and epochs by
//! itself, through rotations and compositions that replace others while entries are queued, and queues that are closed: nothing
//! is leased or dispatched out of turn, a claim passes by nothing that may run, and the order counts what the judge counts.

#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "random numbers are small")]

mod cascade;
#[path = "../../../mollusk-tests/src/judge.rs"]
mod judge;
mod lent;
mod line;
mod links;
mod seats;
mod steady;
mod world;

use std::time::{SystemTime, UNIX_EPOCH};
use world::World;

const STEPS: usize = 3_000;
/// Runs, where `BOUND_RUNS` does not say how many.
const RUNS: u64 = 120;

#[test]
fn nothing_runs_before_what_precedes_it_and_counts_are_those_of_the_judge() {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    let given = std::env::var("BOUND_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| u64::try_from(clock % 1_000_000_007).expect("a small number"));
    println!("BOUND_SEED={seed}");
    let runs = std::env::var("BOUND_RUNS").map_or(RUNS, |runs| runs.parse().expect("BOUND_RUNS is a number"));
    let mut seen = [0; 6];
    for run in 0..runs {
        let mut world = World::new(seed.wrapping_mul(RUNS).wrapping_add(run).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for _ in 0..STEPS {
            world.step();
        }
        let counted = world.seen;
        let given_up = world.judge.given_up_count as usize;
        let all = [counted.ran, counted.recurred, counted.recomposed, counted.rotated, counted.closed, given_up];
        for (sum, one) in seen.iter_mut().zip(all) {
            *sum += one;
        }
    }
    println!("ran, recurred, recomposed in flight, rotated, closed, given up: {seen:?}");
    assert!(seen[0] > 1_000 && seen[1..].iter().all(|count| *count > 20), "a lot happened: {seen:?}");
}
