//! SPL Token: the one target program of the tests that this repository did not write.
//!
//! The binary is the one that comes with Mollusk's token crate, which is p-token. Both virtual machines load this same
//! binary, so that a transfer costs the same units in both.

use mollusk_svm_programs_token::token;
use solana_account::Account;
use solana_instruction::Instruction;
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use spl_token_interface::{
    instruction,
    state::{Account as TokenAccount, AccountState, Mint},
};

pub use token::{ELF, ID};

/// A mint of a fixed supply.
pub fn mint(decimals: u8, supply: u64) -> Account {
    token::create_account_for_mint(Mint { supply, decimals, is_initialized: true, ..Mint::default() })
}

/// A token account that holds `amount` units of `mint` for `owner`.
pub fn token_account(mint: &Pubkey, owner: &Pubkey, amount: u64) -> Account {
    token::create_account_for_token_account(TokenAccount {
        mint: *mint,
        owner: *owner,
        amount,
        state: AccountState::Initialized,
        ..TokenAccount::default()
    })
}

/// Moves `amount` units; `owner` signs.
///
/// Accounts: 0 `[writable]` source, 1 `[writable]` destination, 2 `[signer]` the source's owner.
pub fn transfer(source: &Pubkey, destination: &Pubkey, owner: &Pubkey, amount: u64) -> Instruction {
    instruction::transfer(&ID, source, destination, owner, &[], amount).expect("the token program's own id is accepted")
}

/// The units that a token account holds.
///
/// # Panics
/// When `account` is not an initialized token account.
pub fn balance(account: &Account) -> u64 {
    assert_eq!(account.owner, ID, "not owned by the token program");
    TokenAccount::unpack(&account.data).expect("an initialized token account").amount
}
