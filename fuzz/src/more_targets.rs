//! Targets of the queue and of the order core, for the fuzzer and for the replay of their corpus.

use crate::invariants;
use cores::order::{Dropped, Effective, compose, compose_weighted};
use cores::queue::{Handle, NewEntry, Pauses, Policy, QueueMut, Report, clear_lists};
use shared_layouts::account::AccountLayout;
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{
    Composition, Constraint, Entry, MAX_ORDER_SHARDS, NO_WORKER, ProducerRecord, Queue, constraint_kind,
    constraint_status, enqueue, queue_flags,
};

const PRODUCER: [u8; 32] = [1; 32];
const WORKER: [u8; 32] = [2; 32];

/// The first byte is the kind of queue and its size; then three bytes for each verb: which, on which slot, and a number. After each
/// one the slab is consistent, and what the queue holds is what came in and did not go out.
pub fn queue(input: &[u8]) {
    let Some((kind, verbs)) = input.split_first() else { return };
    let slots = 1 + u16::from(kind >> 4);
    let mut words = vec![0u64; (Queue::BYTES + usize::from(slots) * Entry::BYTES) / 8];
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let mut queue = new_queue(bytes, slots, kind & (queue_flags::LEASED | queue_flags::STRICT));
    let mut generations = Vec::new();
    let (mut now, mut sequence, mut held) = (1i64, 0, 0usize);
    for verb in verbs.chunks_exact(3) {
        let [what, slot, number] = [verb[0], verb[1], verb[2]];
        now += i64::from(what >> 5);
        let entry = queue.entries.get(usize::from(slot));
        let generation = entry.map_or(0, |entry| entry.generation);
        let handle = Handle { slot: u16::from(slot), generation: generation.wrapping_sub(u32::from(number == 255)) };
        if what % 16 == 0 {
            sequence += u64::from(number % 4);
            held += usize::from(put(&mut queue, sequence, number, now));
        } else {
            let left = step(&mut queue, what % 16, handle, number, now);
            held = held.checked_sub(usize::from(left)).expect("more leaves than came in");
        }
        invariants::check(&queue, &mut generations);
        let header = &queue.header;
        let lists =
            [header.ready_count, header.delayed_count, header.leased_count, header.held_count, header.dead_count];
        assert_eq!(lists.iter().map(|count| usize::from(*count)).sum::<usize>(), held, "nothing is lost or made");
    }
}

fn new_queue(bytes: &mut [u8], slots: u16, flags: u8) -> QueueMut<'_> {
    let header: &mut Queue = bytemuck::from_bytes_mut(&mut bytes[..Queue::BYTES]);
    header.header.discriminator = Queue::DISCRIMINATOR;
    header.header.version = Queue::VERSION;
    header.slots = slots;
    clear_lists(header);
    let policy = Policy {
        max_dead: slots / 2,
        max_deadline_seconds: 40,
        lease_seconds: 5,
        backoff_seconds: 1,
        backoff_cap_seconds: 8,
        max_attempts: 2,
        eligible_window: 3,
        lowest_level_every: 3,
        default_level: 5,
        flags,
    };
    policy.write(header);
    let mut queue = QueueMut::load(bytes).expect("the bytes are a queue");
    queue.free_slots_from(0).expect("the queue is new");
    let record = ProducerRecord { key: PRODUCER, max_tip_lamports: 9, quota: 12, max_level: 15, reserved: [0; 5] };
    queue.set_producer(&record).expect("a place is free");
    queue.set_worker(&WORKER, true).expect("a place is free");
    queue
}

/// Queues an entry; says whether it was accepted.
fn put(queue: &mut QueueMut, sequence: u64, number: u8, now: i64) -> bool {
    let request = enqueue::Data {
        sequence,
        level: number % 16,
        not_before_at: if number & 16 == 0 { 0 } else { now + 3 },
        tip_lamports: u64::from(number >> 7),
        interval_seconds: u32::from(number >> 6 & 1) * 4,
        runs: u32::from(number >> 6 & 1) * 2,
        ..Default::default()
    };
    let capability = Capability { arguments_bytes_max: 96, ..bytemuck::Zeroable::zeroed() };
    let new = NewEntry {
        request: &request,
        capability_key: &[7; 32],
        capability: &capability,
        arguments: &[number],
        purse_lamports: 5,
    };
    queue.enqueue(&PRODUCER, &new, now).is_ok()
}

