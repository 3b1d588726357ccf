//! Queues with a quota of their shard's share of the compute budget.

use mollusk_tests::features::FeatureProfile::Mainnet;
use mollusk_tests::fixture::{COMPUTE_LIMIT, Definition, config, key, pause, people, queue_policy};
use mollusk_tests::orders::{Shared, allocate_resources, before, set_budget, weight};
use mollusk_tests::programs::{NOOP, PROCESSOR, SCHEDULER, address, keypair};
use mollusk_tests::queues::{Bench, leased_policy, with_registry};
use shared_layouts::processor::capability_flags;
use shared_layouts::scheduler::{self as wire, EntryHandle, Queue, SchedulerError as E, Shard, dispatch, queue_flags};
use solana_instruction::{AccountMeta, Instruction};
use solana_program_error::ProgramError;

/// Length of a window, seconds.
const WINDOW_SECONDS: i64 = 60;
/// Dispatches that the shard's share is for.
const SHARE: u64 = 4;

/// A queue whose shard has the whole budget: enough for [`SHARE`] dispatches in a window.
fn bench(policy: &wire::create_queue::Data) -> Bench {
    let definition = Definition::new(&NOOP.address()).flags(capability_flags::DIRECT_DISPATCH);
    let mut bench = Bench::new(Mainnet, policy, &definition);
    let weights = [weight(&bench.fixture, &bench.shard, 1)];
    let budget = set_budget(SHARE * u64::from(COMPUTE_LIMIT), u32::try_from(WINDOW_SECONDS).expect("short"));
    bench.send(&[budget, allocate_resources(&weights)], &[people::AUTHORITY]);
    bench
}

/// The same with a quota.
fn metered(policy: &wire::create_queue::Data, quota_permille: u16) -> Bench {
    let mut bench = bench(policy);
    let set = bench.set_quota(quota_permille);
    bench.send(&[set], &[people::OWNER]);
    bench
}

/// `Dispatch` with the registry, and `Execute`.
fn run(bench: &Bench, handle: EntryHandle) -> [Instruction; 2] {
    let [dispatch, execute] = bench.run(people::WORKER, handle, &[]);
    [with_registry(dispatch), execute]
}

fn header(bench: &Bench) -> Queue {
    bench.fixture.fixed_part(&bench.queue)
}

/// The window that the queue is in: its start, and what is reserved in it in units of one dispatch.
fn window(bench: &Bench) -> (i64, u64) {
    let header = header(bench);
    (header.window_started_at, header.window_compute_units / u64::from(COMPUTE_LIMIT))
}

#[test]
fn a_queue_runs_as_much_as_its_quota_has_left_in_the_window() {
    let mut bench = metered(&queue_policy(), 500);
    let handles: Vec<EntryHandle> = (1..=5).map(|sequence| bench.put(sequence, &[])).collect();
    let start = bench.fixture.world.unix_seconds();
    for handle in &handles[..2] {
        bench.send(&run(&bench, *handle), &[people::WORKER]);
    }
    assert_eq!((window(&bench), header(&bench).header.state), ((start, 2), queue_flags::METERED));
    bench.refuse(&run(&bench, handles[2]), &[people::WORKER], 0, E::QuotaUsedUp);
    // Up to the end of the window; then a new one begins with the next dispatch.
    bench.wait(WINDOW_SECONDS - 1);
    bench.refuse(&run(&bench, handles[2]), &[people::WORKER], 0, E::QuotaUsedUp);
    bench.wait(5);
    bench.send(&run(&bench, handles[2]), &[people::WORKER]);
    assert_eq!(window(&bench), (start + WINDOW_SECONDS + 4, 1));
    // A higher quota counts at once, and so does its end.
    bench.send(&run(&bench, handles[3]), &[people::WORKER]);
    let more = bench.set_quota(750);
    bench.send(&[more], &[people::OWNER]);
    bench.send(&run(&bench, handles[4]), &[people::WORKER]);
    let handle = bench.put(6, &[]);
    bench.refuse(&run(&bench, handle), &[people::WORKER], 0, E::QuotaUsedUp);
    let none = bench.set_quota(0);
    bench.send(&[none], &[people::OWNER]);
    let plain = bench.run(people::WORKER, handle, &[]);
    bench.send(&plain, &[people::WORKER]);
    assert_eq!((window(&bench).1, header(&bench).header.state), (3, 0));
}

