//! Enqueue: what a producer, or the shard's owner in its place, puts into the queue.

use core::mem::offset_of;

use super::links::{entry_mut, push_tail};
use super::{Handle, LEVEL_MASK, QueueMut, Refusal};
use crate::refuse;
use shared_layouts::account::{Key, keys_equal};
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{
    DEFAULT_LEVEL, Entry, INLINE_ARGUMENTS_BYTES, NO_LEVEL, NO_SLOT, NO_WORKER, Producer, Queue, SEQUENCE_WINDOW,
    enqueue, entry_flags, list, queue_flags,
};

/// Latest start of an entry, seconds from now: about 136 years.
const MAX_DELAY_SECONDS: i64 = u32::MAX as i64;

/// What is queued.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// What the producer asks for.
    pub request: &'a enqueue::Data,
    /// Key of the capability to run.
    pub capability_key: &'a Key,
    /// The capability.
    pub capability: &'a Capability,
    /// Arguments, or what they are committed to: length (u16) and SHA-256.
    pub arguments: &'a [u8],
    /// Lamports of the queue's account above its rent; read only if the request has a tip.
    pub purse_lamports: u64,
}

impl QueueMut<'_> {
    /// Queues an entry: as ready at the tail of its level, or as delayed if its time has not come.
    ///
    /// # Errors
    /// `NotProducer`, `ProducerQuota`, `LevelTooHigh`, `WrongArgumentsLength`, `QueueFull`, `WrongTime`, `WrongDeadline`,
    /// `WrongFlags`, `TipNotCovered`, `SequenceUsed`; nothing has changed then.
    pub fn enqueue(&mut self, producer: &Key, new: &NewEntry, now: i64) -> Result<Handle, Refusal> {
        if is_plain(new.request) {
            self.enqueue_plain(producer, new, now)
        } else {
            self.enqueue_any(Some(producer), new, now)
        }
    }

    /// [`Self::enqueue`] of an entry that [`is_plain`] says to be plain.
    ///
    /// # Errors
    /// As `enqueue`.
    #[inline(always)]
    pub fn enqueue_plain(&mut self, producer: &Key, new: &NewEntry, now: i64) -> Result<Handle, Refusal> {
        let (handle, level) = self.write_plain(producer, new, NO_LEVEL, now)?;
        let slot = handle.slot;
        push_tail(&mut self.header.ready[usize::from(level & LEVEL_MASK)], self.entries, slot)?;
        self.header.levels |= 1 << (level & LEVEL_MASK);
        self.count_plain(slot)?;
        Ok(handle)
    }

    /// Counts a plain entry as ready, and gives it the queue's policy.
    #[inline(always)]
    pub(super) fn count_plain(&mut self, slot: u16) -> Result<(), Refusal> {
        self.header.ready_count = self.header.ready_count.wrapping_add(1);
        if self.header.header.state & queue_flags::LEASED != 0 {
            snapshot_policy(self.header, entry_mut(self.entries, slot)?);
        }
        Ok(())
    }

    /// [`Self::enqueue_plain`] but for the list that the entry goes into. Returns its level, too, which is `own_level` where the
    /// request leaves it open, unless that is `NO_LEVEL`.
    #[inline(always)]
    pub(super) fn write_plain(
        &mut self,
        producer: &Key,
        new: &NewEntry,
        own_level: u8,
        now: i64,
    ) -> Result<(Handle, u8), Refusal> {
        let (slot, level) = self.admit(Some(producer), new.request, own_level)?;
        check_length(new.arguments.len(), new.capability)?;
        let handle = self.write_common(slot, level, new, now)?;
        let entry = entry_mut(self.entries, slot)?;
        entry.flags = 0;
        entry.due_at = 0;
        entry.tip_lamports = 0;
        entry.interval_seconds = 0;
        entry.arguments_bytes = bounded_u16(new.arguments.len());
        entry.arguments[..new.arguments.len()].copy_from_slice(new.arguments);
        entry.list = list::READY;
        entry.next = NO_SLOT;
        Ok((handle, level))
    }

    /// [`Self::enqueue`] of any entry. Without a producer's key the caller has checked that the shard's owner restores it.
    ///
    /// # Errors
    /// As `enqueue`.
    #[inline(never)]
    pub fn enqueue_any(&mut self, producer: Option<&Key>, new: &NewEntry, now: i64) -> Result<Handle, Refusal> {
        let (slot, level) = self.admit(producer, new.request, NO_LEVEL)?;
        let start_at = self.check_extras(new, now)?;
        let handle = self.write_common(slot, level, new, start_at)?;
        snapshot_policy(self.header, entry_mut(self.entries, slot)?);
        let request = new.request;
        let entry = entry_mut(self.entries, slot)?;
        entry.flags = request.flags;
        entry.due_at = start_at;
        entry.tip_lamports = request.tip_lamports;
        entry.interval_seconds = request.interval_seconds;
        entry.runs_left = if request.runs == u32::MAX { u32::MAX } else { request.runs.saturating_sub(1) };
        let mut arguments = new.arguments;
        entry.arguments_bytes = bounded_u16(arguments.len());
        if request.flags & entry_flags::COMMITTED != 0
            && let Some((length, hash)) = arguments.split_first_chunk()
        {
            entry.arguments_bytes = u16::from_le_bytes(*length);
            arguments = hash;
        }
        // The length was checked, or is that of a hash. Copying nothing would cost as much as copying all.
        if let Some(place) = entry.arguments.get_mut(..arguments.len())
            && !arguments.is_empty()
        {
            place.copy_from_slice(arguments);
        }
        // The sum was checked against the purse.
        self.header.reserved_tip_lamports = self.header.reserved_tip_lamports.wrapping_add(request.tip_lamports);
        self.attach(slot, if start_at > now { list::DELAYED } else { list::READY })?;
        Ok(handle)
    }

    /// Checks who enqueues, at which level, and whether there is room. Returns the slot and the level.
    #[inline(always)]
    fn admit(&self, key: Option<&Key>, request: &enqueue::Data, own_level: u8) -> Result<(u16, u8), Refusal> {
        let producer = self
            .header
            .producers
            .get(usize::from(request.producer_index))
            .filter(|producer| producer.active == 1 && key.is_none_or(|key| keys_equal(&producer.key, key)))
            .ok_or_else(|| refuse!(NotProducer))?;
        if producer.used >= producer.quota {
            return Err(refuse!(ProducerQuota));
        }
        let level = if request.level == DEFAULT_LEVEL {
            let level = if own_level == NO_LEVEL { self.header.default_level } else { own_level };
            level.min(producer.max_level)
        } else {
            request.level
        };
        // A producer's highest level is at most 15, so masks of the level change nothing.
        if level > producer.max_level {
            return Err(refuse!(LevelTooHigh));
        }
        let slot = self.header.free.head;
        if slot == NO_SLOT {
            return Err(refuse!(QueueFull));
        }
        if usize::from(slot) >= self.entries.len() {
            return Err(refuse!(CorruptQueue));
        }
        Ok((slot, level))
    }

    /// Makes the last checks, uses the sequence number, and writes what every entry has.
    #[inline(always)]
    fn write_common(&mut self, slot: u16, level: u8, new: &NewEntry, start_at: i64) -> Result<Handle, Refusal> {
        let request = new.request;
        let deadline_at = deadline(request.deadline_at, self.header.max_deadline_seconds, start_at)?;
        let producer =
            self.header.producers.get_mut(usize::from(request.producer_index)).ok_or_else(|| refuse!(NotProducer))?;
        use_sequence(producer, request.sequence)?;
        producer.used = producer.used.wrapping_add(1);

        let entry = entry_mut(self.entries, slot)?;
        self.header.free.head = entry.next;
        let generation = entry.generation.wrapping_add(1);
        entry.generation = generation;
        entry.level = level;
        entry.producer = request.producer_index;
        // With the policy's attempts, which a leased queue sets below, these four are one word.
        entry.attempts = 0;
        entry.max_attempts = 0;
        entry.worker = NO_WORKER;
        entry.reason = 0;
        entry.capability = *new.capability_key;
        copy_version_and_limit(entry, new.capability);
        entry.sequence = request.sequence;
        entry.waiting_since = start_at;
        entry.deadline_at = deadline_at;
        self.header.enqueued = self.header.enqueued.wrapping_add(1);
        self.header.last_slot = slot;
        self.header.last_generation = generation;
        Ok(Handle { slot, generation })
    }

    /// Checks what most entries do not have, and returns when the entry may first run.
    fn check_extras(&self, new: &NewEntry, now: i64) -> Result<i64, Refusal> {
        let request = new.request;
        if request.flags & !entry_flags::ALL != 0 {
            return Err(refuse!(WrongFlags));
        }
        let is_recurring = request.interval_seconds > 0;
        let runs_fit = if is_recurring { request.runs > 0 } else { request.runs <= 1 };
        let makes_up = request.flags & entry_flags::CATCH_UP != 0;
        let latest = now.wrapping_add(MAX_DELAY_SECONDS);
        if !runs_fit || (makes_up && !is_recurring) || request.not_before_at < 0 || request.not_before_at > latest {
            return Err(refuse!(WrongTime));
        }
        if request.flags & entry_flags::COMMITTED == 0 {
            check_length(new.arguments.len(), new.capability)?;
        } else {
            let (length, hash) = new.arguments.split_first_chunk().ok_or_else(|| refuse!(WrongArgumentsLength))?;
            let length = u16::from_le_bytes(*length);
            let fits = length >= new.capability.arguments_bytes_min && length <= new.capability.arguments_bytes_max;
            if !fits || hash.len() != size_of::<Key>() {
                return Err(refuse!(WrongArgumentsLength));
            }
        }
        let producer = self.header.producers.get(usize::from(request.producer_index));
        let most = producer.map_or(0, |producer| producer.max_tip_lamports);
        let free_lamports = new.purse_lamports.saturating_sub(self.header.reserved_tip_lamports);
        if request.tip_lamports > most || request.tip_lamports > free_lamports {
            return Err(refuse!(TipNotCovered));
        }
        Ok(request.not_before_at.max(now))
    }
}

