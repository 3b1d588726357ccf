//! External verifier: the transaction carries an Ed25519 signature over the arguments by a certain key, which is what no
//! built-in function can say. The runtime's Ed25519 program has checked the signature by the time this runs.
//!
//! Accounts: 0 instructions sysvar, 1 an account whose address is the key. Data: as the processor calls an external verifier.
//! Answer: 1 if so, 0 if not.

#![no_std]

use pinocchio::cpi::set_return_data;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address, ProgramResult};
use program_common::siblings::{Sibling, Siblings};
use shared_layouts::keys_equal;
use shared_layouts::processor::external::{HEAD_BYTES, YES};

/// `Ed25519SigVerify111111111111111111111111111`.
const ED25519_PROGRAM: [u8; 32] = [
    3, 125, 70, 214, 124, 147, 251, 190, 18, 249, 66, 143, 131, 141, 64, 255, 5, 112, 116, 73, 39, 244, 138, 100, 252,
    202, 112, 68, 128, 0, 0, 0,
];

/// Index that says: in this very instruction.
const HERE: u16 = u16::MAX;

pinocchio::program_entrypoint!(process_instruction, 3);
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

fn process_instruction(_program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let [instructions, key] = &*accounts else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };
    let message = data.get(HEAD_BYTES..).ok_or(ProgramError::InvalidInstructionData)?;
    let siblings = Siblings::load(instructions).ok_or(ProgramError::UnsupportedSysvar)?;
    let is_signed = siblings.first(siblings.count()).any(|sibling| signs(&sibling, key.address(), message));
    set_return_data(&[if is_signed { YES } else { 0 }]);
    Ok(())
}

/// Whether an instruction is the Ed25519 program's for exactly this key and message, all of them in its own data.
///
/// Data: number of signatures (1 B), padding (1 B), then u16 each: offset and instruction of the signature, of the key, offset and
/// size of the message, its instruction.
fn signs(sibling: &Sibling, key: &Address, message: &[u8]) -> bool {
    if !keys_equal(sibling.program, &ED25519_PROGRAM) || sibling.data.first() != Some(&1) {
        return false;
    }
    let number = |index: usize| -> Option<u16> {
        sibling.data.get(2 + 2 * index..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
    };
    let part = |offset: usize, bytes: usize| sibling.data.get(usize::from(number(offset)?)..)?.get(..bytes);
    let is_here = [1, 3, 6].into_iter().all(|index| number(index) == Some(HERE));
    is_here
        && number(5).map(usize::from) == Some(message.len())
        && part(2, 32) == Some(key.as_ref())
        && part(4, message.len()) == Some(message)
}
