//! Claim, fail, reap.

use mollusk_tests::features::FeatureProfile::Mainnet;
use mollusk_tests::fixture::{pause, people, resume};
use mollusk_tests::programs::SCHEDULER;
use mollusk_tests::queues::Bench;
use shared_layouts::lifecycle::Fault;
use shared_layouts::scheduler::{EntryHandle, SchedulerError as E, list, reason};

/// A leased queue with one claimed entry.
fn claimed() -> (Bench, EntryHandle) {
    let mut bench = Bench::leased(Mainnet);
    let handle = bench.put(1, &[]);
    claim(&mut bench);
    (bench, handle)
}

fn claim(bench: &mut Bench) {
    let claim = bench.claim(people::WORKER, 0, 1);
    bench.send(&[claim], &[people::WORKER]);
}

#[test]
fn only_a_listed_worker_claims() {
    let (mut bench, _) = claimed();
    let foreign = bench.claim(people::STRANGER, 0, 1);
    bench.refuse(&[foreign], &[people::STRANGER], 0, E::NotWorker);
    let removal = bench.set_worker(people::WORKER, false);
    bench.send(&[removal], &[people::OWNER]);
    let removed = bench.claim(people::WORKER, 0, 1);
    bench.refuse(&[removed], &[people::WORKER], 0, E::NotWorker);
}

#[test]
fn a_claim_that_finds_nothing_is_ok_and_says_so() {
    let mut bench = Bench::leased(Mainnet);
    let claim = bench.claim(people::WORKER, 0, 3);
    let outcome = bench.send(&[claim], &[people::WORKER]);
    // The runtime cuts zeros off the end of return data.
    assert_eq!(outcome.return_data.0, SCHEDULER.address());
    bench.put(1, &[]);
    let claim = bench.claim(people::WORKER, 0, 3);
    assert_eq!(bench.send(&[claim], &[people::WORKER]).return_data.1, [1]);
}

#[test]
fn a_leased_entry_is_run_by_its_holder_only_and_only_before_the_lease_ends() {
    let (mut bench, handle) = claimed();
    let foreign = bench.run(people::STRANGER, handle, &[]);
    bench.refuse(&foreign, &[people::STRANGER], 0, E::NotLeaseHolder);
    let fail = bench.fail(people::STRANGER, handle, false);
    bench.refuse(&[fail], &[people::STRANGER], 0, E::NotLeaseHolder);
    let run = bench.run(people::WORKER, handle, &[]);
    bench.wait(61);
    bench.refuse(&run, &[people::WORKER], 0, E::LeaseEnded);
}

#[test]
fn a_leased_queue_dispatches_nothing_unclaimed() {
    let mut bench = Bench::leased(Mainnet);
    let handle = bench.put(1, &[]);
    let run = bench.run(people::WORKER, handle, &[]);
    bench.refuse(&run, &[people::WORKER], 0, E::LeaseRequired);
}

#[test]
fn a_transient_failure_backs_off_and_the_last_attempt_kills() {
    let (mut bench, handle) = claimed();
    for (attempt, backoff) in [(1, 1), (2, 2)] {
        let fail = bench.fail(people::WORKER, handle, false);
        bench.send(&[fail], &[people::WORKER]);
        let entry = bench.entry(handle);
        assert_eq!((entry.list, entry.attempts, entry.failure_code), (list::DELAYED, attempt, 7));
        assert_eq!(entry.due_at, bench.fixture.world.unix_seconds() + backoff);
        let early = bench.reap(&[handle]);
        bench.refuse(&[early], &[], 0, E::NothingToReap);
        bench.wait(backoff);
        let due = bench.reap(&[handle]);
        bench.send(&[due], &[]);
        claim(&mut bench);
    }
    let fail = bench.fail(people::WORKER, handle, false);
    bench.send(&[fail], &[people::WORKER]);
    let entry = bench.entry(handle);
    assert_eq!((entry.list, entry.reason), (list::DEAD, reason::ATTEMPTS));
}

#[test]
fn a_permanent_failure_kills_at_once() {
    let (mut bench, handle) = claimed();
    let fail = bench.fail(people::WORKER, handle, true);
    bench.send(&[fail], &[people::WORKER]);
    assert_eq!(bench.entry(handle).reason, reason::PERMANENT);
    let again = bench.fail(people::WORKER, handle, true);
    bench.refuse(&[again], &[people::WORKER], 0, E::WrongList);
}

#[test]
fn after_its_deadline_an_entry_cannot_be_dispatched_reaped_or_not() {
    let (mut bench, handle) = claimed();
    bench.wait(601);
    let run = bench.run(people::WORKER, handle, &[]);
    bench.refuse(&run, &[people::WORKER], 0, E::DeadlinePassed);
    let reap = bench.reap(&[handle]);
    bench.send(&[reap], &[]);
    assert_eq!(bench.entry(handle).reason, reason::EXPIRED);
    bench.refuse(&run, &[people::WORKER], 0, E::DeadlinePassed);
}

#[test]
fn a_lease_that_overlaps_a_pause_costs_no_attempt() {
    let (mut bench, handle) = claimed();
    bench.send(&[pause(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]);
    let run = bench.run(people::WORKER, handle, &[]);
    bench.fixture.world.expect_error(
        &run,
        &mollusk_tests::programs::keypair(people::PAYER),
        &[&mollusk_tests::programs::keypair(people::WORKER)],
        0,
        E::BASE + Fault::Paused as u32,
    );
    bench.wait(61);
    // Reaping into ready works while paused.
    let reap = bench.reap(&[handle]);
    bench.send(&[reap], &[]);
    assert_eq!((bench.entry(handle).list, bench.entry(handle).attempts), (list::READY, 0));
    bench.send(&[resume(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]);
    claim(&mut bench);
    let shard_pause = bench.pause_shard(true);
    bench.send(&[shard_pause], &[people::OWNER]);
    let run = bench.run(people::WORKER, handle, &[]);
    bench.refuse(&run, &[people::WORKER], 0, E::ShardPaused);
    let fail = bench.fail(people::WORKER, handle, false);
    bench.send(&[fail], &[people::WORKER]);
    assert_eq!((bench.entry(handle).list, bench.entry(handle).attempts), (list::READY, 0));
    let more = bench.claim(people::WORKER, 0, 1);
    bench.refuse(&[more], &[people::WORKER], 0, E::ShardPaused);
}

#[test]
fn a_full_dead_list_holds_what_would_die() {
    let mut bench = Bench::leased(Mainnet);
    let handles: Vec<EntryHandle> = (1..=11).map(|sequence| bench.put(sequence, &[])).collect();
    for handle in &handles {
        claim(&mut bench);
        let fail = bench.fail(people::WORKER, *handle, true);
        bench.send(&[fail], &[people::WORKER]);
    }
    let reader = bench.read();
    assert_eq!((reader.header.dead_count, reader.header.held_count), (10, 1));
    assert_eq!(bench.entry(handles[10]).reason, reason::PERMANENT);
}
