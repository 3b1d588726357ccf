//! Which submitted constraints are in effect.
//!
//! A shard can only make its own capabilities wait. So a constraint counts once every shard that it makes wait submitted it
//! or accepted it:
//!
//! | kind | who waits | acceptance needed |
//! |---|---|---|
//! | before | `to`, for `from` | of the shard of `to` |
//! | sequential | both: of a chain only one entry is leased at a time | of both shards |
//! | concurrent | nobody, but it refuses or drops what others ask for | of both shards |
//! | priority | `from`, behind higher levels | of the shard of `from` |

use shared_layouts::scheduler::{
    Constraint, ConstraintRecord, LEVELS, MAX_CONSTRAINTS, MAX_MEMBERS, MAX_ORDER_SHARDS, OrderMember, constraint_kind,
    constraint_status, when_dead,
};

/// The constraints in effect, in the order of submission or by falling weight.
#[derive(Clone, Copy, Debug)]
pub struct Effective {
    edges: [Edge; MAX_CONSTRAINTS],
    count: usize,
    members: usize,
    /// Shards with constraints, each with the place of its first one.
    shards: [(u8, usize); MAX_ORDER_SHARDS],
    shards_count: usize,
    has_priorities: bool,
}

/// The constraints that a weighted composition dropped, by index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    mask: [u64; MAX_CONSTRAINTS / 64],
    /// Their number.
    pub count: u16,
}

impl Dropped {
    #[inline(always)]
    pub(super) fn add(&mut self, index: usize) {
        self.mask[index / 64 % self.mask.len()] |= 1 << (index % 64);
        self.count = self.count.wrapping_add(1);
    }

    /// The indexes.
    pub fn indexes(&self) -> impl Iterator<Item = usize> + '_ {
        (0..MAX_CONSTRAINTS).filter(|index| self.contains(*index))
    }

    /// Whether the constraint at this index was dropped.
    #[inline(always)]
    pub fn contains(&self, index: usize) -> bool {
        self.mask[index / 64 % self.mask.len()] >> (index % 64) & 1 == 1
    }
}

/// A constraint in effect, in one word: member bits of 6, the rule of 2, the kind of 3, the index of 8. A composition looks
/// at each many times, and one load is cheaper than five.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge(u32);

impl Edge {
    const TO: u32 = 6;
    const WHEN_DEAD: u32 = 12;
    const KIND: u32 = 14;
    const INDEX: u32 = 17;
    /// Bits in use; the index is the highest of them, so that edges compare as their indexes do.
    pub(super) const BITS: u32 = 25;

    /// Both members are below 64, and the index is below 256.
    #[inline(always)]
    fn new(constraint: Constraint, index: u32) -> Self {
        Self(
            u32::from(constraint.from)
                | u32::from(constraint.to) << Self::TO
                | (u32::from(constraint.when_dead) & 3) << Self::WHEN_DEAD
                | (u32::from(constraint.kind) & 7) << Self::KIND
                | index << Self::INDEX,
        )
    }

    /// The edge in the low bits of a word.
    #[inline(always)]
    pub(super) const fn from_low_bits(word: u64) -> Self {
        Self((word & ((1 << Self::BITS) - 1)) as u32)
    }

    #[inline(always)]
    pub(super) const fn bits(self) -> u64 {
        self.0 as u64
    }

    /// Member that comes first.
    #[inline(always)]
    pub(super) const fn from(self) -> usize {
        (self.0 & 63) as usize
    }

    /// Member that waits.
    #[inline(always)]
    pub(super) const fn to(self) -> usize {
        (self.0 >> Self::TO & 63) as usize
    }

    /// [`Edge::to`], narrow.
    #[inline(always)]
    pub(super) const fn to_bit(self) -> u16 {
        (self.0 >> Self::TO & 63) as u16
    }

    /// Whether it makes `to` wait: the kinds of edges are the odd ones.
    #[inline(always)]
    pub(super) const fn is_edge(self) -> bool {
        const { assert!(constraint_kind::BEFORE & 1 == 1 && constraint_kind::SEQUENTIAL & 1 == 1) };
        const { assert!(constraint_kind::CONCURRENT & 1 == 0) };
        self.0 >> Self::KIND & 1 == 1
    }

    #[inline(always)]
    pub(super) const fn when_dead(self) -> u8 {
        (self.0 >> Self::WHEN_DEAD & 3) as u8
    }

    #[inline(always)]
    pub(super) const fn kind(self) -> u8 {
        (self.0 >> Self::KIND & 7) as u8
    }

    /// Index of the constraint.
    #[inline(always)]
    pub(super) const fn index(self) -> usize {
        (self.0 >> Self::INDEX & 255) as usize
    }
}

impl Effective {
    /// None yet, over so many members (at most 64).
    #[inline(always)]
    pub fn of_members(members: usize) -> Self {
        Self {
            edges: [Edge(0); MAX_CONSTRAINTS],
            count: 0,
            members: members.min(MAX_MEMBERS),
            shards: [(0, 0); MAX_ORDER_SHARDS],
            shards_count: 0,
            has_priorities: false,
        }
    }

