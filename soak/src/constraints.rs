//! Constraint sets, drawn at random: what the shards of an order ask for, and accept of each other.

use fastrand::Rng;
use mollusk_tests::drawing::Cast;
use mollusk_tests::orders::constraint;
use shared_layouts::scheduler::{ConstraintRecord, LEVELS, constraint_kind, when_dead};

/// Edges that each shard asks for; one more where sets need not agree.
const EDGES: usize = 3;
/// Heaviest weight of a constraint.
const HEAVIEST: u16 = 6;

/// What the sets of an order make together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// They contradict nothing.
    Sound,
    /// They were drawn without regard to each other.
    Any,
    /// The same, and the first one contradicts itself.
    Contradictory,
}

/// What the shards of an order submit and accept.
#[derive(Clone, Debug)]
pub struct Drawn {
    cast: Cast,
    /// The set of each shard.
    pub sets: Vec<Vec<ConstraintRecord>>,
    /// Which shard accepts whose set.
    pub acceptances: Vec<(u8, u8)>,
}

/// A constraint as an order keeps it: what comes after is what another one comes before.
pub fn turned(record: ConstraintRecord) -> ConstraintRecord {
    if record.kind == constraint_kind::AFTER {
        ConstraintRecord { from: record.to, to: record.from, kind: constraint_kind::BEFORE, ..record }
    } else {
        record
    }
}

impl Drawn {
    /// Draws a set for each shard, and lets the others accept three sets in four of those that concern them.
    pub fn new(cast: Cast, temper: Temper, rng: &mut Rng) -> Self {
        let mut rank: Vec<u8> = (0..cast.shards * cast.members).collect();
        rng.shuffle(&mut rank);
        let is_sound = temper == Temper::Sound;
        let count = EDGES + usize::from(!is_sound);
        let edges = |rng: &mut Rng| (0..count).map(|_| edge(&rank, is_sound, rng)).collect::<Vec<_>>();
        let mut sets: Vec<Vec<ConstraintRecord>> = (0..cast.shards).map(|_| edges(rng)).collect();
        let asked: Vec<ConstraintRecord> = sets.iter().flatten().map(|record| turned(*record)).collect();
        for (shard, set) in (0..).zip(&mut sets) {
            set.extend(assertion(&rank, rng).filter(|one| !is_sound || !is_connected(&asked, one.from, one.to)));
            set.extend(priority(cast, shard, rng));
        }
        if temper == Temper::Contradictory {
            let against = if rng.bool() { constraint_kind::AFTER } else { constraint_kind::CONCURRENT };
            sets[0].extend([constraint(constraint_kind::BEFORE, 0, 1), constraint(against, 0, 1)]);
        }
        for set in &mut sets {
            for record in &mut *set {
                record.weight = rng.u16(1..=HEAVIEST);
            }
            set.sort_by_key(|record| u16::MAX - record.weight);
        }
        let mut drawn = Self { cast, sets, acceptances: Vec::new() };
        for (shard, submitter) in (0..cast.shards).flat_map(|one| (0..cast.shards).map(move |other| (one, other))) {
            let mut records = drawn.sets[usize::from(submitter)].iter();
            let is_asked = shard != submitter && records.any(|record| drawn.concerns(shard, *record));
            if is_asked && rng.u8(..4) != 0 {
                drawn.acceptances.push((shard, submitter));
            }
        }
        drawn
    }

    /// Whether a constraint needs the agreement of a shard: of the one that would wait; of both, if each may have to, or if
    /// it would refuse what either asks for.
    fn concerns(&self, shard: u8, record: ConstraintRecord) -> bool {
        let record = turned(record);
        let is_ours = |member: u8| self.cast.shard_of(member) == shard;
        match record.kind {
            constraint_kind::BEFORE => is_ours(record.to),
            constraint_kind::PRIORITY => is_ours(record.from),
            _ => is_ours(record.from) || is_ours(record.to),
        }
    }

