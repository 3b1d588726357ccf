//! Enqueue, batches, restoring.

use mollusk_tests::features::FeatureProfile::Mainnet;
use mollusk_tests::fixture::{Definition, config, pause, people, queue_policy};
use mollusk_tests::programs::{NOOP, SCHEDULER, address, keypair};
use mollusk_tests::queues::{Bench, plain};
use shared_layouts::scheduler::{self as wire, SchedulerError as E, enqueue::Data, list};
use solana_instruction::AccountMeta;
use solana_program_error::ProgramError;
use std::slice::from_ref;

#[test]
fn the_handle_of_the_last_entry_stands_in_the_header() {
    let mut bench = Bench::open(Mainnet);
    let first = bench.put(1, &[1]);
    let second = bench.put(2, &[2]);
    assert_ne!(first.slot, second.slot);
    assert_eq!(bench.entry(second).sequence, 2);
}

#[test]
fn a_repeated_or_too_old_sequence_is_refused() {
    let mut bench = Bench::open(Mainnet);
    bench.put(100, &[]);
    bench.put(90, &[]);
    for used in [100, 90, 36, 0] {
        let again = bench.enqueue(&plain(used), &[]);
        bench.refuse(&[again], &[people::PRODUCER], 0, E::SequenceUsed);
    }
    bench.put(37, &[]);
}

#[test]
fn no_listed_producer_no_enqueue() {
    let mut bench = Bench::open(Mainnet);
    let mut foreign = bench.enqueue(&plain(1), &[]);
    foreign.accounts[wire::enqueue::Position::producer as usize].pubkey = address(people::STRANGER);
    bench.refuse(&[foreign], &[people::STRANGER], 0, E::NotProducer);
    let elsewhere = bench.enqueue(&Data { producer_index: 1, ..plain(1) }, &[]);
    bench.refuse(&[elsewhere], &[people::PRODUCER], 0, E::NotProducer);
    let removal = bench.set_producer(people::PRODUCER, 0);
    bench.send(&[removal], &[people::OWNER]);
    let removed = bench.enqueue(&plain(1), &[]);
    bench.refuse(&[removed], &[people::PRODUCER], 0, E::NotProducer);
}

#[test]
fn a_full_queue_and_a_used_up_quota_are_told_apart() {
    let mut bench = Bench::open(Mainnet);
    for sequence in 1..=30 {
        bench.put(sequence, &[]);
    }
    let one_more = bench.enqueue(&plain(31), &[]);
    bench.refuse(from_ref(&one_more), &[people::PRODUCER], 0, E::QueueFull);
    let less = bench.set_producer(people::PRODUCER, 30);
    bench.send(&[less], &[people::OWNER]);
    bench.refuse(&[one_more], &[people::PRODUCER], 0, E::ProducerQuota);
}

#[test]
fn values_outside_their_limits_are_refused() {
    let mut bench = Bench::open(Mainnet);
    let now = bench.fixture.world.unix_seconds();
    let cases = [
        (Data { level: 16, ..plain(1) }, E::LevelTooHigh),
        (Data { deadline_at: now, ..plain(1) }, E::WrongDeadline),
        (Data { deadline_at: now + 601, ..plain(1) }, E::WrongDeadline),
        (Data { runs: 2, ..plain(1) }, E::WrongTime),
        (Data { interval_seconds: 5, ..plain(1) }, E::WrongTime),
        (Data { not_before_at: -1, ..plain(1) }, E::WrongTime),
        (Data { flags: 4, ..plain(1) }, E::WrongFlags),
        (Data { tip_lamports: 1, ..plain(1) }, E::TipNotCovered),
    ];
    for (data, error) in cases {
        let enqueue = bench.enqueue(&data, &[]);
        bench.refuse(&[enqueue], &[people::PRODUCER], 0, error);
    }
    let long = bench.enqueue(&plain(1), &[0; 97]);
    bench.refuse(&[long], &[people::PRODUCER], 0, E::WrongArgumentsLength);
}

#[test]
fn a_capability_of_another_shard_is_unknown() {
    let mut bench = Bench::open(Mainnet);
    let other_shard = bench.fixture.shard();
    let other = bench.fixture.capability(&other_shard, &Definition::new(&NOOP.address()));
    let mut enqueue = bench.enqueue(&plain(1), &[]);
    for key in [other, config(SCHEDULER), bench.queue] {
        enqueue.accounts[wire::enqueue::Position::capability as usize].pubkey = key;
        bench.refuse(&[enqueue.clone()], &[people::PRODUCER], 0, E::UnknownCapability);
    }
}

#[test]
fn a_batch_queues_all_or_none() {
    let mut bench = Bench::open(Mainnet);
    let batch = bench.enqueue_batch(1, 8, &[3; 16]);
    bench.send(&[batch], &[people::PRODUCER]);
    assert_eq!(bench.read().list(list::READY).len(), 8);
    // Its last item repeats a sequence number.
    let overlapping = bench.enqueue_batch(9, 4, &[]);
    bench.put(12, &[]);
    bench.refuse(&[overlapping], &[people::PRODUCER], 0, E::SequenceUsed);
    assert_eq!(bench.read().header.enqueued, 9);
}

#[test]
fn every_account_of_a_batch_is_named_by_an_item() {
    let mut bench = Bench::open(Mainnet);
    let mut batch = bench.enqueue_batch(1, 2, &[]);
    batch.accounts.push(AccountMeta::new_readonly(bench.capability, false));
    let payer = keypair(people::PAYER);
    let producer = keypair(people::PRODUCER);
    bench.fixture.world.expect_error(&[batch], &payer, &[&producer], 0, ProgramError::InvalidArgument);
}

#[test]
fn the_owner_restores_only_while_paused_and_each_sequence_once() {
    let mut bench = Bench::new(Mainnet, &queue_policy(), &Definition::new(&NOOP.address()));
    let restore = bench.restore(&plain(7), &[9]);
    bench.refuse(from_ref(&restore), &[people::OWNER], 0, E::ShardNotPaused);
    bench.send(&[pause(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]);
    bench.send(from_ref(&restore), &[people::OWNER]);
    bench.refuse(&[restore], &[people::OWNER], 0, E::SequenceUsed);
    assert_eq!(bench.entry(bench.last()).arguments[..1], [9]);
    // Enqueue works while paused.
    bench.put(8, &[]);
}
