//! What the shard's owner does to entries, queues and the shard itself.

use mollusk_tests::features::FeatureProfile::Mainnet;
use mollusk_tests::fixture::{Definition, config, key, people, queue_policy};
use mollusk_tests::programs::{NOOP, SCHEDULER, address};
use mollusk_tests::queues::{Bench, plain};
use shared_layouts::client::{queue_address, registry_address};
use shared_layouts::lifecycle::Fault;
use shared_layouts::scheduler::{self as wire, EntryHandle, SchedulerError as E, list, queue_flags, reason};
use solana_instruction::Instruction;
use std::slice::from_ref;

#[test]
fn only_the_shards_owner_operates_on_entries() {
    let mut bench = Bench::open(Mainnet);
    let handle = bench.put(1, &[]);
    let specs = [
        (&wire::reprioritize::SPEC, vec![9]),
        (&wire::hold::SPEC, vec![]),
        (&wire::release::SPEC, vec![]),
        (&wire::dead_letter::SPEC, vec![]),
        (&wire::redrive::SPEC, vec![0, 0]),
        (&wire::purge::SPEC, vec![0, 0]),
    ];
    for (spec, more) in specs {
        let mut foreign = bench.operate(spec, handle, &more);
        foreign.accounts[1].pubkey = address(people::STRANGER);
        bench.refuse(&[foreign], &[people::STRANGER], 0, E::NotShardOwner);
        let stale = EntryHandle { generation: 77, ..handle };
        let stale = bench.operate(spec, stale, &more);
        bench.refuse(&[stale], &[people::OWNER], 0, E::StaleHandle);
    }
    let foreign = bench.cancel(people::STRANGER, handle);
    bench.refuse(&[foreign], &[people::STRANGER], 0, E::NotProducer);
}

#[test]
fn an_entry_goes_through_every_list_by_hand() {
    let mut bench = Bench::open(Mainnet);
    let handle = bench.put(1, &[]);
    let mut walk = |spec, more: &[u8], kind, why| {
        let instruction = bench.operate(spec, handle, more);
        bench.send(from_ref(&instruction), &[people::OWNER]);
        assert_eq!((bench.entry(handle).list, bench.entry(handle).reason), (kind, why));
        instruction
    };
    walk(&wire::hold::SPEC, &[], list::HELD, reason::NONE);
    walk(&wire::release::SPEC, &[], list::READY, reason::NONE);
    walk(&wire::reprioritize::SPEC, &[15], list::READY, reason::NONE);
    walk(&wire::dead_letter::SPEC, &[], list::DEAD, reason::OPERATOR);
    walk(&wire::redrive::SPEC, &[0, 0], list::READY, reason::NONE);
    walk(&wire::dead_letter::SPEC, &[], list::DEAD, reason::OPERATOR);
    let hold = bench.operate(&wire::hold::SPEC, handle, &[]);
    bench.refuse(&[hold], &[people::OWNER], 0, E::WrongList);
    let cancel = bench.cancel(people::PRODUCER, handle);
    bench.refuse(&[cancel], &[people::PRODUCER], 0, E::WrongList);
    let too_high = bench.operate(&wire::reprioritize::SPEC, handle, &[16]);
    bench.refuse(&[too_high], &[people::OWNER], 0, E::LevelTooHigh);
    let purge = bench.operate(&wire::purge::SPEC, handle, &[0, 0]);
    bench.send(from_ref(&purge), &[people::OWNER]);
    bench.refuse(&[purge], &[people::OWNER], 0, E::StaleHandle);
}

#[test]
fn all_dead_letters_are_redriven_or_purged_at_once() {
    let mut bench = Bench::open(Mainnet);
    let handles: Vec<EntryHandle> = (1..=6).map(|sequence| bench.put(sequence, &[])).collect();
    for handle in &handles {
        let kill = bench.operate(&wire::dead_letter::SPEC, *handle, &[]);
        bench.send(&[kill], &[people::OWNER]);
    }
    let two = bench.operate(&wire::redrive::SPEC, handles[5], &2u16.to_le_bytes());
    bench.send(&[two], &[people::OWNER]);
    let ready: Vec<u16> = bench.read().list(list::READY).iter().map(|(slot, _)| *slot).collect();
    assert_eq!(ready, [handles[0].slot, handles[1].slot]);
    let all = bench.operate(&wire::purge::SPEC, handles[0], &u16::MAX.to_le_bytes());
    bench.send(&[all], &[people::OWNER]);
    assert_eq!((bench.read().header.dead_count, bench.read().header.purged), (0, 4));
}