/// Another verb; says whether an entry left the queue.
fn step(queue: &mut QueueMut, what: u8, handle: Handle, number: u8, now: i64) -> bool {
    let pauses = Pauses { config_count: u32::from(number >> 6), ..Pauses::default() };
    match what {
        1..=3 => _ = queue.claim(u8::from(number == 254) * NO_WORKER, &WORKER, number % 8, &pauses, now),
        4..=6 => {
            if queue.dispatchable(handle, &WORKER, now).is_ok() {
                return queue.finish(handle.slot, now).is_ok_and(|finished| {
                    if finished.recurs {
                        queue.promise_tip(handle.slot, 5).expect("the entry is there");
                    }
                    !finished.recurs
                });
            }
        }
        7 => {
            let report = Report { code: u32::from(number), is_permanent: number & 1 == 1 };
            _ = queue.fail(handle, &WORKER, report, &pauses, now);
        }
        8 | 9 => _ = queue.reap(handle, &pauses, now),
        10 => _ = queue.hold(handle, now),
        11 => _ = queue.release_held(handle, now),
        12 => return queue.cancel(handle, &PRODUCER, number & 1 == 1).is_ok(),
        13 => _ = queue.dead_letter(handle, now),
        14 => _ = queue.redrive(handle, now),
        _ if number & 1 == 0 => _ = queue.reprioritize(handle, number % 17),
        _ => return queue.purge(handle).is_ok(),
    }
    false
}

/// Four bytes for each constraint: two members, kind with rule and status, weight. What is composed is a strict order that is closed,
/// and a weighted composition keeps all that a strict one does.
pub fn order(input: &[u8]) {
    const MEMBERS: u8 = 64;
    let mut constraints: Vec<Constraint> = input
        .chunks_exact(4)
        .take(64)
        .map(|bytes| {
            let (from, to) = (bytes[0] % MEMBERS, bytes[1] % MEMBERS);
            let kinds = [constraint_kind::BEFORE, constraint_kind::SEQUENTIAL, constraint_kind::CONCURRENT];
            let kind = kinds[usize::from(bytes[2] % 3)];
            let when_dead = if kind == constraint_kind::CONCURRENT { 0 } else { bytes[2] / 4 % 3 };
            let accepted = constraint_status::FROM_ACCEPTED | constraint_status::TO_ACCEPTED;
            let status = if bytes[2] >= 0xf0 { 0 } else { accepted };
            let weight = 1 + u16::from(bytes[3]);
            Constraint {
                from,
                to: if to == from { (to + 1) % MEMBERS } else { to },
                kind,
                when_dead,
                shard: 0,
                status,
                weight,
            }
        })
        .collect();
    constraints.sort_by_key(|one| core::cmp::Reverse(one.weight));
    let effective = || {
        let mut effective = Effective::of_members(usize::from(MEMBERS));
        effective.take(&constraints);
        effective
    };
    let mut strict: Composition = bytemuck::Zeroable::zeroed();
    let is_strict = compose(&effective(), &mut strict).is_ok();
    let (mut weighted, mut dropped) = (bytemuck::Zeroable::zeroed(), Dropped::default());
    let weights = [1; MAX_ORDER_SHARDS];
    compose_weighted(&mut effective(), &constraints, &weights, &mut dropped, &mut weighted)
        .expect("what is kept has no contradiction");
    is_strict_order(&weighted);
    if is_strict {
        is_strict_order(&strict);
        assert_eq!(bytemuck::bytes_of(&strict), bytemuck::bytes_of(&weighted), "nothing needs to be dropped");
    }
}

fn is_strict_order(composition: &Composition) {
    let before = |member: usize| composition.predecessors[member];
    for member in 0..64 {
        assert_eq!(before(member) >> member & 1, 0, "{member} waits for itself");
        for other in (0..64).filter(|other| before(member) >> other & 1 == 1) {
            assert_eq!(before(other) & !before(member), 0, "{member} waits for what {other} waits for");
        }
    }
}
