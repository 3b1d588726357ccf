//! Every operation that was accepted, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// In its queue, in whatever list.
    Live,
    /// It ran.
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
    /// Its level.
    pub level: u8,
    /// Which capability of its shard it runs.
    pub member: usize,
    /// The epoch of the order that the queue is bound to; zero if it is bound to none.
    pub epoch: u32,
}

/// An operation.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Where it was queued.
    pub place: Place,
    /// Its fate.
    pub fate: Fate,
    /// It was delayed, held, failed, or given another level: its place among the others is no longer that of its number.
    pub moved: bool,
    /// A worker has leased it at least once.
    pub begun: bool,
    /// It waited for another one when a worker came: it was passed over, or its dispatch was refused.
    pub waited: bool,
}

/// The operations by number, from one on.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    records: Vec<Record>,
    /// What is in each queue.
    live: BTreeMap<usize, BTreeSet<u64>>,
    /// Last operation that began in each place, of those that were not moved.
    last_begun: BTreeMap<Place, u64>,
    /// Sum of the numbers of operations that ran.
    pub moved_tokens: u64,
}

impl Ledger {
    /// The number that the next operation will have.
    pub fn next(&self) -> u64 {
        self.records.len() as u64 + 1
    }

    /// An operation was accepted.
    pub fn accept(&mut self, place: Place, moved: bool) {
        let number = self.next();
        self.live.entry(place.lane).or_default().insert(number);
        self.records.push(Record { place, fate: Fate::Live, moved, begun: false, waited: false });
    }

    /// An operation by its number.
    ///
    /// # Panics
    /// When there is none: a queue holds what nobody queued.
    pub fn at(&mut self, number: u64) -> &mut Record {
        let index = usize::try_from(number).expect("a small number").checked_sub(1).expect("numbers begin at one");
        self.records.get_mut(index).unwrap_or_else(|| panic!("operation {number} was never accepted"))
    }

    /// An operation left its queue.
    ///
    /// # Panics
    /// When it had left already: it ran twice, or ran after it had been cancelled.
    pub fn end(&mut self, number: u64, fate: Fate) {
        let record = self.at(number);
        assert_eq!(record.fate, Fate::Live, "operation {number} ends a second time, now as {fate:?}");
        record.fate = fate;
        let lane = record.place.lane;
        self.live.entry(lane).or_default().remove(&number);
        if fate == Fate::Done {
            self.moved_tokens += number;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Ledger {
        let mut ledger = Ledger::default();
        for _ in 0..2 {
            ledger.accept(Place { lane: 0, level: 5, member: 0, epoch: 0 }, false);
        }
        ledger
    }

    #[test]
    #[should_panic(expected = "operation 2 ends a second time")]
    fn what_runs_twice_is_noticed() {
        let mut ledger = two();
        ledger.end(2, Fate::Done);
        ledger.end(2, Fate::Done);
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
        ledger.end(1, Fate::Done);
        assert_eq!((ledger.live_in(0), ledger.fates(), ledger.moved_tokens), (vec![2], [1, 1, 0, 0], 1));
    }
}
