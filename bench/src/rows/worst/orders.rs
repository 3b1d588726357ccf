//! Worst cases of the instructions of orders and of the compute budget.

use crate::rows::lifecycle::prefund;
use crate::rows::{Row, row};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Definition, Fixture, people};
use mollusk_tests::lifecycle::Update;
use mollusk_tests::orders::{
    Shared, allocate_resources, create_order, invitation, set_budget, set_constraints, weight,
};
use mollusk_tests::programs::NOOP;
use shared_layouts::scheduler::{
    ConstraintRecord, MAX_ORDER_SHARDS, MAX_SHARDS, OrderInvitation, composition_mode, config_fields, constraint_kind,
    create_order::Position, update_config, when_dead,
};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_pubkey::Pubkey;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("scheduler/create_order/worst", |profile| {
            let mut fixture = Fixture::new(profile);
            let shard = fixture.shard();
            // Nobody looks at an invited shard before it takes part, so the keys may be as alike as keys can be.
            let alike = |number| {
                let mut key = [7; 32];
                key[31] = number;
                OrderInvitation { shard: key, ..invitation(&shard, 16) }
            };
            let invitations: Vec<_> = [invitation(&shard, 16)].into_iter().chain((1..16).map(alike)).collect();
            let create = create_order(&shard, 0, composition_mode::STRICT, &invitations);
            prefund(&mut fixture, &create.accounts[Position::order as usize].pubkey);
            fixture.send(&[create], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/set_constraints/worst", set_constraints_of_the_last),
        row("scheduler/accept_constraints/worst", |profile| {
            let mut shared = thirds(profile);
            // The members of the second shard have to wait for those of the first.
            let asked = constraints(RECORDS, |index| (index % 21, 21 + index % 21));
            shared.set(0, &asked);
            let accept = shared.acceptance(1, 0);
            shared.fixture.send(&[accept], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/compose/worst", |profile| compose(profile, composition_mode::STRICT, forward)),
        row("scheduler/compose/worst-weighted", |profile| compose(profile, composition_mode::WEIGHTED, back)),
        row("scheduler/allocate_resources/worst", allocate),
    ]
}

/// Constraints of a shard: a third of what an order holds.
const RECORDS: u8 = 85;
/// Members that a shard of three may bring in.
const THIRD: usize = 21;

/// Edges of falling weight between the members that `ends` gives for each number.
fn constraints(count: u8, ends: impl Fn(u8) -> (u8, u8)) -> Vec<ConstraintRecord> {
    let edge = |number: u8| {
        let ((from, to), kind) = (ends(number), constraint_kind::BEFORE);
        let weight = 1_000 - u16::from(number);
        ConstraintRecord { from, to, kind, when_dead: when_dead::CASCADE, weight, reserved: [0; 2] }
    };
    (0..count).map(edge).collect()
}

/// An order of three shards, of which two have all their members and constraints and the last one has all of its
/// constraints and the members that one instruction cannot bring in.
fn thirds(profile: FeatureProfile) -> Shared {
    let mut shared = Shared::new(profile, 3, 0, composition_mode::STRICT);
    for shard in [0, 1] {
        shared.join(shard, 16);
        shared.join(shard, THIRD - 16);
    }
    shared.join(2, THIRD - 16);
    for (shard, first, members) in [(0, 0, 21), (1, 21, 21), (2, 42, 5)] {
        shared.set(shard, &constraints(RECORDS, |index| (first + index % (members - 1), first + members - 1)));
    }
    shared
}

/// 16 more members and as many constraints as fit the same transaction, in the place of a full set.
fn set_constraints_of_the_last(profile: FeatureProfile) -> u64 {
    const BESIDE_MEMBERS: u8 = 42;
    let mut shared = thirds(profile);
    let shard = shared.shards[2];
    let definition = Definition::new(&NOOP.address());
    let new: Vec<Pubkey> = (0..16).map(|_| shared.fixture.capability(&shard, &definition)).collect();
    let records = constraints(BESIDE_MEMBERS, |index| (42 + index % 20, 62));
    shared.fixture.send(&[set_constraints(&shared.order, &shard, &new, &records)], &[people::OWNER]).units_of(0)
}

/// Place of a member in an order of all: first the first members of all shards, then their second ones, and so on.
fn rank(member: u8) -> u8 {
    member % 4 * 16 + member / 4
}

/// The member that the numbered constraint of a shard makes wait, and some member before it.
fn forward(shard: u8, number: u8) -> (u8, u8) {
    let to = shard * 4 + number % 4;
    let to = if rank(to) == 0 { to + 1 } else { to };
    let from = (0..64).filter(|member| rank(*member) < rank(to)).cycle().nth(usize::from(number) * 11 + 3);
    (from.expect("there is one"), to)
}

/// The member that the numbered constraint of a shard makes wait, and some member of a higher bit: each of these edges goes
/// back in the sequence of members that a weighted composition begins with.
fn back(shard: u8, number: u8) -> (u8, u8) {
    let to = (shard * 4 + number % 4).min(62);
    (to + 1 + (number.wrapping_mul(59) ^ shard.wrapping_mul(31)) % (63 - to), to)
}

/// Units of a composition of 256 constraints, all in effect, over 64 members of 16 shards. Of several kinds of graphs that
/// were tried these are the dearest.
fn compose(profile: FeatureProfile, mode: u8, ends: fn(u8, u8) -> (u8, u8)) -> u64 {
    let shards = u8::try_from(MAX_ORDER_SHARDS).expect("few shards");
    let mut shared = Shared::new(profile, shards, 4, mode);
    for shard in 0..shards {
        let mut set = constraints(16, |number| ends(shard, number));
        // A link joins two chains, which is noted for each member of both.
        for (number, link) in (0..).zip(&mut set[4..7]) {
            (link.from, link.to, link.kind) = (shard * 4 + number, shard * 4 + number + 1, constraint_kind::SEQUENTIAL);
        }
        if mode == composition_mode::WEIGHTED && shard == 0 {
            // An assertion that is kept has every lighter edge looked at from both of its ends.
            set[0] = ConstraintRecord { from: 0, to: 1, kind: constraint_kind::CONCURRENT, when_dead: 0, ..set[0] };
        }
        shared.set(shard.into(), &set);
    }
    let compose = [ComputeBudgetInstruction::set_compute_unit_limit(1_400_000), shared.composition()];
    let units = shared.fixture.send(&compose, &[people::OWNER]).units_of(1);
    let order = shared.order();
    assert_eq!((order.constraints_count, order.members_count), (256, 64), "the order is full");
    units
}

/// Units of a division among as many shards as the registry holds, with as many weights as fit the transaction.
fn allocate(profile: FeatureProfile) -> u64 {
    let mut fixture = Fixture::new(profile);
    let max_shards = u16::try_from(MAX_SHARDS).expect("few shards");
    let data = update_config::Data { fields: config_fields::MAX_SHARDS, max_shards, ..Default::default() };
    fixture.send(&[Update::Scheduler(data).by(people::AUTHORITY)], &[people::AUTHORITY]);
    let shards: Vec<_> = (0..MAX_SHARDS).map(|_| fixture.shard()).collect();
    let weights: Vec<_> =
        (1..).zip(&shards).map(|(number, shard)| weight(&fixture, shard, 1 + number * 37 % 101)).collect();
    fixture.send(&[set_budget(1_000_000_007, 10)], &[people::AUTHORITY]);
    let budget = ComputeBudgetInstruction::set_compute_unit_limit(1_400_000);
    let parts: Vec<_> = weights.chunks(51).map(allocate_resources).collect();
    let units = parts.into_iter().map(|part| fixture.send(&[budget.clone(), part], &[people::AUTHORITY]).units_of(1));
    units.max().expect("there are shards")
}
