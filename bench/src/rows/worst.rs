//! Worst cases: the content that makes an instruction cost the most, as large as one transaction lets it be.
//!
//! | what | how far |
//! |---|---|
//! | queue | 1,000 slots, the config's default, all in use; every place of producers taken |
//! | one entry | 96 bytes of arguments, a tip, a deadline, a recurrence that missed periods |
//! | several entries | as many as the instruction takes, or as a transaction of 1,232 bytes names |
//! | capability | 12 target accounts, all chosen by the worker that can be, and 5 functions of 32 bytes each, or 5 accounts and 10 functions that look at the whole transaction: what one transaction can register |
//! | arena | 10,240 bytes, filled to the last one by operations of one byte for eight targets |

mod bound;
mod orders;

use super::managing::edit;
use super::scheduler::{ARGUMENTS, fill, thousand, thousand_of};
use super::{Row, row};
use mollusk_tests::diffs;
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{
    Definition, Fixture, apply_inline, execute, fixed, pause, people, queue_policy, verify, worker_chosen,
};
use mollusk_tests::programs::{FLAGS_VERIFIER, NOOP, PROCESSOR, Program, SCHEDULER, address};
use mollusk_tests::queues::{Bench, commitment, committed, leased_policy, plain};
use shared_layouts::declare::InstructionSpec;
use shared_layouts::diff::optimization_level;
use shared_layouts::processor::{
    DEFAULT_MAX_VERIFICATION_FUNCTIONS, Function, capability_flags, function_kind, number_kind, operator,
};
use shared_layouts::scheduler::{
    self as wire, EntryHandle, MAX_PRODUCERS, cancel, dead_letter, enqueue, hold, list, purge, redrive, release,
    reprioritize, requeue, restore,
};
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;

pub(super) fn rows() -> Vec<Row> {
    let rows = [queueing(), leases(), owners(), verification(), staged(), running()].concat();
    [rows, bound::rows(), orders::rows()].concat()
}

/// An entry that asks for everything that costs something.
fn demanding(sequence: u64) -> enqueue::Data {
    enqueue::Data { tip_lamports: 5_000, interval_seconds: 10, runs: 100, ..plain(sequence) }
}

/// A queue of 1,000 slots with a purse, and with producers at all places: [`people::PRODUCER`] is the last.
fn crowded(profile: FeatureProfile) -> Bench {
    let mut bench = thousand(profile);
    let queue = bench.queue;
    bench.fixture.world.airdrop(&queue, 1_000_000_000);
    edit(&mut bench, |header| {
        let producer = header.producers[0];
        for place in 0..MAX_PRODUCERS - 1 {
            header.producers[place].key = address(&format!("producer {place}")).to_bytes();
        }
        header.producers[MAX_PRODUCERS - 1] = producer;
    });
    bench
}

