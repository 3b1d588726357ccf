//! Composition on random constraint sets.

use crate::model;
use crate::rng::{Rng, cases};
use cores::order::{
    Contradiction, ContradictionKind, Dropped, Effective, acceptances_needed, answer, compose, compose_weighted,
    extension, levels, submitted,
};
use shared_layouts::scheduler::{
    Composition, Constraint, ConstraintRecord, MAX_MEMBERS, MAX_ORDER_SHARDS, OrderMember, constraint_kind,
    constraint_status, when_dead,
};

const ALL_ACCEPTED: u8 = constraint_status::FROM_ACCEPTED | constraint_status::TO_ACCEPTED;

struct Set {
    members: usize,
    constraints: Vec<Constraint>,
    weights: [u16; MAX_ORDER_SHARDS],
}

/// A random set. The constraints of a shard stand together, with falling weights; `is_forward` keeps cycles out.
fn random_set(rng: &mut Rng, is_forward: bool) -> Set {
    let most = if rng.one_in(4) { 63 } else { 12 };
    let members = 2 + rng.below(most);
    let shards = 1 + rng.small(4);
    let mut weights = [0; MAX_ORDER_SHARDS];
    for weight in &mut weights {
        *weight = u16::try_from(1 + rng.below(3)).expect("small");
    }
    let mut constraints = Vec::new();
    for shard in 0..shards {
        let mut set: Vec<Constraint> = (0..rng.below(16)).map(|_| random(rng, members, shard, is_forward)).collect();
        set.sort_by_key(|one| std::cmp::Reverse(one.weight));
        constraints.extend(set);
    }
    Set { members, constraints, weights }
}

fn random(rng: &mut Rng, members: usize, shard: u8, is_forward: bool) -> Constraint {
    let members = u8::try_from(members).expect("at most 64");
    let mut from = rng.small(members);
    let mut to = rng.small(members - 1);
    if to >= from {
        to += 1;
    }
    if is_forward && from > to {
        (from, to) = (to, from);
    }
    let kind = match rng.below(10) {
        0 => constraint_kind::CONCURRENT,
        1 | 2 => constraint_kind::SEQUENTIAL,
        _ => constraint_kind::BEFORE,
    };
    let is_edge = kind != constraint_kind::CONCURRENT;
    let when_dead = if is_edge { rng.small(3) } else { 0 };
    // One in twelve is not accepted yet.
    let status = if rng.one_in(12) { rng.small(3) } else { ALL_ACCEPTED };
    let weight = u16::try_from(1 + rng.below(6)).expect("small");
    Constraint { from, to, kind, when_dead, shard, status, weight }
}

impl Set {
    /// Those in effect, by the plain rule.
    fn in_effect(&self) -> Vec<Constraint> {
        let is_accepted = |one: &&Constraint| match one.kind {
            constraint_kind::BEFORE => one.status & constraint_status::TO_ACCEPTED != 0,
            _ => one.status & ALL_ACCEPTED == ALL_ACCEPTED,
        };
        self.constraints.iter().filter(is_accepted).copied().collect()
    }

    fn weight(&self, constraint: Constraint) -> u32 {
        u32::from(constraint.weight) * u32::from(self.weights[usize::from(constraint.shard)])
    }

    fn effective(&self) -> Effective {
        let mut effective = Effective::of_members(self.members);
        effective.take(&self.constraints);
        effective
    }

    fn compose(&self) -> Result<Composition, Contradiction> {
        let mut out = bytemuck::Zeroable::zeroed();
        compose(&self.effective(), &mut out).map(|()| out)
    }

    fn compose_weighted(&self) -> (Composition, Dropped) {
        let (mut out, mut dropped) = (bytemuck::Zeroable::zeroed(), Dropped::default());
        compose_weighted(&mut self.effective(), &self.constraints, &self.weights, &mut dropped, &mut out)
            .expect("what is kept has no contradiction");
        (out, dropped)
    }
}

fn members_of(mask: u64) -> Vec<u8> {
    (0..64).filter(|member| mask >> member & 1 == 1).collect()
}

