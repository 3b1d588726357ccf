use crate::load;
use cores::queue::Refusal;
use pinocchio::error::ProgramError;
use program_common::Call;
use shared_layouts::scheduler::set_worker::{Accounts, Data};

pub(crate) fn set_worker(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    if data.active > 1 {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: shard and queue are different kinds of account, so none is held twice.
    let mut queue = unsafe { load::any_owned_queue(accounts.shard, accounts.owner, accounts.queue, program_id) }?;
    queue.set_worker(&data.key, data.active == 1)
}
