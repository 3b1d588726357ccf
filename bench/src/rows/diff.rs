//! Rows of the diff program.

use super::row;
use crate::report::Row;
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{
    Fixture, apply_inline, initialize_diff, initialize_processor, initialize_scheduler, pause, people, resume,
};
use mollusk_tests::programs::DIFF;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("diff/initialize", |profile| {
            let mut fixture = Fixture::installed(profile);
            fixture.send(&[initialize_processor()], &[people::AUTHORITY]);
            fixture.send(&[initialize_scheduler()], &[people::AUTHORITY]);
            fixture.send(&[initialize_diff()], &[people::AUTHORITY]).units_of(0)
        }),
        row("diff/pause", |profile| {
            Fixture::new(profile).send(&[pause(DIFF, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        row("diff/resume", |profile| {
            let mut fixture = Fixture::new(profile);
            fixture.send(&[pause(DIFF, people::AUTHORITY)], &[people::AUTHORITY]);
            fixture.send(&[resume(DIFF, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        row("diff/apply_inline/1-op", |profile| inline(profile, 1)),
        row("diff/apply_inline/16-ops", |profile| inline(profile, 16)),
    ]
}

/// Units of so many operations of 8 bytes each on a state of 1 KiB.
fn inline(profile: FeatureProfile, count: u32) -> u64 {
    let mut fixture = Fixture::new(profile);
    let state = fixture.state(1_024);
    let operations: Vec<(u32, &[u8])> = (0..count).map(|index| (index * 32, &[7; 8][..])).collect();
    fixture.send(&[apply_inline(&state, 0, &operations)], &[people::OWNER]).units_of(0)
}
