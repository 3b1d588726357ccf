use crate::binding;
use crate::quick;
use crate::verification::{Input, evaluate};
use pinocchio::ProgramResult;
use pinocchio::cpi::set_return_data;
use pinocchio::error::ProgramError;
use program_common::Call;
use shared_layouts::processor::ProcessorError;
use shared_layouts::processor::check::{Accounts, Data};

#[inline(always)]
pub(crate) fn check(call: Call) -> ProgramResult {
    let (data, arguments) = Data::parse(call.data)?;
    if data.flags != 0 {
        return Err(ProgramError::InvalidInstructionData);
    }
    let (accounts, more) = Accounts::parse(call.accounts)?;
    binding::siblings(accounts.instructions).ok_or(ProcessorError::WrongInstructionsSysvar)?;
    let input = Input {
        program_id: call.program_id,
        capability: accounts.capability,
        instructions: accounts.instructions,
        accounts: more,
        arguments,
        worker: None,
    };
    let loaded = input.check(accounts.config, data.capability_version)?;
    // SAFETY: the header was loaded above, and nothing is held mutably.
    let result = if unsafe { quick::all_hold(loaded.header, more, arguments) } {
        quick::all_passed(loaded.header.functions)
    } else {
        evaluate(&input, &loaded, true)?
    };
    set_return_data(bytemuck::bytes_of(&result));
    Ok(())
}
