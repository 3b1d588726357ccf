//! Queues that are bound to an order.

use mollusk_tests::features::FeatureProfile::Mainnet;
use mollusk_tests::fixture::{Definition, people, queue_policy};
use mollusk_tests::orders::{PATIENCE_SECONDS, Shared, before, close_order, constraint, create_order, invitation};
use mollusk_tests::orders::{rotate_epoch, set_constraints};
use mollusk_tests::programs::{NOOP, SCHEDULER, address, keypair};
use mollusk_tests::queues::{Bench, leased_policy, plain};
use shared_layouts::scheduler::{self as wire, ConstraintRecord, EntryHandle, SchedulerError as E, composition_mode};
use shared_layouts::scheduler::{NO_BIT, constraint_kind, enqueue, list, reason, when_dead};
use solana_instruction::Instruction;
use solana_program_error::ProgramError;
use solana_pubkey::Pubkey;

/// A queue bound to an order whose members are capabilities of its shard.
#[derive(Clone)]
struct Bound {
    bench: Bench,
    members: Vec<Pubkey>,
    sequence: u64,
}

impl Bound {
    fn new(policy: &wire::create_queue::Data, members: usize, records: &[ConstraintRecord]) -> Self {
        let mut shared = Shared::strict(1, members);
        if !records.is_empty() {
            shared.set(0, records);
            shared.compose();
        }
        let members = shared.members.clone();
        let policy = wire::create_queue::Data { slots: 20, ..*policy };
        Self { bench: shared.bench(0, &policy), members, sequence: 0 }
    }

    fn leased(records: &[ConstraintRecord]) -> Self {
        Self::new(&leased_policy(), 4, records)
    }

    fn open(records: &[ConstraintRecord]) -> Self {
        Self::new(&queue_policy(), 4, records)
    }

    fn enqueue(&mut self, member: usize, data: &enqueue::Data) -> Instruction {
        self.sequence += 1;
        self.bench.capability = self.members[member];
        self.bench.enqueue(&enqueue::Data { sequence: self.sequence, ..*data }, &[])
    }

    /// Queues an entry of a member at a level.
    fn put_at(&mut self, member: usize, level: u8) -> EntryHandle {
        let enqueue = self.enqueue(member, &enqueue::Data { level, ..plain(0) });
        self.bench.send(&[enqueue], &[people::PRODUCER]);
        self.bench.last()
    }

    fn put(&mut self, member: usize) -> EntryHandle {
        self.put_at(member, 5)
    }

    /// Claims so many and returns what is leased then.
    fn claim(&mut self, count: u8) -> Vec<EntryHandle> {
        let claim = self.bench.claim(people::WORKER, 0, count);
        self.bench.send(&[claim], &[people::WORKER]);
        self.handles(list::LEASED)
    }

    fn handles(&self, kind: u8) -> Vec<EntryHandle> {
        let reader = self.bench.read();
        reader.list(kind).into_iter().filter_map(|(slot, _)| reader.handle(slot)).collect()
    }

    /// The dispatch and execution of an entry.
    fn run(&mut self, handle: EntryHandle) -> [Instruction; 2] {
        self.bench.capability = Pubkey::new_from_array(self.bench.entry(handle).capability);
        self.bench.run(people::WORKER, handle, &[])
    }

    fn runs(&mut self, handle: EntryHandle) {
        let run = self.run(handle);
        self.bench.send(&run, &[people::WORKER]);
    }

    fn refuses(&mut self, handle: EntryHandle, error: E) {
        let run = self.run(handle);
        self.bench.refuse(&run, &[people::WORKER], 0, error);
    }

    fn fail(&mut self, handle: EntryHandle, permanent: bool) {
        let fail = self.bench.fail(people::WORKER, handle, permanent);
        self.bench.send(&[fail], &[people::WORKER]);
    }

    fn reap(&mut self, handle: EntryHandle) {
        let reap = self.bench.reap(&[handle]);
        self.bench.send(&[reap], &[]);
    }

    fn operate(&mut self, spec: &shared_layouts::declare::InstructionSpec, handle: EntryHandle, more: &[u8]) {
        let instruction = self.bench.operate(spec, handle, more);
        self.bench.send(&[instruction], &[people::OWNER]);
    }

