//! What must hold for the bytes of any bound queue between two instructions.

use cores::queue::OrderedMut;
use shared_layouts::scheduler::{
    Entry, LEVELS, List, NO_BIT, NO_CLASS, NO_SLOT, ORDER_CLASSES, ORDER_LANES, ORDERED_QUEUE, list,
};

/// The slots of a list in order, its links checked both ways.
fn slots(entries: &[Entry], list: List, kind: u8) -> Vec<usize> {
    let mut slots = Vec::new();
    let (mut at, mut previous) = (list.head, NO_SLOT);
    while at != NO_SLOT {
        let entry = &entries[usize::from(at)];
        assert_eq!((entry.list, entry.previous), (kind, previous), "slot {at}");
        slots.push(usize::from(at));
        assert!(slots.len() <= entries.len(), "a list has no cycle");
        (previous, at) = (at, entry.next);
    }
    assert_eq!(list.tail, previous, "the tail is the last slot");
    slots
}

/// Every slot is in exactly one list, each ready one in the lane of its member and epoch; counts and bits are true.
pub fn check(queue: &OrderedMut) {
    let (header, index, entries) = (&*queue.header, &*queue.index, &*queue.entries);
    assert_eq!(header.header.discriminator, ORDERED_QUEUE, "nobody was left with what was lent");
    let mut seen = lanes(queue);
    assert_eq!(seen.len(), usize::from(header.ready_count));
    for (kind_list, kind, count) in [
        (header.delayed, list::DELAYED, header.delayed_count),
        (header.leased, list::LEASED, header.leased_count),
        (header.held, list::HELD, header.held_count),
        (header.dead, list::DEAD, header.dead_count),
    ] {
        let slots = slots(entries, kind_list, kind);
        assert_eq!(slots.len(), usize::from(count), "the count of list {kind}");
        seen.extend(slots);
    }
    let mut at = header.free.head;
    while at != NO_SLOT {
        assert_eq!(entries[usize::from(at)].list, list::FREE);
        seen.push(usize::from(at));
        assert!(seen.len() <= entries.len(), "the free list has no cycle");
        at = entries[usize::from(at)].next;
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..entries.len()).collect::<Vec<_>>(), "every slot is in exactly one list");

    let used = entries.iter().filter(|entry| entry.list != list::FREE);
    let mut of_class = [0u16; ORDER_CLASSES];
    for entry in used.clone() {
        of_class[usize::from(entry.order_class)] += 1;
        let bit = index.bit_of_class[usize::from(entry.order_class)];
        assert_eq!(queue.order.members[usize::from(bit)].capability, entry.capability, "its class says whose it is");
        assert!(entry.order_bit == NO_BIT || entry.order_bit == bit);
    }
    assert_eq!(index.class_used, of_class);
    for (bit, class) in index.class_of_bit.iter().enumerate().filter(|(_, class)| **class != NO_CLASS) {
        assert_eq!(usize::from(index.bit_of_class[usize::from(*class)]), bit);
        assert!(index.class_used[usize::from(*class)] > 0, "a class without entries is free");
    }
    let leases = used.clone().filter(|entry| entry.list == list::LEASED);
    assert_eq!(usize::from(header.workers[0].leases), leases.count());
    assert_eq!(usize::from(header.producers[0].used), used.count());
}

/// The ready entries, lane by lane.
fn lanes(queue: &OrderedMut) -> Vec<usize> {
    let (header, index, entries) = (&*queue.header, &*queue.index, &*queue.entries);
    let mut seen = Vec::new();
    for level in 0..LEVELS {
        for lane in 0..ORDER_LANES {
            let slots = slots(entries, index.ready[level * ORDER_LANES + lane], list::READY);
            assert_eq!(index.level_lanes[level] >> lane & 1 == 1, !slots.is_empty(), "lane {lane} of level {level}");
            let mut last = None;
            for entry in slots.iter().map(|slot| &entries[*slot]) {
                assert_eq!((usize::from(entry.level), usize::from(entry.order_class)), (level, lane / 2));
                assert_eq!(entry.order_epoch as usize % 2, lane % 2);
                assert_ne!(entry.order_bit, NO_BIT, "what is ready is counted");
                assert!(last < Some(entry.order_serial) && entry.order_serial < index.next_serial);
                last = Some(entry.order_serial);
            }
            seen.extend(slots);
        }
        assert_eq!(header.levels >> level & 1 == 1, index.level_lanes[level] != 0, "the bit of level {level}");
        assert_eq!((header.ready[level].head, header.ready[level].tail), (NO_SLOT, NO_SLOT), "nothing is lent");
    }
    let serials: std::collections::BTreeSet<u64> = seen.iter().map(|slot| entries[*slot].order_serial).collect();
    assert_eq!(serials.len(), seen.len(), "no two have one serial");
    seen
}
