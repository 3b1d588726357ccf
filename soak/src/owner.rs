//! What owners and authorities do: hold, release, cancel and bury entries, see to dead letters, pause, grow.

use crate::check;
use crate::engine::Engine;
use crate::ledger::Fate;
use mollusk_tests::fixture::{self, people};
use mollusk_tests::programs::{SCHEDULER, address};
use shared_layouts::declare::InstructionSpec;
use shared_layouts::scheduler::{
    EntryHandle, dead_letter, hold, list, purge, reader::QueueReader, reason, redrive, release, reprioritize,
};

/// Level that owners give to entries.
const NEW_LEVEL: u8 = 10;

/// An entry to do something to.
pub(crate) struct Picked {
    pub(crate) handle: EntryHandle,
    pub(crate) number: u64,
    pub(crate) sequence: u64,
    /// It is dead, or held because it could not die: once it is put back, it has as long as it had at first.
    is_to_die: bool,
}

impl Picked {
    /// The entry in a slot.
    pub(crate) fn of(queue: &QueueReader, slot: u16) -> Option<Self> {
        let entry = queue.entries[usize::from(slot)];
        let (number, is_to_die) = (check::number(queue, slot), entry.reason != reason::NONE);
        Some(Self { handle: queue.handle(slot)?, number, sequence: entry.sequence, is_to_die })
    }
}

impl Engine {
    /// An entry of some lists, chosen at random.
    pub(crate) fn pick(&mut self, lane: usize, kinds: &[u8]) -> Option<Picked> {
        let queue = self.read(&self.lanes[lane]);
        let slots: Vec<u16> = kinds.iter().flat_map(|kind| queue.list(*kind)).map(|(slot, _)| slot).collect();
        let slot = *slots.get(self.rng.usize(..slots.len().max(1)))?;
        Picked::of(&queue, slot)
    }

    /// An entry was let go on, or put back among those that may run.
    fn went_on(&mut self, picked: &Picked) {
        let now = self.now();
        let record = self.ledger.at(picked.number);
        record.moved = true;
        if picked.is_to_die {
            record.schedule.put_back(now);
        }
    }

    fn cancel(&mut self, lane: usize, picked: &Picked) {
        let cancel = self.at(lane).cancel(people::OWNER, picked.handle);
        if self.submit("Cancel", &[cancel], &[people::OWNER]).is_ok() {
            self.ledger.end(picked.number, Fate::Cancelled);
            self.judge_left(lane, picked.sequence);
            self.observe(lane);
        }
    }

    /// Takes out what would run for ever.
    pub(crate) fn cancel_endless(&mut self, lane: usize) {
        let queue = self.read(&self.lanes[lane]);
        let slots = [list::READY, list::DELAYED, list::HELD].into_iter().flat_map(|kind| queue.list(kind));
        let endless = slots.filter(|(slot, _)| self.ledger.record(check::number(&queue, *slot)).schedule.is_endless());
        for picked in endless.filter_map(|(slot, _)| Picked::of(&queue, slot)).collect::<Vec<_>>() {
            self.cancel(lane, &picked);
        }
    }

    /// The owner, or now and then somebody else, does something to an entry.
    pub(crate) fn operate(&mut self, lane: usize) {
        let kinds = [list::READY, list::DELAYED, list::HELD];
        let Some(picked) = self.pick(lane, &kinds) else { return };
        let verbs: [(&str, &InstructionSpec, &[u8]); 4] = [
            ("Hold", &hold::SPEC, &[]),
            ("Release", &release::SPEC, &[]),
            ("Reprioritize", &reprioritize::SPEC, &[NEW_LEVEL]),
            ("DeadLetter", &dead_letter::SPEC, &[]),
        ];
        if self.rng.u8(..5) == 0 {
            self.cancel(lane, &picked);
            return;
        }
        let (name, spec, more) = verbs[self.rng.usize(..verbs.len())];
        let mut operate = self.at(lane).operate(spec, picked.handle, more);
        let signer = if self.rng.u8(..10) == 0 { people::GUARDIAN } else { people::OWNER };
        operate.accounts[1].pubkey = address(signer);
        if self.submit(name, &[operate], &[signer]).is_ok() {
            assert_eq!(signer, people::OWNER, "somebody else's signature is accepted");
            self.ledger.at(picked.number).moved = true;
            match name {
                "Release" => self.went_on(&picked),
                "Reprioritize" => self.ledger.at(picked.number).level = NEW_LEVEL,
                "DeadLetter" => {
                    self.judge_condemned(lane, picked.sequence, reason::OPERATOR);
                    self.judge_held_again(lane, picked.sequence);
                }
                _ => {}
            }
            self.observe(lane);
        }
    }

    /// Dead letters are redriven or purged, and what is held because it could not die is let go.
    pub(crate) fn dead_letters(&mut self, lane: usize) {
        for _ in 0..4 {
            if let Some(picked) = self.pick(lane, &[list::DEAD]) {
                let (name, spec) = if self.rng.bool() { ("Redrive", &redrive::SPEC) } else { ("Purge", &purge::SPEC) };
                let operate = self.at(lane).operate(spec, picked.handle, &0u16.to_le_bytes());
                if self.submit(name, &[operate], &[people::OWNER]).is_ok() {
                    if name == "Purge" {
                        self.ledger.end(picked.number, Fate::Purged);
                        self.judge_left(lane, picked.sequence);
                    } else {
                        self.went_on(&picked);
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
            self.went_on(&picked);
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
