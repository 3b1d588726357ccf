//! Verifiers outside the processor.

use crate::binding::Loaded;
use crate::verification::{Found, Input};
use core::mem::MaybeUninit;
use cores::compare::MAX_WIDTH;
use pinocchio::AccountView;
use pinocchio::cpi::{CpiAccount, invoke_unchecked};
use pinocchio::error::ProgramError;
use pinocchio::instruction::{InstructionAccount, InstructionView};
use program_common::Outcome;
use shared_layouts::account::{Key, NO_KEY, keys_equal};
use shared_layouts::processor::{Function, MAX_ARGUMENTS_BYTES, ProcessorError, external};

/// Most accounts that a verifier is given.
const MAX_ACCOUNTS: usize = external::MAX_ACCOUNTS as usize;
/// Most bytes of an answer that count: yes or no, and the value found.
const ANSWER_BYTES: usize = 1 + MAX_WIDTH;
/// Most bytes of a verifier's instruction data.
const MAX_CALL_BYTES: usize = external::HEAD_BYTES + MAX_ARGUMENTS_BYTES;

/// Calls the verifier and reads its answer. An answer that another program set is a no.
///
/// # Errors
/// `ForbiddenProgram` if the verifier is this program or the scheduler: the account is whichever the rule names, and
/// registration refused both.
#[inline(never)]
pub(crate) fn holds(input: &Input, loaded: &Loaded, function: &Function) -> Outcome<bool> {
    let Some(verifier) = input.accounts.get(usize::from(function.account)) else {
        return Err(ProgramError::NotEnoughAccountKeys.into());
    };
    let key = verifier.address().as_array();
    if keys_equal(key, input.program_id.as_array()) || keys_equal(key, &loaded.header.scheduler_program) {
        return Err(ProcessorError::ForbiddenProgram.into());
    }
    let first = usize::from(function.second_account);
    let passed = input.accounts.get(first..).and_then(|accounts| accounts.get(..function.extra as usize));
    let passed = passed.ok_or(ProgramError::NotEnoughAccountKeys)?;
    call(input, verifier, passed)?;
    let mut answer = [0; ANSWER_BYTES];
    Ok(read_answer(verifier, &mut answer) != 0 && answer[0] == external::YES)
}

/// The value that the verifier's last answer says it found.
#[inline(never)]
pub(crate) fn found(input: &Input, function: &Function) -> Found {
    let mut answer = [0; ANSWER_BYTES];
    let bytes = match input.accounts.get(usize::from(function.account)) {
        Some(verifier) => read_answer(verifier, &mut answer),
        None => 0,
    };
    Found::of(answer.get(1..bytes))
}

/// Reads what fits of the return data, if it is the verifier's. Returns the number of bytes read: none otherwise.
#[inline(never)]
fn read_answer(verifier: &AccountView, answer: &mut [u8; ANSWER_BYTES]) -> usize {
    let mut program = NO_KEY;
    let [bytes, ..] = return_data(answer, &mut program).min(ANSWER_BYTES as u64).to_le_bytes();
    if keys_equal(&program, verifier.address().as_array()) { bytes.into() } else { 0 }
}

/// The runtime's syscall, into places of its own: Pinocchio's form of it carries 1,024 bytes along. Returns the length of the
/// whole return data.
#[cfg(target_arch = "bpf")]
fn return_data(answer: &mut [u8; ANSWER_BYTES], program: &mut Key) -> u64 {
    // SAFETY: the syscall writes as many bytes as it is given at most, and a key.
    unsafe {
        pinocchio::syscalls::sol_get_return_data(answer.as_mut_ptr(), ANSWER_BYTES as u64, program.as_mut_ptr().cast())
    }
}

#[cfg(not(target_arch = "bpf"))]
fn return_data(_: &mut [u8; ANSWER_BYTES], _: &mut Key) -> u64 {
    0
}

/// Passes the accounts read-only and unsigned, whatever flags this instruction has for them.
fn call(input: &Input, verifier: &AccountView, passed: &[AccountView]) -> Outcome<()> {
    let bytes = external::HEAD_BYTES + input.arguments.len();
    if passed.len() > MAX_ACCOUNTS || bytes > MAX_CALL_BYTES {
        return Err(ProgramError::InvalidArgument.into());
    }
    let mut data = [0u8; MAX_CALL_BYTES];
    let (head, arguments) = data.split_at_mut(external::HEAD_BYTES);
    let (capability, worker) = head.split_at_mut(size_of::<Key>());
    capability.copy_from_slice(input.capability.address().as_array());
    worker.copy_from_slice(input.worker.unwrap_or(&NO_KEY));
    let Some(arguments) = arguments.get_mut(..input.arguments.len()) else {
        return Err(ProgramError::InvalidArgument.into());
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
