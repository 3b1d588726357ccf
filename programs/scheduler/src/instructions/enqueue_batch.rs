use crate::load;
use cores::queue::{NewEntry, Refusal};
use cores::refuse;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::Call;
use shared_layouts::account::Key;
use shared_layouts::scheduler::enqueue_batch::{Accounts, Data};
use shared_layouts::scheduler::{BatchItem, ORDERED_QUEUE, Queue, enqueue};

/// Bytes of an item before its arguments.
const ITEM_BYTES: usize = BatchItem::BYTES + enqueue::Data::BYTES;
/// Capabilities that a `u32` has bits for; the entrypoint takes fewer accounts.
const MAX_CAPABILITIES: usize = 31;

pub(crate) fn enqueue_batch(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (Data {}, mut items) = Data::parse(call.data)?;
    let (accounts, more) = Accounts::parse_cold_or_deny(call.accounts)?;
    let now = load::now_outlined(accounts.clock)?;
    if items.is_empty() {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    // SAFETY: nobody holds the account; one byte is compared.
    let is_ordered = unsafe { accounts.queue.borrow_unchecked() }.first() == Some(&ORDERED_QUEUE);
    let (order, capabilities) =
        more.split_at_mut_checked(usize::from(is_ordered)).ok_or_else(|| refuse!(OrderMissing))?;
    let batch = Batch { program_id, producer: accounts.producer.address().as_array(), items, capabilities, now };
    batch.check(accounts.queue)?;
    let mut order = order.first_mut();
    while !items.is_empty() {
        let (item, rest) = split_item(items)?;
        items = rest;
        let account = capabilities.get(item.capability).ok_or(ProgramError::NotEnoughAccountKeys)?;
        match &mut order {
            None => batch.enqueue(accounts.queue, &item, account)?,
            Some(order) => batch.enqueue_ordered(accounts.queue, order, &Ordered { item, account })?,
        }
    }
    Ok(())
}

/// One item of the batch.
struct Item<'a> {
    request: &'a enqueue::Data,
    arguments: &'a [u8],
    capability: usize,
}

#[inline(never)]
fn split_item(items: &[u8]) -> Result<(Item<'_>, &[u8]), Refusal> {
    let invalid = ProgramError::InvalidInstructionData;
    let (head, rest) = items.split_at_checked(ITEM_BYTES).ok_or(invalid.clone())?;
    let (item, request) = head.split_at(BatchItem::BYTES);
    let item: BatchItem = bytemuck::pod_read_unaligned(item);
    let (arguments, rest) = rest.split_at_checked(usize::from(item.arguments_bytes)).ok_or(invalid.clone())?;
    if item.reserved != 0 {
        return Err(invalid.into());
    }
    let request = bytemuck::try_from_bytes(request).map_err(|_| invalid)?;
    Ok((Item { request, arguments, capability: usize::from(item.capability) }, rest))
}

/// An item with its capability.
struct Ordered<'a> {
    item: Item<'a>,
    account: &'a AccountView,
}

/// What the items have in common.
struct Batch<'a> {
    program_id: &'a Address,
    producer: &'a Key,
    items: &'a [u8],
    capabilities: &'a [AccountView],
    now: i64,
}

impl Batch<'_> {
    /// Checks what does not depend on what the items before have changed: that the data is whole items, and that they name
    /// every account, each a capability of the queue's shard. Otherwise the first items would be queued before the last are
    /// looked at.
    #[inline(never)]
    fn check(&self, queue: &mut AccountView) -> Result<(), Refusal> {
        let Self { mut items, capabilities, .. } = *self;
        let mut unnamed = (1_u32 << capabilities.len().min(MAX_CAPABILITIES)) - 1;
        while !items.is_empty() {
            let (item, rest) = split_item(items)?;
            items = rest;
            if item.capability >= capabilities.len() {
                return Err(ProgramError::NotEnoughAccountKeys.into());
            }
            unnamed &= !(1 << item.capability.min(MAX_CAPABILITIES));
        }
        if unnamed != 0 {
            return Err(ProgramError::InvalidArgument.into());
        }
        // SAFETY: no other account of this program is loaded here.
        let queue = unsafe { load::any_queue(queue, self.program_id) }?;
        for account in capabilities {
            load::capability(account, queue.header)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn enqueue(&self, queue: &mut AccountView, item: &Item, capability: &AccountView) -> Result<(), Refusal> {
        let purse_lamports = load::purse_lamports(queue, item.request.tip_lamports)?;
        // SAFETY: no other account of this program is loaded here; a queue passed as capability has the wrong owner.
        let mut queue = unsafe { load::queue_outlined(queue, self.program_id) }?;
        let new = new_entry(queue.header, item, capability, purse_lamports)?;
        queue.enqueue_any(Some(self.producer), &new, self.now)?;
        Ok(())
    }

    #[inline(never)]
    fn enqueue_ordered(&self, queue: &mut AccountView, order: &mut AccountView, what: &Ordered) -> Result<(), Refusal> {
        let purse_lamports = load::purse_lamports(queue, what.item.request.tip_lamports)?;
        // SAFETY: as in `enqueue`; an order is another kind of account.
        let mut queue = unsafe { load::ordered_queue_outlined(queue, order, self.program_id) }?;
        let new = new_entry(queue.header, &what.item, what.account, purse_lamports)?;
        queue.enqueue(Some(self.producer), &new, self.now)?;
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
