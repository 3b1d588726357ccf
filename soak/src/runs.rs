//! How operations run: behind the processor's check, or directly while that is open.

use crate::check;
use crate::engine::Engine;
use crate::lane::{COSIGNER, Line};
use crate::setup::WORKERS;
use mollusk_tests::programs::address;
use mollusk_tests::world::TxFailure;
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::ProcessorError;
use shared_layouts::scheduler::{self as wire, EntryHandle, SchedulerError, list, queue_flags, reader::QueueReader};
use solana_instruction::Instruction;

/// Entries that one transaction runs at most: so many fit.
const RUN_AT_ONCE: usize = 6;

/// An operation that is to run.
pub(crate) struct Run {
    handle: EntryHandle,
    pub(crate) number: u64,
    pub(crate) sequence: u64,
    /// Place of its dispatch in the transaction.
    pub(crate) first: usize,
}

impl Engine {
    /// What a worker tries to run: mostly what it may, and now and then what comes first although it may have to wait.
    fn runnable(&mut self, lane: usize, worker: usize, queue: &QueueReader) -> Vec<EntryHandle> {
        let now = self.now();
        let is_patient = self.rng.u8(..4) != 0;
        if queue.header.header.state & queue_flags::LEASED == 0 {
            return match self.order_of(lane) {
                Some(order) if is_patient => queue.dispatchable_under(&self.read_order(order), now),
                _ => queue.dispatchable(now),
            };
        }
        let leased = queue.list(list::LEASED).into_iter();
        let own = leased.filter(|(_, entry)| {
            usize::from(entry.worker) == worker && now <= entry.lease_ends_at.min(entry.deadline_at)
        });
        let tried = own.filter(|(_, entry)| !is_patient || self.may_run(lane, entry.sequence));
        tried.filter_map(|(slot, _)| queue.handle(slot)).collect()
    }

    fn line_of(&self, lane: usize, number: u64) -> &Line {
        &self.lanes[lane].lines[self.ledger.record(number).place.member]
    }

    /// Whether an operation was queued under the version that its capability has.
    pub(crate) fn is_current(&self, lane: usize, number: u64) -> bool {
        self.ledger.record(number).version == self.line_of(lane, number).version
    }

    /// A worker runs something: behind the processor's check, or, mostly where that may be open, directly.
    pub(crate) fn run_some(&mut self, lane: usize, worker: usize) {
        let direct_of_20 = match (self.is_processor_paused(), self.is_direct_opened()) {
            (true, _) => 16,
            (false, true) => 10,
            (false, false) => 1,
        };
        if self.rng.u8(..20) < direct_of_20 {
            self.dispatch_direct(lane, worker);
        } else {
            self.dispatch(lane, worker);
        }
    }

    /// Runs several entries in one transaction, behind the processor's check.
    pub(crate) fn dispatch(&mut self, lane: usize, worker: usize) {
        let queue = self.read(&self.lanes[lane]);
        let mut handles = self.runnable(lane, worker, &queue);
        // Mostly a worker leaves alone what was queued under another version than the capability has.
        if self.rng.u8(..8) != 0 {
            handles.retain(|handle| self.is_current(lane, check::number(&queue, handle.slot)));
        }
        handles.truncate(self.rng.usize(1..=RUN_AT_ONCE));
        // A handle of what has run, or never was: refused as a whole.
        let is_stale = self.rng.u8(..40) == 0 && !handles.is_empty();
        if is_stale {
            handles[0].generation = handles[0].generation.wrapping_sub(1);
        }
        let (mut runs, mut instructions) = (Vec::new(), Vec::new());
        for handle in handles {
            let (number, sequence) =
                (check::number(&queue, handle.slot), queue.entries[usize::from(handle.slot)].sequence);
            runs.push(Run { handle, number, sequence, first: instructions.len() });
            let mut dispatch = self.at(lane).dispatch(WORKERS[worker], handle);
            dispatch.accounts[wire::dispatch::Position::worker as usize].is_writable = true;
            // Now and then a worker has not read the capability again.
            let has_read = self.rng.u8(..4) != 0;
            let line = self.line_of(lane, number);
            let version = if has_read { line.version } else { self.ledger.record(number).version };
            instructions.push(dispatch);
            instructions.extend(line.run(number, version));
        }
        if runs.is_empty() {
            return;
        }
        match self.submit("Dispatch", &instructions, &[WORKERS[worker], COSIGNER]) {
            Ok(_) => {
                assert!(!is_stale, "a stale handle is accepted");
                assert!(!self.is_processor_paused(), "something ran while the processor was paused");
                self.all_ran(lane, &runs);
            }
            Err(failure) => self.dispatch_refused(lane, &failure, &runs, is_stale),
        }
    }

