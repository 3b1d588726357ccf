//! Whole lives: three shards with open and leased queues, four workers of which some fail or walk away, pauses, growth,
//! recurring entries and a closing shard. At the end every operation ran exactly as often as it was asked to, or is dead with
//! the right reason, and no lamport is missing.

use mollusk_tests::features::FeatureProfile::Mainnet;
use mollusk_tests::fixture::{self, Definition, Fixture, config, pause, people, resume};
use mollusk_tests::programs::{NOOP, SCHEDULER, address, keypair};
use mollusk_tests::queues::{Bench, leased_policy, plain};
use shared_layouts::client::registry_address;
use shared_layouts::scheduler::{self as wire, EntryHandle, ProducerRecord, enqueue::Data, list, reason};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// Workers: the first two do their work, the third fails, the fourth walks away from its leases.
const WORKERS: [&str; 4] = ["diligent 0", "diligent 1", "clumsy", "absent"];
/// Turns of the scenario.
const TURNS: usize = 240;
/// Turns in which producers are at work.
const PRODUCING: usize = 120;
/// Lamports in each purse at first.
const PURSE: u64 = 10_000_000;

/// What is known of an operation.
#[derive(Clone, Copy, Debug)]
struct Known {
    runs_left: u32,
    was_failed_for_good: bool,
}

struct Scenario {
    /// The world, looking at one queue.
    bench: Bench,
    /// Shard, queue, capability.
    places: Vec<(Pubkey, Pubkey, Pubkey)>,
    known: BTreeMap<(usize, u64), Known>,
    sequence: u64,
    random: u64,
}

impl Scenario {
    fn new(seed: u64) -> Self {
        let mut fixture = Fixture::new(Mainnet);
        for worker in WORKERS {
            fixture.world.airdrop(&address(worker), fixture::LAMPORTS);
        }
        let mut places = Vec::new();
        for policy in [fixture::queue_policy(), leased_policy(), leased_policy()] {
            let shard = fixture.shard();
            let producer = ProducerRecord { quota: 100, ..fixture::producer(people::PRODUCER) };
            let create = fixture.create_queue(&shard, &policy, &[producer]);
            let queue = create.accounts[wire::create_queue::Position::queue as usize].pubkey;
            fixture.send(&[create], &[people::OWNER]);
            fixture.world.airdrop(&queue, PURSE);
            places.push((shard, queue, fixture.capability(&shard, &Definition::new(&NOOP.address()))));
        }
        let (shard, queue, capability) = places[0];
        let bench = Bench { fixture, shard, queue, capability, order: None };
        let mut scenario = Self { bench, places, known: BTreeMap::new(), sequence: 0, random: seed | 1 };
        for place in [1, 2] {
            scenario.look_at(place);
            for worker in WORKERS {
                let listing = scenario.bench.set_worker(worker, true);
                scenario.bench.send(&[listing], &[people::OWNER]);
            }
        }
        scenario
    }

    fn look_at(&mut self, place: usize) {
        (self.bench.shard, self.bench.queue, self.bench.capability) = self.places[place];
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % limit
    }

    /// Arguments that say which operation it is.
    fn arguments(place: usize, sequence: u64) -> Vec<u8> {
        [&[u8::try_from(place).expect("it is small")][..], &sequence.to_le_bytes()].concat()
    }

    fn produce(&mut self, place: usize) {
        self.sequence += 1;
        let recurs = self.below(5) == 0;
        let runs = if recurs { 3 } else { 0 };
        let data = Data {
            level: u8::try_from(self.below(16)).expect("it is small"),
            tip_lamports: self.below(3) * 1_000,
            interval_seconds: if recurs { 20 } else { 0 },
            runs,
            not_before_at: if self.below(4) == 0 { self.now() + 15 } else { 0 },
            ..plain(self.sequence)
        };
        let arguments = Self::arguments(place, self.sequence);
        let enqueue = self.bench.enqueue(&data, &arguments);
        let payer = keypair(people::PAYER);
        match self.bench.fixture.world.send(&[enqueue], &payer, &[&keypair(people::PRODUCER)]) {
            Ok(_) => {
                let known = Known { runs_left: runs.max(1), was_failed_for_good: false };
                self.known.insert((place, self.sequence), known);
            }
            Err(failure) => {
                let full = wire::SchedulerError::QueueFull as u32;
                assert_eq!(failure.custom_code(), Some(full), "only a full queue refuses this");
                let grow = self.bench.grow(10);
                self.bench.send(&[grow], &[people::OWNER]);
            }
        }
    }

