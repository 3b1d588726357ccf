use crate::generate::{self, Random, for_each_seed};
use crate::model::{self, Operations};
use cores::diff::calculate::{Calculation, JOIN_BYTES};
use cores::diff::memory::{Memory, Plain};
use cores::diff::optimize::{check_scratch, optimize};
use cores::diff::wire;
use shared_layouts::diff::{DiffError, optimization_level};

const LEVELS: [u8; 3] = [optimization_level::NONE, optimization_level::BASIC, optimization_level::AGGRESSIVE];

fn calculate(base: &[u8], new: &[u8], level: u8) -> Vec<u8> {
    let mut out = vec![0; 2 * new.len() + 16];
    let size = Calculation { base, new, offset: 0, level }.write::<Plain>(&mut out).unwrap();
    out.truncate(size.bytes);
    assert_eq!(model::decode(&out).len(), size.operations);
    out
}

/// A base, what it becomes, and the operations between them.
fn diff(random: &mut Random) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let base = generate::state(random);
    let new = generate::changed(random, &base);
    let wire = calculate(&base, &new, LEVELS[random.below(3)]);
    (base, new, wire)
}

/// The data as the program holds it from `Begin` to `Commit`: already grown, not yet cut.
fn extended(base: &[u8], new_length: usize) -> Vec<u8> {
    let mut data = base.to_vec();
    data.resize(base.len().max(new_length), 0);
    data
}

#[test]
fn what_is_calculated_turns_the_base_into_the_new_state() {
    for_each_seed("round trip", |random| {
        let base = generate::state(random);
        let new = generate::changed(random, &base);
        let mut sizes = Vec::new();
        let calculation = Calculation { base: &base, new: &new, offset: 0, level: optimization_level::NONE };
        assert_eq!(calculation.is_unchanged::<Plain>(), base == new);
        for level in LEVELS {
            let wire = calculate(&base, &new, level);
            let operations = model::decode(&wire);
            let joined_bytes = match level {
                optimization_level::NONE => None,
                optimization_level::BASIC => Some(0),
                _ => Some(JOIN_BYTES),
            };
            assert!(
                operations == model::differences(&base, &new, joined_bytes),
                "level {level}: each run, and no more"
            );
            assert_eq!(wire::check(&wire, new.len()), Ok(operations.len()));
            assert_eq!(model::apply(&operations, &base, new.len()), new);
            let mut data = extended(&base, new.len());
            wire::apply::<Plain>(&wire, &mut data).unwrap();
            assert_eq!(data[..new.len()], new);
            sizes.push(operations.len());
        }
        assert!(sizes.is_sorted_by(|more, fewer| more >= fewer), "{sizes:?}");
    });
}

#[test]
fn a_part_of_the_data_is_calculated_as_the_whole_and_moved_to_its_place() {
    for_each_seed("offset", |random| {
        let base = generate::state(random);
        let new = generate::changed(random, &base);
        let (offset, level) = (random.below(100_000), LEVELS[random.below(3)]);
        let mut out = vec![0; 2 * new.len() + 16];
        let size = Calculation { base: &base, new: &new, offset, level }.write::<Plain>(&mut out).unwrap();
        let moved = model::decode(&calculate(&base, &new, level)).into_iter().map(|(at, bytes)| (at + offset, bytes));
        assert_eq!(model::decode(&out[..size.bytes]), moved.collect::<Operations>());
    });
}

#[test]
fn optimizing_keeps_the_result_and_never_grows() {
    for_each_seed("optimize", |random| {
        let base = generate::state(random);
        let operations = generate::operations(random, &base);
        let wire = model::encode(&operations);
        let expected = model::apply(&operations, &base, base.len());
        // A state that grows shows the optimizer less of what the operations cover.
        let known = &base[..if random.one_in(4) { random.below(base.len() + 1) } else { base.len() }];
        let zeroed = extended(known, base.len());
        let expected_grown = model::apply(&operations, &zeroed, base.len());
        for level in LEVELS {
            let mut optimized = wire.clone();
            let mut scratch = vec![0xaa; wire.len() + 8 * operations.len() + 8];
            let size = optimize::<Plain>(level, known, &mut optimized, &mut scratch).unwrap();
            optimized.truncate(size.bytes);
            let kept = model::decode(&optimized);
            assert_eq!(kept.len(), size.operations);
            assert!(size.bytes <= wire.len() && size.operations <= operations.len());
            assert_eq!(model::apply(&kept, &zeroed, base.len()), expected_grown, "level {level}");
            if known.len() == base.len() {
                assert_eq!(model::apply(&kept, &base, base.len()), expected, "level {level}");
            }
            if level == optimization_level::AGGRESSIVE {
                assert_eq!(wire::check(&optimized, base.len()), Ok(kept.len()));
            }
        }
    });
}

#[test]
fn scratch_that_is_called_enough_is_enough_and_eight_bytes_less_than_too_little_fail() {
    for_each_seed("scratch", |random| {
        let base = generate::state(random);
        let wire = model::encode(&generate::operations(random, &base));
        let bytes = random.below(2 * wire.len() + 24);
        for level in LEVELS {
            let mut optimized = wire.clone();
            match check_scratch(level, &wire, bytes) {
                Ok(()) => {
                    optimize::<Plain>(level, &base, &mut optimized, &mut vec![0; bytes]).unwrap();
                }
                Err(error) => {
                    assert_eq!(error, DiffError::ArenaFull);
                    let scratch = &mut vec![0; bytes.saturating_sub(8)];
                    let result = optimize::<Plain>(level, &base, &mut optimized, scratch);
                    assert_eq!((result, optimized), (Err(error), wire.clone()));
                }
            }
        }
    });
}

