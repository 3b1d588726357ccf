use crate::load;
use cores::queue::{NewEntry, Refusal};
use cores::refuse;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::Call;
use shared_layouts::account::Key;
use shared_layouts::scheduler::enqueue_batch::{Accounts, Data};
use shared_layouts::scheduler::{BatchItem, enqueue, queue_flags};

/// Bytes of an item before its arguments.
const ITEM_BYTES: usize = BatchItem::BYTES + enqueue::Data::BYTES;
/// Capabilities that a `u32` has bits for; the entrypoint takes fewer accounts.
const MAX_CAPABILITIES: usize = 31;

#[inline(never)]
pub(crate) fn enqueue_batch(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (Data {}, mut items) = Data::parse(call.data)?;
    let (accounts, more) = Accounts::parse_cold_or_deny(call.accounts)?;
    let now = load::now_outlined(accounts.clock)?;
    if items.is_empty() {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    // SAFETY: no other account of this program is loaded here.
    let flags = unsafe { load::any_queue(accounts.queue, program_id) }?.header.header.state;
    let orders = usize::from(flags & queue_flags::ORDERED != 0);
    let (order, capabilities) = more.split_at_mut_checked(orders).ok_or_else(|| refuse!(OrderMissing))?;
    let batch = Batch { program_id, producer: accounts.producer.address().as_array(), items, capabilities, now };
    let mut target = Target { queue: accounts.queue, order: order.first_mut() };
    batch.check(&mut target)?;
    while !items.is_empty() {
        let (item, rest) = split_item(items)?;
        items = rest;
        let account = capabilities.get(item.capability).ok_or(ProgramError::NotEnoughAccountKeys)?;
        batch.enqueue(&mut target, &item, account)?;
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

/// Where the entries go.
struct Target<'a> {
    queue: &'a mut AccountView,
    /// The order that the queue is bound to.
    order: Option<&'a mut AccountView>,
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
    fn check(&self, target: &mut Target) -> Result<(), Refusal> {
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
        let queue = unsafe { load::any_queue(target.queue, self.program_id) }?;
        for account in capabilities {
            load::capability(account, queue.header)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn enqueue(&self, target: &mut Target, item: &Item, capability: &AccountView) -> Result<(), Refusal> {
        let purse_lamports = load::purse_lamports(target.queue, item.request.tip_lamports)?;
        // SAFETY: no other account of this program is loaded here; a queue passed as capability has the wrong owner.
        let mut queue = unsafe { load::any_queue(target.queue, self.program_id) }?;
        let new = NewEntry {
            request: item.request,
            capability_key: capability.address().as_array(),
            capability: load::capability(capability, queue.header)?,
            arguments: item.arguments,
            purse_lamports,
        };
        match &mut target.order {
            None => queue.enqueue_any(Some(self.producer), &new, self.now)?,
            // SAFETY: the queue is not used any more under its former name; an order is another kind of account.
            Some(order) => unsafe { load::ordered_queue(target.queue, order, self.program_id) }?.enqueue(
                Some(self.producer),
                &new,
                self.now,
            )?,
        };
        Ok(())
    }
}
