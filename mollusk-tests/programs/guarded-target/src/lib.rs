//! Test program: a target that anyone may call, and that runs only behind the verification of its capability.
//!
//! ```text
//! account of the program:  | processor: 32 B | capability: 32 B | runs: u64 |
//! ```
//!
//! Accounts: `[writable]` account of the program, `[]` instructions sysvar. Any instruction data.

#![no_std]

use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address, ProgramResult};
// Brings the memory functions that compiled code calls.
use program_common as _;
use shared_layouts::processor::cpi::is_verified_sibling;

/// The instruction before this one is not the verification.
pub const NOT_VERIFIED: u32 = 1;

pinocchio::program_entrypoint!(process_instruction, 3);
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

fn process_instruction(program_id: &Address, accounts: &mut [AccountView], _data: &[u8]) -> ProgramResult {
    let [account, instructions] = accounts else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };
    if !account.owned_by(program_id) {
        return Err(ProgramError::InvalidAccountOwner);
    }
    let mut bytes = account.try_borrow_mut()?;
    let (processor, rest) = bytes.split_first_chunk_mut::<32>().ok_or(ProgramError::InvalidAccountData)?;
    let (capability, runs) = rest.split_first_chunk_mut::<32>().ok_or(ProgramError::InvalidAccountData)?;
    if !is_verified_sibling(instructions, &Address::from(*processor), &Address::from(*capability))? {
        return Err(ProgramError::Custom(NOT_VERIFIED));
    }
    let runs: &mut [u8; 8] = runs.try_into().map_err(|_| ProgramError::InvalidAccountData)?;
    let next = u64::from_le_bytes(*runs).checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    *runs = next.to_le_bytes();
    Ok(())
}