#[test]
fn operations_that_ascend_need_no_scratch() {
    for_each_seed("ascending", |random| {
        let base = generate::state(random);
        let new = generate::changed(random, &base);
        // Whole words, each an operation: many of them touch.
        let wire = calculate(&base, &new, optimization_level::NONE);
        for level in LEVELS {
            assert_eq!(check_scratch(level, &wire, 0), Ok(()));
            let mut optimized = wire.clone();
            let size = optimize::<Plain>(level, &base, &mut optimized, &mut []).expect("no scratch is needed");
            let kept = model::decode(&optimized[..size.bytes]);
            assert_eq!(model::apply(&kept, &base, new.len()), new);
        }
    });
}

#[test]
fn gaps_of_up_to_a_head_are_closed_in_whatever_order_operations_stand() {
    let base = [9; 64];
    for gap in 0..=20 {
        let ascending = vec![(3, vec![1; 5]), (8 + gap, vec![2; 4])];
        let descending: Operations = ascending.iter().rev().cloned().collect();
        for operations in [ascending, descending] {
            let mut wire = model::encode(&operations);
            let size = optimize::<Plain>(optimization_level::AGGRESSIVE, &base, &mut wire, &mut [0; 128]).unwrap();
            let kept = model::decode(&wire[..size.bytes]);
            assert_eq!(kept.len(), if gap <= wire::HEAD_BYTES { 1 } else { 2 }, "a gap of {gap}");
            assert_eq!(model::apply(&kept, &base, 64), model::apply(&operations, &base, 64));
        }
    }
}

#[test]
fn moving_down_stays_inside() {
    let all = || 0..=10usize;
    for (from, to, bytes) in all().flat_map(|from| all().flat_map(move |to| all().map(move |bytes| (from, to, bytes))))
    {
        let before: Vec<u8> = (1..=8).collect();
        let mut moved = before.clone();
        Plain::move_down(&mut moved, from, to, bytes);
        let mut expected = before.clone();
        if to <= from && from + bytes <= before.len() {
            expected.splice(to..to + bytes, before[from..from + bytes].iter().copied());
        }
        assert_eq!(moved, expected, "{bytes} bytes from {from} to {to}");
    }
}

#[test]
fn rolling_back_restores_bytes_and_length() {
    for_each_seed("roll back", |random| {
        let (base, new, wire) = diff(random);
        let mut inverse = vec![0; wire.len()];
        wire::invert::<Plain>(&wire, &base, &mut inverse).unwrap();
        let mut data = extended(&base, new.len());
        // Any part of the operations may have been applied when the batch is abandoned.
        let done = wire::apply_some::<Plain>(&wire, &mut data, random.below(20)).unwrap();
        let mut at = 0;
        while at < done.bytes {
            at += wire::apply_some::<Plain>(&inverse[at..done.bytes], &mut data, 1 + random.below(7)).unwrap().bytes;
        }
        data.truncate(base.len());
        assert_eq!(data, base);
    });
}

#[test]
fn applying_in_steps_is_applying_at_once() {
    for_each_seed("split", |random| {
        let (base, new, wire) = diff(random);
        let mut data = extended(&base, new.len());
        let (mut rest, mut operations) = (wire.as_slice(), 0);
        while !rest.is_empty() {
            let most = 1 + random.below(50);
            let (first, after) = wire::split(rest, most).unwrap();
            let size = wire::apply_some::<Plain>(rest, &mut data, most).unwrap();
            assert_eq!((size.bytes, size.operations), (first.len(), model::decode(first).len()));
            operations += size.operations;
            rest = after;
        }
        data.truncate(new.len());
        assert_eq!((data, operations), (new, model::decode(&wire).len()));
    });
}

#[test]
fn a_permutation_an_overlap_and_a_changed_base_are_refused() {
    for_each_seed("refuse", |random| {
        let (base, new, wire) = diff(random);
        let operations = model::decode(&wire);
        if operations.is_empty() {
            return;
        }
        let some = random.below(operations.len());
        permuted_and_overlapping(random, &operations, some, new.len());

        let mut inverse = vec![0; wire.len()];
        wire::invert::<Plain>(&wire, &base, &mut inverse).unwrap();
        let whole = extended(&base, new.len());
        assert_eq!(wire::check_base::<Plain>(&inverse, &whole), Ok(()));
        assert_eq!(wire::check_base::<Plain>(&inverse, &base), Ok(()));
        let (offset, payload) = &operations[some];
        let mut other = whole;
        other[offset + random.below(payload.len())] ^= 1 << random.below(8);
        assert_eq!(wire::check_base::<Plain>(&inverse, &other), Err(DiffError::StaleBase));
    });
}

fn permuted_and_overlapping(random: &mut Random, operations: &Operations, some: usize, new_length: usize) {
    let other = random.below(operations.len());
    if some != other {
        let mut swapped = operations.clone();
        swapped.swap(some, other);
        assert_eq!(wire::check(&model::encode(&swapped), new_length), Err(DiffError::OverlappingOperations));
    }
    if let Some((next, _)) = operations.get(some + 1) {
        let mut overlapping = operations.clone();
        let (offset, payload) = &mut overlapping[some];
        payload.resize(next - *offset + 1, 0);
        assert_eq!(wire::check(&model::encode(&overlapping), new_length), Err(DiffError::OverlappingOperations));
    }
    let mut twice = operations.clone();
    twice.insert(some, operations[some].clone());
    assert_eq!(wire::check(&model::encode(&twice), new_length), Err(DiffError::OverlappingOperations));
}
