use crate::load;
use cores::queue::{Handle, Refusal};
use program_common::Call;
use shared_layouts::scheduler::dead_letter::{Accounts, Data};

pub(crate) fn dead_letter(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let now = load::now_outlined(accounts.clock)?;
    // SAFETY: shard and queue are different kinds of account, so none is held twice.
    let mut queue = unsafe { load::owned_queue(accounts.shard, accounts.owner, accounts.queue, program_id) }?;
    let handle = Handle { slot: data.slot, generation: data.generation };
    queue.dead_letter(handle, now)
}
