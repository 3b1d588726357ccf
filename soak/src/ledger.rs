//! Every operation that was accepted, and what became of it.

use crate::schedule::Schedule;
use std::collections::{BTreeMap, BTreeSet};

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// In its queue, in whatever list.
    Live,
    /// It ran as often as it was asked to.
    Done,
    /// Taken out by the owner.
    Cancelled,
    /// Died, and was purged.
    Purged,
}

/// Where an operation was queued. Those of one place, if they are not moved, begin in the order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which queue it is in.
    pub lane: usize,
    /// Its level when it was queued.
    pub level: u8,
    /// Which capability of its shard it runs.
    pub member: usize,
    /// The epoch of the order that the queue is bound to; zero if it is bound to none.
    pub epoch: u32,
}

/// What happens to few operations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detours {
    /// Its owner put it under another version of its capability.
    pub requeued: bool,
    /// It was lost on its way, and its owner queued it.
    pub restored: bool,
}

/// An operation.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Where it was queued.
    pub place: Place,
    /// When it may run, and how often.
    pub schedule: Schedule,
    /// The version of its capability that it runs under.
    pub version: u32,
    /// Its level now.
    pub level: u8,
    /// Runs so far.
    pub ran: u32,
    /// Its fate.
    pub fate: Fate,
    /// It was delayed, held, failed, or given another level: its place among the others is no longer that of its number.
    pub moved: bool,
    /// A worker has leased it at least once.
    pub begun: bool,
    /// It waited for another one when a worker came: it was passed over, or its dispatch was refused.
    pub waited: bool,
    /// What happened to it off the usual way.
    pub detours: Detours,
}

/// The operations by number, from one on.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    records: Vec<Record>,
    /// What is in each queue.
    live: BTreeMap<usize, BTreeSet<u64>>,
    /// Last operation that began in each place, of those that were not moved.
    last_begun: BTreeMap<Place, u64>,
    /// Sum of the numbers of operations, each as often as it ran.
    pub moved_tokens: u64,
    /// Runs of all operations.
    pub runs: u64,
    /// How many were not due when they were queued.
    pub delayed: u64,
}

impl Ledger {
    /// The number that the next operation will have.
    pub fn next(&self) -> u64 {
        self.records.len() as u64 + 1
    }

    /// An operation was accepted, under a version of its capability; it is due at `now` or later.
    pub fn accept(&mut self, place: Place, schedule: Schedule, version: u32, now: i64) {
        let number = self.next();
        let is_delayed = schedule.due_at > now;
        self.delayed += u64::from(is_delayed);
        self.live.entry(place.lane).or_default().insert(number);
        self.records.push(Record {
            place,
            schedule,
            version,
            level: place.level,
            ran: 0,
            fate: Fate::Live,
            moved: is_delayed,
            begun: false,
            waited: false,
            detours: Detours::default(),
        });
    }

    /// An operation by its number.
    ///
    /// # Panics
    /// When there is none: a queue holds what nobody queued.
    pub fn record(&self, number: u64) -> &Record {
        self.records.get(index(number)).unwrap_or_else(|| panic!("operation {number} was never accepted"))
    }

    /// [`Self::record`], to be changed.
    ///
    /// # Panics
    /// As there.
    pub fn at(&mut self, number: u64) -> &mut Record {
        self.records.get_mut(index(number)).unwrap_or_else(|| panic!("operation {number} was never accepted"))
    }

    /// An operation left its queue.
    ///
    /// # Panics
    /// When it had left already: it ran too often, or ran after it had been cancelled.
    pub fn end(&mut self, number: u64, fate: Fate) {
        let record = self.at(number);
        assert_eq!(record.fate, Fate::Live, "operation {number} ends a second time, now as {fate:?}");
        record.fate = fate;
        let lane = record.place.lane;
        self.live.entry(lane).or_default().remove(&number);
    }

