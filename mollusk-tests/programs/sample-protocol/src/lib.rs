//! Example of a protocol: it asks the processor whether an operation would pass, then has it executed.
//!
//! Instruction `Withdraw`. Accounts: 0 processor, 1 capability, 2 config of the processor, 3 instructions sysvar, 4 target
//! program, then the capability's target and evidence accounts. Data: version of the capability (u32), arguments.

#![no_std]

use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address, ProgramResult};
// Brings the memory functions that compiled code calls.
use program_common as _;
use shared_layouts::processor::{check, cpi::check_result, execute};

/// The processor says that the operation does not pass. The protocol could do something else instead.
pub const REFUSED: u32 = 1;

/// Most target and evidence accounts.
const MAX_MORE: usize = 12;

pinocchio::program_entrypoint!(process_instruction, 17);
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

fn process_instruction(_program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let [processor, capability, config, instructions, target_program, more @ ..] = &*accounts else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };
    let (version, arguments) = data.split_first_chunk().ok_or(ProgramError::InvalidInstructionData)?;
    let capability_version = u32::from_le_bytes(*version);
    let mut passed = [processor; MAX_MORE];
    let passed = passed.get_mut(..more.len()).ok_or(ProgramError::InvalidArgument)?;
    for (place, account) in passed.iter_mut().zip(more) {
        *place = account;
    }

    check::Accounts { capability, config, instructions }.invoke(
        processor.address(),
        passed,
        &check::Data { capability_version, flags: 0 },
        arguments,
        &[],
    )?;
    if check_result(processor.address())?.passed == 0 {
        return Err(ProgramError::Custom(REFUSED));
    }
    execute::Accounts { capability, config, instructions, target_program }.invoke(
        processor.address(),
        passed,
        &execute::Data { capability_version, flags: 0 },
        arguments,
        &[],
    )
}
