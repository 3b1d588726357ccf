//! When an operation may run, and how often: the rule of recurring operations, kept beside the programs.

use crate::setup::MAX_DEADLINE_SECONDS;
use shared_layouts::scheduler::{enqueue, entry_flags};

/// When the present run of an operation is due, and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When it is due, unix seconds.
    pub due_at: i64,
    /// How long it may run from then on, seconds.
    pub seconds_to_run: i64,
    /// From when a run is due until the next one is, seconds; zero if there is one run.
    pub interval_seconds: u32,
    /// Runs that were asked for; `u32::MAX` for no end.
    pub runs: u32,
    /// Periods that were missed are made up for.
    pub catches_up: bool,
}

impl Schedule {
    /// What a request asks for.
    pub fn of(request: &enqueue::Data, now: i64) -> Self {
        let due_at = request.not_before_at.max(now);
        let latest = due_at + i64::from(MAX_DEADLINE_SECONDS);
        let deadline_at = if request.deadline_at == 0 { latest } else { request.deadline_at };
        Self {
            due_at,
            seconds_to_run: deadline_at - due_at,
            interval_seconds: request.interval_seconds,
            runs: request.runs.max(1),
            catches_up: request.flags & entry_flags::CATCH_UP != 0,
        }
    }

    /// After this the present run is too late, unix seconds.
    pub fn deadline_at(&self) -> i64 {
        self.due_at + self.seconds_to_run
    }

    /// It runs until somebody takes it out.
    pub fn is_endless(&self) -> bool {
        self.runs == u32::MAX
    }

    /// It ran, and has another run: an interval after this one was due, and unless it catches up not before now.
    pub fn recur(&mut self, now: i64) {
        self.due_at += i64::from(self.interval_seconds);
        while !self.catches_up && self.due_at <= now {
            self.due_at += i64::from(self.interval_seconds);
        }
    }

    /// It died, or was to, and is put back: it has as long as it had at first.
    pub fn put_back(&mut self, now: i64) {
        self.due_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_ten(flags: u8) -> Schedule {
        let request = enqueue::Data {
            not_before_at: 105,
            deadline_at: 125,
            interval_seconds: 10,
            runs: 3,
            flags,
            ..Default::default()
        };
        Schedule::of(&request, 100)
    }

    #[test]
    fn missed_periods_are_left_out_or_made_up_for() {
        let mut leaves_out = every_ten(0);
        leaves_out.recur(107);
        assert_eq!((leaves_out.due_at, leaves_out.deadline_at()), (115, 135));
        leaves_out.recur(135);
        assert_eq!(leaves_out.due_at, 145, "a period that begins now was missed");
        let mut makes_up = every_ten(entry_flags::CATCH_UP);
        makes_up.recur(135);
        assert_eq!(makes_up.due_at, 115);
        makes_up.put_back(140);
        assert_eq!((makes_up.due_at, makes_up.deadline_at()), (140, 160));
    }

    #[test]
    fn what_asks_for_nothing_is_due_at_once_and_runs_once() {
        let schedule = Schedule::of(&enqueue::Data::default(), 100);
        assert_eq!((schedule.due_at, schedule.runs, schedule.is_endless()), (100, 1, false));
        assert_eq!(schedule.deadline_at(), 100 + i64::from(MAX_DEADLINE_SECONDS));
    }
}
