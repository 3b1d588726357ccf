//! What a transaction did.

use super::logs::{Invocation, invocations};
use crate::expected::Expected;
use litesvm::types::{FailedTransactionMetadata, TransactionMetadata};
use solana_instruction::error::InstructionError;
use solana_pubkey::Pubkey;
use solana_transaction::TransactionError;

/// A transaction that was executed and kept.
#[derive(Clone, Debug)]
pub struct TxOutcome {
    /// The log, line by line.
    pub logs: Vec<String>,
    /// Each run of a program, in the order in which they began.
    pub invocations: Vec<Invocation>,
    /// The units of the whole transaction.
    pub units: u64,
    /// The size of the signed transaction.
    pub bytes: usize,
    /// The fee that the payer paid, in lamports.
    pub fee_lamports: u64,
    /// The program that set return data last, and the data.
    pub return_data: (Pubkey, Vec<u8>),
}

impl TxOutcome {
    pub(super) fn new(meta: TransactionMetadata, bytes: usize) -> Self {
        Self {
            invocations: invocations(&meta.logs),
            units: meta.compute_units_consumed,
            bytes,
            fee_lamports: meta.fee,
            return_data: (meta.return_data.program_id, meta.return_data.data),
            logs: meta.logs,
        }
    }

    /// The units of the instruction at a position of the transaction, its callees included.
    ///
    /// # Panics
    /// When the transaction did not run it, or it is a builtin program's, for which the log has no figure.
    pub fn units_of(&self, instruction_index: usize) -> u64 {
        self.invocations
            .iter()
            .find(|run| run.depth == 1 && run.instruction_index == instruction_index)
            .and_then(|run| run.units)
            .unwrap_or_else(|| panic!("no units for instruction {instruction_index} in the log"))
    }

    /// The units of each run of `program` under the instruction at a position, in the order in which they began.
    pub fn units_of_program(&self, instruction_index: usize, program: &Pubkey) -> Vec<u64> {
        self.invocations
            .iter()
            .filter(|run| run.instruction_index == instruction_index && run.program == *program)
            .filter_map(|run| run.units)
            .collect()
    }
}

/// A transaction that was refused, or executed and taken back.
#[derive(Clone, Debug)]
pub struct TxFailure {
    /// Why.
    pub error: TransactionError,
    /// What ran until then; empty when the transaction was refused before it ran.
    pub outcome: Box<TxOutcome>,
}

impl TxFailure {
    pub(super) fn new(failed: FailedTransactionMetadata, bytes: usize) -> Self {
        Self { error: failed.err, outcome: Box::new(TxOutcome::new(failed.meta, bytes)) }
    }

    /// The position of the instruction that failed and its error; `None` when the transaction itself was refused.
    pub fn instruction_error(&self) -> Option<(usize, &InstructionError)> {
        match &self.error {
            TransactionError::InstructionError(index, error) => Some((usize::from(*index), error)),
            _ => None,
        }
    }

    /// The program's own error number, if it was one.
    pub fn custom_code(&self) -> Option<u32> {
        match self.instruction_error() {
            Some((_, InstructionError::Custom(code))) => Some(*code),
            _ => None,
        }
    }

    /// Panics unless the instruction at this position failed with exactly this error.
    #[track_caller]
    pub fn assert_error(&self, instruction_index: usize, error: impl Into<Expected>) {
        assert_eq!(
            self.instruction_error(),
            Some((instruction_index, &error.into().0)),
            "{:?}\n{}",
            self.error,
            self.outcome.logs.join("\n")
        );
    }
}
