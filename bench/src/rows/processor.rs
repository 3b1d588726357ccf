//! Rows of the processor.

use super::{floor, row};
use crate::report::Row;
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{
    Definition, Fixture, dispatch, enqueue, execute, fixed, initialize_processor, pause, people, resume, verify,
};
use mollusk_tests::programs::{NOOP, PROCESSOR};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("processor/initialize", |profile| {
            Fixture::installed(profile).send(&[initialize_processor()], &[people::AUTHORITY]).units_of(0)
        }),
        row("processor/pause", |profile| {
            Fixture::new(profile).send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        row("processor/resume", |profile| {
            let mut fixture = Fixture::new(profile);
            fixture.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
            fixture.send(&[resume(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        row("processor/verify/predicates-0", |profile| Queued::new(profile, &three_fixed()).verify()),
        row("processor/execute/predicates-0", |profile| Queued::new(profile, &three_fixed()).execute()),
    ]
}

/// A capability that calls the no-op program with [`floor::three_accounts`].
fn three_fixed() -> Definition {
    Definition::new(&NOOP.address()).targets(floor::keys().map(|key| fixed(&key, 0)))
}

/// An entry in a queue, ready to be run.
struct Queued {
    fixture: Fixture,
    capability: Pubkey,
    dispatch: Instruction,
}

impl Queued {
    fn new(profile: FeatureProfile, definition: &Definition) -> Self {
        let mut fixture = Fixture::new(profile);
        let shard = fixture.shard();
        let queue = fixture.queue(&shard);
        let capability = fixture.capability(&shard, definition);
        fixture.send(&[enqueue(&queue, &capability, 1, 5, &[])], &[people::PRODUCER]);
        Self { fixture, capability, dispatch: dispatch(&shard, &queue, 0, 1) }
    }

    /// Units of `Verify` between the dispatch and the target call.
    fn verify(mut self) -> u64 {
        let accounts = floor::three_accounts();
        let target = Instruction::new_with_bytes(NOOP.address(), &[], accounts.clone());
        let run = [self.dispatch, verify(&self.capability, &accounts, &[]), target];
        self.fixture.send(&run, &[people::WORKER]).units_of(1)
    }

    /// Units of `Execute` behind the dispatch, the target's included.
    fn execute(mut self) -> u64 {
        let run = [self.dispatch, execute(&self.capability, &NOOP.address(), &floor::three_accounts(), &[])];
        self.fixture.send(&run, &[people::WORKER]).units_of(1)
    }
}
