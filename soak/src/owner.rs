//! What owners and authorities do: hold, release, cancel and bury entries, see to dead letters, pause, grow.

use crate::check;
use crate::engine::Engine;
use crate::ledger::Fate;
use mollusk_tests::fixture::{self, people};
use mollusk_tests::programs::{SCHEDULER, address};
use shared_layouts::declare::InstructionSpec;
use shared_layouts::scheduler::{
    EntryHandle, cancel, dead_letter, hold, list, purge, reason, redrive, release, reprioritize,
};

/// An entry to do something to.
pub(crate) struct Picked {
    pub(crate) handle: EntryHandle,
    pub(crate) number: u64,
    pub(crate) sequence: u64,
}

impl Engine {
    /// An entry of some lists, chosen at random.
    pub(crate) fn pick(&mut self, lane: usize, kinds: &[u8]) -> Option<Picked> {
        let queue = self.read(&self.lanes[lane]);
        let slots: Vec<u16> = kinds.iter().flat_map(|kind| queue.list(*kind)).map(|(slot, _)| slot).collect();
        let slot = *slots.get(self.rng.usize(..slots.len().max(1)))?;
        let sequence = queue.entries[usize::from(slot)].sequence;
        Some(Picked { handle: queue.handle(slot)?, number: check::number(&queue, slot), sequence })
    }

    /// The owner, or now and then somebody else, does something to an entry.
    pub(crate) fn operate(&mut self, lane: usize) {
        let kinds = [list::READY, list::DELAYED, list::HELD];
        let Some(Picked { handle, number, sequence }) = self.pick(lane, &kinds) else { return };
        let verbs: [(&str, &InstructionSpec, &[u8]); 4] = [
            ("Hold", &hold::SPEC, &[]),
            ("Release", &release::SPEC, &[]),
            ("Reprioritize", &reprioritize::SPEC, &[10]),
            ("DeadLetter", &dead_letter::SPEC, &[]),
        ];
        if self.rng.u8(..5) == 0 {
            let cancel = self.at(lane).cancel(people::OWNER, handle);
            assert_eq!(cancel.data[0], cancel::DISCRIMINATOR);
            if self.submit("Cancel", &[cancel], &[people::OWNER]).is_ok() {
                self.ledger.end(number, Fate::Cancelled);
                self.judge_left(lane, sequence);
                self.observe(lane);
            }
            return;
        }
        let (name, spec, more) = verbs[self.rng.usize(..verbs.len())];
        let mut operate = self.at(lane).operate(spec, handle, more);
        let signer = if self.rng.u8(..10) == 0 { people::GUARDIAN } else { people::OWNER };
        operate.accounts[1].pubkey = address(signer);
        if self.submit(name, &[operate], &[signer]).is_ok() {
            assert_eq!(signer, people::OWNER, "somebody else's signature is accepted");
            self.ledger.at(number).moved = true;
            if name == "DeadLetter" {
                self.judge_condemned(lane, sequence, reason::OPERATOR);
                self.judge_held_again(lane, sequence);
            }
            self.observe(lane);
        }
    }

    /// Dead letters are redriven or purged, and what is held because it could not die is let go.
    pub(crate) fn dead_letters(&mut self, lane: usize) {
        for _ in 0..4 {
            if let Some(Picked { handle, number, sequence }) = self.pick(lane, &[list::DEAD]) {
                let (name, spec) = if self.rng.bool() { ("Redrive", &redrive::SPEC) } else { ("Purge", &purge::SPEC) };
                let operate = self.at(lane).operate(spec, handle, &0u16.to_le_bytes());
                if self.submit(name, &[operate], &[people::OWNER]).is_ok() {
                    if name == "Purge" {
                        self.ledger.end(number, Fate::Purged);
                        self.judge_left(lane, sequence);
                    }
                    self.observe(lane);
                }
            }
            self.release_one(lane);
        }
    }

    pub(crate) fn release_one(&mut self, lane: usize) {
        let Some(picked) = self.pick(lane, &[list::HELD]) else { return };
        let operate = self.at(lane).operate(&release::SPEC, picked.handle, &[]);
        if self.submit("Release", &[operate], &[people::OWNER]).is_ok() {
            self.ledger.at(picked.number).moved = true;
            self.observe(lane);
        }
    }

    /// Pauses the shard or the program, or lets it go on.
    pub(crate) fn pause(&mut self, lane: usize) {
        if self.rng.bool() {
            self.pause_shard(lane, !self.lanes[lane].paused);
        } else {
            self.pause_program(!self.paused);
        }
    }

    pub(crate) fn pause_shard(&mut self, lane: usize, paused: bool) {
        let pause = self.at(lane).pause_shard(paused);
        self.submit("UpdateShard", &[pause], &[people::OWNER]).expect("the owner pauses and resumes");
        self.lanes[lane].paused = paused;
    }

    pub(crate) fn pause_program(&mut self, paused: bool) {
        let (name, by) = if paused {
            ("Pause", fixture::pause as fn(_, _) -> _)
        } else {
            ("Resume", fixture::resume as fn(_, _) -> _)
        };
        if self.submit(name, &[by(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]).is_ok() {
            self.paused = paused;
        }
    }

    pub(crate) fn grow(&mut self, lane: usize) {
        let slots = self.read(&self.lanes[lane]).header.slots;
        if slots + 10 <= self.plan.most_slots {
            let grow = self.at(lane).grow(10);
            self.submit("GrowQueue", &[grow], &[people::OWNER]).expect("a queue grows");
        }
    }
}
