//! What must hold after any step.

use crate::ledger::{Ledger, Record};
use mollusk_tests::world::World;
use shared_layouts::scheduler::{Entry, LEVELS, NO_SLOT, ORDER_LANES, list, queue_flags, reader::QueueReader, reason};
use solana_pubkey::Pubkey;

/// Lamports of all these accounts together.
pub fn lamports(world: &World, keys: &[Pubkey]) -> u64 {
    keys.iter().map(|key| world.svm.get_balance(key).unwrap_or(0)).sum()
}

/// The number of the operation in a slot: the amount that its arguments transfer.
///
/// # Panics
/// When the slot is not there.
pub fn number(queue: &QueueReader, slot: u16) -> u64 {
    let arguments = &queue.entries[usize::from(slot)].arguments;
    u64::from_le_bytes(arguments[..8].try_into().expect("eight bytes"))
}

/// An entry says what is known of its operation: level, version, and when and how often it is to run.
///
/// # Panics
/// When it says anything else.
pub fn entry(entry: &Entry, record: &Record) {
    let Record { schedule, .. } = record;
    let said = (entry.level, entry.capability_version, entry.waiting_since, entry.deadline_at, entry.interval_seconds);
    let known = (record.level, record.version, schedule.due_at, schedule.deadline_at(), schedule.interval_seconds);
    assert_eq!(said, known, "level, version, when due, deadline, interval of {entry:?}");
    if schedule.interval_seconds != 0 {
        let left = if schedule.is_endless() { u32::MAX } else { schedule.runs - record.ran - 1 };
        assert_eq!(entry.runs_left, left, "runs left after the present one of {entry:?}");
    }
}

/// What is in line or leased is due, and no reason to die is left on what may still run.
fn stands_rightly(entry: &Entry, record: &Record, now: i64) -> bool {
    let is_due = record.schedule.due_at <= now;
    match entry.list {
        list::READY | list::LEASED => is_due && entry.reason == reason::NONE,
        list::DELAYED => entry.reason == reason::NONE,
        _ => true,
    }
}

/// Each slot is in exactly one list, counts and bits are true, and what is queued is what the ledger says.
///
/// # Panics
/// When it is not so.
pub fn queue(queue: &QueueReader, ledger: &Ledger, lane: usize, now: i64) {
    let header = &queue.header;
    let mut times = vec![0; queue.entries.len()];
    let mut numbers = Vec::new();
    for (kind, counted) in [
        (list::READY, Some(header.ready_count)),
        (list::DELAYED, Some(header.delayed_count)),
        (list::LEASED, Some(header.leased_count)),
        (list::HELD, Some(header.held_count)),
        (list::DEAD, Some(header.dead_count)),
        (list::FREE, None),
    ] {
        let slots = queue.list(kind);
        assert!(
            counted.is_none_or(|counted| usize::from(counted) == slots.len()),
            "count of list {kind} in queue {lane}"
        );
        for (slot, found) in slots {
            times[usize::from(slot)] += 1;
            assert_eq!(found.list, kind, "slot {slot} of queue {lane} is in another list than it says");
            if kind != list::FREE {
                let record = ledger.record(number(queue, slot));
                numbers.push(number(queue, slot));
                entry(found, record);
                assert!(stands_rightly(found, record, now), "list {kind} of queue {lane} at {now}: {found:?}");
            }
        }
    }
    assert!(times.iter().all(|times| *times == 1), "a slot of queue {lane} is in no list or in two");
    for level in 0..LEVELS {
        let mut filled = header.ready[level].head != NO_SLOT;
        if let Some(index) = &queue.index {
            assert!(!filled, "a lane of level {level} was not taken back in queue {lane}");
            let lanes = &index.ready[level * ORDER_LANES..][..ORDER_LANES];
            let bits = (0..ORDER_LANES).filter(|at| lanes[*at].head != NO_SLOT).fold(0, |bits, at| bits | 1u32 << at);
            assert_eq!(index.level_lanes[level], bits, "lanes of level {level} in queue {lane}");
            filled = bits != 0;
        }
        assert_eq!(header.levels >> level & 1 == 1, filled, "bit of level {level} in queue {lane}");
    }
    assert!(
        header.header.state & queue_flags::STRICT == 0 || header.leased_count <= 1,
        "one lease at a time in queue {lane}"
    );
    let tips: u64 = queue.entries.iter().filter(|entry| entry.list != list::FREE).map(|entry| entry.tip_lamports).sum();
    assert_eq!(header.reserved_tip_lamports, tips, "tips promised by queue {lane}");
    numbers.sort_unstable();
    assert_eq!(numbers, ledger.live_in(lane), "operations in queue {lane}, and those that should be");
}
