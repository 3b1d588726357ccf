use crate::binding::{self, Binding, Loaded};
use crate::quick;
use crate::verification::{self, COMPUTE_BUDGET_PROGRAM, Input};
use core::mem::MaybeUninit;
use pinocchio::cpi::{CpiAccount, Seed, Signer, invoke_signed_unchecked, invoke_unchecked};
use pinocchio::error::ProgramError;
use pinocchio::instruction::{InstructionAccount, InstructionView};
use pinocchio::{AccountView, Address};
use program_common::siblings::{Sibling, Siblings};
use program_common::{Call, Outcome};
use shared_layouts::account::keys_equal;
use shared_layouts::declare::Denial;
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::execute::{Accounts, Data};
use shared_layouts::processor::{
    AccountRule, CAPABILITY_SEED, MAX_ARGUMENTS_BYTES, MAX_PREFIX_BYTES, MAX_TARGET_ACCOUNTS, ProcessorError,
    account_flags, account_kind, capability_flags, execute_flags,
};

/// First word of the compute budget program's address, which tells nearly every other one from it.
const FIRST_WORD: u64 = 0x3217_21e5_6f46_0603;
/// First byte of the compute budget program's `SetComputeUnitLimit`; the limit follows, u32.
const SET_COMPUTE_UNIT_LIMIT: u8 = 2;
/// Units for each instruction of a transaction that sets no limit, at most.
const DEFAULT_UNITS: u64 = 200_000;
/// Most units of a transaction.
const MOST_UNITS: u64 = 1_400_000;

/// Most bytes of a target call's data.
const MAX_CALL_BYTES: usize = MAX_PREFIX_BYTES + MAX_ARGUMENTS_BYTES;

#[inline(always)]
pub(crate) fn execute(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, arguments) = Data::parse(call.data)?;
    if data.flags & !execute_flags::ALL != 0 {
        return Err(ProgramError::InvalidInstructionData.into());
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
        return Err(Denial::cold::<{ ProcessorError::BASE as u64 + Fault::NotTopLevel as u64 }>());
    } else {
        None
    };
    let binding = Binding { arguments, capability: accounts.capability.address().as_array(), worker, all: more };
    check_compute_limit(&siblings, worker.is_some(), loaded.header.compute_limit)?;
    if targets.len() > MAX_TARGET_ACCOUNTS {
        return Err(ProgramError::InvalidArgument.into());
    }
    let mut metas = [const { MaybeUninit::<InstructionAccount>::uninit() }; MAX_TARGET_ACCOUNTS];
    let mut infos = [const { MaybeUninit::<CpiAccount>::uninit() }; MAX_TARGET_ACCOUNTS];
    for (((meta, info), account), rule) in metas.iter_mut().zip(&mut infos).zip(targets).zip(loaded.targets) {
        binding.check(rule, account)?;
        if rule.flags & account_flags::SIGNER != 0 && rule.kind != account_kind::CAPABILITY && !account.is_signer() {
            return Err(ProcessorError::MissingSigner.into());
        }
        // The flags that the rule states, whatever flags this instruction was given.
        meta.write(target_meta(account, rule));
        CpiAccount::init_from_account_view(account, info);
    }
    // SAFETY: there is a rule for each target, so as many metas were written.
    let metas = unsafe { core::slice::from_raw_parts(metas.as_ptr().cast::<InstructionAccount>(), targets.len()) };
    // SAFETY: as above.
    let infos = unsafe { core::slice::from_raw_parts(infos.as_ptr().cast::<CpiAccount>(), targets.len()) };
    binding.check_all(loaded.evidence, evidence)?;
    // SAFETY: the header was loaded above and has functions, and nothing is held mutably.
    if loaded.header.functions != 0 && !unsafe { quick::all_hold(loaded.header, more, arguments) } {
        verification::verify(&Input {
            program_id,
            capability: accounts.capability,
            instructions: accounts.instructions,
            accounts: more,
            arguments,
            worker,
        })?;
    }
    let is_metered = data.flags & execute_flags::METERED != 0;
    if is_metered {
        log_units_left();
    }
    call_target(&loaded, metas, infos, arguments)?;
    if is_metered {
        log_units_left();
    }
    Ok(())
}

/// Has the runtime log the units left. No syscall that is active on mainnet tells a program what it has left, so this
/// measurement is for whoever reads the log, and nothing on chain depends on it.
fn log_units_left() {
    #[cfg(target_arch = "bpf")]
    // SAFETY: the syscall takes nothing and returns nothing.
    unsafe {
        pinocchio::syscalls::sol_log_compute_units_();
    }
}

/// Refuses when the transaction's compute limit is below the capability's: that much can then not be left.
///
/// What is left at this moment cannot be asked for on mainnet, but the limit that the transaction set can be read: it is an
/// upper bound. It is looked for before the dispatch, where wallets and this project's own tools put it. Without one a transaction has at most 200,000 units for each of its instructions, 1.4 million in all.
#[inline(always)]
fn check_compute_limit(siblings: &Siblings, is_dispatched: bool, compute_limit: u32) -> Outcome {
    // A transaction has at most 64 instructions.
    let mut limit = DEFAULT_UNITS.wrapping_mul(siblings.count() as u64);
    for sibling in siblings.first(siblings.current_index().wrapping_sub(usize::from(is_dispatched))) {
        if sibling.program.first_chunk().is_some_and(|word| u64::from_le_bytes(*word) == FIRST_WORD) {
            limit = stated_limit(&sibling).unwrap_or(limit);
        }
    }
    if limit.min(MOST_UNITS) < u64::from(compute_limit) { Err(ProcessorError::ComputeLimit.into()) } else { Ok(()) }
}

/// The limit that an instruction sets.
#[inline(never)]
fn stated_limit(sibling: &Sibling) -> Option<u64> {
    match sibling.data {
        [SET_COMPUTE_UNIT_LIMIT, units @ ..] if keys_equal(sibling.program, &COMPUTE_BUDGET_PROGRAM) => {
            units.first_chunk().map(|units| u64::from(u32::from_le_bytes(*units)))
        }
        _ => None,
    }
}

/// Calls the target with what was prepared for it.
#[inline(always)]
fn call_target(loaded: &Loaded, metas: &[InstructionAccount], infos: &[CpiAccount], arguments: &[u8]) -> Outcome {
    let mut buffer = [const { MaybeUninit::<u8>::uninit() }; MAX_CALL_BYTES];
    if arguments.len() > MAX_ARGUMENTS_BYTES {
        return Err(ProgramError::InvalidArgument.into());
    }
    // Without leading data the arguments are the call's data as they stand.
    let data = if loaded.header.prefix_bytes == 0 {
        arguments
    } else {
        joined(&mut buffer, binding::prefix(loaded.header), arguments)
    };

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