    /// Pending, dead and leased entries that the order counts, over both epochs.
    fn counts(&self) -> (u16, u16, u16) {
        let order = self.bench.read_order();
        let sum = |counts: [[u16; 64]; 2]| counts.iter().flatten().sum::<u16>();
        let [even, odd] = order.epochs;
        (sum([even.pending, odd.pending]), sum([even.dead, odd.dead]), order.leased.iter().sum())
    }

    fn refuse_any(
        &mut self,
        instruction: Instruction,
        signer: &str,
        error: impl Into<mollusk_tests::expected::Expected>,
    ) {
        let signers = if signer.is_empty() { vec![] } else { vec![keypair(signer)] };
        let signers: Vec<_> = signers.iter().collect();
        self.bench.fixture.world.expect_error(&[instruction], &keypair(people::PAYER), &signers, 0, error);
    }
}

fn edge(from: u8, to: u8, when_dead: u8) -> ConstraintRecord {
    ConstraintRecord { when_dead, ..before(from, to) }
}

#[test]
fn no_operation_is_claimed_while_one_before_it_is_pending() {
    let mut bound = Bound::leased(&[before(0, 1)]);
    let second = bound.put_at(1, 15);
    let first = bound.put_at(0, 0);
    assert_eq!(bound.claim(8), [first], "the lower level goes first, because the higher one waits for it");
    assert_eq!(bound.counts(), (2, 0, 1));
    bound.runs(first);
    assert_eq!(bound.claim(8), [second]);
    bound.runs(second);
    assert_eq!(bound.counts(), (0, 0, 0));
    let header = bound.bench.read().header;
    assert_eq!((header.dispatched, header.claims, header.levels), (2, 2, 0));
}

#[test]
fn a_claim_that_finds_everything_blocked_is_ok_and_counted() {
    let mut bound = Bound::leased(&[before(0, 1)]);
    let first = bound.put(0);
    let second = bound.put(1);
    bound.claim(1);
    assert_eq!(bound.claim(8), [first]);
    assert_eq!(bound.bench.read().header.claims_blocked, 1);
    assert_eq!(bound.bench.entry(second).list, list::READY);
}

#[test]
fn no_operation_is_dispatched_while_one_before_it_is_pending() {
    let mut bound = Bound::open(&[before(0, 1)]);
    let second = bound.put_at(1, 15);
    let first = bound.put_at(0, 0);
    bound.refuses(second, E::OrderWaits);
    bound.runs(first);
    bound.runs(second);

    let mut bound = Bound::leased(&[before(0, 1)]);
    let second = bound.put(1);
    assert_eq!(bound.claim(1), [second]);
    let first = bound.put(0);
    bound.refuses(second, E::OrderWaits);
    assert_eq!(bound.claim(1), [second, first]);
    bound.runs(first);
    bound.runs(second);
}

#[test]
fn a_lease_under_which_the_entry_came_to_wait_costs_no_attempt() {
    for fails in [false, true] {
        let mut bound = Bound::leased(&[before(0, 1)]);
        let second = bound.put(1);
        bound.claim(1);
        bound.put(0);
        if fails {
            bound.fail(second, false);
        } else {
            bound.bench.wait(61);
            bound.reap(second);
        }
        assert_eq!((bound.bench.entry(second).list, bound.bench.entry(second).attempts), (list::READY, 0));
        assert_eq!(bound.counts(), (2, 0, 0));
    }
    // One that does not wait pays.
    let mut bound = Bound::leased(&[before(0, 1)]);
    let second = bound.put(1);
    bound.claim(1);
    bound.fail(second, false);
    assert_eq!((bound.bench.entry(second).list, bound.bench.entry(second).attempts), (list::DELAYED, 1));
    assert_eq!(bound.counts(), (1, 0, 0), "what backs off is pending");
}

#[test]
fn never_two_of_a_chain_are_leased_at_once() {
    let link = |from, to| constraint(constraint_kind::SEQUENTIAL, from, to);
    let mut bound = Bound::leased(&[link(0, 1)]);
    let one = bound.put(0);
    let two = bound.put(0);
    let beside = bound.put(2);
    assert_eq!(bound.claim(8), [one, beside]);
    bound.runs(one);
    assert_eq!(bound.claim(8), [beside, two]);
}

#[test]
fn in_a_level_the_oldest_goes_first_whatever_its_capability() {
    let mut bound = Bound::leased(&[]);
    let all: Vec<EntryHandle> = [2, 0, 2, 1, 0, 3].map(|member| bound.put(member)).into();
    let high = bound.put_at(1, 6);
    assert_eq!(bound.claim(20), [vec![high], all].concat());
}

