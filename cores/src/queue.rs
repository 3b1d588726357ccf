//! Priority queue over the bytes of a queue account.
//!
//! ```text
//!  level 15  head -> [ ] -> [ ] -> tail        every slot of the slab is in exactly one list;
//!  level 14                                    a verb moves links, never entries, so that it costs the same
//!    ...                                       whether the queue is empty or full. `levels` has a bit for each
//!  level  0  head -> [ ] -> tail               level that is not empty: the next entry is the head of the
//!  free      head -> [ ] -> [ ] -> ... tail    list of the highest bit.
//! ```

use shared_layouts::account::{Key, keys_equal};
use shared_layouts::scheduler::{
    Entry, LEVELS, List, NO_SLOT, NO_WORKER, Producer, Queue, SEQUENCE_WINDOW, SchedulerError, list,
};

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
    /// Sequence number given by the producer.
    pub sequence: u64,
    /// Place of the producer in the list.
    pub producer: u8,
    /// Level asked for; `None` for the queue's default.
    pub level: Option<u8>,
    /// Deadline asked for, unix seconds; zero for the latest allowed.
    pub deadline_at: i64,
    /// Capability to run.
    pub capability: &'a Key,
    /// Its version.
    pub capability_version: u32,
    /// Its compute limit, compute units.
    pub compute_limit: u32,
    /// Arguments, at most [`shared_layouts::scheduler::INLINE_ARGUMENTS_BYTES`].
    pub arguments: &'a [u8],
}

impl<'a> QueueMut<'a> {
    /// Splits an account's bytes into header and slab.
    ///
    /// # Errors
    /// `CorruptQueue` if the length does not fit the header's number of slots.
    #[inline(always)]
    pub fn from_parts(header: &'a mut Queue, after_header: &'a mut [u8]) -> Result<Self, SchedulerError> {
        let slab = after_header.get_mut(header.slab_offset() - Queue::BYTES..).ok_or(SchedulerError::CorruptQueue)?;
        let entries = bytemuck::try_cast_slice_mut(slab).map_err(|_| SchedulerError::CorruptQueue)?;
        if entries.len() == usize::from(header.slots) {
            Ok(Self { header, entries })
        } else {
            Err(SchedulerError::CorruptQueue)
        }
    }

