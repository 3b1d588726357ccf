//! Test program: calls the program in account 0 with the accounts that follow, their flags, and its own data.
//!
//! It is the least that a call between programs costs, and the way for a test to call an instruction from another program.

#![no_std]

use core::mem::MaybeUninit;
use pinocchio::cpi::{CpiAccount, invoke_unchecked};
use pinocchio::error::ProgramError;
use pinocchio::instruction::{InstructionAccount, InstructionView};
use pinocchio::{AccountView, Address, ProgramResult};

/// Most accounts that are passed on.
const MAX_ACCOUNTS: usize = 16;

pinocchio::program_entrypoint!(process_instruction, 18);
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

fn process_instruction(_program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let [program, accounts @ ..] = &*accounts else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };
    if accounts.len() > MAX_ACCOUNTS {
        return Err(ProgramError::InvalidArgument);
    }
    let mut metas = [const { MaybeUninit::<InstructionAccount>::uninit() }; MAX_ACCOUNTS];
    let mut infos = [const { MaybeUninit::<CpiAccount>::uninit() }; MAX_ACCOUNTS];
    for ((meta, info), account) in metas.iter_mut().zip(&mut infos).zip(accounts) {
        meta.write(InstructionAccount::from(account));
        CpiAccount::init_from_account_view(account, info);
    }
    // SAFETY: one meta was written for each account.
    let metas = unsafe { core::slice::from_raw_parts(metas.as_ptr().cast::<InstructionAccount>(), accounts.len()) };
    // SAFETY: one info was written for each account.
    let infos = unsafe { core::slice::from_raw_parts(infos.as_ptr().cast::<CpiAccount>(), accounts.len()) };
    let instruction = InstructionView { program_id: program.address(), accounts: metas, data };
    // SAFETY: no account is borrowed here.
    unsafe { invoke_unchecked(&instruction, infos) };
    Ok(())
}
