//! Every instruction, spoiled in one place: exact errors, and nothing written.

use crate::{STATE_BYTES, with_states};
use mollusk_tests::diffs::*;
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Fixture, people};
use mollusk_tests::programs::{DIFF, PROCESSOR, SCHEDULER, address};
use mollusk_tests::single::{Case, Runner};
use shared_layouts::declare::InstructionSpec;
use shared_layouts::diff::{self, DiffError};
use solana_program_error::ProgramError;
use solana_pubkey::Pubkey;

/// A case of each instruction about one arena and one state that succeeds.
fn cases() -> Vec<(&'static InstructionSpec, Case)> {
    const SIGN: &[&str] = &[people::OWNER];
    let (mut fixture, arena, [state, other]) = with_states::<2>();
    let operations: Operations = &[(0, &[7; 8]), (64, &[8; 8])];
    let mut cases = Vec::new();
    let mut add = |fixture: &Fixture, spec, instruction| cases.push((spec, fixture.case(instruction)));
    let offset = u32::try_from(diff::State::BYTES).unwrap();
    fixture.set_state_data(&other, &[2; STATE_BYTES as usize]);
    add(&fixture, &diff::grow_arena::SPEC, grow_arena(&arena, 64));
    add(&fixture, &diff::close_arena::SPEC, close_arena(&arena));
    add(&fixture, &diff::resize_state::SPEC, resize_state(&state, 300));
    add(&fixture, &diff::close_state::SPEC, close_state(&state));
    add(&fixture, &diff::calculate::SPEC, calculate(&arena, &state, 0, &other, offset));
    add(&fixture, &diff::stage::SPEC, stage(&arena, &state, 0, STATE_BYTES, operations));
    fixture.send(&[stage(&arena, &state, 0, STATE_BYTES, operations)], SIGN);
    add(&fixture, &diff::optimize::SPEC, optimize(&arena, &[state], 2));
    add(&fixture, &diff::seal::SPEC, seal(&arena, &[state]));
    fixture.send(&[seal(&arena, &[state])], SIGN);
    let digest = fixture.arena_header(&arena).digest;
    add(&fixture, &diff::discard::SPEC, discard(&arena));
    add(&fixture, &diff::verify_integrity::SPEC, verify_integrity(&arena, 0, digest, &[]));
    add(&fixture, &diff::begin::SPEC, begin(&arena, &[state]));
    fixture.send(&[begin(&arena, &[state])], SIGN);
    add(&fixture, &diff::apply::SPEC, apply(&arena, &[state], 1));
    fixture.send(&[apply(&arena, &[state], 50)], SIGN);
    add(&fixture, &diff::rollback::SPEC, rollback(&arena, &[state], 1, people::OWNER));
    add(&fixture, &diff::commit::SPEC, commit(&arena, &[state]));
    cases
}

fn runner() -> Runner {
    Runner::new(FeatureProfile::Mainnet, &[PROCESSOR, SCHEDULER, DIFF])
}

#[test]
fn each_case_succeeds_unspoiled() {
    for (spec, case) in cases() {
        println!("{}", spec.name);
        runner().expect_ok(&case);
    }
}

#[test]
fn a_missing_signature_and_a_read_only_account_are_refused() {
    let runner = runner();
    for (spec, case) in cases() {
        for (index, account) in spec.accounts.iter().enumerate() {
            println!("{} {}", spec.name, account.name);
            if account.signer {
                let mut unsigned = case.clone();
                // `Begin` names the owner twice: for the arena, and for the target.
                for meta in unsigned.instruction.accounts.iter_mut().filter(|meta| meta.pubkey == case.key(index)) {
                    meta.is_signer = false;
                }
                runner.expect_error(&unsigned, ProgramError::MissingRequiredSignature);
            }
            if account.writable {
                runner.expect_error(&case.clone().without_writable(index), ProgramError::Immutable);
            }
        }
    }
}

#[test]
fn a_foreign_arena_state_or_config_is_refused() {
    let runner = runner();
    for (spec, case) in cases() {
        for (index, account) in spec.accounts.iter().enumerate() {
            let foreign = case.clone().with_owner(index, address("foreign"));
            match account.name {
                "arena" | "config" | "state" => {
                    println!("{} {}", spec.name, account.name);
                    runner.expect_error(&foreign, ProgramError::InvalidAccountOwner);
                }
                _ => {}
            }
            // Not the kind of account that it should be.
            let spoiled = |index| case.clone().with_data_byte(index, 0, 0xff);
            match account.name {
                "arena" => drop(runner.expect_error(&spoiled(index), DiffError::NotAnArena as u32)),
                "state" | "config" => drop(runner.expect_error(&spoiled(index), ProgramError::InvalidAccountData)),
                _ => {}
            }
        }
    }
}

