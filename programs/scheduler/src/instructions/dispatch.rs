use crate::load;
use crate::run::{self, Run};
use cores::queue::{Handle, QueueMut, Refusal};
use cores::refuse;
use pinocchio::AccountView;
use pinocchio::error::ProgramError;
use program_common::Call;
use program_common::siblings::{Sibling, Siblings};
use shared_layouts::account::keys_equal;
use shared_layouts::processor::{execute, verify};
use shared_layouts::scheduler::dispatch::{Accounts, Data};
use shared_layouts::scheduler::{Entry, Queue, SchedulerConfig, queue_flags};

#[inline(always)]
pub(crate) fn dispatch(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    let run = Run { slot: data.slot, generation: data.generation, program_id };
    let now = load::now(accounts.clock)?;
    // SAFETY: config and queue are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read(accounts.config, program_id) }?;
    // SAFETY: as above.
    let mut queue = unsafe { load::unmetered_queue(accounts.queue, program_id) }?;
    load::check_running(config, load::shard_of(accounts.shard, queue.header, program_id)?, now)?;
    let siblings = run.siblings(accounts.instructions)?;
    check_entry(&queue, &run, accounts.worker, &siblings, now)?;
    let finished = queue.finish(run.slot, now)?;
    if finished.tip_lamports != 0 {
        // Copies: what is lent would be written to memory by a run without a tip as well.
        run::pay(accounts.queue.clone(), accounts.worker.clone(), &{ finished }, &{ run })?;
    }
    Ok(())
}

/// Compares the entry with the instruction that follows.
#[inline(always)]
fn check_entry(
    queue: &QueueMut,
    run: &Run,
    worker: &AccountView,
    siblings: &Siblings,
    now: i64,
) -> Result<(), Refusal> {
    let entry = run.entry(queue, worker, now)?;
    let next = siblings.following().ok_or_else(|| refuse!(WrongSibling))?;
    check_sibling(&next, queue.header, entry)
}

/// The same from a queue that is bound to an order, which follows the fixed accounts.
pub(crate) fn dispatch_ordered(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (order, fixed) = call.accounts.split_last_mut().ok_or(ProgramError::NotEnoughAccountKeys)?;
    let (accounts, _) = Accounts::parse(fixed)?;
    let run = Run { slot: data.slot, generation: data.generation, program_id };
    let now = load::now(accounts.clock)?;
    // SAFETY: config, queue and order are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read(accounts.config, program_id) }?;
    let finished = {
        // SAFETY: as above.
        let mut queue = unsafe { load::bound_queue::<{ queue_flags::METERED }>(accounts.queue, order, program_id) }?;
        load::check_running(config, load::shard_of(accounts.shard, queue.header, program_id)?, now)?;
        let siblings = run.siblings(accounts.instructions)?;
        let handle = Handle { slot: run.slot, generation: run.generation };
        let entry = queue.dispatchable(handle, accounts.worker.address().as_array(), now)?;
        run::check_payable(entry, accounts.worker)?;
        let next = siblings.following().ok_or_else(|| refuse!(WrongSibling))?;
        check_sibling(&next, queue.header, entry)?;
        queue.finish(handle, now)?
    };
    if finished.tip_lamports != 0 {
        run::pay(accounts.queue.clone(), accounts.worker.clone(), &finished, &run)?;
    }
    Ok(())
}

/// [`dispatch`] from a queue that may have a quota: the same by functions that others share.
#[inline(never)]
pub(crate) fn dispatch_cold(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let run = Run { slot: data.slot, generation: data.generation, program_id };
    let now = load::now_outlined(accounts.clock)?;
    // SAFETY: config and queue are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read_cold(accounts.config, program_id) }?;
    // SAFETY: as above.
    let mut queue = unsafe { load::queue_outlined(accounts.queue, program_id) }?;
    load::check_running(config, load::shard_of_outlined(accounts.shard, queue.header, program_id)?, now)?;
    let siblings = run.siblings(accounts.instructions)?;
    check_entry(&queue, &run, accounts.worker, &siblings, now)?;
    let finished = queue.finish(run.slot, now)?;
    if finished.tip_lamports != 0 {
        run::pay(accounts.queue.clone(), accounts.worker.clone(), &finished, &run)?;
    }
    Ok(())
}

/// A dispatch whose accounts are too few, too many, or passed twice. No two of them can be the same: the worker signs, which
/// neither a sysvar nor an account of this program can do here.
#[inline(never)]
pub(crate) fn dispatch_repeated(call: Call) -> Result<(), Refusal> {
    Data::parse(call.data)?;
    Accounts::parse_cold_or_deny(call.accounts)?;
    Err(ProgramError::InvalidArgument.into())
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
    let capability = next.accounts.first().ok_or_else(|| refuse!(WrongSibling))?;
    if !keys_equal(&capability.key, &entry.capability) {
        return Err(refuse!(WrongCapability));
    }
    if bytemuck::pod_read_unaligned::<u32>(&head[1..5]) != entry.capability_version {
        return Err(refuse!(CapabilityChanged));
    }
    run::check_arguments(entry, arguments)
}
