use crate::entrypoint::apart;
use crate::load;
use cores::queue::{NewEntry, Refusal, is_plain};
use pinocchio::error::ProgramError;
use program_common::Call;
use shared_layouts::scheduler::enqueue::{Accounts, Data};

/// Whether it is an entry that [`enqueue`] takes; the others are for [`enqueue_any`], which also says what is wrong with the data.
#[inline(always)]
pub(crate) fn is_plain_enqueue(data: &[u8]) -> bool {
    Data::parse(data).is_ok_and(|(request, _)| is_plain(request))
}

/// Queues an entry that runs once, at once, without a tip, with its arguments inline.
#[inline(always)]
pub(crate) fn enqueue(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (request, arguments) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    // SAFETY: no other account of this program is loaded here.
    let mut queue = unsafe { load::plain_queue(accounts.queue, program_id) }?;
    let capability = load::capability(accounts.capability, queue.header)?;
    let capability_key = accounts.capability.address().as_array();
    let new = NewEntry { request, capability_key, capability, arguments, purse_lamports: 0 };
    queue.enqueue_plain(accounts.producer.address().as_array(), &new, load::now(accounts.clock)?)?;
    Ok(())
}

/// The same for entries that are delayed, recur, carry a tip or are committed to their arguments, and where an account is
/// passed twice: a capability's address may itself be the producer.
pub(crate) fn enqueue_any(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (request, arguments) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let purse_lamports = load::purse_lamports(accounts.queue, request.tip_lamports)?;
    // SAFETY: no other account of this program is loaded here.
    let mut queue = unsafe { load::queue_outlined(accounts.queue, program_id) }?;
    let capability = load::capability_outlined(accounts.capability, queue.header)?;
    let capability_key = accounts.capability.address().as_array();
    let new = NewEntry { request, capability_key, capability, arguments, purse_lamports };
    queue.enqueue_any(Some(accounts.producer.address().as_array()), &new, load::now_outlined(accounts.clock)?)?;
    Ok(())
}

/// The same into a queue that is bound to an order, which follows the fixed accounts.
pub(crate) fn enqueue_ordered(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (request, arguments) = Data::parse(call.data)?;
    if !is_plain(request) {
        return apart(enqueue_ordered_any, program_id, call.accounts, call.data);
    }
    let (order, fixed) = call.accounts.split_last_mut().ok_or(ProgramError::NotEnoughAccountKeys)?;
    let (accounts, _) = Accounts::parse(fixed)?;
    // SAFETY: queue and order are different kinds of account, and no other one of this program is loaded here.
    let mut queue = unsafe { load::bound_queue::<0>(accounts.queue, order, program_id) }?;
    let capability = load::capability(accounts.capability, queue.header)?;
    let capability_key = accounts.capability.address().as_array();
    let new = NewEntry { request, capability_key, capability, arguments, purse_lamports: 0 };
    queue.enqueue_plain(accounts.producer.address().as_array(), &new, load::now(accounts.clock)?)?;
    Ok(())
}

/// [`enqueue_any`] into a queue that is bound to an order.
pub(crate) fn enqueue_ordered_any(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (request, arguments) = Data::parse(call.data)?;
    let (order, fixed) = call.accounts.split_last_mut().ok_or(ProgramError::NotEnoughAccountKeys)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(fixed)?;
    let purse_lamports = load::purse_lamports(accounts.queue, request.tip_lamports)?;
    // SAFETY: queue and order are different kinds of account, and no other one of this program is loaded here.
    let mut queue = unsafe { load::ordered_queue(accounts.queue, order, program_id) }?;
    let capability = load::capability_outlined(accounts.capability, queue.header)?;
    let capability_key = accounts.capability.address().as_array();
    let new = NewEntry { request, capability_key, capability, arguments, purse_lamports };
    queue.enqueue_any(Some(accounts.producer.address().as_array()), &new, load::now_outlined(accounts.clock)?)?;
    Ok(())
}
