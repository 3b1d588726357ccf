//! What producers and workers do besides running: queue, claim, fail, reap.

use crate::check;
use crate::engine::Engine;
use crate::ledger::Place;
use crate::schedule::Schedule;
use crate::setup::WORKERS;
use mollusk_tests::fixture::people;
use mollusk_tests::programs::{SCHEDULER, address};
use shared_layouts::scheduler::{
    self as wire, BatchItem, DEFAULT_LEVEL, Entry, EntryHandle, enqueue, entry_flags, list, queue_flags,
    reader::QueueReader, reason,
};
use solana_instruction::{AccountMeta, Instruction};

/// Entries that one transaction queues at most.
const AT_ONCE: usize = 8;
/// Operations in a bound queue above which its producer mostly waits.
const ENOUGH_UNDER_AN_ORDER: usize = 16;
/// Runs of an operation that does not run for ever.
const MOST_RUNS: u32 = 4;
/// Longest time from one run of an operation to the next, seconds.
const LONGEST_INTERVAL_SECONDS: u32 = 20;
/// Handles that one transaction reaps at most.
const REAPED_AT_ONCE: usize = 40;
/// Dead letters and expired entries that one claim takes out of its way before it stops.
const REMOVED_BEFORE_A_CLAIM_STOPS: u16 = 8;

impl Engine {
    /// What a new operation asks for: some are delayed, have a tip, a deadline or several runs, or state no level.
    pub(crate) fn request(&mut self, sequence: u64) -> enqueue::Data {
        let now = self.now();
        let recurs = self.rng.u8(..20) == 0;
        let is_endless = recurs && self.rng.u8(..8) == 0;
        let runs = if recurs { self.rng.u32(2..=MOST_RUNS) } else { 0 };
        enqueue::Data {
            sequence,
            level: if self.rng.u8(..4) == 0 { DEFAULT_LEVEL } else { self.rng.u8(..4) * 5 },
            not_before_at: if self.rng.u8(..10) == 0 { now + i64::from(self.rng.u8(1..30)) } else { 0 },
            deadline_at: if self.rng.u8(..20) == 0 { now + 100 } else { 0 },
            tip_lamports: if self.rng.u8(..10) == 0 { 5_000 } else { 0 },
            interval_seconds: if recurs { self.rng.u32(1..=LONGEST_INTERVAL_SECONDS) } else { 0 },
            runs: if is_endless { u32::MAX } else { runs },
            flags: if recurs && !is_endless && self.rng.bool() { entry_flags::CATCH_UP } else { 0 },
            ..Default::default()
        }
    }

    /// New operations, alone or in a batch; now and then one whose sequence was used, and some after one that was lost.
    pub(crate) fn enqueue(&mut self, lane: usize) {
        // An operation may wait for all of its epoch, so epochs that are to end must not be too large; now and then one is.
        let is_full = self.order_of(lane).is_some() && self.ledger.live_in(lane).len() > ENOUGH_UNDER_AN_ORDER;
        if is_full && self.rng.u8(..12) != 0 {
            return;
        }
        let count = self.rng.usize(1..=AT_ONCE);
        let last = self.lanes[lane].sequence;
        let replays = last > 0 && self.rng.u8(..40) == 0;
        let is_lost = !replays && self.rng.u8(..15) == 0;
        let first = if replays { last } else { last + 1 + u64::from(is_lost) };
        let mut new = Vec::new();
        for sequence in (first..).take(count) {
            new.push((self.request(sequence), self.rng.usize(..self.lanes[lane].lines.len())));
        }
        let (name, instruction) = match new.as_slice() {
            [(request, member)] => {
                let number = self.ledger.next().to_le_bytes();
                self.bench.capability = self.lanes[lane].lines[*member].capability;
                ("Enqueue", self.at(lane).enqueue(request, &number))
            }
            _ => ("EnqueueBatch", self.batch_of(lane, &new)),
        };
        if self.submit(name, &[instruction], &[people::PRODUCER]).is_ok() {
            assert!(!replays, "a used sequence number is accepted");
            self.lanes[lane].lost.extend(is_lost.then_some(last + 1));
            for (request, member) in new {
                self.accept(lane, member, &request);
                self.lanes[lane].sequence = request.sequence;
            }
            self.observe(lane);
        }
    }

    /// An operation of a member was queued. Returns its number.
    pub(crate) fn accept(&mut self, lane: usize, member: usize, request: &enqueue::Data) -> u64 {
        let (now, number) = (self.now(), self.ledger.next());
        let epoch = self.order_of(lane).map_or(0, |order| order.judge.epoch());
        let level = if request.level == DEFAULT_LEVEL { self.level_of(lane, member) } else { request.level };
        let version = self.lanes[lane].lines[member].version;
        self.ledger.accept(Place { lane, level, member, epoch }, Schedule::of(request, now), version, now);
        self.judge_queued(lane, request.sequence, number);
        number
    }

