//! The meaning of constraints, written down as plainly as possible: paths are followed one by one.

use shared_layouts::scheduler::{Constraint, constraint_kind, when_dead};
use std::collections::{BTreeMap, BTreeSet};

/// Directed edges among the constraints.
pub fn edges(constraints: &[Constraint]) -> Vec<(u8, u8, u8)> {
    let is_edge = |one: &&Constraint| one.kind != constraint_kind::CONCURRENT && one.kind != constraint_kind::PRIORITY;
    constraints.iter().filter(is_edge).map(|one| (one.from, one.to, one.when_dead)).collect()
}

/// Whether a path leads from one member to another.
pub fn leads(edges: &[(u8, u8, u8)], from: u8, to: u8) -> bool {
    let mut seen = BTreeSet::new();
    let mut left = vec![from];
    while let Some(at) = left.pop() {
        for (_, next, _) in edges.iter().filter(|edge| edge.0 == at) {
            if *next == to {
                return true;
            }
            if seen.insert(*next) {
                left.push(*next);
            }
        }
    }
    false
}

/// Whether the constraints can all be kept.
pub fn is_consistent(constraints: &[Constraint]) -> bool {
    let edges = edges(constraints);
    let has_cycle = edges.iter().any(|(from, to, _)| leads(&edges, *to, *from));
    let is_free = |one: &Constraint| !leads(&edges, one.from, one.to) && !leads(&edges, one.to, one.from);
    !has_cycle && constraints.iter().filter(|one| one.kind == constraint_kind::CONCURRENT).all(is_free)
}

/// For each pair that a path leads between: the rules of all paths, each that of the path's first edge that does not cascade.
/// Sets of rules reached from each member are grown until nothing changes.
pub fn rules(constraints: &[Constraint]) -> BTreeMap<(u8, u8), BTreeSet<u8>> {
    let edges = edges(constraints);
    let mut rules: BTreeMap<(u8, u8), BTreeSet<u8>> = BTreeMap::new();
    loop {
        let before = rules.clone();
        for (from, to, rule) in &edges {
            rules.entry((*from, *to)).or_default().insert(*rule);
            // An edge in front of a path that begins at its end.
            for ((_, end), tail) in before.iter().filter(|((start, _), _)| start == to) {
                let all = rules.entry((*from, *end)).or_default();
                if *rule == when_dead::CASCADE { all.extend(tail) } else { _ = all.insert(*rule) }
            }
        }
        if rules == before {
            return rules;
        }
    }
}

/// The groups that links connect.
pub fn chains(constraints: &[Constraint]) -> Vec<BTreeSet<u8>> {
    let mut chains: Vec<BTreeSet<u8>> = Vec::new();
    for link in constraints.iter().filter(|one| one.kind == constraint_kind::SEQUENTIAL) {
        let mut joined = BTreeSet::from([link.from, link.to]);
        chains.retain(|chain| {
            let touches = chain.contains(&link.from) || chain.contains(&link.to);
            if touches {
                joined.extend(chain);
            }
            !touches
        });
        chains.push(joined);
    }
    chains
}
