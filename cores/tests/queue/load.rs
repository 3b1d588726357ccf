//! What is taken for a queue, by each way of loading one.

use cores::queue::{OrderedMut, Policy, QueueMut, Refusal, clear_index, clear_lists};
use shared_layouts::account::AccountLayout;
use shared_layouts::scheduler::{
    Entry, LEVELS, NO_BIT, NO_CLASS, NO_SLOT, ORDERED_QUEUE, Order, OrderIndex, Queue, SchedulerError, queue_flags,
};
use solana_program_error::ProgramError;

const SLOTS: u16 = 3;

/// The bytes of a queue with an index if it is bound to an order; each entry has its place as its generation.
fn queue(kind: u8, flags: u8) -> Vec<u64> {
    let index_bytes = if flags & queue_flags::ORDERED == 0 { 0 } else { OrderIndex::BYTES };
    let mut words = vec![0u64; (Queue::BYTES + index_bytes + usize::from(SLOTS) * Entry::BYTES) / 8];
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let header: &mut Queue = bytemuck::from_bytes_mut(&mut bytes[..Queue::BYTES]);
    (header.header.discriminator, header.header.version) = (kind, Queue::VERSION);
    (header.header.state, header.slots) = (flags, SLOTS);
    let entries: &mut [Entry] = bytemuck::cast_slice_mut(&mut bytes[Queue::BYTES + index_bytes..]);
    for (entry, place) in entries.iter_mut().zip(1..) {
        entry.generation = place;
    }
    words
}

type Load = fn(&mut [u8]) -> Result<Vec<u32>, Refusal>;

fn generations(queue: &QueueMut) -> Vec<u32> {
    queue.entries.iter().map(|entry| entry.generation).collect()
}

const LOADS: [(&str, Load); 5] = [
    ("load", |bytes| QueueMut::load(bytes).map(|queue| generations(&queue))),
    ("load_any", |bytes| QueueMut::load_any(bytes).map(|queue| generations(&queue))),
    ("load_aligned", |bytes| {
        // SAFETY: the bytes are those of words.
        let queue = unsafe { QueueMut::load_aligned(bytes) };
        queue.map(|queue| generations(&queue))
    }),
    ("load_plain", |bytes| {
        // SAFETY: the bytes are those of words.
        let queue = unsafe { QueueMut::load_plain(bytes) };
        queue.map(|queue| generations(&queue))
    }),
    ("load_unmetered", |bytes| {
        // SAFETY: the bytes are those of words.
        let queue = unsafe { QueueMut::load_unmetered(bytes) };
        queue.map(|queue| generations(&queue))
    }),
];

fn error<T>(error: impl Into<Refusal>) -> Result<T, Refusal> {
    Err(error.into())
}

#[test]
fn every_way_loads_a_plain_queue_of_its_exact_length() {
    for (name, load) in LOADS {
        let mut words = queue(Queue::DISCRIMINATOR, queue_flags::LEASED);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        assert_eq!(load(bytes), Ok(vec![1, 2, 3]), "{name}");
        for short in [8, Entry::BYTES] {
            let length = bytes.len() - short;
            assert_eq!(load(&mut bytes[..length]), error(SchedulerError::CorruptQueue), "{name}");
        }
        assert_eq!(load(&mut bytes[..Queue::BYTES - 8]), error(ProgramError::InvalidAccountData), "{name}");
        assert_eq!(load(&mut []), error(ProgramError::InvalidAccountData), "{name}");
        words.push(0);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        assert_eq!(load(bytes), error(SchedulerError::CorruptQueue), "{name}");
    }
}

#[test]
fn another_kind_or_version_is_no_queue() {
    for (name, load) in LOADS {
        for place in [0, 1] {
            let mut words = queue(Queue::DISCRIMINATOR, 0);
            let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
            bytes[place] ^= 0x40;
            assert_eq!(load(bytes), error(ProgramError::InvalidAccountData), "{name}, byte {place}");
        }
    }
}

