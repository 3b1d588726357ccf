//! Calculations at the edges of words, leaves and steps of a search, each against the model.

use crate::generate::{Random, for_each_seed};
use crate::model;
use cores::diff::calculate::{Calculation, JOIN_BYTES};
use cores::diff::memory::{Memory, Plain};
use shared_layouts::diff::optimization_level;
use std::cell::RefCell;

/// Levels, and what each joins.
const LEVELS: [(u8, Option<usize>); 3] = [
    (optimization_level::NONE, None),
    (optimization_level::BASIC, Some(0)),
    (optimization_level::AGGRESSIVE, Some(JOIN_BYTES)),
];

fn write<M: Memory>(base: &[u8], new: &[u8], level: u8) -> model::Operations {
    let mut out = vec![0; 2 * new.len() + 16];
    let size = Calculation { base, new, offset: 0, level }.write::<M>(&mut out).unwrap();
    let operations = model::decode(&out[..size.bytes]);
    assert_eq!(operations.len(), size.operations);
    operations
}

/// Compares every level with the model, for a base of zeros of which `bytes` stay and these are changed, and `more` come.
fn check(bytes: usize, changed: &[usize], more: usize) {
    let base = vec![0; bytes];
    let mut new = vec![0; bytes + more];
    for at in changed {
        new[*at] = 1;
    }
    for (level, joined_bytes) in LEVELS {
        assert!(
            write::<Plain>(&base, &new, level) == model::differences(&base, &new, joined_bytes),
            "level {level}: {changed:?} of {bytes} bytes, {more} more"
        );
    }
}

#[test]
fn one_byte_anywhere_in_up_to_two_hundred() {
    for bytes in 0..=200 {
        for more in [0, 1, 8] {
            check(bytes, &[], more);
            for at in 0..bytes {
                check(bytes, &[at], more);
            }
        }
    }
}

#[test]
fn two_bytes_anywhere_in_a_few_words() {
    for bytes in [57, 63, 64, 65, 71, 72, 104, 120, 127, 128, 129, 136, 150] {
        for first in 0..bytes {
            for second in first..bytes {
                check(bytes, &[first, second], 0);
            }
        }
    }
}

/// Lengths on both sides of a word, a leaf, every step of a gallop, and twice a step.
fn lengths() -> impl Iterator<Item = usize> {
    [64, 128, 1_024, 2_048, 5_120, 8_192, 10_240, 16_384, 21_504, 32_768, 36_864, 65_536, 87_040]
        .into_iter()
        .flat_map(|step| [step - 64, step - 9, step - 8, step - 1, step, step + 1, step + 8, step + 63, step + 64])
}

#[test]
fn one_byte_on_either_side_of_every_step() {
    for bytes in lengths() {
        check(bytes, &[], 0);
        for at in lengths().chain([0, 7, 8, bytes.saturating_sub(1)]).filter(|at| *at < bytes) {
            check(bytes, &[at], 0);
        }
    }
}

#[test]
fn a_second_byte_on_either_side_of_every_step_behind_the_first() {
    for bytes in lengths() {
        for first in [0, 9, 1_000] {
            for second in lengths().map(|step| first + step).chain([bytes.wrapping_sub(1)]).filter(|at| *at < bytes) {
                check(bytes, &[first.min(second), second], 0);
            }
        }
    }
}

#[test]
fn the_third_and_later_runs_are_found_wherever_they_are() {
    for_each_seed("runs", |random| {
        let bytes = random.below(100_000);
        let mut changed = Vec::new();
        let mut at = random.below(300);
        while at < bytes && changed.len() < 40 {
            changed.push(at);
            at += 1 << random.below(17);
            at += random.below(20);
        }
        check(bytes, &changed, 0);
    });
}

thread_local! {
    static ANSWERS: RefCell<Random> = RefCell::new(Random::new(0));
}

/// Answers as it likes.
struct Unreliable;

impl Memory for Unreliable {
    fn equal(_: &[u8], _: &[u8]) -> bool {
        ANSWERS.with_borrow_mut(|random| random.one_in(2))
    }

    fn copy(to: &mut [u8], from: &[u8]) {
        Plain::copy(to, from);
    }

    fn move_down(_: &mut [u8], _: usize, _: usize, _: usize) {}
}

/// Positions are asserted to be inside wherever bytes are read without a check.
#[test]
fn whatever_comparisons_answer_nothing_outside_is_read() {
    for_each_seed("answers", |random| {
        ANSWERS.set(Random::new(random.next()));
        let most = if random.one_in(10) { 150_000 } else { 3_000 };
        let base = vec![0; random.below(most)];
        let mut new = base.clone();
        for _ in 0..random.below(4) {
            if let Some(last) = new.len().checked_sub(1) {
                new[random.below(last + 1)] = 1;
            }
        }
        for (level, _) in LEVELS {
            let mut end = 0;
            for (offset, payload) in write::<Unreliable>(&base, &new, level) {
                assert!(offset >= end && !payload.is_empty(), "ascending, disjoint, none empty");
                end = offset + payload.len();
                assert_eq!(payload, new[offset..end]);
            }
        }
    });
}
