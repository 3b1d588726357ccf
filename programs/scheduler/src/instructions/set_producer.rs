use crate::load;
use cores::queue::Refusal;
use program_common::Call;
use shared_layouts::scheduler::ProducerRecord;
use shared_layouts::scheduler::set_producer::{Accounts, Data};

pub(crate) fn set_producer(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: shard and queue are different kinds of account, so none is held twice.
    let mut queue = unsafe { load::any_owned_queue(accounts.shard, accounts.owner, accounts.queue, program_id) }?;
    queue.set_producer(&ProducerRecord {
        key: data.key,
        max_tip_lamports: data.max_tip_lamports,
        quota: data.quota,
        max_level: data.max_level,
        reserved: [0; 5],
    })
}
