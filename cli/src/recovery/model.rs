//! The replay against the queue itself: random calls go to the real core, and what the ledger would show of them to the
//! replay, which begins with a copy from somewhere in between.

use super::replay::{Fate, Item, Replay};
use crate::ledger::{Call, End};
use crate::set::Singleton;
use bytemuck::Zeroable;
use cores::queue::{Handle, NewEntry, Pauses, Policy, QueueMut, Report, clear_lists};
use shared_layouts::declare::InstructionSpec;
use shared_layouts::processor::{Capability, execute};
use shared_layouts::scheduler::reader::QueueReader;
use shared_layouts::scheduler::{
    self, Entry, EntryHandle, ProducerRecord, Queue, cancel, dead_letter, dispatch, enqueue, fail, hold, list, purge,
    queue_flags, reap, reason, redrive, release,
};
use shared_layouts::{AccountLayout, Key};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

const SLOTS: u16 = 12;
const STEPS: usize = 120;
const OWNER: Key = [9; 32];
const QUEUE: Key = [8; 32];
const CAPABILITY: Key = [7; 32];

/// What is known to have become of an entry, by producer and sequence.
type Ends = BTreeMap<(Key, u64), Fate>;

struct Run {
    words: Vec<u64>,
    random: u64,
    now: i64,
    sequences: [u64; 2],
    ends: Ends,
    /// Calls by count leave the replay without the order of free slots.
    by_count: bool,
    is_leased: bool,
}

impl Run {
    fn new(seed: u64) -> Self {
        let bytes = Queue::BYTES + usize::from(SLOTS) * Entry::BYTES;
        let mut run = Self {
            words: vec![0; bytes / 8],
            random: seed | 1,
            now: 1_000,
            sequences: [0; 2],
            ends: Ends::new(),
            by_count: seed.is_multiple_of(3),
            is_leased: seed.is_multiple_of(2),
        };
        let flags = if run.is_leased { queue_flags::LEASED } else { 0 };
        let policy = Policy {
            max_dead: 4,
            max_deadline_seconds: 200,
            lease_seconds: 20,
            backoff_seconds: 2,
            backoff_cap_seconds: 9,
            max_attempts: 3,
            eligible_window: 4,
            lowest_level_every: 0,
            flags,
            default_level: 5,
        };
        let header: &mut Queue =
            bytemuck::from_bytes_mut(&mut bytemuck::cast_slice_mut(&mut run.words)[..Queue::BYTES]);
        (header.header.discriminator, header.header.version) = (Queue::DISCRIMINATOR, Queue::VERSION);
        header.slots = SLOTS;
        clear_lists(header);
        policy.write(header);
        run.queue().free_slots_from(0).unwrap();
        for key in [[1; 32], [2; 32]] {
            let record = ProducerRecord { key, max_tip_lamports: 0, quota: 90, max_level: 15, reserved: [0; 5] };
            run.queue().set_producer(&record).unwrap();
        }
        run.queue().set_worker(&OWNER, true).unwrap();
        run
    }

