//! Instructions on the entries of a queue that is bound to an order.
//!
//! They have the order behind their accounts. For most of them the handler is that of every queue: it is called with the
//! queue lent to it, and afterwards the order is told what became of the entry.

use crate::entrypoint::apart;
use crate::{instructions, load};
use cores::queue::{Handle, OrderedMut, Refusal};
use cores::refuse;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::Call;
use shared_layouts::scheduler::{self as wire, EntryHandle, NO_SLOT, ORDERED_QUEUE};

/// Place of the queue among the accounts of every instruction here.
const QUEUE: usize = 2;
const _: () = assert!(wire::hold::Position::queue as usize == QUEUE && wire::cancel::Position::queue as usize == QUEUE);
const _: () = assert!(wire::fail::Position::queue as usize == QUEUE && wire::reap::Position::queue as usize == QUEUE);
const _: () = assert!(wire::dispatch_direct::Position::queue as usize == QUEUE);

/// Most bytes of data of the instructions that are called once for each entry.
const ITEM_BYTES: usize = 1 + wire::redrive::Data::BYTES;

/// Runs the instruction if it is one of an ordered queue: `None` if it is not, or has not exactly one account more than its
/// plain form.
pub(crate) fn process(call: &mut Call) -> Option<Result<(), Refusal>> {
    let discriminator = *call.data.first()?;
    let (fixed, order) = load::split_order(call.accounts, fixed_accounts(discriminator)?);
    let order = order?;
    let program_id = call.program_id;
    let call = Call { program_id, accounts: fixed, data: call.data };
    Some(match discriminator {
        wire::reap::DISCRIMINATOR => reap(call, order),
        wire::redrive::DISCRIMINATOR | wire::purge::DISCRIMINATOR => each_dead(call, order),
        _ => on_entry(call, order),
    })
}

/// Says so if what was refused is the plain form of an instruction for a queue that is bound to an order.
#[cold]
#[inline(never)]
pub(crate) fn explained(refusal: Refusal, accounts: &[AccountView], program: &Address) -> Refusal {
    let is_ordered = |account: &AccountView| {
        // SAFETY: the handler has returned, so nobody holds the account; one byte is copied.
        let bytes = unsafe { account.borrow_unchecked() };
        account.owned_by(program) && bytes.first() == Some(&ORDERED_QUEUE)
    };
    let is_kind = refusal == Refusal::from(ProgramError::InvalidAccountData);
    if is_kind && accounts.iter().any(is_ordered) { refuse!(OrderMissing) } else { refusal }
}

