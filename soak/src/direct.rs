//! When direct execution is open: what the two authorities did, kept beside the programs.

use crate::engine::Engine;
use mollusk_tests::fixture::{self, Fixture, people};
use mollusk_tests::lifecycle::Update;
use mollusk_tests::programs::PROCESSOR;
use shared_layouts::lifecycle::config_fields::{GUARDIAN_COOLDOWN_SECONDS, GUARDIAN_PAUSE_SECONDS};

/// Longest time for which the scheduler's authority opens it, seconds.
const MOST_SECONDS: i64 = 120;
/// Longest pause by the processor's guardian, and how long after it the next one may begin, seconds.
const GUARDIAN_SECONDS: u32 = 60;

/// A pause of the processor.
#[derive(Clone, Copy)]
struct Pause {
    by_authority: bool,
    /// When it ends by itself, unix seconds.
    ends_at: i64,
}

/// What both authorities did.
#[derive(Clone, Copy, Default)]
pub(crate) struct Direct {
    /// Until when the scheduler's authority has opened direct execution, unix seconds.
    pub(crate) until: i64,
    pause: Option<Pause>,
}

/// How many operations ran directly, or were refused to.
#[derive(Clone, Copy, Debug, Default)]
pub struct DirectRuns {
    /// While the scheduler's authority had opened it.
    pub while_opened: u64,
    /// While only the processor's authority had, with its pause.
    pub while_paused: u64,
    /// Refused, while nobody but the processor's guardian had paused it.
    pub refused_under_guardian: u64,
}

/// The processor's guardian pauses for a short time, and again soon.
pub(crate) fn hasten_guardian(fixture: &mut Fixture) {
    let fields = GUARDIAN_PAUSE_SECONDS | GUARDIAN_COOLDOWN_SECONDS;
    let update = Update::guardian(PROCESSOR, fields, [0; 32], GUARDIAN_SECONDS, GUARDIAN_SECONDS);
    fixture.send(&[update.by(people::AUTHORITY)], &[people::AUTHORITY]);
}

impl Engine {
    /// Nothing is verified or executed.
    pub(crate) fn is_processor_paused(&self) -> bool {
        self.direct.pause.is_some_and(|pause| self.now() < pause.ends_at)
    }

    /// The processor's authority, and not its guardian, has paused it.
    pub(crate) fn is_processor_paused_by_authority(&self) -> bool {
        self.direct.pause.is_some_and(|pause| pause.by_authority)
    }

    /// The scheduler's authority has opened direct execution.
    pub(crate) fn is_direct_opened(&self) -> bool {
        self.now() < self.direct.until
    }

    /// An authority opens direct execution, or closes it.
    pub(crate) fn switch_direct(&mut self) {
        if self.direct.pause.is_some() {
            self.resume_processor();
        } else if self.rng.bool() {
            self.pause_processor();
        } else {
            let until = if self.rng.u8(..4) == 0 { 0 } else { self.now() + self.rng.i64(1..=MOST_SECONDS) };
            self.submit("SetDirect", &[fixture::set_direct(until)], &[people::AUTHORITY])
                .expect("the authority opens and closes");
            self.direct.until = until;
        }
    }

    /// The guardian may have to wait after its last pause.
    fn pause_processor(&mut self) {
        let by_authority = self.rng.bool();
        let signer = if by_authority { people::AUTHORITY } else { people::GUARDIAN };
        let ends_at = if by_authority { i64::MAX } else { self.now() + i64::from(GUARDIAN_SECONDS) };
        let paused = self.submit("Pause", &[fixture::pause(PROCESSOR, signer)], &[signer]);
        assert!(paused.is_ok() || !by_authority, "the authority pauses");
        if paused.is_ok() {
            self.direct.pause = Some(Pause { by_authority, ends_at });
        }
    }

    /// The processor's authority ends a pause, if there is one.
    pub(crate) fn resume_processor(&mut self) {
        if self.direct.pause.take().is_some() {
            let resume = fixture::resume(PROCESSOR, people::AUTHORITY);
            self.submit("Resume", &[resume], &[people::AUTHORITY]).expect("the authority ends a pause");
        }
    }
}
