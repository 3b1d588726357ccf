//! Shards, their queues, and the steps.

use crate::batches::Batches;
use crate::check;
use crate::ledger::{Fate, Ledger};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{self, execute, people, vault_transfer};
use mollusk_tests::lifecycle::migrate;
use mollusk_tests::programs::{DIFF, PROCESSOR, PROCESSOR_V2, SCHEDULER, address, keypair};
use mollusk_tests::queues::Bench;
use mollusk_tests::{token, world::TxOutcome};
use shared_layouts::client;
use shared_layouts::declare::InstructionSpec;
use shared_layouts::lifecycle::direction;
use shared_layouts::scheduler::{
    self as wire, BatchItem, EntryHandle, ProducerRecord, cancel, dead_letter, enqueue, hold, list, purge, queue_flags,
    reader::QueueReader, redrive, release, reprioritize,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// Tokens in each vault: more than all numbers together.
const VAULT_UNITS: u64 = 1 << 60;
/// Entries that one transaction queues or runs at most.
const AT_ONCE: usize = 8;
/// Flags of the queues, in turn.
const KINDS: [u8; 4] = [queue_flags::LEASED, 0, queue_flags::LEASED | queue_flags::STRICT, queue_flags::LEASED];
/// Workers on each list, in its order.
const WORKERS: [&str; 2] = [people::WORKER, people::STRANGER];

/// How large a run is.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Shards, each with one queue.
    pub shards: usize,
    /// Operations to queue before the queues are drained.
    pub operations: u64,
    /// Slots up to which queues grow.
    pub most_slots: u16,
    /// Steps between two checks of everything.
    pub check_every: u64,
}

/// A shard with its queue.
struct Lane {
    shard: Pubkey,
    queue: Pubkey,
    capability: Pubkey,
    vault: Pubkey,
    destination: Pubkey,
    sequence: u64,
    paused: bool,
}

/// A run in progress.
pub struct Engine {
    /// Programs, and one lane at a time.
    bench: Bench,
    lanes: Vec<Lane>,
    /// What should have happened.
    pub ledger: Ledger,
    batches: Batches,
    rng: fastrand::Rng,
    plan: Plan,
    paused: bool,
    migrated: bool,
    keys: Vec<Pubkey>,
    keypairs: BTreeMap<&'static str, Keypair>,
    lamports: u64,
    /// Instructions by name, and how many succeeded.
    pub succeeded: BTreeMap<&'static str, u64>,
    /// Errors by number, and how many.
    pub refused: BTreeMap<u32, u64>,
    steps: u64,
}

impl Engine {
    /// Makes the shards.
    pub fn new(seed: u64, plan: Plan) -> Self {
        let policy = |flags| wire::create_queue::Data {
            flags,
            max_deadline_seconds: 1_000_000,
            max_attempts: 3,
            ..fixture::queue_policy()
        };
        let mut bench = Bench::new(FeatureProfile::Mainnet, &policy(0), &vault_transfer(&address("v"), &address("d")));
        let batches = Batches::new(&mut bench.fixture);
        let mint = address("mint");
        bench.fixture.world.set_account(&mint, token::mint(0, VAULT_UNITS));
        let mut lanes = Vec::new();
        for index in 0..plan.shards {
            let [vault, destination] = ["vault", "destination"].map(|name| address(&format!("{name} {index}")));
            let shard = bench.fixture.shard();
            let producer = ProducerRecord { quota: 2_000, ..fixture::producer(people::PRODUCER) };
            let create = bench.fixture.create_queue(&shard, &policy(KINDS[index % KINDS.len()]), &[producer]);
            let queue = create.accounts[wire::create_queue::Position::queue as usize].pubkey;
            bench.send(&[create], &[people::OWNER]);
            bench.fixture.world.airdrop(&queue, 1_000_000_000);
            let capability = bench.fixture.capability(&shard, &vault_transfer(&vault, &destination));
            let stranger = address(people::STRANGER);
            bench.fixture.world.set_account(&vault, token::token_account(&mint, &capability, VAULT_UNITS));
            bench.fixture.world.set_account(&destination, token::token_account(&mint, &stranger, 0));
            (bench.shard, bench.queue) = (shard, queue);
            for worker in WORKERS {
                let list = bench.set_worker(worker, true);
                bench.send(&[list], &[people::OWNER]);
            }
            lanes.push(Lane { shard, queue, capability, vault, destination, sequence: 0, paused: false });
        }
        // Nobody doubts signatures here, and a long run must not keep every transaction.
        let svm = std::mem::take(&mut bench.fixture.world.svm);
        bench.fixture.world.svm = svm.with_sigverify(false).with_transaction_history(0);
        let mut keys: Vec<Pubkey> = people::ALL.iter().map(|name| address(name)).collect();
        keys.extend([PROCESSOR, SCHEDULER, DIFF].map(fixture::config));
        keys.push(client::registry_address(&SCHEDULER.address()));
        keys.extend(batches.keys());
        keys.extend(
            lanes.iter().flat_map(|lane| [lane.shard, lane.queue, lane.capability, lane.vault, lane.destination]),
        );
        let lamports = check::lamports(&bench.fixture.world, &keys);
        let keypairs = people::ALL.iter().map(|name| (*name, keypair(name))).collect();
        let (ledger, rng) = (Ledger::default(), fastrand::Rng::with_seed(seed));
        let (succeeded, refused) = (BTreeMap::new(), BTreeMap::new());
        let (paused, migrated, steps) = (false, false, 0);
        Self {
            bench,
            lanes,
            ledger,
            batches,
            rng,
            plan,
            paused,
            migrated,
            keys,
            keypairs,
            lamports,
            succeeded,
            refused,
            steps,
        }
    }

