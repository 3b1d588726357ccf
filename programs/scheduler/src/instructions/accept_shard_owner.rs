use crate::load;
use cores::queue::Refusal;
use cores::refuse;
use program_common::Call;
use shared_layouts::account::{NO_KEY, keys_equal};
use shared_layouts::scheduler::Shard;
use shared_layouts::scheduler::accept_shard_owner::{Accounts, Data};

pub(crate) fn accept_shard_owner(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: the shard is the only account of this program here.
    let shard: &mut Shard = unsafe { load::write_cold(accounts.shard, program_id) }?;
    let nominee = accounts.nominee.address().as_array();
    if shard.pending_owner == NO_KEY || !keys_equal(&shard.pending_owner, nominee) {
        return Err(refuse!(fault: NotNominated));
    }
    shard.owner = *nominee;
    shard.pending_owner = NO_KEY;
    Ok(())
}
