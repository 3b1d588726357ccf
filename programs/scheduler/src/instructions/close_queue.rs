use crate::close::close;
use crate::load;
use cores::queue::Refusal;
use cores::refuse;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::Call;
use shared_layouts::scheduler::close_queue::{Accounts, Data};
use shared_layouts::scheduler::{Shard, queue_flags};

pub(crate) fn close_queue(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (fixed, order) = load::split_order(call.accounts, Accounts::<()>::COUNT);
    let (accounts, _) = Accounts::parse_cold_or_deny(fixed)?;
    let (is_ordered, quota_permille) = {
        // SAFETY: shard and queue are different kinds of account, so none is held twice.
        let queue = unsafe { load::any_owned_queue(accounts.shard, accounts.owner, accounts.queue, program_id) }?;
        if !queue.is_empty() {
            return Err(refuse!(QueueNotEmpty));
        }
        (queue.header.header.state & queue_flags::ORDERED != 0, queue.header.quota_permille)
    };
    // Nothing is written before `close` can no longer refuse.
    if accounts.queue.address() == accounts.recipient.address() {
        return Err(ProgramError::InvalidArgument.into());
    }
    match order {
        // SAFETY: as above; an order is a third kind of account.
        Some(order) => unsafe { leave(accounts.queue, order, accounts.shard, program_id) }?,
        None if is_ordered => return Err(refuse!(OrderMissing)),
        None => {}
    }
    close(accounts.queue, accounts.recipient)?;
    // SAFETY: the shard is held nowhere else.
    let shard: &mut Shard = unsafe { load::write_cold(accounts.shard, program_id) }?;
    shard.queues_active = shard.queues_active.saturating_sub(1);
    shard.quota_permille = shard.quota_permille.saturating_sub(quota_permille);
    Ok(())
}

/// Takes a queue off those of its shard in the order.
///
/// # Safety
/// Nobody may hold the data of queue and order.
#[inline(never)]
unsafe fn leave(
    queue: &mut AccountView,
    order: &mut AccountView,
    shard: &AccountView,
    program: &Address,
) -> Result<(), Refusal> {
    // SAFETY: the caller's contract.
    let queue = unsafe { load::ordered_queue(queue, order, program) }?;
    let place = load::place_in_order(queue.order, shard)?;
    place.queues = place.queues.checked_sub(1).ok_or_else(|| refuse!(CorruptOrder))?;
    Ok(())
}
