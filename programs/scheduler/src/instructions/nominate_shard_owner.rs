use crate::load;
use cores::queue::Refusal;
use cores::refuse;
use program_common::Call;
use shared_layouts::account::keys_equal;
use shared_layouts::scheduler::Shard;
use shared_layouts::scheduler::nominate_shard_owner::{Accounts, Data};

pub(crate) fn nominate_shard_owner(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: the shard is the only account of this program here.
    let shard: &mut Shard = unsafe { load::write_cold(accounts.shard, program_id) }?;
    if !keys_equal(&shard.owner, accounts.owner.address().as_array()) {
        return Err(refuse!(NotShardOwner));
    }
    shard.pending_owner = data.nominee;
    Ok(())
}
