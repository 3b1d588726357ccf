use crate::Processor;
use crate::binding;
use crate::quick;
use crate::verification::{self, Input};
use pinocchio::error::ProgramError;
use program_common::accounts::read_fixed_part;
use program_common::{Call, Outcome, fault};
use shared_layouts::account::keys_equal;
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::verify::{Accounts, Data};
use shared_layouts::processor::{Capability, ProcessorError};

/// What the first look at a call finds.
pub(crate) enum Seen {
    /// The call is the usual one, and there is no function that does not hold.
    Passed,
    /// The call is the usual one; the functions are to be evaluated by [`verify_functions`].
    Usual,
    /// The call has to be checked by [`verify_each`], which says what is wrong with it if anything is.
    Unusual,
}

/// Checks a call that equals the usual one, which takes a few comparisons for all accounts together. It says yes or nothing,
/// so that no check has to prepare its error.
#[inline(always)]
pub(crate) fn verify(call: Call) -> Seen {
    let Ok((data, arguments)) = Data::parse(call.data) else { return Seen::Unusual };
    let Ok((accounts, more)) = Accounts::parse(call.accounts) else { return Seen::Unusual };
    let Some(header) = binding::find_header(accounts.capability, call.program_id) else { return Seen::Unusual };
    if data.flags != 0
        || !binding::is_call_of(header, data.capability_version, arguments)
        || !binding::is_usual(header, accounts.capability, accounts.instructions, arguments)
        || !binding::is_running(accounts.config)
    {
        return Seen::Unusual;
    }
    // SAFETY: the header was loaded above and has functions, and nothing is held mutably.
    let is_passed = header.functions == 0 || unsafe { quick::all_hold_or_one(header, more, arguments) };
    if is_passed { Seen::Passed } else { Seen::Usual }
}

/// Evaluates the functions of a usual call.
#[inline(always)]
pub(crate) fn verify_functions(call: Call) -> Outcome {
    let (_, arguments) = Data::parse(call.data)?;
    let (accounts, more) = Accounts::parse(call.accounts)?;
    // SAFETY: the first look compared the owner and the length, and nothing is held mutably.
    let header: &Capability = unsafe { read_fixed_part(accounts.capability) }?;
    // Only an external verifier is told who dispatched.
    let worker = if header.external_functions == 0 {
        None
    } else {
        binding::siblings(accounts.instructions).and_then(|siblings| binding::worker(&siblings, header))
    };
    verification::verify(&Input {
        program_id: call.program_id,
        capability: accounts.capability,
        instructions: accounts.instructions,
        accounts: more,
        arguments,
        worker,
    })
}

/// Checks a call that does not equal the usual one, account by account. It starts from the beginning: what it shared with
/// the usual call would have to be kept at hand there, which costs more than it saves here.
#[inline(always)]
pub(crate) fn verify_each(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, arguments) = Data::parse(call.data)?;
    if data.flags != 0 {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    let (accounts, more) = Accounts::parse(call.accounts)?;
    let more = &*more;
    let header = binding::load(accounts.capability, program_id)?.header;
    let siblings = binding::siblings(accounts.instructions).ok_or(ProcessorError::WrongInstructionsSysvar)?;
    let current = siblings.current();
    if !keys_equal(current.program, program_id.as_array()) {
        return Err(fault::<Processor>(Fault::NotTopLevel));
    }
    let worker = binding::dispatch_before(&siblings, header)?;
    let input = Input {
        program_id,
        capability: accounts.capability,
        instructions: accounts.instructions,
        accounts: more,
        arguments,
        worker,
    };
    let loaded = input.check(accounts.config, data.capability_version)?;
    let own = current.accounts.get(Accounts::<()>::COUNT..).unwrap_or_default();
    if !own.iter().zip(loaded.targets).all(|(own, rule)| binding::has_target_flags(own, rule)) {
        return Err(ProcessorError::WrongTargetCall.into());
    }
    let next = siblings.following().ok_or(ProcessorError::WrongTargetCall)?;
    let own = current.accounts.get(Accounts::<()>::COUNT..).unwrap_or_default();
    let shown = own.get(..loaded.targets.len()).ok_or(ProgramError::NotEnoughAccountKeys)?;
    if !binding::is_target_call(&next, loaded.header, shown, arguments) {
        return Err(ProcessorError::WrongTargetCall.into());
    }
    verification::verify(&input)
}
