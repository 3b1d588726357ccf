//! Dispatch by the first byte of the instruction data.

use crate::{Scheduler, instructions};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address, ProgramResult};
use program_common::{Call, migration};
use shared_layouts::scheduler as wire;

/// Most accounts of an instruction: the fixed ones of `Initialize`.
const MAX_ACCOUNTS: usize = wire::initialize::SPEC.accounts.len() + 1;

pinocchio::program_entrypoint!(process, MAX_ACCOUNTS);
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

#[inline(always)]
fn process(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let result = process_instruction(program_id, accounts, data);
    migration::explain::<Scheduler>(result, program_id, accounts)
}

#[inline(always)]
fn process_instruction(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let [discriminator, data @ ..] = data else {
        return Err(ProgramError::InvalidInstructionData);
    };
    let call = Call { program_id, accounts, data };
    match *discriminator {
        wire::enqueue::DISCRIMINATOR => Ok(instructions::enqueue(call)?),
        wire::dispatch::DISCRIMINATOR => Ok(instructions::dispatch(call)?),
        wire::initialize::DISCRIMINATOR => instructions::initialize(call),
        wire::pause::DISCRIMINATOR => instructions::pause(call),
        wire::resume::DISCRIMINATOR => instructions::resume(call),
        wire::register_shard::DISCRIMINATOR => instructions::register_shard(call),
        wire::create_queue::DISCRIMINATOR => instructions::create_queue(call),
        wire::update_config::DISCRIMINATOR => instructions::update_config(call),
        wire::nominate_authority::DISCRIMINATOR => instructions::nominate_authority(call),
        wire::accept_authority::DISCRIMINATOR => instructions::accept_authority(call),
        wire::migrate::DISCRIMINATOR => instructions::migrate(call),
        wire::finalize::DISCRIMINATOR => instructions::finalize(call),
        _ => Err(ProgramError::InvalidInstructionData),
    }
}