#[test]
fn a_queue_with_a_quota_is_refused_only_where_the_registry_is_missing() {
    for (name, load) in LOADS {
        let flags = queue_flags::METERED | queue_flags::LEASED | queue_flags::STRICT;
        let mut words = queue(Queue::DISCRIMINATOR, flags);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        let expected =
            if name == "load_unmetered" { error(SchedulerError::RegistryMissing) } else { Ok(vec![1, 2, 3]) };
        assert_eq!(load(bytes), expected, "{name}");
        bytes[0] ^= 0x40;
        assert_eq!(load(bytes), error(ProgramError::InvalidAccountData), "{name}: the kind comes first");
    }
}

#[test]
fn a_bound_queue_is_loaded_as_any_and_as_what_it_is() {
    for (name, load) in LOADS {
        let mut words = queue(ORDERED_QUEUE, queue_flags::ORDERED);
        let found = load(bytemuck::cast_slice_mut(&mut words));
        let expected = if name == "load_any" { Ok(vec![1, 2, 3]) } else { error(ProgramError::InvalidAccountData) };
        assert_eq!(found, expected, "{name}");
    }
    let mut order: Box<Order> = Box::new(bytemuck::Zeroable::zeroed());
    // Lent to a verb, it has the kind of every queue meanwhile.
    for kind in [ORDERED_QUEUE, Queue::DISCRIMINATOR] {
        let mut words = queue(kind, queue_flags::ORDERED);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        // SAFETY: the bytes are those of words.
        let bound = unsafe { OrderedMut::load_aligned(bytes, &mut order) }.expect("a bound queue");
        assert_eq!(bound.entries.iter().map(|entry| entry.generation).collect::<Vec<_>>(), [1, 2, 3]);
        bound.index.next_serial = 77;
        let at = Queue::BYTES + std::mem::offset_of!(OrderIndex, next_serial);
        assert_eq!(bytes[at], 77, "the index stands behind the header");
    }
    let mut words = queue(Queue::DISCRIMINATOR, queue_flags::LEASED);
    // SAFETY: the bytes are those of words.
    let found = unsafe { OrderedMut::load_aligned(bytemuck::cast_slice_mut(&mut words), &mut order) };
    assert_eq!(found.map(|_| ()), error(SchedulerError::WrongOrder));
}

#[test]
fn a_queue_that_is_not_bound_or_is_lent_or_has_a_refused_flag_is_not_loaded_as_bound() {
    let mut order: Box<Order> = Box::new(bytemuck::Zeroable::zeroed());
    let mut load = |kind, flags, refuses_quota: bool| {
        let mut words = queue(kind, flags);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        let bound = if refuses_quota {
            // SAFETY: the bytes are those of words.
            unsafe { OrderedMut::load_bound::<{ queue_flags::METERED }>(bytes, &mut order) }
        } else {
            // SAFETY: as above.
            unsafe { OrderedMut::load_bound::<0>(bytes, &mut order) }
        };
        let generations = bound.map(|bound| {
            bound.index.next_serial = 77;
            bound.entries.iter().map(|entry| entry.generation).collect::<Vec<u32>>()
        });
        let at = Queue::BYTES + std::mem::offset_of!(OrderIndex, next_serial);
        generations.map(|generations| (generations, bytes[at]))
    };
    let metered = queue_flags::ORDERED | queue_flags::METERED;
    for refuses_quota in [false, true] {
        assert_eq!(load(ORDERED_QUEUE, queue_flags::ORDERED, refuses_quota), Ok((vec![1, 2, 3], 77)));
        for flags in [0, queue_flags::ORDERED] {
            let plain = load(Queue::DISCRIMINATOR, flags, refuses_quota);
            assert_eq!(plain, error(SchedulerError::WrongOrder));
        }
        assert_eq!(load(0x40, queue_flags::ORDERED, refuses_quota), error(ProgramError::InvalidAccountData));
    }
    assert_eq!(load(ORDERED_QUEUE, metered, false), Ok((vec![1, 2, 3], 77)));
    assert_eq!(load(ORDERED_QUEUE, metered, true), error(SchedulerError::RegistryMissing));
}

