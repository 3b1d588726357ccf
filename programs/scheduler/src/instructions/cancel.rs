use crate::load;
use cores::queue::{Handle, Refusal};
use program_common::Call;
use shared_layouts::account::keys_equal;
use shared_layouts::scheduler::cancel::{Accounts, Data};

pub(crate) fn cancel(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: shard and queue are different kinds of account, so none is held twice.
    let mut queue = unsafe { load::queue_outlined(accounts.queue, program_id) }?;
    let shard = load::shard_of_outlined(accounts.shard, queue.header, program_id)?;
    let signer = accounts.signer.address().as_array();
    let handle = Handle { slot: data.slot, generation: data.generation };
    queue.cancel(handle, signer, keys_equal(&shard.owner, signer))
}
