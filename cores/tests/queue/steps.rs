//! One step of a run: a random verb, on the queue and on the model.

use crate::invariants;
use crate::model::{Ask, Hand, Item, Maker, Model, Rules};
use bytemuck::Zeroable;
use cores::queue::{Handle, NewEntry, Pauses, Policy, QueueMut, Refusal, Report, clear_lists};
use shared_layouts::account::AccountLayout;
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{Entry, NO_SLOT, ProducerRecord, Queue, SchedulerError, enqueue, list, queue_flags};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Lengths of arguments that the capability takes.
pub const ARGUMENTS: RangeInclusive<usize> = 2..=300;
/// Version of the capability at first.
pub const VERSION: u32 = 1;

/// A queue, its model, and what surrounds them.
pub struct Run {
    words: Vec<u64>,
    model: Model,
    random: u64,
    now: i64,
    pauses: Pauses,
    version: u32,
    generations: Vec<u32>,
    sequence: u64,
    happened: BTreeMap<&'static str, usize>,
}

type Outcome<T> = Result<T, SchedulerError>;

impl Run {
    pub fn new(seed: u64, slots: u16, flags: u8) -> Self {
        let rules = Rules {
            leased: flags & queue_flags::LEASED != 0,
            strict: flags & queue_flags::STRICT != 0,
            max_dead: usize::from(slots / 3),
            max_deadline: 200,
            lease_seconds: 20,
            backoff: 2,
            backoff_cap: 9,
            max_attempts: 3,
            window: 3,
            lowest_every: 4,
            default_level: 5,
        };
        let mut run = Self {
            words: vec![0; Queue::BYTES / 8],
            model: Model::new(usize::from(slots), rules),
            random: seed | 1,
            now: 1_000,
            pauses: Pauses::default(),
            version: VERSION,
            generations: Vec::new(),
            sequence: 0,
            happened: BTreeMap::new(),
        };
        run.words.resize((Queue::BYTES + usize::from(slots) * Entry::BYTES) / 8, 0);
        let header: &mut Queue =
            bytemuck::from_bytes_mut(&mut bytemuck::cast_slice_mut(&mut run.words)[..Queue::BYTES]);
        header.header.discriminator = Queue::DISCRIMINATOR;
        header.header.version = Queue::VERSION;
        header.slots = slots;
        clear_lists(header);
        policy(&run.model.rules).write(header);
        run.queue().free_slots_from(0).expect("the queue is new");
        for key in 1..=3 {
            run.set_producer(Maker { key, active: true, quota: 90, max_level: 15, max_tip: 50, ..Maker::default() });
            run.set_worker(Hand { key, active: true });
        }
        run
    }