#[test]
fn a_strict_queue_hands_out_one_lease_and_the_lowest_level_has_its_turn() {
    let policy = leased_policy();
    let strict = wire::create_queue::Data { flags: policy.flags | wire::queue_flags::STRICT, ..policy };
    let mut bound = Bound::new(&strict, 2, &[before(0, 1)]);
    bound.put_at(1, 15);
    let first = bound.put(0);
    bound.put(0);
    assert_eq!(bound.claim(8), [first]);
    assert_eq!(bound.claim(8), [first]);

    let mut bound = Bound::new(&wire::create_queue::Data { lowest_level_every: 2, ..policy }, 3, &[before(2, 0)]);
    let (high, low) = (bound.put_at(1, 9), bound.put_at(1, 3));
    let blocked = bound.put_at(0, 1);
    bound.put_at(2, 2);
    let claimed = bound.claim(2);
    assert_eq!(claimed[0], high);
    assert_ne!(claimed[1], blocked, "what waits is not served");
    assert_ne!(claimed[1], low, "the lowest level that has an entry which does not wait is 2");
}

#[test]
fn an_open_queue_lets_any_of_its_first_eligible_entries_run() {
    let policy = wire::create_queue::Data { eligible_window: 2, ..queue_policy() };
    let mut bound = Bound::new(&policy, 4, &[before(0, 1)]);
    let blocked: Vec<EntryHandle> = (0..3).map(|_| bound.put_at(1, 15)).collect();
    let eligible = [2, 0, 3].map(|member| bound.put(member));
    bound.refuses(blocked[0], E::OrderWaits);
    bound.refuses(eligible[2], E::NotEligible);
    bound.runs(eligible[1]);
    bound.runs(blocked[1]);
    let strict = wire::create_queue::Data { flags: wire::queue_flags::STRICT, ..policy };
    let mut bound = Bound::new(&strict, 4, &[]);
    let entries = [2, 0].map(|member| bound.put(member));
    bound.refuses(entries[1], E::NotEligible);
    bound.runs(entries[0]);
    bound.runs(entries[1]);
}

#[test]
fn a_dead_one_blocks_is_skipped_or_kills_as_its_edge_says() {
    let records = [edge(0, 1, when_dead::BLOCK), edge(0, 2, when_dead::SKIP), edge(0, 3, when_dead::CASCADE)];
    let mut bound = Bound::leased(&records);
    let first = bound.put(0);
    let [blocked, skips, dies] = [1, 2, 3].map(|member| bound.put(member));
    bound.claim(1);
    bound.fail(first, true);
    assert_eq!(bound.counts(), (3, 1, 0));
    assert_eq!(bound.claim(8), [skips]);
    assert_eq!((bound.bench.entry(dies).list, bound.bench.entry(dies).reason), (list::DEAD, reason::CASCADE));
    assert_eq!(bound.bench.entry(blocked).list, list::READY);
    // Put back, it is before the blocked one again.
    bound.operate(&wire::redrive::SPEC, first, &0u16.to_le_bytes());
    assert_eq!(bound.claim(8), [skips, first]);
    bound.runs(first);
    assert_eq!(bound.claim(8), [skips, blocked]);
}

#[test]
fn what_dies_with_another_is_reaped_and_not_dispatched() {
    let mut bound = Bound::open(&[edge(0, 1, when_dead::CASCADE)]);
    let [first, second] = [0, 1].map(|member| bound.put(member));
    let waiting = bound.bench.reap(&[second]);
    bound.bench.refuse(&[waiting], &[], 0, E::NothingToReap);
    bound.operate(&wire::dead_letter::SPEC, first, &[]);
    bound.refuses(second, E::OrderDoomed);
    bound.reap(second);
    assert_eq!(bound.bench.entry(second).reason, reason::CASCADE);
    // Nothing comes after the second, so nobody counts its death.
    assert_eq!((bound.counts(), bound.bench.entry(second).order_bit), ((0, 1, 0), NO_BIT));
}

#[test]
fn at_most_eight_die_in_the_way_of_a_claim() {
    let mut bound = Bound::leased(&[edge(0, 1, when_dead::CASCADE)]);
    let first = bound.put(0);
    for _ in 0..9 {
        bound.put(1);
    }
    let last = bound.put_at(2, 0);
    bound.operate(&wire::dead_letter::SPEC, first, &[]);
    assert_eq!(bound.claim(1), []);
    let header = bound.bench.read().header;
    assert_eq!((header.dead_count, header.ready_count), (9, 2));
    assert_eq!(bound.claim(1), [last]);
}

