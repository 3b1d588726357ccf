//! The rules of locking, in whole transactions: whatever is tried in the middle of a batch, there is no partial result.

use crate::{refuse, with_states};
use mollusk_tests::diffs::*;
use mollusk_tests::fixture::{self, Fixture, people};
use mollusk_tests::programs::{DIFF, address, keypair};
use shared_layouts::diff::{DiffError, batch_stage, lock_state};
use shared_layouts::lifecycle::Fault;
use solana_instruction::AccountMeta;
use solana_program_error::ProgramError;
use solana_pubkey::Pubkey;

const SIGN: &[&str] = &[people::OWNER];
const OPERATIONS: Operations = &[(0, &[7; 8]), (64, &[8; 8])];

fn advance(fixture: &mut Fixture, seconds: u32) {
    let now = fixture.world.unix_seconds();
    fixture.world.set_unix_seconds(now + i64::from(seconds));
}

fn in_the_middle() -> (Fixture, Pubkey, [Pubkey; 2]) {
    let (mut fixture, arena, states) = with_states::<2>();
    fixture.begun(&arena, &[(states[0], OPERATIONS), (states[1], OPERATIONS)]);
    fixture.send(&[apply(&arena, &states, 3)], SIGN);
    (fixture, arena, states)
}

#[test]
fn two_batches_contend_for_a_target_and_the_second_waits() {
    let (mut fixture, arena, [a, b, c]) = with_states::<3>();
    let other = fixture.arena();
    fixture.sealed(&other, &[(c, OPERATIONS), (b, &[(8, &[3; 8])])]);
    fixture.begun(&arena, &[(a, OPERATIONS), (b, OPERATIONS)]);
    refuse(&mut fixture, begin(&other, &[c, b]), SIGN, DiffError::Locked);
    assert_eq!(fixture.state_header(&c).header.state, lock_state::UNLOCKED);
    fixture.send(&[apply(&arena, &[a, b], 50), commit(&arena, &[a, b])], SIGN);
    // The first has changed what the second was made for.
    refuse(&mut fixture, begin(&other, &[c, b]), SIGN, DiffError::StaleBase);
}

#[test]
fn a_rolled_back_batch_leaves_the_base_of_another_as_it_was() {
    let (mut fixture, arena, [a, b]) = with_states::<2>();
    let other = fixture.arena();
    fixture.sealed(&other, &[(b, &[(8, &[3; 8])])]);
    fixture.begun(&arena, &[(a, OPERATIONS), (b, OPERATIONS)]);
    fixture.send(&[apply(&arena, &[a, b], 50), rollback(&arena, &[a, b], 50, people::OWNER)], SIGN);
    fixture.send(&[begin(&other, &[b]), apply(&other, &[b], 50), commit(&other, &[b])], SIGN);
    assert_eq!(fixture.state_data(&b)[8..16], [3; 8]);
}

#[test]
fn while_locked_only_this_batch_writes() {
    let (mut fixture, arena, states) = in_the_middle();
    let [a, b] = states;
    let other = fixture.arena();
    for state in [a, b] {
        refuse(&mut fixture, fixture::apply_inline(&state, 0, OPERATIONS), SIGN, DiffError::Locked);
        refuse(&mut fixture, resize_state(&state, 10), SIGN, DiffError::Locked);
        refuse(&mut fixture, close_state(&state), SIGN, DiffError::Locked);
    }
    refuse(&mut fixture, apply(&other, &[a], 1), SIGN, DiffError::WrongStage);
    refuse(&mut fixture, rollback(&other, &[a], 1, people::OWNER), SIGN, DiffError::WrongStage);
    refuse(&mut fixture, commit(&other, &[a]), SIGN, DiffError::WrongStage);
    refuse(&mut fixture, close_arena(&arena), SIGN, DiffError::WrongStage);
    refuse(&mut fixture, discard(&arena), SIGN, DiffError::WrongStage);
    refuse(&mut fixture, grow_arena(&arena, 100), SIGN, DiffError::WrongStage);
    refuse(&mut fixture, stage(&arena, &a, 0, 256, OPERATIONS), SIGN, DiffError::WrongStage);
    refuse(&mut fixture, seal(&arena, &states), SIGN, DiffError::WrongStage);
    refuse(&mut fixture, begin(&arena, &states), SIGN, DiffError::WrongStage);
    fixture.send(&[apply(&arena, &[b], 50), commit(&arena, &states)], SIGN);
}

#[test]
fn another_arena_that_is_begun_cannot_touch_a_target_of_this_one() {
    let (mut fixture, arena, [a, b, c]) = with_states::<3>();
    let other = fixture.arena();
    fixture.begun(&arena, &[(a, OPERATIONS), (b, OPERATIONS)]);
    fixture.begun(&other, &[(c, OPERATIONS)]);
    refuse(&mut fixture, apply(&other, &[a], 1), SIGN, DiffError::WrongTarget);
    refuse(&mut fixture, rollback(&other, &[a], 1, people::OWNER), SIGN, DiffError::WrongTarget);
    fixture.send(&[apply(&other, &[c], 5)], SIGN);
    refuse(&mut fixture, commit(&other, &[a]), SIGN, DiffError::WrongTarget);
}

