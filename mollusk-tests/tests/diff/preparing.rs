//! Staging, optimizing and sealing.

use crate::{STATE_BYTES, fixture, refuse, with_states};
use mollusk_tests::diffs::*;
use mollusk_tests::fixture::people;
use shared_layouts::diff::{self, DiffError, batch_stage, optimization_level};

const SIGN: &[&str] = &[people::OWNER];

#[test]
fn a_batch_is_staged_in_several_instructions_one_target_after_the_other() {
    let (mut fixture, arena, [a, b]) = with_states::<2>();
    let stage = |state, operations| stage(&arena, state, 0, STATE_BYTES, operations);
    fixture.send(&[stage(&a, &[(0, &[2])]), stage(&a, &[(9, &[3])]), stage(&b, &[(0, &[4])])], SIGN);
    refuse(&mut fixture, stage(&a, &[(20, &[2])]), SIGN, DiffError::TargetClosed);
    let header = fixture.arena_header(&arena);
    assert_eq!((header.targets_count, header.operations, header.operations_bytes), (2, 3, 27));
    let longer = mollusk_tests::diffs::stage(&arena, &b, 0, STATE_BYTES + 1, &[(0, &[2])]);
    refuse(&mut fixture, longer, SIGN, DiffError::InvalidLength);
    refuse(&mut fixture, mollusk_tests::diffs::stage(&arena, &b, 1, STATE_BYTES, &[]), SIGN, DiffError::StaleBase);
}

#[test]
fn a_batch_has_at_most_eight_targets() {
    let (mut fixture, arena, states) = with_states::<9>();
    for state in &states[..8] {
        fixture.send(&[stage(&arena, state, 0, STATE_BYTES, &[(0, &[2])])], SIGN);
    }
    refuse(&mut fixture, stage(&arena, &states[8], 0, STATE_BYTES, &[(0, &[2])]), SIGN, DiffError::TooManyTargets);
    let eight = &states[..8];
    fixture.send(&[seal(&arena, eight)], SIGN);
    fixture.send(&[begin(&arena, eight), apply(&arena, eight, 8)], SIGN);
    fixture.send(&[commit(&arena, eight)], SIGN);
    assert!(eight.iter().all(|state| fixture.state_header(state).state_version == 1));
}

#[test]
fn seal_rejects_with_a_status_and_counts_it() {
    let overlapping: Operations = &[(0, &[2; 8]), (7, &[3; 8])];
    let cases: [(Operations, DiffError); 5] = [
        (overlapping, DiffError::OverlappingOperations),
        (&[(8, &[2; 8]), (0, &[3; 8])], DiffError::OverlappingOperations),
        (&[(STATE_BYTES - 7, &[2; 8])], DiffError::OutOfBounds),
        (&[(0, &[])], DiffError::EmptyOperation),
        (&[], DiffError::NothingStaged),
    ];
    for (operations, error) in cases {
        let (mut fixture, arena, [state]) = with_states::<1>();
        fixture.send(&[stage(&arena, &state, 0, STATE_BYTES, operations)], SIGN);
        fixture.send(&[seal(&arena, &[state])], SIGN);
        let header = fixture.arena_header(&arena);
        assert_eq!((header.header.state, header.rejected), (batch_stage::OPEN, 1));
        assert_eq!(header.seal_status, error as u32);
        refuse(&mut fixture, begin(&arena, &[state]), SIGN, DiffError::WrongStage);
    }
    let (mut fixture, arena, [state]) = with_states::<1>();
    fixture.send(&[stage(&arena, &state, 0, STATE_BYTES, &[(0, &[9])])], SIGN);
    fixture.send(&[mollusk_tests::fixture::apply_inline(&state, 0, &[(100, &[9])])], SIGN);
    fixture.send(&[seal(&arena, &[state])], SIGN);
    assert_eq!(fixture.arena_header(&arena).seal_status, DiffError::StaleBase as u32);
}

