//! Priority queue over the bytes of a queue account.
//!
//! ```text
//!  level 15  head -> [ ] -> [ ] -> tail        every slot of the slab is in exactly one list;
//!  level 14                                    a verb moves links, never entries, so that it costs the same
//!    ...                                       whether the queue is empty or full. `levels` has a bit for each
//!  level  0  head -> [ ] -> tail               level that is not empty: the next entry is the head of the
//!  delayed   head -> [ ] -> [ ] -> tail        list of the highest bit.
//!  leased, held, dead: the same
//!  free      head -> [ ] -> [ ] -> ...         a stack, linked one way
//! ```
//!
//! | module | verbs |
//! |---|---|
//! | `enqueue` | enqueue, restore |
//! | `claim` | claim, and what it does on its way: expire, promote |
//! | `finish` | dispatch, recurrence, tips |
//! | `fail` | fail, reap: retry, back-off, dead letters |
//! | `operate` | reprioritize, hold, release, requeue, cancel, dead-letter, redrive, purge |
//! | `people` | producers and workers |
//! | `links` | the lists themselves |
//! | `ordered` | the same verbs in a queue that is bound to an order |

mod claim;
mod enqueue;
mod fail;
mod finish;
mod links;
mod operate;
mod ordered;
mod people;
mod refusal;

pub use claim::{Claimed, EXPIRED_PER_CLAIM, PROMOTED_PER_CLAIM};
pub use enqueue::{NewEntry, is_plain};
pub use fail::{Pauses, Report};
pub use finish::Finished;
pub use ordered::{Lease, Lent, OrderedMut, clear_index};
pub use refusal::Refusal;

use crate::refuse;
use shared_layouts::account::{AccountLayout, total_bytes};
use shared_layouts::scheduler::{
    DEFAULT_ELIGIBLE_WINDOW, Entry, LEVELS, List, NO_SLOT, ORDERED_QUEUE, Queue, list, queue_flags,
};
use solana_program_error::ProgramError;

/// Keeps an index of a level inside its array, where the level is known to be below 16.
const LEVEL_MASK: u8 = 15;
const _: () = assert!(LEVEL_MASK as usize + 1 == LEVELS);

/// A list without slots.
const EMPTY: List = List { head: NO_SLOT, tail: NO_SLOT };

/// A queue's header and slab, borrowed from its account.
#[derive(Debug)]
pub struct QueueMut<'a> {
    /// Header.
    pub header: &'a mut Queue,
    /// Slots.
    pub entries: &'a mut [Entry],
}

/// Names an entry for as long as its generation lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle {
    /// Slot.
    pub slot: u16,
    /// Generation.
    pub generation: u32,
}

/// What a queue's owner decides, beside its size.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Most dead entries.
    pub max_dead: u16,
    /// Latest deadline, seconds after an entry could first run; zero for no limit.
    pub max_deadline_seconds: u32,
    /// Lease length, seconds.
    pub lease_seconds: u32,
    /// First back-off, seconds.
    pub backoff_seconds: u32,
    /// Longest back-off, seconds.
    pub backoff_cap_seconds: u32,
    /// Attempts before an entry dies.
    pub max_attempts: u8,
    /// Eligible entries that an open queue lets a dispatch name; zero for the default of 8.
    pub eligible_window: u8,
    /// One claim in so many serves the lowest level; zero for never.
    pub lowest_level_every: u8,
    /// Level of an entry that states none.
    pub default_level: u8,
    /// `queue_flags`.
    pub flags: u8,
}

impl Policy {
    /// Whether a queue of so many slots can have this policy.
    ///
    /// # Errors
    /// `InvalidPolicy`.
    pub fn check(&self, slots: u16) -> Result<(), Refusal> {
        let is_leased = self.flags & queue_flags::LEASED != 0;
        // An entry of an open queue leaves it by being run or by its deadline, so there has to be one.
        let is_sound = slots > 0
            && self.max_dead <= slots
            && self.flags & !(queue_flags::LEASED | queue_flags::STRICT | queue_flags::ORDERED) == 0
            && (is_leased || self.max_deadline_seconds > 0)
            && (!is_leased || self.lease_seconds > 0)
            && self.max_attempts > 0
            && usize::from(self.default_level) < LEVELS
            && self.backoff_seconds <= self.backoff_cap_seconds;
        if is_sound { Ok(()) } else { Err(refuse!(InvalidPolicy)) }
    }