    /// These ran in one transaction.
    fn all_ran(&mut self, lane: usize, runs: &[Run]) {
        let now = self.now();
        let mut again = Vec::new();
        for run in runs {
            assert!(self.is_current(lane, run.number), "{} ran under a version that was replaced", run.number);
            self.judge_ran(lane, run.sequence);
            if self.ledger.ran(run.number, now) {
                self.judge_queued(lane, run.sequence, run.number);
                again.push(run);
            }
        }
        let queue = self.read(&self.lanes[lane]);
        for Run { handle, number, .. } in again {
            assert_eq!(queue.entry(*handle), None, "the handle of a run of {number} outlives it");
            let next = EntryHandle { generation: handle.generation.wrapping_add(1), ..*handle };
            let entry = queue.entry(next).unwrap_or_else(|| panic!("{number} has another run"));
            let record = self.ledger.record(*number);
            let expected = if record.schedule.due_at > now { list::DELAYED } else { list::READY };
            assert_eq!(entry.list, expected, "list of the next run of {number}");
            check::entry(entry, record);
        }
        self.observe(lane);
    }

    /// A dispatch was refused: there must have been a reason for it.
    fn dispatch_refused(&mut self, lane: usize, failure: &TxFailure, runs: &[Run], is_stale: bool) {
        const PROCESSOR_PAUSED: u32 = ProcessorError::BASE + Fault::Paused as u32;
        const SCHEDULER_PAUSED: u32 = SchedulerError::BASE + Fault::Paused as u32;
        const SHARD_PAUSED: u32 = SchedulerError::ShardPaused as u32;
        const STALE_HANDLE: u32 = SchedulerError::StaleHandle as u32;
        const NOT_ELIGIBLE: u32 = SchedulerError::NotEligible as u32;
        const CAPABILITY_CHANGED: u32 = SchedulerError::CapabilityChanged as u32;
        const STALE_CAPABILITY: u32 = ProcessorError::StaleCapability as u32;
        let (index, _) = failure.instruction_error().expect("an instruction was refused");
        let code = failure.custom_code().expect("an error of a program");
        let run = runs.iter().rfind(|run| run.first <= index).expect("the first one begins the transaction");
        let is_right = match code {
            SCHEDULER_PAUSED => self.paused,
            SHARD_PAUSED => self.lanes[lane].paused,
            PROCESSOR_PAUSED => self.is_processor_paused(),
            STALE_HANDLE => is_stale && index == 0,
            CAPABILITY_CHANGED | STALE_CAPABILITY => !self.is_current(lane, run.number),
            // Another one's turn has come, or would have with those before it in the transaction.
            NOT_ELIGIBLE => index > 0 || self.order_of(lane).is_some(),
            _ => self.is_refused_by_order(lane, failure, run),
        };
        assert!(is_right, "{} of queue {lane} was refused with {code} for no reason", run.number);
    }

    /// Why an operation that has its turn may not run directly, if it may not.
    fn why_not_direct(&self, lane: usize, number: u64) -> Option<u32> {
        Some(if self.paused {
            SchedulerError::BASE + Fault::Paused as u32
        } else if self.lanes[lane].paused {
            SchedulerError::ShardPaused as u32
        } else if !self.is_direct_opened() && !self.is_processor_paused_by_authority() {
            SchedulerError::DirectClosed as u32
        } else if !self.line_of(lane, number).is_direct {
            SchedulerError::NotDirect as u32
        } else if !self.is_current(lane, number) {
            SchedulerError::CapabilityChanged as u32
        } else {
            return None;
        })
    }