    /// `EnqueueBatch` of operations and the members that they belong to.
    fn batch_of(&mut self, lane: usize, new: &[(enqueue::Data, usize)]) -> Instruction {
        let mut members: Vec<usize> = new.iter().map(|(_, member)| *member).collect();
        members.sort_unstable();
        members.dedup();
        let mut items = Vec::new();
        for (number, (request, member)) in (self.ledger.next()..).zip(new) {
            let place = members.iter().position(|named| named == member).expect("every member is named");
            let capability = u8::try_from(place).expect("few members");
            let item = BatchItem { arguments_bytes: 8, capability, reserved: 0 };
            items.extend([bytemuck::bytes_of(&item), bytemuck::bytes_of(request), &number.to_le_bytes()].concat());
        }
        let accounts = wire::enqueue_batch::Accounts {
            queue: self.lanes[lane].queue,
            producer: address(people::PRODUCER),
            clock: solana_sdk_ids::sysvar::clock::ID,
        };
        let order = self.order_of(lane).map(|order| AccountMeta::new(order.order, false));
        let capabilities = members.iter().map(|member| self.lanes[lane].lines[*member].capability);
        let more: Vec<AccountMeta> =
            order.into_iter().chain(capabilities.map(|key| AccountMeta::new_readonly(key, false))).collect();
        wire::enqueue_batch(SCHEDULER.address(), accounts, &more, &wire::enqueue_batch::Data {}, &items)
    }

    /// A worker claims, and runs what it has. In a bound queue it does so several times, since others wait for it.
    pub(crate) fn work(&mut self, lane: usize, worker: usize) {
        for _ in 0..if self.lanes[lane].order.is_some() { self.rng.u8(1..=6) } else { 1 } {
            self.claim(lane, worker);
            self.run_some(lane, worker);
        }
    }

    pub(crate) fn claim(&mut self, lane: usize, worker: usize) {
        let before = self.read(&self.lanes[lane]);
        let count = self.rng.u8(1..=8);
        let expected = self.next_claims(lane, &before, usize::from(count));
        let index = u8::try_from(worker).expect("two workers");
        let claim = self.at(lane).claim(WORKERS[worker], index, count);
        if self.submit("Claim", &[claim], &[WORKERS[worker]]).is_ok() {
            self.observe(lane);
            let after = self.read(&self.lanes[lane]);
            let is_new = |slot: u16| before.entries[usize::from(slot)].list != list::LEASED;
            let leased: Vec<u16> = after.list(list::LEASED).into_iter().map(|(slot, _)| slot).collect();
            let new: Vec<EntryHandle> =
                leased.into_iter().filter(|slot| is_new(*slot)).filter_map(|slot| after.handle(slot)).collect();
            // What had to die in a bound queue, and is held for lack of room, makes others wait still.
            let had_room = self.lanes[lane].order.is_none() || after.header.held_count == before.header.held_count;
            assert!(!had_room || expected == new, "what comes next, and nothing else, is leased");
            for handle in &new {
                self.ledger.begin(check::number(&after, handle.slot));
            }
            let stopped = |queue: &QueueReader| queue.header.dead_count + queue.header.held_count;
            let is_strict = after.header.header.state & queue_flags::STRICT != 0;
            let took_all = new.len() < usize::from(count) && !is_strict;
            self.passed_over(lane, took_all && stopped(&after) < stopped(&before) + REMOVED_BEFORE_A_CLAIM_STOPS);
            self.mark_moved(lane);
        }
    }

    /// What is delayed or has failed has lost its place.
    fn mark_moved(&mut self, lane: usize) {
        let queue = self.read(&self.lanes[lane]);
        for (slot, entry) in queue.list(list::DELAYED).into_iter().chain(queue.list(list::DEAD)) {
            assert_ne!(entry.arguments_bytes, 0);
            self.ledger.at(check::number(&queue, slot)).moved = true;
        }
    }

    pub(crate) fn fail(&mut self, lane: usize) {
        let Some(picked) = self.pick(lane, &[list::LEASED]) else { return };
        let worker = WORKERS[self.rng.usize(..WORKERS.len())];
        let permanent = self.rng.u8(..4) == 0;
        let fail = self.at(lane).fail(worker, picked.handle, permanent);
        if self.submit("Fail", &[fail], &[worker]).is_ok() {
            self.ledger.at(picked.number).moved = true;
            if permanent {
                self.judge_condemned(lane, picked.sequence, reason::PERMANENT);
            }
            self.observe(lane);
        }
    }

    pub(crate) fn reap(&mut self, lane: usize) {
        let queue = self.read(&self.lanes[lane]);
        let mut kinds = vec![list::LEASED, list::DELAYED, list::READY];
        if self.lanes[lane].order.is_some() {
            // Those that anyone may give up.
            kinds.extend([list::HELD, list::DEAD]);
        }
        let mut listed: Vec<(u16, Entry)> =
            kinds.iter().flat_map(|kind| queue.list(*kind)).map(|(slot, entry)| (slot, *entry)).collect();
        while listed.len() > REAPED_AT_ONCE {
            listed.remove(self.rng.usize(..listed.len()));
        }
        let handles: Vec<EntryHandle> = listed.iter().filter_map(|(slot, _)| queue.handle(*slot)).collect();
        let sequences: Vec<u64> = listed.iter().map(|(_, entry)| entry.sequence).collect();
        let due = self.due_by_order(lane, &sequences);
        let reap = self.at(lane).reap(&handles);
        if self.submit("Reap", &[reap], &[]).is_ok() {
            self.observe(lane);
            let after = self.read(&self.lanes[lane]);
            for ((slot, old), handle) in listed.iter().zip(&handles) {
                if after.entry(*handle).is_none_or(|entry| entry.list != old.list) {
                    self.ledger.at(check::number(&queue, *slot)).moved = true;
                }
            }
            self.check_done(lane, &due);
        } else {
            assert!(self.paused || due.is_empty(), "the order has made {due:?} of queue {lane} due");
        }
    }
}