    /// Writes the policy into a header. What is queued keeps the attempts, back-off and lease that it was queued with.
    pub fn write(&self, header: &mut Queue) {
        // A quota stays as it is.
        header.header.state = self.flags | header.header.state & queue_flags::METERED;
        header.max_dead = self.max_dead;
        header.max_deadline_seconds = self.max_deadline_seconds;
        header.lease_seconds = self.lease_seconds;
        header.backoff_seconds = self.backoff_seconds;
        header.backoff_cap_seconds = self.backoff_cap_seconds;
        header.max_attempts = self.max_attempts;
        header.eligible_window = if self.eligible_window == 0 { DEFAULT_ELIGIBLE_WINDOW } else { self.eligible_window };
        header.lowest_level_every = self.lowest_level_every;
        header.default_level = self.default_level;
    }
}

fn check_alignment(bytes: &[u8]) -> Result<(), Refusal> {
    if bytes.as_ptr().addr().is_multiple_of(align_of::<Queue>()) {
        return Ok(());
    }
    Err(ProgramError::InvalidAccountData.into())
}

/// A queue's parts in its account's bytes.
struct Parts<'a> {
    header: &'a mut Queue,
    /// Where the account goes on behind the header: with the index if there is one.
    behind: *mut u8,
    entries: &'a mut [Entry],
}

/// Offset of the slab that the header tells: what follows it is an order's index, if the queue is bound to one.
const TOLD: usize = 0;

/// Splits the bytes of an account of this kind, whose slab is known to begin at `SLAB_OFFSET` or at the one that is [`TOLD`], without
/// any of the flags in `REFUSED`.
///
/// # Safety
/// The bytes must begin at a multiple of eight.
#[inline(always)]
#[allow(clippy::cast_ptr_alignment)]
unsafe fn split<const SLAB_OFFSET: usize, const REFUSED: u8>(
    bytes: &mut [u8],
    discriminator: u8,
) -> Result<Parts<'_>, Refusal> {
    let all_bytes = bytes.len();
    let (header, slab) = bytes.split_at_mut_checked(Queue::BYTES).ok_or(ProgramError::InvalidAccountData)?;
    // Kind, version and the refused flags in one look.
    let kind = u32::from_le_bytes([discriminator, Queue::VERSION, 0, 0]);
    let found = bytemuck::pod_read_unaligned::<u32>(&header[..4]);
    if found & u32::from_le_bytes([u8::MAX, u8::MAX, 0, REFUSED]) != kind {
        return Err(refuse_kind(found, kind));
    }
    // SAFETY: the bytes are aligned by the caller's contract and as long as the header; any bytes are a header.
    let header = unsafe { &mut *header.as_mut_ptr().cast::<Queue>() };
    let slots = usize::from(header.slots);
    let slab_offset = if SLAB_OFFSET == TOLD { header.slab_offset() } else { SLAB_OFFSET };
    if all_bytes != slab_offset + total_bytes(slots, Entry::BYTES) {
        return Err(refuse!(CorruptQueue));
    }
    let behind = slab.as_mut_ptr();
    // SAFETY: the slab begins inside the account, as the sum just proved, at a multiple of the alignment.
    let first = unsafe { behind.add(slab_offset - Queue::BYTES) };
    // SAFETY: that many entries fill the account to its end; any bytes are an entry; header and slab do not overlap.
    let entries = unsafe { core::slice::from_raw_parts_mut(first.cast::<Entry>(), slots) };
    Ok(Parts { header, behind, entries })
}

/// Why an account cannot be loaded: it is of another kind, or has a flag that is refused, which only a quota's is. A plain queue where
/// a bound one is wanted is bound to none.
#[cold]
#[inline(never)]
fn refuse_kind(found: u32, kind: u32) -> Refusal {
    const KIND: u32 = u32::from_le_bytes([u8::MAX, u8::MAX, 0, 0]);
    const PLAIN: u32 = u32::from_le_bytes([Queue::DISCRIMINATOR, Queue::VERSION, 0, 0]);
    match found & KIND {
        found if found == kind => refuse!(RegistryMissing),
        // Nothing else than a bound queue is looked for where a plain one is no match.
        PLAIN => refuse!(WrongOrder),
        _ => ProgramError::InvalidAccountData.into(),
    }
}

