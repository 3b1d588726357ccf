//! What a batch does from beginning to end.

use crate::{STATE_BYTES, refuse, with_states};
use mollusk_tests::diffs::*;
use mollusk_tests::fixture::people;
use shared_layouts::diff::{self, DiffError, batch_stage, lock_state};

const SIGN: &[&str] = &[people::OWNER];

#[test]
fn versions_change_at_commit_only_and_all_at_once() {
    let (mut fixture, arena, states) = with_states::<2>();
    let operations: &[(u32, &[u8])] = &[(0, &[7; 8]), (100, &[8; 3])];
    fixture.begun(&arena, &[(states[0], operations), (states[1], &operations[..1])]);
    fixture.send(&[apply(&arena, &states, 50)], SIGN);
    for state in &states {
        let header = fixture.state_header(state);
        assert_eq!((header.state_version, header.header.state), (0, lock_state::LOCKED));
        assert_eq!(fixture.state_data(state)[..8], [7; 8]);
    }
    let digest = fixture.arena_header(&arena).digest;
    fixture.send(&[commit(&arena, &states)], SIGN);
    for state in &states {
        let header = fixture.state_header(state);
        assert_eq!((header.state_version, header.header.state), (1, lock_state::UNLOCKED));
        assert_eq!((header.lock_arena, header.lock_batch, header.lock_deadline_at), ([0; 32], 0, 0));
    }
    assert_eq!(fixture.state_data(&states[0])[100..103], [8; 3]);
    let header = fixture.arena_header(&arena);
    assert_eq!((header.header.state, header.batch, header.batches), (batch_stage::OPEN, 1, 1));
    assert_eq!((header.operations_in, header.operations_out, header.bytes_in), (3, 3, 3 * 8 + 8 + 8 + 3));
    fixture.send(&[verify_integrity(&arena, 0, digest, &[])], &[]);
    refuse(&mut fixture, verify_integrity(&arena, 0, [1; 32], &[]), &[], DiffError::IntegrityMismatch);
    refuse(&mut fixture, verify_integrity(&arena, 1, digest, &[]), &[], DiffError::UnknownBatch);
}

#[test]
fn a_batch_above_the_batch_size_is_split_and_stays_all_or_nothing() {
    let (mut fixture, arena, states) = with_states::<2>();
    let operations: Vec<(u32, &[u8])> = (0..60).map(|index| (index * 4, &[9][..])).collect();
    fixture.begun(&arena, &[(states[0], &operations), (states[1], &operations)]);
    // The config says 50; the second and third instruction go on where the one before stopped.
    fixture.send(&[apply(&arena, &states, u16::MAX)], SIGN);
    assert_eq!(fixture.arena_header(&arena).applied_operations, 50);
    refuse(&mut fixture, commit(&arena, &states), SIGN, DiffError::NotAllApplied);
    fixture.send(&[apply(&arena, &states, 50)], SIGN);
    assert_eq!(fixture.arena_header(&arena).applied_targets, 1);
    refuse(&mut fixture, apply(&arena, &states, 50), SIGN, DiffError::WrongTarget);
    fixture.send(&[apply(&arena, &states[1..], 50)], SIGN);
    refuse(&mut fixture, apply(&arena, &[], 50), SIGN, DiffError::NothingToApply);
    fixture.send(&[commit(&arena, &states)], SIGN);
    for state in &states {
        let expected: Vec<u8> = (0..STATE_BYTES).map(|at| if at < 240 && at % 4 == 0 { 9 } else { 1 }).collect();
        assert_eq!(fixture.state_data(state), expected);
    }
}

#[test]
fn rollback_restores_bytes_and_length_after_any_number_of_steps() {
    for applied in [0, 1, 3, 4, 5, 6] {
        let (mut fixture, arena, states) = with_states::<2>();
        let grown = STATE_BYTES + 100;
        let tail = [5; 100];
        let first: &[(u32, &[u8])] = &[(0, &[7; 8]), (16, &[7; 8]), (32, &[7; 8]), (STATE_BYTES, &tail)];
        let second: &[(u32, &[u8])] = &[(3, &[6; 5]), (50, &[6; 50])];
        let mut accounts = fixture.world.account(&states[0]);
        accounts.lamports *= 2;
        fixture.world.set_account(&states[0], accounts);
        let before = fixture.world.snapshot(&states);
        let length = STATE_BYTES / 2;
        fixture.send(&[stage(&arena, &states[0], 0, grown, first), stage(&arena, &states[1], 0, length, second)], SIGN);
        fixture.send(&[seal(&arena, &states)], SIGN);
        fixture.send(&[begin(&arena, &states)], SIGN);
        assert_eq!(fixture.state_data(&states[0]).len(), grown as usize);
        for step in 0..applied {
            fixture.send(&[apply(&arena, &states[usize::from(step >= 4)..], 1)], SIGN);
        }
        // One operation at a time, and the targets as they are released.
        while fixture.arena_header(&arena).header.state != batch_stage::OPEN {
            let released = usize::from(fixture.arena_header(&arena).restored_targets);
            fixture.send(&[rollback(&arena, &states[released..], 1, people::OWNER)], SIGN);
        }
        fixture.world.assert_unchanged(&before);
        let header = fixture.arena_header(&arena);
        assert_eq!((header.rolled_back, header.batch, header.batches), (1, 1, 0), "after {applied}");
    }
}

#[test]
fn a_target_grows_at_begin_and_shrinks_at_commit() {
    let (mut fixture, arena, states) = with_states::<2>();
    let operations: &[(u32, &[u8])] = &[(STATE_BYTES, &[5; 10])];
    fixture.send(
        &[stage(&arena, &states[0], 0, STATE_BYTES + 64, operations), stage(&arena, &states[1], 0, 0, &[])],
        SIGN,
    );
    fixture.send(&[seal(&arena, &states)], SIGN);
    refuse(&mut fixture, begin(&arena, &states), SIGN, DiffError::RentTooLow);
    fixture.world.airdrop(&states[0], 1_000_000_000);
    fixture.send(&[begin(&arena, &states)], SIGN);
    assert_eq!(fixture.state_data(&states[1]).len(), STATE_BYTES as usize);
    fixture.send(&[apply(&arena, &states, 1), commit(&arena, &states)], SIGN);
    let data = fixture.state_data(&states[0]);
    assert_eq!(data, [&[1; STATE_BYTES as usize][..], &[5; 10], &[0; 54]].concat());
    assert_eq!(fixture.state_data(&states[1]).len(), 0);
}

#[test]
fn what_calculate_stages_makes_the_target_the_source() {
    for level in 0..=2 {
        let (mut fixture, _, [state, model]) = with_states::<2>();
        let arena = fixture.arena_at(level);
        let mut new = fixture.state_data(&model);
        for at in [0, 9, 17, 33, 200, 255] {
            new[at] = 0xee;
        }
        fixture.set_state_data(&model, &new);
        let offset = u32::try_from(diff::State::BYTES).unwrap();
        fixture.send(&[calculate(&arena, &state, 0, &model, offset)], SIGN);
        let expected = [6, 4, 2][usize::from(level)];
        assert_eq!(fixture.arena_header(&arena).operations, expected);
        let run =
            [seal(&arena, &[state]), begin(&arena, &[state]), apply(&arena, &[state], 50), commit(&arena, &[state])];
        fixture.send(&run, SIGN);
        assert_eq!(fixture.state_data(&state), new);
        // The target is what the source is: nothing is staged.
        fixture.send(&[calculate(&arena, &state, 1, &model, offset)], SIGN);
        assert_eq!(fixture.arena_header(&arena).targets_count, 0);
    }
}
