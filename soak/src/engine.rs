//! Shards, their queues, and the steps.

use crate::batches::Batches;
use crate::check;
use crate::direct::{self, Direct, DirectRuns};
use crate::lane::Lane;
use crate::ledger::Ledger;
use crate::orders::Bound;
use crate::setup::{self, WORKERS};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{self, people, vault_transfer};
use mollusk_tests::lifecycle::migrate;
use mollusk_tests::programs::{DIFF, PROCESSOR, PROCESSOR_V2, SCHEDULER, address, keypair};
use mollusk_tests::queues::Bench;
use mollusk_tests::token;
use mollusk_tests::world::{TxFailure, TxOutcome};
use shared_layouts::client;
use shared_layouts::diff::DiffError;
use shared_layouts::lifecycle::{Fault, direction};
use shared_layouts::scheduler::{SchedulerError, reader::QueueReader};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// How large a run is.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Shards, each with one queue.
    pub shards: usize,
    /// Shards of each of the two orders, from the first shard on; the queues of the others are bound to none.
    pub shards_of_order: usize,
    /// How long a dead or held operation may stop others, seconds.
    pub patience_seconds: u32,
    /// Operations to queue before the queues are drained.
    pub operations: u64,
    /// Slots up to which queues grow.
    pub most_slots: u16,
    /// Steps between two checks of everything.
    pub check_every: u64,
}

/// The long run.
pub const LARGE: Plan = Plan {
    shards: 16,
    shards_of_order: 4,
    patience_seconds: 1_000,
    operations: 200_000,
    most_slots: 100,
    check_every: 5_000,
};
/// A short run in which everything is checked after each step.
pub const SMALL: Plan =
    Plan { shards: 7, shards_of_order: 2, patience_seconds: 400, operations: 300, most_slots: 60, check_every: 1 };

/// A run in progress.
pub struct Engine {
    /// Programs, and one lane at a time.
    pub(crate) bench: Bench,
    pub(crate) lanes: Vec<Lane>,
    /// The orders that some queues are bound to.
    pub orders: Vec<Bound>,
    /// What should have happened.
    pub ledger: Ledger,
    batches: Batches,
    pub(crate) rng: fastrand::Rng,
    pub(crate) plan: Plan,
    pub(crate) paused: bool,
    pub(crate) direct: Direct,
    /// Operations that ran without verification.
    pub direct_runs: DirectRuns,
    /// Restorations that were refused because the sequence number is too old.
    pub late_restorations: u64,
    /// The processor is the one with a second version of its config.
    pub(crate) migrated: bool,
    keys: Vec<Pubkey>,
    keypairs: BTreeMap<&'static str, Keypair>,
    lamports: u64,
    /// Instructions by name, and how many succeeded.
    pub succeeded: BTreeMap<&'static str, u64>,
    /// Those of them that named an order.
    pub with_order: BTreeMap<&'static str, u64>,
    /// Errors by number, and how many.
    pub refused: BTreeMap<u32, u64>,
    steps: u64,
}

impl Engine {
    /// Makes the shards.
    pub fn new(seed: u64, plan: Plan) -> Self {
        let any = vault_transfer(&address("v"), &address("d"));
        let mut bench = Bench::new(FeatureProfile::Mainnet, &setup::policy(0), &any);
        let batches = Batches::new(&mut bench.fixture);
        direct::hasten_guardian(&mut bench.fixture);
        let (lanes, orders) = setup::lanes(&mut bench, &plan);
        // Nobody doubts signatures here, and a long run must not keep every transaction.
        let svm = std::mem::take(&mut bench.fixture.world.svm);
        bench.fixture.world.svm = svm.with_sigverify(false).with_transaction_history(0);
        let mut keys: Vec<Pubkey> = people::ALL.iter().map(|name| address(name)).collect();
        keys.extend([PROCESSOR, SCHEDULER, DIFF].map(fixture::config));
        keys.push(client::registry_address(&SCHEDULER.address()));
        keys.extend(batches.keys());
        keys.extend(orders.iter().map(|order| order.order));
        for lane in &lanes {
            keys.extend([lane.shard, lane.queue, lane.destination]);
            keys.extend(lane.lines.iter().flat_map(|line| [line.capability, line.vault]));
        }
        let lamports = check::lamports(&bench.fixture.world, &keys);
        let keypairs = people::ALL.iter().map(|name| (*name, keypair(name))).collect();
        let (ledger, rng) = (Ledger::default(), fastrand::Rng::with_seed(seed));
        let (succeeded, with_order, refused) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (paused, direct, migrated, steps) = (false, Direct::default(), false, 0);
        Self {
            bench,
            lanes,
            orders,
            ledger,
            batches,
            rng,
            plan,
            paused,
            direct,
            direct_runs: DirectRuns::default(),
            late_restorations: 0,
            migrated,
            keys,
            keypairs,
            lamports,
            succeeded,
            with_order,
            refused,
            steps,
        }
    }

