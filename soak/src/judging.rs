//! The judge who follows what is queued under an order: what it is told, and what it is asked.

use crate::check;
use crate::engine::Engine;
use crate::ledger::Record;
use crate::orders::Bound;
use crate::runs::Run;
use mollusk_tests::judge::{Id, Judge, State, Turn};
use mollusk_tests::world::TxFailure;
use shared_layouts::scheduler::{EntryHandle, SchedulerError, list, reader::QueueReader};
use std::collections::BTreeMap;

impl Engine {
    fn judge_of(&mut self, lane: usize) -> Option<&mut Judge> {
        self.lanes[lane].order.map(|at| &mut self.orders[at].judge)
    }

    /// An operation was queued, or is to run again; its number in its queue is its sequence.
    pub(crate) fn judge_queued(&mut self, lane: usize, sequence: u64, number: u64) {
        let now = self.now();
        let Some(order) = self.lanes[lane].order else { return };
        let Record { place, schedule, .. } = self.ledger.record(number);
        let bit = self.bit(lane, place.member);
        let (is_ready, deadline_at) = (schedule.due_at <= now, schedule.deadline_at());
        self.orders[order].judge.queued((lane, sequence), bit, is_ready, deadline_at);
    }

    /// An operation is to die, should it die, for a reason that somebody gave.
    pub(crate) fn judge_condemned(&mut self, lane: usize, sequence: u64, why: u8) {
        if let Some(judge) = self.judge_of(lane) {
            judge.condemned((lane, sequence), why);
        }
    }

    /// An operation left its queue without running.
    pub(crate) fn judge_left(&mut self, lane: usize, sequence: u64) {
        if let Some(judge) = self.judge_of(lane) {
            judge.left((lane, sequence));
        }
    }

    /// An operation ran.
    pub(crate) fn judge_ran(&mut self, lane: usize, sequence: u64) {
        if let Some(judge) = self.judge_of(lane) {
            judge.ran((lane, sequence));
        }
    }

    /// A held operation was declared dead, and stays held because the dead letters are full: its patience begins anew.
    pub(crate) fn judge_held_again(&mut self, lane: usize, sequence: u64) {
        let (now, queue) = (self.now(), self.read(&self.lanes[lane]));
        let stays = queue.list(list::HELD).iter().any(|(_, entry)| entry.sequence == sequence);
        let Some(judge) = self.judge_of(lane) else { return };
        if stays && judge.operations[&(lane, sequence)].state == State::Held {
            judge.held((lane, sequence), now);
        }
    }

    /// The judge looks at what a transaction made of a queue.
    pub(crate) fn observe(&mut self, lane: usize) {
        let Some(order) = self.lanes[lane].order else { return };
        let (now, queue) = (self.now(), self.read(&self.lanes[lane]));
        self.orders[order].judge.observe(lane, &queue.entries, now);
    }

    /// Whether the order of a queue, if it has one, lets an operation that is ready or leased run.
    pub(crate) fn may_run(&self, lane: usize, sequence: u64) -> bool {
        self.order_of(lane).is_none_or(|order| is_let_run(&order.judge, (lane, sequence)))
    }

    /// The ready operations of a queue that have to wait when a worker comes are noted; if the worker would have taken more, nothing
    /// is left that might run.
    pub(crate) fn passed_over(&mut self, lane: usize, took_all: bool) {
        let Some(order) = self.lanes[lane].order else { return };
        let queue = self.read(&self.lanes[lane]);
        let judge = &self.orders[order].judge;
        // The same goes for all of a member and an epoch.
        let mut turns = BTreeMap::new();
        for (slot, entry) in queue.list(list::READY) {
            let id = (lane, entry.sequence);
            let kin = (entry.order_bit, entry.order_epoch);
            let turn = *turns.entry(kin).or_insert_with(|| judge.turn(id));
            assert!(!took_all || turn != Turn::Allowed, "{id:?} was passed over, and did not have to wait");
            if matches!(turn, Turn::Waits(_) | Turn::ChainBusy(_)) {
                self.ledger.at(check::number(&queue, slot)).waited = true;
            }
        }
    }

    /// What a claim leases next; from a bound queue, if its dead letters have room.
    pub(crate) fn next_claims(&self, lane: usize, queue: &QueueReader, count: usize) -> Vec<EntryHandle> {
        match self.order_of(lane) {
            None => queue.next_claims(count, self.now()),
            Some(order) => queue.next_claims_under(&self.read_order(order), count, self.now()),
        }
    }

