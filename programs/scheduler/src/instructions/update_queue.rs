use crate::load;
use cores::queue::{Policy, Refusal};
use cores::refuse;
use program_common::Call;
use shared_layouts::scheduler::queue_flags;
use shared_layouts::scheduler::update_queue::{Accounts, Data};

pub(crate) fn update_queue(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: shard and queue are different kinds of account, so none is held twice.
    let queue = unsafe { load::any_owned_queue(accounts.shard, accounts.owner, accounts.queue, program_id) }?;
    let policy = Policy {
        max_dead: data.max_dead,
        max_deadline_seconds: data.max_deadline_seconds,
        lease_seconds: data.lease_seconds,
        backoff_seconds: data.backoff_seconds,
        backoff_cap_seconds: data.backoff_cap_seconds,
        max_attempts: data.max_attempts,
        eligible_window: data.eligible_window,
        lowest_level_every: data.lowest_level_every,
        default_level: data.default_level,
        flags: data.flags,
    };
    policy.check(queue.header.slots)?;
    // What a queue is bound to, it is bound to for its life.
    if (data.flags ^ queue.header.header.state) & queue_flags::ORDERED != 0 {
        return Err(refuse!(WrongFlags));
    }
    // Entries of an open queue carry no lease policy.
    let turns = (data.flags ^ queue.header.header.state) & queue_flags::LEASED != 0;
    if turns && !queue.is_empty() {
        return Err(refuse!(QueueNotEmpty));
    }
    policy.write(queue.header);
    Ok(())
}
