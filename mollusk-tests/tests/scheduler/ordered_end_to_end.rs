//! Whole lives under an order: three shards, an open queue and two leased ones, random constraints of which some are never
//! accepted, workers of which some fail or walk away, dead letters that are put back or given up, rotations, and a composition
//! that replaces another while operations are queued. A judge that shares no code with the programs follows every transaction.

use mollusk_tests::drawing::{Cast, draw};
use mollusk_tests::features::FeatureProfile::Mainnet;
use mollusk_tests::fixture::{self, people, queue_policy};
use mollusk_tests::judge::{Id, Judge, Rules, State, Turn};
use mollusk_tests::orders::{PATIENCE_SECONDS, Shared, accept_constraints, compose, rotate_epoch, set_constraints};
use mollusk_tests::programs::{NOOP, SCHEDULER, address, keypair};
use mollusk_tests::queues::{Bench, leased_policy, plain};
use mollusk_tests::world::{TxFailure, TxOutcome};
use shared_layouts::scheduler::{self as wire, EntryHandle, SchedulerError as E};
use shared_layouts::scheduler::{composition_mode, enqueue, list, queue_flags, reason};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use std::collections::{BTreeMap, BTreeSet};

const SHARDS: u8 = 3;
/// Members that each shard has in the order.
const MEMBERS: u8 = 3;
/// Workers of the leased queues: the first does its work, the second fails, the third walks away.
const WORKERS: [&str; 3] = [people::WORKER, "clumsy", "absent"];
/// Turns in which producers are at work.
const PRODUCING: usize = 60;
/// Turns after which constraints are drawn anew.
const DRAWN_AT: [usize; 3] = [0, 15, 40];
/// Turns by which everything has run or is dead.
const TURNS: usize = 300;
const SLOTS: u16 = 80;

struct Scenario {
    /// The world, looking at one queue.
    bench: Bench,
    /// Shard and queue.
    places: Vec<(Pubkey, Pubkey)>,
    /// The index is the order bit; those of the first shard come first.
    members: Vec<Pubkey>,
    order: Pubkey,
    judge: Judge,
    /// What was drawn and is not composed yet.
    drawn: Option<Rules>,
    /// Compositions that replaced another while operations were queued.
    recomposed: usize,
    rotated: usize,
    /// Dispatches that the order refused.
    refused: usize,
    sequence: u64,
    random: u64,
}

impl Scenario {
    fn new(seed: u64) -> Self {
        let mut shared = Shared::new(Mainnet, SHARDS, usize::from(MEMBERS), composition_mode::STRICT);
        let mut places = Vec::new();
        for (place, policy) in [queue_policy(), leased_policy(), leased_policy()].into_iter().enumerate() {
            let policy = wire::create_queue::Data { slots: 20, ..policy };
            let create = shared.creation(place, &policy);
            places.push((shared.shards[place], create.accounts[wire::create_queue::Position::queue as usize].pubkey));
            shared.fixture.send(&[create], &[people::OWNER]);
        }
        for worker in &WORKERS[1..] {
            shared.fixture.world.airdrop(&address(worker), fixture::LAMPORTS);
        }
        let (members, order) = (shared.members, shared.order);
        let (shard, queue) = places[0];
        let bench = Bench { fixture: shared.fixture, shard, queue, capability: members[0], order: Some(order) };
        let judge = Judge::new(3, PATIENCE_SECONDS);
        let (drawn, recomposed, rotated, refused) = (None, 0, 0, 0);
        let mut scenario = Self {
            bench,
            places,
            members,
            order,
            judge,
            drawn,
            recomposed,
            rotated,
            refused,
            sequence: 0,
            random: seed | 1,
        };
        for place in 0..3 {
            scenario.equip(place);
        }
        scenario
    }

    /// Gives a queue room for everything, dead letters included, and its workers.
    fn equip(&mut self, place: usize) {
        self.look_at(place);
        self.bench.grow_to(SLOTS);
        let accounts = wire::update_queue::Accounts {
            shard: self.bench.shard,
            owner: address(people::OWNER),
            queue: self.bench.queue,
        };
        let policy = queue_policy();
        let leases = if place == 0 { 0 } else { queue_flags::LEASED };
        let data = wire::update_queue::Data {
            max_dead: SLOTS,
            max_deadline_seconds: if place == 0 { 3_000 } else { 0 },
            lease_seconds: if place == 0 { 0 } else { 20 },
            backoff_seconds: policy.backoff_seconds,
            backoff_cap_seconds: policy.backoff_cap_seconds,
            max_attempts: policy.max_attempts,
            flags: queue_flags::ORDERED | leases,
            ..Default::default()
        };
        let update = wire::update_queue(SCHEDULER.address(), accounts, &[], &data, &[]);
        self.bench.send(&[update], &[people::OWNER]);
        for worker in WORKERS.iter().filter(|_| place != 0) {
            let listing = self.bench.set_worker(worker, true);
            self.bench.send(&[listing], &[people::OWNER]);
        }
    }