/// Compares a composition with the plain meaning of the constraints that it keeps.
fn check(composition: &Composition, kept: &[Constraint], members: usize) {
    let rules = model::rules(kept);
    for to in 0..64u8 {
        let place = usize::from(to);
        for from in 0..64u8 {
            let paths = rules.get(&(from, to));
            let has = |mask: u64| mask >> from & 1 == 1;
            let says = |rule| paths.is_some_and(|paths| paths.contains(&rule));
            assert_eq!(has(composition.predecessors[place]), paths.is_some(), "{from} before {to}");
            assert_eq!(has(composition.block[place]), says(when_dead::BLOCK), "{from} blocks {to}");
            assert_eq!(has(composition.cascade[place]), says(when_dead::CASCADE), "{from} kills {to}");
        }
    }
    let chains = model::chains(kept);
    for member in 0..64u8 {
        let chain: Vec<u8> =
            chains.iter().find(|chain| chain.contains(&member)).into_iter().flatten().copied().collect();
        assert_eq!(members_of(composition.chain[usize::from(member)]), chain, "the chain of {member}");
    }
    check_extension(composition, kept, members);
}

/// There is a sequence that keeps every edge, and levels that agree with it.
fn check_extension(composition: &Composition, kept: &[Constraint], members: usize) {
    let sequence = &extension(&composition.predecessors, members)[..members];
    let mut sorted = sequence.to_vec();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..u8::try_from(members).expect("at most 64")).collect::<Vec<_>>(), "each member once");
    let place = |member: u8| sequence.iter().position(|other| *other == member);
    let levels = levels(&composition.predecessors, members);
    for (from, to, _) in model::edges(kept) {
        assert!(place(from) < place(to), "{from} stands before {to} in {sequence:?}");
        assert!(levels.level[usize::from(from)] < levels.level[usize::from(to)]);
    }
}

#[test]
fn a_strict_composition_is_the_closure_of_what_was_accepted_or_names_a_contradiction() {
    let mut rng = Rng::new("strict");
    let sets = cases();
    let (mut accepted, mut refused) = (0, 0);
    for number in 0..sets {
        let set = random_set(&mut rng, number % 2 == 0);
        let kept = set.in_effect();
        match set.compose() {
            Ok(composition) => {
                assert!(model::is_consistent(&kept), "{kept:?}");
                check(&composition, &kept, set.members);
                accepted += 1;
            }
            Err(contradiction) => {
                assert!(!model::is_consistent(&kept), "{kept:?}");
                check_contradiction(contradiction, &kept);
                refused += 1;
            }
        }
    }
    println!("{sets} sets: {accepted} accepted, {refused} refused");
    assert!(accepted > sets / 10 && refused > sets / 10, "both outcomes are tried");
}

/// The named members alone contradict each other, and none of a cycle can be left out.
fn check_contradiction(contradiction: Contradiction, kept: &[Constraint]) {
    let named = members_of(contradiction.members);
    let among = |one: &&Constraint| named.contains(&one.from) && named.contains(&one.to);
    let part: Vec<Constraint> = kept.iter().filter(among).copied().collect();
    let edges = model::edges(&part);
    match contradiction.kind {
        ContradictionKind::Cycle => {
            assert!(named.len() > 1);
            for member in &named {
                assert!(model::leads(&edges, *member, *member), "{member} is on a cycle of {named:?}");
            }
        }
        ContradictionKind::NotConcurrent => {
            let all = model::edges(kept);
            let leads = |from, to| model::leads(&all, from, to);
            let on_paths = |from, to| {
                let is_on = |member: &u8| [from, to].contains(member) || (leads(from, *member) && leads(*member, to));
                (0..64).filter(is_on).collect::<Vec<u8>>()
            };
            let mut assertions = part.iter().filter(|one| one.kind == constraint_kind::CONCURRENT);
            let is_named = |one: &Constraint| {
                (leads(one.from, one.to) && on_paths(one.from, one.to) == named)
                    || (leads(one.to, one.from) && on_paths(one.to, one.from) == named)
            };
            assert!(assertions.any(is_named), "{named:?} are not those between two that should be free of each other");
        }
    }
}

