use crate::Scheduler;
use crate::load;
use cores::queue::{Policy, QueueMut, Refusal, clear_index, clear_lists};
use cores::refuse;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::accounts::NewAccount;
use program_common::{Call, accounts};
use shared_layouts::account::{AccountHeader, AccountLayout, Key, NO_KEY, total_bytes};
use shared_layouts::scheduler::create_queue::{Accounts, Data};
use shared_layouts::scheduler::{
    Entry, LEVELS, MAX_CREATE_BYTES, MAX_PRODUCERS, ORDERED_QUEUE, OrderIndex, OrderShard, Producer, ProducerRecord,
    QUEUE_SEED, Queue, SchedulerConfig, Shard, queue_flags,
};

pub(crate) fn create_queue(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, tail) = Data::parse(call.data)?;
    let (fixed, mut order) = load::split_order(call.accounts, Accounts::<()>::COUNT);
    let (accounts, _) = Accounts::parse_cold_or_deny(fixed)?;
    check_producers(tail)?;

    // SAFETY: shard and config are different kinds of account, and neither is held elsewhere.
    let config: &SchedulerConfig = unsafe { load::read_cold(accounts.config, program_id) }?;
    let number = {
        // SAFETY: as above.
        let shard: &Shard = unsafe { load::read_cold(accounts.shard, program_id) }?;
        if shard.owner != *accounts.owner.address().as_array() {
            return Err(refuse!(NotShardOwner));
        }
        shard.queues_created
    };
    let policy = policy(data, config)?;
    match &mut order {
        None if data.flags & queue_flags::ORDERED == 0 => {}
        None => return Err(refuse!(OrderMissing)),
        Some(_) if data.flags & queue_flags::ORDERED == 0 => return Err(ProgramError::InvalidArgument.into()),
        Some(order) => {
            place(order, accounts.shard, program_id)?;
        }
    }
    let shard_key = *accounts.shard.address().as_array();
    let bump = NewAccount {
        account: accounts.queue,
        payer: accounts.payer,
        program: program_id,
        seeds: &[QUEUE_SEED, &shard_key, &number.to_le_bytes()],
        bytes: queue_bytes(data),
    }
    .create::<Scheduler>()
    .map_err(Refusal::passed_on)?;
    // SAFETY: as above; the queue was just created and is neither of them.
    let shard: &mut Shard = unsafe { load::write_cold(accounts.shard, program_id) }?;
    shard.queues_created = number.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    shard.queues_active = shard.queues_active.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;

    let mut bytes = accounts.queue.try_borrow_mut().map_err(Refusal::passed_on)?;
    let header: &mut Queue = accounts::fresh(&mut bytes).map_err(Refusal::passed_on)?;
    fill(header, data, &policy, config);
    header.header.bump = bump;
    header.shard = shard_key;
    header.number = number;
    if let Some(order) = order {
        let (key, place) = place(order, accounts.shard, program_id)?;
        header.order = key;
        place.queues = place.queues.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    }
    for (place, record) in header.producers.iter_mut().zip(producers(tail)) {
        *place = Producer {
            key: record.key,
            quota: record.quota,
            max_level: record.max_level,
            active: 1,
            max_tip_lamports: record.max_tip_lamports,
            // Every number up to the floor counts as used.
            sequence_window: u64::MAX,
            ..bytemuck::Zeroable::zeroed()
        };
    }
    if data.flags & queue_flags::ORDERED != 0 {
        bytes[0] = ORDERED_QUEUE;
        clear_index(accounts::fresh(&mut bytes[Queue::BYTES..]).map_err(Refusal::passed_on)?);
    }
    QueueMut::load_any(&mut bytes)?.free_slots_from(0)
}

/// The order's key, and the shard's place in it.
#[inline(never)]
fn place<'a>(
    order: &'a mut AccountView,
    shard: &AccountView,
    program: &Address,
) -> Result<(Key, &'a mut OrderShard), Refusal> {
    let key = *order.address().as_array();
    // SAFETY: an order is another kind of account than those that are held.
    let order = unsafe { load::writable_order(order, program) }?;
    Ok((key, load::place_in_order(order, shard)?))
}

fn producers(tail: &[u8]) -> impl Iterator<Item = ProducerRecord> + '_ {
    tail.chunks_exact(ProducerRecord::BYTES).map(bytemuck::pod_read_unaligned)
}

fn check_producers(tail: &[u8]) -> Result<(), Refusal> {
    if !tail.len().is_multiple_of(ProducerRecord::BYTES) {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    let is_sound = |(index, record): (usize, ProducerRecord)| {
        record.key != NO_KEY
            && record.quota > 0
            && usize::from(record.max_level) < LEVELS
            && record.reserved == [0; 5]
            && producers(tail).take(index).all(|other| other.key != record.key)
    };
    let is_sound = tail.len() <= MAX_PRODUCERS * ProducerRecord::BYTES && producers(tail).enumerate().all(is_sound);
    if is_sound { Ok(()) } else { Err(refuse!(InvalidProducer)) }
}

/// Bytes of the queue's account.
fn queue_bytes(data: &Data) -> usize {
    let index_bytes = if data.flags & queue_flags::ORDERED == 0 { 0 } else { OrderIndex::BYTES };
    Queue::BYTES + index_bytes + total_bytes(usize::from(data.slots), Entry::BYTES)
}

fn policy(data: &Data, config: &SchedulerConfig) -> Result<Policy, Refusal> {
    if data.slots > config.max_queue_size || queue_bytes(data) > MAX_CREATE_BYTES {
        return Err(refuse!(QueueTooLarge));
    }
    let policy = Policy {
        max_dead: data.max_dead,
        max_deadline_seconds: data.max_deadline_seconds,
        lease_seconds: data.lease_seconds,
        backoff_seconds: data.backoff_seconds,
        backoff_cap_seconds: data.backoff_cap_seconds,
        max_attempts: data.max_attempts,
        eligible_window: data.eligible_window,
        lowest_level_every: data.lowest_level_every,
        default_level: config.default_priority,
        flags: data.flags,
    };
    policy.check(data.slots)?;
    Ok(policy)
}

fn fill(header: &mut Queue, data: &Data, policy: &Policy, config: &SchedulerConfig) {
    header.header =
        AccountHeader { discriminator: Queue::DISCRIMINATOR, version: Queue::VERSION, ..bytemuck::Zeroable::zeroed() };
    header.processor_program = config.processor_program;
    header.slots = data.slots;
    clear_lists(header);
    policy.write(header);
}