#[test]
fn bytes_that_are_not_aligned_are_refused() {
    let mut words = queue(Queue::DISCRIMINATOR, 0);
    words.push(0);
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let length = bytes.len() - 8;
    for offset in 1..8 {
        bytes.copy_within(offset - 1..offset - 1 + length, offset);
        let moved = &mut bytes[offset..offset + length];
        assert_eq!(QueueMut::load(moved).map(|_| ()), error(ProgramError::InvalidAccountData));
        assert_eq!(QueueMut::load_any(moved).map(|_| ()), error(ProgramError::InvalidAccountData));
    }
    bytes.copy_within(7..7 + length, 0);
    assert!(QueueMut::load(&mut bytes[..length]).is_ok(), "it was the queue that was moved");
}

#[test]
fn a_policy_leaves_a_quota_as_it_is() {
    let policy = Policy {
        max_dead: 1,
        max_deadline_seconds: 2,
        lease_seconds: 3,
        backoff_seconds: 4,
        backoff_cap_seconds: 5,
        max_attempts: 6,
        eligible_window: 7,
        lowest_level_every: 8,
        default_level: 9,
        flags: queue_flags::LEASED,
    };
    for (before, after) in [
        (0, queue_flags::LEASED),
        (queue_flags::STRICT, queue_flags::LEASED),
        (queue_flags::METERED | queue_flags::STRICT, queue_flags::METERED | queue_flags::LEASED),
    ] {
        let mut header: Queue = bytemuck::Zeroable::zeroed();
        header.header.state = before;
        policy.write(&mut header);
        assert_eq!(header.header.state, after);
        assert_eq!((header.max_dead, header.max_deadline_seconds, header.lease_seconds), (1, 2, 3));
        assert_eq!((header.backoff_seconds, header.backoff_cap_seconds, header.max_attempts), (4, 5, 6));
        assert_eq!((header.eligible_window, header.lowest_level_every, header.default_level), (7, 8, 9));
    }
}

#[test]
fn what_is_cleared_has_no_slots_and_no_classes() {
    let mut header: Queue = bytemuck::Zeroable::zeroed();
    clear_lists(&mut header);
    let lists = [header.free, header.delayed, header.leased, header.held, header.dead];
    assert!(header.ready.iter().chain(&lists).all(|list| (list.head, list.tail) == (NO_SLOT, NO_SLOT)));
    assert_eq!(header.ready.len(), LEVELS);
    let mut index: OrderIndex = bytemuck::Zeroable::zeroed();
    clear_index(&mut index);
    assert!(index.ready.iter().all(|list| (list.head, list.tail) == (NO_SLOT, NO_SLOT)));
    assert!(index.class_of_bit.iter().all(|class| *class == NO_CLASS));
    assert!(index.bit_of_class.iter().all(|bit| *bit == NO_BIT));
}

#[test]
fn a_refusal_is_the_number_of_its_error() {
    use ProgramError as E;
    for error in [
        E::InvalidArgument,
        E::InvalidInstructionData,
        E::InvalidAccountData,
        E::InvalidAccountOwner,
        E::NotEnoughAccountKeys,
        E::MissingRequiredSignature,
        E::Immutable,
        E::UnsupportedSysvar,
        E::AccountDataTooSmall,
        E::Custom(7),
    ] {
        let refusal = Refusal::from(error.clone());
        assert_eq!(refusal.number(), u64::from(error.clone()));
        assert_eq!(ProgramError::from(refusal), error);
        assert_eq!(Refusal::passed_on(error.clone()), refusal);
    }
    let refusal = Refusal::from(SchedulerError::OrderFull);
    assert_eq!(refusal.number(), SchedulerError::OrderFull as u64);
    assert_eq!(ProgramError::from(refusal), ProgramError::Custom(SchedulerError::OrderFull as u32));
}
