use cores::queue::{NewEntry, QueueMut};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address, ProgramResult};
use program_common::{Call, clock};
use shared_layouts::account::{keys_equal, load};
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::enqueue::{Accounts, Data};
use shared_layouts::scheduler::{DEFAULT_LEVEL, Queue, SchedulerError};

#[inline(never)]
pub(crate) fn enqueue(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (data, arguments) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    // SAFETY: no other account of this program is loaded here.
    let mut queue = unsafe { load_queue(accounts.queue, program_id) }?;
    let capability = load_capability(accounts.capability, queue.header, program_id)?;
    let length_fits = arguments.len() >= usize::from(capability.arguments_bytes_min)
        && arguments.len() <= usize::from(capability.arguments_bytes_max);
    if !length_fits {
        return Err(SchedulerError::WrongArgumentsLength.into());
    }
    let new = NewEntry {
        sequence: data.sequence,
        producer: data.producer_index,
        level: if data.level == DEFAULT_LEVEL { None } else { Some(data.level) },
        deadline_at: data.deadline_at,
        capability: accounts.capability.address().as_array(),
        capability_version: capability.capability_version,
        compute_limit: capability.compute_limit,
        arguments,
    };
    queue.enqueue(accounts.producer.address().as_array(), &new, clock::now(accounts.clock)?)?;
    Ok(())
}

/// Loads a queue with its slab.
///
/// # Safety
/// Nobody may hold the account's data.
#[inline(always)]
pub(crate) unsafe fn load_queue<'a>(
    account: &'a mut AccountView,
    program_id: &Address,
) -> Result<QueueMut<'a>, ProgramError> {
    if !account.owned_by(program_id) {
        return Err(ProgramError::InvalidAccountOwner);
    }
    // SAFETY: the caller's contract.
    let bytes = unsafe { account.borrow_unchecked_mut() };
    let (header, slab) = bytes.split_at_mut_checked(Queue::BYTES).ok_or(ProgramError::InvalidAccountData)?;
    Ok(QueueMut::from_parts(shared_layouts::load_mut(header)?, slab)?)
}

/// Loads the capability and proves that the trusted processor made it for this queue's shard.
#[inline(always)]
fn load_capability<'a>(
    account: &'a AccountView,
    queue: &Queue,
    program_id: &Address,
) -> Result<&'a Capability, ProgramError> {
    if !keys_equal(account.owner().as_array(), &queue.processor_program) {
        return Err(SchedulerError::UnknownCapability.into());
    }
    // SAFETY: the account belongs to another program, which this one never writes.
    let capability: &Capability =
        load(unsafe { account.borrow_unchecked() }).map_err(|_| SchedulerError::UnknownCapability)?;
    let is_ours =
        keys_equal(&capability.shard, &queue.shard) && keys_equal(&capability.scheduler_program, program_id.as_array());
    if is_ours { Ok(capability) } else { Err(SchedulerError::UnknownCapability.into()) }
}
