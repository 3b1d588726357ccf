use crate::Processor;
use crate::binding::{self, Binding, Loaded};
use crate::verification;
use core::mem::MaybeUninit;
use pinocchio::cpi::{CpiAccount, Seed, Signer, invoke_signed_unchecked, invoke_unchecked};
use pinocchio::error::ProgramError;
use pinocchio::instruction::{InstructionAccount, InstructionView};
use pinocchio::{AccountView, Address, ProgramResult};
use program_common::siblings::Siblings;
use program_common::{Call, fault};
use shared_layouts::account::keys_equal;
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::execute::{Accounts, Data};
use shared_layouts::processor::{
    AccountRule, CAPABILITY_SEED, MAX_ARGUMENTS_BYTES, MAX_PREFIX_BYTES, MAX_TARGET_ACCOUNTS, ProcessorError,
    account_flags, account_kind, capability_flags, execute_flags,
};

/// Most bytes of a target call's data.
const MAX_CALL_BYTES: usize = MAX_PREFIX_BYTES + MAX_ARGUMENTS_BYTES;

#[inline(always)]
pub(crate) fn execute(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (data, arguments) = Data::parse(call.data)?;
    if data.flags & !execute_flags::ALL != 0 {
        return Err(ProgramError::InvalidInstructionData);
    }
    let (accounts, more) = Accounts::parse(call.accounts)?;
    let more = &*more;
    let loaded = Loaded::load(accounts.capability, program_id)?;
    binding::running_config(accounts.config, program_id)?;
    binding::check_call(loaded.header, data.capability_version, arguments)?;
    let siblings = Siblings::load(accounts.instructions).ok_or(ProcessorError::WrongInstructionsSysvar)?;
    let (targets, evidence) = loaded.split_accounts(more)?;
    if !keys_equal(accounts.target_program.address().as_array(), &loaded.header.target_program) {
        return Err(ProcessorError::WrongTargetProgram.into());
    }
    // Called by another program there is no dispatch: the siblings are those of the caller.
    let worker = if siblings.current_is(program_id) {
        binding::dispatch_before(&siblings, loaded.header)?
    } else if loaded.header.header.state & capability_flags::CALLABLE_DIRECTLY == 0 {
        return Err(fault::<Processor>(Fault::NotTopLevel));
    } else {
        None
    };
    let binding = Binding { arguments, capability: accounts.capability.address().as_array(), worker, all: more };
    for (rule, account) in loaded.targets.iter().zip(targets) {
        binding.check(rule, account)?;
        if rule.flags & account_flags::SIGNER != 0 && rule.kind != account_kind::CAPABILITY && !account.is_signer() {
            return Err(ProcessorError::MissingSigner.into());
        }
    }
    binding.check_all(loaded.evidence, evidence)?;
    if loaded.header.functions != 0 {
        verification::verify(accounts.capability, more, arguments)?;
    }
    call_target(&loaded, targets, arguments)
}

/// Calls the target with the flags that the rules state, whatever flags this instruction was given.
#[inline(always)]
fn call_target(loaded: &Loaded, targets: &[AccountView], arguments: &[u8]) -> ProgramResult {
    let mut buffer = [const { MaybeUninit::<u8>::uninit() }; MAX_CALL_BYTES];
    if arguments.len() > MAX_ARGUMENTS_BYTES || targets.len() > MAX_TARGET_ACCOUNTS {
        return Err(ProgramError::InvalidArgument);
    }
    // Without leading data the arguments are the call's data as they stand.
    let data = if loaded.header.prefix_bytes == 0 {
        arguments
    } else {
        joined(&mut buffer, binding::prefix(loaded.header), arguments)
    };

    let mut metas = [const { MaybeUninit::<InstructionAccount>::uninit() }; MAX_TARGET_ACCOUNTS];
    let mut infos = [const { MaybeUninit::<CpiAccount>::uninit() }; MAX_TARGET_ACCOUNTS];
    for (((meta, info), account), rule) in metas.iter_mut().zip(&mut infos).zip(targets).zip(loaded.targets) {
        meta.write(target_meta(account, rule));
        CpiAccount::init_from_account_view(account, info);
    }
    // SAFETY: there is a rule for each target, so as many metas were written.
    let metas = unsafe { core::slice::from_raw_parts(metas.as_ptr().cast::<InstructionAccount>(), targets.len()) };
    // SAFETY: as above.
    let infos = unsafe { core::slice::from_raw_parts(infos.as_ptr().cast::<CpiAccount>(), targets.len()) };

    // SAFETY: an address is its 32 bytes.
    let program_id = unsafe { &*core::ptr::from_ref(&loaded.header.target_program).cast::<Address>() };
    let instruction = InstructionView { program_id, accounts: metas, data };
    if loaded.header.signs == 0 {
        // SAFETY: this program borrows no account across the call: `Execute` reads without borrows, and nothing after it.
        unsafe { invoke_unchecked(&instruction, infos) };
        return Ok(());
    }
    let number = loaded.header.number.to_le_bytes();
    let bump = [loaded.header.header.bump];
    let seeds = [Seed::from(CAPABILITY_SEED), Seed::from(&number), Seed::from(&bump)];
    // SAFETY: as above.
    unsafe { invoke_signed_unchecked(&instruction, infos, &[Signer::from(&seeds)]) };
    Ok(())
}

/// Leading data and arguments, one after the other.
#[inline(always)]
fn joined<'a>(buffer: &'a mut [MaybeUninit<u8>; MAX_CALL_BYTES], prefix: &[u8], arguments: &[u8]) -> &'a [u8] {
    let bytes = prefix.len() + arguments.len();
    debug_assert!(bytes <= MAX_CALL_BYTES);
    let at = buffer.as_mut_ptr().cast::<u8>();
    // SAFETY: `prefix` returns at most its field, and the length of the arguments was compared.
    unsafe { core::ptr::copy_nonoverlapping(prefix.as_ptr(), at, prefix.len()) };
    // SAFETY: as above.
    let behind = unsafe { at.add(prefix.len()) };
    // SAFETY: as above.
    unsafe { core::ptr::copy_nonoverlapping(arguments.as_ptr(), behind, arguments.len()) };
    // SAFETY: the first `bytes` bytes were just written.
    unsafe { core::slice::from_raw_parts(at, bytes) }
}

#[inline(always)]
fn target_meta<'a>(account: &'a AccountView, rule: &AccountRule) -> InstructionAccount<'a> {
    let writable = rule.flags & account_flags::WRITABLE != 0;
    let signer = rule.flags & account_flags::SIGNER != 0;
    InstructionAccount::new(account.address(), writable, signer)
}
