//! Two queues and their order, followed by the judge.

use crate::judge::{Id, Judge, Rules, State, Turn};
use crate::links;
use bytemuck::Zeroable;
use cores::order::{Effective, compose, epochs};
use cores::queue::{
    Handle, Lease, Lent, NewEntry, OrderedMut, Pauses, QueueMut, Refusal, Report, clear_index, clear_lists,
};
use shared_layouts::account::AccountLayout;
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{
    Composition, Constraint, Entry, ORDERED_QUEUE, Order, OrderIndex, Producer, Queue, Worker, constraint_kind,
    constraint_status, enqueue, list, queue_flags, reason, when_dead,
};

const MEMBERS: u8 = 6;
const SLOTS: u16 = 24;

/// What the queues are like.
#[derive(Clone, Copy)]
pub struct Setup {
    pub slots: u16,
    /// `queue_flags`, beside the one of bound queues.
    pub flags: u8,
    /// Eligible entries that a dispatch may name.
    pub window: u8,
    /// One claim in so many serves the lowest level.
    pub lowest_every: u8,
}
const MAX_ATTEMPTS: u8 = 2;
const PATIENCE_SECONDS: u32 = 30;

/// How often something happened.
#[derive(Clone, Copy, Default)]
pub struct Seen {
    pub ran: usize,
    pub recurred: usize,
    /// Compositions that replaced another while entries were counted.
    pub recomposed: usize,
    pub rotated: usize,
    pub closed: usize,
}

pub struct World {
    setup: Setup,
    queues: [Vec<u64>; 2],
    /// Queues that are closed have no account.
    is_open: [bool; 2],
    pub order: Box<Order>,
    pub judge: Judge,
    random: u64,
    sequence: u64,
    pub now: i64,
    pub seen: Seen,
}

/// A new queue's account.
fn new_queue(setup: Setup) -> Vec<u64> {
    let slab_bytes = usize::from(setup.slots) * Entry::BYTES;
    let mut words = vec![0u64; (Queue::BYTES + OrderIndex::BYTES + slab_bytes) / 8];
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let header: &mut Queue = bytemuck::from_bytes_mut(&mut bytes[..Queue::BYTES]);
    header.header.discriminator = ORDERED_QUEUE;
    header.header.version = Queue::VERSION;
    header.header.state = setup.flags | queue_flags::ORDERED;
    (header.slots, header.eligible_window) = (setup.slots, setup.window);
    header.lowest_level_every = setup.lowest_every;
    (header.max_dead, header.max_attempts, header.lease_seconds, header.backoff_seconds) = (6, MAX_ATTEMPTS, 20, 3);
    header.backoff_cap_seconds = 9;
    clear_lists(header);
    header.producers[0] = Producer { key: [9; 32], quota: 999, max_level: 15, active: 1, ..Zeroable::zeroed() };
    header.workers[0] = Worker { key: [9; 32], active: 1, ..Zeroable::zeroed() };
    clear_index(bytemuck::from_bytes_mut(&mut bytes[Queue::BYTES..Queue::BYTES + OrderIndex::BYTES]));
    QueueMut::load_any(bytes).expect("a queue").free_slots_from(0).expect("it is new");
    words
}

impl World {
    /// Two leased queues under an order without constraints.
    pub fn new(seed: u64) -> Self {
        Self::with(seed, Setup { slots: SLOTS, flags: queue_flags::LEASED, window: 0, lowest_every: 0 })
    }

    /// Two queues of a kind, under an order without constraints.
    pub fn with(seed: u64, setup: Setup) -> Self {
        let mut order: Box<Order> = Box::new(Zeroable::zeroed());
        order.epoch = 1;
        order.epochs[1].epoch = 1;
        order.patience_seconds = PATIENCE_SECONDS;
        order.members_count = MEMBERS;
        for bit in 0..MEMBERS {
            order.members[usize::from(bit)].capability = [bit + 1; 32];
            order.members[usize::from(bit)].level = u8::MAX;
        }
        Self {
            setup,
            queues: [new_queue(setup), new_queue(setup)],
            is_open: [true; 2],
            order,
            judge: Judge::new(u32::from(MAX_ATTEMPTS), PATIENCE_SECONDS),
            random: seed | 1,
            sequence: 0,
            now: 1_000,
            seen: Seen::default(),
        }
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % limit
    }

