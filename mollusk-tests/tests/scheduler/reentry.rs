//! What a target finds when it calls back: a dispatch has written everything before its sibling runs, and the processor keeps
//! nothing that a second call could find half done.
//!
//! The target is the relay, which passes its accounts and data on to any program.

use mollusk_tests::features::FeatureProfile::Mainnet;
use mollusk_tests::fixture::{Definition, execute, fixed, people, queue_policy};
use mollusk_tests::orders::{Shared, before, rotate_epoch};
use mollusk_tests::programs::{NOOP, RELAY, SCHEDULER, address};
use mollusk_tests::queues::{Bench, plain};
use shared_layouts::processor::{account_flags, capability_flags};
use shared_layouts::scheduler::{
    self as wire, EntryHandle, Order, SchedulerError as E, create_queue, dead_letter, enqueue, hold, list,
    withdraw_purse,
};
use solana_instruction::{AccountMeta, Instruction, error::InstructionError};
use solana_pubkey::Pubkey;

/// What the relay gets to make this call, as a capability's rules and as the accounts of an `Execute`.
fn relayed(inner: &Instruction) -> (Definition, Vec<AccountMeta>) {
    let program = AccountMeta::new_readonly(inner.program_id, false);
    let metas: Vec<AccountMeta> = [&[program], &inner.accounts[..]].concat();
    let flags = |meta: &AccountMeta| {
        u8::from(meta.is_signer) * account_flags::SIGNER + u8::from(meta.is_writable) * account_flags::WRITABLE
    };
    (Definition::new(&RELAY.address()).targets(metas.iter().map(|meta| fixed(&meta.pubkey, flags(meta)))), metas)
}

/// A capability that makes this call, whatever data it gets.
fn capability_of(bench: &mut Bench, inner: &Instruction) -> Pubkey {
    let shard = bench.shard;
    bench.fixture.capability(&shard, &relayed(inner).0)
}

/// The run of an entry of such a capability, the data being the entry's arguments.
fn run(bench: &Bench, capability: &Pubkey, handle: EntryHandle, inner: &Instruction) -> [Instruction; 2] {
    let [dispatch, _] = bench.run(people::WORKER, handle, &[]);
    [dispatch, execute(capability, &RELAY.address(), &relayed(inner).1, &inner.data)]
}

const SIGNERS: &[&str] = &[people::WORKER, people::OWNER, people::PRODUCER];

/// Queues an entry that makes the call, and returns its handle and its run.
fn queued(bench: &mut Bench, data: &enqueue::Data, inner: &Instruction) -> (EntryHandle, [Instruction; 2]) {
    let capability = capability_of(bench, inner);
    let own = std::mem::replace(&mut bench.capability, capability);
    let enqueue = bench.enqueue(data, &inner.data);
    bench.capability = own;
    bench.send(&[enqueue], &[people::PRODUCER]);
    let handle = bench.last();
    (handle, run(bench, &capability, handle, inner))
}

/// The queue has one slot, and the entry that runs had it.
#[test]
fn a_target_finds_its_own_slot_free_and_its_own_sequence_used() {
    let policy = create_queue::Data { slots: 1, max_dead: 1, ..queue_policy() };
    let mut bench = Bench::new(Mainnet, &policy, &Definition::new(&NOOP.address()));
    let successor = bench.enqueue(&plain(2), &[7]);
    let again = bench.enqueue(&plain(1), &[7]);
    // Both are calls with the same accounts.
    let (first, run_successor) = queued(&mut bench, &plain(1), &successor);
    bench.refuse(std::slice::from_ref(&successor), &[people::PRODUCER], 0, E::QueueFull);
    bench.send(&run_successor, SIGNERS);
    assert_eq!((bench.last().slot, bench.last().generation), (first.slot, first.generation + 1));
    let entry = bench.entry(bench.last());
    assert_eq!((entry.sequence, entry.list, entry.capability), (2, list::READY, bench.capability.to_bytes()));
    let own = bench.run(people::WORKER, bench.last(), &[7]);
    bench.send(&own, &[people::WORKER]);

    let (_, run_again) = queued(&mut bench, &plain(3), &again);
    bench.refuse(&run_again, SIGNERS, 1, E::SequenceUsed);
}

#[test]
fn a_target_finds_its_own_entry_gone() {
    let mut bench = Bench::open(Mainnet);
    // The first entry of a new queue has slot 0; each later one takes it over with the next generation.
    for (sequence, what) in (1..).zip(["cancel", "hold", "dead_letter", "reap"]) {
        let handle = EntryHandle { slot: 0, generation: sequence, reserved: [0; 2] };
        let (inner, error) = match what {
            "cancel" => (bench.cancel(people::OWNER, handle), E::StaleHandle),
            "hold" => (bench.operate(&hold::SPEC, handle, &[]), E::StaleHandle),
            "dead_letter" => (bench.operate(&dead_letter::SPEC, handle, &[]), E::StaleHandle),
            _ => (bench.reap(&[handle]), E::NothingToReap),
        };
        let (own, run) = queued(&mut bench, &plain(sequence.into()), &inner);
        assert_eq!(own, handle);
        bench.refuse(&run, SIGNERS, 1, error);
        // Nothing of the dispatch is left when its sibling failed: the entry is there, and its owner can take it.
        let cancel = bench.cancel(people::OWNER, handle);
        bench.send(&[cancel], &[people::OWNER]);
    }
}

