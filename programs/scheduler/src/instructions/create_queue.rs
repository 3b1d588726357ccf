use crate::Scheduler;
use cores::queue::QueueMut;
use pinocchio::ProgramResult;
use pinocchio::error::ProgramError;
use program_common::accounts::NewAccount;
use program_common::{Call, accounts};
use shared_layouts::account::{AccountHeader, AccountLayout, Key, NO_KEY, total_bytes};
use shared_layouts::scheduler::create_queue::{Accounts, Data};
use shared_layouts::scheduler::{
    DEFAULT_ELIGIBLE_WINDOW, Entry, LEVELS, List, MAX_CREATE_BYTES, MAX_PRODUCERS, NO_SLOT, Producer, ProducerRecord,
    QUEUE_SEED, Queue, SchedulerConfig, SchedulerError, Shard,
};

/// A list without slots.
const EMPTY: List = List { head: NO_SLOT, tail: NO_SLOT };

#[inline(never)]
pub(crate) fn create_queue(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (data, tail) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    check_producers(tail)?;

    // SAFETY: shard and config are different kinds of account, and neither is held elsewhere.
    let config: &SchedulerConfig = unsafe { accounts::read_unborrowed(accounts.config, program_id) }?;
    let number = {
        // SAFETY: as above.
        let shard: &Shard = unsafe { accounts::read_unborrowed(accounts.shard, program_id) }?;
        if shard.owner != *accounts.owner.address().as_array() {
            return Err(SchedulerError::NotShardOwner.into());
        }
        shard.queues_created
    };
    check_policy(data, config)?;

    let shard_key = *accounts.shard.address().as_array();
    let bump = NewAccount {
        account: accounts.queue,
        payer: accounts.payer,
        program: program_id,
        seeds: [QUEUE_SEED, &shard_key, &number.to_le_bytes()],
        bytes: queue_bytes(data),
    }
    .create::<Scheduler>()?;
    // SAFETY: as above; the queue was just created and is neither of them.
    let shard: &mut Shard = unsafe { accounts::write_unborrowed(accounts.shard, program_id) }?;
    shard.queues_created = number.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    shard.queues_active = shard.queues_active.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;

    let mut bytes = accounts.queue.try_borrow_mut()?;
    let header: &mut Queue = accounts::fresh(&mut bytes)?;
    fill(header, data, config, shard_key, number, bump);
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
    QueueMut::load(&mut bytes)?.free_slots_from(0)?;
    Ok(())
}

fn producers(tail: &[u8]) -> impl Iterator<Item = ProducerRecord> + '_ {
    tail.chunks_exact(ProducerRecord::BYTES).map(bytemuck::pod_read_unaligned)
}

fn check_producers(tail: &[u8]) -> ProgramResult {
    if tail.len() % ProducerRecord::BYTES != 0 {
        return Err(ProgramError::InvalidInstructionData);
    }
    let is_sound = |(index, record): (usize, ProducerRecord)| {
        record.key != NO_KEY
            && record.quota > 0
            && usize::from(record.max_level) < LEVELS
            && record.reserved == [0; 5]
            && producers(tail).take(index).all(|other| other.key != record.key)
    };
    let is_sound = tail.len() <= MAX_PRODUCERS * ProducerRecord::BYTES && producers(tail).enumerate().all(is_sound);
    if is_sound { Ok(()) } else { Err(SchedulerError::InvalidProducer.into()) }
}

/// Bytes of the queue's account.
fn queue_bytes(data: &Data) -> usize {
    Queue::BYTES + total_bytes(usize::from(data.slots), Entry::BYTES)
}

fn check_policy(data: &Data, config: &SchedulerConfig) -> ProgramResult {
    if data.slots > config.max_queue_size || queue_bytes(data) > MAX_CREATE_BYTES {
        return Err(SchedulerError::QueueTooLarge.into());
    }
    // An entry of an open queue leaves it by being run or by its deadline, so there has to be one.
    let is_sound = data.slots > 0
        && data.max_dead <= data.slots
        && data.flags == 0
        && data.max_deadline_seconds > 0
        && data.max_attempts > 0
        && data.backoff_seconds <= data.backoff_cap_seconds;
    if is_sound { Ok(()) } else { Err(SchedulerError::InvalidPolicy.into()) }
}

fn fill(header: &mut Queue, data: &Data, config: &SchedulerConfig, shard: Key, number: u64, bump: u8) {
    header.header = AccountHeader {
        discriminator: Queue::DISCRIMINATOR,
        version: Queue::VERSION,
        bump,
        state: data.flags,
        reserved: [0; 4],
    };
    header.shard = shard;
    header.processor_program = config.processor_program;
    header.number = number;
    header.ready = [EMPTY; LEVELS];
    header.free = EMPTY;
    header.delayed = EMPTY;
    header.leased = EMPTY;
    header.held = EMPTY;
    header.dead = EMPTY;
    header.slots = data.slots;
    header.max_dead = data.max_dead;
    header.lease_seconds = data.lease_seconds;
    header.backoff_seconds = data.backoff_seconds;
    header.backoff_cap_seconds = data.backoff_cap_seconds;
    header.max_deadline_seconds = data.max_deadline_seconds;
    header.max_attempts = data.max_attempts;
    header.eligible_window = if data.eligible_window == 0 { DEFAULT_ELIGIBLE_WINDOW } else { data.eligible_window };
    header.lowest_level_every = data.lowest_level_every;
    header.default_level = config.default_priority;
}