#[test]
fn another_owner_is_refused() {
    let runner = runner();
    for (spec, case) in cases() {
        for (index, account) in spec.accounts.iter().enumerate() {
            if matches!(account.name, "owner") || spec.name == "Rollback" && account.name == "signer" {
                println!("{}", spec.name);
                let spoiled = case.clone().with_key(index, address(people::STRANGER));
                runner.expect_error(&spoiled, DiffError::NotOwner as u32);
            }
        }
    }
}

#[test]
fn data_one_byte_short_or_long_is_refused() {
    let runner = runner();
    for (spec, case) in cases() {
        println!("{}", spec.name);
        let tail_is_operations = spec.name == "Stage";
        let error: u32 = DiffError::MalformedOperations as u32;
        if tail_is_operations {
            runner.expect_error(&case.clone().shortened(), error);
            runner.expect_error(&case.clone().lengthened(), error);
        } else {
            if !spec.data.is_empty() {
                runner.expect_error(&case.clone().shortened(), ProgramError::InvalidInstructionData);
            }
            runner.expect_error(&case.clone().lengthened(), ProgramError::InvalidInstructionData);
        }
    }
}

#[test]
fn a_missing_a_surplus_and_a_wrong_target_are_refused() {
    let runner = runner();
    for (spec, case) in cases() {
        let fixed = spec.accounts.len();
        if !matches!(spec.name, "Optimize" | "Seal" | "Begin" | "Commit" | "Apply" | "Rollback") {
            continue;
        }
        println!("{}", spec.name);
        let wrong: Pubkey = address("wrong");
        runner.expect_error(&case.clone().with_key(fixed, wrong), DiffError::WrongTarget as u32);
        let missing = case.clone().without_account(fixed);
        match spec.name {
            "Apply" | "Rollback" => drop(runner.expect_error(&missing, DiffError::NothingToApply as u32)),
            _ => drop(runner.expect_error(&missing, ProgramError::NotEnoughAccountKeys)),
        }
        let mut surplus = case.clone();
        let last = surplus.instruction.accounts[fixed].clone();
        surplus.instruction.accounts.push(last);
        match spec.name {
            "Apply" | "Rollback" => drop(runner.expect_error(&surplus, DiffError::WrongTarget as u32)),
            _ => drop(runner.expect_error(&surplus, ProgramError::InvalidArgument)),
        }
        if matches!(spec.name, "Begin" | "Commit" | "Apply" | "Rollback") {
            runner.expect_error(&case.clone().without_writable(fixed), ProgramError::Immutable);
        }
    }
}

#[test]
fn another_clock_is_refused() {
    let runner = runner();
    for (spec, case) in cases() {
        let clock = spec.accounts.iter().position(|account| account.name == "clock");
        // The owner's rollback does not look at the time.
        if let (Some(index), true) = (clock, spec.name != "Rollback") {
            println!("{}", spec.name);
            runner.expect_error(&case.with_key(index, address("clock")), ProgramError::UnsupportedSysvar);
        }
    }
}

#[test]
fn optimize_finds_out_that_the_scratch_is_too_short_before_it_changes_any_target() {
    let (mut fixture, _, [first, second]) = with_states::<2>();
    // Room for 216 bytes of operations and as many of their inverse.
    let create = fixture.create_arena(1_024 + 432, 0, diff::DEFAULT_LEVEL);
    let arena = create.accounts[diff::create_arena::Position::arena as usize].pubkey;
    // Two neighbours, which become one operation, and twenty that do not ascend.
    let neighbours: Operations = &[(0, &[7; 8]), (8, &[7; 8])];
    let descending: Vec<(u32, &[u8])> = (0..20).map(|index| (200 - index, &[7; 1][..])).collect();
    let stages = [
        create,
        stage(&arena, &first, 0, STATE_BYTES, neighbours),
        stage(&arena, &second, 0, STATE_BYTES, &descending),
    ];
    fixture.send(&stages, &[people::OWNER]);
    let case = fixture.case(optimize(&arena, &[first, second], diff::optimization_level::AGGRESSIVE));
    runner().expect_error(&case, DiffError::ArenaFull as u32);
    fixture.send(&[grow_arena(&arena, 1_024), case.instruction], &[people::OWNER]);
    assert_eq!(fixture.arena_header(&arena).operations, 2);
}