#[test]
fn what_is_held_or_dead_too_long_is_given_up() {
    let patience = i64::from(PATIENCE_SECONDS);
    let mut bound = Bound::open(&[edge(0, 1, when_dead::BLOCK)]);
    let [first, second] = [0, 1].map(|member| bound.put(member));
    bound.operate(&wire::hold::SPEC, first, &[]);
    bound.bench.wait(patience - 1);
    let early = bound.bench.reap(&[first]);
    bound.bench.refuse(&[early], &[], 0, E::NothingToReap);
    bound.refuses(second, E::OrderWaits);
    bound.bench.wait(1);
    bound.reap(first);
    assert_eq!((bound.bench.entry(first).list, bound.bench.entry(first).order_bit), (list::HELD, NO_BIT));
    bound.runs(second);
    // It is counted anew once it is let go.
    assert_eq!(bound.counts(), (0, 0, 0));
    bound.operate(&wire::release::SPEC, first, &[]);
    assert_eq!(bound.counts(), (1, 0, 0));

    let mut bound = Bound::open(&[edge(0, 1, when_dead::BLOCK)]);
    let [first, second] = [0, 1].map(|member| bound.put(member));
    bound.operate(&wire::dead_letter::SPEC, first, &[]);
    bound.refuses(second, E::OrderWaits);
    bound.bench.wait(patience);
    bound.reap(first);
    assert_eq!((bound.bench.entry(first).list, bound.counts()), (list::DEAD, (1, 0, 0)));
    bound.runs(second);
    bound.operate(&wire::redrive::SPEC, first, &0u16.to_le_bytes());
    assert_eq!(bound.counts(), (1, 0, 0));
    bound.runs(first);
}

#[test]
fn what_leaves_is_counted_no_more() {
    let mut bound = Bound::open(&[edge(0, 1, when_dead::BLOCK)]);
    let handles = [0, 0, 0, 0].map(|member| bound.put(member));
    let second = bound.put(1);
    let cancel = bound.bench.cancel(people::PRODUCER, handles[0]);
    bound.bench.send(&[cancel], &[people::PRODUCER]);
    bound.operate(&wire::hold::SPEC, handles[1], &[]);
    let cancel = bound.bench.cancel(people::OWNER, handles[1]);
    bound.bench.send(&[cancel], &[people::OWNER]);
    assert_eq!(bound.counts(), (3, 0, 0));
    bound.operate(&wire::dead_letter::SPEC, handles[2], &[]);
    bound.operate(&wire::dead_letter::SPEC, handles[3], &[]);
    assert_eq!(bound.counts(), (1, 2, 0));
    // One by its handle, the rest by their number.
    bound.operate(&wire::purge::SPEC, handles[3], &0u16.to_le_bytes());
    assert_eq!(bound.counts(), (1, 1, 0));
    bound.refuses(second, E::OrderWaits);
    bound.operate(&wire::purge::SPEC, handles[3], &u16::MAX.to_le_bytes());
    assert_eq!(bound.counts(), (1, 0, 0));
    bound.runs(second);
    let index = bound.bench.read().index.expect("the queue has an index");
    assert_eq!((index.class_used, bound.bench.read().header.levels), ([0; 16], 0));
}

#[test]
fn all_dead_letters_are_put_back_at_once() {
    let mut bound = Bound::open(&[edge(0, 1, when_dead::BLOCK)]);
    let handles = [0, 0, 1].map(|member| bound.put(member));
    for handle in handles {
        bound.operate(&wire::dead_letter::SPEC, handle, &[]);
    }
    bound.operate(&wire::redrive::SPEC, handles[0], &u16::MAX.to_le_bytes());
    assert_eq!((bound.counts(), bound.handles(list::READY)), ((3, 0, 0), handles.to_vec()));
    // With none left, it is no error and changes nothing.
    bound.operate(&wire::redrive::SPEC, handles[0], &u16::MAX.to_le_bytes());
}

