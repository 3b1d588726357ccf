//! Who goes first of those that the order lets run: the highest level, and in it who has been ready for longest; the lowest
//! level where that has its turn. The line is followed as a plain list of what became ready.

use crate::judge::{Id, Turn};
use crate::world::{Setup, World};
use cores::order::epochs;
use cores::queue::{Handle, Refusal};
use shared_layouts::scheduler::{SchedulerError, enqueue, list, queue_flags, when_dead};

const STEPS: usize = 400;

/// The first queue of a world, and its ready entries with their levels, in the order in which they became ready.
struct Line {
    world: World,
    setup: Setup,
    ready: Vec<(Id, u8)>,
    claims: u64,
}

impl Line {
    fn new(seed: u64, setup: Setup) -> Self {
        let mut world = World::with(seed, setup);
        world.recompose();
        Self { world, setup, ready: Vec::new(), claims: 0 }
    }

    fn below(&mut self, limit: u64) -> u8 {
        u8::try_from(self.world.below(limit)).expect("a small number")
    }

    /// Those that the order lets run, in strict order.
    fn allowed(&self) -> Vec<(Id, u8)> {
        let is_allowed = |one: &&(Id, u8)| self.world.judge.turn(one.0) == Turn::Allowed;
        let mut allowed: Vec<(Id, u8)> = self.ready.iter().filter(is_allowed).copied().collect();
        // Stable: in each level the oldest first.
        allowed.sort_by_key(|one| std::cmp::Reverse(one.1));
        allowed
    }

    fn is_lowest_turn(&self, claims: u64) -> bool {
        let every = u64::from(self.setup.lowest_every);
        every > 0 && (claims + 1).is_multiple_of(every)
    }

    /// The oldest of the lowest level that has anything.
    fn lowest(allowed: &[(Id, u8)]) -> Option<(Id, u8)> {
        let level = allowed.iter().map(|one| one.1).min()?;
        allowed.iter().find(|one| one.1 == level).copied()
    }

    /// Queues something, of a few levels so that they have several entries.
    fn put(&mut self) {
        let (member, level) = (self.below(6), self.below(4) * 5);
        let deadline_at = if self.below(3) == 0 { self.world.now + 1 + i64::from(self.below(20)) } else { 0 };
        let deadline_at = if self.is_leased() { 0 } else { deadline_at };
        if let Some(id) = self.world.put(0, member, &enqueue::Data { level, deadline_at, ..Default::default() }) {
            self.ready.push((id, level));
        }
    }

    fn is_leased(&self) -> bool {
        self.setup.flags & queue_flags::LEASED != 0
    }

    fn handle(&mut self, id: Id) -> Handle {
        let all = [list::READY, list::LEASED, list::HELD].map(|kind| self.world.handles(0, kind)).concat();
        all.into_iter().find(|one| one.0 == id).expect("it is in the queue").1
    }

    /// Holds a ready entry, and lets it go again: it stands at the end of its level.
    fn hold_and_release(&mut self, at: usize) {
        let one = self.ready.remove(at);
        let (handle, now) = (self.handle(one.0), self.world.now);
        assert!(self.world.lent(0, handle, |queue| queue.hold(handle, now)));
        self.world.observe(0);
        assert!(self.world.lent(0, handle, |queue| queue.release_held(handle, now)));
        self.world.observe(0);
        self.ready.push(one);
    }

    /// Gives a ready entry another level: it stands at the end of that.
    fn reprioritize(&mut self, at: usize) {
        let (id, _) = self.ready.remove(at);
        let (handle, level) = (self.handle(id), self.below(16));
        assert!(self.world.lent(0, handle, |queue| queue.reprioritize(handle, level)));
        self.world.observe(0);
        self.ready.push((id, level));
    }

    fn cancel(&mut self, at: usize) {
        let (id, _) = self.ready.remove(at);
        let handle = self.handle(id);
        self.world.remove(id, handle);
        self.world.observe(0);
    }