    fn look_at(&mut self, place: usize) {
        (self.bench.shard, self.bench.queue) = self.places[place];
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % limit
    }

    fn small(&mut self, limit: u8) -> u8 {
        u8::try_from(self.below(u64::from(limit))).expect("it is below the limit")
    }

    fn now(&self) -> i64 {
        self.bench.fixture.world.unix_seconds()
    }

    fn try_to(&mut self, instructions: &[Instruction], signer: &str) -> Result<TxOutcome, TxFailure> {
        self.bench.fixture.world.send(instructions, &keypair(people::PAYER), &[&keypair(signer)])
    }

    /// Every shard replaces its set by edges that agree with a random sequence of the members, and accepts some of what the
    /// others ask of it.
    fn draw(&mut self) {
        let drawn = draw(Cast { shards: SHARDS, members: MEMBERS }, 5, &mut |limit| self.small(limit));
        for (records, (shard, _)) in drawn.sets.iter().zip(&self.places) {
            self.bench.send(&[set_constraints(&self.order, shard, &[], records)], &[people::OWNER]);
        }
        for (shard, submitter) in drawn.acceptances {
            let version = self.bench.read_order().shards[usize::from(submitter)].version;
            let key = self.places[usize::from(shard)].0;
            self.bench.send(&[accept_constraints(&self.order, &key, submitter, version, 1)], &[people::OWNER]);
        }
        self.drawn = Some(drawn.rules);
    }

    /// Composes what was drawn as soon as that is allowed, and rotates now and then.
    fn open_epoch(&mut self) {
        let rules = self.drawn.take();
        if rules.is_none() && self.below(4) != 0 {
            return;
        }
        let version = self.bench.read_order().constraints_version;
        let next = match &rules {
            Some(_) => compose(&self.order, &self.places[0].0, version),
            None => rotate_epoch(&self.order),
        };
        match self.try_to(&[next], people::OWNER) {
            Ok(_) => {
                self.rotated += usize::from(rules.is_none());
                self.recomposed += usize::from(rules.is_some() && self.judge.is_in_flight());
                self.judge.epoch_opened(rules);
                assert_eq!(self.bench.read_order().epoch, self.judge.epoch());
            }
            Err(failure) => {
                assert_eq!(failure.custom_code(), Some(E::OlderEpochPending as u32), "nothing else stands in its way");
                assert!(!self.judge.may_open_epoch(), "the older epoch has drained");
                self.drawn = rules;
            }
        }
    }

    /// Arguments that say which operation it is.
    fn arguments((place, sequence): Id) -> Vec<u8> {
        [&[u8::try_from(place).expect("it is small")][..], &sequence.to_le_bytes()].concat()
    }

    fn produce(&mut self, place: usize) {
        self.sequence += 1;
        let id = (place, self.sequence);
        let member = u8::try_from(place).expect("it is small") * MEMBERS + self.small(MEMBERS);
        let now = self.now();
        let is_ready = self.below(4) != 0;
        let deadline_at = if self.below(10) == 0 { now + 60 } else { 0 };
        let not_before_at = if is_ready { 0 } else { now + 10 };
        let level = self.small(16);
        let data = enqueue::Data { level, not_before_at, deadline_at, ..plain(self.sequence) };
        self.bench.capability = self.members[usize::from(member)];
        let enqueue = self.bench.enqueue(&data, &Self::arguments(id));
        self.bench.send(&[enqueue], &[people::PRODUCER]);
        let deadline_at = self.bench.entry(self.bench.last()).deadline_at;
        self.judge.queued(id, member, is_ready, deadline_at);
        self.observe(place);
    }

    /// Lets the judge see what became of a queue's entries.
    fn observe(&mut self, place: usize) {
        let now = self.now();
        self.judge.observe(place, &self.bench.read().entries, now);
    }

