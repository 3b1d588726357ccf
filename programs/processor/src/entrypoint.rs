//! Dispatch by the first byte of the instruction data.

use crate::Processor;
use crate::instructions::{self, Seen};
use core::mem::MaybeUninit;
use pinocchio::entrypoint::deserialize;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address, ProgramResult};
use program_common::{Call, migration};
use shared_layouts::processor as wire;

/// As many as the runtime passes: the entrypoint leaves out what exceeds this, and a handler must see that there is too much.
const MAX_ACCOUNTS: usize = pinocchio::MAX_TX_ACCOUNTS;

pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

/// Pinocchio's entrypoint, but for the handlers' form: each is a function of exactly five registers that returns the
/// program's result itself, so nothing is passed through memory, and no handler's locals burden another's.
///
/// # Safety
/// `input` is what the runtime passes to a program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrypoint(input: *mut u8) -> u64 {
    let mut accounts = [const { MaybeUninit::<AccountView>::uninit() }; MAX_ACCOUNTS];
    // SAFETY: the caller's contract.
    let (program_id, count, data) = unsafe { deserialize::<MAX_ACCOUNTS>(input, &mut accounts) };
    // SAFETY: `deserialize` has written that many views.
    let accounts = unsafe { core::slice::from_raw_parts_mut(accounts.as_mut_ptr().cast::<AccountView>(), count) };
    let Some(discriminator) = data.first() else {
        return ProgramError::InvalidInstructionData.into();
    };
    match *discriminator {
        wire::verify::DISCRIMINATOR => verify(program_id, accounts, data),
        wire::execute::DISCRIMINATOR => execute(program_id, accounts, data),
        wire::check::DISCRIMINATOR => check(program_id, accounts, data),
        _ => others(program_id, accounts, data),
    }
}

#[inline(never)]
fn verify(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> u64 {
    let call = Call { program_id, accounts: &mut *accounts, data: data.get(1..).unwrap_or_default() };
    match instructions::verify(call) {
        Seen::Passed => pinocchio::SUCCESS,
        Seen::Usual => verify_functions(program_id, accounts, data),
        Seen::Unusual => verify_each(program_id, accounts, data),
    }
}

#[inline(never)]
fn verify_functions(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> u64 {
    let call = Call { program_id, accounts: &mut *accounts, data: data.get(1..).unwrap_or_default() };
    let status = status(instructions::verify_functions(call));
    migration::explain_status::<Processor>(status, program_id, accounts)
}

#[inline(never)]
fn verify_each(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> u64 {
    let call = Call { program_id, accounts: &mut *accounts, data: data.get(1..).unwrap_or_default() };
    let status = status(instructions::verify_each(call));
    migration::explain_status::<Processor>(status, program_id, accounts)
}

#[inline(never)]
fn execute(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> u64 {
    let call = Call { program_id, accounts: &mut *accounts, data: data.get(1..).unwrap_or_default() };
    let status = status(instructions::execute(call));
    migration::explain_status::<Processor>(status, program_id, accounts)
}

#[inline(never)]
fn check(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> u64 {
    let call = Call { program_id, accounts: &mut *accounts, data: data.get(1..).unwrap_or_default() };
    if instructions::check(call) { pinocchio::SUCCESS } else { check_each(program_id, accounts, data) }
}

#[inline(never)]
fn check_each(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> u64 {
    let call = Call { program_id, accounts: &mut *accounts, data: data.get(1..).unwrap_or_default() };
    let status = status(instructions::check_each(call));
    migration::explain_status::<Processor>(status, program_id, accounts)
}

#[inline(never)]
fn others(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> u64 {
    let [discriminator, data @ ..] = data else {
        return ProgramError::InvalidInstructionData.into();
    };
    let call = Call { program_id, accounts: &mut *accounts, data };
    let status = status(match *discriminator {
        wire::pause::DISCRIMINATOR => instructions::pause(call),
        wire::resume::DISCRIMINATOR => instructions::resume(call),
        wire::initialize::DISCRIMINATOR => instructions::initialize(call),
        wire::update_capability::DISCRIMINATOR => instructions::update_capability(call),
        wire::close_capability::DISCRIMINATOR => instructions::close_capability(call),
        wire::register_capability::DISCRIMINATOR => instructions::register_capability(call),
        wire::update_config::DISCRIMINATOR => instructions::update_config(call),
        wire::nominate_authority::DISCRIMINATOR => instructions::nominate_authority(call),
        wire::accept_authority::DISCRIMINATOR => instructions::accept_authority(call),
        wire::migrate::DISCRIMINATOR => instructions::migrate(call),
        wire::finalize::DISCRIMINATOR => instructions::finalize(call),
        _ => Err(ProgramError::InvalidInstructionData),
    });
    migration::explain_status::<Processor>(status, program_id, accounts)
}

/// The runtime's form of a result. Inlined, most errors are constants by then.
#[inline(always)]
fn status(result: ProgramResult) -> u64 {
    match result {
        Ok(()) => pinocchio::SUCCESS,
        Err(error) => error.into(),
    }
}