    /// Composes random edges, some of them links of chains, that agree with a random order of the members.
    pub fn recompose(&mut self) {
        let mut rank: Vec<u8> = (0..MEMBERS).collect();
        for at in (1..rank.len()).rev() {
            let other = self.below(at as u64 + 1) as usize;
            rank.swap(at, other);
        }
        let mut edges = Vec::new();
        for (at, to) in rank.iter().enumerate() {
            for from in &rank[..at] {
                if self.below(4) == 0 {
                    let rule = [when_dead::BLOCK, when_dead::SKIP, when_dead::CASCADE][self.below(3) as usize];
                    edges.push((*from, *to, rule, self.below(5) == 0));
                }
            }
        }
        self.compose(&edges);
    }

    /// Composes edges: first, second, rule of a dead first, whether it is a link. Refused exactly where the older epoch counts.
    pub fn compose(&mut self, edges: &[(u8, u8, u8, bool)]) {
        let status = constraint_status::FROM_ACCEPTED | constraint_status::TO_ACCEPTED;
        let constraint = |(from, to, when_dead, is_link): &(u8, u8, u8, bool)| {
            let kind = if *is_link { constraint_kind::SEQUENTIAL } else { constraint_kind::BEFORE };
            Constraint { from: *from, to: *to, kind, when_dead: *when_dead, shard: 0, status, weight: 1 }
        };
        let constraints: Vec<Constraint> = edges.iter().map(constraint).collect();
        let mut effective = Effective::of_members(usize::from(MEMBERS));
        effective.take(&constraints);
        let mut composition: Box<Composition> = Box::new(Zeroable::zeroed());
        compose(&effective, &mut composition).expect("edges agree with an order");
        let done = epochs::recompose(&mut self.order, &composition).is_ok();
        assert_eq!(done, self.judge.may_open_epoch());
        if done {
            self.seen.recomposed += usize::from(self.judge.is_in_flight());
            let plain: Vec<_> = edges.iter().map(|edge| (edge.0, edge.1, edge.2)).collect();
            let links: Vec<_> = edges.iter().filter(|edge| edge.3).map(|edge| (edge.0, edge.1)).collect();
            self.judge.epoch_opened(Some(Rules::new(&plain, &links)));
        }
    }

    /// Rotates where that is allowed.
    pub fn rotate(&mut self) {
        let done = epochs::rotate(&mut self.order).is_ok();
        assert_eq!(done, self.judge.may_open_epoch());
        if done {
            self.seen.rotated += 1;
            self.judge.epoch_opened(None);
        }
    }