    /// Which of some operations of a queue the order has made due: they die with another, or may be given up.
    pub(crate) fn due_by_order(&self, lane: usize, sequences: &[u64]) -> Vec<(u64, State)> {
        let Some(Bound { judge, .. }) = self.order_of(lane) else { return Vec::new() };
        let now = self.now();
        let states = sequences.iter().map(|sequence| (*sequence, judge.operations[&(lane, *sequence)].state));
        let is_due = |(sequence, state): &(u64, State)| {
            let id = (lane, *sequence);
            judge.is_overdue(id, now) || *state == State::Ready && judge.turn(id) == Turn::Dies
        };
        states.filter(is_due).collect()
    }

    /// A reap did what the order had made due.
    pub(crate) fn check_done(&self, lane: usize, due: &[(u64, State)]) {
        let Some(Bound { judge, .. }) = self.order_of(lane) else { return };
        for (sequence, state) in due {
            let one = judge.operations[&(lane, *sequence)];
            let is_done = match one.state {
                // One that became ready on the way of the same instruction comes first.
                State::Ready => matches!(judge.turn((lane, *sequence)), Turn::Waits(_)),
                _ => *state == State::Ready || one.epoch.is_none(),
            };
            assert!(is_done, "{sequence} of queue {lane} was due and was left: {one:?}");
        }
    }

    /// Whether the order refused to let an operation run, and was right.
    ///
    /// # Panics
    /// When it was wrong.
    pub(crate) fn is_refused_by_order(&mut self, lane: usize, failure: &TxFailure, run: &Run) -> bool {
        let (doomed, waits) = (SchedulerError::OrderDoomed as u32, SchedulerError::OrderWaits as u32);
        let code = failure.custom_code().filter(|code| [doomed, waits].contains(code));
        let (Some(code), Some(order)) = (code, self.lanes[lane].order) else { return false };
        let order = &mut self.orders[order];
        let id = (lane, run.sequence);
        assert!(!is_let_run(&order.judge, id), "{id:?} is refused, and may run");
        // Behind others of its transaction it may have to die, having waited for none but them.
        if run.first == 0 {
            assert_eq!(code == doomed, order.judge.turn(id) == Turn::Dies, "{id:?} waits or dies");
        }
        order.counts.refused += 1;
        self.ledger.at(run.number).waited |= code == waits;
        true
    }

    /// What every order's account counts is what the judge counts.
    pub(crate) fn check_orders(&self) {
        for order in &self.orders {
            order.judge.check_counts(&self.read_order(order));
        }
    }
}

/// Whether an operation that is ready or leased may run.
fn is_let_run(judge: &Judge, id: Id) -> bool {
    match judge.turn(id) {
        Turn::Allowed => true,
        Turn::ChainBusy(_) => judge.operations[&id].state == State::Leased,
        Turn::Waits(_) | Turn::Dies => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Plan, SMALL};
    use mollusk_tests::judge::Rules;
    use mollusk_tests::orders::rotate_epoch;
    use shared_layouts::scheduler::when_dead;

    /// The judge believes that of each of the first two shards the second member waits for the first, and the third for the second.
    /// No such edge was composed.
    fn misinformed() -> Engine {
        let mut engine = Engine::new(1, Plan { operations: 300, ..SMALL });
        let rotate = rotate_epoch(&engine.orders[0].order);
        engine.submit("RotateEpoch", &[rotate], &[]).expect("nothing is queued");
        let edges = [(0, 1), (1, 2), (3, 4), (4, 5)].map(|(first, second)| (first, second, when_dead::BLOCK));
        engine.orders[0].judge.epoch_opened(Some(Rules::new(&edges, &[])));
        engine
    }

    #[test]
    #[should_panic(expected = "was leased: ")]
    fn a_lease_before_what_must_come_first_is_noticed() {
        let mut engine = misinformed();
        for _ in 0..50 {
            engine.enqueue(0);
            engine.claim(0, 0);
        }
    }

    #[test]
    #[should_panic(expected = "ran, but Waits")]
    fn a_run_before_what_must_come_first_is_noticed() {
        let mut engine = misinformed();
        for _ in 0..50 {
            engine.enqueue(1);
            engine.dispatch(1, 0);
        }
    }

    #[test]
    #[should_panic(expected = "counts of epoch")]
    fn an_operation_that_an_order_does_not_count_is_noticed() {
        let mut engine = misinformed();
        engine.enqueue(0);
        engine.judge_queued(0, 1_000, 1);
        engine.check_orders();
    }
}
