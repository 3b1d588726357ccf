//! Which entries a bound queue takes, and what they carry from then on.

use crate::links;
use crate::world::{Setup, World};
use cores::queue::{Handle, Lease, NewEntry, Pauses, Refusal};
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{DEFAULT_LEVEL, NO_LEVEL, SchedulerError, enqueue, list, queue_flags};

const PRODUCER: [u8; 32] = [9; 32];
const MEMBERS: u8 = 20;

/// A world whose order has 20 members.
fn world() -> World {
    let setup = Setup { slots: 40, flags: queue_flags::LEASED, window: 0, lowest_every: 0 };
    let mut world = World::with(1, setup);
    world.order.members_count = MEMBERS;
    for (member, number) in world.order.members.iter_mut().zip(1..=MEMBERS) {
        (member.capability, member.level) = ([number; 32], NO_LEVEL);
    }
    world
}

/// Queues an entry of a member; without a producer it is restored.
fn put(world: &mut World, producer: Option<[u8; 32]>, member: u8, data: enqueue::Data) -> Result<Handle, u64> {
    let capability: Capability = bytemuck::Zeroable::zeroed();
    let capability_key = &[member + 1; 32];
    let new = NewEntry { request: &data, capability_key, capability: &capability, arguments: &[], purse_lamports: 0 };
    let now = world.now;
    let mut queue = world.queue(0);
    let result = match &producer {
        Some(producer) => queue.enqueue(producer, &new, now),
        None => queue.enqueue_any(None, &new, now),
    };
    links::check(&world.queue(0));
    result.map_err(Refusal::number)
}

fn numbered(sequence: u64) -> enqueue::Data {
    enqueue::Data { sequence, ..Default::default() }
}

#[test]
fn a_queue_has_entries_of_16_members_at_most_and_a_place_that_is_free_goes_to_another() {
    let mut world = world();
    let handles: Vec<Handle> = (0..16)
        .map(|member| {
            put(&mut world, Some(PRODUCER), member, numbered(u64::from(member) + 1)).expect("a class is free")
        })
        .collect();
    let full = Err(SchedulerError::TooManyClasses as u64);
    assert_eq!(put(&mut world, Some(PRODUCER), 16, numbered(20)), full);
    let second = put(&mut world, Some(PRODUCER), 3, numbered(21)).expect("its member has a class");
    let mut cancel = |handle| {
        let mut queue = world.queue(0);
        let lent = queue.lend(handle).expect("the order is sound");
        queue.plain().cancel(handle, &PRODUCER, false).expect("it is ready");
        queue.take_back(&lent).expect("the order is sound");
        put(&mut world, Some(PRODUCER), 16, numbered(30))
    };
    assert_eq!(cancel(handles[3]), full, "another entry of the member is there");
    cancel(second).expect("the class is free");
    assert_eq!(put(&mut world, Some(PRODUCER), 3, numbered(31)), full);
}

#[test]
fn who_is_no_member_or_whose_count_is_full_is_refused_and_nothing_changes() {
    let mut world = world();
    put(&mut world, Some(PRODUCER), 1, numbered(1)).expect("there is room");
    for (member, is_full, expected) in
        [(MEMBERS, false, SchedulerError::NotMember), (2, true, SchedulerError::OrderFull)]
    {
        if is_full {
            world.order.epochs[1].pending[2] = u16::MAX;
        }
        let order = *world.order;
        let header = *world.queue(0).header;
        assert_eq!(put(&mut world, Some(PRODUCER), member, numbered(2)), Err(expected as u64));
        assert!(*world.order == order && *world.queue(0).header == header);
    }
}

#[test]
fn an_entry_whose_member_s_count_is_full_stays_delayed_and_holds_up_no_claim() {
    let mut world = world();
    let not_before_at = world.now + 1;
    put(&mut world, Some(PRODUCER), 1, numbered(1)).expect("there is room");
    put(&mut world, Some(PRODUCER), 2, enqueue::Data { not_before_at, ..numbered(2) }).expect("there is room");
    let pending = world.order.epochs[1].pending[2];
    world.order.epochs[1].pending[2] = u16::MAX;
    world.now += 1;
    let lease = Lease { worker_index: 0, pauses: Pauses::default(), now: world.now };
    let claim = |world: &mut World| {
        let claimed = world.queue(0).claim(&PRODUCER, 9, &lease).map(|claimed| claimed.count);
        links::check(&world.queue(0));
        (claimed, world.queue(0).header.delayed_count)
    };
    assert_eq!(claim(&mut world), (Ok(1), 1));
    world.order.epochs[1].pending[2] = pending;
    assert_eq!(claim(&mut world), (Ok(1), 0));
}

#[test]
fn an_entry_that_states_no_level_has_its_member_s_or_else_the_queue_s() {
    let mut world = world();
    world.order.members[1].level = 3;
    world.queue(0).header.default_level = 7;
    let mut sequence = 0;
    let mut level = |world: &mut World, producer, data: enqueue::Data, member| {
        sequence += 1;
        let handle = put(world, producer, member, enqueue::Data { sequence, ..data }).expect("there is room");
        assert_eq!(world.queue(0).header.default_level, 7, "the queue keeps its own");
        world.queue(0).entries[usize::from(handle.slot)].level
    };
    let none = enqueue::Data { level: DEFAULT_LEVEL, ..Default::default() };
    let recurring = enqueue::Data { interval_seconds: 5, runs: 2, ..none };
    for producer in [Some(PRODUCER), None] {
        for data in [none, recurring] {
            assert_eq!(level(&mut world, producer, data, 1), 3);
            assert_eq!(level(&mut world, producer, data, 0), 7);
            assert_eq!(level(&mut world, producer, enqueue::Data { level: 12, ..data }, 1), 12);
        }
    }
}

#[test]
fn a_lease_carries_its_worker_its_end_and_the_pauses_so_far() {
    let mut world = world();
    for sequence in 1..=3 {
        put(&mut world, Some(PRODUCER), 1, numbered(sequence)).expect("there is room");
    }
    let pauses = Pauses { config_count: 3, shard_count: 4, ..Pauses::default() };
    let lease = Lease { worker_index: 0, pauses, now: world.now };
    for (index, signer) in [(0, [8; 32]), (1, PRODUCER)] {
        let lease = Lease { worker_index: index, ..lease };
        let refused = world.queue(0).claim(&signer, 2, &lease).map_err(Refusal::number);
        assert_eq!(refused.err(), Some(SchedulerError::NotWorker as u64));
    }
    assert_eq!(world.queue(0).claim(&PRODUCER, 2, &lease).map(|claimed| claimed.count), Ok(2));
    links::check(&world.queue(0));
    let now = world.now;
    let queue = world.queue(0);
    assert_eq!((queue.header.claims, queue.header.ready_count, queue.header.leased_count), (2, 1, 2));
    for entry in queue.entries.iter().filter(|entry| entry.list == list::LEASED) {
        assert_eq!((entry.worker, entry.attempts, entry.lease_ends_at), (0, 1, now + 20));
        assert_eq!((entry.config_pauses, entry.shard_pauses), (3, 4));
    }
    let leased: Vec<u64> =
        queue.entries.iter().filter(|entry| entry.list == list::LEASED).map(|entry| entry.sequence).collect();
    assert_eq!(leased, [1, 2], "the oldest first");
}
