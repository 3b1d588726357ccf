//! Cases of the instructions by which entries are run, or fail.

use super::scene::{ARGUMENTS, Scene};
use crate::{case::ValidCase, change::Kind};
use mollusk_tests::{
    fixture::{MAX_DEADLINE_SECONDS, pause, people, set_direct},
    orders::{allocate_resources, set_budget, weight},
    programs::{NOOP, PROCESSOR, SCHEDULER},
    queues::{plain, with_registry},
};
use shared_layouts::scheduler::{self as wire, EntryHandle, dispatch};
use solana_instruction::Instruction;

const ANY_WORKER: &str = "anyone runs the entries of an open queue";
const LEASE_SECONDS: i64 = 60;

pub fn cases(open: &Scene, leased: &Scene) -> Vec<ValidCase> {
    let claimed = leased.claimed();
    let mut ended = claimed.clone();
    ended.wait(LEASE_SECONDS + 1);
    let reap = claimed.reap(&[claimed.handle]);
    let reap_bytes = reap.data.len();
    let tipped = tipped(open);
    let run = |scene: &Scene, is_paid: bool| {
        let mut run = scene.run(people::WORKER, scene.handle, &ARGUMENTS).to_vec();
        run[0].accounts[dispatch::Position::worker as usize].is_writable = is_paid;
        run
    };
    vec![
        ValidCase::new("Claim", &leased.fixture, leased.claim(people::WORKER, 0, 1)),
        ValidCase::among("Dispatch", &open.fixture, run(open, false), 0).any_key("worker", ANY_WORKER),
        ValidCase::among("Dispatch", &tipped.fixture, run(&tipped, true), 0).any_key("worker", ANY_WORKER),
        ValidCase::among("Dispatch", &claimed.fixture, run(&claimed, false), 0),
        direct(open).any_key("worker", ANY_WORKER),
        direct(&claimed),
        direct_until(open),
        ValidCase::new("Fail", &claimed.fixture, claimed.fail(people::WORKER, claimed.handle, false)),
        ValidCase::new("Fail", &claimed.fixture, claimed.fail(people::WORKER, claimed.handle, true)),
        ValidCase::new("Reap", &ended.fixture, reap)
            .lengths(reap_bytes + 8..=reap_bytes + 8, "a handle of which nothing is due is left alone")
            .lengths(reap_bytes + 16..=reap_bytes + 16, "two handles of which nothing is due are left alone"),
        late_report(&claimed),
    ]
    .into_iter()
    .chain(expired(open))
    .chain(metered(open))
    .collect()
}

/// Dispatches from a queue with a quota.
fn metered(open: &Scene) -> Vec<ValidCase> {
    let mut scene = open.clone();
    let weights = [weight(&scene.fixture, &scene.shard, 1)];
    scene.send(&[set_budget(1_000_000, 60), allocate_resources(&weights)], &[people::AUTHORITY]);
    scene.send(&[open.set_quota(1_000)], &[people::OWNER]);
    let [dispatch, execute] = scene.run(people::WORKER, scene.handle, &ARGUMENTS);
    let mut run = vec![with_registry(dispatch), execute];
    run[0].accounts[dispatch::Position::worker as usize].is_writable = false;
    let direct = direct(&scene);
    let mut among = direct.transaction.clone();
    among[0] = with_registry(among[0].clone());
    vec![
        ValidCase::among("Dispatch", &scene.fixture, run, 0).any_key("worker", ANY_WORKER),
        ValidCase { transaction: among, ..direct }.any_key("worker", ANY_WORKER),
    ]
}

/// `Fail` while program and shard are paused.
fn late_report(claimed: &Scene) -> ValidCase {
    let mut paused = claimed.clone();
    let pauses = [claimed.pause_shard(true), pause(SCHEDULER, people::AUTHORITY)];
    paused.send(&pauses, &[people::OWNER, people::AUTHORITY]);
    ValidCase::new("Fail", &paused.fixture, claimed.fail(people::WORKER, claimed.handle, false))
}

/// `Reap` of an entry past its deadline, and of it and a delayed one that is due.
fn expired(open: &Scene) -> Vec<ValidCase> {
    let mut scene = open.clone();
    let not_before_at = open.fixture.world.unix_seconds() + 5;
    let delayed = open.enqueue(&wire::enqueue::Data { not_before_at, ..plain(2) }, &ARGUMENTS);
    scene.send(&[delayed], &[people::PRODUCER]);
    let delayed = scene.last();
    scene.wait(i64::from(MAX_DEADLINE_SECONDS) + 2);
    [scene.reap(&[open.handle]), scene.reap(&[open.handle, delayed])]
        .map(|reap| {
            let (bytes, handle) = (reap.data.len(), size_of::<EntryHandle>());
            let case = ValidCase::new("Reap", &scene.fixture, reap)
                .lengths(bytes + handle..=bytes + handle, "a handle of which nothing is due is left alone")
                .lengths(bytes + 2 * handle..=bytes + 2 * handle, "two handles of which nothing is due are left alone");
            if bytes > 2 * handle { case.lengths(9..=9, "the data ends behind the first handle") } else { case }
        })
        .into()
}

/// A second entry, with a tip.
fn tipped(open: &Scene) -> Scene {
    const TIP_LAMPORTS: u64 = 1_000;
    let mut scene = open.clone();
    scene.bench.fixture.world.airdrop(&open.queue, TIP_LAMPORTS);
    let enqueue = open.enqueue(&wire::enqueue::Data { tip_lamports: TIP_LAMPORTS, ..plain(2) }, &ARGUMENTS);
    scene.send(&[enqueue], &[people::PRODUCER]);
    scene.handle = scene.last();
    scene
}

/// `DispatchDirect` while the scheduler's authority lets it.
fn direct_until(open: &Scene) -> ValidCase {
    const NOT_READ: &str = "until then it does not matter in which state the processor is";
    let mut scene = open.clone();
    scene.send(&[set_direct(i64::MAX)], &[people::AUTHORITY]);
    let target = Instruction::new_with_bytes(NOOP.address(), &ARGUMENTS, Vec::new());
    let run = vec![scene.dispatch_direct(scene.handle), target];
    [Kind::Owner, Kind::Discriminator, Kind::Version]
        .into_iter()
        .fold(ValidCase::among("DispatchDirect", &scene.fixture, run, 0), |case, kind| {
            case.accepts("processor_config", kind, NOT_READ)
        })
        .any_key("processor_config", NOT_READ)
        .any_key("worker", ANY_WORKER)
}

/// `DispatchDirect` while the processor's authority has paused it.
fn direct(scene: &Scene) -> ValidCase {
    let mut paused = scene.clone();
    paused.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    let target = Instruction::new_with_bytes(NOOP.address(), &ARGUMENTS, Vec::new());
    ValidCase::among("DispatchDirect", &paused.fixture, vec![scene.dispatch_direct(scene.handle), target], 0)
        .accepts(
            "processor_config",
            Kind::Owner,
            "the config recorded its address, where only the processor has an account",
        )
        .accepts("processor_config", Kind::Version, "who paused it is at the same place in every version")
}
