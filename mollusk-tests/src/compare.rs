//! What differs between two states of an account.

use solana_account::Account;
use solana_pubkey::Pubkey;

/// The first difference in lamports, owner, executable flag, length or bytes; `None` when the states are equal.
///
/// The rent epoch is left out: the runtime sets it on its own and no program can.
pub fn difference(before: &Account, after: &Account) -> Option<String> {
    if before.lamports != after.lamports {
        return Some(format!("lamports {} -> {}", before.lamports, after.lamports));
    }
    if before.owner != after.owner {
        return Some(format!("owner {} -> {}", before.owner, after.owner));
    }
    if before.executable != after.executable {
        return Some(format!("executable {} -> {}", before.executable, after.executable));
    }
    if before.data.len() != after.data.len() {
        return Some(format!("length {} -> {}", before.data.len(), after.data.len()));
    }
    let offset = before.data.iter().zip(&after.data).position(|(old, new)| old != new)?;
    Some(format!("byte {offset}: {} -> {}", before.data[offset], after.data[offset]))
}

/// Every account of `before` that is not the same in `after`, with its first difference.
///
/// An account that `after` lacks counts as emptied, which is how the runtime treats one without lamports.
pub fn changes(before: &[(Pubkey, Account)], after: &[(Pubkey, Account)]) -> Vec<(Pubkey, String)> {
    let gone = Account::default();
    before
        .iter()
        .filter_map(|(key, old)| {
            let new = after.iter().find(|(other, _)| other == key).map_or(&gone, |(_, account)| account);
            difference(old, new).map(|text| (*key, text))
        })
        .collect()
}

/// Panics with each account of `before` that differs in `after`.
#[track_caller]
pub fn assert_same(before: &[(Pubkey, Account)], after: &[(Pubkey, Account)]) {
    let changes = changes(before, after);
    assert!(changes.is_empty(), "accounts changed: {changes:#?}");
}
