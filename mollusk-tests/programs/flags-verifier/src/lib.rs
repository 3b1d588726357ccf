//! External verifier: no account that it is passed is writable or signs.
//!
//! Accounts: any. Data: as the processor calls an external verifier; not read. Answer: 1 if so, 0 if not, then the number of
//! accounts.

#![no_std]

use pinocchio::cpi::set_return_data;
use pinocchio::{AccountView, Address, ProgramResult};
use shared_layouts::processor::external::{MAX_ACCOUNTS, YES};

pinocchio::program_entrypoint!(process_instruction, { MAX_ACCOUNTS as usize });
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

// Brings in the memory functions that compiled code calls by name.
use program_common as _;

#[allow(clippy::unnecessary_wraps, reason = "the entrypoint wants this type")]
fn process_instruction(_program_id: &Address, accounts: &mut [AccountView], _data: &[u8]) -> ProgramResult {
    let is_plain = accounts.iter().all(|account| !account.is_writable() && !account.is_signer());
    let [count, ..] = accounts.len().to_le_bytes();
    set_return_data(&[if is_plain { YES } else { 0 }, count]);
    Ok(())
}