    fn now(&self) -> i64 {
        self.bench.fixture.world.unix_seconds()
    }

    fn run(&mut self, place: usize, worker: &str, handle: EntryHandle) {
        let entry = self.bench.entry(handle);
        let arguments = Self::arguments(place, entry.sequence);
        let run = self.bench.run(worker, handle, &arguments);
        self.bench.send(&run, &[worker]);
        let known = self.known.get_mut(&(place, entry.sequence)).expect("it was queued");
        known.runs_left = known.runs_left.checked_sub(1).expect("it does not run more often than asked");
        // The same transaction again does nothing.
        let payer = keypair(people::PAYER);
        assert!(self.bench.fixture.world.send(&run, &payer, &[&keypair(worker)]).is_err(), "a run happens once");
    }

    /// One worker's turn at a leased queue.
    fn work_leased(&mut self, place: usize, index: u8) {
        let worker = WORKERS[usize::from(index)];
        let claim = self.bench.claim(worker, index, 2);
        self.bench.send(&[claim], &[worker]);
        let reader = self.bench.read();
        let now = self.now();
        let mine: Vec<EntryHandle> = reader
            .list(list::LEASED)
            .into_iter()
            .filter(|(_, entry)| entry.worker == index && now <= entry.lease_ends_at.min(entry.deadline_at))
            .filter_map(|(slot, _)| reader.handle(slot))
            .collect();
        for handle in mine {
            match index {
                0 | 1 => self.run(place, worker, handle),
                2 => {
                    let permanent = self.below(4) == 0;
                    let sequence = self.bench.entry(handle).sequence;
                    let fail = self.bench.fail(worker, handle, permanent);
                    self.bench.send(&[fail], &[worker]);
                    self.known.get_mut(&(place, sequence)).expect("it was queued").was_failed_for_good |= permanent;
                }
                _ => {}
            }
        }
    }

    fn work_open(&mut self) {
        let worker = WORKERS[usize::try_from(self.below(2)).expect("it is small")];
        let now = self.now();
        for handle in self.bench.read().dispatchable(now).into_iter().take(2) {
            self.run(0, worker, handle);
        }
    }

    /// Anyone reaps what time has made due.
    fn reap(&mut self) {
        let reader = self.bench.read();
        let all = [list::LEASED, list::DELAYED, list::READY].into_iter().flat_map(|kind| reader.list(kind));
        let handles: Vec<EntryHandle> = all.filter_map(|(slot, _)| reader.handle(slot)).collect();
        for chunk in handles.chunks(40) {
            let reap = self.bench.reap(chunk);
            let sent = self.bench.fixture.world.send(&[reap], &keypair(people::PAYER), &[]);
            let nothing = wire::SchedulerError::NothingToReap as u32;
            assert!(sent.map_or_else(|failure| failure.custom_code() == Some(nothing), |_| true));
        }
    }

