//! Rows of the scheduler.

use super::{Row, floor, row};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{
    Definition, Fixture, fixed, initialize_processor, initialize_scheduler, pause, people, queue_policy, resume,
};
use mollusk_tests::lifecycle::Update;
use mollusk_tests::orders::{Shared, before};
use mollusk_tests::programs::{NOOP, PROCESSOR, RELAY, SCHEDULER};
use mollusk_tests::queues::{Bench, commitment, committed, leased_policy, plain};
use shared_layouts::processor::capability_flags;
use shared_layouts::scheduler::{
    EntryHandle, composition_mode, config_fields, create_queue, dead_letter, enqueue, hold, queue_flags, redrive,
    reprioritize, update_config,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

/// Arguments of the entries.
pub(super) const ARGUMENTS: [u8; 64] = [7; 64];

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("scheduler/initialize", |profile| {
            let mut fixture = Fixture::installed(profile);
            fixture.send(&[initialize_processor()], &[people::AUTHORITY]);
            fixture.send(&[initialize_scheduler()], &[people::AUTHORITY]).units_of(0)
        }),
        row("scheduler/pause", |profile| {
            Fixture::new(profile).send(&[pause(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        row("scheduler/resume", |profile| {
            let mut fixture = Fixture::new(profile);
            fixture.send(&[pause(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]);
            fixture.send(&[resume(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        row("scheduler/enqueue/empty", |profile| enqueue_into(Bench::open(profile), 0)),
        row("scheduler/enqueue/half", |profile| enqueue_into(thousand(profile), 500)),
        row("scheduler/enqueue/last-slot", |profile| enqueue_into(thousand(profile), 999)),
        row("scheduler/enqueue/cpi-10k-queue", |profile| by_relay(Bench::open(profile))),
        row("scheduler/enqueue/cpi-1000-entries", |profile| by_relay(thousand(profile))),
        row("scheduler/enqueue_batch/8", |profile| {
            let mut bench = Bench::open(profile);
            let batch = bench.enqueue_batch(1, 8, &ARGUMENTS[..32]);
            bench.send(&[batch], &[people::PRODUCER]).units_of(0)
        }),
        row("scheduler/claim/1", |profile| claim(profile, 1)),
        row("scheduler/claim/8", |profile| claim(profile, 8)),
        row("scheduler/dispatch/unleased", |profile| run(Bench::open(profile), &plain(1), &ARGUMENTS)),
        row("scheduler/dispatch/leased", |profile| {
            let (mut bench, handle) = leased(profile);
            let run = bench.run(people::WORKER, handle, &ARGUMENTS);
            bench.send(&run, &[people::WORKER]).units_of(0)
        }),
        row("scheduler/dispatch/tip", |profile| {
            let mut bench = Bench::open(profile);
            let queue = bench.queue;
            bench.fixture.world.airdrop(&queue, 1_000_000);
            run(bench, &enqueue::Data { tip_lamports: 5_000, ..plain(1) }, &ARGUMENTS)
        }),
        row("scheduler/dispatch/committed-arguments", |profile| run(Bench::open(profile), &committed(1), &ARGUMENTS)),
        row("scheduler/dispatch_direct", dispatch_direct),
        row("scheduler/fail/transient", |profile| fail(profile, false)),
        row("scheduler/fail/permanent", |profile| fail(profile, true)),
        row("scheduler/reap", |profile| {
            let (mut bench, handle) = leased(profile);
            bench.wait(61);
            let reap = bench.reap(&[handle]);
            bench.send(&[reap], &[]).units_of(0)
        }),
        row("scheduler/reprioritize", |profile| {
            let (mut bench, handle) = queued(profile);
            let reprioritize = bench.operate(&reprioritize::SPEC, handle, &[9]);
            bench.send(&[reprioritize], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/hold", |profile| {
            let (mut bench, handle) = queued(profile);
            let hold = bench.operate(&hold::SPEC, handle, &[]);
            bench.send(&[hold], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/redrive/1", |profile| {
            let (mut bench, handle) = queued(profile);
            let kill = bench.operate(&dead_letter::SPEC, handle, &[]);
            bench.send(&[kill], &[people::OWNER]);
            let redrive = bench.operate(&redrive::SPEC, handle, &0u16.to_le_bytes());
            bench.send(&[redrive], &[people::OWNER]).units_of(0)
        }),
    ]
}

/// The same at growing numbers of entries, beside which the bench puts a vector.
pub(super) fn sizes() -> Vec<Row> {
    vec![
        row("scheduler/enqueue/10th", |profile| enqueue_into(thousand(profile), 9)),
        row("scheduler/enqueue/100th", |profile| enqueue_into(thousand(profile), 99)),
        row("scheduler/dispatch/of-10", |profile| dispatch_of(profile, 10)),
        row("scheduler/dispatch/of-100", |profile| dispatch_of(profile, 100)),
        row("scheduler/dispatch/of-1000", |profile| dispatch_of(profile, 1_000)),
    ]
}

/// Rows of queues that are bound to an order.
pub(super) fn bound_rows() -> Vec<Row> {
    vec![
        row("scheduler/claim/ordered-1", |profile| claim_behind(profile, 0)),
        row("scheduler/claim/ordered-behind-1000-blocked", |profile| claim_behind(profile, 1_000)),
        row("scheduler/dispatch/ordered-unleased", |profile| dispatch_ordered(profile, &queue_policy(), 1)),
        row("scheduler/dispatch/ordered-unleased-of-1000", |profile| dispatch_ordered(profile, &queue_policy(), 1_000)),
        row("scheduler/dispatch/ordered", |profile| dispatch_ordered(profile, &leased_policy(), 1)),
        row("scheduler/dispatch/ordered-of-1000", |profile| dispatch_ordered(profile, &leased_policy(), 1_000)),
        row("scheduler/enqueue/ordered", |profile| enqueue_into(bound(profile, &queue_policy()).bench, 0)),
        row("scheduler/enqueue/ordered-last-slot", |profile| {
            let mut bound = bound(profile, &queue_policy());
            bound.bench.grow_to(1_000);
            enqueue_into(bound.bench, 999)
        }),
    ]
}

/// A queue bound to an order of twelve members, the second of which waits for the first.
struct Bound {
    bench: Bench,
    members: Vec<Pubkey>,
}

fn bound(profile: FeatureProfile, policy: &create_queue::Data) -> Bound {
    let mut shared = Shared::new(profile, 1, 12, composition_mode::STRICT);
    shared.set(0, &[before(0, 1)]);
    shared.compose();
    let members = shared.members.clone();
    Bound { bench: shared.bench(0, &create_queue::Data { slots: 20, ..*policy }), members }
}

/// Units of a claim of one entry, with so many at a higher level that wait for a leased one.
fn claim_behind(profile: FeatureProfile, blocked: u16) -> u64 {
    let mut bound = bound(profile, &leased_policy());
    let fields = config_fields::MAX_QUEUE_SIZE;
    let size = update_config::Data { fields, max_queue_size: blocked + 20, ..Default::default() };
    bound.bench.send(&[Update::Scheduler(size).by(people::AUTHORITY)], &[people::AUTHORITY]);
    bound.bench.grow_to(blocked + 20);
    let mut sequence = 1;
    let mut put = |bound: &mut Bound, member: usize, level: u8| {
        bound.bench.capability = bound.members[member];
        let enqueue = bound.bench.enqueue(&enqueue::Data { level, ..plain(sequence) }, &ARGUMENTS);
        sequence += 1;
        bound.bench.send(&[enqueue], &[people::PRODUCER]);
    };
    put(&mut bound, 0, 5);
    let first = bound.bench.claim(people::WORKER, 0, 1);
    bound.bench.send(&[first], &[people::WORKER]);
    for _ in 0..blocked {
        put(&mut bound, 1, 15);
    }
    put(&mut bound, 2, 3);
    put(&mut bound, 2, 3);
    let claim = bound.bench.claim(people::WORKER, 0, 1);
    let units = bound.bench.send(&[claim], &[people::WORKER]).units_of(0);
    assert_eq!(bound.bench.read().header.leased_count, 2, "the entry that does not wait was claimed");
    units
}

/// Units of the dispatch of the first of so many entries of a queue that is bound to an order.
fn dispatch_ordered(profile: FeatureProfile, policy: &create_queue::Data, entries: u64) -> u64 {
    let mut bound = bound(profile, policy);
    if entries > 20 {
        bound.bench.grow_to(1_000);
    }
    let handle = bound.bench.put(1, &ARGUMENTS);
    for sequence in 2..=entries {
        bound.bench.put(sequence, &ARGUMENTS);
    }
    if policy.flags & queue_flags::LEASED != 0 {
        let claim = bound.bench.claim(people::WORKER, 0, 1);
        bound.bench.send(&[claim], &[people::WORKER]);
    }
    let run = bound.bench.run(people::WORKER, handle, &ARGUMENTS);
    bound.bench.send(&run, &[people::WORKER]).units_of(0)
}

/// An open queue of 1,000 slots.
pub(super) fn thousand(profile: FeatureProfile) -> Bench {
    thousand_of(profile, &queue_policy(), &Definition::new(&NOOP.address()))
}

/// A queue of 1,000 slots with this policy.
pub(super) fn thousand_of(profile: FeatureProfile, policy: &create_queue::Data, definition: &Definition) -> Bench {
    let mut bench = Bench::new(profile, policy, definition);
    bench.grow_to(1_000);
    bench
}

/// Queues so many plain entries in an empty queue.
pub(super) fn fill(bench: &mut Bench, entries: u64) {
    let mut sequence = 1;
    while sequence <= entries {
        let count = (entries + 1 - sequence).min(10);
        let batch = bench.enqueue_batch(sequence, count, &[]);
        bench.send(&[batch], &[people::PRODUCER]);
        sequence += count;
    }
}

/// Units of an enqueue into a queue with so many entries.
fn enqueue_into(mut bench: Bench, entries: u64) -> u64 {
    fill(&mut bench, entries);
    let enqueue = bench.enqueue(&plain(entries + 1), &ARGUMENTS);
    bench.send(&[enqueue], &[people::PRODUCER]).units_of(0)
}

/// Units of an enqueue that another program calls, the caller's included.
fn by_relay(mut bench: Bench) -> u64 {
    let inner = bench.enqueue(&plain(1), &ARGUMENTS);
    let mut accounts = vec![AccountMeta::new_readonly(inner.program_id, false)];
    accounts.extend(inner.accounts);
    let relay = Instruction { program_id: RELAY.address(), accounts, data: inner.data };
    bench.send(&[relay], &[people::PRODUCER]).units_of(0)
}

/// An open queue with one entry.
fn queued(profile: FeatureProfile) -> (Bench, EntryHandle) {
    let mut bench = Bench::open(profile);
    let handle = bench.put(1, &ARGUMENTS);
    (bench, handle)
}

/// A leased queue with one entry, which the worker has claimed.
fn leased(profile: FeatureProfile) -> (Bench, EntryHandle) {
    let mut bench = Bench::leased(profile);
    let handle = bench.put(1, &ARGUMENTS);
    let claim = bench.claim(people::WORKER, 0, 1);
    bench.send(&[claim], &[people::WORKER]);
    (bench, handle)
}

/// Units of a claim of `count` entries out of more.
fn claim(profile: FeatureProfile, count: u8) -> u64 {
    let mut bench = Bench::leased(profile);
    let batch = bench.enqueue_batch(1, 10, &[]);
    bench.send(&[batch], &[people::PRODUCER]);
    let claim = bench.claim(people::WORKER, 0, count);
    bench.send(&[claim], &[people::WORKER]).units_of(0)
}

/// Units of the dispatch of an entry queued with this data.
fn run(mut bench: Bench, data: &enqueue::Data, arguments: &[u8]) -> u64 {
    let is_committed = data.flags != 0;
    let queued = if is_committed { commitment(arguments) } else { arguments.to_vec() };
    let enqueue = bench.enqueue(data, &queued);
    bench.send(&[enqueue], &[people::PRODUCER]);
    let run = bench.run(people::WORKER, bench.last(), arguments);
    bench.send(&run, &[people::WORKER]).units_of(0)
}

/// Units of the dispatch of the first of so many entries.
fn dispatch_of(profile: FeatureProfile, entries: u64) -> u64 {
    let mut bench = thousand(profile);
    let first = bench.put(1, &ARGUMENTS);
    for sequence in 2..=entries {
        let enqueue = bench.enqueue(&plain(sequence), &ARGUMENTS);
        bench.send(&[enqueue], &[people::PRODUCER]);
    }
    let run = bench.run(people::WORKER, first, &ARGUMENTS);
    bench.send(&run, &[people::WORKER]).units_of(0)
}

fn fail(profile: FeatureProfile, permanent: bool) -> u64 {
    let (mut bench, handle) = leased(profile);
    let fail = bench.fail(people::WORKER, handle, permanent);
    bench.send(&[fail], &[people::WORKER]).units_of(0)
}

/// Units of a direct dispatch of a target call with three accounts.
fn dispatch_direct(profile: FeatureProfile) -> u64 {
    let definition = Definition::new(&NOOP.address())
        .targets(floor::keys().map(|key| fixed(&key, 0)))
        .flags(capability_flags::DIRECT_DISPATCH);
    let mut bench = Bench::new(profile, &queue_policy(), &definition);
    let handle = bench.put(1, &ARGUMENTS);
    bench.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    let target = Instruction::new_with_bytes(NOOP.address(), &ARGUMENTS, floor::three_accounts());
    let run = [bench.dispatch_direct(handle), target];
    bench.send(&run, &[people::WORKER]).units_of(0)
}