    /// Handles of a queue's entries in a list.
    fn handles(&self, place: usize, kind: u8) -> Vec<(Id, EntryHandle)> {
        let reader = self.bench.read();
        let all = reader.list(kind).into_iter();
        all.filter_map(|(slot, entry)| Some(((place, entry.sequence), reader.handle(slot)?))).collect()
    }

    /// Dispatches an operation in its turn or not: the order refuses what the judge says it must.
    fn run(&mut self, worker: &str, id: Id, handle: EntryHandle) {
        let one = self.judge.operations[&id];
        if self.now() > one.deadline_at {
            return;
        }
        self.bench.capability = self.members[usize::from(one.member)];
        let run = self.bench.run(worker, handle, &Self::arguments(id));
        let turn = self.judge.turn(id);
        match self.try_to(&run, worker) {
            Ok(outcome) => {
                let mut calls = outcome.invocations.iter();
                assert!(calls.any(|call| call.program == NOOP.address() && call.succeeded), "the target was called");
                self.judge.ran(id);
                assert!(self.try_to(&run, worker).is_err(), "a run happens once");
            }
            Err(failure) => {
                let is_busy = matches!(turn, Turn::ChainBusy(_)) && one.state == State::Ready;
                let expected = match turn {
                    Turn::Waits(_) => E::OrderWaits,
                    Turn::Dies => E::OrderDoomed,
                    Turn::ChainBusy(_) if is_busy => E::OrderWaits,
                    Turn::Allowed | Turn::ChainBusy(_) => E::NotEligible,
                };
                failure.assert_error(0, expected as u32);
                assert!(expected != E::NotEligible || id.0 == 0, "what is leased is eligible");
                self.refused += usize::from(expected != E::NotEligible);
            }
        }
        self.observe(id.0);
    }

    /// One worker's turn at a leased queue.
    fn work_leased(&mut self, place: usize, index: u8) {
        let worker = WORKERS[usize::from(index)];
        let before = self.census(place);
        let wanted = self.small(3) + 1;
        let claim = self.bench.claim(worker, index, wanted);
        self.bench.send(&[claim], &[worker]);
        self.observe(place);
        let after = self.census(place);
        if after.0 < before.0 + usize::from(wanted) && after.1 < before.1 + 8 {
            // It took all that it could find.
            let ready = self.handles(place, list::READY);
            let left = ready.iter().find(|(id, _)| self.judge.turn(*id) == Turn::Allowed);
            assert_eq!(left, None, "a claim passed by what may run");
        }
        let now = self.now();
        for (id, handle) in self.handles(place, list::LEASED) {
            let entry = self.bench.entry(handle);
            if entry.worker != index || now > entry.lease_ends_at {
                continue;
            }
            match index {
                0 => self.run(worker, id, handle),
                1 => {
                    let permanent = self.below(3) == 0;
                    if permanent {
                        self.judge.condemned(id, reason::PERMANENT);
                    }
                    let fail = self.bench.fail(worker, handle, permanent);
                    self.bench.send(&[fail], &[worker]);
                    self.observe(place);
                }
                _ => {}
            }
        }
    }

    /// Leased and dead operations of a queue.
    fn census(&self, place: usize) -> (usize, usize) {
        (self.handles(place, list::LEASED).len(), self.handles(place, list::DEAD).len())
    }

    /// Two workers of the open queue try entries that they did not ask the order about.
    fn work_open(&mut self) {
        for _ in 0..3 {
            let ready = self.handles(0, list::READY);
            if !ready.is_empty() {
                let at = usize::try_from(self.below(ready.len() as u64)).expect("it is small");
                let (id, handle) = ready[at];
                self.run(people::WORKER, id, handle);
            }
        }
    }

    /// The owner declares an entry dead, holds it back or takes it out, lets a held one go, or puts a dead letter back.
    fn operate(&mut self, place: usize) {
        let (spec, kind, more) = match self.below(16) {
            0 => (&wire::dead_letter::SPEC, list::READY, &[][..]),
            1 | 2 => (&wire::redrive::SPEC, list::DEAD, &[0, 0][..]),
            3 => (&wire::hold::SPEC, list::READY, &[][..]),
            4 => (&wire::release::SPEC, list::HELD, &[][..]),
            5 => (&wire::cancel::SPEC, list::READY, &[][..]),
            _ => return,
        };
        let Some((id, handle)) = self.handles(place, kind).first().copied() else { return };
        let operate = if spec.name == wire::cancel::SPEC.name {
            self.judge.left(id);
            self.bench.cancel(people::OWNER, handle)
        } else {
            self.judge.condemned(id, reason::OPERATOR);
            self.bench.operate(spec, handle, more)
        };
        self.bench.send(&[operate], &[people::OWNER]);
        self.observe(place);
    }

