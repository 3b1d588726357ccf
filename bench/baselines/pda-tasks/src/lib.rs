//! Baseline: one derived account for each task, created when it is queued, and closed when it has been run by CPI.
//!
//! | first byte | accounts | data |
//! |---:|---|---|
//! | 0, create | `[writable, signer]` payer, `[writable]` task, `[]` system program | bump: u8, number: u64, lamports: u64, number of accounts: u8, target program: 32 B, accounts: 32 B each, arguments |
//! | 1, run | `[writable]` task, `[writable]` payer, `[]` target program, the target's accounts | none |
//!
//! ```text
//! task:  | payer: 32 B | accounts: u8 | target program: 32 B | accounts: 32 B each | arguments ... |
//! ```
//!
//! Anyone runs a task; it runs with the program, accounts and arguments that were queued. There is no order among tasks.

#![no_std]

use core::mem::MaybeUninit;
use pinocchio::cpi::{Seed, Signer, invoke_with_bounds};
use pinocchio::error::ProgramError;
use pinocchio::instruction::{InstructionAccount, InstructionView};
use pinocchio::{AccountView, Address, ProgramResult};
use pinocchio_system::instructions::CreateAccount;
// Its memory functions are what the compiler's calls are linked to.
use program_common as _;

/// Most accounts of a target call.
const MAX_ACCOUNTS: usize = 8;
/// Seed of a task, before the payer and the number.
const TASK_SEED: &[u8] = b"task";
/// Bytes of a key.
const KEY_BYTES: usize = 32;

pinocchio::program_entrypoint!(process_instruction, 11);
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

fn process_instruction(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    match data {
        [0, bump, rest @ ..] => create(program_id, accounts, *bump, rest),
        [1] => run(program_id, accounts),
        _ => Err(ProgramError::InvalidInstructionData),
    }
}

fn create(program_id: &Address, accounts: &mut [AccountView], bump: u8, data: &[u8]) -> ProgramResult {
    let [payer, task, _system_program] = accounts else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };
    let (number, data) = data.split_first_chunk::<8>().ok_or(ProgramError::InvalidInstructionData)?;
    let (lamports, call) = data.split_first_chunk::<8>().ok_or(ProgramError::InvalidInstructionData)?;
    // The system program checks the payer's signature, and that the task's address is derived from these seeds.
    let bump = [bump];
    let seeds = [Seed::from(TASK_SEED), Seed::from(payer.address().as_ref()), Seed::from(number), Seed::from(&bump)];
    let space = (KEY_BYTES + call.len()) as u64;
    CreateAccount { from: payer, to: task, lamports: u64::from_le_bytes(*lamports), space, owner: program_id }
        .invoke_signed(&[Signer::from(&seeds)])?;
    let mut bytes = task.try_borrow_mut()?;
    let (key, rest) = bytes.split_at_mut(KEY_BYTES);
    key.copy_from_slice(payer.address().as_ref());
    rest.copy_from_slice(call);
    Ok(())
}

fn run(program_id: &Address, accounts: &mut [AccountView]) -> ProgramResult {
    let [task, payer, program, targets @ ..] = accounts else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };
    if !task.owned_by(program_id) {
        return Err(ProgramError::InvalidAccountOwner);
    }
    {
        let bytes = task.try_borrow()?;
        let (key, rest) = bytes.split_at_checked(KEY_BYTES).ok_or(ProgramError::InvalidAccountData)?;
        let (count, rest) = rest.split_first().ok_or(ProgramError::InvalidAccountData)?;
        let (target, rest) = rest.split_at_checked(KEY_BYTES).ok_or(ProgramError::InvalidAccountData)?;
        if key != payer.address().as_ref() || target != program.address().as_ref() {
            return Err(ProgramError::InvalidArgument);
        }
        let keys = KEY_BYTES * usize::from(*count);
        let (keys, arguments) = rest.split_at_checked(keys).ok_or(ProgramError::InvalidAccountData)?;
        call(program, targets, keys, arguments)?;
    }
    // The rent goes back to whoever paid it.
    payer.set_lamports(payer.lamports().checked_add(task.lamports()).ok_or(ProgramError::ArithmeticOverflow)?);
    task.set_lamports(0);
    task.close()
}

/// Calls the target with the accounts that the task names.
fn call(program: &AccountView, targets: &[AccountView], keys: &[u8], arguments: &[u8]) -> ProgramResult {
    if targets.len() > MAX_ACCOUNTS || keys.len() != KEY_BYTES * targets.len() {
        return Err(ProgramError::InvalidArgument);
    }
    let mut metas = [const { MaybeUninit::<InstructionAccount>::uninit() }; MAX_ACCOUNTS];
    for ((meta, target), key) in metas.iter_mut().zip(targets).zip(keys.chunks_exact(KEY_BYTES)) {
        if key != target.address().as_ref() {
            return Err(ProgramError::InvalidArgument);
        }
        meta.write(InstructionAccount::new(target.address(), target.is_writable(), false));
    }
    // SAFETY: one meta was written for each account.
    let metas = unsafe { core::slice::from_raw_parts(metas.as_ptr().cast::<InstructionAccount>(), targets.len()) };
    let instruction = InstructionView { program_id: program.address(), accounts: metas, data: arguments };
    invoke_with_bounds::<MAX_ACCOUNTS, _>(&instruction, targets)
}
