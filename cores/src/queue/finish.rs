//! What a successful dispatch leaves: nothing, or the next run of a recurring entry.

use super::claim::highest_bit;
use super::links::push_free;
use super::{Handle, LEVEL_MASK, QueueMut, Refusal};
use crate::refuse;
use shared_layouts::account::{Key, keys_equal};
use shared_layouts::scheduler::{Entry, LEVELS, NO_SLOT, Queue, entry_flags, list, queue_flags};

/// Ready entries that a dispatch from an open queue walks over to find its own.
const MAX_WALK: usize = 64;

/// What a dispatch owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Tip to pay to the worker, lamports.
    pub tip_lamports: u64,
    /// The entry stays for another run, whose tip is to be promised by [`QueueMut::promise_tip`].
    pub recurs: bool,
}

/// What is counted of an entry that ran, read before it leaves its list.
pub(super) struct Ran {
    /// Seconds between when it could first run and when it did.
    waited: u64,
    compute_limit: u64,
    pub(super) tip_lamports: u64,
    /// Place of its producer.
    pub(super) producer: usize,
    /// It has another run.
    pub(super) recurs: bool,
}

impl Ran {
    #[inline(always)]
    pub(super) fn of(entry: &Entry, now: i64) -> Self {
        // A clock that went backwards counts as no wait.
        let waited = if now > entry.waiting_since { now.wrapping_sub(entry.waiting_since).cast_unsigned() } else { 0 };
        Self {
            waited,
            compute_limit: u64::from(entry.compute_limit),
            tip_lamports: entry.tip_lamports,
            producer: usize::from(entry.producer),
            recurs: entry.interval_seconds != 0 && entry.runs_left != 0,
        }
    }
}

/// Whether an entry's lease is the worker's, and has not ended.
#[inline(always)]
pub(super) fn check_lease(header: &Queue, entry: &Entry, worker: &Key, now: i64) -> Result<(), Refusal> {
    let holder = header.workers.get(usize::from(entry.worker)).ok_or_else(|| refuse!(CorruptQueue))?;
    if !keys_equal(&holder.key, worker) {
        return Err(refuse!(NotLeaseHolder));
    }
    if now > entry.lease_ends_at { Err(refuse!(LeaseEnded)) } else { Ok(()) }
}

