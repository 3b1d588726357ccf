use crate::load;
use cores::queue::{Handle, Refusal};
use program_common::Call;
use shared_layouts::scheduler::purge::{Accounts, Data};

pub(crate) fn purge(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: shard and queue are different kinds of account, so none is held twice.
    let mut queue = unsafe { load::owned_queue(accounts.shard, accounts.owner, accounts.queue, program_id) }?;
    let handle = Handle { slot: data.slot, generation: data.generation };
    if data.count == 0 { queue.purge(handle) } else { queue.purge_oldest(data.count) }
}
