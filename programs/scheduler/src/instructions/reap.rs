use crate::load;
use cores::queue::{Handle, Refusal};
use cores::refuse;
use pinocchio::error::ProgramError;
use program_common::Call;
use shared_layouts::scheduler::reap::{Accounts, Data};
use shared_layouts::scheduler::{EntryHandle, SchedulerConfig};

pub(crate) fn reap(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (Data {}, handles) = Data::parse(call.data)?;
    let (handles, []) = handles.as_chunks::<{ EntryHandle::BYTES }>() else {
        return Err(ProgramError::InvalidInstructionData.into());
    };
    let (accounts, _) = Accounts::parse(call.accounts)?;
    let now = load::now(accounts.clock)?;
    // SAFETY: config and queue are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read(accounts.config, program_id) }?;
    // SAFETY: as above.
    let mut queue = unsafe { load::queue(accounts.queue, program_id) }?;
    let shard = load::shard_of(accounts.shard, queue.header, program_id)?;
    let pauses = load::pauses(config, shard);
    let mut reaped = false;
    for handle in handles {
        let handle: EntryHandle = bytemuck::pod_read_unaligned(handle);
        reaped |= queue.reap(Handle { slot: handle.slot, generation: handle.generation }, &pauses, now)?;
    }
    if reaped { Ok(()) } else { Err(refuse!(NothingToReap)) }
}
