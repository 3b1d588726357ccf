//! Verifiers outside the processor.

use crate::binding::Loaded;
use crate::verification::{Found, Input};
use core::mem::MaybeUninit;
use pinocchio::AccountView;
use pinocchio::cpi::{CpiAccount, ReturnData, get_return_data, invoke_unchecked};
use pinocchio::error::ProgramError;
use pinocchio::instruction::{InstructionAccount, InstructionView};
use shared_layouts::account::{NO_KEY, keys_equal};
use shared_layouts::processor::{Function, MAX_ARGUMENTS_BYTES, ProcessorError, external};

/// Most accounts that a verifier is given.
const MAX_ACCOUNTS: usize = external::MAX_ACCOUNTS as usize;
/// Most bytes of a verifier's instruction data.
const MAX_CALL_BYTES: usize = external::HEAD_BYTES + MAX_ARGUMENTS_BYTES;

/// Calls the verifier and reads its answer. An answer that another program set is a no.
///
/// # Errors
/// `ForbiddenProgram` if the verifier is this program or the scheduler: the account is whichever the rule names, and
/// registration refused both.
#[inline(never)]
pub(crate) fn holds(input: &Input, loaded: &Loaded, function: &Function) -> Result<bool, ProgramError> {
    let Some(verifier) = input.accounts.get(usize::from(function.account)) else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };
    let key = verifier.address().as_array();
    if keys_equal(key, input.program_id.as_array()) || keys_equal(key, &loaded.header.scheduler_program) {
        return Err(ProcessorError::ForbiddenProgram.into());
    }
    let first = usize::from(function.second_account);
    let passed = input.accounts.get(first..).and_then(|accounts| accounts.get(..function.extra as usize));
    let passed = passed.ok_or(ProgramError::NotEnoughAccountKeys)?;
    call(input, verifier, passed)?;
    Ok(answer(verifier).is_some_and(|answer| answer.as_slice().first() == Some(&external::YES)))
}

/// The value that the verifier's last answer says it found.
#[inline(never)]
pub(crate) fn found(input: &Input, function: &Function) -> Found {
    let answer = input.accounts.get(usize::from(function.account)).and_then(answer);
    Found::of(answer.as_ref().and_then(|answer| answer.as_slice().get(1..)))
}

/// Return data, if it is the verifier's.
fn answer(verifier: &AccountView) -> Option<ReturnData> {
    get_return_data().filter(|answer| keys_equal(answer.program_id().as_array(), verifier.address().as_array()))
}

/// Passes the accounts read-only and unsigned, whatever flags this instruction has for them.
fn call(input: &Input, verifier: &AccountView, passed: &[AccountView]) -> Result<(), ProgramError> {
    let bytes = external::HEAD_BYTES + input.arguments.len();
    if passed.len() > MAX_ACCOUNTS || bytes > MAX_CALL_BYTES {
        return Err(ProgramError::InvalidArgument);
    }
    let mut data = [0u8; MAX_CALL_BYTES];
    let (head, arguments) = data.split_at_mut(external::HEAD_BYTES);
    for (place, byte) in
        head.iter_mut().zip(input.capability.address().as_array().iter().chain(input.worker.unwrap_or(&NO_KEY)))
    {
        *place = *byte;
    }
    let Some(arguments) = arguments.get_mut(..input.arguments.len()) else {
        return Err(ProgramError::InvalidArgument);
    };
    arguments.copy_from_slice(input.arguments);
    let data = data.get(..bytes).ok_or(ProgramError::InvalidArgument)?;

    let mut metas = [const { MaybeUninit::<InstructionAccount>::uninit() }; MAX_ACCOUNTS];
    let mut infos = [const { MaybeUninit::<CpiAccount>::uninit() }; MAX_ACCOUNTS];
    for ((meta, info), account) in metas.iter_mut().zip(&mut infos).zip(passed) {
        meta.write(InstructionAccount::new(account.address(), false, false));
        CpiAccount::init_from_account_view(account, info);
    }
    // SAFETY: as many metas as accounts were written.
    let metas = unsafe { core::slice::from_raw_parts(metas.as_ptr().cast::<InstructionAccount>(), passed.len()) };
    // SAFETY: as above.
    let infos = unsafe { core::slice::from_raw_parts(infos.as_ptr().cast::<CpiAccount>(), passed.len()) };
    let instruction = InstructionView { program_id: verifier.address(), accounts: metas, data };
    // SAFETY: nothing is held mutably, and read-only accounts come back as they were.
    unsafe { invoke_unchecked(&instruction, infos) };
    Ok(())
}
