//! What the failure of an entry's transaction means.

use shared_layouts::processor::{MAX_FUNCTIONS, ProcessorError};
use shared_layouts::scheduler::SchedulerError;
use solana_instruction::error::InstructionError;
use solana_pubkey::Pubkey;
use solana_transaction_error::TransactionError;
use std::cmp::Ordering;

/// Where an entry's instructions stand in the transaction: behind limit and price.
pub const DISPATCH_INDEX: u8 = 2;
/// Where the target call stands, if it is a sibling.
const TARGET_INDEX: u8 = 4;

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody else was quicker, or the entry may not run now: leave it.
    Lost,
    /// The cluster did not take the transaction: it says nothing about the entry.
    Cluster,
    /// The entry failed.
    Failed {
        /// Code that `Fail` records.
        code: u32,
        /// Index of the verification function that decided against it.
        predicate: Option<u32>,
        /// Another attempt would fail as well.
        permanent: bool,
    },
}

/// Judges the error of an entry's transaction: compute limit, compute price, dispatch, then execution, or verification and
/// target call. `logs` are those of its simulation, if there are any: they tell a target's code from the processor's.
pub fn judge(error: &TransactionError, logs: &[String], processor: &Pubkey) -> Verdict {
    let TransactionError::InstructionError(index, error) = error else {
        return match error {
            // The target is no program.
            TransactionError::InvalidProgramForExecution => failed(0, true),
            error if is_about_accounts(error) => failed(0, false),
            _ => Verdict::Cluster,
        };
    };
    match (index.cmp(&DISPATCH_INDEX), error) {
        (Ordering::Less, _) => Verdict::Cluster,
        (Ordering::Equal, InstructionError::Custom(code)) if is_entrys_fault(*code) => failed(*code, true),
        (Ordering::Equal, _) => Verdict::Lost,
        // The limit was the keeper's own choice.
        (Ordering::Greater, InstructionError::ComputationalBudgetExceeded) => failed(0, false),
        (Ordering::Greater, InstructionError::Custom(code)) if *index >= TARGET_INDEX || !is_from(processor, logs) => {
            failed(*code, false)
        }
        (Ordering::Greater, InstructionError::Custom(code)) => {
            let (code, permanent) = (*code, is_permanent(*code));
            Verdict::Failed { code, predicate: predicate_index(code), permanent }
        }
        (Ordering::Greater, error) => failed(0, is_malformed(error)),
    }
}

const fn failed(code: u32, permanent: bool) -> Verdict {
    Verdict::Failed { code, predicate: None, permanent }
}

/// Whether the error came from this program itself: the innermost program that failed is the first to be logged. Without
/// logs it is assumed.
fn is_from(program: &Pubkey, logs: &[String]) -> bool {
    let first = logs.iter().find_map(|line| line.strip_prefix("Program ")?.split_once(" failed: "));
    first.is_none_or(|(failed, _)| failed == program.to_string())
}

/// Errors that come before the first instruction, and from what the entry names rather than from the cluster's state.
const fn is_about_accounts(error: &TransactionError) -> bool {
    matches!(
        error,
        TransactionError::AccountLoadedTwice
            | TransactionError::ProgramAccountNotFound
            | TransactionError::InvalidWritableAccount
            | TransactionError::TooManyAccountLocks
            | TransactionError::MaxLoadedAccountsDataSizeExceeded
            | TransactionError::SanitizeFailure
    )
}

/// Index of the verification function that decided against an entry.
fn predicate_index(code: u32) -> Option<u32> {
    let first = ProcessorError::VerificationFailed as u32;
    (first..first + u32::try_from(MAX_FUNCTIONS).unwrap_or(0)).contains(&code).then(|| code - first)
}

/// Of the dispatch's errors those that no other moment and no other worker would cure.
fn is_entrys_fault(code: u32) -> bool {
    [
        SchedulerError::CapabilityChanged,
        SchedulerError::WrongCapability,
        SchedulerError::WrongArguments,
        SchedulerError::WrongSibling,
    ]
    .iter()
    .any(|error| *error as u32 == code)
}

