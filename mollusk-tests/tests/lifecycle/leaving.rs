//! What gives things back works while everything is paused, and what is closed stays closed.

use crate::fixture;
use mollusk_tests::{
    capabilities::close,
    diffs::{apply, close_arena, close_state, discard, rollback, stage},
    features::FeatureProfile,
    fixture::{Definition, Fixture, config, fixed, pause, people, queue_policy},
    lifecycle::PROGRAMS,
    orders::{close_order, create_order, invitation},
    programs::{NOOP, SCHEDULER, address},
    queues::Bench,
};
use shared_layouts::{
    client,
    diff::{batch_stage, lock_state},
    scheduler::{self, composition_mode, create_order::Position, dead_letter, list, purge},
};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

const OWNER: &[&str] = &[people::OWNER];

fn pause_everything(fixture: &mut Fixture) {
    for program in PROGRAMS {
        fixture.send(&[pause(program, people::AUTHORITY)], &[people::AUTHORITY]);
    }
}

fn deregister(shard: &Pubkey) -> Instruction {
    let accounts = scheduler::deregister_shard::Accounts {
        config: config(SCHEDULER),
        registry: client::registry_address(&SCHEDULER.address()),
        shard: *shard,
        owner: address(people::OWNER),
    };
    scheduler::deregister_shard(SCHEDULER.address(), accounts, &[], &scheduler::deregister_shard::Data {}, &[])
}

fn withdraw(bench: &Bench, lamports: u64) -> Instruction {
    let accounts = scheduler::withdraw_purse::Accounts {
        shard: bench.shard,
        owner: address(people::OWNER),
        queue: bench.queue,
        recipient: address(people::STRANGER),
    };
    scheduler::withdraw_purse(SCHEDULER.address(), accounts, &[], &scheduler::withdraw_purse::Data { lamports }, &[])
}

/// A leased queue with an entry in each way of leaving it: everything is taken out, and queue, capability and shard are closed.
#[test]
fn a_shard_is_emptied_and_closed_while_everything_is_paused() {
    const PURSE: u64 = 1_000_000;
    let mut bench = Bench::leased(FeatureProfile::Mainnet);
    let queue = bench.queue;
    bench.fixture.world.airdrop(&queue, PURSE);
    let [failed, abandoned, cancelled, dead] = [1, 2, 3, 4].map(|sequence| bench.put(sequence, &[]));
    let claim = bench.claim(people::WORKER, 0, 2);
    let kill = bench.operate(&dead_letter::SPEC, dead, &[]);
    bench.send(&[claim, kill], &[people::WORKER, people::OWNER]);
    pause_everything(&mut bench.fixture);
    let shard_paused = bench.pause_shard(true);
    bench.send(&[shard_paused], OWNER);

    // The worker says that it could not, and the lease of the other entry ends.
    let fail = bench.fail(people::WORKER, failed, true);
    bench.send(&[fail], &[people::WORKER]);
    bench.wait(61);
    let reap = bench.reap(&[abandoned]);
    bench.send(&[reap], &[]);
    assert_eq!([failed, abandoned].map(|handle| bench.entry(handle).list), [list::DEAD, list::READY]);
    let cancels = [bench.cancel(people::PRODUCER, cancelled), bench.cancel(people::OWNER, abandoned)];
    let purges = [failed, dead].map(|handle| bench.operate(&purge::SPEC, handle, &0u16.to_le_bytes()));
    bench.send(&cancels, &[people::PRODUCER, people::OWNER]);
    bench.send(&purges, OWNER);
    assert!(bench.read().entry(dead).is_none());
    let out = [
        withdraw(&bench, PURSE),
        close(&bench.capability, &bench.shard, people::OWNER),
        bench.close_queue(&address(people::PAYER)),
        deregister(&bench.shard),
    ];
    bench.send(&out, OWNER);
    for key in [bench.queue, bench.capability, bench.shard] {
        assert_eq!(bench.fixture.world.account(&key).lamports, 0, "{key}");
    }
}

#[test]
fn a_batch_is_taken_back_and_its_accounts_are_closed_while_everything_is_paused() {
    let mut fixture = fixture();
    let [begun, sealed, open] = [fixture.arena(), fixture.arena(), fixture.arena()];
    let states = [fixture.state(64), fixture.state(64)];
    let operations: &[(u32, &[u8])] = &[(0, &[7; 8])];
    fixture.begun(&begun, &[(states[0], operations)]);
    fixture.send(&[apply(&begun, &states[..1], 1)], OWNER);
    fixture.sealed(&sealed, &[(states[1], operations)]);
    fixture.send(&[stage(&open, &states[1], 0, 64, operations)], OWNER);
    pause_everything(&mut fixture);

    fixture.send(&[rollback(&begun, &states[..1], 1, people::OWNER), discard(&sealed)], OWNER);
    assert_eq!(fixture.state_header(&states[0]).header.state, lock_state::UNLOCKED);
    assert_eq!(fixture.state_data(&states[0]), [0; 64]);
    assert_eq!(fixture.arena_header(&sealed).header.state, batch_stage::OPEN);
    let closed: Vec<_> = [begun, sealed, open].iter().map(close_arena).chain(states.iter().map(close_state)).collect();
    fixture.send(&closed, OWNER);
    for key in [begun, sealed, open, states[0], states[1]] {
        assert_eq!(fixture.world.account(&key).lamports, 0, "{key}");
    }
}

/// Every kind of account that can be closed, with the instruction that closes it.
fn closings(fixture: &mut Fixture) -> Vec<(Pubkey, Instruction)> {
    let shard = fixture.shard();
    let [with_queue, with_order] = [fixture.shard(), fixture.shard()];
    let definition = Definition::new(&NOOP.address()).targets([fixed(&NOOP.address(), 0)]);
    let capability = fixture.capability(&with_queue, &definition);
    let create = fixture.create_queue(&with_queue, &queue_policy(), &[]);
    let queue = create.accounts[scheduler::create_queue::Position::queue as usize].pubkey;
    let open = create_order(&with_order, 0, composition_mode::STRICT, &[invitation(&with_order, 1)]);
    let order = open.accounts[Position::order as usize].pubkey;
    fixture.send(&[create, open], OWNER);
    let (state, arena) = (fixture.state(64), fixture.arena());
    let bench = Bench { fixture: fixture.clone(), shard: with_queue, queue, capability, order: None };
    vec![
        (shard, deregister(&shard)),
        (queue, bench.close_queue(&address(people::PAYER))),
        (order, close_order(&order, &with_order)),
        (capability, close(&capability, &with_queue, people::OWNER)),
        (state, close_state(&state)),
        (arena, close_arena(&arena)),
    ]
}

/// Until the transaction ends, lamports keep an account alive. What is left of it belongs to the system program and is empty.
#[test]
fn lamports_in_the_same_transaction_revive_nothing() {
    let mut fixture = fixture();
    for (key, close) in closings(&mut fixture) {
        let lamports = fixture.world.account(&key).lamports;
        assert!(lamports > 0, "{key}");
        let revive = solana_system_interface::instruction::transfer(&address(people::PAYER), &key, lamports);
        fixture.send(&[close.clone(), revive], OWNER);
        let left = fixture.world.account(&key);
        assert_eq!((left.lamports, left.data.len(), left.owner), (lamports, 0, system_program::ID), "{key}");
        let signers = [&mollusk_tests::programs::keypair(people::OWNER)];
        let payer = mollusk_tests::programs::keypair(people::PAYER);
        let owner = solana_program_error::ProgramError::InvalidAccountOwner;
        fixture.world.expect_error(&[close], &payer, &signers, 0, owner);
    }
}
