use crate::Processor;
use crate::binding::{self, Binding, Loaded};
use crate::verification;
use pinocchio::ProgramResult;
use pinocchio::error::ProgramError;
use program_common::siblings::Siblings;
use program_common::{Call, fault};
use shared_layouts::account::keys_equal;
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::ProcessorError;
use shared_layouts::processor::verify::{Accounts, Data};

/// What the first look at a call finds.
pub(crate) enum Seen {
    /// The call is the usual one and passed.
    Usual,
    /// The call has to be checked by [`verify_each`].
    Unusual,
}

/// Checks a call that equals the usual one, which takes a few comparisons for all accounts together.
#[inline(always)]
pub(crate) fn verify(call: Call) -> Result<Seen, ProgramError> {
    let (data, arguments) = Data::parse(call.data)?;
    if data.flags != 0 {
        return Err(ProgramError::InvalidInstructionData);
    }
    let (accounts, more) = Accounts::parse(call.accounts)?;
    let header = binding::load_header(accounts.capability, call.program_id)?;
    binding::check_call(header, data.capability_version, arguments)?;
    match binding::check_usual(header, accounts.capability, accounts.instructions, arguments) {
        0 => binding::check_running(accounts.config)?,
        binding::UNUSUAL => return Ok(Seen::Unusual),
        code => return Err(ProgramError::Custom(code)),
    }
    if header.functions != 0 {
        verification::verify(accounts.capability, more, arguments)?;
    }
    Ok(Seen::Usual)
}

/// Checks a call that does not equal the usual one, account by account. It starts from the beginning: what it shared with
/// the usual call would have to be kept at hand there, which costs more than it saves here.
#[inline(always)]
pub(crate) fn verify_each(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (data, arguments) = Data::parse(call.data)?;
    let (accounts, more) = Accounts::parse(call.accounts)?;
    let more = &*more;
    let loaded = Loaded::load(accounts.capability, program_id)?;
    binding::check_call(loaded.header, data.capability_version, arguments)?;
    let siblings = Siblings::load(accounts.instructions).ok_or(ProcessorError::WrongInstructionsSysvar)?;
    binding::running_config(accounts.config, program_id)?;
    let current = siblings.current();
    if !keys_equal(current.program, program_id.as_array()) {
        return Err(fault::<Processor>(Fault::NotTopLevel));
    }
    let worker = binding::dispatch_before(&siblings, loaded.header)?;
    let binding = Binding { arguments, capability: accounts.capability.address().as_array(), worker, all: more };
    let (targets, evidence) = loaded.split_accounts(more)?;
    let own = current.accounts.get(Accounts::<()>::COUNT..).unwrap_or_default();
    let mut own = own.iter();
    let mut rules = loaded.targets.iter();
    for account in targets {
        let (Some(own), Some(rule)) = (own.next(), rules.next()) else {
            return Err(ProgramError::NotEnoughAccountKeys);
        };
        if !binding::has_target_flags(own, rule) {
            return Err(ProcessorError::WrongTargetCall.into());
        }
        binding.check(rule, account)?;
    }
    binding.check_all(loaded.evidence, evidence)?;
    let next = siblings.following().ok_or(ProcessorError::WrongTargetCall)?;
    let own = current.accounts.get(Accounts::<()>::COUNT..).unwrap_or_default();
    let shown = own.get(..targets.len()).ok_or(ProgramError::NotEnoughAccountKeys)?;
    if !binding::is_target_call(&next, loaded.header, shown, arguments) {
        return Err(ProcessorError::WrongTargetCall.into());
    }
    verification::verify(accounts.capability, more, arguments)
}
