//! What a claim or a dispatch will take next from a queue that is bound to an order.

extern crate alloc;

use super::reader::{EXPIRED_PER_CLAIM, MAX_WALK, PROMOTED_PER_CLAIM, QueueReader};
use super::{Entry, EntryHandle, Epoch, LEVELS, MAX_MEMBERS, NO_BIT, Order, list, queue_flags};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Whether an entry may run, as far as its order is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may.
    Runs,
    /// It waits: for entries that come before it, or for a lease in its chain.
    Waits,
    /// It dies with one that comes before it.
    Dies,
}

/// What the order says of an entry that it counts; `is_leased` if that entry is leased itself.
pub fn turn(order: &Order, bit: u8, epoch: u32, is_leased: bool) -> Turn {
    let own = &order.epochs[(epoch % 2) as usize];
    let older = &order.epochs[((epoch + 1) % 2) as usize];
    let sees_older = epoch == order.epoch;
    let seen = |mask: fn(&Epoch) -> u64| mask(own) | if sees_older { mask(older) } else { 0 };
    let (pending, dead) = (seen(|epoch| epoch.pending_mask), seen(|epoch| epoch.dead_mask));
    let bit = usize::from(bit) % MAX_MEMBERS;
    if own.masks.predecessors[bit] & pending | own.masks.block[bit] & dead != 0 {
        return Turn::Waits;
    }
    if own.masks.cascade[bit] & (dead | seen(|epoch| epoch.given_up_mask)) != 0 {
        return Turn::Dies;
    }
    let chain = own.masks.chain[bit] | older.masks.chain[bit];
    if !is_leased && chain & order.leased_mask != 0 { Turn::Waits } else { Turn::Runs }
}

/// A claim that is only thought of.
struct Thought {
    order: Box<Order>,
    /// Ready entries by level: slot, bit, epoch.
    levels: Vec<VecDeque<(u16, u8, u32)>>,
}

impl Thought {
    fn enter(&mut self, bit: u8) -> u32 {
        let epoch = self.order.epoch;
        let place = &mut self.order.epochs[(epoch % 2) as usize];
        place.pending[usize::from(bit) % MAX_MEMBERS] += 1;
        place.pending_mask |= 1 << bit;
        epoch
    }

    /// An entry that becomes a dead letter is pending no more, and dead where another member looks at it.
    fn die(&mut self, bit: u8, epoch: u32) {
        let holding = self.order.epochs.iter().fold(0, |mask, epoch| mask | epoch.holding_mask);
        let place = &mut self.order.epochs[(epoch % 2) as usize];
        let pending = &mut place.pending[usize::from(bit) % MAX_MEMBERS];
        *pending = pending.saturating_sub(1);
        if *pending == 0 {
            place.pending_mask &= !(1 << bit);
        }
        if holding >> bit & 1 == 1 {
            place.dead_mask |= 1 << bit;
        }
    }

    /// The next entry that does not wait: level and place in it.
    fn next(&self, from_lowest: bool) -> Option<(usize, usize)> {
        let runs = |(_, bit, epoch): &(u16, u8, u32)| turn(&self.order, *bit, *epoch, false) != Turn::Waits;
        let find = |level: usize| self.levels[level].iter().position(runs).map(|place| (level, place));
        if from_lowest { (0..LEVELS).find_map(find) } else { (0..LEVELS).rev().find_map(find) }
    }
}

impl QueueReader {
    /// The handles that a claim of `count` at `now` (unix seconds) leases, in order, from a queue that is bound to this order.
    /// Dead letters are thought to have room.
    pub fn next_claims_under(&self, order: &Order, count: usize, now: i64) -> Vec<EntryHandle> {
        let stamped = |(slot, entry): (u16, &Entry)| (slot, entry.order_bit, entry.order_epoch);
        let levels = (0..LEVELS).map(|level| self.ready(level).into_iter().map(stamped).collect()).collect();
        let mut thought = Thought { order: Box::new(*order), levels };
        for (slot, entry) in self.list(list::DELAYED).into_iter().take(PROMOTED_PER_CLAIM) {
            let is_due = entry.due_at <= now && now <= entry.deadline_at;
            if is_due {
                let (mut bit, mut epoch) = (entry.order_bit, entry.order_epoch);
                if bit == NO_BIT {
                    let class = usize::from(entry.order_class);
                    bit = self.index.map_or(NO_BIT, |index| index.bit_of_class[class % index.bit_of_class.len()]);
                    epoch = thought.enter(bit);
                }
                thought.levels[usize::from(entry.level) % LEVELS].push_back((slot, bit, epoch));
            } else if now > entry.deadline_at && entry.order_bit != NO_BIT {
                thought.die(entry.order_bit, entry.order_epoch);
            }
        }
        let is_strict = self.header.header.state & queue_flags::STRICT != 0;
        let most = if is_strict { usize::from(self.header.leased_count == 0).min(count) } else { count };
        let mut claims = self.header.claims;
        let (mut found, mut removed) = (Vec::new(), 0);
        while found.len() < most {
            let every = u32::from(self.header.lowest_level_every);
            let from_lowest = every != 0 && claims.wrapping_add(1).is_multiple_of(every);
            let Some((level, place)) = thought.next(from_lowest) else { break };
            let Some((slot, bit, epoch)) = thought.levels[level].get(place).copied() else { break };
            let dies = turn(&thought.order, bit, epoch, false) == Turn::Dies;
            if dies || now > self.entries[usize::from(slot)].deadline_at {
                if removed == EXPIRED_PER_CLAIM {
                    break;
                }
                removed += 1;
                thought.die(bit, epoch);
            } else {
                found.extend(self.handle(slot));
                claims = claims.wrapping_add(1);
                thought.order.leased_mask |= 1 << bit;
            }
            thought.levels[level].remove(place);
        }
        found
    }

    /// The handles of which a worker may dispatch any at `now` (unix seconds), if the queue is open and bound to this order, in
    /// order.
    pub fn dispatchable_under(&self, order: &Order, now: i64) -> Vec<EntryHandle> {
        let flags = self.header.header.state;
        if flags & queue_flags::LEASED != 0 {
            return Vec::new();
        }
        let runs = |entry: &Entry| turn(order, entry.order_bit, entry.order_epoch, false) == Turn::Runs;
        let eligible: Vec<(u16, &Entry)> =
            self.list(list::READY).into_iter().filter(|(_, entry)| runs(entry)).collect();
        let lives = |entry: &Entry| now <= entry.deadline_at;
        let window = if flags & queue_flags::STRICT != 0 { 1 } else { usize::from(self.header.eligible_window) };
        let first = eligible.iter().take(MAX_WALK).filter(|(_, entry)| lives(entry)).take(window);
        let mut slots: Vec<u16> = first.map(|(slot, _)| *slot).collect();
        let every = u32::from(self.header.lowest_level_every);
        if every != 0 && self.header.claims.wrapping_add(1).is_multiple_of(every) {
            let lowest = eligible.iter().map(|(_, entry)| entry.level).min();
            let first =
                eligible.iter().find(|(_, entry)| Some(entry.level) == lowest).filter(|(_, entry)| lives(entry));
            slots.extend(first.map(|(slot, _)| *slot).filter(|slot| !slots.contains(slot)));
        }
        slots.into_iter().filter_map(|slot| self.handle(slot)).collect()
    }
}
