use crate::close::lengthen;
use crate::load;
use cores::queue::{QueueMut, Refusal};
use cores::refuse;
use pinocchio::error::ProgramError;
use program_common::Call;
use program_common::accounts::{check_payer, rent_exempt_lamports, transfer};
use shared_layouts::account::total_bytes;
use shared_layouts::scheduler::grow_queue::{Accounts, Data};
use shared_layouts::scheduler::{Entry, MAX_CREATE_BYTES, Queue, SchedulerConfig};

pub(crate) fn grow_queue(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let added_bytes = total_bytes(usize::from(data.slots), Entry::BYTES);
    let first_slot = {
        // SAFETY: config, shard and queue are different kinds of account, so none is held twice.
        let config: &SchedulerConfig = unsafe { load::read_cold(accounts.config, program_id) }?;
        // SAFETY: as above.
        let queue = unsafe { load::any_owned_queue(accounts.shard, accounts.owner, accounts.queue, program_id) }?;
        let slots = queue.header.slots;
        let fits = data.slots > 0 && added_bytes <= MAX_CREATE_BYTES;
        let most = config.max_queue_size;
        if !fits || slots > most || data.slots > most.saturating_sub(slots) {
            return Err(refuse!(QueueTooLarge));
        }
        slots
    };

    let bytes = accounts.queue.data_len();
    // The purse is not spent on the rent of what is added.
    let rent_lamports = |bytes| rent_exempt_lamports(bytes).map_err(Refusal::passed_on);
    let lamports = rent_lamports(bytes + added_bytes)?.saturating_sub(rent_lamports(bytes)?);
    check_payer(accounts.payer, lamports).map_err(Refusal::passed_on)?;
    transfer(accounts.payer, accounts.queue, lamports)?;
    lengthen(accounts.queue, added_bytes)?;
    let mut data_of_queue = accounts.queue.try_borrow_mut().map_err(Refusal::passed_on)?;
    write_slots(&mut data_of_queue, first_slot.saturating_add(data.slots))?;
    QueueMut::load_any(&mut data_of_queue)?.free_slots_from(first_slot)
}

fn write_slots(data: &mut [u8], slots: u16) -> Result<(), Refusal> {
    const AT: usize = core::mem::offset_of!(Queue, slots);
    // It was loaded as a queue before it grew, of whichever kind.
    let place = data.get_mut(AT..AT + 2).ok_or(ProgramError::InvalidAccountData)?;
    place.copy_from_slice(&slots.to_le_bytes());
    Ok(())
}