#[test]
fn an_entry_is_requeued_under_its_own_capability_only() {
    let mut bench = Bench::open(Mainnet);
    let handle = bench.put(1, &[1]);
    let shard = bench.shard;
    let other = bench.fixture.capability(&shard, &Definition::new(&NOOP.address()));
    let own = bench.requeue(handle);
    let mut foreign = own.clone();
    foreign.accounts[wire::requeue::Position::capability as usize].pubkey = other;
    bench.refuse(&[foreign], &[people::OWNER], 0, E::UnknownCapability);
    // As if the capability had been updated since: its version is one higher.
    let mut account = bench.fixture.world.account(&bench.capability);
    account.data[112] = 2;
    let capability = bench.capability;
    bench.fixture.world.set_account(&capability, account);
    bench.send(&[own], &[people::OWNER]);
    assert_eq!(bench.entry(handle).capability_version, 2);
}

#[test]
fn a_queue_grows_up_to_the_configured_size() {
    let mut bench = Bench::open(Mainnet);
    let handle = bench.put(1, &[5]);
    let too_much = bench.grow(41);
    bench.refuse(&[too_much], &[people::OWNER], 0, E::QueueTooLarge);
    bench.grow_to(1_000);
    assert_eq!(bench.read().list(list::FREE).len(), 999);
    assert_eq!(bench.entry(handle).arguments[0], 5);
    let beyond = bench.grow(1);
    bench.refuse(&[beyond], &[people::OWNER], 0, E::QueueTooLarge);
}

/// `UpdateQueue` with the policy of a creation.
fn update(bench: &Bench, policy: &wire::create_queue::Data) -> Instruction {
    let accounts =
        wire::update_queue::Accounts { shard: bench.shard, owner: address(people::OWNER), queue: bench.queue };
    let data = wire::update_queue::Data {
        max_dead: policy.max_dead,
        max_deadline_seconds: policy.max_deadline_seconds,
        lease_seconds: policy.lease_seconds,
        backoff_seconds: policy.backoff_seconds,
        backoff_cap_seconds: policy.backoff_cap_seconds,
        max_attempts: policy.max_attempts,
        eligible_window: policy.eligible_window,
        lowest_level_every: policy.lowest_level_every,
        flags: policy.flags,
        default_level: 3,
    };
    wire::update_queue(SCHEDULER.address(), accounts, &[], &data, &[])
}

#[test]
fn a_policy_change_never_reinterprets_what_is_queued() {
    let mut bench = Bench::leased(Mainnet);
    let handle = bench.put(1, &[]);
    let leased = mollusk_tests::queues::leased_policy();
    let change = update(&bench, &wire::create_queue::Data { max_attempts: 9, lease_seconds: 5, ..leased });
    bench.send(&[change], &[people::OWNER]);
    assert_eq!((bench.entry(handle).max_attempts, bench.entry(handle).lease_seconds), (3, 60));
    let open = update(&bench, &queue_policy());
    bench.refuse(from_ref(&open), &[people::OWNER], 0, E::QueueNotEmpty);
    for (flag, error) in [(queue_flags::ORDERED, E::WrongFlags), (queue_flags::METERED, E::InvalidPolicy)] {
        let undefined = update(&bench, &wire::create_queue::Data { flags: queue_flags::LEASED | flag, ..leased });
        bench.refuse(&[undefined], &[people::OWNER], 0, error);
    }
    let cancel = bench.cancel(people::PRODUCER, handle);
    bench.send(&[cancel, open], &[people::PRODUCER, people::OWNER]);
}

#[test]
fn a_closed_and_recreated_queue_revives_nothing() {
    let mut bench = Bench::open(Mainnet);
    let handle = bench.put(1, &[]);
    let old_enqueue = bench.enqueue(&plain(2), &[]);
    let close = bench.close_queue(&address(people::OWNER));
    bench.refuse(from_ref(&close), &[people::OWNER], 0, E::QueueNotEmpty);
    let cancel = bench.cancel(people::PRODUCER, handle);
    let before = bench.fixture.world.account(&address(people::OWNER)).lamports;
    let rent = bench.fixture.world.account(&bench.queue).lamports;
    bench.send(&[cancel, close], &[people::PRODUCER, people::OWNER]);
    assert_eq!(bench.fixture.world.account(&address(people::OWNER)).lamports, before + rent);
    assert_eq!(bench.fixture.world.account(&bench.queue).data.len(), 0);
    let again = bench.fixture.queue(&bench.shard.clone());
    assert_ne!(again, bench.queue);
    assert_eq!(again, queue_address(&SCHEDULER.address(), &bench.shard, 1));
    let signers = [mollusk_tests::programs::keypair(people::PRODUCER)];
    let payer = mollusk_tests::programs::keypair(people::PAYER);
    let owner_error = solana_program_error::ProgramError::InvalidAccountOwner;
    bench.fixture.world.expect_error(&[old_enqueue], &payer, &[&signers[0]], 0, owner_error);
}