    /// Whether everyone agreed whom a constraint of a shard needs.
    pub fn is_in_effect(&self, submitter: u8, record: ConstraintRecord) -> bool {
        let agrees = |shard: u8| shard == submitter || self.acceptances.contains(&(shard, submitter));
        (0..self.cast.shards).all(|shard| agrees(shard) || !self.concerns(shard, record))
    }
}

/// Two different members, in the order in which a ranking has them.
fn pair(rank: &[u8], rng: &mut Rng) -> (u8, u8) {
    let (one, other) = (rng.usize(..rank.len()), rng.usize(..rank.len() - 1));
    let other = if other < one { other } else { other + 1 };
    (rank[one.min(other)], rank[one.max(other)])
}

/// An edge between random members, along the ranking or either way.
fn edge(rank: &[u8], is_sound: bool, rng: &mut Rng) -> ConstraintRecord {
    let (first, second) = pair(rank, rng);
    let (first, second) = if is_sound || rng.bool() { (first, second) } else { (second, first) };
    let record = match rng.u8(..4) {
        0 => constraint(constraint_kind::SEQUENTIAL, first, second),
        1 => constraint(constraint_kind::AFTER, second, first),
        _ => constraint(constraint_kind::BEFORE, first, second),
    };
    let rules = [when_dead::BLOCK, when_dead::SKIP, when_dead::SKIP, when_dead::CASCADE];
    ConstraintRecord { when_dead: rules[rng.usize(..rules.len())], ..record }
}

/// Now and then an assertion about two members.
fn assertion(rank: &[u8], rng: &mut Rng) -> Option<ConstraintRecord> {
    let (one, other) = pair(rank, rng);
    rng.bool().then_some(constraint(constraint_kind::CONCURRENT, one, other))
}

/// Now and then a level for a member of the shard.
fn priority(cast: Cast, shard: u8, rng: &mut Rng) -> Option<ConstraintRecord> {
    let member = shard * cast.members + rng.u8(..cast.members);
    let level = rng.u8(..u8::try_from(LEVELS).expect("few levels"));
    rng.bool().then_some(constraint(constraint_kind::PRIORITY, member, level))
}

/// Whether edges, which make no circle, lead from one of two members to the other.
pub fn is_connected(edges: &[ConstraintRecord], one: u8, other: u8) -> bool {
    leads(edges, one, other) || leads(edges, other, one)
}

/// Whether edges lead from one member to another.
pub fn leads(edges: &[ConstraintRecord], from: u8, to: u8) -> bool {
    let mut reached = vec![from];
    let mut place = 0;
    while let Some(at) = reached.get(place).copied() {
        for edge in edges.iter().filter(|edge| is_edge(**edge) && edge.from == at) {
            if !reached.contains(&edge.to) {
                reached.push(edge.to);
            }
        }
        place += 1;
    }
    from != to && reached.contains(&to)
}

/// Whether one of its members has to wait for the other.
pub fn is_edge(record: ConstraintRecord) -> bool {
    matches!(record.kind, constraint_kind::BEFORE | constraint_kind::SEQUENTIAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_as_sound_as_they_are_meant_to_be() {
        let (cast, mut rng) = (Cast { shards: 4, members: 3 }, Rng::with_seed(1));
        let mut contradicts = |temper: Temper| {
            let drawn = Drawn::new(cast, temper, &mut rng);
            let records: Vec<ConstraintRecord> = drawn.sets.iter().flatten().map(|record| turned(*record)).collect();
            records.iter().any(|record| match record.kind {
                constraint_kind::PRIORITY => false,
                constraint_kind::CONCURRENT => is_connected(&records, record.from, record.to),
                _ => leads(&records, record.to, record.from),
            })
        };
        for _ in 0..100 {
            assert!(!contradicts(Temper::Sound));
            assert!(contradicts(Temper::Contradictory));
        }
        assert!((0..100).any(|_| contradicts(Temper::Any)));
    }
}