#[test]
fn a_weighted_composition_drops_the_lightest_constraint_of_each_contradiction_and_nothing_else() {
    let mut rng = Rng::new("weighted");
    let sets = cases();
    let mut dropped_in_all = 0;
    for _ in 0..sets {
        let set = random_set(&mut rng, false);
        let (composition, dropped) = set.compose_weighted();
        // From the heaviest on, each is kept unless it contradicts what is kept.
        let mut ranked: Vec<usize> = (0..set.constraints.len())
            .filter(|index| set.in_effect().contains(&set.constraints[*index]))
            .filter(|index| {
                let one = &set.constraints[*index];
                one.status & acceptances_needed(one.kind) == acceptances_needed(one.kind)
            })
            .collect();
        ranked.sort_by_key(|index| (std::cmp::Reverse(set.weight(set.constraints[*index])), *index));
        let (mut kept, mut refused) = (Vec::new(), Vec::new());
        for index in ranked {
            let one = set.constraints[index];
            let with = [&kept[..], &[one]].concat();
            if model::is_consistent(&with) {
                kept = with;
            } else {
                // Everything that it contradicts weighs at least as much.
                assert!(kept.iter().all(|other| set.weight(*other) >= set.weight(one)));
                refused.push(index);
            }
        }
        refused.sort_unstable();
        assert_eq!(dropped.indexes().collect::<Vec<_>>(), refused, "{:?}", set.constraints);
        assert_eq!(usize::from(dropped.count), refused.len());
        check(&composition, &kept, set.members);
        dropped_in_all += refused.len();
    }
    println!("{sets} sets: {dropped_in_all} constraints dropped");
    assert!(dropped_in_all > sets);
}

#[test]
fn without_a_contradiction_weights_change_nothing() {
    let mut rng = Rng::new("weighted, consistent");
    let mut compared = 0;
    while compared < cases() / 10 {
        let set = random_set(&mut rng, true);
        if let Ok(strict) = set.compose() {
            let (weighted, dropped) = set.compose_weighted();
            assert_eq!((weighted == strict, dropped.count), (true, 0));
            compared += 1;
        }
    }
}

#[test]
fn the_largest_set_composes() {
    // 64 members in one line, each edge four times over.
    let edge = |from: u8, shard| Constraint {
        from,
        to: from + 1,
        kind: constraint_kind::BEFORE,
        when_dead: when_dead::CASCADE,
        shard,
        status: ALL_ACCEPTED,
        weight: 1,
    };
    let constraints: Vec<Constraint> = (0..4).flat_map(|shard| (0..63).map(move |from| edge(from, shard))).collect();
    let set = Set { members: MAX_MEMBERS, constraints, weights: [1; MAX_ORDER_SHARDS] };
    let composition = set.compose().expect("a line has no cycle");
    check(&composition, &set.in_effect(), MAX_MEMBERS);
    assert_eq!(set.compose_weighted().0, composition);
    assert_eq!(levels(&composition.predecessors, MAX_MEMBERS).count, 64);
}

#[test]
fn a_constraint_that_names_no_member_is_not_in_effect() {
    let edge = |from, to| {
        let (kind, when_dead) = (constraint_kind::BEFORE, when_dead::BLOCK);
        Constraint { from, to, kind, when_dead, shard: 0, status: ALL_ACCEPTED, weight: 1 }
    };
    for stranger in [(3, 0), (0, 3), (3, 4), (63, 64), (255, 1)] {
        let constraints = vec![edge(0, 1), edge(stranger.0, stranger.1), edge(1, 2)];
        let set = Set { members: 3, constraints, weights: [1; MAX_ORDER_SHARDS] };
        let composition = set.compose().expect("a line has no cycle");
        check(&composition, &[edge(0, 1), edge(1, 2)], 3);
        assert_eq!(set.compose_weighted(), (composition, Dropped::default()));
    }
}

#[test]
fn priorities_take_no_part_in_a_composition_but_are_noticed() {
    let edge = Constraint { from: 0, to: 1, kind: 1, when_dead: 0, shard: 0, status: ALL_ACCEPTED, weight: 2 };
    // Members 1 and 0 as a level would close a cycle.
    let priority = Constraint { from: 1, to: 0, kind: constraint_kind::PRIORITY, weight: 1, ..edge };
    let set = |constraints| Set { members: 2, constraints, weights: [1; MAX_ORDER_SHARDS] };
    let (with, without) = (set(vec![edge, priority]), set(vec![edge]));
    assert!(with.effective().has_priorities() && !without.effective().has_priorities());
    assert_eq!(with.compose(), without.compose());
    assert_eq!(with.compose_weighted(), without.compose_weighted());
}

