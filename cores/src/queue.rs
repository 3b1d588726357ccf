//! Priority queue over the bytes of a queue account.
//!
//! ```text
//!  level 15  head -> [ ] -> [ ] -> tail        every slot of the slab is in exactly one list;
//!  level 14                                    a verb moves links, never entries, so that it costs the same
//!    ...                                       whether the queue is empty or full. `levels` has a bit for each
//!  level  0  head -> [ ] -> tail               level that is not empty: the next entry is the head of the
//!  free      head -> [ ] -> [ ] -> ... tail    list of the highest bit.
//! ```

mod refusal;

pub use refusal::Refusal;

use crate::refuse;
use shared_layouts::account::{Key, keys_equal, total_bytes};
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{
    DEFAULT_LEVEL, Entry, INLINE_ARGUMENTS_BYTES, LEVELS, List, NO_SLOT, NO_WORKER, Producer, Queue, SEQUENCE_WINDOW,
    enqueue, list,
};
use solana_program_error::ProgramError;

/// Keeps an index of a level inside its array, where the level is known to be below 16.
const LEVEL_MASK: u8 = 15;
const _: () = assert!(LEVEL_MASK as usize + 1 == LEVELS);

/// A queue's header and slab, borrowed from its account.
#[derive(Debug)]
pub struct QueueMut<'a> {
    /// Header.
    pub header: &'a mut Queue,
    /// Slots.
    pub entries: &'a mut [Entry],
}

/// Names an entry for as long as its generation lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    /// Slot.
    pub slot: u16,
    /// Generation.
    pub generation: u32,
}

/// What is queued.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// What the producer asks for.
    pub request: &'a enqueue::Data,
    /// Key of the capability to run.
    pub capability_key: &'a Key,
    /// The capability.
    pub capability: &'a Capability,
    /// Arguments.
    pub arguments: &'a [u8],
}

impl<'a> QueueMut<'a> {
    /// Splits an account's bytes into header and slab.
    ///
    /// # Errors
    /// `InvalidAccountData` if it is no queue; `CorruptQueue` if the length does not fit the header's number of slots.
    #[inline(always)]
    // `load_mut` checked the alignment of the account, and the offset is a multiple of it.
    #[allow(clippy::cast_ptr_alignment)]
    pub fn load(bytes: &'a mut [u8]) -> Result<Self, Refusal> {
        let all_bytes = bytes.len();
        let (header, slab) = bytes.split_at_mut_checked(Queue::BYTES).ok_or(ProgramError::InvalidAccountData)?;
        let header: &mut Queue = shared_layouts::load_mut(header)?;
        let slots = usize::from(header.slots);
        let slab_offset = header.slab_offset();
        if all_bytes != slab_offset + total_bytes(slots, Entry::BYTES) {
            return Err(refuse!(CorruptQueue));
        }
        // SAFETY: the slab begins inside the account, as the sum just proved, at a multiple of the alignment.
        let first = unsafe { slab.as_mut_ptr().add(slab_offset - Queue::BYTES) };
        // SAFETY: that many entries fill the account to its end; any bytes are an entry; header and slab do not overlap.
        let entries = unsafe { core::slice::from_raw_parts_mut(first.cast::<Entry>(), slots) };
        Ok(Self { header, entries })
    }

    /// Puts every slot from `first_slot` on in front of the free list, the lowest first.
    ///
    /// # Errors
    /// `CorruptQueue`.
    pub fn free_slots_from(&mut self, first_slot: u16) -> Result<(), Refusal> {
        for slot in (first_slot..self.header.slots).rev() {
            push_free(&mut self.header.free, self.entries, slot)?;
        }
        Ok(())
    }