/// The processor's errors about what was committed to. A predicate may hold later, and of a target's own codes nothing
/// is known: both are tried again, as often as the queue's policy says.
fn is_permanent(code: u32) -> bool {
    [
        ProcessorError::StaleCapability,
        ProcessorError::WrongArgumentsLength,
        ProcessorError::WrongAccount,
        ProcessorError::WrongChosenAccount,
        ProcessorError::WrongTargetProgram,
        ProcessorError::MissingSigner,
        ProcessorError::WorkerIsNamed,
    ]
    .iter()
    .any(|error| *error as u32 == code)
}

/// The runtime's and the SDK's errors about the call itself rather than about the state that it met. A program that is not
/// supported is not among them: it may be being upgraded just then.
fn is_malformed(error: &InstructionError) -> bool {
    matches!(
        error,
        InstructionError::InvalidInstructionData
            | InstructionError::InvalidArgument
            | InstructionError::IncorrectProgramId
            | InstructionError::MissingRequiredSignature
            | InstructionError::MissingAccount
            | InstructionError::AccountNotExecutable
            | InstructionError::InvalidSeeds
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn processor() -> Pubkey {
        Pubkey::new_from_array([7; 32])
    }

    fn at(index: u8, error: InstructionError) -> Verdict {
        judge(&TransactionError::InstructionError(index, error), &[], &processor())
    }

    fn without_instruction(error: &TransactionError) -> Verdict {
        judge(error, &[], &processor())
    }

    #[test]
    fn a_dispatch_that_came_too_late_is_no_failure_of_the_entry() {
        assert_eq!(at(2, InstructionError::Custom(SchedulerError::StaleHandle as u32)), Verdict::Lost);
        assert_eq!(without_instruction(&TransactionError::BlockhashNotFound), Verdict::Cluster);
    }

    #[test]
    fn an_entry_that_names_impossible_accounts_stands_in_nobodys_way() {
        assert_eq!(without_instruction(&TransactionError::TooManyAccountLocks), failed(0, false));
        assert_eq!(without_instruction(&TransactionError::ProgramAccountNotFound), failed(0, false));
        assert_eq!(without_instruction(&TransactionError::InvalidProgramForExecution), failed(0, true));
    }

    #[test]
    fn a_predicate_and_a_targets_own_code_are_tried_again() {
        let verdict = Verdict::Failed { code: 1203, predicate: Some(3), permanent: false };
        assert_eq!(at(3, InstructionError::Custom(1203)), verdict);
        assert_eq!(predicate_index(1199), None);
        assert_eq!(at(3, InstructionError::Custom(1)), failed(1, false));
        assert_eq!(at(4, InstructionError::ComputationalBudgetExceeded), failed(0, false));
        // As while a program is upgraded.
        assert_eq!(at(3, InstructionError::UnsupportedProgramId), failed(0, false));
    }

    #[test]
    fn a_targets_code_is_not_taken_for_the_processors() {
        let named = ProcessorError::WorkerIsNamed as u32;
        assert_eq!(at(4, InstructionError::Custom(named)), failed(named, false));
        let error = TransactionError::InstructionError(3, InstructionError::Custom(1203));
        let logs = [processor(), Pubkey::new_from_array([8; 32])]
            .map(|program| format!("Program {program} failed: custom program error: 0x4b3"));
        let [own, foreign] = logs;
        let verdict = Verdict::Failed { code: 1203, predicate: Some(3), permanent: false };
        assert_eq!(judge(&error, std::slice::from_ref(&own), &processor()), verdict);
        assert_eq!(judge(&error, &[foreign, own], &processor()), failed(1203, false));
    }

    #[test]
    fn what_was_committed_to_and_cannot_run_is_permanent() {
        let changed = SchedulerError::CapabilityChanged as u32;
        assert_eq!(at(2, InstructionError::Custom(changed)), failed(changed, true));
        let named = ProcessorError::WorkerIsNamed as u32;
        assert_eq!(at(3, InstructionError::Custom(named)), failed(named, true));
        assert_eq!(at(3, InstructionError::InvalidInstructionData), failed(0, true));
    }
}