fn queueing() -> Vec<Row> {
    vec![
        row("scheduler/enqueue/worst", |profile| {
            let mut bench = crowded(profile);
            fill_by_last(&mut bench, 999);
            let data = enqueue::Data { producer_index: 15, ..demanding(1_000) };
            let enqueue = bench.enqueue(&data, &[7; 96]);
            bench.send(&[enqueue], &[people::PRODUCER]).units_of(0)
        }),
        row("scheduler/enqueue_batch/worst", |profile| {
            let mut bench = thousand(profile);
            fill(&mut bench, 982);
            let batch = bench.enqueue_batch(983, 18, &[]);
            bench.send(&[batch], &[people::PRODUCER]).units_of(0)
        }),
        row("scheduler/restore/worst", |profile| {
            let mut bench = crowded(profile);
            fill_by_last(&mut bench, 999);
            let paused = bench.pause_shard(true);
            bench.send(&[paused], &[people::OWNER]);
            let keys = [
                mollusk_tests::fixture::config(SCHEDULER),
                bench.shard,
                address(people::OWNER),
                bench.queue,
                bench.capability,
                sysvar::clock::ID,
            ];
            let data = enqueue::Data { producer_index: 15, ..demanding(1_000) };
            let data = bytemuck::bytes_of(&data);
            let restore =
                shared_layouts::client::build(SCHEDULER.address(), &restore::SPEC, &keys, &[], data, &[7; 96]);
            bench.send(&[restore], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/dispatch/worst", dispatch_at_the_end_of_the_walk),
        row("scheduler/dispatch_direct/worst", |profile| {
            let (definition, metas) = direct_capability(TARGETS);
            let mut bench = Bench::new(profile, &queue_policy(), &definition);
            let handle = bench.put(1, &ARGUMENTS);
            bench.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
            let target = Instruction::new_with_bytes(NOOP.address(), &ARGUMENTS, metas);
            let run = [bench.dispatch_direct(handle), target];
            bench.send(&run, &[people::WORKER]).units_of(0)
        }),
    ]
}

/// A capability with so many accounts that can be dispatched directly, and the accounts. The worker chooses each of them, so that
/// each is compared with every other.
fn direct_capability(targets: usize) -> (Definition, Vec<AccountMeta>) {
    let keys: Vec<Pubkey> = (0..targets).map(|index| address(&format!("target {index}"))).collect();
    let definition = Definition::new(&NOOP.address())
        .targets(keys.iter().map(|_| worker_chosen(0)))
        .flags(capability_flags::DIRECT_DISPATCH);
    (definition, keys.iter().map(|key| AccountMeta::new_readonly(*key, false)).collect())
}

/// Fills a [`crowded`] queue by its last producer.
fn fill_by_last(bench: &mut Bench, entries: u64) {
    for sequence in 1..=entries {
        let data = enqueue::Data { producer_index: 15, ..plain(sequence) };
        let enqueue = bench.enqueue(&data, &[]);
        bench.send(&[enqueue], &[people::PRODUCER]);
    }
}

/// The 64th entry that a dispatch walks to, over expired ones and over all levels: recurring, behind its time, with a tip and
/// committed arguments as long as fit the transaction.
fn dispatch_at_the_end_of_the_walk(profile: FeatureProfile) -> u64 {
    let definition = Definition::new(&NOOP.address());
    let mut bench =
        thousand_of(profile, &wire::create_queue::Data { eligible_window: 255, ..queue_policy() }, &definition);
    let queue = bench.queue;
    bench.fixture.world.airdrop(&queue, 1_000_000_000);
    let now = bench.fixture.world.unix_seconds();
    for sequence in 1..=63u64 {
        let [level, ..] = (15 - sequence / 4).to_le_bytes();
        let data = enqueue::Data { level, deadline_at: now + 10, ..plain(sequence) };
        let enqueue = bench.enqueue(&data, &[]);
        bench.send(&[enqueue], &[people::PRODUCER]);
    }
    let arguments = [7; 96];
    let data = enqueue::Data { level: 0, flags: committed(64).flags, ..demanding(64) };
    let enqueue = bench.enqueue(&data, &commitment(&arguments));
    bench.send(&[enqueue], &[people::PRODUCER]);
    let handle = bench.last();
    bench.wait(55);
    let run = bench.run(people::WORKER, handle, &arguments);
    bench.send(&run, &[people::WORKER]).units_of(0)
}

/// A leased queue of 1,000 entries.
fn leased_thousand(profile: FeatureProfile) -> Bench {
    let mut bench = thousand_of(profile, &leased_policy(), &Definition::new(&NOOP.address()));
    fill(&mut bench, 1_000);
    bench
}

/// Handles of the entries in a list, in the order of their slots.
fn handles(bench: &Bench, kind: u8) -> Vec<EntryHandle> {
    let queue = bench.read();
    let listed = (0..).zip(&queue.entries).filter(|(_, entry)| entry.list == kind);
    listed.map(|(slot, entry)| EntryHandle { generation: entry.generation, slot, reserved: [0; 2] }).collect()
}

/// The entry in the middle of a full queue's slots.
fn middle(bench: &Bench) -> EntryHandle {
    handles(bench, list::READY)[500]
}

fn leases() -> Vec<Row> {
    vec![
        row("scheduler/claim/worst", |profile| {
            let mut bench = leased_thousand(profile);
            let claim = bench.claim(people::WORKER, 0, 255);
            bench.send(&[claim], &[people::WORKER]).units_of(0)
        }),
        row("scheduler/fail/worst", |profile| {
            let mut bench = leased_thousand(profile);
            edit(&mut bench, |queue| queue.max_dead = 0);
            let claim = bench.claim(people::WORKER, 0, 255);
            bench.send(&[claim], &[people::WORKER]);
            let fail = bench.fail(people::WORKER, handles(&bench, list::LEASED)[100], true);
            bench.send(&[fail], &[people::WORKER]).units_of(0)
        }),
        row("scheduler/reap/worst", |profile| {
            let mut bench = leased_thousand(profile);
            let claim = bench.claim(people::WORKER, 0, 255);
            bench.send(&[claim], &[people::WORKER]);
            bench.wait(61);
            let reap = bench.reap(&handles(&bench, list::LEASED)[..100]);
            bench.send(&[reap], &[]).units_of(0)
        }),
    ]
}

/// What the owner does to one entry in the middle of a full queue, and to a thousand at once.
fn owners() -> Vec<Row> {
    let single = |name: &str, spec: &'static InstructionSpec, more: &'static [u8]| {
        row(name, move |profile| {
            let mut bench = full(profile);
            let operate = bench.operate(spec, middle(&bench), more);
            bench.send(&[operate], &[people::OWNER]).units_of(0)
        })
    };
    vec![
        single("scheduler/reprioritize/worst", &reprioritize::SPEC, &[9]),
        single("scheduler/hold/worst", &hold::SPEC, &[]),
        single("scheduler/dead_letter/worst", &dead_letter::SPEC, &[]),
        row("scheduler/release/worst", |profile| {
            let mut bench = full(profile);
            let handle = middle(&bench);
            let hold = bench.operate(&hold::SPEC, handle, &[]);
            bench.send(&[hold], &[people::OWNER]);
            let release = bench.operate(&release::SPEC, handle, &[]);
            bench.send(&[release], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/requeue/worst", |profile| {
            let mut bench = full(profile);
            let keys = [bench.shard, address(people::OWNER), bench.queue, bench.capability, sysvar::clock::ID];
            let handle = middle(&bench);
            let data = [&handle.generation.to_le_bytes()[..], &handle.slot.to_le_bytes()].concat();
            let requeue = shared_layouts::client::build(SCHEDULER.address(), &requeue::SPEC, &keys, &[], &data, &[]);
            bench.send(&[requeue], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/cancel/worst", |profile| {
            let mut bench = full(profile);
            let cancel = bench.cancel(people::OWNER, middle(&bench));
            assert_eq!(cancel.data[0], cancel::DISCRIMINATOR);
            bench.send(&[cancel], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/redrive/worst", |profile| all_dead(profile, &redrive::SPEC)),
        row("scheduler/purge/worst", |profile| all_dead(profile, &purge::SPEC)),
    ]
}

fn full(profile: FeatureProfile) -> Bench {
    let mut bench = thousand(profile);
    fill(&mut bench, 1_000);
    bench
}

/// Units of an instruction on a thousand dead letters at once.
fn all_dead(profile: FeatureProfile, spec: &'static InstructionSpec) -> u64 {
    let mut bench = full(profile);
    edit(&mut bench, |queue| queue.max_dead = 1_000);
    for handles in handles(&bench, list::READY).chunks(8) {
        let kill: Vec<Instruction> =
            handles.iter().map(|handle| bench.operate(&dead_letter::SPEC, *handle, &[])).collect();
        bench.send(&kill, &[people::OWNER]);
    }
    let oldest = EntryHandle { generation: 0, slot: 0, reserved: [0; 2] };
    let operate = bench.operate(spec, oldest, &1_000u16.to_le_bytes());
    let budget = solana_compute_budget_interface::ComputeBudgetInstruction::set_compute_unit_limit(1_400_000);
    bench.send(&[budget, operate], &[people::OWNER]).units_of(1)
}

/// Target accounts of the largest capability here.
const TARGETS: usize = 12;

/// A capability with many accounts whose functions compare 32 bytes of its first account's data. The worker chooses the others, so
/// that each is compared with every other.
fn demanding_capability() -> (Definition, Vec<AccountMeta>) {
    let keys: Vec<Pubkey> = (0..TARGETS).map(|index| address(&format!("target {index}"))).collect();
    let function = Function {
        kind: function_kind::ACCOUNT_DATA,
        operator: operator::EQUAL,
        number: number_kind::BYTES,
        width: 32,
        ..bytemuck::Zeroable::zeroed()
    };
    let rules = (0..).zip(&keys).map(|(index, key)| if index == 0 { fixed(key, 0) } else { worker_chosen(0) });
    let definition = Definition::new(&NOOP.address()).targets(rules).functions(vec![function; 5]);
    (definition, keys.iter().map(|key| AccountMeta::new_readonly(*key, false)).collect())
}

/// A capability with as many functions as the config allows, each of which looks at every instruction of the transaction and
/// at five programs for each, and the instructions that a transaction has room for beside a dispatch and what it dispatches.
fn suspicious_capability() -> (Definition, Vec<AccountMeta>, Vec<Instruction>) {
    const ALLOWED: Program = FLAGS_VERIFIER;
    const BESIDE: usize = 58;
    let function =
        Function { kind: function_kind::SOLO, constant: ALLOWED.address().to_bytes(), ..bytemuck::Zeroable::zeroed() };
    let keys: Vec<Pubkey> = (0..5).map(|index| address(&format!("target {index}"))).collect();
    let functions = vec![function; usize::from(DEFAULT_MAX_VERIFICATION_FUNCTIONS)];
    let definition =
        Definition::new(&NOOP.address()).targets(keys.iter().map(|key| fixed(key, 0))).functions(functions);
    let beside = Instruction::new_with_bytes(ALLOWED.address(), &[], Vec::new());
    (definition, keys.iter().map(|key| AccountMeta::new_readonly(*key, false)).collect(), vec![beside; BESIDE])
}

fn verification() -> Vec<Row> {
    let by_accounts = |profile| {
        let (definition, metas) = demanding_capability();
        (Bench::new(profile, &queue_policy(), &definition), metas, Vec::new())
    };
    let by_siblings = |profile| {
        let (definition, metas, siblings) = suspicious_capability();
        (Bench::new(profile, &queue_policy(), &definition), metas, siblings)
    };
    [verified("worst", by_accounts), verified("worst-siblings", by_siblings)].concat()
}

/// The three ways to verify, with instructions behind them in the transaction.
fn verified(
    name: &str,
    make: impl Fn(FeatureProfile) -> (Bench, Vec<AccountMeta>, Vec<Instruction>) + Copy + 'static,
) -> Vec<Row> {
    let prepared = move |profile| {
        let (mut bench, metas, siblings) = make(profile);
        let account = Account { lamports: 10_000_000, data: vec![0; 32], ..Account::default() };
        bench.fixture.world.set_account(&metas[0].pubkey, account);
        let handle = bench.put(1, &ARGUMENTS);
        (bench, handle, metas, siblings)
    };
    vec![
        row(&format!("processor/check/{name}"), move |profile| {
            let (mut bench, _, metas, siblings) = prepared(profile);
            let check = mollusk_tests::capabilities::check(&bench.capability, &metas, &ARGUMENTS);
            bench.send(&[vec![check], siblings].concat(), &[]).units_of(0)
        }),
        row(&format!("processor/verify/{name}"), move |profile| {
            let (mut bench, handle, metas, siblings) = prepared(profile);
            let target = Instruction::new_with_bytes(NOOP.address(), &ARGUMENTS, metas.clone());
            let dispatch = bench.dispatch(people::WORKER, handle);
            let run = vec![dispatch, verify(&bench.capability, &metas, &ARGUMENTS), target];
            bench.send(&[run, siblings].concat(), &[people::WORKER]).units_of(1)
        }),
        row(&format!("processor/execute/{name}"), move |profile| {
            let (mut bench, handle, metas, siblings) = prepared(profile);
            let dispatch = bench.dispatch(people::WORKER, handle);
            let run = vec![dispatch, execute(&bench.capability, &NOOP.address(), &metas, &ARGUMENTS)];
            bench.send(&[run, siblings].concat(), &[people::WORKER]).units_of(1)
        }),
    ]
}

/// Targets of the full arena.
const STATES: usize = 8;

/// An arena whose operations fill it to the last byte; each target's are at every other byte, the last one longer.
struct FullArena {
    fixture: Fixture,
    arena: Pubkey,
    states: Vec<Pubkey>,
    /// The instruction that fills it, not yet sent.
    last: Instruction,
}

impl FullArena {
    fn new(profile: FeatureProfile, level: u8, descends: bool) -> Self {
        let mut fixture = Fixture::new(profile);
        let arena = fixture.arena_at(level);
        let states: Vec<Pubkey> = (0..STATES).map(|_| fixture.state(1_024)).collect();
        let capacity = fixture.arena_header(&arena).capacity_bytes as usize;
        let each = capacity / STATES / 9;
        let mut staged = Vec::new();
        for (index, state) in states.iter().enumerate() {
            let rest = capacity - (STATES - 1) * each * 9 - (each - 1) * 9 - 8;
            let payload = vec![7; if index == STATES - 1 { rest } else { 1 }];
            let mut operations: Vec<(u32, &[u8])> = (0..each)
                .map(|at| {
                    let is_last = at == each - 1;
                    (u32::try_from(at * 2).expect("a small state"), if is_last { &payload[..] } else { &[7][..] })
                })
                .collect();
            if descends {
                operations.reverse();
            }
            staged.push(diffs::stage(&arena, state, 0, 1_024, &operations));
        }
        let last = staged.pop().expect("there are targets");
        for stage in staged {
            fixture.send(&[stage], &[people::OWNER]);
        }
        Self { fixture, arena, states, last }
    }

    /// Sends what fills it.
    fn filled(mut self) -> Self {
        self.send(&self.last.clone());
        let header = self.fixture.arena_header(&self.arena);
        assert_eq!(header.operations_bytes, header.capacity_bytes, "the arena is full");
        self
    }

    fn sealed(self) -> Self {
        let mut full = self.filled();
        full.send(&diffs::seal(&full.arena, &full.states));
        full
    }

    fn begun(self) -> Self {
        let mut full = self.sealed();
        full.send(&diffs::begin(&full.arena, &full.states));
        full
    }

    fn applied(self) -> Self {
        let mut full = self.begun();
        let operations = full.fixture.arena_header(&full.arena).operations;
        while full.fixture.arena_header(&full.arena).applied_operations < operations {
            let released = usize::from(full.fixture.arena_header(&full.arena).applied_targets);
            full.send(&diffs::apply(&full.arena, &full.states[released..], u16::MAX));
        }
        full
    }

    fn send(&mut self, instruction: &Instruction) -> u64 {
        let budget = solana_compute_budget_interface::ComputeBudgetInstruction::set_compute_unit_limit(1_400_000);
        self.fixture.send(&[budget, instruction.clone()], &[people::OWNER]).units_of(1)
    }
}

fn staged() -> Vec<Row> {
    let ascending = |profile| FullArena::new(profile, optimization_level::NONE, false);
    vec![
        row("diff/calculate/worst", |profile| {
            // 56 equal bytes are a word more than the shortest gap that stays apart, so what ends a run does not lead to the
            // next one. Of runs of up to eight words between such gaps, three that differ cost most.
            let new: Vec<u8> = (0..10_240).map(|at| u8::from(at % 80 < 24)).collect();
            super::diff::calculate(profile, &new).1
        }),
        row("diff/stage/worst", move |profile| {
            let mut full = ascending(profile);
            full.send(&full.last.clone())
        }),
        row("diff/optimize/worst", |profile| {
            let mut full = FullArena::new(profile, optimization_level::AGGRESSIVE, true).filled();
            full.send(&diffs::optimize(&full.arena, &full.states, optimization_level::AGGRESSIVE))
        }),
        row("diff/seal/worst", move |profile| {
            let mut full = ascending(profile).filled();
            full.send(&diffs::seal(&full.arena, &full.states))
        }),
        row("diff/verify_integrity/worst", move |profile| {
            let mut full = ascending(profile).sealed();
            let digest = full.fixture.arena_header(&full.arena).digest;
            let verify = diffs::verify_integrity(&full.arena, 0, digest, &[]);
            full.send(&verify)
        }),
        row("diff/discard/worst", move |profile| {
            let mut full = ascending(profile).sealed();
            full.send(&diffs::discard(&full.arena))
        }),
    ]
}

fn running() -> Vec<Row> {
    let ascending = |profile| FullArena::new(profile, optimization_level::NONE, false);
    vec![
        row("diff/apply_inline/worst", |profile| {
            let mut fixture = Fixture::new(profile);
            let state = fixture.state(1_024);
            let operations: Vec<(u32, &[u8])> = (0..50).map(|index| (index * 20, &[7; 8][..])).collect();
            fixture.send(&[apply_inline(&state, 0, &operations)], &[people::OWNER]).units_of(0)
        }),
        row("diff/begin/worst", move |profile| {
            let mut full = ascending(profile).sealed();
            full.send(&diffs::begin(&full.arena, &full.states))
        }),
        row("diff/apply/worst", move |profile| {
            let mut full = ascending(profile).begun();
            full.send(&diffs::apply(&full.arena, &full.states, u16::MAX))
        }),
        row("diff/rollback/worst", move |profile| {
            let mut full = ascending(profile).applied();
            full.send(&diffs::rollback(&full.arena, &full.states, u16::MAX, people::OWNER))
        }),
        row("diff/commit/worst", move |profile| {
            let mut full = ascending(profile).applied();
            full.send(&diffs::commit(&full.arena, &full.states))
        }),
    ]
}
