//! Reads a queue off chain: its lists, and what a claim or a dispatch will take next.

extern crate alloc;

use super::{
    Entry, EntryHandle, LEVELS, List, NO_SLOT, ORDER_LANES, ORDERED_QUEUE, OrderIndex, Queue, list, queue_flags,
};
use crate::account::{AccountLayout, load};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use solana_program_error::ProgramError;

/// Delayed entries that a claim looks at on its way.
pub(super) const PROMOTED_PER_CLAIM: usize = 2;
/// Entries past their deadline that a claim takes out of its way.
pub(super) const EXPIRED_PER_CLAIM: usize = 8;
/// Ready entries that a dispatch from an open queue walks over.
pub(super) const MAX_WALK: usize = 64;

/// A queue's account, parsed.
#[derive(Clone, Debug)]
pub struct QueueReader {
    /// Header.
    pub header: Queue,
    /// Ready lists of a queue that is bound to an order.
    pub index: Option<OrderIndex>,
    /// Slots.
    pub entries: Vec<Entry>,
}

impl QueueReader {
    /// Parses the data of a queue's account, whatever its alignment.
    ///
    /// # Errors
    /// `InvalidAccountData` if it is no queue, or its length is not that of its slots.
    pub fn parse(data: &[u8]) -> Result<Self, ProgramError> {
        let fixed = data.get(..Queue::BYTES).ok_or(ProgramError::InvalidAccountData)?;
        let header: Queue = bytemuck::pod_read_unaligned(fixed);
        let mut kind = header;
        if header.header.discriminator == ORDERED_QUEUE {
            kind.header.discriminator = Queue::DISCRIMINATOR;
        }
        // `load` says whether kind and version are right; it wants aligned bytes, which a copy of the header has.
        load::<Queue>(bytemuck::bytes_of(&kind))?;
        let slab = data.get(header.slab_offset()..).ok_or(ProgramError::InvalidAccountData)?;
        if slab.len() != usize::from(header.slots) * Entry::BYTES {
            return Err(ProgramError::InvalidAccountData);
        }
        let entries = slab.chunks_exact(Entry::BYTES).map(bytemuck::pod_read_unaligned).collect();
        let is_ordered = header.header.state & queue_flags::ORDERED != 0;
        let index =
            is_ordered.then(|| bytemuck::pod_read_unaligned(&data[Queue::BYTES..Queue::BYTES + OrderIndex::BYTES]));
        Ok(Self { header, index, entries })
    }

    /// The entries of a list (`scheduler::list`) with their slots, in order; ready ones from the highest level on.
    pub fn list(&self, kind: u8) -> Vec<(u16, &Entry)> {
        let one = |list: List| self.chain(list);
        match kind {
            list::READY => (0..LEVELS).rev().flat_map(|level| self.ready(level)).collect(),
            list::DELAYED => one(self.header.delayed),
            list::LEASED => one(self.header.leased),
            list::HELD => one(self.header.held),
            list::DEAD => one(self.header.dead),
            _ => one(self.header.free),
        }
    }

    /// The entry that a handle names.
    pub fn entry(&self, handle: EntryHandle) -> Option<&Entry> {
        let entry = self.entries.get(usize::from(handle.slot))?;
        (entry.generation == handle.generation && entry.list != list::FREE).then_some(entry)
    }

    /// The handle of a slot's entry.
    pub fn handle(&self, slot: u16) -> Option<EntryHandle> {
        let generation = self.entries.get(usize::from(slot))?.generation;
        Some(EntryHandle { generation, slot, reserved: [0; 2] })
    }

    /// The handles that a claim of `count` at `now` (unix seconds) leases, in order; for a queue that is bound to an order see
    /// [`Self::next_claims_under`].
    pub fn next_claims(&self, count: usize, now: i64) -> Vec<EntryHandle> {
        let mut levels: Vec<VecDeque<u16>> = (0..LEVELS).map(|level| self.slots(self.header.ready[level])).collect();
        for slot in self.slots(self.header.delayed).into_iter().take(PROMOTED_PER_CLAIM) {
            let entry = &self.entries[usize::from(slot)];
            if entry.due_at <= now && now <= entry.deadline_at {
                levels[usize::from(entry.level) % LEVELS].push_back(slot);
            }
        }
        let is_strict = self.header.header.state & queue_flags::STRICT != 0;
        let most = if is_strict { usize::from(self.header.leased_count == 0).min(count) } else { count };
        let mut claims = self.header.claims;
        let (mut found, mut expired) = (Vec::new(), 0);
        while found.len() < most {
            let every = u32::from(self.header.lowest_level_every);
            let serves_lowest = every != 0 && claims.wrapping_add(1).is_multiple_of(every);
            let mut filled = (0..LEVELS).filter(|level| !levels[*level].is_empty());
            let Some(level) = (if serves_lowest { filled.next() } else { filled.next_back() }) else { break };
            let Some(slot) = levels[level].front().copied() else { break };
            if now > self.entries[usize::from(slot)].deadline_at {
                if expired == EXPIRED_PER_CLAIM {
                    break;
                }
                expired += 1;
            } else {
                found.extend(self.handle(slot));
                claims = claims.wrapping_add(1);
            }
            levels[level].pop_front();
        }
        found
    }

    /// The handles of which a worker may dispatch any at `now` (unix seconds), if the queue is open, in order; for a queue that
    /// is bound to an order see [`Self::dispatchable_under`].
    pub fn dispatchable(&self, now: i64) -> Vec<EntryHandle> {
        let flags = self.header.header.state;
        if flags & queue_flags::LEASED != 0 {
            return Vec::new();
        }
        let window = if flags & queue_flags::STRICT != 0 { 1 } else { usize::from(self.header.eligible_window) };
        let lives = |slot: &u16| now <= self.entries[usize::from(*slot)].deadline_at;
        let ready: Vec<u16> = self.list(list::READY).into_iter().map(|(slot, _)| slot).collect();
        let mut slots: Vec<u16> = ready.iter().copied().take(MAX_WALK).filter(lives).take(window).collect();
        let every = u32::from(self.header.lowest_level_every);
        if every != 0 && self.header.claims.wrapping_add(1).is_multiple_of(every) {
            let lowest = self.header.ready.iter().find(|list| list.head != NO_SLOT).map(|list| list.head);
            slots.extend(lowest.filter(lives).filter(|slot| !slots.contains(slot)));
        }
        slots.into_iter().filter_map(|slot| self.handle(slot)).collect()
    }

    /// The ready entries of a level, in the order in which they became ready.
    pub(super) fn ready(&self, level: usize) -> Vec<(u16, &Entry)> {
        let Some(index) = &self.index else { return self.chain(self.header.ready[level]) };
        let lanes = &index.ready[level * ORDER_LANES..][..ORDER_LANES];
        let mut found: Vec<_> = lanes.iter().flat_map(|lane| self.chain(*lane)).collect();
        found.sort_by_key(|(_, entry)| entry.order_serial);
        found
    }

    fn slots(&self, list: List) -> VecDeque<u16> {
        self.chain(list).into_iter().map(|(slot, _)| slot).collect()
    }

    /// The slots from a list's head on; at most as many as there are, should the account's links be wrong.
    fn chain(&self, list: List) -> Vec<(u16, &Entry)> {
        let mut found = Vec::new();
        let mut at = list.head;
        while let Some(entry) = self.entries.get(usize::from(at)).filter(|_| found.len() < self.entries.len()) {
            found.push((at, entry));
            at = entry.next;
        }
        found
    }
}
