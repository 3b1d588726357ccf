//! Remembers accounts, and says whether they have changed since.

use super::World;
use crate::compare;
use solana_account::Account;
use solana_pubkey::Pubkey;

/// A set of accounts as they once were.
#[derive(Clone, Debug)]
pub struct Snapshot {
    accounts: Vec<(Pubkey, Account)>,
}

impl Snapshot {
    /// Takes a fee into account that `payer` has paid since.
    pub fn charge(&mut self, payer: &Pubkey, fee_lamports: u64) {
        for (key, account) in &mut self.accounts {
            if key == payer {
                account.lamports -= fee_lamports;
            }
        }
    }
}

impl World {
    /// Remembers the accounts at these addresses, which need not exist.
    ///
    /// Sysvars are left out: the world itself writes some of them.
    pub fn snapshot(&self, addresses: &[Pubkey]) -> Snapshot {
        let accounts = addresses
            .iter()
            .map(|address| (*address, self.account(address)))
            .filter(|(_, account)| account.owner != solana_sdk_ids::sysvar::ID)
            .collect();
        Snapshot { accounts }
    }

    /// The addresses of the accounts that have changed since the snapshot, with the first difference of each.
    pub fn changes(&self, before: &Snapshot) -> Vec<(Pubkey, String)> {
        compare::changes(&before.accounts, &self.now(before))
    }

    /// Panics with each account that has changed since the snapshot.
    #[track_caller]
    pub fn assert_unchanged(&self, before: &Snapshot) {
        compare::assert_same(&before.accounts, &self.now(before));
    }

    fn now(&self, before: &Snapshot) -> Vec<(Pubkey, Account)> {
        before.accounts.iter().map(|(key, _)| (*key, self.account(key))).collect()
    }
}