/// A dispatch that its own target tries to repeat is refused before the entry is looked for.
#[test]
fn a_target_that_dispatches_its_own_entry_again_is_refused() {
    let mut bench = Bench::open(Mainnet);
    let handle = EntryHandle { slot: 0, generation: 1, reserved: [0; 2] };
    let mut again = bench.dispatch(people::WORKER, handle);
    // A worker's key is lent to no target, so another one dispatches; any may in an open queue.
    again.accounts[wire::dispatch::Position::worker as usize].pubkey = address(people::OWNER);
    let (own, run) = queued(&mut bench, &plain(1), &again);
    assert_eq!(own, handle);
    let not_top_level = E::BASE + shared_layouts::lifecycle::Fault::NotTopLevel as u32;
    let signers: Vec<_> = SIGNERS.iter().map(|name| mollusk_tests::programs::keypair(name)).collect();
    let signers: Vec<_> = signers.iter().collect();
    let payer = mollusk_tests::programs::keypair(people::PAYER);
    bench.fixture.world.expect_error(&run, &payer, &signers, 1, not_top_level);
}

#[test]
fn a_target_finds_its_next_run_under_a_new_generation_and_can_end_it() {
    let mut bench = Bench::open(Mainnet);
    let handle = EntryHandle { slot: 0, generation: 1, reserved: [0; 2] };
    let next = EntryHandle { generation: 2, ..handle };
    let recurring = |sequence| enqueue::Data { interval_seconds: 10, runs: 5, ..plain(sequence) };
    let mut stale = bench.clone();
    let cancel = stale.cancel(people::OWNER, handle);
    let (_, run) = queued(&mut stale, &recurring(1), &cancel);
    stale.refuse(&run, SIGNERS, 1, E::StaleHandle);

    let cancel = bench.cancel(people::OWNER, next);
    let (own, run) = queued(&mut bench, &recurring(1), &cancel);
    assert_eq!(own, handle);
    bench.send(&run, SIGNERS);
    let queue = bench.read();
    assert!(queue.entry(next).is_none());
    assert_eq!((queue.header.delayed_count, queue.header.dispatched), (0, 1));
}

/// The tip leaves the queue with the dispatch, so what the target can take out of the purse is what is left after it.
#[test]
fn a_target_finds_its_tip_paid() {
    const TIP: u64 = 1_000_000;
    const MORE: u64 = 500_000;
    for (lamports, is_left) in [(MORE, true), (MORE + 1, false)] {
        let mut bench = Bench::open(Mainnet);
        let queue = bench.queue;
        let rent = bench.fixture.world.account(&queue).lamports;
        bench.fixture.world.airdrop(&queue, TIP + MORE);
        let keys = withdraw_purse::Accounts {
            shard: bench.shard,
            owner: address(people::OWNER),
            queue,
            recipient: address(people::STRANGER),
        };
        let data = withdraw_purse::Data { lamports };
        let withdraw = wire::withdraw_purse(SCHEDULER.address(), keys, &[], &data, &[]);
        let (_, run) = queued(&mut bench, &enqueue::Data { tip_lamports: TIP, ..plain(1) }, &withdraw);
        let worker = bench.fixture.world.account(&address(people::WORKER)).lamports;
        if is_left {
            bench.send(&run, SIGNERS);
            assert_eq!(bench.fixture.world.account(&queue).lamports, rent);
            assert_eq!(bench.fixture.world.account(&address(people::WORKER)).lamports, worker + TIP);
        } else {
            bench.refuse(&run, SIGNERS, 1, E::PurseTooLow);
        }
    }
}

/// An epoch can be opened once the older one has drained. The last entry of the older one drains it before its target runs.
#[test]
fn a_target_finds_its_order_told() {
    let mut shared = Shared::strict(1, 2);
    shared.set(0, &[before(0, 1)]);
    let order = shared.order;
    let shard = shared.shards[0];
    let rotate = rotate_epoch(&order);
    let relay = shared.fixture.capability(&shard, &relayed(&rotate).0);
    shared
        .fixture
        .send(&[mollusk_tests::orders::set_constraints(&order, &shard, &[relay], &[before(0, 1)])], &[people::OWNER]);
    shared.compose();
    let mut bench = shared.bench(0, &create_queue::Data { slots: 20, ..queue_policy() });
    bench.capability = relay;
    let handle = bench.put(1, &rotate.data);
    bench.send(std::slice::from_ref(&rotate), &[]);
    bench.refuse(std::slice::from_ref(&rotate), &[], 0, E::OlderEpochPending);
    let epoch = |bench: &Bench| bench.fixture.fixed_part::<Order>(&order).epoch;
    let before = epoch(&bench);
    let run = run(&bench, &relay, handle, &rotate);
    bench.send(&run, &[people::WORKER]);
    assert_eq!(epoch(&bench), before + 1);
}

/// No state of a run is kept in the processor, and the runtime lets nobody call it while it runs.
#[test]
fn a_target_that_calls_the_processor_again_is_stopped() {
    let mut bench = Bench::open(Mainnet);
    let shard = bench.shard;
    let direct = Definition::new(&NOOP.address()).flags(capability_flags::CALLABLE_DIRECTLY);
    let other = bench.fixture.capability(&shard, &direct);
    let inner = execute(&other, &NOOP.address(), &[], &[1]);
    // Asked for by a transaction itself it succeeds.
    bench.send(std::slice::from_ref(&inner), &[]);
    let (_, run) = queued(&mut bench, &plain(1), &inner);
    bench.refuse(&run, SIGNERS, 1, InstructionError::ReentrancyNotAllowed);
}
