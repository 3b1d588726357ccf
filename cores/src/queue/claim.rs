//! Claim: hands out leases in strict order.

use super::links::push_tail;
use super::{Pauses, QueueMut, Refusal};
use crate::refuse;
use shared_layouts::account::{Key, keys_equal};
use shared_layouts::scheduler::{LEVELS, NO_SLOT, Queue, list, queue_flags, reason};

/// Delayed entries that a claim looks at on its way.
pub const PROMOTED_PER_CLAIM: usize = 2;
/// Entries past their deadline that a claim takes out of its way.
pub const EXPIRED_PER_CLAIM: usize = 8;

/// What a claim did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Leases handed out.
    pub count: u8,
}

impl QueueMut<'_> {
    /// Leases the first `wanted` eligible entries to the worker at a place of the list: the highest level first, in each
    /// level the oldest first; one in `lowest_level_every` is the oldest of the lowest level instead.
    ///
    /// # Errors
    /// `NotWorker`. Finding nothing is no error.
    #[inline(always)]
    pub fn claim(
        &mut self,
        worker_index: u8,
        signer: &Key,
        wanted: u8,
        pauses: &Pauses,
        now: i64,
    ) -> Result<Claimed, Refusal> {
        let flags = self.header.header.state;
        check_worker(self.header, worker_index, signer)?;
        if self.header.delayed.head != NO_SLOT {
            self.promote(now)?;
        }
        let mut wanted = wanted;
        if flags & queue_flags::STRICT != 0 {
            // One lease at a time.
            wanted = u8::from(wanted > 0 && self.header.leased_count == 0);
        }
        let mut count = 0u8;
        let mut expired = 0;
        while count < wanted && self.header.levels != 0 {
            let level = next(self.header, count);
            let slot = self.header.ready[level].head;
            let entry = self.at(slot)?;
            if now > entry.deadline_at {
                if expired == EXPIRED_PER_CLAIM {
                    break;
                }
                expired += 1;
                self.expire(slot, now)?;
                continue;
            }
            entry.worker = worker_index;
            // An entry with all its attempts used is not ready.
            entry.attempts = entry.attempts.wrapping_add(1);
            entry.lease_ends_at = now.wrapping_add(i64::from(entry.lease_seconds));
            entry.config_pauses = pauses.config_count;
            entry.shard_pauses = pauses.shard_count;
            entry.list = list::LEASED;
            let following = core::mem::replace(&mut entry.next, NO_SLOT);
            self.behead(level, following)?;
            push_tail(&mut self.header.leased, self.entries, slot)?;
            count = count.wrapping_add(1);
        }
        self.count_leases(worker_index, count);
        Ok(Claimed { count })
    }

    /// Adds up what a claim has leased.
    #[inline(always)]
    pub(super) fn count_leases(&mut self, worker_index: u8, count: u8) {
        // Counted once for all leases: only additions come between.
        self.header.ready_count = self.header.ready_count.wrapping_sub(u16::from(count));
        self.header.leased_count = self.header.leased_count.wrapping_add(u16::from(count));
        self.header.claims = self.header.claims.wrapping_add(u32::from(count));
        if let Some(worker) = self.header.workers.get_mut(usize::from(worker_index)) {
            // A worker has at most as many leases as there are slots.
            worker.leases = worker.leases.wrapping_add(u16::from(count));
        }
        if count == 0 && self.header.ready_count > 0 {
            self.header.claims_blocked = self.header.claims_blocked.wrapping_add(1);
        }
    }

    /// Looks at the first delayed entries: those that are due become ready, the others go to the end, so that later claims
    /// meet the next ones.
    #[inline(never)]
    fn promote(&mut self, now: i64) -> Result<(), Refusal> {
        for _ in 0..PROMOTED_PER_CLAIM.min(usize::from(self.header.delayed_count)) {
            self.promote_next(true, now)?;
        }
        Ok(())
    }

    /// [`Self::promote`] of the first delayed entry; without room it does not become ready.
    #[inline(never)]
    pub(super) fn promote_next(&mut self, has_room: bool, now: i64) -> Result<(), Refusal> {
        let slot = self.header.delayed.head;
        let entry = self.at(slot)?;
        if now > entry.deadline_at {
            return self.expire(slot, now);
        }
        let kind = if has_room && entry.due_at <= now { list::READY } else { list::DELAYED };
        self.detach(slot)?;
        self.attach(slot, kind)
    }

    /// Takes out an entry whose deadline has passed.
    #[inline(never)]
    pub(super) fn expire(&mut self, slot: u16, now: i64) -> Result<(), Refusal> {
        self.header.expired = self.header.expired.wrapping_add(1);
        self.detach(slot)?;
        self.bury(slot, reason::EXPIRED, now)
    }
}

/// Checks that the signer is the listed worker, and that the queue takes leases.
#[inline(always)]
pub(super) fn check_worker(header: &Queue, worker_index: u8, signer: &Key) -> Result<(), Refusal> {
    header
        .workers
        .get(usize::from(worker_index))
        .filter(|worker| worker.active == 1 && keys_equal(&worker.key, signer))
        .ok_or_else(|| refuse!(NotWorker))?;
    if header.header.state & queue_flags::LEASED == 0 { Err(refuse!(NotWorker)) } else { Ok(()) }
}

/// The level to claim from next, after so many leases of the same claim; some level has entries.
#[inline(always)]
fn next(header: &Queue, count: u8) -> usize {
    let levels = u32::from(header.levels);
    let is_low = serves_lowest(header, count);
    let level = if is_low { highest_bit(levels & levels.wrapping_neg()) } else { highest_bit(levels) };
    level % LEVELS
}

/// Whether the lowest level has its turn, after so many leases of the same claim.
#[inline(always)]
pub(super) fn serves_lowest(header: &Queue, count: u8) -> bool {
    let every = u32::from(header.lowest_level_every);
    every != 0 && header.claims.wrapping_add(u32::from(count) + 1).is_multiple_of(every)
}

/// Position of the highest bit of a 16-bit number, by halving until a table fits a register: the target has no instruction that
/// counts zeros.
#[inline(always)]
pub(super) fn highest_bit(mut bits: u32) -> usize {
    /// Positions for the numbers below 16, four bits each, the first lowest.
    const POSITIONS: u64 = 0x3333_3333_2222_1100;
    let mut position = 0;
    if bits >= 1 << 8 {
        position = 8;
        bits >>= 8;
    }
    if bits >= 1 << 4 {
        position += 4;
        bits >>= 4;
    }
    position + ((POSITIONS >> ((bits * 4) & 63)) & 3) as usize
}
