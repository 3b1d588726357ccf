//! Rows of the scheduler.

use super::row;
use crate::report::Row;
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{
    Definition, Fixture, dispatch, enqueue, execute, initialize_processor, initialize_scheduler, pause, people, resume,
};
use mollusk_tests::programs::{NOOP, SCHEDULER};
use solana_pubkey::Pubkey;

/// Arguments of the entries.
const ARGUMENTS: [u8; 64] = [7; 64];

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("scheduler/initialize", |profile| {
            let mut fixture = Fixture::installed(profile);
            fixture.send(&[initialize_processor()], &[people::AUTHORITY]);
            fixture.send(&[initialize_scheduler()], &[people::AUTHORITY]).units_of(0)
        }),
        row("scheduler/pause", |profile| {
            Fixture::new(profile).send(&[pause(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        row("scheduler/resume", |profile| {
            let mut fixture = Fixture::new(profile);
            fixture.send(&[pause(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]);
            fixture.send(&[resume(SCHEDULER, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        row("scheduler/enqueue/empty", |profile| Open::new(profile).enqueue()),
        row("scheduler/dispatch/unleased", |profile| Open::new(profile).dispatch()),
    ]
}

/// An empty open queue.
struct Open {
    fixture: Fixture,
    shard: Pubkey,
    queue: Pubkey,
    capability: Pubkey,
}

impl Open {
    fn new(profile: FeatureProfile) -> Self {
        let mut fixture = Fixture::new(profile);
        let shard = fixture.shard();
        let queue = fixture.queue(&shard);
        let capability = fixture.capability(&shard, &Definition::new(&NOOP.address()));
        Self { fixture, shard, queue, capability }
    }

    fn enqueue(&mut self) -> u64 {
        let enqueue = enqueue(&self.queue, &self.capability, 1, 5, &ARGUMENTS);
        self.fixture.send(&[enqueue], &[people::PRODUCER]).units_of(0)
    }

    fn dispatch(mut self) -> u64 {
        self.enqueue();
        let run =
            [dispatch(&self.shard, &self.queue, 0, 1), execute(&self.capability, &NOOP.address(), &[], &ARGUMENTS)];
        self.fixture.send(&run, &[people::WORKER]).units_of(0)
    }
}