    /// Anyone reaps what time or the order has made due, one by one.
    fn reap(&mut self, place: usize) {
        for kind in [list::LEASED, list::DELAYED, list::READY, list::HELD, list::DEAD] {
            for (id, handle) in self.handles(place, kind) {
                let is_overdue = self.judge.is_overdue(id, self.now());
                let is_stuck = matches!(kind, list::HELD | list::DEAD);
                let reap = self.bench.reap(&[handle]);
                match self.try_to(&[reap], people::PAYER) {
                    Ok(_) if is_stuck => assert!(is_overdue, "{id:?} was given up too early"),
                    Ok(_) => {}
                    Err(failure) => {
                        failure.assert_error(0, E::NothingToReap as u32);
                        assert!(!is_stuck || !is_overdue, "{id:?} is given up in time");
                        let dies = kind == list::READY && self.judge.turn(id) == Turn::Dies;
                        assert!(!dies, "{id:?} dies with another");
                    }
                }
                self.observe(place);
            }
        }
    }

    fn turn(&mut self, turn: usize) {
        if DRAWN_AT.contains(&turn) {
            self.draw();
        }
        self.open_epoch();
        let is_producing = turn < PRODUCING;
        for place in 0..3 {
            self.look_at(place);
            for _ in 0..if is_producing { self.below(3) } else { 0 } {
                self.produce(place);
            }
            if place == 0 {
                self.work_open();
            } else {
                // At the end the diligent worker does what the others left.
                let index = if is_producing { self.small(3) } else { 0 };
                self.work_leased(place, index);
            }
            if is_producing {
                self.operate(place);
            } else {
                self.release_all(place);
            }
            if turn % 4 == 3 {
                self.reap(place);
            }
        }
        let seconds = i64::from(self.small(16));
        self.bench.wait(seconds);
    }

    /// Nobody keeps anything back any more.
    fn release_all(&mut self, place: usize) {
        for (_, handle) in self.handles(place, list::HELD) {
            let release = self.bench.operate(&wire::release::SPEC, handle, &[]);
            self.bench.send(&[release], &[people::OWNER]);
            self.observe(place);
        }
    }

    fn is_over(&self) -> bool {
        self.judge.operations.values().all(|one| matches!(one.state, State::Dead(_)))
    }
}

#[test]
fn three_shards_under_an_order_run_nothing_before_what_must_precede_it() {
    let mut reasons: BTreeMap<u8, usize> = BTreeMap::new();
    let mut refused = 0;
    for seed in [0x5eed, 0xfeed, 0xbead] {
        println!("seed {seed}");
        let mut scenario = Scenario::new(seed);
        for turn in 0..TURNS {
            scenario.turn(turn);
            if turn > PRODUCING && scenario.is_over() {
                break;
            }
        }
        assert!(scenario.is_over(), "everything ran or is dead: {:?}", scenario.judge.operations);
        let (recomposed, rotated) = (scenario.recomposed, scenario.rotated);
        println!("recomposed {recomposed}, rotated {rotated}, ran {}", scenario.judge.executed.len());
        assert!(recomposed >= 1 && rotated >= 1, "epochs changed under what was queued");
        let ran: BTreeSet<&Id> = scenario.judge.executed.iter().collect();
        assert_eq!(ran.len(), scenario.judge.executed.len(), "what ran, ran once");
        for (id, one) in &scenario.judge.operations {
            assert!(!ran.contains(id), "{id:?} ran or is dead");
            if let State::Dead(why) = one.state {
                *reasons.entry(why).or_default() += 1;
            }
        }
        for place in 0..3 {
            scenario.look_at(place);
            let header = scenario.bench.read().header;
            let ran = scenario.judge.executed.iter().filter(|id| id.0 == place).count();
            assert_eq!(header.dispatched, ran as u64, "the queue counted what ran");
            assert!(ran > 8, "a lot ran in queue {place}: {ran}");
        }
        refused += scenario.refused;
    }
    println!("dead by reason: {reasons:?}, refused by the order: {refused}");
    for why in [reason::PERMANENT, reason::EXPIRED, reason::OPERATOR, reason::CASCADE] {
        assert!(reasons.contains_key(&why), "some died of {why}");
    }
    assert!(refused > 20, "the order was asked in vain: {refused}");
}
