//! What an instruction did.

use crate::compare;
use mollusk_svm::result::InstructionResult;
use solana_account::Account;
use solana_instruction::error::InstructionError;
use solana_pubkey::Pubkey;

/// What an instruction did, beside the accounts that it started from.
#[derive(Debug)]
pub struct Outcome {
    /// The accounts before, those that the runner filled in included.
    pub before: Vec<(Pubkey, Account)>,
    /// Mollusk's result.
    pub result: InstructionResult,
}

/// How a case ended that might be accepted or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It succeeded.
    Accepted,
    /// It failed.
    Refused {
        /// With what.
        error: InstructionError,
        /// Accounts that it had written by then, with the first difference of each. The runtime takes them back.
        written: Vec<(Pubkey, String)>,
    },
}

impl Outcome {
    /// The compute units of the instruction, entrypoint and callees included.
    pub fn units(&self) -> u64 {
        self.result.compute_units_consumed
    }

    /// An account as the instruction left it.
    ///
    /// # Panics
    /// When the instruction did not name it.
    pub fn account(&self, key: &Pubkey) -> &Account {
        self.result.get_account(key).unwrap_or_else(|| panic!("{key} is not an account of this case"))
    }

    /// The addresses of the accounts that changed.
    pub fn changed(&self) -> Vec<Pubkey> {
        compare::changes(&self.before, &self.result.resulting_accounts).into_iter().map(|(key, _)| key).collect()
    }

    /// Panics unless exactly the accounts in `keys` changed.
    #[track_caller]
    pub fn assert_only_changed(&self, keys: &[Pubkey]) {
        let mut expected = keys.to_vec();
        let mut changed = self.changed();
        expected.sort_unstable();
        changed.sort_unstable();
        assert_eq!(changed, expected, "the set of changed accounts");
    }
}
