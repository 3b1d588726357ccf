//! Numbers at the end of their range, and time that is no slot.

use crate::{fixture, payments::creations_by, refused};
use mollusk_tests::{
    capabilities::update,
    diffs::{begin, resize_state, rollback},
    features::FeatureProfile,
    fixture::{Definition, Fixture, apply_inline, config, pause, people},
    lifecycle::PROGRAMS,
    programs::{DIFF, NOOP, PROCESSOR, SCHEDULER, keypair},
    queues::{Bench, plain},
};
use shared_layouts::{
    diff::{DiffConfig, DiffError, State},
    lifecycle::{Fault, Lifecycle},
    processor::{Capability, ProcessorConfig},
    scheduler::{SchedulerConfig, SchedulerError, Shard, enqueue, list},
};
use solana_instruction::Instruction;
use solana_program_error::ProgramError;
use solana_pubkey::Pubkey;
use std::mem::offset_of;

/// Writes the highest number of a counter into an account.
fn exhaust(fixture: &mut Fixture, key: &Pubkey, offset: usize, bytes: usize) {
    let mut account = fixture.world.account(key);
    account.data[offset..offset + bytes].fill(0xff);
    fixture.world.set_account(key, account);
}

#[track_caller]
fn overflows(fixture: &mut Fixture, instruction: Instruction) {
    let signers: Vec<_> = people::ALL.iter().map(|name| keypair(name)).collect();
    let signers: Vec<_> = signers.iter().collect();
    let error = ProgramError::ArithmeticOverflow;
    fixture.world.expect_error(&[instruction], &keypair(people::PAYER), &signers, 0, error);
}

/// Numbers of accounts never repeat, so the last one is no account's.
#[test]
fn the_last_number_of_a_counter_names_no_account() {
    let mut fixture = fixture();
    let shard = fixture.shard();
    exhaust(&mut fixture, &config(PROCESSOR), offset_of!(ProcessorConfig, capabilities_created), 8);
    exhaust(&mut fixture, &config(SCHEDULER), offset_of!(SchedulerConfig, shards_created), 8);
    exhaust(&mut fixture, &config(DIFF), offset_of!(DiffConfig, states_created), 8);
    exhaust(&mut fixture, &config(DIFF), offset_of!(DiffConfig, arenas_created), 8);
    exhaust(&mut fixture, &shard, offset_of!(Shard, queues_created), 8);
    exhaust(&mut fixture, &shard, offset_of!(Shard, orders_created), 8);
    for (create, _) in creations_by(&fixture.clone(), &shard, u64::MAX) {
        overflows(&mut fixture, create);
    }
}

#[test]
fn a_version_or_a_count_at_its_end_is_an_error() {
    let mut fixture = fixture();
    let shard = fixture.shard();
    let definition = Definition::new(&NOOP.address());
    let capability = fixture.capability(&shard, &definition);
    exhaust(&mut fixture, &capability, offset_of!(Capability, capability_version), 4);
    overflows(&mut fixture, update(&capability, &shard, people::OWNER, &definition));
    let state = fixture.state(64);
    exhaust(&mut fixture, &state, offset_of!(State, state_version), 8);
    overflows(&mut fixture, resize_state(&state, 65));
    for program in PROGRAMS {
        exhaust(&mut fixture, &config(program), offset_of!(Lifecycle, pause_count), 4);
        overflows(&mut fixture, pause(program, people::AUTHORITY));
    }
    exhaust(&mut fixture, &shard, offset_of!(Shard, pause_count), 4);
    let bench = Bench { queue: shard, shard, capability, order: None, fixture: fixture.clone() };
    overflows(&mut fixture, bench.pause_shard(true));
}

/// A million slots pass in no time: a lease, a deadline, a delay, a lock and a guardian's pause last as long as before.
#[test]
fn slots_that_pass_are_no_time() {
    let mut bench = Bench::leased(FeatureProfile::Mainnet);
    let [leased, ready] = [1, 2].map(|sequence| bench.put(sequence, &[]));
    let now = bench.fixture.world.unix_seconds();
    let delayed = enqueue::Data { not_before_at: now + 1, ..plain(3) };
    let enqueue = bench.enqueue(&delayed, &[]);
    bench.send(&[enqueue], &[people::PRODUCER]);
    let delayed = bench.last();
    let claim = bench.claim(people::WORKER, 0, 1);
    bench.send(&[claim], &[people::WORKER]);
    let (arena, state, free) = (bench.fixture.arena(), bench.fixture.state(64), bench.fixture.state(64));
    bench.fixture.sealed(&arena, &[(state, &[(0, &[7; 8])])]);
    bench.fixture.send(&[begin(&arena, &[state])], &[people::OWNER]);
    bench.fixture.send(&[pause(DIFF, people::GUARDIAN)], &[people::GUARDIAN]);

    bench.fixture.world.svm.warp_to_slot(1_000_000);
    assert_eq!(bench.fixture.world.unix_seconds(), now);
    let nothing = bench.reap(&[leased, ready, delayed]);
    bench.refuse(&[nothing], &[], 0, SchedulerError::NothingToReap);
    assert_eq!(
        [leased, ready, delayed].map(|handle| bench.entry(handle).list),
        [list::LEASED, list::READY, list::DELAYED]
    );
    let run = bench.run(people::WORKER, leased, &[]);
    bench.send(&run, &[people::WORKER]);
    let fixture = &mut bench.fixture;
    let by_stranger = rollback(&arena, &[state], 1, people::STRANGER);
    refused(fixture, by_stranger, people::STRANGER, DiffError::NotOwner as u32);
    let paused = DiffError::BASE + Fault::Paused as u32;
    refused(fixture, apply_inline(&free, 0, &[(0, &[7; 8])]), people::OWNER, paused);
}