    fn queue(&mut self) -> QueueMut<'_> {
        QueueMut::load(bytemuck::cast_slice_mut(&mut self.words)).expect("the bytes are a queue")
    }

    /// A random number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % limit
    }

    fn below_u8(&mut self, limit: u8) -> u8 {
        u8::try_from(self.below(u64::from(limit))).expect("it is below a byte")
    }

    /// A handle: mostly of an entry in a list, sometimes stale or of no slot.
    fn handle(&mut self, kinds: &[u8]) -> Handle {
        let chosen: Vec<Handle> =
            self.model.items.iter().filter(|item| kinds.contains(&item.list)).map(|item| item.handle).collect();
        let any: Vec<Handle> = self.model.items.iter().map(|item| item.handle).collect();
        let from = if chosen.is_empty() || self.below(8) == 0 { any } else { chosen };
        if from.is_empty() || self.below(30) == 0 {
            let slot = u16::try_from(self.below(200)).expect("it is small");
            return Handle { slot, generation: 0 };
        }
        let index = usize::try_from(self.below(from.len() as u64)).expect("it is small");
        let stale = u32::from(self.below(40) == 0);
        Handle { generation: from[index].generation.wrapping_sub(stale), ..from[index] }
    }

    /// Runs a random verb and compares everything.
    // The methods themselves are not general enough over the queue's lifetime.
    #[allow(clippy::redundant_closure_for_method_calls)]
    pub fn step(&mut self, step: usize) {
        let verb = self.below(34);
        let (name, accepted) = match verb {
            0..=8 => ("enqueue", self.enqueue()),
            9..=11 => ("claim", self.claim()),
            12..=15 => ("dispatch", self.dispatch()),
            16 | 17 => ("fail", self.fail()),
            18..=20 => ("reap", self.reap()),
            21 => ("reprioritize", self.reprioritize()),
            22 => ("hold", self.verb(&[list::READY, list::DELAYED], |q, h, now| q.hold(h, now), |m, h, _| m.hold(h))),
            23 | 24 => ("release", self.verb(&[list::HELD], |q, h, now| q.release_held(h, now), Model::release)),
            25 => ("requeue", self.requeue()),
            26 => ("cancel", self.cancel()),
            27 => (
                "dead_letter",
                self.verb(&[list::READY], |q, h, now| q.dead_letter(h, now), |m, h, _| m.dead_letter(h)),
            ),
            28 => ("redrive", self.verb(&[list::DEAD], |q, h, now| q.redrive(h, now), Model::redrive)),
            29 => ("purge", self.verb(&[list::DEAD], |q, h, _| q.purge(h), |m, h, _| m.purge(h))),
            30 => ("many", self.many()),
            31 => ("people", self.people()),
            32 => ("rules", self.rules()),
            _ => ("time", self.time()),
        };
        if accepted {
            *self.happened.entry(name).or_default() += 1;
        }
        self.compare(step, name);
    }

    /// Every verb was accepted at least once, where the queue has it.
    pub fn assert_everything_happened(&self) {
        let leased_only = ["claim", "fail"];
        let all =
            ["enqueue", "dispatch", "reap", "reprioritize", "hold", "release", "requeue", "cancel", "dead_letter"];
        for verb in all.into_iter().chain(if self.model.rules.leased { &leased_only[..] } else { &[] }.iter().copied())
        {
            assert!(self.happened.get(verb).is_some_and(|times| *times > 0), "{verb} was never accepted");
        }
    }

    pub fn assert_length_is_checked(&mut self) {
        self.words.truncate(self.words.len() - Entry::BYTES / 8);
        let refused = QueueMut::load(bytemuck::cast_slice_mut(&mut self.words)).map(|_| ());
        assert_eq!(code(refused), Err(u64::from(SchedulerError::CorruptQueue as u32)));
    }

    fn enqueue(&mut self) -> bool {
        self.sequence += self.below(4);
        let behind = if self.below(6) == 0 { self.below(80) } else { 0 };
        let maker = usize::try_from(self.below(4)).expect("it is small");
        let key = if self.below(30) == 0 { 9 } else { self.model.makers[maker].key };
        let length = if self.below(30) == 0 { self.below(120) } else { 2 + self.below(20) };
        let mut ask = Ask {
            maker: if self.below(50) == 0 { 200 } else { maker },
            key,
            sequence: self.sequence.saturating_sub(behind),
            deadline: 0,
            start: 0,
            tip: 0,
            interval: 0,
            runs: 0,
            level: if self.below(5) == 0 { 255 } else { self.below_u8(17) },
            flags: 0,
            arguments: (0..length).map(|byte| byte.to_le_bytes()[0]).collect(),
        };
        if self.below(2) == 0 {
            self.add_extras(&mut ask);
        }
        if self.below(3) == 0 {
            ask.deadline = self.now + i64::try_from(self.below(260)).expect("it is small");
        }
        let expected = self.model.enqueue(&ask, self.now);
        let request = enqueue::Data {
            sequence: ask.sequence,
            deadline_at: ask.deadline,
            not_before_at: ask.start,
            tip_lamports: ask.tip,
            interval_seconds: ask.interval,
            runs: ask.runs,
            producer_index: u8::try_from(ask.maker).expect("it is small"),
            level: ask.level,
            flags: ask.flags,
        };
        let capability = self.capability();
        let (now, purse_lamports) = (self.now, self.model.purse);
        let new = NewEntry {
            request: &request,
            capability_key: &[7; 32],
            capability: &capability,
            arguments: &ask.arguments,
            purse_lamports,
        };
        let found = self.queue().enqueue(&[ask.key; 32], &new, now);
        assert_eq!(code(found.map(|_| ())), plain(expected.as_ref().map(|_| ()).map_err(|error| *error)), "{ask:?}");
        let (Ok(handle), Ok(item)) = (found, expected) else { return false };
        assert!(self.model.items.iter().all(|other| other.handle.slot != handle.slot), "the slot was free");
        let header = &self.queue();
        assert_eq!((header.header.last_slot, header.header.last_generation), (handle.slot, handle.generation));
        self.model.place(Item { version: self.version, ..item }, handle);
        true
    }

    fn add_extras(&mut self, ask: &mut Ask) {
        if self.below(2) == 0 {
            ask.start = self.now + i64::try_from(self.below(60)).expect("it is small") - 5;
        }
        if self.below(2) == 0 {
            ask.tip = self.below(60);
        }
        if self.below(3) == 0 {
            ask.interval = u32::try_from(self.below(30)).expect("it is small");
            ask.runs = if self.below(4) == 0 { u32::MAX } else { u32::try_from(self.below(5)).expect("it is small") };
        }
        if self.below(3) == 0 {
            ask.flags = self.below_u8(5);
        }
        if ask.flags & 1 != 0 {
            ask.arguments = (0..34).collect();
        }
    }

    fn capability(&self) -> Capability {
        Capability {
            capability_version: self.version,
            compute_limit: 1_000,
            arguments_bytes_min: u16::try_from(*ARGUMENTS.start()).expect("it is small"),
            arguments_bytes_max: u16::try_from(*ARGUMENTS.end()).expect("it is small"),
            ..Capability::zeroed()
        }
    }

    fn claim(&mut self) -> bool {
        let worker = self.below_u8(4);
        let key = if self.below(20) == 0 { 9 } else { self.model.hands[usize::from(worker)].key };
        let wanted = self.below_u8(5);
        let (now, pauses) = (self.now, self.pauses);
        let expected = self.model.claim(usize::from(worker), key, wanted, &pauses, now);
        let found = self.queue().claim(worker, &[key; 32], wanted, &pauses, now).map(|claimed| claimed.count);
        assert_eq!(code(found), plain(expected));
        expected.is_ok_and(|count| count > 0)
    }

    fn dispatch(&mut self) -> bool {
        let kinds = if self.model.rules.leased { [list::LEASED] } else { [list::READY] };
        let handle = self.handle(&kinds);
        let key = self.below_u8(4);
        let holder = self.model.items.iter().find(|item| item.handle == handle).map_or(255, |item| item.worker);
        let key = if self.below(10) == 0 { key } else { self.model.hands.get(holder).map_or(key, |hand| hand.key) };
        let now = self.now;
        let found = self.queue().dispatchable(handle, &[key; 32], now).map(|_| ());
        let expected = self.model.dispatch(handle, key, now);
        assert_eq!(code(found), plain(expected.map(|_| ())));
        let Ok(tip) = expected else { return false };
        let finished = self.queue().finish(handle.slot, now).expect("it was dispatchable");
        assert_eq!(finished.tip_lamports, tip);
        if finished.recurs {
            let purse = self.model.purse;
            self.queue().promise_tip(handle.slot, purse).expect("the slot exists");
            self.model.promise(Handle { generation: handle.generation + 1, ..handle }, tip);
        }
        true
    }

    fn fail(&mut self) -> bool {
        let handle = self.handle(&[list::LEASED]);
        let holder = self.model.items.iter().find(|item| item.handle == handle).map_or(255, |item| item.worker);
        let key = if self.below(10) == 0 { 9 } else { self.model.hands.get(holder).map_or(1, |hand| hand.key) };
        let is_permanent = self.below(4) == 0;
        let (now, pauses) = (self.now, self.pauses);
        let found = self.queue().fail(handle, &[key; 32], Report { code: 7, is_permanent }, &pauses, now);
        let expected = self.model.fail(handle, key, is_permanent, &pauses, now);
        assert_eq!(code(found), plain(expected));
        expected.is_ok()
    }

    fn reap(&mut self) -> bool {
        let handle = self.handle(&[list::LEASED, list::DELAYED, list::READY]);
        let (now, pauses) = (self.now, self.pauses);
        let found = self.queue().reap(handle, &pauses, now).expect("the queue is sound");
        assert_eq!(found, self.model.reap(handle, &pauses, now));
        found
    }

    fn reprioritize(&mut self) -> bool {
        let handle = self.handle(&[list::READY]);
        let level = self.below_u8(17);
        let found = self.queue().reprioritize(handle, level);
        let expected = self.model.reprioritize(handle, level);
        assert_eq!(code(found), plain(expected));
        expected.is_ok()
    }

    fn requeue(&mut self) -> bool {
        let handle = self.handle(&[list::READY, list::HELD]);
        self.version += u32::from(self.below(4) == 0);
        let (capability, now, version) = (self.capability(), self.now, self.version);
        let found = self.queue().requeue(handle, &[7; 32], &capability, now);
        let expected = self.model.requeue(handle, version, now);
        assert_eq!(code(found), plain(expected));
        expected.is_ok()
    }

    fn cancel(&mut self) -> bool {
        let handle = self.handle(&[list::READY, list::DELAYED, list::HELD]);
        let key = self.below_u8(4);
        let is_owner = self.below(2) == 0;
        let found = self.queue().cancel(handle, &[key; 32], is_owner);
        let expected = self.model.cancel(handle, key, is_owner);
        assert_eq!(code(found), plain(expected));
        expected.is_ok()
    }

    fn verb(
        &mut self,
        kinds: &[u8],
        on_queue: impl Fn(&mut QueueMut, Handle, i64) -> Result<(), Refusal>,
        on_model: impl Fn(&mut Model, Handle, i64) -> Outcome<()>,
    ) -> bool {
        let handle = self.handle(kinds);
        let now = self.now;
        let found = on_queue(&mut self.queue(), handle, now);
        let expected = on_model(&mut self.model, handle, now);
        assert_eq!(code(found), plain(expected));
        expected.is_ok()
    }

    fn many(&mut self) -> bool {
        let count = [1, 2, u16::MAX][usize::try_from(self.below(3)).expect("it is small")];
        let now = self.now;
        if self.below(2) == 0 {
            self.queue().redrive_oldest(count, now).expect("the queue is sound");
            self.model.redrive_oldest(count, now);
        } else {
            self.queue().purge_oldest(count).expect("the queue is sound");
            self.model.purge_oldest(count);
        }
        true
    }

    fn people(&mut self) -> bool {
        let key = self.below_u8(6);
        if self.below(2) == 0 {
            let active = self.below(3) > 0;
            return self.set_worker(Hand { key, active });
        }
        let quota = if self.below(4) == 0 { 0 } else { usize::try_from(1 + self.below(60)).expect("it is small") };
        let (max_level, max_tip) = (self.below_u8(18), self.below(60));
        self.set_producer(Maker { key, quota, max_level, max_tip, ..Maker::default() })
    }

    fn set_producer(&mut self, wish: Maker) -> bool {
        let record = ProducerRecord {
            key: [wish.key; 32],
            max_tip_lamports: wish.max_tip,
            quota: u16::try_from(wish.quota).expect("it is small"),
            max_level: wish.max_level,
            reserved: [0; 5],
        };
        let found = self.queue().set_producer(&record);
        let expected = self.model.set_maker(&wish);
        assert_eq!(code(found), plain(expected));
        expected.is_ok()
    }

    fn set_worker(&mut self, wish: Hand) -> bool {
        let found = self.queue().set_worker(&[wish.key; 32], wish.active);
        let expected = self.model.set_hand(wish.key, wish.active);
        assert_eq!(code(found), plain(expected));
        expected.is_ok()
    }

    /// Another policy, or more slots.
    fn rules(&mut self) -> bool {
        if self.below(10) == 0 && self.model.slots < 200 {
            let first = u16::try_from(self.model.slots).expect("it is small");
            self.model.slots += 2;
            self.words.resize(self.words.len() + 2 * Entry::BYTES / 8, 0);
            let header: &mut Queue =
                bytemuck::from_bytes_mut(&mut bytemuck::cast_slice_mut(&mut self.words)[..Queue::BYTES]);
            header.slots = first + 2;
            self.queue().free_slots_from(first).expect("the queue is sound");
            return true;
        }
        let slots = self.model.slots as u64;
        let (dead, backoff, attempts) = (self.below(slots + 1), self.below(5), self.below(4));
        let (window, every, lease) = (1 + self.below(6), self.below(5), 1 + self.below(40));
        let rules = &mut self.model.rules;
        rules.max_dead = usize::try_from(dead).expect("it is small");
        (rules.backoff, rules.backoff_cap) = (backoff, backoff * 3);
        rules.max_attempts = u32::try_from(1 + attempts).expect("it is small");
        rules.window = usize::try_from(window).expect("it is small");
        rules.lowest_every = every;
        rules.lease_seconds = i64::try_from(lease).expect("it is small");
        let policy = policy(&self.model.rules);
        policy.check(u16::try_from(slots).expect("it is small")).expect("the policy is sound");
        policy.write(self.queue().header);
        true
    }

    /// Time passes, somebody pauses, or the purse is filled.
    fn time(&mut self) -> bool {
        self.now += i64::try_from(self.below(25)).expect("it is small");
        match self.below(12) {
            0 => {
                self.pauses.config_count += 1;
                self.pauses.config_started_at = self.now;
            }
            1 => {
                self.pauses.shard_count += 1;
                self.pauses.shard_started_at = self.now;
            }
            2 => self.model.purse += self.below(200),
            _ => {}
        }
        true
    }

    fn compare(&mut self, step: usize, name: &str) {
        let mut generations = std::mem::take(&mut self.generations);
        let queue = self.queue();
        invariants::check(&queue, &mut generations);
        let mut orders: Vec<Vec<u16>> = Vec::new();
        let ready = (0..16).rev().flat_map(|level| invariants::slots(&queue, queue.header.ready[level], list::READY));
        orders.push(ready.collect());
        let header = &*queue.header;
        let others = [
            (header.delayed, list::DELAYED),
            (header.leased, list::LEASED),
            (header.held, list::HELD),
            (header.dead, list::DEAD),
        ];
        orders.extend(others.map(|(kind_list, kind)| invariants::slots(&queue, kind_list, kind)));
        let entries: Vec<Entry> = queue.entries.to_vec();
        let header = *queue.header;
        self.generations = generations;
        let kinds = [list::READY, list::DELAYED, list::LEASED, list::HELD, list::DEAD];
        for (kind, order) in kinds.into_iter().zip(orders) {
            let expected = self.model.ordered(kind);
            let slots: Vec<u16> = expected.iter().map(|index| self.model.items[*index].handle.slot).collect();
            assert_eq!(order, slots, "the order of list {kind} after step {step}, {name}");
            for index in expected {
                let item = &self.model.items[index];
                compare_entry(item, &entries[usize::from(item.handle.slot)], self.model.rules.leased);
            }
        }
        let count = &self.model.count;
        let found = [
            header.enqueued,
            header.dispatched,
            header.failed,
            header.retried,
            header.expired,
            header.died,
            header.redriven,
            header.cancelled,
            header.purged,
            header.waiting_seconds,
            header.paid_tip_lamports,
            header.claims_blocked,
            u64::from(header.claims),
            header.reserved_compute_units,
        ];
        let expected = [
            count.enqueued,
            count.dispatched,
            count.failed,
            count.retried,
            count.expired,
            count.died,
            count.redriven,
            count.cancelled,
            count.purged,
            count.waiting,
            count.paid,
            count.blocked,
            count.claims,
            count.dispatched * 1_000,
        ];
        assert_eq!(found, expected, "counters after step {step}, {name}");
        assert_eq!(header.sequence_floor, self.model.floor);
    }
}