    fn queue(&mut self) -> QueueMut<'_> {
        QueueMut::load(bytemuck::cast_slice_mut(&mut self.words)).unwrap()
    }

    fn reader(&self) -> QueueReader {
        QueueReader::parse(bytemuck::cast_slice(&self.words)).unwrap()
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 33).unwrap() % limit
    }

    /// An entry in the queue, with its name.
    fn any(&mut self) -> Option<(Handle, (Key, u64), Entry)> {
        let reader = self.reader();
        let used: Vec<_> = (0u16..).zip(&reader.entries).filter(|(_, entry)| entry.list != list::FREE).collect();
        if used.is_empty() {
            return None;
        }
        let (slot, entry) = used[self.below(used.len())];
        let name = (reader.header.producers[usize::from(entry.producer)].key, entry.sequence);
        Some((Handle { slot, generation: entry.generation }, name, *entry))
    }

    /// One random call; what the ledger shows of it, if it took effect.
    fn step(&mut self) -> Vec<Call> {
        self.now += i64::try_from(self.below(9)).unwrap();
        let now = self.now;
        let choice = self.below(12);
        if choice < 3 {
            return self.enqueue();
        }
        if choice == 3 {
            let claimed = self.queue().claim(0, &OWNER, 2, &Pauses::default(), now);
            return claimed.map(|_| Vec::new()).unwrap_or_default();
        }
        if choice == 4 && self.by_count {
            return self.counted();
        }
        let Some((handle, name, entry)) = self.any() else { return Vec::new() };
        let Handle { slot, generation } = handle;
        let mut queue = self.queue();
        let (done, spec, data): (bool, &InstructionSpec, Vec<u8>) = match choice {
            5 => return self.dispatch(handle, name, &entry),
            6 => {
                let data = cancel::Data { generation, slot };
                (queue.cancel(handle, &OWNER, true).is_ok(), &cancel::SPEC, bytemuck::bytes_of(&data).to_vec())
            }
            7 => {
                let report = Report { code: 1, is_permanent: generation.is_multiple_of(2) };
                let permanent = u8::from(report.is_permanent);
                let data = fail::Data { generation, code: 1, slot, permanent };
                let done = queue.fail(handle, &OWNER, report, &Pauses::default(), now).is_ok();
                (done, &fail::SPEC, bytemuck::bytes_of(&data).to_vec())
            }
            8 => {
                // A call that finds something due for another handle succeeds with this one left alone.
                queue.reap(handle, &Pauses::default(), now).unwrap();
                let handle = EntryHandle { generation, slot, reserved: [0; 2] };
                (true, &reap::SPEC, bytemuck::bytes_of(&handle).to_vec())
            }
            9 => {
                let data = hold::Data { generation, slot };
                (queue.hold(handle, now).is_ok(), &hold::SPEC, bytemuck::bytes_of(&data).to_vec())
            }
            10 if entry.list == list::HELD => {
                let data = release::Data { generation, slot };
                (queue.release_held(handle, now).is_ok(), &release::SPEC, bytemuck::bytes_of(&data).to_vec())
            }
            10 => {
                let data = dead_letter::Data { generation, slot };
                (queue.dead_letter(handle, now).is_ok(), &dead_letter::SPEC, bytemuck::bytes_of(&data).to_vec())
            }
            _ if generation.is_multiple_of(2) => {
                let data = purge::Data { generation, slot, count: 0 };
                (queue.purge(handle).is_ok(), &purge::SPEC, bytemuck::bytes_of(&data).to_vec())
            }
            _ => {
                let data = redrive::Data { generation, slot, count: 0 };
                (queue.redrive(handle, now).is_ok(), &redrive::SPEC, bytemuck::bytes_of(&data).to_vec())
            }
        };
        if !done {
            return Vec::new();
        }
        match spec.name {
            "Cancel" => drop(self.ends.insert(name, Fate::Cancelled)),
            "Purge" => drop(self.ends.insert(name, Fate::Dead)),
            _ => {}
        }
        vec![self.call(spec, &data, None)]
    }

    fn enqueue(&mut self) -> Vec<Call> {
        let producer = self.below(2);
        let (deadline, delay, recurs) = (self.below(3), self.below(4), self.below(5) == 0);
        let at = |seconds: i64| self.now + seconds;
        let request = enqueue::Data {
            sequence: self.sequences[producer] + 1,
            deadline_at: [0, at(40), at(150)][deadline],
            not_before_at: if delay == 0 { at(15) } else { 0 },
            tip_lamports: 0,
            interval_seconds: if recurs { 5 } else { 0 },
            runs: if recurs { 3 } else { 0 },
            producer_index: u8::try_from(producer).unwrap(),
            level: u8::try_from(delay).unwrap(),
            flags: 0,
        };
        let key = [u8::try_from(producer).unwrap() + 1; 32];
        let arguments = (request.sequence * 10 + producer as u64).to_le_bytes();
        let mut capability = Capability::zeroed();
        (capability.arguments_bytes_max, capability.capability_version) = (8, 1);
        let new = NewEntry {
            request: &request,
            capability_key: &CAPABILITY,
            capability: &capability,
            arguments: &arguments,
            purse_lamports: 0,
        };
        let now = self.now;
        if self.queue().enqueue(&key, &new, now).is_err() {
            return Vec::new();
        }
        self.sequences[producer] += 1;
        let data = [bytemuck::bytes_of(&request), &arguments].concat();
        vec![self.call(&enqueue::SPEC, &data, Some(key))]
    }

    /// A dispatch, and the execution that follows it.
    fn dispatch(&mut self, handle: Handle, name: (Key, u64), entry: &Entry) -> Vec<Call> {
        let now = self.now;
        let mut queue = self.queue();
        if queue.dispatchable(handle, &OWNER, now).is_err() {
            return Vec::new();
        }
        if !queue.finish(handle.slot, now).unwrap().recurs {
            self.ends.insert(name, Fate::Finished);
        }
        let data = dispatch::Data { generation: handle.generation, slot: handle.slot };
        let first = self.call(&dispatch::SPEC, bytemuck::bytes_of(&data), None);
        let head = execute::Data { capability_version: 1, flags: 0 };
        let data = [&[execute::DISCRIMINATOR], bytemuck::bytes_of(&head), &entry.arguments[..8]].concat();
        let accounts = vec![Pubkey::new_from_array(CAPABILITY)];
        let second =
            Call { program: Singleton::Processor, instruction: Some(&execute::SPEC), accounts, data, ..first.clone() };
        vec![first, second]
    }

    /// A purge or a redrive of the oldest dead letters.
    fn counted(&mut self) -> Vec<Call> {
        let reader = self.reader();
        let name = |entry: &Entry| (reader.header.producers[usize::from(entry.producer)].key, entry.sequence);
        let oldest: Vec<_> = reader.list(list::DEAD).into_iter().take(2).map(|(_, entry)| name(entry)).collect();
        let now = self.now;
        if self.below(2) == 0 {
            self.queue().purge_oldest(2).unwrap();
            self.ends.extend(oldest.into_iter().map(|name| (name, Fate::Dead)));
            let data = purge::Data { generation: 0, slot: 0, count: 2 };
            return vec![self.call(&purge::SPEC, bytemuck::bytes_of(&data), None)];
        }
        self.queue().redrive_oldest(2, now).unwrap();
        let data = redrive::Data { generation: 0, slot: 0, count: 2 };
        vec![self.call(&redrive::SPEC, bytemuck::bytes_of(&data), None)]
    }

    fn call(&self, spec: &InstructionSpec, data: &[u8], producer: Option<Key>) -> Call {
        let instruction = scheduler::INSTRUCTIONS.iter().copied().find(|found| found.name == spec.name);
        let key = |name: &str| match name {
            "queue" => QUEUE,
            "capability" => CAPABILITY,
            "producer" => producer.unwrap_or_default(),
            _ => [0; 32],
        };
        Call {
            program: Singleton::Scheduler,
            instruction,
            accounts: spec.accounts.iter().map(|account| Pubkey::new_from_array(key(account.name))).collect(),
            data: [&[spec.discriminator], data].concat(),
            end: End::Done,
            code: None,
            units: None,
            at: self.now,
        }
    }

    /// What is true of an entry now.
    fn truth(&self, item: &Item) -> Fate {
        let name = (item.producer.unwrap(), item.request.sequence);
        let reader = self.reader();
        let is_it = |entry: &&Entry| {
            let key = reader.header.producers[usize::from(entry.producer)].key;
            entry.list != list::FREE && (key, entry.sequence) == name
        };
        match reader.entries.iter().find(is_it) {
            Some(entry) if entry.list == list::DEAD || self.now > entry.deadline_at => Fate::Dead,
            Some(entry) if entry.list == list::HELD && entry.reason != reason::NONE => Fate::Dead,
            Some(_) => Fate::Alive,
            None => self.ends.get(&name).cloned().expect("what is gone has an end"),
        }
    }
}