    pub fn queue(&mut self, place: usize) -> OrderedMut<'_> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.queues[place]);
        // SAFETY: words begin at a multiple of eight.
        unsafe { OrderedMut::load_aligned(bytes, &mut self.order) }.expect("a bound queue")
    }

    /// Lets the judge see what became of a queue's entries.
    pub fn observe(&mut self, place: usize) {
        let (now, entries) = (self.now, self.queue(place).entries.to_vec());
        self.judge.observe(place, &entries, now);
        // It takes as long as everything else together.
        if now % 8 == 0 {
            links::check(&self.queue(place));
        }
    }

    /// Queues an entry, if there is room.
    pub fn put(&mut self, place: usize, member: u8, data: &enqueue::Data) -> Option<Id> {
        self.sequence += 1;
        let request = enqueue::Data { sequence: self.sequence, ..*data };
        let capability = Capability { capability_version: 1, ..Zeroable::zeroed() };
        let now = self.now;
        let new = NewEntry {
            request: &request,
            capability_key: &[member + 1; 32],
            capability: &capability,
            arguments: &[],
            purse_lamports: 0,
        };
        let handle = self.queue(place).enqueue(&[9; 32], &new, now).ok()?;
        let deadline_at = self.queue(place).entries[usize::from(handle.slot)].deadline_at;
        let id = (place, self.sequence);
        self.judge.queued(id, member, request.not_before_at <= now, deadline_at);
        self.observe(place);
        Some(id)
    }

    fn put_any(&mut self, place: usize) {
        let (member, level) = (self.below(u64::from(MEMBERS)) as u8, self.below(16) as u8);
        let mut data = enqueue::Data { level, ..Default::default() };
        if self.below(4) == 0 {
            data.not_before_at = self.now + 1 + self.below(12) as i64;
        }
        if self.below(5) == 0 {
            (data.interval_seconds, data.runs) = (5, 3);
        }
        if self.below(8) == 0 {
            data.deadline_at = self.now + 20;
        }
        self.put(place, member, &data);
    }

    /// Claims so many. One that finds fewer has left nothing behind that may run.
    pub fn claim(&mut self, place: usize, wanted: u8) {
        let lease = Lease { worker_index: 0, pauses: Pauses::default(), now: self.now };
        let before = self.census(place);
        self.queue(place).claim(&[9; 32], wanted, &lease).expect("a claim never fails here");
        self.observe(place);
        let after = self.census(place);
        // Of a strict queue one is leased at a time.
        let is_strict = self.setup.flags & queue_flags::STRICT != 0;
        let wanted = if is_strict { wanted.min(u8::from(before.0 == 0)) } else { wanted };
        if after.0 < before.0 + usize::from(wanted) && after.1 < before.1 + 8 {
            let mut all = self.judge.operations.iter();
            let passed = all
                .find(|(id, one)| id.0 == place && one.state == State::Ready && self.judge.turn(**id) == Turn::Allowed);
            assert!(passed.is_none(), "a claim passed by {passed:?}");
        }
    }

    /// Operations of a queue that are leased, and those that are dead or held.
    fn census(&self, place: usize) -> (usize, usize) {
        let mine = self.judge.operations.iter().filter(|(id, _)| id.0 == place).map(|(_, one)| one.state);
        let leased = mine.clone().filter(|state| *state == State::Leased).count();
        (leased, mine.filter(|state| matches!(state, State::Dead(_) | State::Held)).count())
    }

    pub fn handles(&mut self, place: usize, kind: u8) -> Vec<(Id, Handle)> {
        let queue = self.queue(place);
        let all = (0u16..).zip(queue.entries.iter()).filter(|(_, entry)| entry.list == kind);
        all.map(|(slot, entry)| ((place, entry.sequence), Handle { slot, generation: entry.generation })).collect()
    }

    pub fn lent(&mut self, place: usize, handle: Handle, verb: impl Fn(&mut QueueMut) -> Result<(), Refusal>) -> bool {
        let mut queue = self.queue(place);
        let lent: Lent = queue.lend(handle).expect("the order is sound");
        let result = verb(&mut queue.plain());
        if result.is_ok() {
            queue.take_back(&lent).expect("the order is sound");
        } else {
            queue.undo(&lent);
        }
        result.is_ok()
    }

    /// Dispatches what is leased, if the order lets it: it does exactly where the judge says so.
    pub fn dispatch(&mut self, id: Id, handle: Handle) {
        let now = self.now;
        let entry = self.queue(id.0).entries[usize::from(handle.slot)];
        if entry.list != list::LEASED || now > entry.lease_ends_at.min(entry.deadline_at) {
            return;
        }
        let may_run = matches!(self.judge.turn(id), Turn::Allowed | Turn::ChainBusy(_));
        assert_eq!(self.queue(id.0).check_turn(handle, now).is_ok(), may_run, "{id:?}: {:?}", self.judge.turn(id));
        assert_eq!(self.queue(id.0).dispatchable(handle, &[9; 32], now).is_ok(), may_run);
        if !may_run {
            return;
        }
        // In place, or lent to the verb of every queue as a direct dispatch has it.
        let ran = if self.below(2) == 0 {
            let mut queue = self.queue(id.0);
            queue.dispatchable(handle, &[9; 32], now).is_ok() && queue.finish(handle, now).is_ok()
        } else {
            self.lent(id.0, handle, |queue| {
                queue.dispatchable(handle, &[9; 32], now)?;
                queue.finish(handle.slot, now).map(|_| ())
            })
        };
        assert!(ran, "nothing else stands in its way");
        self.judge.ran(id);
        self.seen.ran += 1;
        let entry = self.queue(id.0).entries[usize::from(handle.slot)];
        if entry.list != list::FREE {
            // Its next run is another one to the order.
            self.seen.recurred += 1;
            self.judge.queued(id, entry.capability[0] - 1, false, entry.deadline_at);
        }
        self.observe(id.0);
    }

    fn fail(&mut self, id: Id, handle: Handle, is_permanent: bool) {
        let (report, pauses, now) = (Report { code: 1, is_permanent }, Pauses::default(), self.now);
        if is_permanent {
            self.judge.condemned(id, reason::PERMANENT);
        }
        self.lent(id.0, handle, |queue| queue.fail(handle, &[9; 32], report, &pauses, now));
    }

    pub fn remove(&mut self, id: Id, handle: Handle) {
        let is_dead = matches!(self.judge.operations[&id].state, State::Dead(_));
        let removed =
            self.lent(
                id.0,
                handle,
                |queue| {
                    if is_dead { queue.purge(handle) } else { queue.cancel(handle, &[9; 32], false) }
                },
            );
        if removed {
            self.judge.left(id);
        }
    }

    pub fn dead_letter(&mut self, id: Id, handle: Handle) {
        let now = self.now;
        let state = self.judge.operations[&id].state;
        if !matches!(state, State::Leased | State::Dead(_)) {
            self.judge.condemned(id, reason::OPERATOR);
        }
        let was_held = state == State::Held;
        if self.lent(id.0, handle, |queue| queue.dead_letter(handle, now)) && was_held {
            // Should the dead letters be full, it is held anew.
            self.judge.held(id, now);
        }
    }

    fn reap(&mut self, id: Id, handle: Handle) {
        let (now, pauses) = (self.now, Pauses::default());
        let one = self.judge.operations[&id];
        let is_stuck = matches!(one.state, State::Held | State::Dead(_)) && one.epoch.is_some();
        let is_overdue = self.judge.is_overdue(id, now);
        let done = self.queue(id.0).reap(handle, now).expect("the order is sound");
        assert!(!is_stuck || done == is_overdue, "{one:?} is given up in time");
        if !done {
            self.lent(id.0, handle, |queue| queue.reap(handle, &pauses, now).map(|_| ()));
        }
    }

    /// Takes everything out of a queue and closes it.
    fn close(&mut self, place: usize) {
        for (id, handle) in self.handles(place, list::LEASED) {
            self.fail(id, handle, true);
            self.observe(place);
        }
        for kind in [list::READY, list::DELAYED, list::HELD, list::DEAD] {
            for (id, handle) in self.handles(place, kind) {
                self.remove(id, handle);
                self.observe(place);
            }
        }
        let queue = self.queue(place);
        assert!(queue.header.ready_count == 0 && queue.header.levels == 0 && queue.index.class_used == [0; 16]);
        self.queues[place] = Vec::new();
        self.is_open[place] = false;
        self.seen.closed += 1;
    }

    /// Does anything at random.
    pub fn step(&mut self) {
        let place = self.below(2) as usize;
        self.now += self.below(4) as i64;
        let now = self.now;
        match self.below(120) {
            0..=7 => self.rotate(),
            8..=15 => self.recompose(),
            16 if self.is_open[place] => self.close(place),
            17..=20 if !self.is_open[place] => {
                self.queues[place] = new_queue(self.setup);
                self.is_open[place] = true;
            }
            _ => {}
        }
        if !self.is_open[place] {
            return self.judge.check_counts(&self.order);
        }
        let what = self.below(14);
        let kind = [list::READY, list::LEASED, list::HELD, list::DEAD, list::DELAYED][self.below(5) as usize];
        let handles = self.handles(place, if matches!(what, 4..=6) { list::LEASED } else { kind });
        let found = handles.get(self.below(handles.len().max(1) as u64) as usize).copied();
        match (what, found) {
            (0 | 1, _) => self.put_any(place),
            (2 | 3, _) => {
                let wanted = self.below(3) as u8;
                self.claim(place, wanted);
            }
            (4 | 5, Some((id, handle))) => self.dispatch(id, handle),
            (6, Some((id, handle))) => {
                let is_permanent = self.below(3) == 0;
                self.fail(id, handle, is_permanent);
            }
            (7, Some((_, handle))) => drop(self.lent(place, handle, |queue| queue.hold(handle, now))),
            (8, Some((_, handle))) => drop(self.lent(place, handle, |queue| queue.release_held(handle, now))),
            (9, Some((id, handle))) => self.dead_letter(id, handle),
            (10, Some((_, handle))) => drop(self.lent(place, handle, |queue| queue.redrive(handle, now))),
            (11, Some((id, handle))) => self.remove(id, handle),
            (12 | 13, Some((id, handle))) => self.reap(id, handle),
            _ => {}
        }
        self.observe(place);
        self.judge.check_counts(&self.order);
    }
}
