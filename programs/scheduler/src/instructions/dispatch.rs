use crate::Scheduler;
use crate::instructions::enqueue::load_queue;
use cores::queue::Handle;
use pinocchio::ProgramResult;
use pinocchio::error::ProgramError;
use pinocchio::sysvars::instructions::IntrospectedInstruction;
use program_common::siblings::Siblings;
use program_common::{Call, accounts, clock, fault};
use shared_layouts::account::{Key, keys_equal};
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::{execute, verify};
use shared_layouts::scheduler::dispatch::{Accounts, Data};
use shared_layouts::scheduler::{Entry, Queue, SchedulerConfig, SchedulerError, Shard, queue_flags};

#[inline(never)]
pub(crate) fn dispatch(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    let now = clock::now(accounts.clock)?;
    // SAFETY: config, shard and queue are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { accounts::read_unborrowed(accounts.config, program_id) }?;
    // SAFETY: as above.
    let shard: &Shard = unsafe { accounts::read_unborrowed(accounts.shard, program_id) }?;
    // SAFETY: as above.
    let mut queue = unsafe { load_queue(accounts.queue, program_id) }?;
    if !keys_equal(&queue.header.shard, accounts.shard.address().as_array()) {
        return Err(SchedulerError::WrongShard.into());
    }
    check_running(config, shard, now)?;
    let siblings = Siblings::load(accounts.instructions).ok_or(SchedulerError::WrongInstructionsSysvar)?;
    if !siblings.current_is(program_id) {
        return Err(fault::<Scheduler>(Fault::NotTopLevel));
    }
    if queue.header.header.state & queue_flags::LEASED != 0 {
        return Err(SchedulerError::LeaseRequired.into());
    }
    let handle = Handle { slot: data.slot, generation: data.generation };
    let entry = queue.ready_entry(handle, now)?;
    if !queue.is_among_first(handle.slot, queue.header.eligible_window) {
        return Err(SchedulerError::NotEligible.into());
    }
    let next = siblings.next().ok_or(SchedulerError::WrongSibling)?;
    check_sibling(&next, queue.header, entry)?;
    queue.finish_ready(handle.slot, now)?;
    Ok(())
}

#[inline(always)]
fn check_running(config: &SchedulerConfig, shard: &Shard, now: i64) -> ProgramResult {
    if config.lifecycle.is_paused(|| Ok(now))? {
        return Err(fault::<Scheduler>(Fault::Paused));
    }
    if shard.header.state != 0 {
        return Err(SchedulerError::ShardPaused.into());
    }
    Ok(())
}

/// The next instruction has to be the trusted processor's `Verify` or `Execute`, for the capability, the version and the
/// arguments that were queued, to the byte. Their data begins alike: discriminator, version, flags, arguments.
#[inline(always)]
fn check_sibling(next: &IntrospectedInstruction, queue: &Queue, entry: &Entry) -> ProgramResult {
    const { assert!(verify::Data::BYTES == execute::Data::BYTES) };
    const { assert!(core::mem::offset_of!(verify::Data, capability_version) == 0) };
    const { assert!(core::mem::offset_of!(execute::Data, capability_version) == 0) };
    const { assert!(verify::Position::capability as usize == 0) };
    const { assert!(execute::Position::capability as usize == 0) };

    let wrong = SchedulerError::WrongSibling;
    let (head, arguments) = next.get_instruction_data().split_at_checked(1 + verify::Data::BYTES).ok_or(wrong)?;
    let is_run = head[0] == verify::DISCRIMINATOR || head[0] == execute::DISCRIMINATOR;
    if !is_run || !keys_equal(next.get_program_id().as_array(), &queue.processor_program) {
        return Err(wrong.into());
    }
    let capability: &Key = next.get_instruction_account_at(0).map_err(|_| wrong)?.key.as_array();
    if !keys_equal(capability, &entry.capability) {
        return Err(SchedulerError::WrongCapability.into());
    }
    if head[1..5] != entry.capability_version.to_le_bytes() {
        return Err(SchedulerError::CapabilityChanged.into());
    }
    let expected = entry
        .arguments
        .get(..usize::from(entry.arguments_bytes))
        .ok_or(ProgramError::from(SchedulerError::CorruptQueue))?;
    if arguments != expected {
        return Err(SchedulerError::WrongArguments.into());
    }
    Ok(())
}