    /// Claims one, and compares it with the first of the line.
    fn claim(&mut self) {
        let leased = self.world.handles(0, list::LEASED);
        let allowed = self.allowed();
        let mut expected =
            if self.is_lowest_turn(self.claims) { Self::lowest(&allowed) } else { allowed.first().copied() };
        if self.setup.flags & queue_flags::STRICT != 0 && !leased.is_empty() {
            expected = None;
        }
        self.world.claim(0, 1);
        let found = self.world.handles(0, list::LEASED).into_iter().find(|one| !leased.contains(one));
        assert_eq!(found.map(|one| one.0), expected.map(|one| one.0), "the first of {allowed:?}");
        if let Some(expected) = expected {
            self.ready.retain(|one| *one != expected);
            self.claims += 1;
        }
    }

    /// What a dispatch of a ready entry of an open queue is answered.
    fn expected(&self, (id, level): (Id, u8)) -> Result<(), SchedulerError> {
        let is_alive = |id: &Id| self.world.now <= self.world.judge.operations[id].deadline_at;
        if !is_alive(&id) {
            return Err(SchedulerError::DeadlinePassed);
        }
        let allowed = self.allowed();
        let Some(place) = allowed.iter().position(|one| *one == (id, level)) else {
            return Err(SchedulerError::OrderWaits);
        };
        let is_lowest = self.is_lowest_turn(self.claims) && Self::lowest(&allowed) == Some((id, level));
        let is_strict = self.setup.flags & queue_flags::STRICT != 0;
        let window = if is_strict { 1 } else { usize::from(self.setup.window) };
        let before = allowed[..place].iter().filter(|one| is_alive(&one.0)).count();
        if is_lowest || before < window && place < 64 { Ok(()) } else { Err(SchedulerError::NotEligible) }
    }

    /// Asks for every ready entry of an open queue whether it may be dispatched; returns those that may.
    fn ask_all(&mut self) -> Vec<(Id, u8)> {
        let mut may_run = Vec::new();
        for one in self.ready.clone() {
            let (handle, now, expected) = (self.handle(one.0), self.world.now, self.expected(one));
            let mut queue = self.world.queue(0);
            let found = queue.dispatchable(handle, &[9; 32], now).map(|_| ());
            assert_eq!(found.map_err(Refusal::number), expected.map_err(|error| error as u64), "{one:?}");
            let turn = queue.check_turn(handle, now);
            if expected == Err(SchedulerError::DeadlinePassed) {
                assert_eq!(turn, Ok(()), "the deadline is for the dispatch to say");
            } else {
                assert_eq!(turn, found);
            }
            // A direct dispatch asks in two steps.
            if expected.is_ok() {
                assert!(queue.lend(handle).is_ok_and(|lent| {
                    let found = queue.plain().dispatchable(handle, &[9; 32], now).is_ok();
                    queue.undo(&lent);
                    found
                }));
                may_run.push(one);
            }
        }
        may_run
    }

    fn dispatch(&mut self, one: (Id, u8)) {
        let (handle, now) = (self.handle(one.0), self.world.now);
        let finished = self.world.queue(0).finish(handle, now).expect("it may be dispatched");
        assert!(!finished.recurs);
        self.world.judge.ran(one.0);
        self.world.observe(0);
        self.ready.retain(|other| *other != one);
        self.claims += 1;
    }

    fn step(&mut self) {
        // Leases do not end.
        self.world.now += if self.is_leased() { 0 } else { i64::from(self.below(3)) };
        let at = usize::from(self.below(200)) % self.ready.len().max(1);
        match self.below(12) {
            0..=4 => self.put(),
            5 if !self.ready.is_empty() => self.hold_and_release(at),
            6 if !self.ready.is_empty() => self.reprioritize(at),
            7 if !self.ready.is_empty() => self.cancel(at),
            8 => self.world.rotate(),
            _ if self.is_leased() => {
                self.claim();
                // A strict queue claims nothing else before.
                let is_strict = self.setup.flags & queue_flags::STRICT != 0;
                for (id, handle) in self.world.handles(0, list::LEASED) {
                    if is_strict || self.below(2) == 0 {
                        self.world.dispatch(id, handle);
                    }
                }
            }
            _ => {
                let may_run = self.ask_all();
                if !may_run.is_empty() {
                    self.dispatch(may_run[at % may_run.len()]);
                }
            }
        }
    }
}