#[test]
fn an_expired_entry_is_a_dead_letter_like_others() {
    let mut bound = Bound::open(&[edge(0, 1, when_dead::BLOCK)]);
    let now = bound.bench.fixture.world.unix_seconds();
    let short = bound.enqueue(0, &enqueue::Data { deadline_at: now + 5, ..plain(0) });
    bound.bench.send(&[short], &[people::PRODUCER]);
    let first = bound.bench.last();
    let second = bound.put(1);
    bound.bench.wait(6);
    bound.refuses(second, E::OrderWaits);
    bound.reap(first);
    assert_eq!(bound.bench.entry(first).reason, reason::EXPIRED);
    bound.refuses(second, E::OrderWaits);
}

#[test]
fn what_is_delayed_or_between_two_runs_is_not_counted() {
    let mut bound = Bound::open(&[before(0, 1)]);
    let now = bound.bench.fixture.world.unix_seconds();
    let data = enqueue::Data { not_before_at: now + 10, interval_seconds: 20, runs: 2, ..plain(0) };
    let delayed = bound.enqueue(0, &data);
    bound.bench.send(&[delayed], &[people::PRODUCER]);
    let first = bound.bench.last();
    let second = bound.put(1);
    assert_eq!(bound.counts(), (1, 0, 0));
    bound.runs(second);
    bound.bench.wait(10);
    bound.reap(first);
    assert_eq!(bound.counts(), (1, 0, 0));
    let third = bound.put(1);
    bound.refuses(third, E::OrderWaits);
    bound.runs(first);
    assert_eq!(bound.counts(), (1, 0, 0), "between two runs nothing waits for it");
    bound.runs(third);
    bound.bench.wait(20);
    let next = EntryHandle { generation: first.generation + 1, ..first };
    bound.reap(next);
    bound.runs(next);
    assert_eq!(bound.counts(), (0, 0, 0));
}

#[test]
fn a_later_epoch_waits_for_the_older_one_and_not_the_reverse() {
    let mut bound = Bound::open(&[before(0, 1)]);
    let second = bound.put(1);
    let rotate = rotate_epoch(&bound.bench.order.expect("an order"));
    bound.bench.send(std::slice::from_ref(&rotate), &[]);
    let first = bound.put(0);
    let third = bound.put(1);
    bound.refuses(third, E::OrderWaits);
    bound.bench.refuse(std::slice::from_ref(&rotate), &[], 0, E::OlderEpochPending);
    bound.runs(second);
    bound.bench.send(&[rotate], &[]);
    bound.refuses(third, E::OrderWaits);
    bound.runs(first);
    bound.runs(third);
}

#[test]
fn the_members_level_is_that_of_entries_that_state_none() {
    let priority = ConstraintRecord { to: 11, ..constraint(constraint_kind::PRIORITY, 2, 0) };
    let mut bound = Bound::open(&[priority]);
    for (member, stated, level) in [(2, wire::DEFAULT_LEVEL, 11), (1, wire::DEFAULT_LEVEL, 5), (2, 3, 3)] {
        let handle = bound.put_at(member, stated);
        assert_eq!(bound.bench.entry(handle).level, level);
    }
    assert_eq!(bound.bench.read().header.default_level, 5);
}

#[test]
fn a_queue_bound_to_an_order_refuses_an_enqueue_without_it() {
    let mut bound = Bound::open(&[]);
    let mut enqueue = bound.enqueue(0, &plain(0));
    enqueue.accounts.pop();
    bound.refuse_any(enqueue, people::PRODUCER, E::OrderMissing as u32);
    let mut batch = bound.bench.enqueue_batch(1, 2, &[]);
    batch.accounts.remove(wire::enqueue_batch::SPEC.accounts.len());
    bound.refuse_any(batch.clone(), people::PRODUCER, E::OrderMissing as u32);
    batch.accounts.truncate(wire::enqueue_batch::SPEC.accounts.len());
    bound.refuse_any(batch, people::PRODUCER, E::OrderMissing as u32);
}

