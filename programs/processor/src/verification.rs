//! Runs a capability's verification functions.

use crate::binding::Loaded;
use cores::compare::{Comparison, MAX_WIDTH};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, ProgramResult};
use pinocchio_log::log;
use shared_layouts::processor::{Function, ProcessorError, function_kind};

/// Every function must hold.
///
/// # Errors
/// `VerificationFailed` plus the index of the first function that does not hold.
#[inline(always)]
pub(crate) fn verify(loaded: &Loaded, accounts: &[AccountView], arguments: &[u8]) -> ProgramResult {
    for (index, function) in loaded.functions.iter().enumerate() {
        let found = find(function, accounts, arguments);
        let width = usize::from(function.width);
        let holds = match (found, function.constant.get(..width)) {
            (Some(found), Some(constant)) => {
                Comparison { operator: function.operator, number: function.number, constant }.holds(found)
            }
            _ => false,
        };
        if !holds {
            return Err(failed(index, found));
        }
    }
    Ok(())
}

/// The bytes that a function compares; `None` where the account or the arguments end before them.
#[inline(always)]
fn find<'a>(function: &Function, accounts: &'a [AccountView], arguments: &'a [u8]) -> Option<&'a [u8]> {
    let (bytes, offset) = match function.kind {
        function_kind::ACCOUNT_DATA => {
            let account = accounts.get(usize::from(function.account))?;
            // SAFETY: `Verify` and `Execute` hold no account mutably.
            (unsafe { account.borrow_unchecked() }, function.account_offset as usize)
        }
        function_kind::INPUT_NUMBER => (arguments, function.input_offset as usize),
        _ => return None,
    };
    bytes.get(offset..)?.get(..usize::from(function.width))
}

#[cold]
#[inline(never)]
fn failed(index: usize, found: Option<&[u8]>) -> ProgramError {
    let code = ProcessorError::VerificationFailed as u32 + index as u32;
    let mut value = [0u8; MAX_WIDTH];
    let found = found.unwrap_or(&[]);
    let width = found.len().min(MAX_WIDTH);
    value[..width].copy_from_slice(&found[..width]);
    log!("processor: error {}, function {}, found {} bytes {}", code, index, width, &value[..width]);
    ProgramError::Custom(code)
}
