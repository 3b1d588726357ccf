//! Dispatch by the first byte of the instruction data.

use crate::refusal::{Outcome, Refusal};
use crate::{Diff, instructions};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::input::process_input;
use program_common::{Call, migration};
use shared_layouts::diff as wire;

/// Most accounts of an instruction: `Begin` takes two for each target.
const MAX_ACCOUNTS: usize = wire::begin::SPEC.accounts.len() + 2 * wire::MAX_TARGETS;

pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

/// Success, as the runtime expects it.
const SUCCESS: u64 = 0;

/// The runtime's entrypoint.
///
/// # Safety
/// `input` is what the runtime hands to a program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrypoint(input: *mut u8) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        process_input::<MAX_ACCOUNTS>(input, |program_id, accounts, data| match process(program_id, accounts, data) {
            Ok(()) => SUCCESS,
            Err(refusal) => explained(refusal, program_id, accounts),
        })
    }
}

/// Says so if what was refused is an account of another version.
#[cold]
#[inline(never)]
fn explained(refusal: Refusal, program_id: &Address, accounts: &[AccountView]) -> u64 {
    migration::explain_status::<Diff>(refusal.number(), program_id, accounts)
}

#[inline(always)]
fn process(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> Outcome {
    let [discriminator, data @ ..] = data else {
        return Err(ProgramError::InvalidInstructionData.into());
    };
    let call = Call { program_id, accounts, data };
    match *discriminator {
        wire::apply::DISCRIMINATOR => instructions::apply(call),
        wire::apply_inline::DISCRIMINATOR => instructions::apply_inline(call),
        wire::calculate::DISCRIMINATOR => instructions::calculate(call),
        wire::pause::DISCRIMINATOR => instructions::pause(call),
        wire::resume::DISCRIMINATOR => instructions::resume(call),
        wire::rollback::DISCRIMINATOR => instructions::rollback(call),
        wire::seal::DISCRIMINATOR => instructions::seal(call),
        discriminator => process_other(discriminator, call),
    }
}

/// What is called less often, or may cost more.
#[inline(never)]
fn process_other(discriminator: u8, call: Call) -> Outcome {
    match discriminator {
        wire::begin::DISCRIMINATOR => instructions::begin(call),
        wire::close_arena::DISCRIMINATOR => instructions::close_arena(call),
        wire::close_state::DISCRIMINATOR => instructions::close_state(call),
        wire::commit::DISCRIMINATOR => instructions::commit(call),
        wire::create_arena::DISCRIMINATOR => instructions::create_arena(call),
        wire::create_state::DISCRIMINATOR => instructions::create_state(call),
        wire::discard::DISCRIMINATOR => instructions::discard(call),
        wire::grow_arena::DISCRIMINATOR => instructions::grow_arena(call),
        wire::initialize::DISCRIMINATOR => instructions::initialize(call),
        wire::optimize::DISCRIMINATOR => instructions::optimize(call),
        wire::resize_state::DISCRIMINATOR => instructions::resize_state(call),
        wire::stage::DISCRIMINATOR => instructions::stage(call),
        wire::verify_integrity::DISCRIMINATOR => instructions::verify_integrity(call),
        wire::update_config::DISCRIMINATOR => instructions::update_config(call),
        wire::nominate_authority::DISCRIMINATOR => instructions::nominate_authority(call),
        wire::accept_authority::DISCRIMINATOR => instructions::accept_authority(call),
        wire::migrate::DISCRIMINATOR => instructions::migrate(call),
        wire::finalize::DISCRIMINATOR => instructions::finalize(call),
        _ => Err(ProgramError::InvalidInstructionData.into()),
    }
}
