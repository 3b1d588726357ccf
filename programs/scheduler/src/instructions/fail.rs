use crate::load;
use cores::queue::{Handle, Refusal, Report};
use pinocchio::error::ProgramError;
use program_common::Call;
use shared_layouts::scheduler::SchedulerConfig;
use shared_layouts::scheduler::fail::{Accounts, Data};

pub(crate) fn fail(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    if data.permanent > 1 {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    let now = load::now(accounts.clock)?;
    // SAFETY: config and queue are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read(accounts.config, program_id) }?;
    // SAFETY: as above.
    let mut queue = unsafe { load::queue(accounts.queue, program_id) }?;
    let shard = load::shard_of(accounts.shard, queue.header, program_id)?;
    let pauses = load::pauses(config, shard);
    let handle = Handle { slot: data.slot, generation: data.generation };
    let report = Report { code: data.code, is_permanent: data.permanent == 1 };
    queue.fail(handle, accounts.worker.address().as_array(), report, &pauses, now)
}
