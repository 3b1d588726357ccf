//! Which constraints a weighted composition keeps.
//!
//! From the heaviest to the lightest, each is kept unless it contradicts those kept before it (as Kruskal's algorithm keeps
//! edges). So what is dropped is the lightest of the contradiction that it closes, nothing is dropped without one, and
//! adding any dropped constraint again would contradict what is kept.

use super::sets::{Dropped, Edge, Effective};
use shared_layouts::scheduler::{Constraint, MAX_MEMBERS, MAX_ORDER_SHARDS, constraint_kind};

/// What was kept so far, and a sequence of the members that keeps it.
///
/// An edge that goes forward in the sequence closes no cycle, so most cost one comparison. For one that goes back, the
/// members between its ends are looked at: if those that come after `to` include `from`, there is a cycle; otherwise they
/// are moved behind `from` (after Pearce and Kelly, "A dynamic topological sort algorithm for directed acyclic graphs", 2007).
struct Kept {
    /// Members that come directly after each member.
    next: [u64; MAX_MEMBERS],
    /// Members that each member is asserted to be free of.
    beside: [u64; MAX_MEMBERS],
    /// The sequence.
    sequence: [u8; MAX_MEMBERS],
    /// Place of each member in the sequence.
    places: [u8; MAX_MEMBERS],
    has_assertions: bool,
}

/// Bits of a key that name the run.
const RUN_BITS: u32 = 4;
/// Key of a run that has ended.
const ENDED: u64 = u64::MAX;

/// Drops from `effective` what contradicts the heavier constraints.
///
/// Each shard submits its set with falling weights, and its constraints stand together, so the heaviest of all is the first
/// of some shard's rest.
#[inline(never)]
pub(super) fn weigh(
    effective: &mut Effective,
    constraints: &[Constraint],
    weights: &[u16; MAX_ORDER_SHARDS],
    dropped: &mut Dropped,
) {
    // The next constraint of each shard: falling weight, then rising index, as the edge stands in its highest bits. The
    // lowest bits name the shard's place here.
    let mut keys = [ENDED; MAX_ORDER_SHARDS];
    let mut places = [0usize; MAX_ORDER_SHARDS];
    let rest = |effective: &Effective, run: usize, place: usize| {
        let shard = effective.shard(run);
        match effective.edges().get(place).and_then(|edge| Some((*edge, constraints.get(edge.index())?))) {
            Some((edge, constraint)) if constraint.shard == shard => {
                let weight = u32::from(weights[usize::from(shard) % MAX_ORDER_SHARDS]);
                let weight = weight.wrapping_mul(u32::from(constraint.weight));
                u64::from(!weight) << (Edge::BITS + RUN_BITS) | edge.bits() << RUN_BITS | run as u64
            }
            _ => ENDED,
        }
    };
    let count = effective.shards().len();
    for (run, (_, place)) in effective.shards().enumerate() {
        keys[run % MAX_ORDER_SHARDS] = rest(effective, run, place);
        places[run % MAX_ORDER_SHARDS] = place;
    }
    let mut kept = Kept {
        next: [0; MAX_MEMBERS],
        beside: [0; MAX_MEMBERS],
        sequence: IN_ORDER,
        places: IN_ORDER,
        has_assertions: false,
    };
    for _ in 0..effective.edges().len() {
        let mut key = ENDED;
        for other in keys.get(..count).unwrap_or(&keys) {
            if *other < key {
                key = *other;
            }
        }
        let run = (key & ((1 << RUN_BITS) - 1)) as usize;
        let place = places[run];
        places[run] = place.wrapping_add(1);
        keys[run] = rest(effective, run, place.wrapping_add(1));
        let edge = Edge::from_low_bits(key >> RUN_BITS);
        if !kept.keep(edge) {
            dropped.add(edge.index());
            effective.leave_out(place);
        }
    }
}

/// Each place holds its own number.
const IN_ORDER: [u8; MAX_MEMBERS] = {
    let mut numbers = [0; MAX_MEMBERS];
    let mut number = 0;
    while number < 64 {
        numbers[number as usize] = number;
        number += 1;
    }
    numbers
};

