//! Cases of the instructions by which entries come into a queue.

use super::scene::{ARGUMENTS, Scene};
use crate::case::ValidCase;
use mollusk_tests::{
    fixture::people,
    queues::{commitment, committed, plain},
};
use shared_layouts::scheduler as wire;
use solana_instruction::AccountMeta;
use std::mem::offset_of;

const ARGUMENTS_LENGTH: &str = "the capability takes 0 to 96 bytes of arguments";
const SPARE_CAPABILITY: &str = "it is a capability of the same shard";

pub fn cases(open: &Scene) -> Vec<ValidCase> {
    let enqueue = open.enqueue(&plain(2), &ARGUMENTS);
    let fixed_bytes = enqueue.data.len() - ARGUMENTS.len();
    let batch = open.enqueue_batch(2, 2, &ARGUMENTS);
    let one_item = 1 + (batch.data.len() - 1) / 2;
    vec![
        ValidCase::new("Enqueue", &open.fixture, enqueue)
            .lengths(fixed_bytes..=fixed_bytes + 96, ARGUMENTS_LENGTH)
            .key("capability", open.spare_capability, SPARE_CAPABILITY),
        ValidCase::new("EnqueueBatch", &open.fixture, batch)
            .lengths(one_item..=one_item, "the data ends behind the first item")
            .key("more 0", open.spare_capability, SPARE_CAPABILITY),
        two_capabilities(open),
        restore(open),
    ]
    .into_iter()
    .chain(special(open))
    .collect()
}

/// Entries that are not plain.
fn special(open: &Scene) -> Vec<ValidCase> {
    const TIP_LAMPORTS: u64 = 1_000;
    let now = open.fixture.world.unix_seconds();
    let mut paid = open.clone();
    paid.bench.fixture.world.airdrop(&open.queue, TIP_LAMPORTS);
    let recurring = wire::enqueue::Data { not_before_at: now + 5, interval_seconds: 60, runs: u32::MAX, ..plain(2) };
    let tipped = wire::enqueue::Data { tip_lamports: TIP_LAMPORTS, ..plain(2) };
    let committed = open.enqueue(&committed(2), &commitment(&ARGUMENTS));
    let fixed_bytes = committed.data.len() - commitment(&ARGUMENTS).len();
    let lengths = fixed_bytes..=fixed_bytes + 96;
    [
        ValidCase::new("Enqueue", &open.fixture, open.enqueue(&recurring, &ARGUMENTS))
            .lengths(lengths.clone(), ARGUMENTS_LENGTH),
        ValidCase::new("Enqueue", &paid.fixture, open.enqueue(&tipped, &ARGUMENTS)).lengths(lengths, ARGUMENTS_LENGTH),
        ValidCase::new("Enqueue", &open.fixture, committed),
    ]
    .map(|case| case.key("capability", open.spare_capability, SPARE_CAPABILITY))
    .into()
}

/// A batch whose second item runs another capability.
fn two_capabilities(open: &Scene) -> ValidCase {
    let mut batch = open.enqueue_batch(2, 2, &ARGUMENTS);
    let one_item = 1 + (batch.data.len() - 1) / 2;
    batch.data[one_item + offset_of!(wire::BatchItem, capability)] = 1;
    batch.accounts.push(AccountMeta::new_readonly(open.spare_capability, false));
    ValidCase::new("EnqueueBatch", &open.fixture, batch).same_key(
        "more 0",
        "more 1",
        "a capability may stand there twice",
    )
}

fn restore(open: &Scene) -> ValidCase {
    let mut paused = open.clone();
    let pause = open.pause_shard(true);
    paused.send(&[pause], &[people::OWNER]);
    let restore = open.restore(&plain(2), &ARGUMENTS);
    let fixed_bytes = restore.data.len() - ARGUMENTS.len();
    ValidCase::new("Restore", &paused.fixture, restore).lengths(fixed_bytes..=fixed_bytes + 96, ARGUMENTS_LENGTH).key(
        "capability",
        open.spare_capability,
        SPARE_CAPABILITY,
    )
}
