//! Cases of the instructions that make queues, change them, and close them.

use super::scene::Scene;
use crate::{case::ValidCase, change::Kind};
use mollusk_tests::{
    fixture::{people, producer, queue_policy},
    programs::{SCHEDULER, address},
};
use shared_layouts::scheduler as wire;
use solana_instruction::Instruction;

const RECIPIENT: &str = "lamports go wherever the owner sends them";
const SPARE_QUEUE: &str = "it is a queue of the same shard";

pub fn cases(open: &Scene) -> Vec<ValidCase> {
    let mut cases = created(open);
    cases.extend(changed(open));
    cases.extend(drained(open));
    cases
}

fn created(open: &Scene) -> Vec<ValidCase> {
    let create = open.fixture.create_queue(&open.shard, &queue_policy(), &[producer(people::PRODUCER)]);
    let full = create.data.len();
    vec![
        ValidCase::new("CreateQueue", &open.fixture, create)
            .lengths(full - 48..=full - 48, "a queue without producers can get some later"),
        ValidCase::new("GrowQueue", &open.fixture, open.grow(1)).key("queue", open.spare_queue, SPARE_QUEUE),
    ]
}

fn changed(open: &Scene) -> Vec<ValidCase> {
    [
        ValidCase::new("UpdateQueue", &open.fixture, update(open)),
        ValidCase::new("SetQuota", &open.fixture, open.set_quota(1_000)),
        ValidCase::new("SetProducer", &open.fixture, open.set_producer(people::STRANGER, 7)),
        ValidCase::new("SetWorker", &open.fixture, open.set_worker(people::WORKER, true)),
    ]
    .map(|case| case.key("queue", open.spare_queue, SPARE_QUEUE))
    .into_iter()
    .chain(delisted(open))
    .collect()
}

/// A producer and a worker that are taken off their lists, on which no other queue has them.
fn delisted(open: &Scene) -> Vec<ValidCase> {
    let mut listed = open.clone();
    let listing = [open.set_producer(people::STRANGER, 7), open.set_worker(people::WORKER, true)];
    listed.send(&listing, &[people::OWNER]);
    vec![
        ValidCase::new("SetProducer", &listed.fixture, open.set_producer(people::STRANGER, 0)),
        ValidCase::new("SetWorker", &listed.fixture, open.set_worker(people::WORKER, false)),
    ]
}

fn update(scene: &Scene) -> Instruction {
    let accounts =
        wire::update_queue::Accounts { shard: scene.shard, owner: address(people::OWNER), queue: scene.queue };
    let data = wire::update_queue::Data {
        max_dead: 1,
        max_deadline_seconds: 60,
        max_attempts: 1,
        default_level: 3,
        ..Default::default()
    };
    wire::update_queue(SCHEDULER.address(), accounts, &[], &data, &[])
}

/// What takes lamports out of a queue.
fn drained(open: &Scene) -> Vec<ValidCase> {
    const LAMPORTS: u64 = 1_000_000;
    let mut paid = open.clone();
    paid.bench.fixture.world.airdrop(&open.queue, LAMPORTS);
    let recipient = address(people::STRANGER);
    let accounts = wire::withdraw_purse::Accounts {
        shard: open.shard,
        owner: address(people::OWNER),
        queue: open.queue,
        recipient,
    };
    let data = wire::withdraw_purse::Data { lamports: LAMPORTS };
    let withdraw = wire::withdraw_purse(SCHEDULER.address(), accounts, &[], &data, &[]);

    let mut empty = open.clone();
    let cancel = open.cancel(people::OWNER, open.handle);
    empty.send(&[cancel], &[people::OWNER]);
    [
        ValidCase::new("WithdrawPurse", &paid.fixture, withdraw),
        ValidCase::new("CloseQueue", &empty.fixture, open.close_queue(&recipient)).key(
            "queue",
            open.spare_queue,
            SPARE_QUEUE,
        ),
    ]
    .map(|case| case.any_key("recipient", RECIPIENT).accepts("recipient", Kind::Owner, RECIPIENT))
    .into()
}
