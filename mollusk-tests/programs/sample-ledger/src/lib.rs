//! Sample protocol that keeps its own account: it applies a sealed arena to it through the diff core, as a library.
//!
//! ```text
//! ledger account:  | authority: 32 B | diff program: 32 B | version: u64 | data ...
//! ```
//!
//! The ledger's authority is the arena's owner as well, and signs here. Whoever made the batch, what counts is that the arena
//! belongs to the diff program that the ledger names, and to the ledger's authority.
//!
//! Accounts: `[writable]` ledger, `[]` arena, `[signer]` authority. No instruction data.

#![no_std]

use cores::diff::memory::Plain;
use cores::diff::sealed::Sealed;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address, ProgramResult};
// Its memory functions are what `Plain` is compiled to.
use program_common as _;
use shared_layouts::account::keys_equal;

/// Bytes of a ledger before its data.
const HEADER_BYTES: usize = 72;

pinocchio::program_entrypoint!(process_instruction, 4);
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

fn process_instruction(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let [ledger, arena, authority] = accounts else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };
    if !data.is_empty() {
        return Err(ProgramError::InvalidInstructionData);
    }
    if !ledger.owned_by(program_id) {
        return Err(ProgramError::InvalidAccountOwner);
    }
    if !authority.is_signer() {
        return Err(ProgramError::MissingRequiredSignature);
    }
    let key = *ledger.address().as_array();
    let mut bytes = ledger.try_borrow_mut()?;
    let (header, data) = bytes.split_first_chunk_mut::<HEADER_BYTES>().ok_or(ProgramError::InvalidAccountData)?;
    let (keys, version) = header.split_at_mut(64);
    if keys[..32] != *authority.address().as_ref() {
        return Err(ProgramError::IncorrectAuthority);
    }
    if keys[32..] != *arena.owner().as_ref() {
        return Err(ProgramError::InvalidAccountOwner);
    }
    let arena = arena.try_borrow()?;
    let sealed = Sealed::load(&arena)?;
    if !keys_equal(&sealed.header().owner, authority.address().as_array()) {
        return Err(ProgramError::IncorrectAuthority);
    }
    let version: &mut [u8; 8] = version.try_into().map_err(|_| ProgramError::InvalidAccountData)?;
    let now = u64::from_le_bytes(*version);
    let next = now.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;

    sealed.apply::<Plain>(&key, now, data)?;
    *version = next.to_le_bytes();
    Ok(())
}
