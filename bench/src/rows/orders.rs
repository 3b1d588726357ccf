//! Rows of orders and of the compute budget.

use super::scheduler::ARGUMENTS;
use super::{Row, row};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Fixture, people};
use mollusk_tests::orders::{
    Shared, allocate_resources, before, close_order, create_order, invitation, rotate_epoch, set_budget,
    set_constraints, weight,
};
use mollusk_tests::programs::keypair;
use mollusk_tests::queues::{Bench, with_registry};
use shared_layouts::scheduler::{ConstraintRecord, composition_mode, constraint_kind};
use solana_instruction::Instruction;

/// Shards of the measured order.
const SHARDS: u8 = 4;
/// Members that each shard brings in.
const MEMBERS: u8 = 8;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("scheduler/create_order", |profile| {
            let mut fixture = Fixture::new(profile);
            let shard = fixture.shard();
            let create = create_order(&shard, 0, composition_mode::STRICT, &[invitation(&shard, 1)]);
            fixture.send(&[create], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/set_constraints", |profile| {
            owned(&mut pair(profile), |shared| set_constraints(&shared.order, &shared.shards[0], &[], &[before(0, 1)]))
        }),
        row("scheduler/accept_constraints", |profile| {
            let mut shared = pair(profile);
            shared.set(0, &[before(0, 1)]);
            owned(&mut shared, |shared| shared.acceptance(1, 0))
        }),
        row("scheduler/allocate_resources/100-shards", allocate),
        row("scheduler/set_quota", |profile| {
            let mut bench = Bench::open(profile);
            let set = bench.set_quota(1_000);
            bench.send(&[set], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/dispatch/metered", dispatch_metered),
        row("scheduler/close_order", |profile| {
            owned(&mut pair(profile), |shared| close_order(&shared.order, &shared.shards[0]))
        }),
        row("scheduler/compose/32-capabilities", |profile| compose(profile, composition_mode::STRICT, &layered())),
        row("scheduler/compose/32-capabilities-weighted", |profile| {
            compose(profile, composition_mode::WEIGHTED, &contradictory())
        }),
        row("scheduler/rotate_epoch", |profile| {
            let mut shared = Shared::new(profile, SHARDS, MEMBERS.into(), composition_mode::STRICT);
            let rotate = rotate_epoch(&shared.order);
            shared.fixture.send(&[rotate], &[]).units_of(0)
        }),
    ]
}

/// An order of two shards with a member each.
fn pair(profile: FeatureProfile) -> Shared {
    Shared::new(profile, 2, 1, composition_mode::STRICT)
}

/// Units of an instruction of the shards' owner.
fn owned(shared: &mut Shared, instruction: impl Fn(&Shared) -> Instruction) -> u64 {
    let instruction = instruction(shared);
    shared.fixture.send(&[instruction], &[people::OWNER]).units_of(0)
}

/// 16 edges for each shard, from its members to its own and, accepted, to the next shard's: 64 edges in eight levels.
fn layered() -> Vec<Vec<ConstraintRecord>> {
    let edge = |from: u8, to: u8, weight: u16| ConstraintRecord {
        from,
        to,
        kind: constraint_kind::BEFORE,
        when_dead: u8::try_from(weight % 3).expect("below 3"),
        weight,
        reserved: [0; 2],
    };
    (0..SHARDS)
        .map(|shard| {
            let member = |index: u8| shard * MEMBERS + index % MEMBERS;
            let next = |index: u8| (shard + 1) % SHARDS * MEMBERS + index % MEMBERS;
            let inner = (0..7).map(|index| edge(member(index), member(index + 1), 100 + u16::from(index)));
            let skips = (0..3).map(|index| edge(member(index), member(index + 3), 50 + u16::from(index)));
            // To a higher place only, so that no circle comes round.
            let outer = (0..6).map(|index| edge(member(index), next(index + 1), 10 + u16::from(index)));
            let mut set: Vec<_> = inner.chain(skips).chain(outer).collect();
            set.sort_by_key(|edge| std::cmp::Reverse(edge.weight));
            set
        })
        .collect()
}

/// The same with every eighth edge turned round.
fn contradictory() -> Vec<Vec<ConstraintRecord>> {
    let mut sets = layered();
    for edge in sets.iter_mut().flatten().step_by(8) {
        (edge.from, edge.to) = (edge.to, edge.from);
    }
    sets
}

/// Units of a composition of these sets, all accepted.
fn compose(profile: FeatureProfile, mode: u8, sets: &[Vec<ConstraintRecord>]) -> u64 {
    let mut shared = Shared::new(profile, SHARDS, MEMBERS.into(), mode);
    for (shard, set) in sets.iter().enumerate() {
        shared.set(shard, set);
    }
    for shard in 0..sets.len() {
        for submitter in [(shard + 1) % sets.len(), (shard + sets.len() - 1) % sets.len()] {
            let accept = shared.acceptance(shard, submitter);
            // A shard of which the other asks nothing has nothing to accept.
            let _ = shared.fixture.world.send(&[accept], &keypair(people::PAYER), &[&keypair(people::OWNER)]);
        }
    }
    let compose = shared.composition();
    let units = shared.fixture.send(&[compose], &[people::OWNER]).units_of(0);
    let order = shared.order();
    let accepted = order.constraints[..usize::from(order.constraints_count)].iter().filter(|edge| edge.status & 2 != 0);
    assert_eq!((accepted.count(), order.members_count), (64, SHARDS * MEMBERS), "the row's 64 edges are in effect");
    units
}

/// Units of a division among 100 shards, with the weights of 50 of them set in the same instruction.
fn allocate(profile: FeatureProfile) -> u64 {
    let mut fixture = Fixture::new(profile);
    let shards: Vec<_> = (0..100).map(|_| fixture.shard()).collect();
    let weights: Vec<_> =
        (1..).zip(&shards).map(|(number, shard)| weight(&fixture, shard, 1 + number * 37 % 101)).collect();
    let [first, second] = [&weights[..50], &weights[50..]];
    fixture.send(&[set_budget(1_000_000_007, 10)], &[people::AUTHORITY]);
    fixture.send(&[allocate_resources(first)], &[people::AUTHORITY]);
    fixture.send(&[allocate_resources(second)], &[people::AUTHORITY]).units_of(0)
}

/// Units of a dispatch from an open queue that has the whole compute budget as its quota.
fn dispatch_metered(profile: FeatureProfile) -> u64 {
    let mut bench = Bench::open(profile);
    let weights = [weight(&bench.fixture, &bench.shard, 1)];
    bench.send(&[set_budget(1_000_000, 60), allocate_resources(&weights)], &[people::AUTHORITY]);
    let set = bench.set_quota(1_000);
    bench.send(&[set], &[people::OWNER]);
    let handle = bench.put(1, &ARGUMENTS);
    let [dispatch, execute] = bench.run(people::WORKER, handle, &ARGUMENTS);
    bench.send(&[with_registry(dispatch), execute], &[people::WORKER]).units_of(0)
}
