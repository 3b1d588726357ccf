use crate::close::close;
use crate::load;
use cores::queue::Refusal;
use cores::refuse;
use program_common::Call;
use shared_layouts::scheduler::Shard;
use shared_layouts::scheduler::close_queue::{Accounts, Data};

#[inline(never)]
pub(crate) fn close_queue(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    {
        // SAFETY: shard and queue are different kinds of account, so none is held twice.
        let queue = unsafe { load::owned_queue(accounts.shard, accounts.owner, accounts.queue, program_id) }?;
        if !queue.is_empty() {
            return Err(refuse!(QueueNotEmpty));
        }
    }
    close(accounts.queue, accounts.recipient)?;
    // SAFETY: the shard is held nowhere else.
    let shard: &mut Shard = unsafe { load::write_cold(accounts.shard, program_id) }?;
    shard.queues_active = shard.queues_active.saturating_sub(1);
    Ok(())
}