impl QueueMut<'_> {
    /// The entry that `worker` may dispatch under this handle now: one that it leased, or in an open queue one of the first
    /// eligible ones.
    ///
    /// # Errors
    /// `StaleHandle`, `WrongList`, `DeadlinePassed`, `LeaseRequired`, `LeaseEnded`, `NotLeaseHolder`, `NotEligible`.
    #[inline(always)]
    pub fn dispatchable(&self, handle: Handle, worker: &Key, now: i64) -> Result<&Entry, Refusal> {
        let entry = self.locate(handle)?;
        if now > entry.deadline_at {
            return Err(refuse!(DeadlinePassed));
        }
        if entry.list == list::READY {
            if self.header.header.state & queue_flags::LEASED != 0 {
                return Err(refuse!(LeaseRequired));
            }
            // The head of the highest level that is not empty is always eligible.
            let is_first = entry.previous == NO_SLOT && self.header.levels >> (entry.level & LEVEL_MASK) == 1;
            if !is_first && !self.is_eligible(handle.slot, now) {
                return Err(refuse!(NotEligible));
            }
            return Ok(entry);
        }
        if entry.list != list::LEASED {
            return Err(refuse!(WrongList));
        }
        check_lease(self.header, entry, worker, now)?;
        Ok(entry)
    }

    /// Whether a ready slot of an open queue is among the first that have not expired, as many as the queue's window has; in
    /// a strict queue it has to be the very first. Where the lowest level has its turn, its head is eligible as well.
    #[inline(never)]
    fn is_eligible(&self, slot: u16, now: i64) -> bool {
        let header = &*self.header;
        let is_strict = header.header.state & queue_flags::STRICT != 0;
        let every = u32::from(header.lowest_level_every);
        if every != 0 && header.claims.wrapping_add(1).is_multiple_of(every) {
            let levels = u32::from(header.levels);
            let lowest = highest_bit(levels & levels.wrapping_neg());
            if header.ready[lowest % LEVELS].head == slot {
                return true;
            }
        }
        let mut left = if is_strict { 1 } else { header.eligible_window };
        let mut walked = 0;
        for level in (0..LEVELS).rev() {
            let mut at = header.ready[level].head;
            while at != NO_SLOT && left > 0 && walked < MAX_WALK {
                if at == slot {
                    return true;
                }
                let Some(entry) = self.entries.get(usize::from(at)) else { return false };
                walked += 1;
                if now <= entry.deadline_at {
                    left -= 1;
                }
                at = entry.next;
            }
        }
        false
    }

    /// Takes an entry that [`Self::dispatchable`] found out of the queue, or has it wait for its next run.
    ///
    /// # Errors
    /// `CorruptQueue`.
    #[inline(always)]
    pub fn finish(&mut self, slot: u16, now: i64) -> Result<Finished, Refusal> {
        let entry = self.at(slot)?;
        let ran = Ran::of(entry, now);
        if entry.list == list::LEASED {
            self.end_lease(slot)?;
        } else {
            self.detach_from(slot, list::READY)?;
            self.header.claims = self.header.claims.wrapping_add(1);
        }
        self.count_run(&ran);
        if ran.recurs {
            self.recur(slot, now)?;
        } else {
            self.vacate(slot, ran.producer)?;
        }
        Ok(Finished { tip_lamports: ran.tip_lamports, recurs: ran.recurs })
    }

    /// [`Self::finish`], not unfolded.
    ///
    /// # Errors
    /// As there.
    #[inline(never)]
    pub fn finish_outlined(&mut self, slot: u16, now: i64) -> Result<Finished, Refusal> {
        self.finish(slot, now)
    }

    /// Counts a run, and its tip as paid.
    #[inline(always)]
    pub(super) fn count_run(&mut self, ran: &Ran) {
        // Counters of 64 bits do not reach their end.
        self.header.dispatched = self.header.dispatched.wrapping_add(1);
        self.header.waiting_seconds = self.header.waiting_seconds.wrapping_add(ran.waited);
        self.header.reserved_compute_units = self.header.reserved_compute_units.wrapping_add(ran.compute_limit);
        if ran.tip_lamports != 0 {
            self.header.reserved_tip_lamports = self.header.reserved_tip_lamports.wrapping_sub(ran.tip_lamports);
            self.header.paid_tip_lamports = self.header.paid_tip_lamports.wrapping_add(ran.tip_lamports);
        }
    }

    /// Frees the slot of an entry that ran and is in no list any more.
    #[inline(always)]
    pub(super) fn vacate(&mut self, slot: u16, producer: usize) -> Result<(), Refusal> {
        let producer = self.header.producers.get_mut(producer).ok_or_else(|| refuse!(CorruptQueue))?;
        // A producer with an entry in the queue has used at least one place.
        producer.used = producer.used.wrapping_sub(1);
        push_free(&mut self.header.free, self.entries, slot)
    }

    /// Takes an entry out of the list of leases, and off its worker's count.
    #[inline(always)]
    pub(super) fn end_lease(&mut self, slot: u16) -> Result<(), Refusal> {
        let index = usize::from(self.at(slot)?.worker);
        self.detach_from(slot, list::LEASED)?;
        let worker = self.header.workers.get_mut(index).ok_or_else(|| refuse!(CorruptQueue))?;
        worker.leases = worker.leases.wrapping_sub(1);
        Ok(())
    }

    /// Frees a slot that is in no list: its entry has left the queue, and what it was promised is released.
    pub(super) fn release(&mut self, slot: u16) -> Result<(), Refusal> {
        let entry = self.at(slot)?;
        let (producer, tip_lamports) = (usize::from(entry.producer), entry.tip_lamports);
        let producer = self.header.producers.get_mut(producer).ok_or_else(|| refuse!(CorruptQueue))?;
        producer.used = producer.used.wrapping_sub(1);
        self.header.reserved_tip_lamports = self.header.reserved_tip_lamports.wrapping_sub(tip_lamports);
        push_free(&mut self.header.free, self.entries, slot)
    }

    /// Has a recurring entry wait for its next run, under a new generation. Periods that were missed are left out, unless
    /// the entry says otherwise. The next run has as long until its deadline as this one had.
    #[inline(never)]
    fn recur(&mut self, slot: u16, now: i64) -> Result<(), Refusal> {
        let entry = self.at(slot)?;
        let interval = i64::from(entry.interval_seconds);
        let last_at = entry.waiting_since;
        let mut next_at = last_at.wrapping_add(interval);
        if next_at <= now && entry.flags & entry_flags::CATCH_UP == 0 {
            // The first multiple of the interval after now. The clock is far from the end of its range.
            let periods = now.wrapping_sub(last_at).cast_unsigned() / interval.cast_unsigned() + 1;
            next_at = last_at.wrapping_add(periods.cast_signed().wrapping_mul(interval));
        }
        if entry.deadline_at != i64::MAX {
            entry.deadline_at = entry.deadline_at.wrapping_add(next_at.wrapping_sub(last_at));
        }
        entry.generation = entry.generation.wrapping_add(1);
        if entry.runs_left != u32::MAX {
            entry.runs_left = entry.runs_left.wrapping_sub(1);
        }
        entry.attempts = 0;
        entry.failure_code = 0;
        entry.waiting_since = next_at;
        entry.due_at = next_at;
        self.attach(slot, if next_at > now { list::DELAYED } else { list::READY })
    }

    /// Promises the tip of a recurring entry's next run, if the purse covers it; otherwise the run has none.
    ///
    /// # Errors
    /// `CorruptQueue`.
    pub fn promise_tip(&mut self, slot: u16, purse_lamports: u64) -> Result<(), Refusal> {
        let free_lamports = purse_lamports.saturating_sub(self.header.reserved_tip_lamports);
        let entry = self.at(slot)?;
        if entry.tip_lamports > free_lamports {
            entry.tip_lamports = 0;
        }
        let tip_lamports = entry.tip_lamports;
        self.header.reserved_tip_lamports = self.header.reserved_tip_lamports.wrapping_add(tip_lamports);
        Ok(())
    }
}
