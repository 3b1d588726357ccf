//! Runs a capability's verification functions.

use crate::binding::Loaded;
use core::num::NonZeroU32;
use cores::compare::{Comparison, MAX_WIDTH};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, ProgramResult};
use pinocchio_log::log;
use program_common::accounts;
use shared_layouts::processor::{Capability, Function, ProcessorError, function_kind};

/// Every function must hold.
///
/// # Errors
/// `VerificationFailed` plus the index of the first function that does not hold.
#[inline(always)]
pub(crate) fn verify(capability: &AccountView, accounts: &[AccountView], arguments: &[u8]) -> ProgramResult {
    match failing(capability, accounts, arguments) {
        None => Ok(()),
        Some(code) => Err(ProgramError::Custom(code.get())),
    }
}

/// The error code of the first function that does not hold. A code instead of an error, because the result of a function
/// with five arguments has to fit a register.
#[inline(never)]
fn failing(capability: &AccountView, read: &[AccountView], arguments: &[u8]) -> Option<NonZeroU32> {
    // SAFETY: the handlers loaded it, and hold no account mutably.
    let Ok(header) = (unsafe { accounts::read_fixed_part::<Capability>(capability) }) else {
        return NonZeroU32::new(ProcessorError::InvalidCapability as u32);
    };
    if header.bytes_by_counts() != capability.data_len() {
        return NonZeroU32::new(ProcessorError::InvalidCapability as u32);
    }
    // SAFETY: the length was just compared with the counts.
    let loaded = unsafe { Loaded::of(header) };
    for (index, function) in (0u32..).zip(loaded.functions) {
        let found = find(function, read, arguments);
        let width = usize::from(function.width);
        let holds = match (found, function.constant.get(..width)) {
            (Some(found), Some(constant)) => {
                Comparison { operator: function.operator, number: function.number, constant }.holds(found)
            }
            _ => false,
        };
        if !holds {
            return NonZeroU32::new(failed(index, found));
        }
    }
    None
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
fn failed(index: u32, found: Option<&[u8]>) -> u32 {
    let code = ProcessorError::VerificationFailed as u32 + index;
    let mut value = [0u8; MAX_WIDTH];
    let found = found.unwrap_or(&[]);
    let width = found.len().min(MAX_WIDTH);
    value[..width].copy_from_slice(&found[..width]);
    log!("processor: error {}, function {}, found {} bytes {}", code, index, width, &value[..width]);
    code
}