    /// A worker runs an entry without the processor; or tries to.
    pub(crate) fn dispatch_direct(&mut self, lane: usize, worker: usize) {
        let queue = self.read(&self.lanes[lane]);
        let handles = self.runnable(lane, worker, &queue);
        let number = |handle: &EntryHandle| check::number(&queue, handle.slot);
        // One that needs the capability's signature cannot run so, and is tried rarely.
        let is_careful = self.rng.u8(..8) != 0;
        let is_tried = |handle: &&EntryHandle| !is_careful || self.line_of(lane, number(handle)).is_cosigned;
        let Some(handle) = handles.iter().find(is_tried).copied() else { return };
        let sequence = queue.entries[usize::from(handle.slot)].sequence;
        let run = Run { handle, number: number(&handle), sequence, first: 0 };
        let instructions = self.direct_instructions(lane, worker, &run);
        let expected = self.why_not_direct(lane, run.number);
        match self.send("DispatchDirect", &instructions, &[WORKERS[worker], COSIGNER]) {
            Ok(_) => {
                assert_eq!(expected, None, "{} ran directly", run.number);
                let is_opened = self.is_direct_opened();
                self.direct_runs.while_opened += u64::from(is_opened);
                self.direct_runs.while_paused += u64::from(!is_opened);
                self.all_ran(lane, &[run]);
            }
            Err(failure) if expected.is_some() && failure.custom_code() == expected => {
                let is_closed = expected == Some(SchedulerError::DirectClosed as u32);
                self.direct_runs.refused_under_guardian += u64::from(is_closed && self.is_processor_paused());
            }
            Err(failure) => {
                let is_late = failure.custom_code() == Some(SchedulerError::NotEligible as u32);
                let is_right =
                    is_late && self.order_of(lane).is_some() || self.is_refused_by_order(lane, &failure, &run);
                assert!(is_right, "{}: {:?} instead of {expected:?}", run.number, failure.error);
            }
        }
    }

    fn direct_instructions(&mut self, lane: usize, worker: usize, run: &Run) -> [Instruction; 2] {
        let line = self.line_of(lane, run.number);
        let (capability, call) = (line.capability, line.target_call(run.number));
        let bench = self.at(lane);
        bench.capability = capability;
        let mut dispatch = bench.dispatch_direct(run.handle);
        let place = &mut dispatch.accounts[wire::dispatch_direct::Position::worker as usize];
        (place.pubkey, place.is_writable) = (address(WORKERS[worker]), true);
        [dispatch, call]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::SMALL;
    use crate::ledger::Record;

    /// An open queue that is bound to no order.
    const LANE: usize = 5;

    /// Operations are queued and run while the ledger believes something false of each.
    fn run_misinformed(mislead: impl Fn(&mut Record), run: impl Fn(&mut Engine)) {
        let mut engine = Engine::new(1, SMALL);
        for _ in 0..100 {
            engine.enqueue(LANE);
            for number in engine.ledger.live_in(LANE) {
                mislead(engine.ledger.at(number));
            }
            run(&mut engine);
            engine.bench.wait(30);
        }
    }

    #[test]
    #[should_panic(expected = "ran under a version that was replaced")]
    fn a_run_under_a_version_that_was_replaced_is_noticed() {
        run_misinformed(|record| record.version = 2, |engine| engine.dispatch(LANE, 0));
    }

    #[test]
    #[should_panic(expected = "list of the next run of")]
    fn a_run_that_is_due_at_another_time_is_noticed() {
        let is_first = |record: &Record| record.ran == 0 && record.schedule.interval_seconds != 0;
        let mislead = |record: &mut Record| record.schedule.catches_up |= is_first(record);
        run_misinformed(mislead, |engine| engine.dispatch(LANE, 0));
    }

    #[test]
    #[should_panic(expected = "has another run")]
    fn a_run_that_is_missing_is_noticed() {
        let mislead = |record: &mut Record| (record.schedule.interval_seconds, record.schedule.runs) = (1, 9);
        run_misinformed(mislead, |engine| engine.dispatch(LANE, 0));
    }

    #[test]
    #[should_panic(expected = "Custom(2134)) instead of")]
    fn a_direct_run_that_is_refused_although_it_is_open_is_noticed() {
        let run = |engine: &mut Engine| {
            engine.direct.until = i64::MAX;
            engine.dispatch_direct(LANE, 0);
        };
        run_misinformed(|_| {}, run);
    }
}
