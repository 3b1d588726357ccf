//! What comes out of constraints that are in effect, found as plainly as possible: each is tried against all that are kept.

use crate::constraints::{is_connected, is_edge, leads};
use mollusk_tests::judge::Rules;
use shared_layouts::scheduler::{ConstraintRecord, constraint_kind};
use std::collections::{BTreeMap, BTreeSet};

/// A constraint of an order.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// As the order keeps it.
    pub record: ConstraintRecord,
    /// Its own weight times its shard's.
    pub weight: u32,
    /// Whoever has to accepted it.
    pub is_in_effect: bool,
}

/// A composition.
#[derive(Clone, Debug)]
pub struct Composed {
    /// What is in effect while it is in force.
    pub rules: Rules,
    /// Places of the constraints that are dropped. An order that is strict cannot be composed if there are any.
    pub dropped: BTreeSet<usize>,
    /// Constraints that are kept, priorities left out.
    pub kept: Vec<ConstraintRecord>,
    /// Levels of members.
    pub levels: BTreeMap<u8, u8>,
}

impl Composed {
    /// From the heaviest to the lightest, and among equals as they are listed, each is kept unless it contradicts those kept.
    pub fn new(listed: &[Listed]) -> Self {
        let is_level = |one: &Listed| one.record.kind == constraint_kind::PRIORITY;
        let mut places: Vec<usize> =
            (0..listed.len()).filter(|at| listed[*at].is_in_effect && !is_level(&listed[*at])).collect();
        places.sort_by_key(|at| (u32::MAX - listed[*at].weight, *at));
        let (mut kept, mut dropped) = (Vec::new(), BTreeSet::new());
        for at in places {
            kept.push(listed[at].record);
            if is_contradictory(&kept) {
                kept.pop();
                dropped.insert(at);
            }
        }
        let levels = listed.iter().filter(|one| is_level(one)).map(|one| (one.record.from, one.record.to)).collect();
        let edges = kept.iter().filter(|one| is_edge(**one)).map(|one| (one.from, one.to, one.when_dead));
        let links = kept.iter().filter(|one| one.kind == constraint_kind::SEQUENTIAL).map(|one| (one.from, one.to));
        let rules = Rules::new(&edges.collect::<Vec<_>>(), &links.collect::<Vec<_>>());
        Self { rules, dropped, kept, levels }
    }

    /// How many assertions are kept.
    pub fn assertions(&self) -> usize {
        self.kept.iter().filter(|one| one.kind == constraint_kind::CONCURRENT).count()
    }

    /// The members that come before a member, a bit for each.
    pub fn predecessors(&self, member: u8, members: u8) -> u64 {
        (0..members).filter(|other| leads(&self.kept, *other, member)).fold(0, |mask, other| mask | 1 << other)
    }
}

/// Whether an edge is part of a circle, or a path leads between members that are asserted to be free of each other.
fn is_contradictory(records: &[ConstraintRecord]) -> bool {
    records.iter().any(|record| {
        if is_edge(*record) {
            leads(records, record.to, record.from)
        } else {
            is_connected(records, record.from, record.to)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mollusk_tests::orders::{before, constraint};

    fn listed(record: ConstraintRecord, weight: u32) -> Listed {
        Listed { record, weight, is_in_effect: true }
    }

    #[test]
    fn the_lightest_of_a_contradiction_goes_and_among_equals_the_later_one() {
        let free = constraint(constraint_kind::CONCURRENT, 3, 4);
        let ignored = Listed { is_in_effect: false, ..listed(before(2, 1), 9) };
        let level = listed(constraint(constraint_kind::PRIORITY, 2, 7), 1);
        let constraints = [
            listed(before(2, 0), 1),
            listed(before(0, 1), 1),
            listed(before(1, 2), 2),
            listed(free, 5),
            listed(before(4, 3), 5),
            ignored,
            level,
        ];
        let composed = Composed::new(&constraints);
        assert_eq!(composed.dropped, BTreeSet::from([1, 4]));
        assert_eq!((composed.assertions(), composed.predecessors(0, 5)), (1, 0b110));
        assert_eq!(composed.levels, BTreeMap::from([(2, 7)]));
    }

    #[test]
    fn what_lies_between_free_members_is_dropped_too() {
        let free = constraint(constraint_kind::CONCURRENT, 0, 2);
        let composed = Composed::new(&[listed(before(0, 1), 2), listed(before(1, 2), 1), listed(free, 3)]);
        assert_eq!(composed.dropped, BTreeSet::from([1]));
    }
}
