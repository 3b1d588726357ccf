//! Valid cases of the diff program.

use crate::case::ValidCase;
use mollusk_tests::{
    features::FeatureProfile,
    fixture::{
        Fixture, apply_inline, initialize_diff, initialize_processor, initialize_scheduler, pause, people, resume,
    },
    programs::{DIFF, address},
};

pub fn cases() -> Vec<ValidCase> {
    let mut cases = lifecycle();
    cases.extend(states());
    cases
}

fn lifecycle() -> Vec<ValidCase> {
    let mut installed = Fixture::installed(FeatureProfile::Mainnet);
    installed.send(&[initialize_processor()], &[people::AUTHORITY]);
    installed.send(&[initialize_scheduler()], &[people::AUTHORITY]);
    let running = Fixture::new(FeatureProfile::Mainnet);
    let mut paused = running.clone();
    paused.send(&[pause(DIFF, people::AUTHORITY)], &[people::AUTHORITY]);
    vec![
        ValidCase::new("Initialize", &installed, initialize_diff()),
        ValidCase::new("Pause", &running, pause(DIFF, people::AUTHORITY)).key(
            "signer",
            address(people::GUARDIAN),
            "the guardian may pause as well",
        ),
        ValidCase::new("Pause", &running, pause(DIFF, people::GUARDIAN)).key(
            "signer",
            address(people::AUTHORITY),
            "the authority may pause as well",
        ),
        ValidCase::new("Resume", &paused, resume(DIFF, people::AUTHORITY)),
    ]
}

fn states() -> Vec<ValidCase> {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    fixture.shard();
    fixture.state(64);
    let state = fixture.state(64);
    // The other state has another version, and the same owner.
    fixture.send(&[apply_inline(&state, 0, &[(8, &[1; 8])])], &[people::OWNER]);
    vec![
        ValidCase::new("CreateState", &fixture, fixture.create_state(64))
            .any_key("owner", "whoever signs owns the new state"),
        ValidCase::new("ApplyInline", &fixture, apply_inline(&state, 1, &[(0, &[7; 8]), (16, &[7; 8])]))
            .lengths(25..=25, "the data ends behind the first operation"),
    ]
}
