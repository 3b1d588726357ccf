//! Dispatch by the first byte of the instruction data.

use crate::instructions;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address, ProgramResult};
use program_common::Call;
use shared_layouts::processor as wire;

/// Most accounts of an instruction: the fixed ones of `Execute`, its targets and its evidence.
const MAX_ACCOUNTS: usize = 4 + wire::MAX_TARGET_ACCOUNTS + wire::MAX_EVIDENCE_ACCOUNTS;

pinocchio::program_entrypoint!(process_instruction, MAX_ACCOUNTS);
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

fn process_instruction(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let [discriminator, data @ ..] = data else {
        return Err(ProgramError::InvalidInstructionData);
    };
    let call = Call { program_id, accounts, data };
    match *discriminator {
        wire::verify::DISCRIMINATOR => instructions::verify(call),
        wire::execute::DISCRIMINATOR => instructions::execute(call),
        wire::initialize::DISCRIMINATOR => instructions::initialize(call),
        wire::pause::DISCRIMINATOR => instructions::pause(call),
        wire::resume::DISCRIMINATOR => instructions::resume(call),
        wire::register_capability::DISCRIMINATOR => instructions::register_capability(call),
        _ => Err(ProgramError::InvalidInstructionData),
    }
}
