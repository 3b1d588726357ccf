//! Dispatch by the first byte of the instruction data.

use crate::Processor;
use crate::instructions::{self, Seen};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::input::process_input;
use program_common::{Call, Outcome, migration};
use shared_layouts::processor as wire;

/// Most accounts of an instruction: an `Execute` of a capability with as many as one can have.
const MAX_ACCOUNTS: usize =
    wire::execute::SPEC.accounts.len() + wire::MAX_TARGET_ACCOUNTS + wire::MAX_EVIDENCE_ACCOUNTS;

pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

/// The runtime's entrypoint. Each handler is called by a function of exactly five registers that returns the program's result
/// itself, so nothing is passed through memory, and no handler's locals burden another's.
///
/// # Safety
/// `input` is what the runtime passes to a program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrypoint(input: *mut u8) -> u64 {
    // SAFETY: the caller's contract.
    unsafe { process_input::<MAX_ACCOUNTS>(input, process) }
}

/// What a first look leaves open is checked from the beginning by a function that is called from here: called from the look
/// itself, it would have the look keep its parameters at hand.
#[inline(always)]
fn process(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> u64 {
    match data.first() {
        Some(&wire::verify::DISCRIMINATOR) => match verify(program_id, accounts, data) {
            Seen::Passed => pinocchio::SUCCESS,
            Seen::Usual => verify_functions(program_id, accounts, data),
            Seen::Unusual => verify_each(program_id, accounts, data),
        },
        Some(&wire::execute::DISCRIMINATOR) => execute(program_id, accounts, data),
        Some(&wire::check::DISCRIMINATOR) => {
            if check(program_id, accounts, data) {
                pinocchio::SUCCESS
            } else {
                check_each(program_id, accounts, data)
            }
        }
        _ => others(program_id, accounts, data),
    }
}

#[inline(never)]
fn verify(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> Seen {
    instructions::verify(Call { program_id, accounts, data: data.get(1..).unwrap_or_default() })
}

#[inline(never)]
fn check(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> bool {
    instructions::check(Call { program_id, accounts, data: data.get(1..).unwrap_or_default() })
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
        _ => Err(ProgramError::InvalidInstructionData.into()),
    });
    migration::explain_status::<Processor>(status, program_id, accounts)
}

/// The runtime's form of a result.
#[inline(always)]
fn status(result: Outcome) -> u64 {
    match result {
        Ok(()) => pinocchio::SUCCESS,
        Err(denial) => denial.into(),
    }
}
