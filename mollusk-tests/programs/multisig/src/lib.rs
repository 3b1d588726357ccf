//! Test program: a multisig whose members have all agreed. It calls the program in account 0 with the accounts that follow
//! and its own data, and signs for its vault, the address derived from the seed `vault`.

#![no_std]

use core::mem::MaybeUninit;
use pinocchio::cpi::{Seed, Signer, invoke_signed_with_bounds};
use pinocchio::error::ProgramError;
use pinocchio::instruction::{InstructionAccount, InstructionView};
use pinocchio::{AccountView, Address, ProgramResult};

/// Most accounts that are passed on.
const MAX_ACCOUNTS: usize = 16;
/// Seed of the vault.
const VAULT_SEED: &[u8] = b"vault";

pinocchio::program_entrypoint!(process_instruction, 17);
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

fn process_instruction(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let [program, accounts @ ..] = &*accounts else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };
    if accounts.len() > MAX_ACCOUNTS {
        return Err(ProgramError::InvalidArgument);
    }
    let (vault, bump) = Address::find_program_address(&[VAULT_SEED], program_id);
    let mut metas = [const { MaybeUninit::<InstructionAccount>::uninit() }; MAX_ACCOUNTS];
    for (meta, account) in metas.iter_mut().zip(accounts) {
        let signs = account.is_signer() || account.address() == &vault;
        meta.write(InstructionAccount::new(account.address(), account.is_writable(), signs));
    }
    // SAFETY: one meta was written for each account.
    let metas = unsafe { core::slice::from_raw_parts(metas.as_ptr().cast::<InstructionAccount>(), accounts.len()) };
    let instruction = InstructionView { program_id: program.address(), accounts: metas, data };
    let bump = [bump];
    let seeds = [Seed::from(VAULT_SEED), Seed::from(&bump)];
    invoke_signed_with_bounds::<MAX_ACCOUNTS, _>(&instruction, accounts, &[Signer::from(&seeds)])
}
