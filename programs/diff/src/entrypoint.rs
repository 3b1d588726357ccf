//! Dispatch by the first byte of the instruction data.

use crate::{Diff, instructions};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address, ProgramResult};
use program_common::{Call, migration};
use shared_layouts::diff as wire;

/// Most accounts of an instruction, and one that nothing would consume: `Begin` takes two for each target.
const MAX_ACCOUNTS: usize = wire::begin::SPEC.accounts.len() + 2 * wire::MAX_TARGETS + 1;

pinocchio::program_entrypoint!(process, MAX_ACCOUNTS);
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

#[inline(always)]
fn process(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let result = process_instruction(program_id, accounts, data);
    migration::explain::<Diff>(result, program_id, accounts)
}

#[inline(always)]
fn process_instruction(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let [discriminator, data @ ..] = data else {
        return Err(ProgramError::InvalidInstructionData);
    };
    let call = Call { program_id, accounts, data };
    match *discriminator {
        wire::apply::DISCRIMINATOR => instructions::apply(call),
        wire::apply_inline::DISCRIMINATOR => instructions::apply_inline(call),
        wire::begin::DISCRIMINATOR => instructions::begin(call),
        wire::calculate::DISCRIMINATOR => instructions::calculate(call),
        wire::close_arena::DISCRIMINATOR => instructions::close_arena(call),
        wire::close_state::DISCRIMINATOR => instructions::close_state(call),
        wire::commit::DISCRIMINATOR => instructions::commit(call),
        wire::create_arena::DISCRIMINATOR => instructions::create_arena(call),
        wire::create_state::DISCRIMINATOR => instructions::create_state(call),
        wire::discard::DISCRIMINATOR => instructions::discard(call),
        wire::grow_arena::DISCRIMINATOR => instructions::grow_arena(call),
        wire::initialize::DISCRIMINATOR => instructions::initialize(call),
        wire::optimize::DISCRIMINATOR => instructions::optimize(call),
        wire::pause::DISCRIMINATOR => instructions::pause(call),
        wire::resize_state::DISCRIMINATOR => instructions::resize_state(call),
        wire::resume::DISCRIMINATOR => instructions::resume(call),
        wire::rollback::DISCRIMINATOR => instructions::rollback(call),
        wire::seal::DISCRIMINATOR => instructions::seal(call),
        wire::stage::DISCRIMINATOR => instructions::stage(call),
        wire::verify_integrity::DISCRIMINATOR => instructions::verify_integrity(call),
        wire::update_config::DISCRIMINATOR => instructions::update_config(call),
        wire::nominate_authority::DISCRIMINATOR => instructions::nominate_authority(call),
        wire::accept_authority::DISCRIMINATOR => instructions::accept_authority(call),
        wire::migrate::DISCRIMINATOR => instructions::migrate(call),
        wire::finalize::DISCRIMINATOR => instructions::finalize(call),
        _ => Err(ProgramError::InvalidInstructionData),
    }
}