    /// Runs to the end: queues what the plan says, then drains every queue.
    ///
    /// # Panics
    /// When something was lost, ran twice or out of order, or another rule is broken.
    pub fn run(&mut self, mut tell: impl FnMut(&Self)) {
        for order in 0..self.orders.len() {
            self.draw(order, true);
            self.open_epoch(order);
            if self.orders[order].drawn.is_some() {
                self.open_epoch(order);
            }
        }
        while self.ledger.next() <= self.plan.operations {
            self.step();
            if self.steps.is_multiple_of(10_000) {
                tell(self);
            }
        }
        self.drain();
        self.check_all();
        assert_eq!(self.ledger.fates()[0], 0, "every queue is drained");
        for lane in &self.lanes {
            let header = self.read(lane).header;
            assert_eq!(lane.sequence, header.producers[0].last_sequence, "sequence numbers used");
            assert_eq!(header.workers.map(|worker| worker.leases), [0; 12], "leases left");
        }
        for order in &self.orders {
            assert!(!order.judge.is_in_flight(), "an order counts something that is in no queue");
        }
        self.close_all();
        self.check_money();
    }

    /// One step, on one queue or on a program.
    pub fn step(&mut self) {
        self.steps += 1;
        // What waits for others needs more turns.
        let bound = setup::ORDERS * self.plan.shards_of_order;
        let among = if self.rng.bool() { bound } else { self.lanes.len() };
        let lane = self.rng.usize(..among);
        let worker = self.rng.usize(..WORKERS.len());
        self.wait();
        // Pauses are short: about twenty steps of the program, and a few of the shard.
        if self.paused && self.rng.u8(..20) == 0 {
            self.pause_program(false);
        }
        if self.rng.u8(..20) == 0 {
            self.resume_processor();
        }
        if self.paused || self.lanes[lane].paused {
            self.restore(lane);
        }
        if self.lanes[lane].paused && self.rng.u8(..4) == 0 {
            self.pause_shard(lane, false);
        }
        self.act(lane, worker);
        if self.steps.is_multiple_of(self.plan.check_every) {
            if self.plan.check_every == 1 { self.check_lane(lane) } else { self.check_all() }
        }
    }

    /// Something that a producer, a worker, an owner or an authority does.
    fn act(&mut self, lane: usize, worker: usize) {
        match self.rng.u8(..100) {
            0..22 => self.enqueue(lane),
            22..34 => self.claim(lane, worker),
            34..44 => self.work(lane, worker),
            44..70 => self.run_some(lane, worker),
            70..75 => self.fail(lane),
            75..80 => self.reap(lane),
            80..86 => self.operate(lane),
            86..89 => self.dead_letters(lane),
            89..91 => self.requeue(lane),
            91..94 => self.act_rarely(lane),
            94..98 => self.order_step(),
            _ => self.batch(),
        }
    }

    fn act_rarely(&mut self, lane: usize) {
        match self.rng.u8(..14) {
            0..4 => self.pause(lane),
            4..6 => self.grow(lane),
            6..8 => self.migrate(),
            8 => self.restore(lane),
            9..13 => self.switch_direct(),
            _ => self.update_capability(lane),
        }
    }

    fn wait(&mut self) {
        let seconds = if self.rng.u8(..50) == 0 { 61 } else { i64::from(self.rng.u8(..2)) };
        self.bench.wait(seconds);
    }

    /// The accounts of a lane, for the builders of instructions.
    pub(crate) fn at(&mut self, lane: usize) -> &mut Bench {
        let Lane { shard, queue, .. } = self.lanes[lane];
        (self.bench.shard, self.bench.queue) = (shard, queue);
        self.bench.order = self.order_of(lane).map(|order| order.order);
        &mut self.bench
    }

    pub(crate) fn read(&self, lane: &Lane) -> QueueReader {
        QueueReader::parse(&self.bench.fixture.world.account(&lane.queue).data).expect("the account is a queue")
    }

    pub(crate) fn now(&self) -> i64 {
        self.bench.fixture.world.unix_seconds()
    }

    /// Sends a transaction; an error must be one of our programs'.
    pub(crate) fn submit(
        &mut self,
        name: &'static str,
        instructions: &[Instruction],
        signers: &[&str],
    ) -> Result<TxOutcome, TxFailure> {
        let sent = self.send(name, instructions, signers);
        if let Err(failure) = &sent {
            let logs = || failure.outcome.logs.join("\n");
            assert!(failure.custom_code().is_some(), "{name}: {:?}\n{}", failure.error, logs());
        }
        sent
    }

