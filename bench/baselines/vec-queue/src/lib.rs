//! Baseline: a queue as one borsh structure in one account, deserialised whole, sorted when a task is taken, and serialised
//! whole again.
//!
//! | first byte | accounts | data |
//! |---:|---|---|
//! | 0, push | `[writable]` queue, `[signer]` authority | priority: u8, capability: 32 B, arguments: 64 B |
//! | 1, pop | the same | none |
//!
//! It checks what any such program checks: the owner of the account and the authority's signature. The task that is taken
//! becomes the return data, so that it can be run.

#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use borsh::{BorshDeserialize, BorshSerialize};
use core::cmp::Reverse;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address, ProgramResult};
// Its memory functions are what the compiler's calls are linked to.
use program_common as _;

/// One task.
#[derive(BorshSerialize, BorshDeserialize)]
struct Task {
    priority: u8,
    sequence: u64,
    capability: [u8; 32],
    arguments: [u8; 64],
}

/// The account's data.
#[derive(BorshSerialize, BorshDeserialize)]
struct Queue {
    authority: [u8; 32],
    next_sequence: u64,
    tasks: Vec<Task>,
}

pinocchio::program_entrypoint!(process_instruction, 2);
pinocchio::default_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

fn process_instruction(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let [queue, authority] = accounts else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };
    if !queue.owned_by(program_id) {
        return Err(ProgramError::InvalidAccountOwner);
    }
    if !authority.is_signer() {
        return Err(ProgramError::MissingRequiredSignature);
    }
    let mut bytes = queue.try_borrow_mut()?;
    let mut queue = Queue::deserialize(&mut &bytes[..]).map_err(|_| ProgramError::InvalidAccountData)?;
    if queue.authority != *authority.address().as_array() {
        return Err(ProgramError::IncorrectAuthority);
    }
    match data {
        [0, priority, rest @ ..] => push(&mut queue, *priority, rest)?,
        [1] => pop(&mut queue)?,
        _ => return Err(ProgramError::InvalidInstructionData),
    }
    queue.serialize(&mut &mut bytes[..]).map_err(|_| ProgramError::AccountDataTooSmall)
}

fn push(queue: &mut Queue, priority: u8, data: &[u8]) -> ProgramResult {
    let (capability, rest) = data.split_first_chunk::<32>().ok_or(ProgramError::InvalidInstructionData)?;
    let arguments = *<&[u8; 64]>::try_from(rest).map_err(|_| ProgramError::InvalidInstructionData)?;
    let sequence = queue.next_sequence;
    queue.next_sequence = sequence.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    queue.tasks.push(Task { priority, sequence, capability: *capability, arguments });
    Ok(())
}

/// The highest priority first, and within one the oldest: sorted so that it stands last and leaves without a move.
fn pop(queue: &mut Queue) -> ProgramResult {
    queue.tasks.sort_unstable_by_key(|task| (task.priority, Reverse(task.sequence)));
    let task = queue.tasks.pop().ok_or(ProgramError::UninitializedAccount)?;
    pinocchio::cpi::set_return_data(&task.arguments);
    Ok(())
}
