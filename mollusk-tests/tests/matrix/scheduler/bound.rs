//! Cases of the instructions on queues that are bound to an order.
//!
//! Beside the queue there are another order of the same shard and a queue that is bound to none.

use super::scene::ARGUMENTS;
use crate::{case::ValidCase, change::Kind};
use mollusk_tests::{
    fixture::{Definition, MAX_DEADLINE_SECONDS, pause, people, queue_policy},
    orders::{Shared, before, create_order, invitation},
    programs::{NOOP, PROCESSOR, address},
    queues::{Bench, leased_policy, plain},
};
use shared_layouts::{
    processor::capability_flags,
    scheduler::{
        self as wire, EntryHandle, composition_mode, create_order::Position, dead_letter, hold, purge, redrive,
        release, reprioritize,
    },
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

const ANY_WORKER: &str = "anyone runs the entries of an open queue";
const ARGUMENTS_LENGTH: &str = "the capability takes 0 to 96 bytes of arguments";
const OTHER_MEMBER: &str = "it is another member of the order";
const RECIPIENT: &str = "lamports go wherever the owner sends them";
const SLOTS: u16 = 4;

/// A queue with one ready entry of the order's first member.
#[derive(Clone)]
struct Bound {
    bench: Bench,
    handle: EntryHandle,
    other_member: Pubkey,
    other_order: Pubkey,
}

impl Bound {
    fn new(policy: &wire::create_queue::Data) -> Self {
        let mut shared = Shared::strict(1, 0);
        let shard = shared.shards[0];
        let definition = Definition::new(&NOOP.address()).flags(capability_flags::DIRECT_DISPATCH);
        shared.members = (0..2).map(|_| shared.fixture.capability(&shard, &definition)).collect();
        let join = mollusk_tests::orders::set_constraints(&shared.order, &shard, &shared.members, &[before(0, 1)]);
        let other = create_order(&shard, 1, composition_mode::STRICT, &[invitation(&shard, 1)]);
        let other_order = other.accounts[Position::order as usize].pubkey;
        let free = shared.fixture.create_queue(
            &shard,
            &wire::create_queue::Data { slots: SLOTS, max_dead: 2, ..queue_policy() },
            &[],
        );
        shared.fixture.send(&[join, other, free], &[people::OWNER]);
        shared.compose();
        let other_member = shared.members[1];
        let mut bench = shared.bench(0, &wire::create_queue::Data { slots: SLOTS, max_dead: SLOTS / 2, ..*policy });
        let handle = bench.put(1, &ARGUMENTS);
        Self { bench, handle, other_member, other_order }
    }

    fn after(&self, instructions: &[Instruction], signers: &[&str]) -> Self {
        let mut scene = self.clone();
        scene.bench.send(instructions, signers);
        scene
    }

    fn case(&self, name: &'static str, instruction: Instruction) -> ValidCase {
        ValidCase::new(name, &self.bench.fixture, instruction)
    }

    fn order(&self) -> AccountMeta {
        AccountMeta::new(self.bench.order.expect("the queue is bound to an order"), false)
    }
}

pub fn cases() -> Vec<ValidCase> {
    let open = Bound::new(&queue_policy());
    let leased = Bound::new(&leased_policy());
    let mut cases = queues(&open);
    cases.extend(entering(&open));
    cases.extend(running(&open, &leased));
    cases.extend(managed(&open));
    cases
}

fn queues(open: &Bound) -> Vec<ValidCase> {
    let cancel = open.bench.cancel(people::OWNER, open.handle);
    let empty = open.after(&[cancel], &[people::OWNER]);
    let policy =
        wire::create_queue::Data { slots: SLOTS, max_dead: 2, flags: wire::queue_flags::ORDERED, ..queue_policy() };
    let mut create = open.bench.fixture.create_queue(&open.bench.shard, &policy, &[]);
    create.accounts.push(open.order());
    vec![
        open.case("CreateQueue", create).key("more 0", open.other_order, "it is another order of the same shard"),
        empty
            .case("CloseQueue", open.bench.close_queue(&address(people::STRANGER)))
            .any_key("recipient", RECIPIENT)
            .accepts("recipient", Kind::Owner, RECIPIENT),
    ]
}

fn entering(open: &Bound) -> Vec<ValidCase> {
    let enqueue = open.bench.enqueue(&plain(2), &ARGUMENTS);
    let fixed_bytes = enqueue.data.len() - ARGUMENTS.len();
    let lengths = fixed_bytes..=fixed_bytes + 96;
    let not_before_at = open.bench.fixture.world.unix_seconds() + 5;
    let delayed = open.bench.enqueue(&wire::enqueue::Data { not_before_at, ..plain(2) }, &ARGUMENTS);
    let batch = open.bench.enqueue_batch(2, 2, &ARGUMENTS);
    let one_item = 1 + (batch.data.len() - 1) / 2;
    let paused = open.after(&[open.bench.pause_shard(true)], &[people::OWNER]);
    let restore = open.bench.restore(&plain(2), &ARGUMENTS);
    let by_member = |case: ValidCase, account| case.key(account, open.other_member, OTHER_MEMBER);
    vec![
        by_member(open.case("Enqueue", enqueue).lengths(lengths.clone(), ARGUMENTS_LENGTH), "capability"),
        by_member(open.case("Enqueue", delayed).lengths(lengths.clone(), ARGUMENTS_LENGTH), "capability"),
        by_member(
            open.case("EnqueueBatch", batch).lengths(one_item..=one_item, "the data ends behind the first item"),
            "more 1",
        ),
        by_member(paused.case("Restore", restore).lengths(lengths, ARGUMENTS_LENGTH), "capability"),
    ]
}

fn running(open: &Bound, leased: &Bound) -> Vec<ValidCase> {
    let claim = leased.bench.claim(people::WORKER, 0, 1);
    let claimed = leased.after(std::slice::from_ref(&claim), &[people::WORKER]);
    let run = |scene: &Bound| {
        let mut run = scene.bench.run(people::WORKER, scene.handle, &ARGUMENTS).to_vec();
        run[0].accounts[wire::dispatch::Position::worker as usize].is_writable = false;
        ValidCase::among("Dispatch", &scene.bench.fixture, run, 0)
    };
    let mut expired = open.clone();
    expired.bench.wait(i64::from(MAX_DEADLINE_SECONDS) + 2);
    let reap = open.bench.reap(&[open.handle]);
    let bytes = reap.data.len();
    vec![
        leased.case("Claim", claim),
        run(open).any_key("worker", ANY_WORKER),
        run(&claimed),
        direct(open).any_key("worker", ANY_WORKER),
        direct(&claimed),
        claimed.case("Fail", claimed.bench.fail(people::WORKER, claimed.handle, false)),
        claimed.case("Fail", claimed.bench.fail(people::WORKER, claimed.handle, true)),
        expired
            .case("Reap", reap)
            .lengths(bytes + 8..=bytes + 8, "a handle of which nothing is due is left alone")
            .lengths(bytes + 16..=bytes + 16, "two handles of which nothing is due are left alone"),
    ]
}

/// `DispatchDirect` while the processor's authority has paused it.
fn direct(scene: &Bound) -> ValidCase {
    let paused = scene.after(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    let target = Instruction::new_with_bytes(NOOP.address(), &ARGUMENTS, Vec::new());
    let run = vec![scene.bench.dispatch_direct(scene.handle), target];
    ValidCase::among("DispatchDirect", &paused.bench.fixture, run, 0)
        .accepts(
            "processor_config",
            Kind::Owner,
            "the config recorded its address, where only the processor has an account",
        )
        .accepts("processor_config", Kind::Version, "who paused it is at the same place in every version")
}

fn managed(open: &Bound) -> Vec<ValidCase> {
    let operate = |spec, more: &[u8]| open.bench.operate(spec, open.handle, more);
    let held = open.after(&[operate(&hold::SPEC, &[])], &[people::OWNER]);
    let dead = open.after(&[operate(&dead_letter::SPEC, &[])], &[people::OWNER]);
    let (one, all) = (0u16.to_le_bytes(), u16::MAX.to_le_bytes());
    vec![
        open.case("Reprioritize", operate(&reprioritize::SPEC, &[9])),
        open.case("Hold", operate(&hold::SPEC, &[])),
        held.case("Release", operate(&release::SPEC, &[])),
        open.case("Requeue", open.bench.requeue(open.handle)),
        open.case("Cancel", open.bench.cancel(people::OWNER, open.handle)).key(
            "signer",
            address(people::PRODUCER),
            "the producer may cancel as well",
        ),
        open.case("DeadLetter", operate(&dead_letter::SPEC, &[])),
        dead.case("Redrive", operate(&redrive::SPEC, &one)),
        dead.case("Redrive", operate(&redrive::SPEC, &all)),
        dead.case("Purge", operate(&purge::SPEC, &one)),
        dead.case("Purge", operate(&purge::SPEC, &all)),
    ]
}