/// Copies version and compute limit of the capability, which are neighbours in both records, as one word.
#[inline(always)]
fn copy_version_and_limit(entry: &mut Entry, capability: &Capability) {
    const FROM: usize = offset_of!(Capability, capability_version);
    const TO: usize = offset_of!(Entry, capability_version);
    const { assert!(offset_of!(Capability, compute_limit) == FROM + 4) };
    const { assert!(offset_of!(Entry, compute_limit) == TO + 4) };
    let word: [u8; 8] = bytemuck::pod_read_unaligned(&bytemuck::bytes_of(capability)[FROM..FROM + 8]);
    bytemuck::bytes_of_mut(entry)[TO..TO + 8].copy_from_slice(&word);
}

/// Copies what a later change of the queue's policy leaves alone.
#[inline(always)]
fn snapshot_policy(header: &Queue, entry: &mut Entry) {
    entry.max_attempts = header.max_attempts;
    entry.backoff_seconds = header.backoff_seconds;
    entry.backoff_cap_seconds = header.backoff_cap_seconds;
    entry.lease_seconds = header.lease_seconds;
    entry.failure_code = 0;
}

/// Whether an entry runs once, at once, without a tip, with its arguments inline: most do.
#[inline(always)]
pub fn is_plain(request: &enqueue::Data) -> bool {
    const { assert!(offset_of!(enqueue::Data, runs) == offset_of!(enqueue::Data, interval_seconds) + 4) };
    let bytes = bytemuck::bytes_of(request);
    let word = |offset: usize| bytemuck::pod_read_unaligned::<u64>(&bytes[offset..offset + 8]);
    let extras = word(offset_of!(enqueue::Data, not_before_at))
        | word(offset_of!(enqueue::Data, tip_lamports))
        | word(offset_of!(enqueue::Data, interval_seconds))
        | u64::from(request.flags);
    extras == 0
}

/// Whether the capability takes inline arguments of this length, and an entry has room for them.
#[inline(always)]
fn check_length(bytes: usize, capability: &Capability) -> Result<(), Refusal> {
    let fits = bytes >= usize::from(capability.arguments_bytes_min)
        && bytes <= usize::from(capability.arguments_bytes_max)
        && bytes <= INLINE_ARGUMENTS_BYTES;
    if fits { Ok(()) } else { Err(refuse!(WrongArgumentsLength)) }
}

/// Resolves a deadline asked for against the queue's limit. The runtime's clock is far from the end of its range.
#[inline(always)]
fn deadline(asked: i64, max_seconds: u32, start_at: i64) -> Result<i64, Refusal> {
    let latest = if max_seconds == 0 { i64::MAX } else { start_at.wrapping_add(i64::from(max_seconds)) };
    if asked == 0 {
        return Ok(latest);
    }
    if asked > start_at && asked <= latest { Ok(asked) } else { Err(refuse!(WrongDeadline)) }
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
