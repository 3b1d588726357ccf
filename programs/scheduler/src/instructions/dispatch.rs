use crate::load;
use crate::siblings::{Sibling, Siblings};
use cores::queue::{Handle, Refusal};
use cores::refuse;
use program_common::{Call, clock};
use shared_layouts::account::keys_equal;
use shared_layouts::processor::{execute, verify};
use shared_layouts::scheduler::dispatch::{Accounts, Data};
use shared_layouts::scheduler::{Entry, Queue, SchedulerConfig, Shard, queue_flags};

#[inline(always)]
pub(crate) fn dispatch(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    let now = clock::now(accounts.clock)?;
    // SAFETY: config and queue are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read(accounts.config, program_id) }?;
    // SAFETY: as above.
    let mut queue = unsafe { load::queue(accounts.queue, program_id) }?;
    let shard = load::shard_of(accounts.shard, queue.header, program_id)?;
    check_running(config, shard, now)?;
    let siblings = Siblings::load(accounts.instructions).ok_or_else(|| refuse!(WrongInstructionsSysvar))?;
    if !keys_equal(siblings.current().program, program_id.as_array()) {
        return Err(refuse!(fault: NotTopLevel));
    }
    if queue.header.header.state & queue_flags::LEASED != 0 {
        return Err(refuse!(LeaseRequired));
    }
    let handle = Handle { slot: data.slot, generation: data.generation };
    let entry = queue.ready_entry(handle, now)?;
    if !queue.is_among_first(handle.slot, queue.header.eligible_window) {
        return Err(refuse!(NotEligible));
    }
    let next = siblings.next().ok_or_else(|| refuse!(WrongSibling))?;
    check_sibling(&next, queue.header, entry)?;
    queue.finish_ready(handle.slot, now)
}

#[inline(always)]
fn check_running(config: &SchedulerConfig, shard: &Shard, now: i64) -> Result<(), Refusal> {
    if config.lifecycle.is_paused(|| Ok(now))? {
        return Err(refuse!(fault: Paused));
    }
    if shard.header.state != 0 {
        return Err(refuse!(ShardPaused));
    }
    Ok(())
}

/// The next instruction has to be the trusted processor's `Verify` or `Execute`, for the capability, the version and the
/// arguments that were queued, to the byte. Their data begins alike: discriminator, version, flags, arguments.
#[inline(always)]
fn check_sibling(next: &Sibling, queue: &Queue, entry: &Entry) -> Result<(), Refusal> {
    const { assert!(verify::Data::BYTES == execute::Data::BYTES) };
    const { assert!(core::mem::offset_of!(verify::Data, capability_version) == 0) };
    const { assert!(core::mem::offset_of!(execute::Data, capability_version) == 0) };
    const { assert!(verify::Position::capability as usize == 0) };
    const { assert!(execute::Position::capability as usize == 0) };

    let split = next.data.split_at_checked(1 + verify::Data::BYTES);
    let (head, arguments) = split.ok_or_else(|| refuse!(WrongSibling))?;
    let is_run = head[0] == verify::DISCRIMINATOR || head[0] == execute::DISCRIMINATOR;
    if !is_run || !keys_equal(next.program, &queue.processor_program) {
        return Err(refuse!(WrongSibling));
    }
    let capability = next.account_key(0).ok_or_else(|| refuse!(WrongSibling))?;
    if !keys_equal(capability, &entry.capability) {
        return Err(refuse!(WrongCapability));
    }
    if bytemuck::pod_read_unaligned::<u32>(&head[1..5]) != entry.capability_version {
        return Err(refuse!(CapabilityChanged));
    }
    let expected = entry.arguments.get(..usize::from(entry.arguments_bytes)).ok_or_else(|| refuse!(CorruptQueue))?;
    if arguments != expected {
        return Err(refuse!(WrongArguments));
    }
    Ok(())
}
