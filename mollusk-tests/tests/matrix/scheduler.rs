//! Valid cases of the scheduler.

use crate::case::ValidCase;
use mollusk_tests::{
    features::FeatureProfile,
    fixture::{
        Definition, Fixture, dispatch, enqueue, execute, initialize_processor, initialize_scheduler, people, producer,
        queue_policy,
    },
    programs::{NOOP, SCHEDULER},
};

pub fn cases() -> Vec<ValidCase> {
    let mut cases = crate::lifecycle::cases(SCHEDULER);
    cases.push(initialize());
    cases.extend(shards());
    cases.extend(entries());
    cases
}

fn initialize() -> ValidCase {
    let mut fixture = Fixture::installed(FeatureProfile::Mainnet);
    fixture.send(&[initialize_processor()], &[people::AUTHORITY]);
    ValidCase::new("Initialize", &fixture, initialize_scheduler())
}

fn shards() -> Vec<ValidCase> {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let other = fixture.shard();
    fixture.queue(&other);
    let shard = fixture.shard();
    let create_queue = fixture.create_queue(&shard, &queue_policy(), &[producer(people::PRODUCER)]);
    let full = create_queue.data.len();
    vec![
        ValidCase::new("RegisterShard", &fixture, fixture.register_shard(people::OWNER)),
        ValidCase::new("CreateQueue", &fixture, create_queue)
            .lengths(full - 48..=full - 48, "a queue without producers can get some later"),
    ]
}

/// Instructions on the entries of a queue.
fn entries() -> Vec<ValidCase> {
    const ARGUMENTS: [u8; 64] = [7; 64];
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let other = fixture.shard();
    fixture.capability(&other, &Definition::new(&NOOP.address()));
    fixture.queue(&other);
    let shard = fixture.shard();
    let queue = fixture.queue(&shard);
    let capability = fixture.capability(&shard, &Definition::new(&NOOP.address()));
    fixture.send(&[enqueue(&queue, &capability, 1, 5, &ARGUMENTS)], &[people::PRODUCER]);

    let enqueue = enqueue(&queue, &capability, 2, 5, &ARGUMENTS);
    let fixed_bytes = enqueue.data.len() - ARGUMENTS.len();
    let run = vec![dispatch(&shard, &queue, 0, 1), execute(&capability, &NOOP.address(), &[], &ARGUMENTS)];
    vec![
        ValidCase::new("Enqueue", &fixture, enqueue)
            .lengths(fixed_bytes..=fixed_bytes + 96, "the capability takes 0 to 96 bytes of arguments"),
        ValidCase::among("Dispatch", &fixture, run, 0).any_key("worker", "anyone runs the entries of an open queue"),
    ]
}
