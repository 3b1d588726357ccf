//! Rows of the lifecycle: configuration, and the migration to a second version of a layout.

use super::{Row, row};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Fixture, key, people};
use mollusk_tests::lifecycle::{Update, migrate};
use mollusk_tests::programs::{DIFF, PROCESSOR, PROCESSOR_V2, Program, SCHEDULER, address};
use shared_layouts::lifecycle::{config_fields, direction};

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("processor/update_config", |profile| update_config(profile, PROCESSOR)),
        row("scheduler/update_config", |profile| update_config(profile, SCHEDULER)),
        row("diff/update_config", |profile| update_config(profile, DIFF)),
        row("processor/migrate", |profile| {
            let mut fixture = Fixture::new(profile);
            let authority = address(people::AUTHORITY);
            fixture.world.install_at(PROCESSOR_V2, &PROCESSOR.address(), Some(&authority));
            let migrate = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, direction::UP, None);
            fixture.send(&[migrate], &[people::AUTHORITY]).units_of(0)
        }),
    ]
}

/// Units of another guardian with other times.
fn update_config(profile: FeatureProfile, program: Program) -> u64 {
    let fields =
        config_fields::GUARDIAN | config_fields::GUARDIAN_PAUSE_SECONDS | config_fields::GUARDIAN_COOLDOWN_SECONDS;
    let update = Update::guardian(program, fields, key(people::OWNER), 60, 60);
    Fixture::new(profile).send(&[update.by(people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
}