    /// Puts every slot from `first_slot` on in front of the free list, the lowest first.
    ///
    /// # Errors
    /// `CorruptQueue`.
    pub fn free_slots_from(&mut self, first_slot: u16) -> Result<(), SchedulerError> {
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
    pub fn enqueue(&mut self, signer: &Key, new: &NewEntry, now: i64) -> Result<Handle, SchedulerError> {
        let default_level = self.header.default_level;
        let deadline_at = deadline(new.deadline_at, self.header.max_deadline_seconds, now)?;
        let producer = self
            .header
            .producers
            .get_mut(usize::from(new.producer))
            .filter(|producer| producer.active == 1 && keys_equal(&producer.key, signer))
            .ok_or(SchedulerError::NotProducer)?;
        let level = match new.level {
            None => default_level.min(producer.max_level),
            Some(level) if level <= producer.max_level => level,
            Some(_) => return Err(SchedulerError::LevelTooHigh),
        };
        let sequence = next_window(producer, new.sequence)?;
        if producer.used >= producer.quota {
            return Err(SchedulerError::ProducerQuota);
        }
        let slot = self.header.free.head;
        if slot == NO_SLOT {
            return Err(SchedulerError::QueueFull);
        }
        let ready = self.header.ready.get_mut(usize::from(level)).ok_or(SchedulerError::LevelTooHigh)?;
        if new.arguments.len() > self.entries[0].arguments.len() {
            return Err(SchedulerError::WrongArgumentsLength);
        }

        (producer.last_sequence, producer.sequence_window) = sequence;
        producer.used += 1;
        let entry = entry_mut(self.entries, slot)?;
        self.header.free.head = entry.next;
        entry.generation = entry.generation.wrapping_add(1);
        entry.list = list::READY;
        entry.level = level;
        entry.flags = 0;
        entry.producer = new.producer;
        entry.attempts = 0;
        entry.worker = NO_WORKER;
        entry.reason = 0;
        entry.capability = *new.capability;
        entry.capability_version = new.capability_version;
        entry.compute_limit = new.compute_limit;
        entry.sequence = new.sequence;
        entry.waiting_since = now;
        entry.deadline_at = deadline_at;
        entry.arguments_bytes = new.arguments.len() as u16;
        entry.arguments[..new.arguments.len()].copy_from_slice(new.arguments);
        let handle = Handle { slot, generation: entry.generation };

        push_tail(ready, self.entries, slot)?;
        self.header.levels |= 1 << level;
        self.header.ready_count += 1;
        self.header.enqueued += 1;
        self.header.last_slot = slot;
        self.header.last_generation = handle.generation;
        Ok(handle)
    }

    /// The ready entry that `handle` names, if its deadline has not passed.
    ///
    /// # Errors
    /// `StaleHandle`, `WrongList`, `DeadlinePassed`.
    #[inline(always)]
    pub fn ready_entry(&self, handle: Handle, now: i64) -> Result<&Entry, SchedulerError> {
        let entry = self.entries.get(usize::from(handle.slot)).ok_or(SchedulerError::StaleHandle)?;
        if entry.generation != handle.generation || entry.list == list::FREE {
            return Err(SchedulerError::StaleHandle);
        }
        if entry.list != list::READY {
            return Err(SchedulerError::WrongList);
        }
        if now > entry.deadline_at {
            return Err(SchedulerError::DeadlinePassed);
        }
        Ok(entry)
    }

    /// Whether `slot` is among the first `window` ready entries in strict order.
    #[inline(always)]
    pub fn is_among_first(&self, slot: u16, window: u8) -> bool {
        let highest = LEVELS - 1 - (self.header.levels.leading_zeros() as usize).min(LEVELS - 1);
        if self.header.ready[highest].head == slot {
            return true;
        }
        self.is_among_next(slot, window, highest)
    }

    #[inline(never)]
    fn is_among_next(&self, slot: u16, window: u8, highest: usize) -> bool {
        let mut left = window;
        for level in (0..=highest).rev() {
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
    pub fn finish_ready(&mut self, slot: u16, now: i64) -> Result<(), SchedulerError> {
        let corrupt = SchedulerError::CorruptQueue;
        let entry = entry_mut(self.entries, slot)?;
        entry.list = list::FREE;
        let level = usize::from(entry.level);
        let waited = now.saturating_sub(entry.waiting_since).max(0) as u64;
        let compute_limit = u64::from(entry.compute_limit);
        let producer = self.header.producers.get_mut(usize::from(entry.producer)).ok_or(corrupt)?;
        producer.used = producer.used.checked_sub(1).ok_or(corrupt)?;

        let ready = self.header.ready.get_mut(level).ok_or(corrupt)?;
        unlink(ready, self.entries, slot)?;
        if ready.head == NO_SLOT {
            self.header.levels &= !(1 << level);
        }
        push_free(&mut self.header.free, self.entries, slot)?;
        self.header.ready_count = self.header.ready_count.checked_sub(1).ok_or(corrupt)?;
        self.header.dispatched += 1;
        self.header.waiting_seconds = self.header.waiting_seconds.saturating_add(waited);
        self.header.waits += 1;
        self.header.reserved_compute_units = self.header.reserved_compute_units.saturating_add(compute_limit);
        Ok(())
    }
}

/// Resolves a deadline asked for against the queue's limit.
#[inline(always)]
fn deadline(asked: i64, max_seconds: u32, now: i64) -> Result<i64, SchedulerError> {
    let latest = if max_seconds == 0 { i64::MAX } else { now.saturating_add(i64::from(max_seconds)) };
    match asked {
        0 => Ok(latest),
        asked if asked > now && asked <= latest => Ok(asked),
        _ => Err(SchedulerError::WrongDeadline),
    }
}

/// The producer's highest sequence number and window after `sequence` was used.
#[inline(always)]
fn next_window(producer: &Producer, sequence: u64) -> Result<(u64, u64), SchedulerError> {
    if sequence > producer.last_sequence {
        let ahead = sequence - producer.last_sequence;
        let window = if ahead < SEQUENCE_WINDOW { producer.sequence_window << ahead | 1 } else { 1 };
        return Ok((sequence, window));
    }
    let behind = producer.last_sequence - sequence;
    if behind >= SEQUENCE_WINDOW || producer.sequence_window >> behind & 1 == 1 {
        return Err(SchedulerError::SequenceUsed);
    }
    Ok((producer.last_sequence, producer.sequence_window | 1 << behind))
}

#[inline(always)]
fn entry_mut(entries: &mut [Entry], slot: u16) -> Result<&mut Entry, SchedulerError> {
    entries.get_mut(usize::from(slot)).ok_or(SchedulerError::CorruptQueue)
}

#[inline(always)]
fn push_tail(list: &mut List, entries: &mut [Entry], slot: u16) -> Result<(), SchedulerError> {
    let entry = entry_mut(entries, slot)?;
    entry.next = NO_SLOT;
    entry.previous = list.tail;
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
fn push_free(free: &mut List, entries: &mut [Entry], slot: u16) -> Result<(), SchedulerError> {
    entry_mut(entries, slot)?.next = free.head;
    free.head = slot;
    Ok(())
}

#[inline(always)]
fn unlink(list: &mut List, entries: &mut [Entry], slot: u16) -> Result<(), SchedulerError> {
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
