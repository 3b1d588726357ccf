//! Valid cases of the scheduler.

mod bound;
mod managing;
mod orders;
mod producing;
mod queues;
mod running;
mod scene;
mod shards;

use crate::case::ValidCase;
use mollusk_tests::{
    features::FeatureProfile,
    fixture::{Fixture, initialize_processor, initialize_scheduler, people},
    programs::SCHEDULER,
};
use scene::Scene;

pub fn cases() -> Vec<ValidCase> {
    let open = Scene::open();
    let leased = Scene::leased();
    let mut cases = crate::lifecycle::cases(SCHEDULER);
    cases.push(initialize());
    cases.extend(shards::cases(&open));
    cases.extend(queues::cases(&open));
    cases.extend(producing::cases(&open));
    cases.extend(running::cases(&open, &leased));
    cases.extend(managing::cases(&open));
    cases.extend(bound::cases());
    cases.extend(orders::cases());
    cases
}

fn initialize() -> ValidCase {
    let mut fixture = Fixture::installed(FeatureProfile::Mainnet);
    fixture.send(&[initialize_processor()], &[people::AUTHORITY]);
    ValidCase::new("Initialize", &fixture, initialize_scheduler())
}
