//! Orders and the compute budget: who may create, submit, accept, compose, rotate, close and allocate, and what it does.

mod allocate;
mod close;
mod compose;
mod constraints;
mod create;

use mollusk_tests::features::FeatureProfile;
use mollusk_tests::programs::{PROCESSOR, SCHEDULER};
use mollusk_tests::single::{Case, Runner};
use shared_layouts::lifecycle::Fault;
use shared_layouts::scheduler::SchedulerError;
use solana_program_error::ProgramError;

fn runner() -> Runner {
    Runner::new(FeatureProfile::Mainnet, &[PROCESSOR, SCHEDULER])
}

fn fault(fault: Fault) -> u32 {
    SchedulerError::BASE + fault as u32
}

/// Every signer and every writable account is checked, the accounts of the scheduler are its own and of their kind, and
/// the data has its length.
fn assert_checked(runner: &Runner, case: &Case, owned: &[usize]) {
    runner.expect_ok(case);
    for (index, meta) in case.instruction.accounts.iter().enumerate() {
        if meta.is_signer {
            runner.expect_error(&case.clone().without_signer(index), ProgramError::MissingRequiredSignature);
        }
        if meta.is_writable {
            runner.expect_error(&case.clone().without_writable(index), ProgramError::Immutable);
        }
    }
    for index in owned {
        let stranger = mollusk_tests::programs::address("another program");
        runner.expect_error(&case.clone().with_owner(*index, stranger), ProgramError::InvalidAccountOwner);
        runner.expect_error(&case.clone().with_data_byte(*index, 0, 0x7F), ProgramError::InvalidAccountData);
        // A config of another version has an error of its own: it has to be migrated.
        let is_config = case.key(*index) == mollusk_tests::fixture::config(SCHEDULER);
        let old = case.clone().with_data_byte(*index, 1, 0);
        if is_config {
            runner.expect_error(&old, fault(Fault::WrongVersion));
        } else {
            runner.expect_error(&old, ProgramError::InvalidAccountData);
        }
        let mut short = case.clone();
        short.account_mut(*index).data.truncate(100);
        runner.expect_error(&short, ProgramError::InvalidAccountData);
    }
    runner.expect_error(&case.clone().shortened(), ProgramError::InvalidInstructionData);
    runner.expect_error(&case.clone().lengthened(), ProgramError::InvalidInstructionData);
    let last = case.instruction.accounts.len() - 1;
    runner.expect_error(&case.clone().without_account(last), ProgramError::NotEnoughAccountKeys);
}
