//! What a program needs beside the generated `invoke` functions: the answer of `Check`, and a look back for targets.

use super::{CheckResult, verify};
use crate::account::keys_equal;
use pinocchio::cpi::get_return_data;
use pinocchio::error::ProgramError;
use pinocchio::sysvars::instructions::Instructions;
use pinocchio::{AccountView, Address};

/// The result of the `Check` that was just called. Return data of any other program than `processor` is no answer.
///
/// # Errors
/// `InvalidAccountData` if the processor did not answer last.
pub fn check_result(processor: &Address) -> Result<CheckResult, ProgramError> {
    let answer = get_return_data().ok_or(ProgramError::InvalidAccountData)?;
    if !keys_equal(answer.program_id().as_array(), processor.as_array()) {
        return Err(ProgramError::InvalidAccountData);
    }
    bytemuck::try_pod_read_unaligned(answer.as_slice()).map_err(|_| ProgramError::InvalidAccountData)
}

/// Whether the instruction before the current top-level one is the processor's `Verify` for `capability`: for a target that
/// must run only as the sibling of its verification. `Verify` itself compared this instruction with the capability.
///
/// # Errors
/// `UnsupportedSysvar` if `instructions` is not the instructions sysvar.
pub fn is_verified_sibling(
    instructions: &AccountView,
    processor: &Address,
    capability: &Address,
) -> Result<bool, ProgramError> {
    let instructions = Instructions::try_from(instructions)?;
    let Ok(previous) = instructions.get_instruction_relative(-1) else {
        return Ok(false);
    };
    let is_verify = keys_equal(previous.get_program_id().as_array(), processor.as_array())
        && previous.get_instruction_data().first() == Some(&verify::DISCRIMINATOR);
    let named = previous.get_instruction_account_at(verify::Position::capability as usize);
    Ok(is_verify && named.is_ok_and(|account| keys_equal(account.key.as_array(), capability.as_array())))
}
