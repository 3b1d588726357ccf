use crate::Processor;
use crate::binding::{self, Binding, Loaded};
use crate::verification;
use core::mem::MaybeUninit;
use pinocchio::cpi::{Seed, Signer, invoke_signed_with_bounds};
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

#[inline(never)]
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
    let siblings = Siblings::load(accounts.instructions).ok_or(ProcessorError::WrongInstructionsSysvar)?;
    loaded.check_call(data.capability_version, arguments)?;
    let (targets, evidence) = loaded.split_accounts(more)?;
    if !keys_equal(accounts.target_program.address().as_array(), &loaded.header.target_program) {
        return Err(ProcessorError::WrongTargetProgram.into());
    }
    // Called by another program there is no dispatch: the siblings are those of the caller.
    let dispatch = if siblings.current_is(program_id) {
        binding::dispatch_before(&siblings, loaded.header)?
    } else if loaded.header.header.state & capability_flags::CALLABLE_DIRECTLY == 0 {
        return Err(fault::<Processor>(Fault::NotTopLevel));
    } else {
        None
    };
    let binding = Binding { arguments, capability: accounts.capability.address().as_array(), dispatch, all: more };
    for (index, (rule, account)) in loaded.targets.iter().zip(targets).enumerate() {
        binding.check(index, rule, account)?;
        if rule.flags & account_flags::SIGNER != 0 && rule.kind != account_kind::CAPABILITY && !account.is_signer() {
            return Err(ProcessorError::MissingSigner.into());
        }
    }
    for (index, (rule, account)) in loaded.evidence.iter().zip(evidence).enumerate() {
        binding.check(targets.len() + index, rule, account)?;
    }
    verification::verify(&loaded, more, arguments)?;
    call_target(&loaded, targets, arguments)
}

/// Calls the target with the flags that the rules state, whatever flags this instruction was given.
#[inline(always)]
fn call_target(loaded: &Loaded, targets: &[AccountView], arguments: &[u8]) -> ProgramResult {
    let prefix = loaded.prefix();
    let bytes = prefix.len() + arguments.len();
    let mut buffer = [const { MaybeUninit::<u8>::uninit() }; MAX_CALL_BYTES];
    if bytes > MAX_CALL_BYTES || targets.len() > MAX_TARGET_ACCOUNTS {
        return Err(ProgramError::InvalidArgument);
    }
    // SAFETY: both parts fit, as was just checked.
    unsafe {
        let at = buffer.as_mut_ptr().cast::<u8>();
        core::ptr::copy_nonoverlapping(prefix.as_ptr(), at, prefix.len());
        core::ptr::copy_nonoverlapping(arguments.as_ptr(), at.add(prefix.len()), arguments.len());
    }
    // SAFETY: the first `bytes` bytes were just written.
    let data = unsafe { core::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), bytes) };

    let mut metas = [const { MaybeUninit::<InstructionAccount>::uninit() }; MAX_TARGET_ACCOUNTS];
    for ((meta, account), rule) in metas.iter_mut().zip(targets).zip(loaded.targets) {
        meta.write(target_meta(account, rule));
    }
    // SAFETY: there is a rule for each target, so as many metas were written.
    let metas = unsafe { core::slice::from_raw_parts(metas.as_ptr().cast::<InstructionAccount>(), targets.len()) };

    let program_id = Address::from(loaded.header.target_program);
    let instruction = InstructionView { program_id: &program_id, accounts: metas, data };
    let number = loaded.header.number.to_le_bytes();
    let bump = [loaded.header.header.bump];
    let seeds = [Seed::from(CAPABILITY_SEED), Seed::from(&number), Seed::from(&bump)];
    invoke_signed_with_bounds::<MAX_TARGET_ACCOUNTS, _>(&instruction, targets, &[Signer::from(&seeds)])
}

#[inline(always)]
fn target_meta<'a>(account: &'a AccountView, rule: &AccountRule) -> InstructionAccount<'a> {
    let writable = rule.flags & account_flags::WRITABLE != 0;
    let signer = rule.flags & account_flags::SIGNER != 0;
    InstructionAccount::new(account.address(), writable, signer)
}
