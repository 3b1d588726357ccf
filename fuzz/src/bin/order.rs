//! Any bytes as constraints of an order.
#![no_main]

#[path = "../../../cores/tests/queue/invariants.rs"]
mod invariants;
#[path = "../more_targets.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| targets::order(input));