#[test]
fn any_place_of_the_largest_set_can_be_dropped() {
    // Four times the same line, and each time, lightest, an edge from its end back to its beginning.
    let edge = |from, to, shard, weight| {
        let (kind, when_dead) = (constraint_kind::BEFORE, when_dead::BLOCK);
        Constraint { from, to, kind, when_dead, shard, status: ALL_ACCEPTED, weight }
    };
    let line = |shard| (0..63).map(move |from| edge(from, from + 1, shard, 2));
    let constraints: Vec<Constraint> = (0..4).flat_map(|shard| line(shard).chain([edge(63, 0, shard, 1)])).collect();
    let set = Set { members: MAX_MEMBERS, constraints, weights: [1; MAX_ORDER_SHARDS] };
    let (composition, dropped) = set.compose_weighted();
    assert_eq!((dropped.indexes().collect::<Vec<_>>(), dropped.count), (vec![63, 127, 191, 255], 4));
    check(&composition, &line(0).collect::<Vec<_>>(), MAX_MEMBERS);
}

#[test]
fn a_shard_can_only_make_its_own_capabilities_wait() {
    let members: Vec<OrderMember> = (0..4).map(|shard| OrderMember { shard, ..bytemuck::Zeroable::zeroed() }).collect();
    let owner = |member: u8| members.get(usize::from(member)).map(|member| member.shard);
    let record = |kind, from, to| ConstraintRecord { from, to, kind, weight: 1, ..bytemuck::Zeroable::zeroed() };
    let is_in_effect = |one: &Constraint| one.status & acceptances_needed(one.kind) == acceptances_needed(one.kind);
    // Shard 1 puts its member behind another's: at once. Another's behind its own: not before that one accepts.
    let own = submitted(record(constraint_kind::BEFORE, 0, 1), 1, owner).expect("sound");
    assert!(is_in_effect(&own));
    let mut other = submitted(record(constraint_kind::BEFORE, 1, 0), 1, owner).expect("sound");
    assert!(!is_in_effect(&other));
    for (shard, is_accepted, expected) in [(2, true, false), (1, true, false), (0, true, true), (0, false, false)] {
        for _ in 0..2 {
            other.status = answer(other, shard, &members, is_accepted);
            assert_eq!(is_in_effect(&other), expected, "shard {shard} answers {is_accepted}, also once more");
        }
    }
    // Between two strangers, and links and assertions: both shards that are concerned.
    for kind in [constraint_kind::SEQUENTIAL, constraint_kind::CONCURRENT] {
        let mut between = submitted(record(kind, 2, 3), 1, owner).expect("sound");
        between.status = answer(between, 2, &members, true);
        assert!(!is_in_effect(&between));
        between.status = answer(between, 3, &members, true);
        assert!(is_in_effect(&between));
    }
    let after = submitted(record(constraint_kind::AFTER, 1, 0), 1, owner).expect("sound");
    assert_eq!((after.kind, after.from, after.to, is_in_effect(&after)), (constraint_kind::BEFORE, 0, 1, true));
    assert!(submitted(record(constraint_kind::PRIORITY, 0, 3), 1, owner).is_none(), "another's level");
    assert!(submitted(record(constraint_kind::PRIORITY, 1, 3), 1, owner).is_some_and(|one| is_in_effect(&one)));
}

#[test]
fn a_record_that_means_nothing_is_refused() {
    let owner = |member: u8| (member < 3).then_some(0);
    let sound = ConstraintRecord { from: 0, to: 1, kind: 1, when_dead: 0, weight: 1, reserved: [0; 2] };
    assert!(submitted(sound, 0, owner).is_some());
    for record in [
        ConstraintRecord { from: 1, ..sound },
        ConstraintRecord { from: 3, ..sound },
        ConstraintRecord { to: 3, ..sound },
        ConstraintRecord { kind: 0, ..sound },
        ConstraintRecord { kind: 6, ..sound },
        ConstraintRecord { when_dead: 3, ..sound },
        ConstraintRecord { weight: 0, ..sound },
        ConstraintRecord { reserved: [0, 1], ..sound },
        ConstraintRecord { kind: constraint_kind::CONCURRENT, when_dead: 1, ..sound },
        ConstraintRecord { kind: constraint_kind::PRIORITY, to: 16, ..sound },
        ConstraintRecord { kind: constraint_kind::PRIORITY, when_dead: 1, ..sound },
    ] {
        assert!(submitted(record, 0, owner).is_none(), "{record:?}");
    }
}
