use crate::load;
use cores::queue::{Handle, Refusal};
use program_common::Call;
use shared_layouts::scheduler::hold::{Accounts, Data};

pub(crate) fn hold(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    let now = load::now(accounts.clock)?;
    // SAFETY: shard and queue are different kinds of account, so none is held twice.
    let mut queue = unsafe { load::owned_queue(accounts.shard, accounts.owner, accounts.queue, program_id) }?;
    let handle = Handle { slot: data.slot, generation: data.generation };
    queue.hold(handle, now)
}
