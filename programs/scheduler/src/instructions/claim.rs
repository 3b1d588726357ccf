use crate::load;
use cores::queue::{Lease, Refusal};
use pinocchio::cpi::set_return_data;
use pinocchio::error::ProgramError;
use program_common::Call;
use shared_layouts::scheduler::SchedulerConfig;
use shared_layouts::scheduler::claim::{Accounts, Data};

pub(crate) fn claim(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    let now = load::now(accounts.clock)?;
    // SAFETY: config and queue are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read(accounts.config, program_id) }?;
    // SAFETY: as above.
    let mut queue = unsafe { load::plain_queue(accounts.queue, program_id) }?;
    let shard = load::shard_of(accounts.shard, queue.header, program_id)?;
    load::check_running(config, shard, now)?;
    let pauses = load::pauses(config, shard);
    let claimed = queue.claim(data.worker_index, accounts.worker.address().as_array(), data.count, &pauses, now)?;
    // Return data costs more than a lease, so only a claim that fell short says so.
    if claimed.count < data.count {
        set_return_data(&[claimed.count]);
    }
    Ok(())
}

/// The same from a queue that is bound to an order, which follows the fixed accounts.
pub(crate) fn claim_ordered(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (order, fixed) = call.accounts.split_last_mut().ok_or(ProgramError::NotEnoughAccountKeys)?;
    let (accounts, _) = Accounts::parse(fixed)?;
    let now = load::now(accounts.clock)?;
    // SAFETY: config, queue and order are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read_cold(accounts.config, program_id) }?;
    // SAFETY: as above.
    let mut queue = unsafe { load::bound_queue::<0>(accounts.queue, order, program_id) }?;
    let shard = load::shard_of_outlined(accounts.shard, queue.header, program_id)?;
    load::check_running(config, shard, now)?;
    let lease = Lease { worker_index: data.worker_index, pauses: load::pauses(config, shard), now };
    let claimed = queue.claim(accounts.worker.address().as_array(), data.count, &lease)?;
    if claimed.count < data.count {
        set_return_data(&[claimed.count]);
    }
    Ok(())
}
