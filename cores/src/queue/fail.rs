//! Failures: a worker's report, a lease that ended, a deadline that passed; and where an entry goes then.

use super::{Handle, QueueMut, Refusal};
use crate::refuse;
use shared_layouts::account::{Key, keys_equal};
use shared_layouts::scheduler::{Entry, list, reason};

/// The pauses of the program and of the shard, as their accounts count them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pauses {
    /// Pauses of the program ever begun.
    pub config_count: u32,
    /// Pauses of the shard ever begun.
    pub shard_count: u32,
    /// Start of the program's last pause, unix seconds.
    pub config_started_at: i64,
    /// Start of the shard's last pause, unix seconds.
    pub shard_started_at: i64,
}

impl Pauses {
    /// Whether a pause fell into the lease. Of several pauses only the last one's start is known: then one is assumed to have.
    #[inline(always)]
    fn overlap(&self, entry: &Entry) -> bool {
        let by_config = overlaps(self.config_count, self.config_started_at, entry.config_pauses, entry.lease_ends_at);
        by_config || overlaps(self.shard_count, self.shard_started_at, entry.shard_pauses, entry.lease_ends_at)
    }
}

#[inline(always)]
fn overlaps(count: u32, started_at: i64, count_at_lease: u32, lease_ends_at: i64) -> bool {
    match count.wrapping_sub(count_at_lease) {
        0 => false,
        1 => started_at <= lease_ends_at,
        _ => true,
    }
}

impl QueueMut<'_> {
    /// Ends a lease whose holder reports a failure.
    ///
    /// # Errors
    /// `StaleHandle`, `WrongList`, `NotLeaseHolder`.
    #[inline(always)]
    pub fn fail(
        &mut self,
        handle: Handle,
        worker: &Key,
        report: Report,
        pauses: &Pauses,
        now: i64,
    ) -> Result<(), Refusal> {
        let entry = self.locate(handle)?;
        if entry.list != list::LEASED {
            return Err(refuse!(WrongList));
        }
        let holder = self.header.workers.get(usize::from(entry.worker)).ok_or_else(|| refuse!(CorruptQueue))?;
        if !keys_equal(&holder.key, worker) {
            return Err(refuse!(NotLeaseHolder));
        }
        self.at(handle.slot)?.failure_code = report.code;
        self.settle(handle.slot, report.is_permanent, pauses, now)
    }

    /// Does for an entry what time has made due: a lease that ended is a failure, a delayed entry whose time has come is
    /// ready, an entry past its deadline is dead. Returns whether there was anything to do.
    ///
    /// # Errors
    /// `CorruptQueue`.
    #[inline(always)]
    pub fn reap(&mut self, handle: Handle, pauses: &Pauses, now: i64) -> Result<bool, Refusal> {
        let Some(entry) = self.entries.get(usize::from(handle.slot)) else { return Ok(false) };
        if entry.generation != handle.generation {
            return Ok(false);
        }
        let is_expired = now > entry.deadline_at;
        match entry.list {
            list::LEASED if now > entry.lease_ends_at => self.settle(handle.slot, false, pauses, now)?,
            list::READY | list::DELAYED if is_expired => self.expire(handle.slot, now)?,
            list::DELAYED if now >= entry.due_at => {
                self.detach(handle.slot)?;
                self.attach(handle.slot, list::READY)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Ends a lease without a dispatch. A lease that overlaps a pause costs no attempt.
    #[inline(always)]
    fn settle(&mut self, slot: u16, is_permanent: bool, pauses: &Pauses, now: i64) -> Result<(), Refusal> {
        self.end_lease(slot)?;
        self.header.failed = self.header.failed.wrapping_add(1);
        let entry = self.at(slot)?;
        let is_free = pauses.overlap(entry);
        if is_free {
            // The lease had added it.
            entry.attempts = entry.attempts.wrapping_sub(1);
        }
        if is_permanent {
            return self.bury(slot, reason::PERMANENT, now);
        }
        if now > entry.deadline_at {
            self.header.expired = self.header.expired.wrapping_add(1);
            return self.bury(slot, reason::EXPIRED, now);
        }
        if entry.attempts >= entry.max_attempts {
            return self.bury(slot, reason::ATTEMPTS, now);
        }
        let backoff = if is_free { 0 } else { backoff_seconds(entry) };
        entry.due_at = now.wrapping_add(i64::from(backoff));
        self.header.retried = self.header.retried.wrapping_add(1);
        if backoff == 0 { self.attach(slot, list::READY) } else { self.attach_to(slot, list::DELAYED) }
    }

    /// Puts an entry that is in no list into the dead letters, or holds it if they are full.
    #[inline(never)]
    pub(super) fn bury(&mut self, slot: u16, why: u8, now: i64) -> Result<(), Refusal> {
        let has_room = self.header.dead_count < self.header.max_dead;
        let entry = self.at(slot)?;
        entry.reason = why;
        entry.stuck_since = now;
        if !has_room {
            return self.attach(slot, list::HELD);
        }
        self.header.died = self.header.died.wrapping_add(1);
        self.attach_to(slot, list::DEAD)
    }
}

/// What a worker reports.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Code of the failure, the worker's own.
    pub code: u32,
    /// Another attempt would fail as well.
    pub is_permanent: bool,
}

/// Back-off after the attempt that failed: the base, doubled with each attempt before it, up to the cap.
#[inline(always)]
fn backoff_seconds(entry: &Entry) -> u32 {
    let doublings = u32::from(entry.attempts).saturating_sub(1);
    let cap = entry.backoff_cap_seconds;
    if doublings >= 32 {
        return if entry.backoff_seconds == 0 { 0 } else { cap };
    }
    let seconds = u64::from(entry.backoff_seconds) << doublings;
    u32::try_from(seconds).map_or(cap, |seconds| seconds.min(cap))
}