    /// An operation ran, when the time is `now`. Returns whether it has another run.
    ///
    /// # Panics
    /// When it was not due, was too late, or had run as often as it was to.
    pub fn ran(&mut self, number: u64, now: i64) -> bool {
        let Record { schedule, fate, ran, moved, .. } = self.at(number);
        assert_eq!(*fate, Fate::Live, "operation {number} runs after its end");
        let time = schedule.due_at..=schedule.deadline_at();
        assert!(
            time.contains(&now),
            "operation {number} runs at {now}, and may from {} to {}",
            time.start(),
            time.end()
        );
        *ran += 1;
        let recurs = schedule.is_endless() || *ran < schedule.runs;
        if recurs {
            schedule.recur(now);
            *moved = true;
        } else {
            self.end(number, Fate::Done);
        }
        self.moved_tokens += number;
        self.runs += 1;
        recurs
    }

    /// A worker leased an operation.
    ///
    /// # Panics
    /// When one that was queued later at the same level, and neither was moved, was leased before it.
    pub fn begin(&mut self, number: u64) {
        let record = self.at(number);
        assert_eq!(record.fate, Fate::Live, "operation {number} is leased after its end");
        let first = !record.begun;
        record.begun = true;
        let (place, moved) = (record.place, record.moved);
        if first && !moved {
            let last = self.last_begun.insert(place, number).unwrap_or(0);
            assert!(last < number, "operation {number} begins after {last}, which was queued later");
        }
    }

    /// The numbers of the operations that should be in a queue.
    pub fn live_in(&self, lane: usize) -> Vec<u64> {
        self.live.get(&lane).into_iter().flatten().copied().collect()
    }

    /// Every operation that was accepted, in the order of their numbers.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// How many had each fate: live, done, cancelled, purged.
    pub fn fates(&self) -> [usize; 4] {
        [Fate::Live, Fate::Done, Fate::Cancelled, Fate::Purged]
            .map(|fate| self.records.iter().filter(|record| record.fate == fate).count())
    }
}

/// Place of an operation among the records.
fn index(number: u64) -> usize {
    usize::try_from(number).expect("a small number").checked_sub(1).expect("numbers begin at one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared_layouts::scheduler::enqueue;

    /// Two operations that are due at 100: one runs once, the other every ten seconds and three times in all.
    fn two() -> Ledger {
        let mut ledger = Ledger::default();
        for (interval_seconds, runs) in [(0, 1), (10, 3)] {
            let request = enqueue::Data { interval_seconds, runs, ..Default::default() };
            let place = Place { lane: 0, level: 5, member: 0, epoch: 0 };
            ledger.accept(place, Schedule::of(&request, 100), 1, 100);
        }
        ledger
    }

    #[test]
    #[should_panic(expected = "operation 1 runs after its end")]
    fn what_runs_twice_is_noticed() {
        let mut ledger = two();
        ledger.ran(1, 100);
        ledger.ran(1, 100);
    }

    #[test]
    #[should_panic(expected = "operation 2 runs at 109, and may from 110 to")]
    fn what_runs_before_it_is_due_again_is_noticed() {
        let mut ledger = two();
        assert!(ledger.ran(2, 101));
        ledger.ran(2, 109);
    }

    #[test]
    #[should_panic(expected = "operation 2 ends a second time")]
    fn what_is_cancelled_after_its_last_run_is_noticed() {
        let mut ledger = two();
        let others: Vec<bool> = [100, 110, 120].map(|now| ledger.ran(2, now)).to_vec();
        assert_eq!(others, [true, true, false]);
        ledger.end(2, Fate::Cancelled);
    }

    #[test]
    #[should_panic(expected = "operation 1 begins after 2")]
    fn what_is_out_of_order_is_noticed() {
        let mut ledger = two();
        ledger.begin(2);
        ledger.begin(1);
    }

    #[test]
    fn a_moved_operation_may_begin_late() {
        let mut ledger = two();
        ledger.at(1).moved = true;
        ledger.begin(2);
        ledger.begin(1);
        ledger.ran(1, 100);
        ledger.ran(2, 100);
        assert_eq!((ledger.live_in(0), ledger.fates(), ledger.moved_tokens), (vec![2], [1, 1, 0, 0], 3));
    }
}
