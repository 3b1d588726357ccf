//! Edges that random sequences hardly ever meet.

use cores::queue::{NewEntry, Pauses, Policy, QueueMut, clear_lists};
use shared_layouts::account::AccountLayout;
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{Entry, ProducerRecord, Queue, SchedulerError, enqueue, queue_flags};

const PRODUCER: [u8; 32] = [1; 32];
const WORKER: [u8; 32] = [2; 32];

const LEASED: Policy = Policy {
    max_dead: 4,
    max_deadline_seconds: 10,
    lease_seconds: 1,
    backoff_seconds: 2,
    backoff_cap_seconds: 2,
    max_attempts: 1,
    eligible_window: 0,
    lowest_level_every: 0,
    default_level: 15,
    flags: queue_flags::LEASED,
};

const OPEN: Policy = Policy { flags: 0, max_deadline_seconds: 1, lease_seconds: 0, ..LEASED };

#[test]
fn a_policy_may_reach_each_of_its_limits_and_pass_none() {
    for policy in [LEASED, OPEN, Policy { flags: queue_flags::LEASED | queue_flags::STRICT, ..LEASED }] {
        assert!(policy.check(4).is_ok(), "{policy:?}");
    }
    assert!(Policy { max_deadline_seconds: 0, ..LEASED }.check(4).is_ok(), "a leased queue needs no deadline");
    for (policy, slots) in [
        (Policy { max_dead: 0, ..LEASED }, 0),
        (LEASED, 3),
        (Policy { flags: 1 << 7, ..LEASED }, 4),
        (Policy { flags: 1 << 7 | queue_flags::LEASED | queue_flags::STRICT, ..LEASED }, 4),
        (Policy { max_deadline_seconds: 0, ..OPEN }, 4),
        (Policy { lease_seconds: 0, ..LEASED }, 4),
        (Policy { max_attempts: 0, ..LEASED }, 4),
        (Policy { default_level: 16, ..LEASED }, 4),
        (Policy { backoff_seconds: 3, ..LEASED }, 4),
    ] {
        let refusal =
            policy.check(slots).err().map(|refusal| u64::from(solana_program_error::ProgramError::from(refusal)));
        assert_eq!(refusal, Some(SchedulerError::InvalidPolicy as u64), "{policy:?} with {slots} slots");
    }
}

/// The bytes of a leased queue with a producer, a worker and so many entries that expire at 5.
fn queue(slots: u16, entries: u64) -> Vec<u64> {
    let mut words = vec![0u64; (Queue::BYTES + usize::from(slots) * Entry::BYTES) / 8];
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let header: &mut Queue = bytemuck::from_bytes_mut(&mut bytes[..Queue::BYTES]);
    header.header.discriminator = Queue::DISCRIMINATOR;
    header.header.version = Queue::VERSION;
    header.slots = slots;
    clear_lists(header);
    Policy { max_dead: slots, ..LEASED }.write(header);
    let mut queue = QueueMut::load(bytes).expect("the bytes are a queue");
    queue.free_slots_from(0).expect("the queue is new");
    let record = ProducerRecord { key: PRODUCER, max_tip_lamports: 0, quota: 100, max_level: 15, reserved: [0; 5] };
    queue.set_producer(&record).expect("a place is free");
    queue.set_worker(&WORKER, true).expect("a place is free");
    for sequence in 1..=entries {
        let request = enqueue::Data { sequence, level: 5, deadline_at: 5, ..Default::default() };
        let capability = Capability { arguments_bytes_max: 96, ..bytemuck::Zeroable::zeroed() };
        let capability_key = &[7; 32];
        let new =
            NewEntry { request: &request, capability_key, capability: &capability, arguments: &[], purse_lamports: 0 };
        queue.enqueue(&PRODUCER, &new, 1).expect("there is room");
    }
    words
}

#[test]
fn a_claim_takes_eight_expired_entries_out_and_leaves_the_rest() {
    let mut words = queue(12, 12);
    let mut queue = QueueMut::load(bytemuck::cast_slice_mut(&mut words)).expect("a queue");
    for (ready, dead) in [(4, 8), (0, 12)] {
        let claimed = queue.claim(0, &WORKER, 3, &Pauses::default(), 6).expect("the worker is listed");
        assert_eq!((claimed.count, queue.header.ready_count, queue.header.dead_count), (0, ready, dead));
    }
}

#[test]
fn a_queue_is_empty_only_without_an_entry_in_any_list() {
    let mut words = queue(2, 0);
    let queue = QueueMut::load(bytemuck::cast_slice_mut(&mut words)).expect("a queue");
    assert!(queue.is_empty());
    let counts: [fn(&mut Queue) -> &mut u16; 5] = [
        |header| &mut header.ready_count,
        |header| &mut header.delayed_count,
        |header| &mut header.leased_count,
        |header| &mut header.held_count,
        |header| &mut header.dead_count,
    ];
    for count in counts {
        *count(queue.header) = 1;
        assert!(!queue.is_empty());
        *count(queue.header) = 0;
    }
}
