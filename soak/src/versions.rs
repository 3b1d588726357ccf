//! New versions of capabilities, what is queued under old ones, and what was lost before it was queued.

use crate::check;
use crate::engine::Engine;
use crate::lane::Lane;
use crate::owner::Picked;
use mollusk_tests::capabilities;
use mollusk_tests::fixture::people;
use shared_layouts::scheduler::{SEQUENCE_WINDOW, SchedulerError, list};

/// Entries that an owner puts under the new version at once.
const REQUEUED_AT_ONCE: usize = 8;

impl Engine {
    /// The owner gives a capability its next version, and may flag it for direct dispatch or no longer.
    pub(crate) fn update_capability(&mut self, lane: usize) {
        let member = self.rng.usize(..self.lanes[lane].lines.len());
        let may_be_direct = self.rng.u8(..4) != 0;
        let line = &mut self.lanes[lane].lines[member];
        line.is_direct = line.is_cosigned && may_be_direct;
        line.version += 1;
        let (capability, definition) = (line.capability, line.definition());
        let update = capabilities::update(&capability, &self.lanes[lane].shard, people::OWNER, &definition);
        self.submit("UpdateCapability", &[update], &[people::OWNER]).expect("a definition of the same length is taken");
    }

    /// The owner puts what is queued under old versions under the new ones; now and then also what is not.
    pub(crate) fn requeue(&mut self, lane: usize) {
        let kinds = [list::READY, list::DELAYED, list::HELD];
        let mut picked = if self.rng.u8(..8) == 0 { Vec::from_iter(self.pick(lane, &kinds)) } else { Vec::new() };
        if picked.is_empty() {
            let queue = self.read(&self.lanes[lane]);
            let slots = kinds.iter().flat_map(|kind| queue.list(*kind)).map(|(slot, _)| slot);
            let outdated = slots.filter(|slot| !self.is_current(lane, check::number(&queue, *slot)));
            picked.extend(outdated.take(REQUEUED_AT_ONCE).filter_map(|slot| Picked::of(&queue, slot)));
        }
        for Picked { handle, number, .. } in picked {
            let place = self.ledger.record(number).place;
            let line = &self.lanes[lane].lines[place.member];
            let (capability, version) = (line.capability, line.version);
            self.bench.capability = capability;
            let requeue = self.at(lane).requeue(handle);
            self.submit("Requeue", &[requeue], &[people::OWNER]).expect("what is in line, delayed or held is requeued");
            let record = self.ledger.at(number);
            record.detours.requeued |= record.version != version;
            (record.version, record.moved) = (version, true);
            self.observe(lane);
        }
    }

    /// Now and then a sequence number that was used, or is too old.
    fn used_sequence(&mut self, lane: usize) -> Option<u64> {
        let Lane { sequence: last, lost, .. } = &self.lanes[lane];
        let sequence = last.checked_sub(self.rng.u64(..2 * SEQUENCE_WINDOW))?;
        let is_used = sequence > 0 && !lost.contains(&sequence);
        (is_used && self.rng.u8(..12) == 0).then_some(sequence)
    }

    /// The owner queues what was lost on its way, or what was not: only while paused, only once, and only as long as its
    /// sequence number is not too old.
    pub(crate) fn restore(&mut self, lane: usize) {
        let Lane { sequence: last, lost, .. } = &mut self.lanes[lane];
        let last = *last;
        let lost = if self.rng.u8(..12) == 0 { None } else { lost.pop() };
        let Some(sequence) = lost.or_else(|| self.used_sequence(lane)) else { return };
        let member = self.rng.usize(..self.lanes[lane].lines.len());
        let request = self.request(sequence);
        let (number, capability) = (self.ledger.next().to_le_bytes(), self.lanes[lane].lines[member].capability);
        let is_full = self.read(&self.lanes[lane]).list(list::FREE).is_empty();
        let expected = if !self.paused && !self.lanes[lane].paused {
            Some(SchedulerError::ShardNotPaused)
        } else if is_full {
            Some(SchedulerError::QueueFull)
        } else if lost.is_none() || last - sequence >= SEQUENCE_WINDOW {
            Some(SchedulerError::SequenceUsed)
        } else {
            None
        };
        self.bench.capability = capability;
        let restore = self.at(lane).restore(&request, &number);
        match self.submit("Restore", &[restore], &[people::OWNER]) {
            Ok(_) => {
                assert_eq!(expected, None, "sequence number {sequence} of queue {lane} was restored");
                let number = self.accept(lane, member, &request);
                self.ledger.at(number).detours.restored = true;
                self.observe(lane);
            }
            Err(failure) => {
                let expected = expected.unwrap_or_else(|| panic!("{sequence} was lost: {:?}", failure.error));
                failure.assert_error(0, expected as u32);
                let is_late = expected == SchedulerError::SequenceUsed && last - sequence >= SEQUENCE_WINDOW;
                self.late_restorations += u64::from(is_late);
                // It can be tried again, but if it is too late.
                self.lanes[lane].lost.extend(lost.filter(|_| expected != SchedulerError::SequenceUsed));
            }
        }
    }
}