#[test]
fn what_is_refused_reserves_nothing() {
    let mut bench = metered(&queue_policy(), 1_000);
    let handle = bench.put(1, &[1]);
    let [dispatch, _] = run(&bench, handle);
    let wrong = bench.run(people::WORKER, handle, &[2])[1].clone();
    bench.refuse(&[dispatch, wrong], &[people::WORKER], 0, E::WrongArguments);
    bench.refuse(&run(&bench, EntryHandle { slot: 9_999, ..handle }), &[people::WORKER], 0, E::StaleHandle);
    bench.refuse(&run(&bench, EntryHandle { generation: 9, ..handle }), &[people::WORKER], 0, E::StaleHandle);
    let pause = bench.pause_shard(true);
    bench.send(&[pause], &[people::OWNER]);
    bench.refuse(&run(&bench, handle), &[people::WORKER], 0, E::ShardPaused);
    assert_eq!(header(&bench).window_compute_units, 0);
}

#[test]
fn leased_and_direct_dispatches_reserve_as_well() {
    let mut bench = metered(&leased_policy(), 250);
    let handles: Vec<EntryHandle> = (1..=2).map(|sequence| bench.put(sequence, &[])).collect();
    let claim = bench.claim(people::WORKER, 0, 2);
    bench.send(&[claim], &[people::WORKER]);
    bench.send(&run(&bench, handles[0]), &[people::WORKER]);
    bench.refuse(&run(&bench, handles[1]), &[people::WORKER], 0, E::QuotaUsedUp);
    bench.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    let target = Instruction::new_with_bytes(NOOP.address(), &[], Vec::new());
    let direct = [with_registry(bench.dispatch_direct(handles[1])), target];
    bench.refuse(&direct, &[people::WORKER], 0, E::QuotaUsedUp);
    // Within the lease, which is as long as a window here.
    bench.wait(WINDOW_SECONDS);
    bench.refuse(&[bench.dispatch_direct(handles[1]), direct[1].clone()], &[people::WORKER], 0, E::RegistryMissing);
    bench.send(&direct, &[people::WORKER]);
    assert_eq!(window(&bench).1, 1);
}

#[test]
fn a_dispatch_names_the_registry_if_and_only_if_there_is_a_quota() {
    let mut bench = metered(&queue_policy(), 1_000);
    let handle = bench.put(1, &[]);
    let plain = bench.run(people::WORKER, handle, &[]);
    bench.refuse(&plain, &[people::WORKER], 0, E::RegistryMissing);
    // Another account in the registry's place, the scheduler's own and anybody's: it is taken for an order.
    for other in [config(SCHEDULER), bench.shard, address(people::STRANGER)] {
        let [mut dispatch, execute] = bench.run(people::WORKER, handle, &[]);
        dispatch.accounts.push(AccountMeta::new_readonly(other, false));
        bench.refuse(&[dispatch, execute], &[people::WORKER], 0, ProgramError::Immutable);
    }
    let [mut dispatch, execute] = run(&bench, handle);
    dispatch.accounts[dispatch::Position::queue as usize].is_writable = false;
    bench.refuse(&[dispatch, execute], &[people::WORKER], 0, ProgramError::Immutable);
    let none = bench.set_quota(0);
    bench.send(&[none], &[people::OWNER]);
    bench.refuse(&run(&bench, handle), &[people::WORKER], 0, ProgramError::InvalidArgument);
    bench.send(&plain, &[people::WORKER]);
}

#[test]
fn without_a_share_nothing_runs() {
    let mut bench = metered(&queue_policy(), 1_000);
    let handle = bench.put(1, &[]);
    let none = [weight(&bench.fixture, &bench.shard, 0)];
    bench.send(&[allocate_resources(&none)], &[people::AUTHORITY]);
    bench.refuse(&run(&bench, handle), &[people::WORKER], 0, E::QuotaUsedUp);
    // Nor without a window, as long as the shares are those of a former budget.
    let whole = [weight(&bench.fixture, &bench.shard, 1)];
    bench.send(&[allocate_resources(&whole), set_budget(0, 0)], &[people::AUTHORITY]);
    bench.refuse(&run(&bench, handle), &[people::WORKER], 0, E::QuotaUsedUp);
}