fn compare_entry(item: &Item, entry: &Entry, leased: bool) {
    assert_eq!(entry.generation, item.handle.generation);
    assert_ne!(item.handle.slot, NO_SLOT);
    assert_eq!((entry.list, entry.level, entry.reason), (item.list, item.level, item.reason));
    assert_eq!((usize::from(entry.producer), entry.sequence), (item.producer, item.sequence));
    assert_eq!(u32::from(entry.attempts), item.attempts);
    assert_eq!((entry.waiting_since, entry.deadline_at), (item.since, item.deadline));
    assert_eq!((entry.tip_lamports, entry.capability_version), (item.tip, item.version));
    assert_eq!((i64::from(entry.interval_seconds), entry.flags), (item.interval, item.flags));
    if item.interval > 0 {
        assert_eq!(entry.runs_left, item.runs_left);
    }
    if item.list == list::DELAYED {
        assert_eq!(entry.due_at, item.due);
    }
    if item.list == list::LEASED {
        assert_eq!((usize::from(entry.worker), entry.lease_ends_at), (item.worker, item.lease_end));
    }
    if leased {
        assert_eq!(u32::from(entry.max_attempts), item.max_attempts);
    }
    assert_eq!(entry.arguments[..item.arguments.len()], item.arguments[..]);
}

fn policy(rules: &Rules) -> Policy {
    let small = |number: u64| u32::try_from(number).expect("it is small");
    let mut flags = if rules.leased { queue_flags::LEASED } else { 0 };
    flags |= if rules.strict { queue_flags::STRICT } else { 0 };
    Policy {
        max_dead: u16::try_from(rules.max_dead).expect("it is small"),
        max_deadline_seconds: u32::try_from(rules.max_deadline).expect("it is small"),
        lease_seconds: u32::try_from(rules.lease_seconds).expect("it is small"),
        backoff_seconds: small(rules.backoff),
        backoff_cap_seconds: small(rules.backoff_cap),
        max_attempts: u8::try_from(rules.max_attempts).expect("it is small"),
        eligible_window: u8::try_from(rules.window).expect("it is small"),
        lowest_level_every: u8::try_from(rules.lowest_every).expect("it is small"),
        default_level: rules.default_level,
        flags,
    }
}

/// A result of the queue with its error as a number.
fn code<T>(result: Result<T, Refusal>) -> Result<T, u64> {
    result.map_err(Refusal::number)
}

/// A result of the model with its error as a number.
fn plain<T>(result: Outcome<T>) -> Result<T, u64> {
    result.map_err(|error| u64::from(error as u32))
}
