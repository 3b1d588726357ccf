//! Worst cases of queues that are bound to an order: 1,000 slots, 64 members, 64 edges, and entries in all 32 lanes of a
//! level, which are those of 16 capabilities in both epochs.

use super::{NOOP, TARGETS, demanding, direct_capability, handles};
use crate::rows::managing::edit;
use crate::rows::{Row, row};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Definition, pause, people, queue_policy};
use mollusk_tests::orders::{
    Shared, allocate_resources, constraint, rotate_epoch, set_budget, set_constraints, weight,
};
use mollusk_tests::programs::{PROCESSOR, SCHEDULER, address};
use mollusk_tests::queues::{Bench, commitment, committed, leased_policy, plain, with_registry};
use shared_layouts::declare::InstructionSpec;
use shared_layouts::scheduler::{
    self as wire, ConstraintRecord, EntryHandle, composition_mode, constraint_kind, create_queue, dead_letter, enqueue,
    hold, list, purge, redrive, release, reprioritize, requeue, restore, when_dead,
};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;

pub(super) fn rows() -> Vec<Row> {
    [entering(), running(), leases(), single(), at_once()].concat()
}

/// Capabilities that a queue can have entries of: as many of the order's last members.
const CLASSES: usize = 16;
/// Members of the order.
const MEMBERS: usize = 64;

/// The edges: 16 members before 16 others, those and the former before the last 16, and those before another 16. All can run
/// while nothing of the first 32 is pending, and the deaths of the last 16 count.
fn edges(when_dead: u8) -> Vec<ConstraintRecord> {
    let edge = |from: u8, to: u8| ConstraintRecord { when_dead, ..constraint(constraint_kind::BEFORE, from, to) };
    let into = (0..32).map(|from| edge(from, 48 + from % 16));
    let among = (0..16).map(|from| edge(from, from + 16));
    let out = (48..64).map(|from| edge(from, from - 16));
    into.chain(among).chain(out).collect()
}

/// A queue without entries that is bound to such an order, and the members that have entries in it.
#[derive(Clone)]
struct Scene {
    bench: Bench,
    members: Vec<Pubkey>,
}

impl Scene {
    /// The last member is of this definition.
    fn new(profile: FeatureProfile, policy: &create_queue::Data, rule: u8, last: &Definition) -> Self {
        let mut shared = Shared::new(profile, 1, 0, composition_mode::STRICT);
        for members in [16, 16, 16, 15] {
            shared.join(0, members);
        }
        let shard = shared.shards[0];
        let last = shared.fixture.capability(&shard, last);
        shared.members.push(last);
        shared.fixture.send(&[set_constraints(&shared.order, &shard, &[last], &edges(rule))], &[people::OWNER]);
        shared.compose();
        assert_eq!((shared.order().members_count, shared.order().constraints_count), (64, 64), "the order is as large");
        let members = shared.members[MEMBERS - CLASSES..].to_vec();
        let mut bench = shared.bench(0, &create_queue::Data { slots: 20, max_dead: 10, ..*policy });
        bench.grow_to(1_000);
        let queue = bench.queue;
        bench.fixture.world.airdrop(&queue, 1_000_000_000);
        Self { bench, members }
    }

    fn open(profile: FeatureProfile) -> Self {
        Self::new(profile, &queue_policy(), when_dead::BLOCK, &Definition::new(&NOOP.address()))
    }

    fn leased(profile: FeatureProfile) -> Self {
        Self::new(profile, &leased_policy(), when_dead::BLOCK, &Definition::new(&NOOP.address()))
    }

    /// Queues plain entries of the first so many members, by turns, half of them in the older epoch.
    fn filled(mut self, members: usize, entries: u64) -> Self {
        let half = entries / 2;
        self.fill(members, 1, half);
        self.rotate();
        self.fill(members, half + 1, entries - half);
        self
    }

    fn rotate(&mut self) {
        let rotate = rotate_epoch(&self.bench.order.expect("it is bound to an order"));
        self.bench.send(&[rotate], &[]);
    }

    fn fill(&mut self, members: usize, first: u64, entries: u64) {
        let (mut sequence, mut left) = (first, entries);
        for member in (0..members).cycle() {
            let count = left.min(8);
            if count == 0 {
                return;
            }
            self.bench.capability = self.members[member];
            let batch = self.bench.enqueue_batch(sequence, count, &[]);
            self.bench.send(&[batch], &[people::PRODUCER]);
            sequence += count;
            left -= count;
        }
    }

    fn put(&mut self, member: usize, data: &enqueue::Data, arguments: &[u8]) -> EntryHandle {
        self.bench.capability = self.members[member];
        let enqueue = self.bench.enqueue(data, arguments);
        self.bench.send(&[enqueue], &[people::PRODUCER]);
        self.bench.last()
    }

    /// A ready entry in the middle of the slots.
    fn middle(&self) -> EntryHandle {
        handles(&self.bench, list::READY)[500]
    }

    fn owned(&mut self, instruction: Instruction) -> u64 {
        self.bench.send(&[instruction], &[people::OWNER]).units_of(0)
    }