#[test]
fn every_verb_wants_the_order_and_no_other() {
    let mut bound = Bound::leased(&[before(0, 1)]);
    let handle = bound.put(0);
    let other = other_order(&bound);
    bound.bench.fixture = other.fixture;
    let verbs: Vec<(Instruction, &str)> = vec![
        (bound.enqueue(0, &plain(0)), people::PRODUCER),
        (bound.enqueue(0, &enqueue::Data { not_before_at: 1, ..plain(0) }), people::PRODUCER),
        (bound.bench.claim(people::WORKER, 0, 1), people::WORKER),
        (bound.bench.dispatch(people::WORKER, handle), people::WORKER),
        (bound.bench.dispatch_direct(handle), people::WORKER),
        (bound.bench.fail(people::WORKER, handle, true), people::WORKER),
        (bound.bench.reap(&[handle]), ""),
        (bound.bench.cancel(people::OWNER, handle), people::OWNER),
        (bound.bench.operate(&wire::reprioritize::SPEC, handle, &[3]), people::OWNER),
        (bound.bench.operate(&wire::hold::SPEC, handle, &[]), people::OWNER),
        (bound.bench.operate(&wire::release::SPEC, handle, &[]), people::OWNER),
        (bound.bench.operate(&wire::dead_letter::SPEC, handle, &[]), people::OWNER),
        (bound.bench.operate(&wire::redrive::SPEC, handle, &[0, 0]), people::OWNER),
        (bound.bench.operate(&wire::purge::SPEC, handle, &[1, 0]), people::OWNER),
    ];
    for (index, (instruction, signer)) in verbs.into_iter().enumerate() {
        let order = instruction.accounts.len() - 1;
        let mut wrong = instruction.clone();
        wrong.accounts[order].pubkey = other.order;
        bound.refuse_any(wrong, signer, E::WrongOrder as u32);
        let mut read_only = instruction.clone();
        read_only.accounts[order].is_writable = false;
        bound.refuse_any(read_only, signer, ProgramError::Immutable);
        let mut no_order = instruction.clone();
        no_order.accounts[order].pubkey = bound.bench.shard;
        if index < 4 {
            bound.refuse_any(no_order, signer, E::OrderMissing as u32);
        } else {
            bound.refuse_any(no_order, signer, ProgramError::InvalidAccountData);
        }
        let mut missing = instruction.clone();
        missing.accounts.pop();
        bound.refuse_any(missing, signer, E::OrderMissing as u32);
    }
}

/// Another order of the same shard, in the same world.
fn other_order(bound: &Bound) -> Shared {
    let mut fixture = bound.bench.fixture.clone();
    let create = create_order(&bound.bench.shard, 1, composition_mode::STRICT, &[invitation(&bound.bench.shard, 1)]);
    let order = create.accounts[wire::create_order::Position::order as usize].pubkey;
    fixture.send(&[create], &[people::OWNER]);
    let mut other = Shared { fixture, shards: vec![bound.bench.shard], order, members: Vec::new() };
    let join = set_constraints(&other.order, &bound.bench.shard, &bound.members, &[]);
    other.fixture.send(&[join], &[people::OWNER]);
    other
}

#[test]
fn a_queue_without_an_order_takes_none() {
    let mut bound = Bound::leased(&[]);
    let mut free = Bench::new(Mainnet, &leased_policy(), &Definition::new(&NOOP.address()));
    let handle = free.put(1, &[]);
    let order = bound.bench.fixture.world.account(&bound.bench.order.expect("an order"));
    let key = address("an order");
    free.fixture.world.set_account(&key, order);
    free.order = Some(key);
    let verbs = [
        (free.enqueue(&plain(2), &[]), people::PRODUCER),
        (free.claim(people::WORKER, 0, 1), people::WORKER),
        (free.dispatch(people::WORKER, handle), people::WORKER),
        (free.operate(&wire::hold::SPEC, handle, &[]), people::OWNER),
        (free.close_queue(&address(people::STRANGER)), people::OWNER),
    ];
    bound.bench = free;
    for (instruction, signer) in verbs {
        let error =
            if instruction.data[0] == wire::close_queue::DISCRIMINATOR { E::QueueNotEmpty } else { E::WrongOrder };
        bound.refuse_any(instruction, signer, error as u32);
    }
}

#[test]
fn a_capability_that_is_no_member_is_refused() {
    let mut bound = Bound::open(&[]);
    let stranger = bound.bench.fixture.capability(&bound.bench.shard, &Definition::new(&NOOP.address()));
    bound.members.push(stranger);
    for not_before_at in [0, i64::from(u32::MAX)] {
        let enqueue = bound.enqueue(4, &enqueue::Data { not_before_at, ..plain(0) });
        bound.bench.refuse(&[enqueue], &[people::PRODUCER], 0, E::NotMember);
    }
}