    /// Runs to the end: queues what the plan says, then drains every queue.
    ///
    /// # Panics
    /// When something was lost, ran twice or out of order, or another rule is broken.
    pub fn run(&mut self, mut tell: impl FnMut(&Self)) {
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
            assert_eq!(lane.sequence, self.read(lane).header.producers[0].last_sequence, "sequence numbers used");
        }
    }

    /// One step, on one queue or on a program.
    pub fn step(&mut self) {
        self.steps += 1;
        let lane = self.rng.usize(..self.lanes.len());
        self.wait();
        // Pauses are short: about twenty steps of the program, and a few of the shard.
        if self.paused && self.rng.u8(..20) == 0 {
            self.pause_program(false);
        }
        if self.lanes[lane].paused && self.rng.u8(..4) == 0 {
            self.pause_shard(lane, false);
        }
        match self.rng.u8(..100) {
            0..24 => self.enqueue(lane),
            24..47 => self.claim(lane),
            47..74 => self.dispatch(lane),
            74..80 => self.fail(lane),
            80..84 => self.reap(lane),
            84..90 => self.operate(lane),
            90..94 => self.dead_letters(lane),
            94..95 => self.pause(lane),
            95..96 => self.grow(lane),
            96..97 => self.migrate(),
            _ => self.batch(),
        }
        if self.steps.is_multiple_of(self.plan.check_every) {
            if self.plan.check_every == 1 { self.check_lane(lane) } else { self.check_all() }
        }
    }

    fn wait(&mut self) {
        let seconds = if self.rng.u8(..50) == 0 { 61 } else { i64::from(self.rng.u8(..2)) };
        self.bench.wait(seconds);
    }

    /// The accounts of a lane, for the builders of instructions.
    fn at(&mut self, lane: usize) -> &mut Bench {
        let Lane { shard, queue, capability, .. } = self.lanes[lane];
        (self.bench.shard, self.bench.queue, self.bench.capability) = (shard, queue, capability);
        &mut self.bench
    }

    fn read(&self, lane: &Lane) -> QueueReader {
        QueueReader::parse(&self.bench.fixture.world.account(&lane.queue).data).expect("the account is a queue")
    }

    fn now(&self) -> i64 {
        self.bench.fixture.world.unix_seconds()
    }

    /// Sends a transaction; says whether it was kept.
    fn submit(&mut self, name: &'static str, instructions: &[Instruction], signers: &[&str]) -> Option<TxOutcome> {
        let signers: Vec<&Keypair> = signers.iter().map(|name| &self.keypairs[*name]).collect();
        match self.bench.fixture.world.send(instructions, &self.keypairs[people::PAYER], &signers) {
            Ok(outcome) => {
                self.lamports -= outcome.fee_lamports;
                *self.succeeded.entry(name).or_default() += 1;
                Some(outcome)
            }
            Err(failure) => {
                self.lamports -= failure.outcome.fee_lamports;
                let code = failure.custom_code();
                let code =
                    code.unwrap_or_else(|| panic!("{name}: {:?}\n{}", failure.error, failure.outcome.logs.join("\n")));
                *self.refused.entry(code).or_default() += 1;
                None
            }
        }
    }

    /// A batch of new operations, some delayed, with a tip, or with a deadline; now and then one whose sequence was used.
    fn enqueue(&mut self, lane: usize) {
        let count = self.rng.usize(1..=AT_ONCE);
        let (now, first) = (self.now(), self.lanes[lane].sequence + 1);
        let replays = first > 1 && self.rng.u8(..40) == 0;
        let mut items = Vec::new();
        let mut accepted = Vec::new();
        for index in 0..count as u64 {
            let level = self.rng.u8(..4) * 5;
            let delayed = self.rng.u8(..10) == 0;
            let request = enqueue::Data {
                sequence: if replays { first - 1 } else { first + index },
                level,
                not_before_at: if delayed { now + i64::from(self.rng.u8(1..30)) } else { 0 },
                deadline_at: if self.rng.u8(..20) == 0 { now + 100 } else { 0 },
                tip_lamports: if self.rng.u8(..10) == 0 { 5_000 } else { 0 },
                ..Default::default()
            };
            let number = self.ledger.next() + index;
            let item = BatchItem { arguments_bytes: 8, capability: 0, reserved: 0 };
            items.extend([bytemuck::bytes_of(&item), bytemuck::bytes_of(&request), &number.to_le_bytes()].concat());
            accepted.push((level, delayed));
        }
        let Lane { queue, capability, .. } = self.lanes[lane];
        let accounts = wire::enqueue_batch::Accounts {
            queue,
            producer: address(people::PRODUCER),
            clock: solana_sdk_ids::sysvar::clock::ID,
        };
        let more = [AccountMeta::new_readonly(capability, false)];
        let batch = wire::enqueue_batch(SCHEDULER.address(), accounts, &more, &wire::enqueue_batch::Data {}, &items);
        if self.submit("EnqueueBatch", &[batch], &[people::PRODUCER]).is_some() {
            assert!(!replays, "a used sequence number is accepted");
            self.lanes[lane].sequence += count as u64;
            for (level, moved) in accepted {
                self.ledger.accept(lane, level, moved);
            }
        }
    }

    fn claim(&mut self, lane: usize) {
        let before = self.read(&self.lanes[lane]);
        let worker = self.rng.usize(..WORKERS.len());
        let count = self.rng.u8(1..=8);
        let expected = before.next_claims(usize::from(count), self.now());
        let index = u8::try_from(worker).expect("two workers");
        let claim = self.at(lane).claim(WORKERS[worker], index, count);
        if self.submit("Claim", &[claim], &[WORKERS[worker]]).is_some() {
            let after = self.read(&self.lanes[lane]);
            for handle in &expected {
                assert_eq!(
                    after.entry(*handle).map(|entry| entry.list),
                    Some(list::LEASED),
                    "what comes next is leased"
                );
                self.ledger.begin(check::number(&after, handle.slot));
            }
            let leased = usize::from(after.header.leased_count - before.header.leased_count);
            assert_eq!(leased, expected.len(), "nothing else is leased");
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

    /// Runs several entries in one transaction.
    fn dispatch(&mut self, lane: usize) {
        let (queue, now) = (self.read(&self.lanes[lane]), self.now());
        let worker = self.rng.usize(..WORKERS.len());
        let mut handles: Vec<EntryHandle> = if queue.header.header.state & queue_flags::LEASED == 0 {
            queue.dispatchable(now)
        } else {
            let leased = queue.list(list::LEASED).into_iter();
            let own = leased.filter(|(_, entry)| {
                usize::from(entry.worker) == worker && now <= entry.lease_ends_at.min(entry.deadline_at)
            });
            own.filter_map(|(slot, _)| queue.handle(slot)).collect()
        };
        handles.truncate(self.rng.usize(1..=AT_ONCE));
        // A handle of what has run, or never was: refused as a whole.
        let stale = self.rng.u8(..40) == 0 && !handles.is_empty();
        if stale {
            handles[0].generation = handles[0].generation.wrapping_sub(1);
        }
        let numbers: Vec<u64> = handles.iter().map(|handle| check::number(&queue, handle.slot)).collect();
        let Lane { capability, vault, destination, .. } = self.lanes[lane];
        let accounts = [
            AccountMeta::new(vault, false),
            AccountMeta::new(destination, false),
            AccountMeta::new_readonly(capability, false),
        ];
        let mut instructions = Vec::new();
        for (handle, number) in handles.iter().zip(&numbers) {
            let mut dispatch = self.at(lane).dispatch(WORKERS[worker], *handle);
            dispatch.accounts[wire::dispatch::Position::worker as usize].is_writable = true;
            instructions.push(dispatch);
            instructions.push(execute(&capability, &token::ID, &accounts, &number.to_le_bytes()));
        }
        if !instructions.is_empty() && self.submit("Dispatch, Execute", &instructions, &[WORKERS[worker]]).is_some() {
            assert!(!stale, "a stale handle is accepted");
            for number in numbers {
                self.ledger.end(number, Fate::Done);
            }
        }
    }

    /// A slot of a list, chosen at random.
    fn pick(&mut self, lane: usize, kinds: &[u8]) -> Option<(EntryHandle, u64)> {
        let queue = self.read(&self.lanes[lane]);
        let slots: Vec<u16> = kinds.iter().flat_map(|kind| queue.list(*kind)).map(|(slot, _)| slot).collect();
        let slot = *slots.get(self.rng.usize(..slots.len().max(1)))?;
        Some((queue.handle(slot)?, check::number(&queue, slot)))
    }

    fn fail(&mut self, lane: usize) {
        let Some((handle, number)) = self.pick(lane, &[list::LEASED]) else { return };
        let worker = WORKERS[self.rng.usize(..WORKERS.len())];
        let permanent = self.rng.u8(..4) == 0;
        let fail = self.at(lane).fail(worker, handle, permanent);
        if self.submit("Fail", &[fail], &[worker]).is_some() {
            self.ledger.at(number).moved = true;
        }
    }

    fn reap(&mut self, lane: usize) {
        let queue = self.read(&self.lanes[lane]);
        let listed = [list::LEASED, list::DELAYED, list::READY].map(|kind| queue.list(kind));
        let handles: Vec<EntryHandle> =
            listed.iter().flatten().take(40).filter_map(|(slot, _)| queue.handle(*slot)).collect();
        let reap = self.at(lane).reap(&handles);
        if self.submit("Reap", &[reap], &[]).is_some() {
            let after = self.read(&self.lanes[lane]);
            for (old, handle) in listed.iter().flatten().map(|(_, entry)| entry.list).zip(&handles) {
                if after.entry(*handle).is_none_or(|entry| entry.list != old) {
                    self.ledger.at(check::number(&queue, handle.slot)).moved = true;
                }
            }
        }
    }

    /// The owner, or now and then somebody else, does something to an entry.
    fn operate(&mut self, lane: usize) {
        let kinds = [list::READY, list::DELAYED, list::HELD];
        let Some((handle, number)) = self.pick(lane, &kinds) else { return };
        let verbs: [(&str, &InstructionSpec, &[u8]); 4] = [
            ("Hold", &hold::SPEC, &[]),
            ("Release", &release::SPEC, &[]),
            ("Reprioritize", &reprioritize::SPEC, &[10]),
            ("DeadLetter", &dead_letter::SPEC, &[]),
        ];
        if self.rng.u8(..5) == 0 {
            let cancel = self.at(lane).cancel(people::OWNER, handle);
            assert_eq!(cancel.data[0], cancel::DISCRIMINATOR);
            if self.submit("Cancel", &[cancel], &[people::OWNER]).is_some() {
                self.ledger.end(number, Fate::Cancelled);
            }
            return;
        }
        let (name, spec, more) = verbs[self.rng.usize(..verbs.len())];
        let mut operate = self.at(lane).operate(spec, handle, more);
        let signer = if self.rng.u8(..10) == 0 { people::GUARDIAN } else { people::OWNER };
        operate.accounts[1].pubkey = address(signer);
        if self.submit(name, &[operate], &[signer]).is_some() {
            assert_eq!(signer, people::OWNER, "somebody else's signature is accepted");
            self.ledger.at(number).moved = true;
        }
    }

    /// Dead letters are redriven or purged, and what is held because it could not die is let go.
    fn dead_letters(&mut self, lane: usize) {
        for _ in 0..4 {
            if let Some((handle, number)) = self.pick(lane, &[list::DEAD]) {
                let (name, spec) = if self.rng.bool() { ("Redrive", &redrive::SPEC) } else { ("Purge", &purge::SPEC) };
                let operate = self.at(lane).operate(spec, handle, &0u16.to_le_bytes());
                if self.submit(name, &[operate], &[people::OWNER]).is_some() && name == "Purge" {
                    self.ledger.end(number, Fate::Purged);
                }
            }
            self.release_one(lane);
        }
    }

    /// Pauses the shard or the program, or lets it go on.
    fn pause(&mut self, lane: usize) {
        if self.rng.bool() {
            self.pause_shard(lane, !self.lanes[lane].paused);
        } else {
            self.pause_program(!self.paused);
        }
    }

    fn pause_shard(&mut self, lane: usize, paused: bool) {
        let pause = self.at(lane).pause_shard(paused);
        self.submit("UpdateShard", &[pause], &[people::OWNER]).expect("the owner pauses and resumes");
        self.lanes[lane].paused = paused;
    }

    fn pause_program(&mut self, paused: bool) {
        let (name, by) = if paused {
            ("Pause", fixture::pause as fn(_, _) -> _)
        } else {
            ("Resume", fixture::resume as fn(_, _) -> _)
        };
        if self.submit(name, &[by(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]).is_some() {
            self.paused = paused;
        }
    }

    fn grow(&mut self, lane: usize) {
        let slots = self.read(&self.lanes[lane]).header.slots;
        if slots + 10 <= self.plan.most_slots {
            let grow = self.at(lane).grow(10);
            self.submit("GrowQueue", &[grow], &[people::OWNER]).expect("a queue grows");
        }
    }

    /// The processor's upgrade to a second version of its config, or the way back, while queues are full.
    fn migrate(&mut self) {
        let up = !self.migrated;
        let (processor, authority) = (PROCESSOR.address(), address(people::AUTHORITY));
        if up {
            self.bench.fixture.world.install_at(PROCESSOR_V2, &processor, Some(&authority));
        }
        let direction = if up { direction::UP } else { direction::DOWN };
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
        if self.submit("diff batch", &[instruction], &[people::OWNER]).is_some() {
            self.batches.check(&self.bench.fixture, commits);
        }
    }

    /// Everything that is queued runs, is redriven until it does, or is purged.
    fn drain(&mut self) {
        if self.paused {
            self.pause_program(false);
        }
        for lane in 0..self.lanes.len() {
            if self.lanes[lane].paused {
                self.pause_shard(lane, false);
            }
            let mut rounds = 0;
            while !self.ledger.live_in(lane).is_empty() {
                rounds += 1;
                assert!(rounds < 5_000, "queue {lane} does not drain");
                self.bench.wait(1);
                self.claim(lane);
                self.dispatch(lane);
                if rounds % 8 == 0 {
                    self.reap(lane);
                    self.dead_letters(lane);
                }
            }
        }
    }

    fn release_one(&mut self, lane: usize) {
        let Some((handle, number)) = self.pick(lane, &[list::HELD]) else { return };
        let operate = self.at(lane).operate(&release::SPEC, handle, &[]);
        if self.submit("Release", &[operate], &[people::OWNER]).is_some() {
            self.ledger.at(number).moved = true;
        }
    }

    fn check_lane(&mut self, lane: usize) {
        check::queue(&self.read(&self.lanes[lane]), &self.ledger, lane);
        self.check_money();
    }

    fn check_all(&mut self) {
        for (index, lane) in self.lanes.iter().enumerate() {
            check::queue(&self.read(lane), &self.ledger, index);
        }
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
