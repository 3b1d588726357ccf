//! Arenas and states: made, resized, closed.

use crate::{fixture, refuse, with_states};
use mollusk_tests::diffs::*;
use mollusk_tests::fixture::people;
use mollusk_tests::programs::address;
use shared_layouts::diff::{Arena, DiffError, optimization_level};
use solana_program_error::ProgramError;

const SIGN: &[&str] = &[people::OWNER];

#[test]
fn an_arena_is_made_with_its_ring_and_level() {
    let mut fixture = fixture();
    let arena = fixture.arena_at(optimization_level::BASIC);
    let header = fixture.arena_header(&arena);
    assert_eq!((header.number, header.ring_slots, header.optimization_level), (0, 2, optimization_level::BASIC));
    assert_eq!(header.capacity_bytes, (10_240 - 1_024 - 2 * 40) / 2);
    let config_level = fixture.arena();
    assert_eq!(fixture.arena_header(&config_level).optimization_level, optimization_level::AGGRESSIVE);
    for (bytes, ring, level, error) in [
        (10_241, 0, 0, DiffError::InvalidSize),
        (1_023, 0, 0, DiffError::InvalidSize),
        (1_103, 2, 0, DiffError::InvalidSize),
        (2_000, 2, 3, DiffError::InvalidLevel),
    ] {
        let create = fixture.create_arena(bytes, ring, level);
        refuse(&mut fixture, create, SIGN, error);
    }
}

#[test]
fn a_state_is_resized_and_the_rent_goes_both_ways() {
    let (mut fixture, _, [state]) = with_states::<1>();
    let rent = |fixture: &mollusk_tests::fixture::Fixture| fixture.world.account(&state).lamports;
    let before = rent(&fixture);
    fixture.send(&[resize_state(&state, 300)], SIGN);
    assert_eq!(fixture.state_data(&state), [vec![1; 256], vec![0; 44]].concat());
    assert!(rent(&fixture) > before);
    assert_eq!(fixture.state_header(&state).state_version, 1);
    fixture.send(&[resize_state(&state, 256)], SIGN);
    assert_eq!((fixture.state_data(&state), rent(&fixture)), (vec![1; 256], before));
    refuse(&mut fixture, resize_state(&state, 256 + 10_241), SIGN, DiffError::InvalidSize);
    // Growth after a shrink finds zeros, not what was there.
    fixture.send(&[resize_state(&state, 0), resize_state(&state, 256)], SIGN);
    assert_eq!(fixture.state_data(&state), [0; 256]);
}

#[test]
fn closing_pays_everything_back_and_needs_the_owner() {
    let (mut fixture, arena, [state]) = with_states::<1>();
    let mut by_stranger = close_state(&state);
    by_stranger.accounts[1].pubkey = address(people::STRANGER);
    refuse(&mut fixture, by_stranger, &[people::STRANGER], DiffError::NotOwner);
    let mut by_stranger = close_arena(&arena);
    by_stranger.accounts[1].pubkey = address(people::STRANGER);
    refuse(&mut fixture, by_stranger, &[people::STRANGER], DiffError::NotOwner);
    let mut itself = close_state(&state);
    itself.accounts[2].pubkey = state;
    let error = ProgramError::InvalidArgument;
    fixture.world.expect_error(
        &[itself],
        &mollusk_tests::programs::keypair(people::PAYER),
        &[&mollusk_tests::programs::keypair(people::OWNER)],
        0,
        error,
    );
    fixture.send(&[close_state(&state), close_arena(&arena)], SIGN);
    assert_eq!(fixture.world.account(&state).lamports + fixture.world.account(&arena).lamports, 0);
}

#[test]
fn an_arena_is_no_target_and_a_state_is_no_arena() {
    let (mut fixture, arena, [state]) = with_states::<1>();
    let other = fixture.arena();
    let payer = mollusk_tests::programs::keypair(people::PAYER);
    let owner = mollusk_tests::programs::keypair(people::OWNER);
    let bytes = u32::try_from(Arena::BYTES).unwrap();
    for target in [arena, other] {
        let stage = stage(&arena, &target, 0, bytes, &[(0, &[1])]);
        fixture.world.expect_error(&[stage], &payer, &[&owner], 0, ProgramError::InvalidAccountData);
    }
    refuse(&mut fixture, stage(&state, &state, 0, 256, &[(0, &[1])]), SIGN, DiffError::NotAnArena);
}