#[test]
fn a_queue_tells_16_capabilities_apart_at_a_time() {
    let mut bound = Bound::new(&queue_policy(), 8, &[]);
    for _ in 0..2 {
        let new: Vec<Pubkey> = (0..8)
            .map(|_| bound.bench.fixture.capability(&bound.bench.shard, &Definition::new(&NOOP.address())))
            .collect();
        let order = bound.bench.order.expect("an order");
        bound.bench.send(&[set_constraints(&order, &bound.bench.shard, &new, &[])], &[people::OWNER]);
        bound.members.extend(new);
    }
    let handles: Vec<EntryHandle> = (0..16).map(|member| bound.put(member)).collect();
    let one_more = bound.enqueue(16, &plain(0));
    bound.bench.refuse(std::slice::from_ref(&one_more), &[people::PRODUCER], 0, E::TooManyClasses);
    bound.put(3);
    bound.runs(handles[2]);
    bound.bench.send(&[one_more], &[people::PRODUCER]);
}

#[test]
fn a_batch_and_a_restored_entry_are_counted() {
    let mut bound = Bound::open(&[before(0, 1)]);
    bound.bench.capability = bound.members[0];
    let batch = bound.bench.enqueue_batch(1, 3, &[]);
    bound.bench.send(&[batch], &[people::PRODUCER]);
    assert_eq!(bound.counts(), (3, 0, 0));
    let pause = bound.bench.pause_shard(true);
    bound.bench.send(&[pause], &[people::OWNER]);
    bound.bench.capability = bound.members[1];
    let restore = bound.bench.restore(&plain(9), &[]);
    let mut without = restore.clone();
    without.accounts.pop();
    bound.bench.refuse(&[without], &[people::OWNER], 0, E::OrderMissing);
    bound.bench.send(&[restore], &[people::OWNER]);
    assert_eq!(bound.counts(), (4, 0, 0));
    let resume = bound.bench.pause_shard(false);
    bound.bench.send(&[resume], &[people::OWNER]);
    let restored = bound.bench.last();
    bound.refuses(restored, E::OrderWaits);
}

#[test]
fn a_queue_is_bound_when_it_is_created_and_for_its_life() {
    let mut shared = Shared::strict(1, 1);
    let foreign = shared.fixture.shard();
    shared.shards.push(foreign);
    let policy = wire::create_queue::Data { slots: 20, ..queue_policy() };
    let refuse = |shared: &mut Shared, create: Instruction, error: E| {
        let (payer, owner) = (keypair(people::PAYER), keypair(people::OWNER));
        shared.fixture.world.expect_error(&[create], &payer, &[&owner], 0, error as u32);
    };
    let uninvited = shared.creation(1, &policy);
    refuse(&mut shared, uninvited, E::NotInOrder);
    let mut without = shared.creation(0, &policy);
    without.accounts.pop();
    refuse(&mut shared, without, E::OrderMissing);
    let too_long = shared.creation(0, &wire::create_queue::Data { slots: 24, ..policy });
    refuse(&mut shared, too_long, E::QueueTooLarge);

    let mut bench = shared.bench(0, &policy);
    let order = bench.order.expect("an order");
    assert_eq!(bench.read_order().shards[0].queues, 1);
    bench.refuse(&[close_order(&order, &bench.shard)], &[people::OWNER], 0, E::OrderInUse);
    let accounts =
        wire::update_queue::Accounts { shard: bench.shard, owner: address(people::OWNER), queue: bench.queue };
    let update = |flags| {
        let data = wire::update_queue::Data { max_deadline_seconds: 60, max_attempts: 2, flags, ..Default::default() };
        wire::update_queue(SCHEDULER.address(), accounts, &[], &data, &[])
    };
    bench.refuse(&[update(0)], &[people::OWNER], 0, E::WrongFlags);
    bench.send(&[update(wire::queue_flags::ORDERED)], &[people::OWNER]);
    bench.grow_to(90);
    let handle = bench.put(1, &[]);
    let cancel = bench.cancel(people::OWNER, handle);
    let close = bench.close_queue(&address(people::STRANGER));
    bench.refuse(std::slice::from_ref(&close), &[people::OWNER], 0, E::QueueNotEmpty);
    bench.send(&[cancel], &[people::OWNER]);
    let mut without = close.clone();
    without.accounts.pop();
    bench.refuse(&[without], &[people::OWNER], 0, E::OrderMissing);
    bench.send(&[close], &[people::OWNER]);
    assert_eq!(bench.read_order().shards[0].queues, 0);
    bench.send(&[close_order(&order, &bench.shard)], &[people::OWNER]);
}
