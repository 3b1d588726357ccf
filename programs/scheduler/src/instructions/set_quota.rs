use crate::load;
use cores::queue::Refusal;
use cores::refuse;
use program_common::Call;
use shared_layouts::scheduler::set_quota::{Accounts, Data};
use shared_layouts::scheduler::{MAX_QUOTA_PERMILLE, Shard, queue_flags};

pub(crate) fn set_quota(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: shard and queue are different kinds of account, so none is held twice.
    let queue = unsafe { load::any_owned_queue(accounts.shard, accounts.owner, accounts.queue, program_id) }?.header;
    // SAFETY: as above; nobody holds the shard any more.
    let shard: &mut Shard = unsafe { load::write_cold(accounts.shard, program_id) }?;
    let others = shard.quota_permille.saturating_sub(queue.quota_permille);
    let total = others.saturating_add(data.quota_permille);
    if total > MAX_QUOTA_PERMILLE {
        return Err(refuse!(InvalidQuota));
    }
    shard.quota_permille = total;
    queue.quota_permille = data.quota_permille;
    if data.quota_permille == 0 {
        queue.header.state &= !queue_flags::METERED;
    } else {
        queue.header.state |= queue_flags::METERED;
    }
    Ok(())
}