#[test]
fn a_claim_takes_the_first_of_the_line() {
    for seed in 1..=24 {
        let strict = if seed % 4 == 0 { queue_flags::STRICT } else { 0 };
        let flags = queue_flags::LEASED | strict;
        let lowest_every = [0, 1, 3][usize::try_from(seed % 3).expect("small")];
        let mut line = Line::new(seed * 0x9E37_79B9, Setup { slots: 40, flags, window: 0, lowest_every });
        for _ in 0..STEPS {
            line.step();
        }
        assert!(line.claims > 10, "a lot was claimed");
    }
}

#[test]
fn a_dispatch_names_one_of_the_first_of_the_line() {
    for seed in 1..=24 {
        let flags = if seed % 4 == 0 { queue_flags::STRICT } else { 0 };
        let lowest_every = [0, 2, 3][usize::try_from(seed % 3).expect("small")];
        let window = 1 + u8::try_from(seed % 5).expect("small");
        let mut line = Line::new(seed * 0x9E37_79B9, Setup { slots: 40, flags, window, lowest_every });
        for _ in 0..STEPS {
            line.step();
        }
        assert!(line.claims > 10, "a lot was dispatched");
    }
}

#[test]
fn a_dispatch_walks_over_63_entries_whose_deadline_has_passed_and_no_more() {
    for (expired, expected) in [(63, Ok(())), (64, Err(SchedulerError::NotEligible as u64))] {
        let setup = Setup { slots: 80, flags: 0, window: 2, lowest_every: 0 };
        let mut world = World::with(1, setup);
        for _ in 0..expired {
            let data = enqueue::Data { level: 5, deadline_at: world.now + 1, ..Default::default() };
            world.put(0, 0, &data).expect("there is room");
        }
        let id = world.put(0, 0, &enqueue::Data { level: 5, ..Default::default() }).expect("there is room");
        world.now += 2;
        let handle = world.handles(0, list::READY).into_iter().find(|one| one.0 == id).expect("it is ready").1;
        let now = world.now;
        let found = world.queue(0).dispatchable(handle, &[9; 32], now).map(|_| ()).map_err(Refusal::number);
        assert_eq!(found, expected, "behind {expired}");
    }
}

#[test]
fn a_leased_queue_dispatches_nothing_that_is_not_leased() {
    let mut world = World::new(1);
    let id = world.put(0, 0, &enqueue::Data::default()).expect("there is room");
    let handle = world.handles(0, list::READY).into_iter().find(|one| one.0 == id).expect("it is ready").1;
    let now = world.now;
    let found = world.queue(0).dispatchable(handle, &[9; 32], now).map(|_| ()).map_err(Refusal::number);
    assert_eq!(found, Err(SchedulerError::LeaseRequired as u64));
}

#[test]
fn an_open_queue_waits_for_the_lease_of_another_queue_s_entry_in_its_chain() {
    let mut world = World::with(1, Setup { slots: 40, flags: 0, window: 2, lowest_every: 0 });
    world.compose(&[(0, 1, when_dead::BLOCK, true)]);
    let id = world.put(0, 0, &enqueue::Data::default()).expect("there is room");
    let handle = world.handles(0, list::READY).into_iter().find(|one| one.0 == id).expect("it is ready").1;
    let now = world.now;
    for (bit, is_busy) in [(0, true), (1, true), (2, false)] {
        epochs::lease(&mut world.order, bit).expect("there is room");
        let found = world.queue(0).dispatchable(handle, &[9; 32], now).map(|_| ()).map_err(Refusal::number);
        assert_eq!(found, if is_busy { Err(SchedulerError::OrderWaits as u64) } else { Ok(()) }, "member {bit}");
        epochs::end_lease(&mut world.order, bit).expect("it was leased");
    }
}

#[test]
fn a_strict_queue_has_one_lease_at_a_time() {
    let flags = queue_flags::LEASED | queue_flags::STRICT;
    let mut world = World::with(1, Setup { slots: 8, flags, window: 0, lowest_every: 0 });
    for _ in 0..4 {
        world.put(0, 0, &enqueue::Data::default()).expect("there is room");
    }
    for (wanted, leased) in [(0, 0), (3, 1), (3, 1), (0, 1)] {
        world.claim(0, wanted);
        assert_eq!(world.handles(0, list::LEASED).len(), leased);
    }
    let (id, handle) = world.handles(0, list::LEASED)[0];
    world.dispatch(id, handle);
    world.claim(0, 2);
    assert_eq!(world.handles(0, list::LEASED).len(), 1);
}
