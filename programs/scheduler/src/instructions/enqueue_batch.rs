use crate::load;
use cores::queue::{Handle, NewEntry, Refusal};
use cores::refuse;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::Call;
use program_common::accounts::is_owned_by;
use shared_layouts::account::Key;
use shared_layouts::scheduler::enqueue_batch::{Accounts, Data};
use shared_layouts::scheduler::{BatchItem, ORDERED_QUEUE, Queue, enqueue};

/// Bytes of an item before its arguments.
const ITEM_BYTES: usize = BatchItem::BYTES + enqueue::Data::BYTES;
/// Capabilities that a `u32` has bits for; the entrypoint takes fewer accounts.
const MAX_CAPABILITIES: usize = 31;

pub(crate) fn enqueue_batch(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (Data {}, items) = Data::parse(call.data)?;
    let (accounts, more) = Accounts::parse_cold_or_deny(call.accounts)?;
    let now = load::now_outlined(accounts.clock)?;
    if items.is_empty() {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    // SAFETY: nobody holds the account; one byte is compared.
    let is_ordered = unsafe { accounts.queue.borrow_unchecked() }.first() == Some(&ORDERED_QUEUE);
    let (order, capabilities) =
        more.split_at_mut_checked(usize::from(is_ordered)).ok_or_else(|| refuse!(OrderMissing))?;
    if order.first().is_some_and(|order| !is_owned_by(order, program_id)) {
        return Err(refuse!(OrderMissing));
    }
    let batch = Batch { program_id, producer: accounts.producer.address().as_array(), items, capabilities };
    let purse_lamports = batch.check(accounts.queue)?;
    match order.first_mut() {
        None => {
            // SAFETY: no other account of this program is loaded here: those of the capabilities have another owner, as was checked.
            let mut queue = unsafe { load::queue_outlined(accounts.queue, program_id) }?;
            batch.for_each(|item, capability| {
                let new = new_entry(queue.header, item, capability, purse_lamports)?;
                queue.enqueue_any(Some(batch.producer), &new, now)
            })
        }
        Some(order) => {
            // SAFETY: as above; an order is another kind of account.
            let mut queue = unsafe { load::ordered_queue(accounts.queue, order, program_id) }?;
            batch.for_each(|item, capability| {
                let new = new_entry(queue.header, item, capability, purse_lamports)?;
                queue.enqueue_any(Some(batch.producer), &new, now)
            })
        }
    }
}

/// One item of the batch.
struct Item<'a> {
    request: &'a enqueue::Data,
    arguments: &'a [u8],
    capability: usize,
}

#[inline(never)]
fn split_item(items: &[u8]) -> Result<(Item<'_>, &[u8]), Refusal> {
    let invalid = || Refusal::from(ProgramError::InvalidInstructionData);
    let (head, rest) = items.split_at_checked(ITEM_BYTES).ok_or_else(invalid)?;
    let (item, request) = head.split_at(BatchItem::BYTES);
    let item: BatchItem = bytemuck::pod_read_unaligned(item);
    let (arguments, rest) = rest.split_at_checked(usize::from(item.arguments_bytes)).ok_or_else(invalid)?;
    if item.reserved != 0 {
        return Err(invalid());
    }
    let request = bytemuck::try_from_bytes(request).map_err(|_| invalid())?;
    Ok((Item { request, arguments, capability: usize::from(item.capability) }, rest))
}

/// What the items have in common.
struct Batch<'a> {
    program_id: &'a Address,
    producer: &'a Key,
    items: &'a [u8],
    capabilities: &'a [AccountView],
}

impl Batch<'_> {
    /// Checks what does not depend on what the items before have changed: that the data is whole items, and that they name
    /// every account, each a capability of the queue's shard. Otherwise the first items would be queued before the last are
    /// looked at. Returns the lamports of the queue above its rent, if an item has a tip.
    #[inline(never)]
    fn check(&self, queue: &mut AccountView) -> Result<u64, Refusal> {
        let Self { mut items, capabilities, .. } = *self;
        let mut tips = 0;
        let mut unnamed = (1_u32 << capabilities.len().min(MAX_CAPABILITIES)) - 1;
        while !items.is_empty() {
            let (item, rest) = split_item(items)?;
            items = rest;
            if item.capability >= capabilities.len() {
                return Err(ProgramError::NotEnoughAccountKeys.into());
            }
            unnamed &= !(1 << item.capability.min(MAX_CAPABILITIES));
            tips |= item.request.tip_lamports;
        }
        if unnamed != 0 {
            return Err(ProgramError::InvalidArgument.into());
        }
        let purse_lamports = load::purse_lamports(queue, tips)?;
        // SAFETY: no other account of this program is loaded here.
        let queue = unsafe { load::any_queue(queue, self.program_id) }?;
        for account in capabilities {
            load::capability_outlined(account, queue.header)?;
        }
        Ok(purse_lamports)
    }

    /// Enqueues each item with the account of its capability.
    #[inline(always)]
    fn for_each(&self, mut enqueue: impl FnMut(&Item, &AccountView) -> Result<Handle, Refusal>) -> Result<(), Refusal> {
        let mut items = self.items;
        while !items.is_empty() {
            let (item, rest) = split_item(items)?;
            items = rest;
            let capability = self.capabilities.get(item.capability).ok_or(ProgramError::NotEnoughAccountKeys)?;
            enqueue(&item, capability)?;
        }
        Ok(())
    }
}

/// What an item asks for.
#[inline(always)]
fn new_entry<'a>(
    queue: &Queue,
    item: &Item<'a>,
    capability: &'a AccountView,
    purse_lamports: u64,
) -> Result<NewEntry<'a>, Refusal> {
    Ok(NewEntry {
        request: item.request,
        capability_key: capability.address().as_array(),
        capability: load::capability(capability, queue)?,
        arguments: item.arguments,
        purse_lamports,
    })
}
