//! Valid cases of the instructions that the three programs share.

use crate::case::ValidCase;
use mollusk_tests::{
    features::FeatureProfile,
    fixture::{Fixture, config, pause, people, resume},
    lifecycle::{Update, accept, finalize, migrate, nominate},
    programs::{PROCESSOR, PROCESSOR_V2, Program, SCHEDULER, address},
    world::World,
};
use shared_layouts::{
    diff,
    lifecycle::{
        Lifecycle,
        direction::{DOWN, UP},
        migration,
    },
    processor, scheduler,
};
use std::mem::offset_of;

/// All but `Initialize`, which needs other accounts in each program, and what needs a second version of a layout.
pub fn cases(program: Program) -> Vec<ValidCase> {
    let running = Fixture::new(FeatureProfile::Mainnet);
    let mut paused = running.clone();
    paused.send(&[pause(program, people::AUTHORITY)], &[people::AUTHORITY]);
    let mut nominated = running.clone();
    nominated.send(&[nominate(program, people::AUTHORITY, Some(people::STRANGER))], &[people::AUTHORITY]);
    let mut cases = vec![
        ValidCase::new("UpdateConfig", &running, update(program).by(people::AUTHORITY)),
        ValidCase::new("NominateAuthority", &running, nominate(program, people::AUTHORITY, Some(people::STRANGER))),
        ValidCase::new("AcceptAuthority", &nominated, accept(program, people::STRANGER)),
        ValidCase::new("Pause", &running, pause(program, people::AUTHORITY)).key(
            "signer",
            address(people::GUARDIAN),
            "the guardian may pause as well",
        ),
        ValidCase::new("Pause", &running, pause(program, people::GUARDIAN)).key(
            "signer",
            address(people::AUTHORITY),
            "the authority may pause as well",
        ),
        ValidCase::new("Resume", &paused, resume(program, people::AUTHORITY)),
    ];
    if program == PROCESSOR {
        cases.extend(second_version());
    } else {
        cases.extend(one_version(program, &running));
    }
    cases
}

/// A program without a second version has nothing to migrate; an open migration is written into its config by hand.
fn one_version(program: Program, running: &Fixture) -> Vec<ValidCase> {
    let mut open = running.clone();
    let mut account = open.world.account(&config(program));
    account.data[offset_of!(Lifecycle, migration)] = migration::OPEN;
    open.world.set_account(&config(program), account);
    let migrate = migrate(program, people::AUTHORITY, people::PAYER, UP, None);
    vec![
        ValidCase::new("Migrate", running, migrate).never_succeeds("there is one version of each layout"),
        ValidCase::new("Finalize", &open, finalize(program, people::AUTHORITY)),
    ]
}

/// Migration in both directions, and its end: in the processor, for which a second version is built.
fn second_version() -> Vec<ValidCase> {
    let mut first = Fixture::new(FeatureProfile::Mainnet);
    upgrade(&mut first.world);
    let up = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, UP, None);
    let mut open = first.clone();
    open.send(std::slice::from_ref(&up), &[people::AUTHORITY]);
    let down = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, DOWN, None);
    vec![
        ValidCase::new("Migrate", &first, up).by_second_version(),
        ValidCase::new("Migrate", &open, down).by_second_version(),
        ValidCase::new("Finalize", &open, finalize(PROCESSOR, people::AUTHORITY)).by_second_version(),
    ]
}

/// Puts the second version of the processor in the place of the first.
fn upgrade(world: &mut World) {
    world.install_at(PROCESSOR_V2, &PROCESSOR.address(), Some(&address(people::AUTHORITY)));
}

/// One field of the program's own.
fn update(program: Program) -> Update {
    match program {
        PROCESSOR => Update::Processor(processor::update_config::Data {
            fields: processor::config_fields::MAX_COMPUTE_UNITS,
            max_compute_units: 2_000_000,
            ..Default::default()
        }),
        SCHEDULER => Update::Scheduler(scheduler::update_config::Data {
            fields: scheduler::config_fields::MAX_SHARDS,
            max_shards: 7,
            ..Default::default()
        }),
        _ => Update::Diff(diff::update_config::Data {
            fields: diff::config_fields::MAX_BATCH_SIZE,
            max_batch_size: 7,
            ..Default::default()
        }),
    }
}