#[test]
fn optimize_makes_an_unsealable_batch_sealable_and_reports() {
    let (mut fixture, arena, [a, b]) = with_states::<2>();
    let first: Operations = &[(40, &[2; 8]), (0, &[3; 8]), (4, &[4; 8]), (20, &[1; 4]), (56, &[5; 8])];
    let second: Operations = &[(0, &[2; 8]), (8, &[3; 8])];
    fixture.send(&[stage(&arena, &a, 0, STATE_BYTES, first), stage(&arena, &b, 0, STATE_BYTES, second)], SIGN);
    fixture.send(&[optimize(&arena, &[a, b], optimization_level::AGGRESSIVE)], SIGN);
    let header = fixture.arena_header(&arena);
    assert_eq!((header.optimized_from_operations, header.optimized_to_operations), (7, 3));
    assert_eq!((header.optimized_from_bytes, header.optimized_to_bytes), (7 * 8 + 36 + 16, 3 * 8 + 24 + 24 + 16));
    let run = [seal(&arena, &[a, b]), begin(&arena, &[a, b]), apply(&arena, &[a, b], 50), commit(&arena, &[a, b])];
    fixture.send(&run, SIGN);
    let data = fixture.state_data(&a);
    assert_eq!(data[..64], [[3; 4].as_slice(), &[4; 8], &[1; 28], &[2; 8], &[1; 8], &[5; 8]].concat());
    assert_eq!(fixture.state_data(&b)[..17], [[2; 8].as_slice(), &[3; 8], &[1]].concat());
}

#[test]
fn optimize_drops_what_has_no_effect_and_none_keeps_all() {
    let (mut fixture, arena, [state]) = with_states::<1>();
    let operations: Operations = &[(0, &[1; 8]), (8, &[2; 8]), (16, &[3; 8])];
    fixture.send(&[stage(&arena, &state, 0, STATE_BYTES, operations)], SIGN);
    for (level, kept) in [(optimization_level::NONE, 3), (optimization_level::BASIC, 1)] {
        fixture.send(&[optimize(&arena, &[state], level)], SIGN);
        assert_eq!(fixture.arena_header(&arena).operations, kept);
    }
    refuse(&mut fixture, optimize(&arena, &[state], 3), SIGN, DiffError::InvalidLevel);
}

#[test]
fn a_full_arena_takes_more_once_it_has_grown() {
    let mut fixture = fixture();
    let create = fixture.create_arena(1_024 + 48, 0, optimization_level::NONE);
    let arena = create.accounts[1].pubkey;
    let state = fixture.state(64);
    fixture.send(&[create], SIGN);
    fixture.send(&[stage(&arena, &state, 0, 64, &[(0, &[1; 8])])], SIGN);
    refuse(&mut fixture, stage(&arena, &state, 0, 64, &[(8, &[1])]), SIGN, DiffError::ArenaFull);
    fixture.send(&[grow_arena(&arena, 48), stage(&arena, &state, 0, 64, &[(8, &[1])])], SIGN);
    assert_eq!(fixture.arena_header(&arena).capacity_bytes, 48);
    assert_eq!(fixture.world.account(&arena).data.len(), 1_024 + 96);
}

#[test]
fn discard_drops_a_batch_also_while_paused() {
    let (mut fixture, arena, [state]) = with_states::<1>();
    fixture.sealed(&arena, &[(state, &[(0, &[9])])]);
    let pause = mollusk_tests::fixture::pause(mollusk_tests::programs::DIFF, people::AUTHORITY);
    fixture.send(&[pause], &[people::AUTHORITY]);
    fixture.send(&[discard(&arena)], SIGN);
    let header = fixture.arena_header(&arena);
    assert_eq!((header.header.state, header.batch, header.targets_count), (batch_stage::OPEN, 1, 0));
    assert_eq!(header.operations_bytes, 0);
}

#[test]
fn calculate_refuses_ranges_that_do_not_lie_inside() {
    let (mut fixture, arena, [state]) = with_states::<1>();
    let source = fixture.bytes_account("source", vec![9; 100]);
    let good = diff::calculate::Data {
        base_version: 0,
        target_offset: 156,
        source_offset: 0,
        range_bytes: 100,
        data_offset: 0,
    };
    for bad in [
        diff::calculate::Data { target_offset: 157, ..good },
        diff::calculate::Data { source_offset: 1, ..good },
        diff::calculate::Data { range_bytes: 101, ..good },
        diff::calculate::Data { target_offset: u32::MAX, ..good },
    ] {
        refuse(&mut fixture, calculate_range(&arena, &state, &source, &bad), SIGN, DiffError::InvalidRange);
    }
    let stale = diff::calculate::Data { base_version: 1, ..good };
    refuse(&mut fixture, calculate_range(&arena, &state, &source, &stale), SIGN, DiffError::StaleBase);
    fixture.send(&[calculate_range(&arena, &state, &source, &good)], SIGN);
    let target = fixture.arena_header(&arena).targets[0];
    assert_eq!((target.old_length, target.new_length, target.operations_bytes), (STATE_BYTES, STATE_BYTES, 108));
}