/// A claim that has not the accounts of the plain form, or one of them twice.
#[inline(always)]
pub(crate) fn claim(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> Result<(), Refusal> {
    if accounts.len() == wire::claim::SPEC.accounts.len() + 1 {
        apart(instructions::claim_ordered, program_id, accounts, data)
    } else {
        apart(instructions::claim, program_id, accounts, data)
    }
}

/// An enqueue that has not the accounts of the plain form, or one of them twice.
#[inline(always)]
pub(crate) fn enqueue(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> Result<(), Refusal> {
    if accounts.len() == wire::enqueue::SPEC.accounts.len() + 1 {
        apart(instructions::enqueue_ordered_any, program_id, accounts, data)
    } else {
        apart(instructions::enqueue_any, program_id, accounts, data)
    }
}

/// A dispatch that has not the accounts of the plain form, or one of them twice.
#[inline(always)]
pub(crate) fn dispatch(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> Result<(), Refusal> {
    if accounts.len() == wire::dispatch::SPEC.accounts.len() + 1 {
        apart(instructions::dispatch_ordered, program_id, accounts, data)
    } else {
        instructions::dispatch_repeated(Call { program_id, accounts, data })
    }
}

/// Accounts of the plain form of an instruction on entries.
fn fixed_accounts(discriminator: u8) -> Option<usize> {
    Some(match discriminator {
        wire::dispatch_direct::DISCRIMINATOR => wire::dispatch_direct::SPEC.accounts.len(),
        wire::fail::DISCRIMINATOR => wire::fail::SPEC.accounts.len(),
        wire::reap::DISCRIMINATOR => wire::reap::SPEC.accounts.len(),
        wire::reprioritize::DISCRIMINATOR => wire::reprioritize::SPEC.accounts.len(),
        wire::hold::DISCRIMINATOR => wire::hold::SPEC.accounts.len(),
        wire::release::DISCRIMINATOR => wire::release::SPEC.accounts.len(),
        wire::requeue::DISCRIMINATOR => wire::requeue::SPEC.accounts.len(),
        wire::cancel::DISCRIMINATOR => wire::cancel::SPEC.accounts.len(),
        wire::dead_letter::DISCRIMINATOR => wire::dead_letter::SPEC.accounts.len(),
        wire::redrive::DISCRIMINATOR => wire::redrive::SPEC.accounts.len(),
        wire::purge::DISCRIMINATOR => wire::purge::SPEC.accounts.len(),
        _ => return None,
    })
}

/// Loads the queue of an instruction with its order.
///
/// # Safety
/// Nobody may hold the data of the two accounts.
unsafe fn queue<'a>(
    accounts: &'a mut [AccountView],
    order: &'a mut AccountView,
    program: &Address,
) -> Result<OrderedMut<'a>, Refusal> {
    let queue = accounts.get_mut(QUEUE).ok_or(ProgramError::NotEnoughAccountKeys)?;
    // SAFETY: the caller's contract.
    unsafe { load::ordered_queue(queue, order, program) }
}

/// Runs an instruction on the entry that its data names.
#[inline(never)]
fn on_entry(call: Call, order: &mut AccountView) -> Result<(), Refusal> {
    /// Place of the clock in a direct dispatch, the only one of these whose entry must have its turn.
    const CLOCK: usize = wire::dispatch_direct::Position::clock as usize;
    let is_dispatch = call.data.first() == Some(&wire::dispatch_direct::DISCRIMINATOR);
    let is_failure = call.data.first() == Some(&wire::fail::DISCRIMINATOR);
    let slot_at = if is_failure { 1 + core::mem::offset_of!(wire::fail::Data, slot) } else { 5 };
    let handle = handle(call.data, slot_at)?;
    if is_dispatch {
        let now = now(call.accounts, CLOCK)?;
        // SAFETY: nothing is held yet.
        unsafe { queue(call.accounts, order, call.program_id) }?.check_turn(handle, now)?;
    }
    lent(call, order, handle)
}

/// Unix seconds, from the account at a place.
#[inline(never)]
fn now(accounts: &[AccountView], place: usize) -> Result<i64, Refusal> {
    load::now_outlined(accounts.get(place).ok_or(ProgramError::NotEnoughAccountKeys)?)
}

/// The handle in an instruction's data: the generation comes first.
fn handle(data: &[u8], slot_at: usize) -> Result<Handle, Refusal> {
    let short = || Refusal::from(ProgramError::InvalidInstructionData);
    let generation = data.get(1..5).ok_or_else(short)?;
    let slot = data.get(slot_at..slot_at.wrapping_add(2)).ok_or_else(short)?;
    Ok(Handle { generation: bytemuck::pod_read_unaligned(generation), slot: bytemuck::pod_read_unaligned(slot) })
}

/// Calls the handler of every queue.
#[inline(always)]
fn handle_entry(call: Call) -> Result<(), Refusal> {
    let Call { program_id, accounts, data } = call;
    let [discriminator, data @ ..] = data else {
        return Err(ProgramError::InvalidInstructionData.into());
    };
    match *discriminator {
        wire::dispatch_direct::DISCRIMINATOR => apart(instructions::dispatch_direct, program_id, accounts, data),
        wire::fail::DISCRIMINATOR => apart(instructions::fail, program_id, accounts, data),
        wire::reap::DISCRIMINATOR => apart(instructions::reap, program_id, accounts, data),
        wire::reprioritize::DISCRIMINATOR => apart(instructions::reprioritize, program_id, accounts, data),
        wire::hold::DISCRIMINATOR => apart(instructions::hold, program_id, accounts, data),
        wire::release::DISCRIMINATOR => apart(instructions::release, program_id, accounts, data),
        wire::requeue::DISCRIMINATOR => apart(instructions::requeue, program_id, accounts, data),
        wire::cancel::DISCRIMINATOR => apart(instructions::cancel, program_id, accounts, data),
        wire::dead_letter::DISCRIMINATOR => apart(instructions::dead_letter, program_id, accounts, data),
        wire::redrive::DISCRIMINATOR => apart(instructions::redrive, program_id, accounts, data),
        _ => apart(instructions::purge, program_id, accounts, data),
    }
}

/// Calls the handler of every queue with the queue lent to it.
#[inline(never)]
fn lent(call: Call, order: &mut AccountView, handle: Handle) -> Result<(), Refusal> {
    let Call { program_id, accounts, data } = call;
    // SAFETY: nothing is held yet, and the borrow ends with the statement.
    let lent = unsafe { queue(accounts, order, program_id) }?.lend(handle)?;
    let result = handle_entry(Call { program_id, accounts: &mut *accounts, data });
    // SAFETY: the handler has returned, and holds nothing.
    let mut queue = unsafe { queue(accounts, order, program_id) }?;
    if result.is_ok() {
        return queue.take_back(&lent);
    }
    queue.undo(&lent);
    result
}

/// Reaps each handle by itself, and what the order has made due.
#[inline(never)]
fn reap(call: Call, order: &mut AccountView) -> Result<(), Refusal> {
    const CLOCK: usize = wire::reap::Position::clock as usize;
    let Call { program_id, accounts, data } = call;
    let (handles, []) = data.get(1..).unwrap_or_default().as_chunks::<{ EntryHandle::BYTES }>() else {
        return Err(ProgramError::InvalidInstructionData.into());
    };
    let nothing = refuse!(NothingToReap);
    let mut reaped = false;
    let mut item = [wire::reap::DISCRIMINATOR; 1 + EntryHandle::BYTES];
    for bytes in handles {
        item[1..].copy_from_slice(bytes);
        let handle = handle(&item, 5)?;
        // The handler also checks every account.
        match lent(Call { program_id, accounts: &mut *accounts, data: &item }, order, handle) {
            Ok(()) => reaped = true,
            Err(refusal) if refusal == nothing => {
                let now = now(accounts, CLOCK)?;
                // SAFETY: nothing is held.
                reaped |= unsafe { queue(accounts, order, program_id) }?.reap(handle, now)?;
            }
            Err(refusal) => return Err(refusal),
        }
    }
    if reaped { Ok(()) } else { Err(nothing) }
}

/// Runs `Redrive` or `Purge` of one entry, or of so many of the oldest dead letters, one by one.
#[inline(never)]
fn each_dead(call: Call, order: &mut AccountView) -> Result<(), Refusal> {
    let Call { program_id, accounts, data } = call;
    let mut item: [u8; ITEM_BYTES] = data.try_into().map_err(|_| ProgramError::InvalidInstructionData)?;
    let count = u16::from_le_bytes([item[ITEM_BYTES - 2], item[ITEM_BYTES - 1]]);
    if count == 0 {
        return on_entry(Call { program_id, accounts, data }, order);
    }
    // SAFETY: nothing is held yet.
    let dead_count = unsafe { queue(accounts, order, program_id) }?.header.dead_count;
    if dead_count == 0 {
        // There is nothing to do, which the handler finds out after its checks.
        return lent(Call { program_id, accounts, data }, order, Handle { slot: NO_SLOT, generation: 0 });
    }
    item[ITEM_BYTES - 2..].fill(0);
    for _ in 0..count.min(dead_count) {
        let oldest = {
            // SAFETY: nothing is held.
            let queue = unsafe { queue(accounts, order, program_id) }?;
            let slot = queue.header.dead.head;
            let entry = queue.entries.get(usize::from(slot)).ok_or_else(|| refuse!(CorruptQueue))?;
            Handle { slot, generation: entry.generation }
        };
        item[1..5].copy_from_slice(&oldest.generation.to_le_bytes());
        item[5..7].copy_from_slice(&oldest.slot.to_le_bytes());
        lent(Call { program_id, accounts: &mut *accounts, data: &item }, order, oldest)?;
    }
    Ok(())
}