impl Kept {
    /// Keeps the constraint, unless it contradicts what is kept.
    #[inline(always)]
    fn keep(&mut self, edge: Edge) -> bool {
        let (from, to) = (edge.from(), edge.to());
        if edge.kind() == constraint_kind::CONCURRENT {
            return self.keep_assertion(from, to);
        }
        if self.places[from] > self.places[to] && !self.turn_round(from, to) {
            return false;
        }
        if self.has_assertions && self.connects_free_members(from, to) {
            return false;
        }
        self.next[from] |= 1 << to;
        true
    }

    /// The members between two places of the sequence, both included.
    #[inline(always)]
    fn between(&self, first: u8, last: u8) -> impl DoubleEndedIterator<Item = usize> + '_ {
        let members = self.sequence.get(usize::from(first)..).unwrap_or(&[]);
        let count = usize::from(last).wrapping_sub(usize::from(first)).wrapping_add(1);
        members.get(..count).unwrap_or(&[]).iter().map(|member| usize::from(*member) % MAX_MEMBERS)
    }

    /// `start` and the members after it, as far as the place `last`.
    #[inline(always)]
    fn reached(&self, start: usize, last: u8) -> u64 {
        let mut reached = 1u64 << start;
        for member in self.between(self.places[start], last) {
            if reached >> member & 1 == 1 {
                reached |= self.next[member];
            }
        }
        reached
    }

    /// Moves `to`, which stands before `from`, and what comes after it behind the others up to `from`; `false` if `from` is
    /// among what comes after it. The sequence keeps what is kept either way: nothing that is moved comes before anything
    /// that is not.
    #[inline(always)]
    fn turn_round(&mut self, from: usize, to: usize) -> bool {
        let (mut place, last) = (self.places[to], self.places[from]);
        let mut reached = 1u64 << to;
        let mut moved = [0u8; MAX_MEMBERS];
        let mut count = 0usize;
        let mut at = place;
        while at <= last {
            let member = self.sequence[usize::from(at) % MAX_MEMBERS] & 63;
            at = at.wrapping_add(1);
            if reached >> member & 1 == 1 {
                reached |= self.next[usize::from(member)];
                moved[count % MAX_MEMBERS] = member;
                count = count.wrapping_add(1);
            } else {
                self.put(member, place);
                place = place.wrapping_add(1);
            }
        }
        for member in moved.get(..count).unwrap_or(&moved) {
            self.put(*member, place);
            place = place.wrapping_add(1);
        }
        reached >> from & 1 == 0
    }

    #[inline(always)]
    fn put(&mut self, member: u8, place: u8) {
        self.sequence[usize::from(place) % MAX_MEMBERS] = member;
        self.places[usize::from(member) % MAX_MEMBERS] = place;
    }

    #[inline(never)]
    fn keep_assertion(&mut self, one: usize, other: usize) -> bool {
        let (one, other) = (one % MAX_MEMBERS, other % MAX_MEMBERS);
        let (first, last) = if self.places[one] < self.places[other] { (one, other) } else { (other, one) };
        if self.reached(first, self.places[last]) >> last & 1 == 1 {
            return false;
        }
        self.beside[one] |= 1 << other;
        self.beside[other] |= 1 << one;
        self.has_assertions = true;
        true
    }

    /// Whether an edge would put a member in front of one that is asserted to be free of it.
    #[inline(never)]
    fn connects_free_members(&self, from: usize, to: usize) -> bool {
        const LAST: u8 = 63;
        let (from, to) = (from % MAX_MEMBERS, to % MAX_MEMBERS);
        let after = self.reached(to, LAST);
        let mut before = 1u64 << from;
        for member in self.between(0, self.places[from]).rev() {
            if self.next[member] & before != 0 {
                before |= 1 << member;
            }
        }
        self.beside.iter().enumerate().any(|(member, beside)| after >> member & 1 == 1 && beside & before != 0)
    }
}