#[test]
fn a_shard_is_deregistered_empty_and_its_rent_goes_to_the_owner() {
    let mut bench = Bench::open(Mainnet);
    let accounts = wire::deregister_shard::Accounts {
        config: config(SCHEDULER),
        registry: registry_address(&SCHEDULER.address()),
        shard: bench.shard,
        owner: address(people::OWNER),
    };
    let deregister = wire::deregister_shard(SCHEDULER.address(), accounts, &[], &wire::deregister_shard::Data {}, &[]);
    bench.refuse(from_ref(&deregister), &[people::OWNER], 0, E::ShardNotEmpty);
    let close = bench.close_queue(&address(people::OWNER));
    let total = |bench: &Bench| {
        [address(people::OWNER), bench.shard, bench.queue]
            .map(|key| bench.fixture.world.account(&key).lamports)
            .iter()
            .sum::<u64>()
    };
    let before = total(&bench);
    bench.send(&[close, deregister], &[people::OWNER]);
    assert_eq!(bench.fixture.world.account(&address(people::OWNER)).lamports, before);
    let config: wire::SchedulerConfig = bench.fixture.fixed_part(&config(SCHEDULER));
    assert_eq!((config.shards_active, config.shards_created), (0, 1));
    // The next shard has another address.
    assert_ne!(bench.fixture.shard(), bench.shard);
}

#[test]
fn a_shards_owner_moves_by_nominate_and_accept() {
    let mut bench = Bench::open(Mainnet);
    let nominate = wire::nominate_shard_owner(
        SCHEDULER.address(),
        wire::nominate_shard_owner::Accounts { shard: bench.shard, owner: address(people::OWNER) },
        &[],
        &wire::nominate_shard_owner::Data { nominee: key(people::STRANGER) },
        &[],
    );
    let accept = wire::accept_shard_owner(
        SCHEDULER.address(),
        wire::accept_shard_owner::Accounts { shard: bench.shard, nominee: address(people::STRANGER) },
        &[],
        &wire::accept_shard_owner::Data {},
        &[],
    );
    let payer = mollusk_tests::programs::keypair(people::PAYER);
    let stranger = mollusk_tests::programs::keypair(people::STRANGER);
    let not_nominated = E::BASE + Fault::NotNominated as u32;
    bench.fixture.world.expect_error(from_ref(&accept), &payer, &[&stranger], 0, not_nominated);
    bench.send(from_ref(&nominate), &[people::OWNER]);
    bench.send(&[accept], &[people::STRANGER]);
    bench.refuse(&[nominate], &[people::OWNER], 0, E::NotShardOwner);
}

#[test]
fn the_purse_keeps_rent_and_promised_tips() {
    let mut bench = Bench::open(Mainnet);
    let queue = bench.queue;
    bench.fixture.world.airdrop(&queue, 2_000_000);
    let tipped = wire::enqueue::Data { tip_lamports: 1_000_000, ..plain(1) };
    let enqueue = bench.enqueue(&tipped, &[]);
    bench.send(&[enqueue], &[people::PRODUCER]);
    let withdraw = |lamports| {
        let accounts = wire::withdraw_purse::Accounts {
            shard: bench.shard,
            owner: address(people::OWNER),
            queue,
            recipient: address(people::STRANGER),
        };
        wire::withdraw_purse(SCHEDULER.address(), accounts, &[], &wire::withdraw_purse::Data { lamports }, &[])
    };
    let (too_much, rest) = (withdraw(1_000_001), withdraw(1_000_000));
    bench.refuse(&[too_much], &[people::OWNER], 0, E::PurseTooLow);
    bench.send(&[rest], &[people::OWNER]);
}

#[test]
fn direct_execution_is_opened_by_the_authority_only() {
    let mut bench = Bench::open(Mainnet);
    let set_direct = |name| {
        wire::set_direct(
            SCHEDULER.address(),
            wire::set_direct::Accounts { config: config(SCHEDULER), authority: address(name) },
            &[],
            &wire::set_direct::Data { direct_until: i64::MAX },
            &[],
        )
    };
    let payer = mollusk_tests::programs::keypair(people::PAYER);
    let guardian = mollusk_tests::programs::keypair(people::GUARDIAN);
    let not_authority = E::BASE + Fault::NotAuthority as u32;
    bench.fixture.world.expect_error(&[set_direct(people::GUARDIAN)], &payer, &[&guardian], 0, not_authority);
    bench.send(&[set_direct(people::AUTHORITY)], &[people::AUTHORITY]);
}
