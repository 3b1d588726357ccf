//! Single instructions in Mollusk: what succeeds, what is refused, and that a wrong expectation fails.

use crate::{noop, panic_of, token_transfer};
use mollusk_tests::{
    features::{FeatureProfile, START_UNIX_SECONDS, mollusk},
    programs::{NOOP, address},
    single::{Case, Runner},
    token,
};
use solana_instruction::{AccountMeta, Instruction, error::InstructionError};
use solana_program_error::ProgramError;
use solana_sdk_ids::{system_program, sysvar};
use solana_system_interface::instruction as system;

const INSUFFICIENT_FUNDS: u32 = 1;
const OWNER_MISMATCH: u32 = 4;
const INVALID_INSTRUCTION: u32 = 12;

/// p-token's batch of two transfers out of 100 tokens, of which the second finds too few left.
fn half_failing_batch() -> Case {
    const BATCH: u8 = 255;
    let mut case = token_transfer();
    let (accounts, data) = (case.instruction.accounts.clone(), case.instruction.data.clone());
    case.instruction.data = vec![BATCH];
    case.instruction.accounts.clear();
    for amount in [40_u64, 61] {
        let mut transfer = data.clone();
        transfer[1..].copy_from_slice(&amount.to_le_bytes());
        let counts = [accounts.len(), transfer.len()].map(|count| u8::try_from(count).unwrap());
        case.instruction.data.extend(counts);
        case.instruction.data.extend(transfer);
        case.instruction.accounts.extend(accounts.clone());
    }
    case
}

#[test]
fn mollusk_has_the_profiles_limits() {
    let mainnet = mollusk(FeatureProfile::Mainnet, &[]);
    let all = mollusk(FeatureProfile::AllFeatures, &[]);
    assert!(!mainnet.feature_set.account_data_direct_mapping);
    assert!(all.feature_set.account_data_direct_mapping);
    assert_eq!(mainnet.compute_budget.max_instruction_stack_depth, 5);
    assert_eq!(all.compute_budget.max_instruction_stack_depth, 9);
    assert_eq!(mainnet.sysvars.clock.unix_timestamp, START_UNIX_SECONDS);
}

#[test]
fn a_transfer_changes_two_accounts() {
    let case = token_transfer();
    let outcome = Runner::new(FeatureProfile::Mainnet, &[]).expect_ok(&case);
    let [source, destination] = [case.key(0), case.key(1)];
    outcome.assert_only_changed(&[destination, source]);
    assert_eq!(token::balance(outcome.account(&source)), 60);
    assert_eq!(token::balance(outcome.account(&destination)), 40);
}

#[test]
fn each_spoiled_case_is_refused_exactly() {
    let runner = Runner::new(FeatureProfile::Mainnet, &[]);
    let good = token_transfer();
    runner.expect_ok(&good);
    runner.expect_error(&good.clone().without_signer(2), ProgramError::MissingRequiredSignature);
    runner.expect_error(&good.clone().without_account(2), ProgramError::NotEnoughAccountKeys);
    runner.expect_error(&good.clone().with_key(2, address("thief")), OWNER_MISMATCH);
    runner.expect_error(&good.clone().with_data(1, vec![0; 164]), ProgramError::InvalidAccountData);
    runner.expect_error(&good.clone().with_data_byte(0, 64, 39), INSUFFICIENT_FUNDS);
    runner.expect_error(&good.clone().with_instruction_byte(1, 101), INSUFFICIENT_FUNDS);
    runner.expect_error(&good.clone().shortened(), INVALID_INSTRUCTION);
    // The source stays in the case, and is no longer an account of the instruction.
    runner.expect_error(
        &good.clone().with_key(0, address("copy")).without_signer(2),
        ProgramError::MissingRequiredSignature,
    );
    // This program takes a byte too many, and a transfer to itself moves nothing.
    runner.expect_ok(&good.clone().lengthened());
    runner.expect_ok(&good.clone().with_key(1, good.key(0))).assert_only_changed(&[]);
}

#[test]
fn the_runtime_refuses_after_the_program_has_written() {
    let runner = Runner::new(FeatureProfile::Mainnet, &[]);
    let good = token_transfer();
    runner.expect_late_error(&good.clone().without_writable(0), InstructionError::ReadonlyDataModified);
    runner.expect_late_error(&good.with_owner(0, address("stranger")), InstructionError::ExternalAccountDataModified);
}

#[test]
fn a_write_before_a_refusal_is_seen() {
    let runner = Runner::new(FeatureProfile::Mainnet, &[]);
    let case = half_failing_batch();
    runner.expect_late_error(&case, INSUFFICIENT_FUNDS);
    let text = panic_of(|| drop(runner.expect_error(&case, INSUFFICIENT_FUNDS))).unwrap();
    assert!(text.contains("byte 64: 100 -> 60"), "{text}");
}

#[test]
fn a_builtin_that_writes_before_it_refuses_is_seen() {
    let [payer, new] = ["payer", "new"].map(address);
    let runner = Runner::new(FeatureProfile::Mainnet, &[]);
    let case = Case::new(system::create_account(&payer, &new, 1, 8, &system_program::ID), []);
    runner.expect_late_error(&case, INSUFFICIENT_FUNDS);
    let text = panic_of(|| drop(runner.expect_error(&case, INSUFFICIENT_FUNDS))).unwrap();
    assert!(text.contains("length 0 -> 8"), "{text}");
}

#[test]
fn a_wrong_expectation_fails() {
    let runner = Runner::new(FeatureProfile::Mainnet, &[]);
    let good = token_transfer();
    let refused = good.clone().without_signer(2);
    let wrong: [&dyn Fn(); 4] = [
        &|| drop(runner.expect_ok(&refused)),
        &|| drop(runner.expect_error(&refused, OWNER_MISMATCH)),
        &|| drop(runner.expect_error(&good, ProgramError::MissingRequiredSignature)),
        &|| runner.expect_ok(&good).assert_only_changed(&[]),
    ];
    for run in wrong {
        assert!(panic_of(run).is_some());
    }
}

#[test]
fn what_a_case_leaves_out_is_filled_in() {
    let mut runner = Runner::new(FeatureProfile::Mainnet, &[NOOP]);
    runner.set_unix_seconds(77);
    let known = [sysvar::clock::ID, sysvar::rent::ID, sysvar::instructions::ID, NOOP.address(), system_program::ID];
    let metas = known.map(|key| AccountMeta::new_readonly(key, false)).to_vec();
    let outcome = runner.expect_ok(&Case::new(Instruction::new_with_bytes(NOOP.address(), &[], metas), []));
    assert_eq!(outcome.account(&sysvar::clock::ID).data[32..], 77_i64.to_le_bytes());
    assert!(outcome.account(&NOOP.address()).executable);
    assert!(outcome.account(&system_program::ID).executable);
    let absent = runner.expect_ok(&Case::new(noop(1), []));
    assert_eq!(absent.before[0].1.lamports, 0);
}
