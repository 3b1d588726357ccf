//! Valid cases of the diff program.

mod accounts;
mod batch;
mod preparing;
mod scene;

use crate::case::ValidCase;
use mollusk_tests::{
    features::FeatureProfile,
    fixture::{Fixture, apply_inline, initialize_diff, initialize_processor, initialize_scheduler, people},
    programs::DIFF,
};

pub fn cases() -> Vec<ValidCase> {
    let mut cases = crate::lifecycle::cases(DIFF);
    cases.push(initialize());
    cases.extend(inline());
    cases.extend(accounts::cases());
    cases.extend(preparing::cases());
    cases.extend(batch::cases());
    cases
}

fn initialize() -> ValidCase {
    let mut fixture = Fixture::installed(FeatureProfile::Mainnet);
    fixture.send(&[initialize_processor()], &[people::AUTHORITY]);
    fixture.send(&[initialize_scheduler()], &[people::AUTHORITY]);
    ValidCase::new("Initialize", &fixture, initialize_diff())
}

/// `ApplyInline`, where everything is one instruction.
fn inline() -> Vec<ValidCase> {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    fixture.shard();
    fixture.state(64);
    let state = fixture.state(64);
    // The other state has another version, and the same owner.
    fixture.send(&[apply_inline(&state, 0, &[(8, &[1; 8])])], &[people::OWNER]);
    vec![
        ValidCase::new("ApplyInline", &fixture, apply_inline(&state, 1, &[(0, &[7; 8]), (16, &[7; 8])]))
            .lengths(25..=25, "the data ends behind the first operation"),
    ]
}