    /// Gives the queue the whole compute budget as its quota.
    fn metered(&mut self) {
        let weights = [weight(&self.bench.fixture, &self.bench.shard, 1)];
        self.bench.send(&[set_budget(1_000_000, 60), allocate_resources(&weights)], &[people::AUTHORITY]);
        let set = self.bench.set_quota(1_000);
        self.bench.send(&[set], &[people::OWNER]);
    }

    /// 63 expired entries over all levels and lanes, in front of one that is recurring, behind its time, and has a tip and
    /// these arguments. Returns the last one's handle.
    fn walked(&mut self, flags: u8, arguments: &[u8]) -> EntryHandle {
        let now = self.bench.fixture.world.unix_seconds();
        for sequence in 1..=63u64 {
            if sequence == 32 {
                self.rotate();
            }
            let [level, ..] = (15 - sequence / 4).to_le_bytes();
            let [member, ..] = (sequence % 16).to_le_bytes();
            self.put(member.into(), &enqueue::Data { level, deadline_at: now + 10, ..plain(sequence) }, &[]);
        }
        let data = enqueue::Data { level: 0, flags, ..demanding(64) };
        let handle = self.put(CLASSES - 1, &data, arguments);
        self.bench.wait(55);
        handle
    }
}

fn entering() -> Vec<Row> {
    // The capability of the new entry is the one of which the queue has none, and the order's last member.
    let last = CLASSES - 1;
    vec![
        row("scheduler/enqueue/ordered-worst", move |profile| {
            let mut scene = Scene::open(profile).filled(last, 999);
            scene.bench.capability = scene.members[last];
            let enqueue = scene.bench.enqueue(&demanding(1_000), &[7; 96]);
            scene.bench.send(&[enqueue], &[people::PRODUCER]).units_of(0)
        }),
        row("scheduler/enqueue_batch/ordered-worst", move |profile| {
            let mut scene = Scene::open(profile).filled(last, 983);
            scene.bench.capability = scene.members[last];
            let batch = scene.bench.enqueue_batch(984, 17, &[]);
            scene.bench.send(&[batch], &[people::PRODUCER]).units_of(0)
        }),
        row("scheduler/restore/ordered-worst", move |profile| {
            let Scene { mut bench, members } = Scene::open(profile).filled(last, 999);
            let paused = bench.pause_shard(true);
            bench.send(&[paused], &[people::OWNER]);
            let keys = [
                mollusk_tests::fixture::config(SCHEDULER),
                bench.shard,
                address(people::OWNER),
                bench.queue,
                members[last],
                sysvar::clock::ID,
            ];
            let restore = with_order(&bench, &restore::SPEC, &keys, bytemuck::bytes_of(&demanding(1_000)), &[7; 96]);
            bench.send(&[restore], &[people::OWNER]).units_of(0)
        }),
    ]
}

/// An instruction with the order behind its accounts.
fn with_order(bench: &Bench, spec: &InstructionSpec, keys: &[Pubkey], data: &[u8], tail: &[u8]) -> Instruction {
    let order = AccountMeta::new(bench.order.expect("it is bound to an order"), false);
    shared_layouts::client::build(SCHEDULER.address(), spec, keys, &[order], data, tail)
}

fn running() -> Vec<Row> {
    let policy = || create_queue::Data { eligible_window: 255, ..queue_policy() };
    vec![
        row("scheduler/dispatch/ordered-worst", move |profile| {
            let mut scene = Scene::new(profile, &policy(), when_dead::BLOCK, &Definition::new(&NOOP.address()));
            scene.metered();
            let arguments = [7; 96];
            let handle = scene.walked(committed(64).flags, &commitment(&arguments));
            let [dispatch, execute] = scene.bench.run(people::WORKER, handle, &arguments);
            scene.bench.send(&[with_registry(dispatch), execute], &[people::WORKER]).units_of(0)
        }),
        row("scheduler/dispatch_direct/ordered-worst", move |profile| {
            let (definition, metas) = direct_capability(TARGETS);
            let mut scene = Scene::new(profile, &policy(), when_dead::BLOCK, &definition);
            scene.metered();
            let arguments = [7; 64];
            let handle = scene.walked(0, &arguments);
            scene.bench.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
            let mut dispatch = scene.bench.dispatch_direct(handle);
            dispatch.accounts[wire::dispatch_direct::Position::worker as usize].is_writable = true;
            let target = Instruction::new_with_bytes(NOOP.address(), &arguments, metas);
            scene.bench.send(&[with_registry(dispatch), target], &[people::WORKER]).units_of(0)
        }),
    ]
}