#[test]
fn the_quotas_of_a_shards_queues_add_up_to_its_share_at_most() {
    let mut bench = metered(&queue_policy(), 600);
    let create = bench.fixture.create_queue(&bench.shard, &queue_policy(), &[]);
    let other = Bench { queue: create.accounts[wire::create_queue::Position::queue as usize].pubkey, ..bench.clone() };
    bench.send(&[create], &[people::OWNER]);
    bench.refuse(&[other.set_quota(401)], &[people::OWNER], 0, E::InvalidQuota);
    bench.refuse(&[other.set_quota(u16::MAX)], &[people::OWNER], 0, E::InvalidQuota);
    bench.send(&[other.set_quota(400)], &[people::OWNER]);
    let held = |bench: &Bench| bench.fixture.fixed_part::<Shard>(&bench.shard).quota_permille;
    assert_eq!(held(&bench), 1_000);
    let refused = bench.set_quota(601);
    bench.refuse(&[refused], &[people::OWNER], 0, E::InvalidQuota);
    // Its own quota does not stand in the way of a change; a closed queue gives its quota back.
    let lower = bench.set_quota(100);
    bench.send(&[lower], &[people::OWNER]);
    assert_eq!(held(&bench), 500);
    bench.send(&[other.close_queue(&address(people::OWNER))], &[people::OWNER]);
    assert_eq!(held(&bench), 100);
    let stranger = keypair(people::STRANGER);
    let mut foreign = bench.set_quota(1);
    foreign.accounts[wire::set_quota::Position::owner as usize].pubkey = address(people::STRANGER);
    bench.fixture.world.expect_error(&[foreign], &keypair(people::PAYER), &[&stranger], 0, E::NotShardOwner as u32);
}

#[test]
fn a_changed_policy_leaves_the_quota_as_it_is() {
    let mut bench = metered(&queue_policy(), 600);
    let policy = queue_policy();
    let data = wire::update_queue::Data {
        max_dead: policy.max_dead,
        max_deadline_seconds: policy.max_deadline_seconds,
        max_attempts: 1,
        flags: queue_flags::STRICT,
        ..Default::default()
    };
    let accounts =
        wire::update_queue::Accounts { shard: bench.shard, owner: address(people::OWNER), queue: bench.queue };
    let update = wire::update_queue(SCHEDULER.address(), accounts, &[], &data, &[]);
    bench.send(&[update], &[people::OWNER]);
    let after = header(&bench);
    assert_eq!((after.header.state, after.quota_permille), (queue_flags::STRICT | queue_flags::METERED, 600));
    // Whoever enqueues and cancels is not concerned.
    let handle = bench.put(1, &[]);
    let cancel = bench.cancel(people::PRODUCER, handle);
    bench.send(&[cancel], &[people::PRODUCER]);
    assert_eq!(header(&bench).producers[0].key, key(people::PRODUCER));
}

#[test]
fn a_queue_may_have_an_order_and_a_quota() {
    let mut shared = Shared::strict(1, 2);
    shared.set(0, &[before(0, 1)]);
    shared.compose();
    let members = shared.members.clone();
    let mut bench = shared.bench(0, &wire::create_queue::Data { slots: 20, ..queue_policy() });
    let weights = [weight(&bench.fixture, &bench.shard, 1)];
    bench.send(&[set_budget(SHARE * u64::from(COMPUTE_LIMIT), 60), allocate_resources(&weights)], &[people::AUTHORITY]);
    let set = bench.set_quota(250);
    bench.send(&[set], &[people::OWNER]);
    let put = |bench: &mut Bench, member: usize, sequence| {
        bench.capability = members[member];
        bench.put(sequence, &[])
    };
    let second = put(&mut bench, 1, 1);
    let first = put(&mut bench, 0, 2);
    let run = |bench: &mut Bench, member: usize, handle| {
        bench.capability = members[member];
        run(bench, handle)
    };
    // The order is asked as always, and what it makes wait reserves nothing.
    let waits = run(&mut bench, 1, second);
    bench.refuse(&waits, &[people::WORKER], 0, E::OrderWaits);
    let without = bench.run(people::WORKER, second, &[]);
    bench.refuse(&without, &[people::WORKER], 0, E::RegistryMissing);
    let runs = run(&mut bench, 0, first);
    bench.send(&runs, &[people::WORKER]);
    let state = header(&bench).header.state;
    assert_eq!((window(&bench).1, state), (1, queue_flags::METERED | queue_flags::ORDERED));
    bench.refuse(&waits, &[people::WORKER], 0, E::QuotaUsedUp);
    // A direct dispatch comes to its own checks with both accounts behind it.
    bench.wait(WINDOW_SECONDS);
    let direct = [with_registry(bench.dispatch_direct(second)), waits[1].clone()];
    bench.refuse(&direct, &[people::WORKER], 0, E::DirectClosed);
    bench.send(&waits, &[people::WORKER]);
    assert_eq!(window(&bench).1, 1);
}