#[test]
fn what_the_replay_decides_is_what_became_of_the_entries() {
    let mut counts = [0u32; 2];
    for seed in 1..=600u64 {
        let mut run = Run::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let backup_at = run.below(STEPS / 2);
        let mut replay = None;
        for step in 0..STEPS {
            if step == backup_at {
                replay = Some(Replay::new(&run.reader()));
            }
            let calls = run.step();
            if let Some(replay) = &mut replay {
                replay.transaction(&Pubkey::new_from_array(QUEUE), &calls);
            }
        }
        let mut replay = replay.unwrap();
        replay.end(run.now);
        for item in &replay.items {
            let (truth, sequence) = (run.truth(item), item.request.sequence);
            if let Fate::Undecided(why) = item.fate {
                let is_certain = !run.by_count && (!run.is_leased || why.contains("slot"));
                assert!(!is_certain, "seed {seed}, sequence {sequence}: {why}");
                counts[1] += 1;
            } else {
                assert_eq!(item.fate, truth, "seed {seed}, sequence {sequence}, {item:?}");
                counts[0] += 1;
            }
        }
        let known = |name: &(Key, u64)| {
            replay.items.iter().any(|item| (item.producer, item.request.sequence) == (Some(name.0), name.1))
        };
        let reader = run.reader();
        for entry in reader.entries.iter().filter(|entry| entry.list != list::FREE) {
            let name = (reader.header.producers[usize::from(entry.producer)].key, entry.sequence);
            assert!(known(&name), "seed {seed}: the replay does not know {name:?}");
        }
    }
    let [decided, undecided] = counts;
    assert!(decided > 2 * undecided && undecided > 0, "{decided} decided, {undecided} not");
}

#[test]
fn a_dispatch_that_contradicts_the_replay_leaves_nothing_decided_that_it_placed() {
    let mut run = Run::new(3);
    let mut replay = Replay::new(&run.reader());
    while replay.items.len() < 3 {
        let calls = run.enqueue();
        run.now += 1;
        replay.transaction(&Pubkey::new_from_array(QUEUE), &calls);
    }
    let data = dispatch::Data { generation: 7, slot: 0 };
    let wrong = run.call(&dispatch::SPEC, bytemuck::bytes_of(&data), None);
    replay.transaction(&Pubkey::new_from_array(QUEUE), &[wrong]);
    replay.end(run.now);
    assert!(replay.items.iter().all(|item| matches!(item.fate, Fate::Undecided(_))), "{:?}", replay.items);
}
