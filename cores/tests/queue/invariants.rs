//! What must hold for the bytes of any queue.

use cores::queue::QueueMut;
use shared_layouts::scheduler::{LEVELS, List, NO_SLOT, list};

/// The slots of a list in order, its links checked both ways.
pub fn slots(queue: &QueueMut, list: List, kind: u8) -> Vec<u16> {
    let mut slots = Vec::new();
    let (mut at, mut previous) = (list.head, NO_SLOT);
    while at != NO_SLOT {
        let entry = &queue.entries[usize::from(at)];
        assert_eq!(entry.list, kind, "slot {at} says which list it is in");
        assert_eq!(entry.previous, previous, "slot {at} links back");
        slots.push(at);
        assert!(slots.len() <= queue.entries.len(), "a list has no cycle");
        (previous, at) = (at, entry.next);
    }
    assert_eq!(list.tail, previous, "the tail is the last slot");
    slots
}

/// Every slot is in exactly one list, counts and bitmap are true, and no generation went back.
pub fn check(queue: &QueueMut, generations: &mut Vec<u32>) {
    let header = &*queue.header;
    let mut seen = vec![0u32; queue.entries.len()];
    let mut count = |slots: &[u16]| {
        for slot in slots {
            seen[usize::from(*slot)] += 1;
        }
        slots.len()
    };
    let mut ready = 0;
    for level in 0..LEVELS {
        let slots = slots(queue, header.ready[level], list::READY);
        assert_eq!(header.levels >> level & 1 == 1, !slots.is_empty(), "the bit of level {level}");
        assert!(slots.iter().all(|slot| usize::from(queue.entries[usize::from(*slot)].level) == level));
        ready += count(&slots);
    }
    assert_eq!(ready, usize::from(header.ready_count));
    for (list, kind, counted) in [
        (header.delayed, list::DELAYED, header.delayed_count),
        (header.leased, list::LEASED, header.leased_count),
        (header.held, list::HELD, header.held_count),
        (header.dead, list::DEAD, header.dead_count),
    ] {
        assert_eq!(count(&slots(queue, list, kind)), usize::from(counted), "the count of list {kind}");
    }
    let mut at = header.free.head;
    while at != NO_SLOT {
        let entry = &queue.entries[usize::from(at)];
        assert_eq!(entry.list, list::FREE);
        assert!(count(&[at]) == 1 && at < header.slots);
        at = entry.next;
    }
    assert!(seen.iter().all(|times| *times == 1), "every slot is in exactly one list");

    generations.resize(queue.entries.len(), 0);
    for (known, entry) in generations.iter_mut().zip(queue.entries.iter()) {
        assert!(entry.generation >= *known, "generations grow");
        *known = entry.generation;
    }
    let mut used = [0u16; 16];
    let mut leases = [0u16; 12];
    let mut tips = 0;
    for entry in queue.entries.iter().filter(|entry| entry.list != list::FREE) {
        used[usize::from(entry.producer)] += 1;
        tips += entry.tip_lamports;
        if entry.list == list::LEASED {
            leases[usize::from(entry.worker)] += 1;
        }
    }
    assert_eq!(header.producers.map(|producer| producer.used), used);
    assert_eq!(header.workers.map(|worker| worker.leases), leases);
    assert_eq!(header.reserved_tip_lamports, tips, "every promised tip belongs to an entry");
}