    /// Sends a transaction, and counts it.
    pub(crate) fn send(
        &mut self,
        name: &'static str,
        instructions: &[Instruction],
        signers: &[&str],
    ) -> Result<TxOutcome, TxFailure> {
        let signers: Vec<&Keypair> = signers.iter().map(|name| &self.keypairs[*name]).collect();
        let sent = self.bench.fixture.world.send(instructions, &self.keypairs[people::PAYER], &signers);
        match &sent {
            Ok(outcome) => {
                self.lamports -= outcome.fee_lamports;
                *self.succeeded.entry(name).or_default() += 1;
                let mut named = instructions.iter().flat_map(|instruction| &instruction.accounts);
                let is_order = |key: Pubkey| self.orders.iter().any(|order| order.order == key);
                *self.with_order.entry(name).or_default() += u64::from(named.any(|meta| is_order(meta.pubkey)));
            }
            Err(failure) => {
                self.lamports -= failure.outcome.fee_lamports;
                if let Some(code) = failure.custom_code() {
                    *self.refused.entry(code).or_default() += 1;
                }
            }
        }
        sent
    }

    /// The processor's upgrade to a second version of its config, or the way back, while queues are full. The other programs have
    /// no second version of theirs, and say so.
    fn migrate(&mut self) {
        let direction = if self.migrated { direction::DOWN } else { direction::UP };
        for (program, base) in [(SCHEDULER, SchedulerError::BASE), (DIFF, DiffError::BASE)] {
            let migrate = migrate(program, people::AUTHORITY, people::PAYER, direction, None);
            let failure =
                self.submit("Migrate", &[migrate], &[people::AUTHORITY]).expect_err("there is no other version");
            failure.assert_error(0, base + Fault::AlreadyCurrent as u32);
        }
        let up = !self.migrated;
        let (processor, authority) = (PROCESSOR.address(), address(people::AUTHORITY));
        if up {
            self.bench.fixture.world.install_at(PROCESSOR_V2, &processor, Some(&authority));
        }
        let migrate = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, direction, None);
        self.submit("Migrate", &[migrate], &[people::AUTHORITY]).expect("the config migrates");
        if !up {
            self.bench.fixture.world.install_at(PROCESSOR, &processor, Some(&authority));
        }
        self.migrated = up;
    }

    fn batch(&mut self) {
        let instruction = self.batches.instruction(&self.bench.fixture, &mut self.rng);
        let commits = instruction.data[0] == shared_layouts::diff::commit::DISCRIMINATOR;
        if self.submit("diff batch", &[instruction], &[people::OWNER]).is_ok() {
            self.batches.check(&self.bench.fixture, commits);
        }
    }

    /// Everything that is queued runs, is redriven until it does, or is purged.
    fn drain(&mut self) {
        if self.paused {
            self.pause_program(false);
        }
        self.resume_processor();
        for lane in 0..self.lanes.len() {
            if self.lanes[lane].paused {
                self.pause_shard(lane, false);
            }
        }
        let mut rounds = 0;
        while self.ledger.fates()[0] != 0 {
            rounds += 1;
            assert!(rounds < 5_000, "the queues do not drain");
            self.bench.wait(1);
            for lane in 0..self.lanes.len() {
                if self.ledger.live_in(lane).is_empty() {
                    continue;
                }
                let worker = self.rng.usize(..WORKERS.len());
                self.claim(lane, worker);
                self.dispatch(lane, worker);
                if rounds % 8 == 1 {
                    self.cancel_endless(lane);
                    self.requeue(lane);
                    self.reap(lane);
                    self.dead_letters(lane);
                }
            }
        }
    }

    fn check_lane(&mut self, lane: usize) {
        check::queue(&self.read(&self.lanes[lane]), &self.ledger, lane, self.now());
        self.check_orders();
        self.check_money();
    }

    fn check_all(&mut self) {
        for (index, lane) in self.lanes.iter().enumerate() {
            check::queue(&self.read(lane), &self.ledger, index, self.now());
        }
        self.check_orders();
        self.check_money();
    }

    fn check_money(&self) {
        let world = &self.bench.fixture.world;
        assert_eq!(
            check::lamports(world, &self.keys),
            self.lamports,
            "lamports are neither made nor lost, but for fees"
        );
        let tokens: u64 = self.lanes.iter().map(|lane| token::balance(&world.account(&lane.destination))).sum();
        assert_eq!(tokens, self.ledger.moved_tokens, "the token program's account of what ran");
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Seconds of simulated time so far.
    pub fn seconds(&self) -> i64 {
        self.now() - mollusk_tests::features::START_UNIX_SECONDS
    }
}
