//! What the failure of an entry's transaction means.

use shared_layouts::processor::{MAX_FUNCTIONS, ProcessorError};
use shared_layouts::scheduler::SchedulerError;
use solana_instruction::error::InstructionError;
use solana_transaction_error::TransactionError;

/// Where an entry's instructions stand in the transaction.
pub const DISPATCH_INDEX: u8 = 2;

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
        /// Another attempt would fail as well.
        permanent: bool,
    },
}

/// Judges the error of an entry's transaction: compute limit, compute price, dispatch, execution.
pub fn judge(error: &TransactionError) -> Verdict {
    let TransactionError::InstructionError(index, error) = error else {
        return if is_about_accounts(error) { Verdict::Failed { code: 0, permanent: false } } else { Verdict::Cluster };
    };
    match (index.cmp(&DISPATCH_INDEX), error) {
        (std::cmp::Ordering::Less, _) => Verdict::Cluster,
        (std::cmp::Ordering::Equal, InstructionError::Custom(code)) if is_entrys_fault(*code) => {
            Verdict::Failed { code: *code, permanent: true }
        }
        (std::cmp::Ordering::Equal, _) => Verdict::Lost,
        (std::cmp::Ordering::Greater, InstructionError::Custom(code)) => {
            Verdict::Failed { code: *code, permanent: is_permanent(*code) }
        }
        (std::cmp::Ordering::Greater, error) => Verdict::Failed { code: 0, permanent: is_malformed(error) },
    }
}

/// Errors that come before the first instruction, and from what the entry names rather than from the cluster's state.
const fn is_about_accounts(error: &TransactionError) -> bool {
    matches!(
        error,
        TransactionError::AccountLoadedTwice
            | TransactionError::ProgramAccountNotFound
            | TransactionError::InvalidProgramForExecution
            | TransactionError::InvalidWritableAccount
            | TransactionError::TooManyAccountLocks
            | TransactionError::MaxLoadedAccountsDataSizeExceeded
            | TransactionError::SanitizeFailure
    )
}

/// Index of the verification function that decided against an entry.
pub fn predicate_index(code: u32) -> Option<u32> {
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

/// The runtime's and the SDK's errors about the call itself rather than about the state that it met.
fn is_malformed(error: &InstructionError) -> bool {
    matches!(
        error,
        InstructionError::InvalidInstructionData
            | InstructionError::InvalidArgument
            | InstructionError::IncorrectProgramId
            | InstructionError::MissingRequiredSignature
            | InstructionError::MissingAccount
            | InstructionError::UnsupportedProgramId
            | InstructionError::AccountNotExecutable
            | InstructionError::InvalidSeeds
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(index: u8, error: InstructionError) -> Verdict {
        judge(&TransactionError::InstructionError(index, error))
    }

    #[test]
    fn a_dispatch_that_came_too_late_is_no_failure_of_the_entry() {
        assert_eq!(at(2, InstructionError::Custom(SchedulerError::StaleHandle as u32)), Verdict::Lost);
        assert_eq!(judge(&TransactionError::BlockhashNotFound), Verdict::Cluster);
    }

    #[test]
    fn an_entry_that_names_impossible_accounts_stands_in_nobodys_way() {
        let verdict = Verdict::Failed { code: 0, permanent: false };
        assert_eq!(judge(&TransactionError::TooManyAccountLocks), verdict);
        assert_eq!(judge(&TransactionError::ProgramAccountNotFound), verdict);
    }

    #[test]
    fn a_predicate_and_a_targets_own_code_are_tried_again() {
        assert_eq!(at(3, InstructionError::Custom(1203)), Verdict::Failed { code: 1203, permanent: false });
        assert_eq!(predicate_index(1203), Some(3));
        assert_eq!(predicate_index(1199), None);
        assert_eq!(at(3, InstructionError::Custom(1)), Verdict::Failed { code: 1, permanent: false });
    }

    #[test]
    fn what_was_committed_to_and_cannot_run_is_permanent() {
        let changed = SchedulerError::CapabilityChanged as u32;
        assert_eq!(at(2, InstructionError::Custom(changed)), Verdict::Failed { code: changed, permanent: true });
        let named = ProcessorError::WorkerIsNamed as u32;
        assert_eq!(at(3, InstructionError::Custom(named)), Verdict::Failed { code: named, permanent: true });
        assert_eq!(at(3, InstructionError::InvalidInstructionData), Verdict::Failed { code: 0, permanent: true });
    }
}