fn leases() -> Vec<Row> {
    vec![
        row("scheduler/claim/ordered-worst", |profile| {
            let mut scene = Scene::leased(profile).filled(CLASSES, 990);
            let now = scene.bench.fixture.world.unix_seconds();
            for sequence in 991..=998 {
                scene.put(0, &enqueue::Data { level: 15, deadline_at: now + 10, ..plain(sequence) }, &[]);
            }
            for sequence in 999..=1_000 {
                scene.put(0, &enqueue::Data { not_before_at: now + 5, ..plain(sequence) }, &[]);
            }
            scene.bench.wait(11);
            let claim = scene.bench.claim(people::WORKER, 0, 255);
            large(&mut scene.bench, claim, &[people::WORKER])
        }),
        row("scheduler/fail/ordered-worst", |profile| {
            let mut scene = Scene::leased(profile).filled(CLASSES, 1_000);
            let claim = scene.bench.claim(people::WORKER, 0, 255);
            large(&mut scene.bench, claim, &[people::WORKER]);
            let fail = scene.bench.fail(people::WORKER, handles(&scene.bench, list::LEASED)[100], true);
            scene.bench.send(&[fail], &[people::WORKER]).units_of(0)
        }),
        row("scheduler/reap/ordered-worst", reap_the_doomed),
    ]
}

/// Sends an instruction with all units that a transaction may ask for, and returns what it took.
fn large(bench: &mut Bench, instruction: Instruction, signers: &[&str]) -> u64 {
    let budget = ComputeBudgetInstruction::set_compute_unit_limit(1_400_000);
    bench.send(&[budget, instruction], signers).units_of(1)
}

/// 95 ready entries of a member that die with one before them.
fn reap_the_doomed(profile: FeatureProfile) -> u64 {
    let mut scene = Scene::new(profile, &queue_policy(), when_dead::CASCADE, &Definition::new(&NOOP.address()));
    edit(&mut scene.bench, |queue| queue.max_dead = 1_000);
    let first = scene.bench.read_order().members[31].capability;
    scene.members.push(Pubkey::from(first));
    let dead = scene.put(CLASSES, &plain(1), &[]);
    let kill = scene.bench.operate(&dead_letter::SPEC, dead, &[]);
    scene.owned(kill);
    let doomed: Vec<EntryHandle> = (2..=96).map(|sequence| scene.put(CLASSES - 1, &plain(sequence), &[])).collect();
    let reap = scene.bench.reap(&doomed);
    let units = large(&mut scene.bench, reap, &[]);
    assert_eq!(scene.bench.read().header.dead_count, 96, "each of them died");
    units
}

/// What the owner does to one entry in the middle of a full queue.
fn single() -> Vec<Row> {
    let single = |name: &str, spec: &'static InstructionSpec, more: &'static [u8]| {
        row(name, move |profile| {
            let mut scene = Scene::open(profile).filled(CLASSES, 1_000);
            let operate = scene.bench.operate(spec, scene.middle(), more);
            scene.owned(operate)
        })
    };
    vec![
        single("scheduler/reprioritize/ordered-worst", &reprioritize::SPEC, &[9]),
        single("scheduler/hold/ordered-worst", &hold::SPEC, &[]),
        single("scheduler/dead_letter/ordered-worst", &dead_letter::SPEC, &[]),
        row("scheduler/release/ordered-worst", |profile| {
            let mut scene = Scene::open(profile).filled(CLASSES, 1_000);
            let handle = scene.middle();
            let hold = scene.bench.operate(&hold::SPEC, handle, &[]);
            scene.owned(hold);
            let release = scene.bench.operate(&release::SPEC, handle, &[]);
            scene.owned(release)
        }),
        row("scheduler/requeue/ordered-worst", |profile| {
            let mut scene = Scene::open(profile).filled(CLASSES, 1_000);
            let handle = scene.middle();
            let capability = Pubkey::from(scene.bench.entry(handle).capability);
            let bench = &scene.bench;
            let keys = [bench.shard, address(people::OWNER), bench.queue, capability, sysvar::clock::ID];
            let data = [&handle.generation.to_le_bytes()[..], &handle.slot.to_le_bytes()].concat();
            let requeue = with_order(bench, &requeue::SPEC, &keys, &data, &[]);
            scene.owned(requeue)
        }),
        row("scheduler/cancel/ordered-worst", |profile| {
            let mut scene = Scene::open(profile).filled(CLASSES, 1_000);
            let cancel = scene.bench.cancel(people::OWNER, scene.middle());
            scene.owned(cancel)
        }),
    ]
}

/// What the owner does to all dead letters at once.
fn at_once() -> Vec<Row> {
    let all = |name: &str, spec: &'static InstructionSpec| {
        row(name, move |profile| {
            let mut scene = Scene::open(profile).filled(CLASSES, 1_000);
            edit(&mut scene.bench, |queue| queue.max_dead = 1_000);
            for handles in handles(&scene.bench, list::READY).chunks(8) {
                let kill: Vec<Instruction> =
                    handles.iter().map(|handle| scene.bench.operate(&dead_letter::SPEC, *handle, &[])).collect();
                scene.bench.send(&kill, &[people::OWNER]);
            }
            let none = EntryHandle { generation: 0, slot: 0, reserved: [0; 2] };
            let operate = scene.bench.operate(spec, none, &1_000u16.to_le_bytes());
            large(&mut scene.bench, operate, &[people::OWNER])
        })
    };
    vec![all("scheduler/redrive/ordered-worst", &redrive::SPEC), all("scheduler/purge/ordered-worst", &purge::SPEC)]
}