    /// Queues an entry as ready, at the tail of its level.
    ///
    /// # Errors
    /// `NotProducer`, `SequenceUsed`, `ProducerQuota`, `LevelTooHigh`, `WrongDeadline`, `WrongArgumentsLength`,
    /// `QueueFull`; nothing has changed then.
    #[inline(always)]
    pub fn enqueue(&mut self, signer: &Key, new: &NewEntry, now: i64) -> Result<Handle, Refusal> {
        let request = new.request;
        let producer = self
            .header
            .producers
            .get_mut(usize::from(request.producer_index))
            .filter(|producer| producer.active == 1 && keys_equal(&producer.key, signer))
            .ok_or_else(|| refuse!(NotProducer))?;
        if producer.used >= producer.quota {
            return Err(refuse!(ProducerQuota));
        }
        let level = if request.level == DEFAULT_LEVEL {
            self.header.default_level.min(producer.max_level)
        } else {
            request.level
        };
        // A producer's highest level is at most 15, so the mask below changes nothing.
        if level > producer.max_level {
            return Err(refuse!(LevelTooHigh));
        }
        let length_fits = new.arguments.len() >= usize::from(new.capability.arguments_bytes_min)
            && new.arguments.len() <= usize::from(new.capability.arguments_bytes_max)
            && new.arguments.len() <= INLINE_ARGUMENTS_BYTES;
        if !length_fits {
            return Err(refuse!(WrongArgumentsLength));
        }
        let slot = self.header.free.head;
        if slot == NO_SLOT {
            return Err(refuse!(QueueFull));
        }
        let deadline_at = deadline(request.deadline_at, self.header.max_deadline_seconds, now)?;
        if usize::from(slot) >= self.entries.len() {
            return Err(refuse!(CorruptQueue));
        }
        use_sequence(producer, request.sequence)?;

        producer.used = producer.used.wrapping_add(1);
        push_tail(&mut self.header.ready[usize::from(level & LEVEL_MASK)], self.entries, slot)?;
        let entry = entry_mut(self.entries, slot)?;
        self.header.free.head = entry.next;
        entry.next = NO_SLOT;
        let generation = entry.generation.wrapping_add(1);
        entry.generation = generation;
        entry.list = list::READY;
        entry.level = level;
        entry.flags = 0;
        entry.producer = request.producer_index;
        entry.attempts = 0;
        entry.worker = NO_WORKER;
        entry.reason = 0;
        entry.capability = *new.capability_key;
        entry.capability_version = new.capability.capability_version;
        entry.compute_limit = new.capability.compute_limit;
        entry.sequence = request.sequence;
        entry.waiting_since = now;
        entry.deadline_at = deadline_at;
        entry.arguments_bytes = bounded_u16(new.arguments.len());
        entry.arguments[..new.arguments.len()].copy_from_slice(new.arguments);

        self.header.levels |= 1 << (level & LEVEL_MASK);
        self.header.ready_count = self.header.ready_count.wrapping_add(1);
        self.header.enqueued = self.header.enqueued.wrapping_add(1);
        self.header.last_slot = slot;
        self.header.last_generation = generation;
        Ok(Handle { slot, generation })
    }

    /// The ready entry that `handle` names, if its deadline has not passed.
    ///
    /// # Errors
    /// `StaleHandle`, `WrongList`, `DeadlinePassed`.
    #[inline(always)]
    pub fn ready_entry(&self, handle: Handle, now: i64) -> Result<&Entry, Refusal> {
        let entry = self.entries.get(usize::from(handle.slot)).ok_or_else(|| refuse!(StaleHandle))?;
        if entry.generation != handle.generation || entry.list == list::FREE {
            return Err(refuse!(StaleHandle));
        }
        if entry.list != list::READY {
            return Err(refuse!(WrongList));
        }
        if now > entry.deadline_at {
            return Err(refuse!(DeadlinePassed));
        }
        Ok(entry)
    }

    /// Whether the ready entry at `slot` is among the first `window` in strict order.
    #[inline(always)]
    pub fn is_among_first(&self, slot: u16, window: u8) -> bool {
        let Some(entry) = self.entries.get(usize::from(slot)) else { return false };
        // The head of the highest level that is not empty.
        if entry.previous == NO_SLOT && self.header.levels >> (entry.level & LEVEL_MASK) == 1 {
            return true;
        }
        self.is_among_next(slot, window)
    }

    #[inline(never)]
    fn is_among_next(&self, slot: u16, window: u8) -> bool {
        let mut left = window;
        for level in (0..LEVELS).rev() {
            let mut at = self.header.ready[level].head;
            while at != NO_SLOT && left > 0 {
                if at == slot {
                    return true;
                }
                left -= 1;
                let Some(entry) = self.entries.get(usize::from(at)) else { return false };
                at = entry.next;
            }
        }
        false
    }