#[test]
fn rollback_once_begun_excludes_apply_and_commit() {
    let (mut fixture, arena, states) = in_the_middle();
    fixture.send(&[rollback(&arena, &states, 1, people::OWNER)], SIGN);
    assert_eq!(fixture.arena_header(&arena).header.state, batch_stage::ROLLING_BACK);
    refuse(&mut fixture, apply(&arena, &states[1..], 1), SIGN, DiffError::WrongStage);
    refuse(&mut fixture, commit(&arena, &states), SIGN, DiffError::WrongStage);
    refuse(&mut fixture, close_arena(&arena), SIGN, DiffError::WrongStage);
    fixture.send(&[rollback(&arena, &states, 50, people::OWNER)], SIGN);
    for state in &states {
        assert_eq!(fixture.state_data(state), [1; 256]);
        assert_eq!(fixture.state_header(state).state_version, 0);
    }
}

#[test]
fn a_stranger_rolls_back_after_the_deadline_and_not_before() {
    let (mut fixture, arena, states) = in_the_middle();
    let by_stranger = rollback(&arena, &states, 50, people::STRANGER);
    refuse(&mut fixture, by_stranger.clone(), &[people::STRANGER], DiffError::NotOwner);
    advance(&mut fixture, LOCK_SECONDS);
    refuse(&mut fixture, by_stranger.clone(), &[people::STRANGER], DiffError::NotOwner);
    advance(&mut fixture, 1);
    refuse(&mut fixture, apply(&arena, &states[1..], 1), SIGN, DiffError::DeadlinePassed);
    refuse(&mut fixture, commit(&arena, &states), SIGN, DiffError::DeadlinePassed);
    fixture.send(&[by_stranger], &[people::STRANGER]);
    for state in &states {
        assert_eq!(fixture.state_data(state), [1; 256]);
        assert_eq!(fixture.state_header(state).header.state, lock_state::UNLOCKED);
    }
}

#[test]
fn the_owners_rollback_works_while_paused_and_nothing_goes_forward() {
    let (mut fixture, arena, states) = in_the_middle();
    fixture.send(&[fixture::pause(DIFF, people::AUTHORITY)], &[people::AUTHORITY]);
    let paused = 3_000 + Fault::Paused as u32;
    for forward in [apply(&arena, &states[1..], 1), commit(&arena, &states), begin(&arena, &states)] {
        fixture.world.expect_error(&[forward], &keypair(people::PAYER), &[&keypair(people::OWNER)], 0, paused);
    }
    fixture.send(&[rollback(&arena, &states, 50, people::OWNER)], SIGN);
    fixture.send(&[close_arena(&arena), close_state(&states[0])], SIGN);
    assert_eq!(fixture.state_data(&states[1]), [1; 256]);
}

#[test]
fn begin_needs_the_signature_of_every_targets_owner() {
    let (mut fixture, arena, states) = with_states::<2>();
    fixture.sealed(&arena, &[(states[0], OPERATIONS), (states[1], OPERATIONS)]);
    let good = begin(&arena, &states);
    let mut unsigned = good.clone();
    // The transaction would merge the flags of two metas of one key, so the second owner is another, who does not own it.
    unsigned.accounts[7] = AccountMeta::new_readonly(address(people::STRANGER), true);
    refuse(&mut fixture, unsigned.clone(), &[people::OWNER, people::STRANGER], DiffError::NotOwner);
    unsigned.accounts[7].is_signer = false;
    let failure = fixture.world.send(&[unsigned], &keypair(people::PAYER), &[&keypair(people::OWNER)]).unwrap_err();
    failure.assert_error(0, ProgramError::MissingRequiredSignature);
    fixture.send(&[good], SIGN);
}

#[test]
fn closed_accounts_revive_nothing() {
    let (mut fixture, arena, [a, b]) = with_states::<2>();
    fixture.sealed(&arena, &[(a, OPERATIONS), (b, OPERATIONS)]);
    fixture.send(&[close_state(&a)], SIGN);
    let next = fixture.state(256);
    assert_ne!(next, a);
    let failure = fixture.world.send(&[begin(&arena, &[a, b])], &keypair(people::PAYER), &[&keypair(people::OWNER)]);
    failure.unwrap_err().assert_error(0, ProgramError::InvalidAccountOwner);
    refuse(&mut fixture, begin(&arena, &[next, b]), SIGN, DiffError::WrongTarget);
    // Lamports in the same transaction do not bring it back.
    let close = close_arena(&arena);
    let revive = solana_system_interface::instruction::transfer(&address(people::PAYER), &arena, 10_000_000);
    fixture.send(&[close, revive], SIGN);
    let account = fixture.world.account(&arena);
    assert!(account.data.is_empty() && account.owner == solana_sdk_ids::system_program::ID);
    assert_ne!(fixture.arena(), arena);
    assert_eq!(fixture.state_header(&b).header.state, lock_state::UNLOCKED);
}

#[test]
fn begin_checks_the_old_bytes_and_the_version() {
    let (mut fixture, arena, [a, b]) = with_states::<2>();
    fixture.sealed(&arena, &[(a, OPERATIONS), (b, OPERATIONS)]);
    let mut data = fixture.state_data(&b);
    data[65] = 9;
    fixture.set_state_data(&b, &data);
    refuse(&mut fixture, begin(&arena, &[a, b]), SIGN, DiffError::StaleBase);
    fixture.set_state_data(&b, &[1; 256]);
    fixture.send(&[fixture::apply_inline(&a, 0, &[(200, &[1])])], SIGN);
    refuse(&mut fixture, begin(&arena, &[a, b]), SIGN, DiffError::StaleBase);
}
