//! Cases of the instructions of orders and of the compute budget.

use crate::{case::ValidCase, change::Kind};
use mollusk_tests::{
    features::FeatureProfile,
    fixture::{Definition, Fixture, people},
    orders::{
        Shared, accept_constraints, allocate_resources, before, close_order, create_order, invitation, rotate_epoch,
        set_budget, set_constraints, weight,
    },
    programs::NOOP,
};
use shared_layouts::scheduler::composition_mode;

pub fn cases() -> Vec<ValidCase> {
    let mut shared = Shared::strict(2, 2);
    shared.set(0, &[before(0, 2)]);
    let version = shared.order().shards[0].version;
    let [first, second] = [shared.shards[0], shared.shards[1]];
    let invitations = [invitation(&first, 2), invitation(&second, 2)];
    let create = create_order(&first, 1, composition_mode::STRICT, &invitations);
    let created = create.data.len();
    let new = shared.fixture.capability(&second, &Definition::new(&NOOP.address()));
    let set = set_constraints(&shared.order, &second, &[new], &[before(0, 3)]);
    let set_bytes = set.data.len();
    let accept = accept_constraints(&shared.order, &second, 0, version, 1);
    vec![
        ValidCase::new("CreateOrder", &shared.fixture, create)
            .lengths(created - 40..=created - 40, "the opener may be the only shard"),
        ValidCase::new("SetConstraints", &shared.fixture, set)
            .lengths(set_bytes - 8..=set_bytes - 8, "a set may be empty"),
        ValidCase::new("AcceptConstraints", &shared.fixture, accept),
        ValidCase::new("Compose", &shared.fixture, shared.composition()),
        ValidCase::new("RotateEpoch", &shared.fixture, rotate_epoch(&shared.order)),
        ValidCase::new("CloseOrder", &shared.fixture, close_order(&shared.order, &first))
            .any_key("recipient", "the owner says who receives the rent")
            .accepts("recipient", Kind::Owner, "lamports can be given to any account"),
        allocation(),
    ]
}

fn allocation() -> ValidCase {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shards = [fixture.shard(), fixture.shard()];
    fixture.send(&[set_budget(1_000, 10)], &[people::AUTHORITY]);
    let allocate = allocate_resources(&[weight(&fixture, &shards[1], 5)]);
    let full = allocate.data.len();
    ValidCase::new("AllocateResources", &fixture, allocate)
        .lengths(full - 16..=full - 16, "weights may stay as they are")
        .lengths(full + 16..=full + 16, "a record of zeros takes the first shard's weight away")
}