    /// Takes those of the submitted constraints that are in effect. Priorities are left out: they take no part in the
    /// composition.
    #[inline(always)]
    pub fn take(&mut self, constraints: &[Constraint]) {
        let Self { edges, members, shards, .. } = self;
        let members = *members;
        let (mut count, mut shards_count, mut has_priorities) = (0usize, 0usize, false);
        let mut shard = u8::MAX;
        let mut next = 0u32;
        for constraint in constraints.get(..MAX_CONSTRAINTS).unwrap_or(constraints) {
            let index = next;
            next = next.wrapping_add(1);
            if constraint.shard != shard {
                shard = constraint.shard;
                shards[shards_count % MAX_ORDER_SHARDS] = (shard, count);
                shards_count = shards_count.wrapping_add(1);
            }
            let needed = match constraint.kind {
                constraint_kind::PRIORITY => {
                    has_priorities = true;
                    continue;
                }
                kind => acceptances_needed(kind),
            };
            let names_members = usize::from(constraint.from) < members && usize::from(constraint.to) < members;
            if constraint.status & needed == needed && names_members {
                edges[count % MAX_CONSTRAINTS] = Edge::new(*constraint, index);
                count = count.wrapping_add(1);
            }
        }
        self.count = count;
        self.shards_count = shards_count;
        self.has_priorities = has_priorities;
    }

    /// Shards with constraints, each with the place of its first one.
    #[inline(always)]
    pub(super) fn shards(&self) -> impl ExactSizeIterator<Item = (u8, usize)> + '_ {
        let shards = self.shards.get(..self.shards_count).unwrap_or(&self.shards);
        shards.iter().map(|(shard, at)| (*shard, *at))
    }

    /// The shard at a place of [`Effective::shards`].
    #[inline(always)]
    pub(super) fn shard(&self, place: usize) -> u8 {
        self.shards[place % MAX_ORDER_SHARDS].0
    }

    /// Takes a constraint's kind away: it is neither an edge nor an assertion any more, and keeps its index.
    #[inline(always)]
    pub(super) fn leave_out(&mut self, place: usize) {
        let edge = &mut self.edges[place % MAX_CONSTRAINTS];
        *edge = Edge(edge.0 & !(7 << Edge::KIND));
    }

    #[inline(always)]
    pub(super) fn edges(&self) -> &[Edge] {
        self.edges.get(..self.count).unwrap_or(&[])
    }

    /// Number of members, at most 64.
    #[inline(always)]
    pub fn members(&self) -> usize {
        self.members
    }

    /// Whether a priority was left out.
    #[inline(always)]
    pub fn has_priorities(&self) -> bool {
        self.has_priorities
    }
}

/// Bits of `Constraint::status` that a constraint of this kind needs to be in effect.
#[inline(always)]
pub const fn acceptances_needed(kind: u8) -> u8 {
    match kind {
        constraint_kind::BEFORE => constraint_status::TO_ACCEPTED,
        constraint_kind::PRIORITY => constraint_status::FROM_ACCEPTED,
        _ => constraint_status::FROM_ACCEPTED | constraint_status::TO_ACCEPTED,
    }
}

/// The constraint that a record of shard `shard` stands for, with the acceptances that submitting it gives; `None` if the
/// record is not one that this shard may submit. `owner` gives the shard of a member, and `None` if there is no such member.
#[inline(always)]
pub fn submitted(record: ConstraintRecord, shard: u8, owner: impl Fn(u8) -> Option<u8>) -> Option<Constraint> {
    if record.weight == 0 || record.reserved != [0; 2] {
        return None;
    }
    let (from, to, kind) = match record.kind {
        constraint_kind::AFTER => (record.to, record.from, constraint_kind::BEFORE),
        kind => (record.from, record.to, kind),
    };
    let owner_of_from = owner(from)?;
    let mut status = if owner_of_from == shard { constraint_status::FROM_ACCEPTED } else { 0 };
    let is_sound = match kind {
        constraint_kind::BEFORE | constraint_kind::SEQUENTIAL => from != to && record.when_dead <= when_dead::CASCADE,
        constraint_kind::CONCURRENT => from != to && record.when_dead == 0,
        constraint_kind::PRIORITY => usize::from(to) < LEVELS && record.when_dead == 0 && owner_of_from == shard,
        _ => false,
    };
    if !is_sound {
        return None;
    }
    if kind != constraint_kind::PRIORITY && owner(to)? == shard {
        status |= constraint_status::TO_ACCEPTED;
    }
    Some(Constraint { from, to, kind, when_dead: record.when_dead, shard, status, weight: record.weight })
}

/// The status of a constraint after shard `shard` accepted, or no longer accepts, what it asks of this shard's members.
#[inline(never)]
pub fn answer(constraint: Constraint, shard: u8, members: &[OrderMember], is_accepted: bool) -> u8 {
    let is_ours = |member: u8| members.get(usize::from(member)).is_some_and(|member| member.shard == shard);
    let mut concerned = 0;
    if is_ours(constraint.from) {
        concerned |= constraint_status::FROM_ACCEPTED;
    }
    // A level is not a member.
    if constraint.kind != constraint_kind::PRIORITY && is_ours(constraint.to) {
        concerned |= constraint_status::TO_ACCEPTED;
    }
    let concerned = concerned & acceptances_needed(constraint.kind);
    if is_accepted { constraint.status | concerned } else { constraint.status & !concerned }
}