    fn turn(&mut self, turn: usize) {
        let paused = turn % 50 == 30;
        if paused {
            self.bench.send(&[pause(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]);
        }
        for place in 0..3 {
            self.look_at(place);
            for _ in 0..if turn < PRODUCING { self.below(3) } else { 0 } {
                self.produce(place);
            }
            if !paused && place == 0 {
                self.work_open();
            } else if !paused {
                // Towards the end the good workers clear what the others left.
                let index = self.below(if turn < PRODUCING { 4 } else { 2 });
                self.work_leased(place, u8::try_from(index).expect("it is small"));
            }
            self.reap();
        }
        let seconds = i64::try_from(self.below(8)).expect("it is small");
        self.bench.wait(seconds);
        if paused {
            self.bench.send(&[resume(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]);
        }
    }

    /// Every operation of a queue is done, or dead with the right reason.
    fn check(&mut self, place: usize) {
        self.look_at(place);
        let reader = self.bench.read();
        for kind in [list::READY, list::DELAYED, list::LEASED] {
            assert_eq!(reader.list(kind).len(), 0, "nothing is left in list {kind} of queue {place}");
        }
        let mut buried = BTreeMap::new();
        for (_, entry) in [reader.list(list::DEAD), reader.list(list::HELD)].concat() {
            assert_eq!(entry.arguments[..9], Self::arguments(place, entry.sequence));
            assert!(buried.insert(entry.sequence, *entry).is_none(), "an operation is dead once");
        }
        for ((_, sequence), known) in self.known.iter().filter(|((at, _), _)| *at == place) {
            match buried.remove(sequence) {
                None => assert_eq!(known.runs_left, 0, "operation {sequence} of queue {place} ran as often as asked"),
                Some(entry) => {
                    assert!(known.runs_left > 0, "a dead operation has runs left");
                    assert_eq!(entry.reason == reason::PERMANENT, known.was_failed_for_good);
                    assert!(matches!(entry.reason, reason::PERMANENT | reason::ATTEMPTS | reason::EXPIRED));
                }
            }
        }
        assert!(buried.is_empty(), "nothing is dead that was never queued");
    }

    /// Purges and closes everything; the lamports of queue and shard come back.
    fn close(&mut self, place: usize) {
        self.look_at(place);
        let owner = address(people::OWNER);
        let held: Vec<EntryHandle> =
            self.bench.read().list(list::HELD).iter().filter_map(|(slot, _)| self.bench.read().handle(*slot)).collect();
        for handle in held {
            let cancel = self.bench.cancel(people::PRODUCER, handle);
            self.bench.send(&[cancel], &[people::PRODUCER]);
        }
        let nothing = EntryHandle { generation: 0, slot: 0, reserved: [0; 2] };
        let purge = self.bench.operate(&wire::purge::SPEC, nothing, &u16::MAX.to_le_bytes());
        self.bench.send(&[purge], &[people::OWNER]);
        assert_eq!(self.bench.read().header.reserved_tip_lamports, 0, "no tip is promised to anyone");
        let world = &self.bench.fixture.world;
        let total: u64 =
            [self.bench.queue, self.bench.shard, owner].map(|key| world.account(&key).lamports).iter().sum();
        let accounts = wire::deregister_shard::Accounts {
            config: config(SCHEDULER),
            registry: registry_address(&SCHEDULER.address()),
            shard: self.bench.shard,
            owner,
        };
        let deregister =
            wire::deregister_shard(SCHEDULER.address(), accounts, &[], &wire::deregister_shard::Data {}, &[]);
        let close = self.bench.close_queue(&owner);
        self.bench.send(&[close, deregister], &[people::OWNER]);
        let after: u64 = self.bench.fixture.world.account(&owner).lamports;
        assert_eq!(after, total);
    }
}

#[test]
fn every_operation_runs_exactly_once_or_ends_dead_with_its_reason() {
    for seed in [0x5eed, 0xfeed] {
        println!("seed {seed}");
        let mut scenario = Scenario::new(seed);
        let workers = |scenario: &Scenario| -> u64 {
            WORKERS.iter().map(|name| scenario.bench.fixture.world.account(&address(name)).lamports).sum()
        };
        let before = workers(&scenario);
        for turn in 0..TURNS {
            scenario.turn(turn);
        }
        let mut paid = 0;
        for place in 0..3 {
            scenario.check(place);
            let header = scenario.bench.read().header;
            paid += header.paid_tip_lamports;
            assert!(header.dispatched > 20 && (place == 0 || header.failed > 5), "a lot happened in queue {place}");
        }
        assert_eq!(workers(&scenario), before + paid, "the workers have every tip that was paid");
        for place in 0..3 {
            scenario.close(place);
        }
    }
}
