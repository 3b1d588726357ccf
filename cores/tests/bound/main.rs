//! Two queues bound to one order, under random verbs: nothing is leased or dispatched while something that comes before it is
//! pending, by the edges as they were drawn; and the order counts what the queues hold.

#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "random numbers are small")]

use bytemuck::Zeroable;
use cores::order::{Effective, compose, epochs};
use cores::queue::{
    Handle, Lease, Lent, NewEntry, OrderedMut, Pauses, QueueMut, Refusal, Report, clear_index, clear_lists,
};
use shared_layouts::account::AccountLayout;
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{
    Composition, Constraint, Entry, NO_BIT, ORDERED_QUEUE, Order, OrderIndex, Producer, Queue, Worker, constraint_kind,
    constraint_status, enqueue, list, queue_flags, when_dead,
};
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

const MEMBERS: u8 = 6;
const SLOTS: u16 = 24;
const STEPS: usize = 3_000;
const RUNS: u64 = 40;

struct World {
    queues: [Vec<u64>; 2],
    order: Box<Order>,
    /// Pairs of members, the first of which comes before the second, closed.
    before: BTreeSet<(u8, u8)>,
    random: u64,
    sequence: u64,
    now: i64,
    dispatched: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut order: Box<Order> = Box::new(Zeroable::zeroed());
        order.epoch = 1;
        order.epochs[1].epoch = 1;
        order.members_count = MEMBERS;
        for bit in 0..MEMBERS {
            order.members[usize::from(bit)].capability = [bit + 1; 32];
            order.members[usize::from(bit)].level = u8::MAX;
        }
        let queues = [(); 2].map(|()| {
            let words = (Queue::BYTES + OrderIndex::BYTES + usize::from(SLOTS) * Entry::BYTES) / 8;
            let mut words = vec![0u64; words];
            let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
            let header: &mut Queue = bytemuck::from_bytes_mut(&mut bytes[..Queue::BYTES]);
            header.header.discriminator = ORDERED_QUEUE;
            header.header.version = Queue::VERSION;
            header.header.state = queue_flags::LEASED | queue_flags::ORDERED;
            header.slots = SLOTS;
            (header.max_dead, header.max_attempts, header.lease_seconds, header.backoff_seconds) = (6, 2, 20, 3);
            header.backoff_cap_seconds = 9;
            clear_lists(header);
            header.producers[0] = Producer { key: [9; 32], quota: 99, max_level: 15, active: 1, ..Zeroable::zeroed() };
            header.workers[0] = Worker { key: [9; 32], active: 1, ..Zeroable::zeroed() };
            clear_index(bytemuck::from_bytes_mut(&mut bytes[Queue::BYTES..Queue::BYTES + OrderIndex::BYTES]));
            QueueMut::load_any(bytes).expect("a queue").free_slots_from(0).expect("it is new");
            words
        });
        let mut world =
            Self { queues, order, before: BTreeSet::new(), random: seed | 1, sequence: 0, now: 1_000, dispatched: 0 };
        world.constrain();
        world
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % limit
    }

    /// Composes random edges from lower to higher members.
    fn constrain(&mut self) {
        let mut edges = Vec::new();
        for to in 1..MEMBERS {
            for from in 0..to {
                if self.below(3) == 0 {
                    self.before.insert((from, to));
                    let when_dead = [when_dead::BLOCK, when_dead::SKIP, when_dead::CASCADE][self.below(3) as usize];
                    let status = constraint_status::FROM_ACCEPTED | constraint_status::TO_ACCEPTED;
                    let kind = constraint_kind::BEFORE;
                    edges.push(Constraint { from, to, kind, when_dead, shard: 0, status, weight: 1 });
                }
            }
        }
        for middle in 0..MEMBERS {
            let pairs: Vec<_> = self.before.iter().copied().collect();
            for (from, _) in pairs.iter().filter(|pair| pair.1 == middle) {
                self.before.extend(pairs.iter().filter(|pair| pair.0 == middle).map(|(_, to)| (*from, *to)));
            }
        }
        let mut effective = Effective::of_members(usize::from(MEMBERS));
        effective.take(&edges);
        let mut composition: Box<Composition> = Box::new(Zeroable::zeroed());
        compose(&effective, &mut composition).expect("edges go up");
        epochs::recompose(&mut self.order, &composition).expect("nothing is counted");
    }

    fn queue(&mut self, place: usize) -> OrderedMut<'_> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.queues[place]);
        // SAFETY: words begin at a multiple of eight.
        unsafe { OrderedMut::load_aligned(bytes, &mut self.order) }.expect("a bound queue")
    }

    fn entries(&mut self) -> Vec<Entry> {
        (0..2).flat_map(|place| self.queue(place).entries.to_vec()).collect()
    }

    /// What the entry waits for is not pending.
    fn assert_first(&mut self, entry: &Entry) {
        let member = entry.capability[0] - 1;
        let current = self.order.epoch;
        for other in self.entries() {
            let pending = matches!(other.list, list::READY | list::LEASED | list::HELD | list::DELAYED);
            let seen =
                other.order_epoch == entry.order_epoch || (entry.order_epoch == current && other.order_epoch < current);
            if pending && other.order_bit != NO_BIT && seen {
                let pair = (other.capability[0] - 1, member);
                assert!(!self.before.contains(&pair), "{pair:?} is pending");
            }
        }
    }

    /// The counts of the order are those of the entries.
    fn assert_counted(&mut self) {
        let mut pending = [[0u16; 64]; 2];
        let mut dead = [[0u16; 64]; 2];
        let mut leased = [0u16; 64];
        for entry in self.entries().iter().filter(|entry| entry.list != list::FREE && entry.order_bit != NO_BIT) {
            let (bit, parity) = (usize::from(entry.order_bit), (entry.order_epoch % 2) as usize);
            let counts = if entry.list == list::DEAD { &mut dead } else { &mut pending };
            counts[parity][bit] += 1;
            leased[bit] += u16::from(entry.list == list::LEASED);
        }
        assert_eq!(self.order.epochs.map(|epoch| epoch.pending), pending);
        assert_eq!(self.order.epochs.map(|epoch| epoch.dead), dead);
        assert_eq!(self.order.leased, leased);
    }

    fn put(&mut self, place: usize) {
        self.sequence += 1;
        let (member, level) = (self.below(u64::from(MEMBERS)) as u8, self.below(16) as u8);
        let request = enqueue::Data { sequence: self.sequence, level, ..Default::default() };
        let capability = Capability { capability_version: 1, ..Zeroable::zeroed() };
        let now = self.now;
        let new = NewEntry {
            request: &request,
            capability_key: &[member + 1; 32],
            capability: &capability,
            arguments: &[],
            purse_lamports: 0,
        };
        let _ = self.queue(place).enqueue(Some(&[9; 32]), &new, now);
    }

    fn claim(&mut self, place: usize) {
        let before: BTreeSet<u16> = self.slots(place, list::LEASED).into_iter().map(|handle| handle.slot).collect();
        let lease = Lease { worker_index: 0, pauses: Pauses::default(), now: self.now };
        let wanted = self.below(3) as u8;
        self.queue(place).claim(&[9; 32], wanted, &lease).expect("a claim never fails here");
        for handle in self.slots(place, list::LEASED) {
            if !before.contains(&handle.slot) {
                let entry = self.queue(place).entries[usize::from(handle.slot)];
                self.assert_first(&entry);
            }
        }
    }

    fn slots(&mut self, place: usize, kind: u8) -> Vec<Handle> {
        let queue = self.queue(place);
        let all = (0u16..).zip(queue.entries.iter()).filter(|(_, entry)| entry.list == kind);
        all.map(|(slot, entry)| Handle { slot, generation: entry.generation }).collect()
    }

    fn lent(&mut self, place: usize, handle: Handle, verb: impl Fn(&mut QueueMut) -> Result<(), Refusal>) -> bool {
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

    fn dispatch(&mut self, place: usize, handle: Handle) {
        let now = self.now;
        if self.queue(place).check_turn(handle, now).is_err() {
            return;
        }
        let entry = self.queue(place).entries[usize::from(handle.slot)];
        let ran = self.lent(place, handle, |queue| {
            queue.dispatchable(handle, &[9; 32], now)?;
            queue.finish(handle.slot, now).map(|_| ())
        });
        if ran {
            self.dispatched += 1;
            self.assert_first(&entry);
        }
    }

    fn step(&mut self) {
        let place = self.below(2) as usize;
        self.now += self.below(4) as i64;
        let now = self.now;
        let what = self.below(14);
        let kind = [list::READY, list::LEASED, list::HELD, list::DEAD, list::DELAYED][self.below(5) as usize];
        let handles = self.slots(place, if matches!(what, 4..=6) { list::LEASED } else { kind });
        let handle = handles.get(self.below(handles.len().max(1) as u64) as usize).copied();
        let pauses = Pauses::default();
        match (what, handle) {
            (0 | 1, _) => self.put(place),
            (2 | 3, _) => self.claim(place),
            (4 | 5, Some(handle)) => self.dispatch(place, handle),
            (6, Some(handle)) => {
                let report = Report { code: 1, is_permanent: self.below(3) == 0 };
                self.lent(place, handle, |queue| queue.fail(handle, &[9; 32], report, &pauses, now));
            }
            (7, Some(handle)) => drop(self.lent(place, handle, |queue| queue.hold(handle, now))),
            (8, Some(handle)) => drop(self.lent(place, handle, |queue| queue.release_held(handle, now))),
            (9, Some(handle)) => drop(self.lent(place, handle, |queue| queue.dead_letter(handle, now))),
            (10, Some(handle)) => drop(self.lent(place, handle, |queue| queue.redrive(handle, now))),
            (11, Some(handle)) if now % 3 == 0 => drop(self.lent(place, handle, |queue| queue.purge(handle))),
            (11, Some(handle)) => drop(self.lent(place, handle, |queue| queue.cancel(handle, &[9; 32], false))),
            (12, Some(handle)) => {
                self.order.patience_seconds = 30;
                let done = self.queue(place).reap(handle, now).expect("the order is sound");
                if !done {
                    self.lent(place, handle, |queue| queue.reap(handle, &pauses, now).map(|_| ()));
                }
            }
            (13, _) => drop(epochs::rotate(&mut self.order)),
            _ => {}
        }
        self.assert_counted();
    }
}

#[test]
fn nothing_runs_before_what_precedes_it_and_counts_are_those_of_the_entries() {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    let given = std::env::var("BOUND_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| u64::try_from(clock % 1_000_000_007).expect("a small number"));
    println!("BOUND_SEED={seed}");
    let mut dispatched = 0;
    for run in 0..RUNS {
        let mut world = World::new(seed.wrapping_mul(RUNS).wrapping_add(run).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for _ in 0..STEPS {
            world.step();
        }
        dispatched += world.dispatched;
    }
    assert!(dispatched > 1_000, "a lot was dispatched: {dispatched}");
}
