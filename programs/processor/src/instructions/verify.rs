use crate::Processor;
use crate::binding::{self, Binding, Loaded};
use crate::verification;
use pinocchio::ProgramResult;
use pinocchio::error::ProgramError;
use program_common::siblings::Siblings;
use program_common::{Call, fault};
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::ProcessorError;
use shared_layouts::processor::verify::{Accounts, Data};

#[inline(never)]
pub(crate) fn verify(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (data, arguments) = Data::parse(call.data)?;
    if data.flags != 0 {
        return Err(ProgramError::InvalidInstructionData);
    }
    let (accounts, more) = Accounts::parse(call.accounts)?;
    let more = &*more;
    let loaded = Loaded::load(accounts.capability, program_id)?;
    binding::running_config(accounts.config, program_id)?;
    let siblings = Siblings::load(accounts.instructions).ok_or(ProcessorError::WrongInstructionsSysvar)?;
    if !siblings.current_is(program_id) {
        return Err(fault::<Processor>(Fault::NotTopLevel));
    }
    loaded.check_call(data.capability_version, arguments)?;
    let (targets, evidence) = loaded.split_accounts(more)?;
    let binding = Binding {
        arguments,
        capability: accounts.capability.address().as_array(),
        dispatch: binding::dispatch_before(&siblings, loaded.header)?,
        all: more,
    };

    let call = siblings.next().ok_or(ProcessorError::WrongTargetCall)?;
    binding::check_target_call(&call, &loaded, arguments)?;
    for (index, (rule, account)) in loaded.targets.iter().zip(targets).enumerate() {
        binding::check_target_account(&call, index, rule, account)?;
        binding.check(index, rule, account)?;
    }
    for (index, (rule, account)) in loaded.evidence.iter().zip(evidence).enumerate() {
        binding.check(targets.len() + index, rule, account)?;
    }
    verification::verify(&loaded, more, arguments)
}