    /// Takes a ready entry out for good: it was dispatched.
    ///
    /// # Errors
    /// `CorruptQueue`.
    #[inline(always)]
    pub fn finish_ready(&mut self, slot: u16, now: i64) -> Result<(), Refusal> {
        let entry = entry_mut(self.entries, slot)?;
        entry.list = list::FREE;
        let level = usize::from(entry.level);
        // A clock that went backwards counts as no wait.
        let waited = if now > entry.waiting_since { now.wrapping_sub(entry.waiting_since).cast_unsigned() } else { 0 };
        let compute_limit = u64::from(entry.compute_limit);
        let producer =
            self.header.producers.get_mut(usize::from(entry.producer)).ok_or_else(|| refuse!(CorruptQueue))?;
        producer.used = producer.used.wrapping_sub(1);

        let ready = self.header.ready.get_mut(level).ok_or_else(|| refuse!(CorruptQueue))?;
        unlink(ready, self.entries, slot)?;
        if ready.head == NO_SLOT {
            self.header.levels &= !(1 << level);
        }
        push_free(&mut self.header.free, self.entries, slot)?;
        // Counters of 64 bits do not reach their end; those of lists are at most the number of slots, and not zero here.
        self.header.ready_count = self.header.ready_count.wrapping_sub(1);
        self.header.dispatched = self.header.dispatched.wrapping_add(1);
        self.header.waiting_seconds = self.header.waiting_seconds.wrapping_add(waited);
        self.header.waits = self.header.waits.wrapping_add(1);
        self.header.reserved_compute_units = self.header.reserved_compute_units.wrapping_add(compute_limit);
        Ok(())
    }
}

/// Resolves a deadline asked for against the queue's limit. The runtime's clock is far from the end of its range.
#[inline(always)]
fn deadline(asked: i64, max_seconds: u32, now: i64) -> Result<i64, Refusal> {
    let latest = if max_seconds == 0 { i64::MAX } else { now.wrapping_add(i64::from(max_seconds)) };
    if asked == 0 {
        return Ok(latest);
    }
    if asked > now && asked <= latest { Ok(asked) } else { Err(refuse!(WrongDeadline)) }
}

/// Marks a sequence number as used, if it was not.
#[inline(always)]
fn use_sequence(producer: &mut Producer, sequence: u64) -> Result<(), Refusal> {
    if sequence > producer.last_sequence {
        let ahead = sequence.wrapping_sub(producer.last_sequence);
        let window = if ahead < SEQUENCE_WINDOW { producer.sequence_window << ahead } else { 0 };
        producer.sequence_window = window | 1;
        producer.last_sequence = sequence;
        return Ok(());
    }
    let behind = producer.last_sequence.wrapping_sub(sequence);
    if behind >= SEQUENCE_WINDOW || producer.sequence_window >> behind & 1 == 1 {
        return Err(refuse!(SequenceUsed));
    }
    producer.sequence_window |= 1 << behind;
    Ok(())
}

/// A number known to be small.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn bounded_u16(number: usize) -> u16 {
    number as u16
}

#[inline(always)]
fn entry_mut(entries: &mut [Entry], slot: u16) -> Result<&mut Entry, Refusal> {
    entries.get_mut(usize::from(slot)).ok_or_else(|| refuse!(CorruptQueue))
}

#[inline(always)]
fn push_tail(list: &mut List, entries: &mut [Entry], slot: u16) -> Result<(), Refusal> {
    entry_mut(entries, slot)?.previous = list.tail;
    if list.tail == NO_SLOT {
        list.head = slot;
    } else {
        entry_mut(entries, list.tail)?.next = slot;
    }
    list.tail = slot;
    Ok(())
}

/// The free list is a stack: which free slot comes next does not matter, so it needs neither `previous` nor a tail.
#[inline(always)]
fn push_free(free: &mut List, entries: &mut [Entry], slot: u16) -> Result<(), Refusal> {
    entry_mut(entries, slot)?.next = free.head;
    free.head = slot;
    Ok(())
}

#[inline(always)]
fn unlink(list: &mut List, entries: &mut [Entry], slot: u16) -> Result<(), Refusal> {
    let entry = entry_mut(entries, slot)?;
    let (previous, next) = (entry.previous, entry.next);
    if previous == NO_SLOT {
        list.head = next;
    } else {
        entry_mut(entries, previous)?.next = next;
    }
    if next == NO_SLOT {
        list.tail = previous;
    } else {
        entry_mut(entries, next)?.previous = previous;
    }
    Ok(())
}
