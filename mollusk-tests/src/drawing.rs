//! Random constraint sets that contradict nothing, and what they put into effect.

use crate::judge::Rules;
use crate::orders::constraint;
use shared_layouts::scheduler::{ConstraintRecord, constraint_kind, when_dead};

/// Shards of an order, and members of each: those of the first shard have the first bits.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    /// Shards.
    pub shards: u8,
    /// Members of each shard.
    pub members: u8,
}

impl Cast {
    /// The place of the shard that a member belongs to.
    pub fn shard_of(self, member: u8) -> u8 {
        member / self.members
    }
}

/// What the shards of an order submit and accept.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The set of each shard.
    pub sets: Vec<Vec<ConstraintRecord>>,
    /// Which shard accepts whose set.
    pub acceptances: Vec<(u8, u8)>,
    /// What is in effect once that is composed.
    pub rules: Rules,
}

/// The member that comes first, and the one that waits.
fn ends(record: ConstraintRecord) -> (u8, u8) {
    if record.kind == constraint_kind::AFTER { (record.to, record.from) } else { (record.from, record.to) }
}

/// Draws so many edges for each shard that agree with a random sequence of the members, and lets the other shards accept three sets in
/// four. `below` gives a random number below its argument, which is at most 255.
pub fn draw(cast: Cast, edges: usize, below: &mut impl FnMut(u8) -> u8) -> Drawn {
    let count = cast.shards * cast.members;
    let mut rank: Vec<u8> = (0..count).collect();
    for at in (1..count).rev() {
        rank.swap(usize::from(at), usize::from(below(at + 1)));
    }
    let sets: Vec<Vec<ConstraintRecord>> =
        (0..cast.shards).map(|_| (0..edges).map(|_| record(&rank, below)).collect()).collect();
    let (mut acceptances, mut in_effect, mut links) = (Vec::new(), Vec::new(), Vec::new());
    for (submitter, records) in (0u8..).zip(&sets) {
        let concerns = |shard: u8, record: &ConstraintRecord| {
            let (first, second) = ends(*record);
            cast.shard_of(second) == shard
                || record.kind == constraint_kind::SEQUENTIAL && cast.shard_of(first) == shard
        };
        let mut accepts =
            |shard: u8| shard == submitter || records.iter().any(|record| concerns(shard, record)) && below(4) != 0;
        let accepts: Vec<bool> = (0..cast.shards).map(&mut accepts).collect();
        let others = (0..cast.shards).filter(|shard| *shard != submitter && accepts[usize::from(*shard)]);
        acceptances.extend(others.map(|shard| (shard, submitter)));
        for record in records {
            if (0..cast.shards).all(|shard| accepts[usize::from(shard)] || !concerns(shard, record)) {
                let (first, second) = ends(*record);
                in_effect.push((first, second, record.when_dead));
                links.extend((record.kind == constraint_kind::SEQUENTIAL).then_some((first, second)));
            }
        }
    }
    Drawn { sets, acceptances, rules: Rules::new(&in_effect, &links) }
}

/// An edge from the one of two random members that comes first to the other.
fn record(rank: &[u8], below: &mut impl FnMut(u8) -> u8) -> ConstraintRecord {
    let count = u8::try_from(rank.len()).expect("an order has at most 64 members");
    let one = below(count);
    let other = (one + 1 + below(count - 1)) % count;
    let (first, second) = if rank[usize::from(one)] < rank[usize::from(other)] { (one, other) } else { (other, one) };
    let rules = [when_dead::BLOCK, when_dead::SKIP, when_dead::SKIP, when_dead::CASCADE];
    let when_dead = rules[usize::from(below(4))];
    let record = match below(4) {
        0 => constraint(constraint_kind::SEQUENTIAL, first, second),
        1 => constraint(constraint_kind::AFTER, second, first),
        _ => constraint(constraint_kind::BEFORE, first, second),
    };
    ConstraintRecord { when_dead, ..record }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_in_effect_if_whom_it_makes_wait_agreed() {
        let cast = Cast { shards: 3, members: 2 };
        let (mut random, mut left_out) = (1u32, 0);
        for _ in 0..100 {
            let drawn = draw(cast, 3, &mut |limit| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                u8::try_from((random >> 8) % u32::from(limit)).expect("it is below the limit")
            });
            let (mut edges, mut links) = (Vec::new(), Vec::new());
            for (submitter, record) in
                (0u8..).zip(&drawn.sets).flat_map(|(at, set)| set.iter().map(move |one| (at, one)))
            {
                let turned = record.kind == constraint_kind::AFTER;
                let (first, second) = if turned { (record.to, record.from) } else { (record.from, record.to) };
                let agrees =
                    |member: u8| member / 2 == submitter || drawn.acceptances.contains(&(member / 2, submitter));
                let is_link = record.kind == constraint_kind::SEQUENTIAL;
                if agrees(second) && (!is_link || agrees(first)) {
                    edges.push((first, second, record.when_dead));
                    links.extend(is_link.then_some((first, second)));
                } else {
                    left_out += 1;
                }
            }
            assert_eq!(drawn.rules, Rules::new(&edges, &links));
        }
        assert!(left_out > 50, "hardly anything was not accepted: {left_out}");
    }
}
