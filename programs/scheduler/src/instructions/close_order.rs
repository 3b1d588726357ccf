use crate::close::close;
use crate::load;
use crate::orders::opened_order;
use cores::queue::Refusal;
use cores::refuse;
use program_common::Call;
use shared_layouts::scheduler::close_order::{Accounts, Data};
use shared_layouts::scheduler::{Order, Shard};

pub(crate) fn close_order(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: order and shard are different kinds of account, so none is held twice.
    let order = unsafe { opened_order(accounts.order, accounts.shard, accounts.owner, program_id) }?;
    if !is_unused(order) {
        return Err(refuse!(OrderInUse));
    }
    close(accounts.order, accounts.recipient)?;
    // SAFETY: the shard is held nowhere else.
    let shard: &mut Shard = unsafe { load::write_cold(accounts.shard, program_id) }?;
    shard.orders_active = shard.orders_active.saturating_sub(1);
    Ok(())
}

/// Whether no queue is bound to the order and no entry is counted.
fn is_unused(order: &Order) -> bool {
    order.leased_mask == 0
        && order.shards.iter().all(|shard| shard.queues == 0)
        && order.epochs.iter().all(|epoch| epoch.pending_mask | epoch.dead_mask == 0)
}