/// The kind of a queue's account, whichever it is; another kind's for an account that is no queue.
fn kind_of(bytes: &[u8]) -> u8 {
    if bytes.first() == Some(&ORDERED_QUEUE) { ORDERED_QUEUE } else { Queue::DISCRIMINATOR }
}

/// Makes every list of a new queue empty.
pub fn clear_lists(header: &mut Queue) {
    header.ready = [EMPTY; LEVELS];
    header.free = EMPTY;
    header.delayed = EMPTY;
    header.leased = EMPTY;
    header.held = EMPTY;
    header.dead = EMPTY;
}

impl<'a> QueueMut<'a> {
    /// Splits an account's bytes into header and slab.
    ///
    /// # Errors
    /// `InvalidAccountData` if it is no queue, or one that is bound to an order; `CorruptQueue` if the length does not fit the
    /// header's number of slots.
    pub fn load(bytes: &'a mut [u8]) -> Result<Self, Refusal> {
        check_alignment(bytes)?;
        // SAFETY: the alignment was just checked.
        unsafe { Self::load_aligned(bytes) }
    }

    /// [`Self::load`] of a queue that may be bound to an order, for what leaves entries alone.
    ///
    /// # Errors
    /// `InvalidAccountData` if it is no queue; `CorruptQueue`.
    pub fn load_any(bytes: &'a mut [u8]) -> Result<Self, Refusal> {
        check_alignment(bytes)?;
        // SAFETY: the alignment was just checked.
        let Parts { header, entries, .. } = unsafe { split::<TOLD, 0>(bytes, kind_of(bytes)) }?;
        Ok(Self { header, entries })
    }

    /// [`Self::load`] of bytes that the runtime aligned.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// The bytes must begin at a multiple of eight.
    #[inline(always)]
    pub unsafe fn load_aligned(bytes: &'a mut [u8]) -> Result<Self, Refusal> {
        // SAFETY: the caller's contract.
        let Parts { header, entries, .. } = unsafe { split::<TOLD, 0>(bytes, Queue::DISCRIMINATOR) }?;
        Ok(Self { header, entries })
    }

    /// [`Self::load_aligned`] for an instruction that is never lent a queue.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub unsafe fn load_plain(bytes: &'a mut [u8]) -> Result<Self, Refusal> {
        // SAFETY: the caller's contract.
        let Parts { header, entries, .. } = unsafe { split::<{ Queue::BYTES }, 0>(bytes, Queue::DISCRIMINATOR) }?;
        Ok(Self { header, entries })
    }

    /// [`Self::load_plain`] for a dispatch.
    ///
    /// # Errors
    /// As there; `RegistryMissing` if the queue has a quota.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub unsafe fn load_unmetered(bytes: &'a mut [u8]) -> Result<Self, Refusal> {
        // SAFETY: the caller's contract.
        let parts = unsafe { split::<{ Queue::BYTES }, { queue_flags::METERED }>(bytes, Queue::DISCRIMINATOR) }?;
        Ok(Self { header: parts.header, entries: parts.entries })
    }

    /// Puts every slot from `first_slot` on in front of the free list, the lowest first.
    ///
    /// # Errors
    /// `CorruptQueue`.
    pub fn free_slots_from(&mut self, first_slot: u16) -> Result<(), Refusal> {
        for slot in (first_slot..self.header.slots).rev() {
            links::push_free(&mut self.header.free, self.entries, slot)?;
        }
        Ok(())
    }

    /// Whether no slot is in use.
    pub fn is_empty(&self) -> bool {
        let header = &self.header;
        [header.ready_count, header.delayed_count, header.leased_count, header.held_count, header.dead_count] == [0; 5]
    }

    /// The slot that a handle names, whatever list it is in.
    ///
    /// # Errors
    /// `StaleHandle`.
    #[inline(always)]
    pub fn locate(&self, handle: Handle) -> Result<&Entry, Refusal> {
        locate(self.entries, handle)
    }
}

/// The slot that a handle names.
#[inline(always)]
fn locate(entries: &[Entry], handle: Handle) -> Result<&Entry, Refusal> {
    let entry = entries.get(usize::from(handle.slot)).ok_or_else(|| refuse!(StaleHandle))?;
    if entry.generation != handle.generation || entry.list == list::FREE {
        return Err(refuse!(StaleHandle));
    }
    Ok(entry)
}
