use crate::load;
use cores::queue::{NewEntry, Refusal};
use cores::refuse;
use program_common::Call;
use shared_layouts::scheduler::restore::{Accounts, Data};
use shared_layouts::scheduler::{SchedulerConfig, enqueue};

pub(crate) fn restore(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (_, arguments) = Data::parse(call.data)?;
    // The fixed data is that of `Enqueue`.
    const { assert!(Data::BYTES == enqueue::Data::BYTES) };
    let (request, _) = enqueue::Data::parse(call.data)?;
    let (fixed, order) = load::split_order(call.accounts, Accounts::<()>::COUNT);
    let (accounts, _) = Accounts::parse_cold_or_deny(fixed)?;
    let now = load::now_outlined(accounts.clock)?;
    // SAFETY: config and queue are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read_cold(accounts.config, program_id) }?;
    let purse_lamports = load::purse_lamports(accounts.queue, request.tip_lamports)?;
    let capability = {
        // SAFETY: as above; the borrow ends with the block.
        let queue = unsafe { load::any_owned_queue(accounts.shard, accounts.owner, accounts.queue, program_id) }?;
        let shard = load::shard_of_outlined(accounts.shard, queue.header, program_id)?;
        if load::check_running(config, shard, now).is_ok() {
            return Err(refuse!(ShardNotPaused));
        }
        load::capability_outlined(accounts.capability, queue.header)?
    };
    let capability_key = accounts.capability.address().as_array();
    let new = NewEntry { request, capability_key, capability, arguments, purse_lamports };
    if let Some(order) = order {
        // SAFETY: as above; an order is another kind of account.
        unsafe { load::ordered_queue(accounts.queue, order, program_id) }?.enqueue_any(None, &new, now)?;
    } else {
        // SAFETY: as above.
        unsafe { load::queue_outlined(accounts.queue, program_id) }?.enqueue_any(None, &new, now)?;
    }
    Ok(())
}
