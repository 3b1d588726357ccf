//! What the shard's owner, and for `cancel` a producer, does to single entries.

use super::{Handle, QueueMut, Refusal};
use crate::refuse;
use shared_layouts::account::{Key, keys_equal};
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{LEVELS, list, reason};

impl QueueMut<'_> {
    /// Gives an entry another level; a ready one goes to the tail of it.
    ///
    /// # Errors
    /// `StaleHandle`, `LevelTooHigh`.
    pub fn reprioritize(&mut self, handle: Handle, level: u8) -> Result<(), Refusal> {
        let kind = self.locate(handle)?.list;
        if usize::from(level) >= LEVELS {
            return Err(refuse!(LevelTooHigh));
        }
        if kind != list::READY {
            self.at(handle.slot)?.level = level;
            return Ok(());
        }
        self.detach_from(handle.slot, list::READY)?;
        self.at(handle.slot)?.level = level;
        self.attach_to(handle.slot, list::READY)
    }

    /// Holds a ready or delayed entry back.
    ///
    /// # Errors
    /// `StaleHandle`, `WrongList`.
    pub fn hold(&mut self, handle: Handle, now: i64) -> Result<(), Refusal> {
        let kind = self.locate(handle)?.list;
        if kind != list::READY && kind != list::DELAYED {
            return Err(refuse!(WrongList));
        }
        self.detach_any(handle.slot)?;
        let entry = self.at(handle.slot)?;
        entry.reason = reason::NONE;
        entry.stuck_since = now;
        self.attach_to(handle.slot, list::HELD)
    }

    /// Lets a held entry go on: it is ready, or delayed if its time has not come. One that is held because it could not die
    /// gets new attempts and a new deadline, as if it were redriven.
    ///
    /// # Errors
    /// `StaleHandle`, `WrongList`.
    pub fn release_held(&mut self, handle: Handle, now: i64) -> Result<(), Refusal> {
        let entry = self.locate(handle)?;
        if entry.list != list::HELD {
            return Err(refuse!(WrongList));
        }
        if entry.reason != reason::NONE {
            return self.revive(handle.slot, now);
        }
        let kind = if entry.due_at > now { list::DELAYED } else { list::READY };
        self.detach(handle.slot)?;
        self.attach(handle.slot, kind)
    }

    /// Puts an entry under its capability's present version. A ready or held one goes to the tail of its level.
    ///
    /// # Errors
    /// `StaleHandle`, `WrongList`, `UnknownCapability`, `WrongArgumentsLength`.
    pub fn requeue(&mut self, handle: Handle, key: &Key, capability: &Capability, now: i64) -> Result<(), Refusal> {
        let entry = self.locate(handle)?;
        if !keys_equal(&entry.capability, key) {
            return Err(refuse!(UnknownCapability));
        }
        if !matches!(entry.list, list::READY | list::DELAYED | list::HELD) {
            return Err(refuse!(WrongList));
        }
        let bytes = entry.arguments_bytes;
        if bytes < capability.arguments_bytes_min || bytes > capability.arguments_bytes_max {
            return Err(refuse!(WrongArgumentsLength));
        }
        self.detach(handle.slot)?;
        let entry = self.at(handle.slot)?;
        entry.capability_version = capability.capability_version;
        entry.compute_limit = capability.compute_limit;
        entry.reason = reason::NONE;
        if entry.attempts >= entry.max_attempts {
            entry.attempts = 0;
        }
        let kind = if entry.due_at > now { list::DELAYED } else { list::READY };
        self.attach(handle.slot, kind)
    }

    /// Takes an entry out for good: by the shard's owner, or by the producer that queued it.
    ///
    /// # Errors
    /// `StaleHandle`, `WrongList` (leased or dead), `NotProducer`.
    pub fn cancel(&mut self, handle: Handle, signer: &Key, is_owner: bool) -> Result<(), Refusal> {
        let entry = self.locate(handle)?;
        let producer = self.header.producers.get(usize::from(entry.producer)).ok_or_else(|| refuse!(CorruptQueue))?;
        if !is_owner && !keys_equal(&producer.key, signer) {
            return Err(refuse!(NotProducer));
        }
        if !matches!(entry.list, list::READY | list::DELAYED | list::HELD) {
            return Err(refuse!(WrongList));
        }
        self.detach(handle.slot)?;
        self.header.cancelled = self.header.cancelled.wrapping_add(1);
        self.release(handle.slot)
    }

    /// Declares an entry dead; if the dead letters are full it is held with that reason instead.
    ///
    /// # Errors
    /// `StaleHandle`, `WrongList`.
    pub fn dead_letter(&mut self, handle: Handle, now: i64) -> Result<(), Refusal> {
        if !matches!(self.locate(handle)?.list, list::READY | list::DELAYED | list::HELD) {
            return Err(refuse!(WrongList));
        }
        self.detach(handle.slot)?;
        self.bury(handle.slot, reason::OPERATOR, now)
    }

    /// Puts a dead letter back, with all its attempts, and with as long until its deadline as it had at first.
    ///
    /// # Errors
    /// `StaleHandle`, `WrongList`.
    pub fn redrive(&mut self, handle: Handle, now: i64) -> Result<(), Refusal> {
        if self.locate(handle)?.list != list::DEAD {
            return Err(refuse!(WrongList));
        }
        self.revive(handle.slot, now)
    }

    /// [`Self::redrive`] of the oldest dead letters, so many or all.
    ///
    /// # Errors
    /// `CorruptQueue`.
    pub fn redrive_oldest(&mut self, count: u16, now: i64) -> Result<(), Refusal> {
        for _ in 0..count.min(self.header.dead_count) {
            self.revive(self.header.dead.head, now)?;
        }
        Ok(())
    }

    /// Removes a dead letter for good.
    ///
    /// # Errors
    /// `StaleHandle`, `WrongList`.
    pub fn purge(&mut self, handle: Handle) -> Result<(), Refusal> {
        if self.locate(handle)?.list != list::DEAD {
            return Err(refuse!(WrongList));
        }
        self.remove_dead(handle.slot)
    }

    /// [`Self::purge`] of the oldest dead letters, so many or all.
    ///
    /// # Errors
    /// `CorruptQueue`.
    pub fn purge_oldest(&mut self, count: u16) -> Result<(), Refusal> {
        for _ in 0..count.min(self.header.dead_count) {
            self.remove_dead(self.header.dead.head)?;
        }
        Ok(())
    }

    fn remove_dead(&mut self, slot: u16) -> Result<(), Refusal> {
        self.detach_from(slot, list::DEAD)?;
        self.header.purged = self.header.purged.wrapping_add(1);
        self.release(slot)
    }

    /// Makes a dead or held entry ready as if it had just been queued, under its old generation.
    #[inline(never)]
    fn revive(&mut self, slot: u16, now: i64) -> Result<(), Refusal> {
        if self.at(slot)?.list == list::DEAD {
            self.header.redriven = self.header.redriven.wrapping_add(1);
            self.detach_from(slot, list::DEAD)?;
        } else {
            self.detach(slot)?;
        }
        let entry = self.at(slot)?;
        entry.attempts = 0;
        entry.reason = reason::NONE;
        if entry.deadline_at != i64::MAX {
            entry.deadline_at = now.wrapping_add(entry.deadline_at.wrapping_sub(entry.waiting_since));
        }
        entry.waiting_since = now;
        entry.due_at = now;
        self.attach_to(slot, list::READY)
    }
}
