//! Entries that come and go under two epochs, against a plain list of them.

use crate::model;
use crate::rng::{Rng, cases};
use cores::order::epochs::{self, Stamp, Verdict};
use cores::order::{Death, Effective, compose};
use shared_layouts::scheduler::{Composition, Constraint, Order, SchedulerError, constraint_kind, when_dead};
use std::collections::{BTreeMap, BTreeSet};

/// Steps of each random history.
const STEPS: usize = 300;
const PATIENCE_SECONDS: u32 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    Leased,
    Held,
    Dead,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    stamp: Stamp,
    state: State,
}

/// What each epoch means, in plain terms.
#[derive(Clone, Default)]
struct Meaning {
    rules: BTreeMap<(u8, u8), BTreeSet<u8>>,
    chains: Vec<BTreeSet<u8>>,
}

/// An order beside a list of the entries that it counts.
struct History {
    order: Box<Order>,
    entries: Vec<Entry>,
    meanings: BTreeMap<u32, Meaning>,
    /// Member and epoch of what was given up.
    given_up: BTreeSet<(u8, u32)>,
    dispatched: usize,
}

impl History {
    fn new(members: u8) -> Self {
        let mut order: Box<Order> = Box::new(bytemuck::Zeroable::zeroed());
        order.epoch = 1;
        order.epochs[1].epoch = 1;
        order.members_count = members;
        order.patience_seconds = PATIENCE_SECONDS;
        let meanings = BTreeMap::from([(0, Meaning::default()), (1, Meaning::default())]);
        Self { order, entries: Vec::new(), meanings, given_up: BTreeSet::new(), dispatched: 0 }
    }

    /// The epochs that an entry looks at.
    fn is_seen(&self, by: Stamp, epoch: u32) -> bool {
        epoch == by.epoch || (by.epoch == self.order.epoch && epoch + 1 == by.epoch)
    }

    fn says(&self, by: Stamp, from: u8, rule: u8) -> bool {
        self.meanings[&by.epoch].rules.get(&(from, by.bit)).is_some_and(|rules| rules.contains(&rule))
    }

    fn verdict(&self, by: Stamp) -> Verdict {
        let (mut waits, mut doomed) = (0, 0);
        for entry in self.entries.iter().filter(|entry| self.is_seen(by, entry.stamp.epoch)) {
            let from = entry.stamp.bit;
            let is_predecessor = self.meanings[&by.epoch].rules.contains_key(&(from, by.bit));
            let is_dead = entry.state == State::Dead;
            if is_predecessor && (!is_dead || self.says(by, from, when_dead::BLOCK)) {
                waits |= 1 << from;
            }
            if is_dead && self.says(by, from, when_dead::CASCADE) {
                doomed |= 1 << from;
            }
        }
        for (from, epoch) in &self.given_up {
            if self.is_seen(by, *epoch) && self.says(by, *from, when_dead::CASCADE) {
                doomed |= 1 << from;
            }
        }
        match (waits, doomed) {
            (0, 0) => Verdict::Eligible,
            (0, doomed) => Verdict::Doomed(doomed),
            (waits, _) => Verdict::Waits(waits),
        }
    }

    /// An entry of a member's chain, of the current or the older composition, is leased.
    fn is_chain_busy(&self, bit: u8) -> bool {
        let chains = [self.order.epoch - 1, self.order.epoch].map(|epoch| &self.meanings[&epoch].chains);
        let leased =
            |member: &u8| self.entries.iter().any(|one| one.stamp.bit == *member && one.state == State::Leased);
        chains.into_iter().flatten().filter(|chain| chain.contains(&bit)).any(|chain| chain.iter().any(leased))
    }

    /// Whether another member's edge, of the entry's epoch or of the current one, looks at a dead entry.
    fn is_looked_at(&self, stamp: Stamp) -> bool {
        [stamp.epoch, self.order.epoch].iter().any(|epoch| {
            let rules = &self.meanings[epoch].rules;
            let not_only_skips = |rules: &BTreeSet<u8>| rules.iter().any(|rule| *rule != when_dead::SKIP);
            rules.iter().any(|((from, _), rules)| *from == stamp.bit && not_only_skips(rules))
        })
    }

    fn recount(&self) {
        for epoch in [self.order.epoch - 1, self.order.epoch] {
            let place = &self.order.epochs[(epoch & 1) as usize];
            for member in 0..64u8 {
                let of_member = |entry: &&Entry| entry.stamp == Stamp { bit: member, epoch };
                let dead = self.entries.iter().filter(of_member).filter(|entry| entry.state == State::Dead).count();
                let pending = self.entries.iter().filter(of_member).count() - dead;
                let at = usize::from(member);
                assert_eq!((usize::from(place.pending[at]), usize::from(place.dead[at])), (pending, dead));
                assert_eq!(place.pending_mask >> member & 1 == 1, pending > 0);
                assert_eq!(place.dead_mask >> member & 1 == 1, dead > 0);
            }
        }
        for member in 0..64u8 {
            let is_leased = |one: &&Entry| one.stamp.bit == member && one.state == State::Leased;
            let leased = self.entries.iter().filter(is_leased).count();
            assert_eq!(usize::from(self.order.leased[usize::from(member)]), leased);
            assert_eq!(self.order.leased_mask >> member & 1 == 1, leased > 0);
        }
    }

    fn enqueue(&mut self, member: u8) {
        assert_eq!(epochs::check_room(&self.order, member), Ok(()));
        let mut other = self.order.clone();
        let taken = epochs::take_room(&mut other, member);
        let stamp = epochs::enter(&mut self.order, member).expect("there is room");
        assert_eq!(stamp, Stamp { bit: member, epoch: self.order.epoch });
        assert!(taken == stamp && other == self.order, "both ways count alike");
        self.entries.push(Entry { stamp, state: State::Ready });
    }

    /// Dispatches the entry if it is eligible; it dies if it is doomed. Nothing runs before its predecessors.
    fn dispatch(&mut self, index: usize) {
        let Entry { stamp, state } = self.entries[index];
        let expected = self.verdict(stamp);
        let verdict = epochs::verdict(&self.order, stamp).expect("sound");
        assert_eq!(verdict, expected, "{stamp:?}");
        let is_leased = state == State::Leased;
        let verdict = if is_leased { verdict } else { epochs::verdict_unleased(&self.order, stamp).expect("sound") };
        if !is_leased {
            let is_busy = expected == Verdict::Eligible && self.is_chain_busy(stamp.bit);
            assert_eq!(verdict, if is_busy { Verdict::ChainBusy } else { expected });
        }
        match verdict {
            Verdict::Eligible => {
                self.leave(index);
                self.dispatched += 1;
            }
            Verdict::Doomed(_) => self.die(index),
            Verdict::Waits(_) | Verdict::ChainBusy => {}
        }
    }

    fn leave(&mut self, index: usize) {
        let Entry { stamp, state } = self.entries.remove(index);
        if state == State::Leased {
            epochs::end_lease(&mut self.order, stamp.bit).expect("it was leased");
        }
        epochs::leave(&mut self.order, stamp).expect("it was pending");
    }

    fn lease(&mut self, index: usize) {
        let stamp = self.entries[index].stamp;
        if epochs::verdict_unleased(&self.order, stamp).expect("sound") == Verdict::Eligible {
            assert!(!self.is_chain_busy(stamp.bit), "of a chain, never two are leased at once");
            epochs::lease(&mut self.order, stamp.bit).expect("there is room");
            self.entries[index].state = State::Leased;
        }
    }

    fn die(&mut self, index: usize) {
        let Entry { stamp, state } = self.entries[index];
        if state == State::Leased {
            epochs::end_lease(&mut self.order, stamp.bit).expect("it was leased");
        }
        let is_looked_at = self.is_looked_at(stamp);
        let death = epochs::die(&mut self.order, stamp).expect("it was pending");
        assert_eq!(death == Death::Counted, is_looked_at);
        if is_looked_at {
            self.entries[index].state = State::Dead;
        } else {
            self.entries.remove(index);
        }
    }

    fn give_up(&mut self, index: usize) {
        let Entry { stamp, state } = self.entries.remove(index);
        let result = match state {
            State::Dead => epochs::give_up_dead(&mut self.order, stamp),
            _ => epochs::give_up_held(&mut self.order, stamp),
        };
        result.expect("it was counted");
        self.given_up.insert((stamp.bit, stamp.epoch));
    }

    /// Opens the next epoch, under another composition if there is one.
    fn rotate(&mut self, next: Option<(&Composition, Meaning)>) -> bool {
        let current = self.order.epoch;
        let is_drained = self.entries.iter().all(|entry| entry.stamp.epoch == current);
        let before = *self.order;
        let (result, meaning) = match next {
            None => (epochs::rotate(&mut self.order), self.meanings[&current].clone()),
            Some((composition, meaning)) => (epochs::recompose(&mut self.order, composition), meaning),
        };
        if !is_drained {
            assert_eq!(result, Err(SchedulerError::OlderEpochPending));
            assert!(*self.order == before, "a refused rotation changes nothing");
            return false;
        }
        assert_eq!(result, Ok(()));
        assert_eq!(self.order.epoch, current + 1);
        self.meanings.insert(current + 1, meaning);
        true
    }

    /// One random step.
    fn step(&mut self, rng: &mut Rng) {
        if self.entries.is_empty() || rng.one_in(3) {
            let member = rng.small(self.order.members_count);
            return self.enqueue(member);
        }
        let index = rng.below(self.entries.len());
        let Entry { stamp, state } = self.entries[index];
        match (rng.below(12), state) {
            (0..=4, State::Ready | State::Leased) => self.dispatch(index),
            (5 | 6, State::Ready) => self.lease(index),
            (5, State::Leased) => self.end_lease(index),
            (7, State::Ready) => self.entries[index].state = State::Held,
            (0..=2, State::Held) => self.entries[index].state = State::Ready,
            (7, State::Held) | (3, State::Dead) => self.give_up(index),
            (8, State::Ready | State::Leased | State::Held) => self.die(index),
            (8, State::Dead) => {
                epochs::redrive(&mut self.order, stamp).expect("it was dead");
                self.entries[index].state = State::Ready;
            }
            (9, State::Ready | State::Held) => self.leave(index),
            (9, State::Dead) => {
                epochs::bury(&mut self.order, stamp).expect("it was dead");
                self.entries.remove(index);
            }
            (10, _) => _ = self.rotate(None),
            (11, _) if rng.one_in(2) => {
                let (composition, meaning) = random_composition(rng, self.order.members_count);
                self.rotate(Some((&composition, meaning)));
            }
            _ => {}
        }
    }

    fn end_lease(&mut self, index: usize) {
        epochs::end_lease(&mut self.order, self.entries[index].stamp.bit).expect("it was leased");
        self.entries[index].state = State::Ready;
    }

    /// Everything leaves: what can run runs, leases end (a leased entry may wait for a predecessor that came after the
    /// claim, and that one for the lease if both are of a chain), and what only patience moves is given up.
    fn drain(&mut self) {
        while !self.entries.is_empty() {
            let left = self.entries.len();
            for index in (0..self.entries.len()).rev() {
                self.dispatch_or_release(index);
            }
            let leased = self.entries.iter().position(|one| one.state == State::Leased);
            if let Some(leased) = leased.filter(|_| self.entries.len() == left) {
                self.end_lease(leased);
            } else if self.entries.len() == left {
                let stuck = self.entries.iter().position(|one| matches!(one.state, State::Held | State::Dead));
                self.give_up(stuck.expect("without held and dead entries one can always run"));
            }
            self.recount();
        }
    }

    fn dispatch_or_release(&mut self, index: usize) {
        if index < self.entries.len() && matches!(self.entries[index].state, State::Ready | State::Leased) {
            self.dispatch(index);
        }
    }
}

/// A random composition without contradictions, with its plain meaning.
fn random_composition(rng: &mut Rng, members: u8) -> (Composition, Meaning) {
    let constraints: Vec<Constraint> = (0..rng.below(usize::from(members) * 2))
        .map(|_| {
            let from = rng.small(members - 1);
            let to = from + 1 + rng.small(members - from - 1);
            let kind = if rng.one_in(4) { constraint_kind::SEQUENTIAL } else { constraint_kind::BEFORE };
            Constraint { from, to, kind, when_dead: rng.small(3), shard: 0, status: 3, weight: 1 }
        })
        .collect();
    let meaning = Meaning { rules: model::rules(&constraints), chains: model::chains(&constraints) };
    (composed(&constraints, members), meaning)
}

fn composed(constraints: &[Constraint], members: u8) -> Composition {
    let mut effective = Effective::of_members(members.into());
    effective.take(constraints);
    let mut composition = bytemuck::Zeroable::zeroed();
    compose(&effective, &mut composition).expect("no contradiction");
    composition
}

#[test]
fn nothing_runs_before_its_predecessors_counts_stay_true_and_there_is_no_deadlock() {
    let mut rng = Rng::new("epochs");
    let histories = cases() / 10;
    let (mut dispatched, mut opened) = (0, 0);
    for _ in 0..histories {
        let mut history = History::new(2 + rng.small(9));
        for _ in 0..STEPS {
            history.step(&mut rng);
            history.recount();
        }
        history.drain();
        assert!(history.rotate(None) && history.rotate(None), "an empty order rotates at once");
        dispatched += history.dispatched;
        opened += history.order.epoch;
    }
    println!("{histories} histories: {dispatched} dispatched, {opened} epochs");
    assert!(dispatched > histories * 10 && opened as usize > histories * 5);
}

#[test]
fn under_a_steady_stream_of_predecessors_every_successor_runs_within_two_epochs() {
    let edge = Constraint { from: 0, to: 1, kind: 1, when_dead: 0, shard: 0, status: 3, weight: 1 };
    let mut history = History::new(2);
    let meaning = Meaning { rules: model::rules(&[edge]), chains: Vec::new() };
    assert!(history.rotate(Some((&composed(&[edge], 2), meaning))));
    let mut waiting = 0;
    for step in 0..2_000 {
        // Predecessors never cease, and now and then a successor comes. Any step may open an epoch.
        history.enqueue(0);
        if step % 3 == 0 {
            history.enqueue(0);
        }
        if step % 50 == 0 {
            history.enqueue(1);
        }
        for _ in 0..2 {
            let runnable = |one: &Entry| epochs::verdict(&history.order, one.stamp) == Ok(Verdict::Eligible);
            let Some(oldest) = history.entries.iter().position(runnable) else { break };
            if history.entries[oldest].stamp.bit == 1 {
                assert!(history.order.epoch <= history.entries[oldest].stamp.epoch + 1);
                waiting += 1;
            }
            history.dispatch(oldest);
        }
        history.rotate(None);
        let epoch = history.order.epoch;
        assert!(history.entries.iter().all(|entry| entry.stamp.epoch + 1 >= epoch), "nothing is older than two epochs");
    }
    println!("{waiting} successors ran in {} epochs", history.order.epoch);
    assert!(waiting >= 39, "{waiting}");
}

#[test]
fn a_recomposition_never_reinterprets_queued_entries() {
    let edge = Constraint { from: 0, to: 1, kind: 1, when_dead: 0, shard: 0, status: 3, weight: 1 };
    let turned = Constraint { from: 1, to: 0, ..edge };
    let mut history = History::new(2);
    let meaning = |one| Meaning { rules: model::rules(&[one]), chains: Vec::new() };
    assert!(history.rotate(Some((&composed(&[edge], 2), meaning(edge)))));
    history.enqueue(0);
    history.enqueue(1);
    assert!(history.rotate(Some((&composed(&[turned], 2), meaning(turned)))));
    history.enqueue(0);
    // The old successor still waits for the old predecessor, and the new entry of 0 for both of its own successor's.
    let verdicts: Vec<_> = history.entries.iter().map(|one| epochs::verdict(&history.order, one.stamp)).collect();
    assert_eq!(verdicts, [Ok(Verdict::Eligible), Ok(Verdict::Waits(1)), Ok(Verdict::Waits(2))]);
    history.dispatch(0);
    history.dispatch(0);
    history.dispatch(0);
    assert!(history.entries.is_empty());
}

#[test]
fn what_a_dead_predecessor_means_is_said_per_edge() {
    for (rule, expected) in [
        (when_dead::BLOCK, Verdict::Waits(1)),
        (when_dead::SKIP, Verdict::Eligible),
        (when_dead::CASCADE, Verdict::Doomed(1)),
    ] {
        let edge = Constraint { from: 0, to: 1, kind: 1, when_dead: rule, shard: 0, status: 3, weight: 1 };
        let mut history = History::new(2);
        let meaning = Meaning { rules: model::rules(&[edge]), chains: Vec::new() };
        assert!(history.rotate(Some((&composed(&[edge], 2), meaning))));
        history.enqueue(0);
        history.enqueue(1);
        let successor = history.entries[1].stamp;
        assert_eq!(epochs::verdict(&history.order, successor), Ok(Verdict::Waits(1)));
        history.die(0);
        assert_eq!(epochs::verdict(&history.order, successor), Ok(expected));
        if rule == when_dead::SKIP {
            continue;
        }
        // After the order's patience block reads as skip; what cascades still does.
        history.give_up(0);
        let after = if rule == when_dead::BLOCK { Verdict::Eligible } else { expected };
        assert_eq!(epochs::verdict(&history.order, successor), Ok(after));
    }
    let order = History::new(1).order;
    let patience = i64::from(PATIENCE_SECONDS);
    assert!(!epochs::is_overdue(&order, 100, 99 + patience) && epochs::is_overdue(&order, 100, 100 + patience));
}

#[test]
fn what_was_given_up_kills_in_the_next_epoch_until_the_one_after_that_begins() {
    let edge = Constraint { from: 0, to: 1, kind: 1, when_dead: when_dead::CASCADE, shard: 0, status: 3, weight: 1 };
    let mut history = History::new(2);
    let meaning = Meaning { rules: model::rules(&[edge]), chains: Vec::new() };
    assert!(history.rotate(Some((&composed(&[edge], 2), meaning))));
    history.enqueue(0);
    assert!(history.rotate(None));
    history.enqueue(1);
    let successor = history.entries[1].stamp;
    history.die(0);
    history.give_up(0);
    assert_eq!(epochs::verdict(&history.order, successor), Ok(Verdict::Doomed(1)));
    assert!(history.rotate(None));
    assert_eq!(epochs::verdict(&history.order, successor), Ok(Verdict::Eligible));
}

#[test]
fn a_stamp_of_a_passed_epoch_or_of_no_member_is_refused() {
    let mut history = History::new(2);
    history.enqueue(0);
    history.dispatch(0);
    assert!(history.rotate(None) && history.rotate(None));
    let before = *history.order;
    let order = &mut history.order;
    for stamp in [Stamp { bit: 0, epoch: 1 }, Stamp { bit: 64, epoch: 3 }, Stamp { bit: 0, epoch: 3 }] {
        assert_eq!(epochs::leave(order, stamp), Err(SchedulerError::CorruptOrder));
        assert_eq!(epochs::die(order, stamp), Err(SchedulerError::CorruptOrder));
        assert_eq!(epochs::bury(order, stamp), Err(SchedulerError::CorruptOrder));
    }
    for stamp in [Stamp { bit: 0, epoch: 1 }, Stamp { bit: 64, epoch: 3 }] {
        assert_eq!(epochs::verdict(order, stamp), Err(SchedulerError::CorruptOrder));
        assert_eq!(epochs::verdict_unleased(order, stamp), Err(SchedulerError::CorruptOrder));
    }
    for bit in [2, 64] {
        assert_eq!(epochs::check_room(order, bit), Err(SchedulerError::CorruptOrder));
        assert_eq!(epochs::enter(order, bit), Err(SchedulerError::CorruptOrder));
    }
    assert_eq!(epochs::end_lease(order, 0), Err(SchedulerError::CorruptOrder));
    assert!(**order == before);
}

#[test]
fn a_count_that_is_full_is_refused_and_nothing_changes() {
    let edge = Constraint { from: 0, to: 1, kind: 1, when_dead: 0, shard: 0, status: 3, weight: 1 };
    let mut history = History::new(2);
    assert!(history.rotate(Some((&composed(&[edge], 2), Meaning::default()))));
    let order = &mut history.order;
    let stamp = Stamp { bit: 0, epoch: order.epoch };
    let current = (order.epoch & 1) as usize;
    for at in [&mut order.epochs[current].pending, &mut order.epochs[current].dead, &mut order.leased] {
        at[0] = u16::MAX - 1;
    }
    assert_eq!(epochs::check_room(order, 0), Ok(()));
    assert_eq!(epochs::enter(order, 0), Ok(stamp));
    assert_eq!(epochs::lease(order, 0), Ok(()));
    assert_eq!(epochs::die(order, stamp), Ok(Death::Counted));
    assert_eq!(epochs::enter(order, 0), Ok(stamp));
    let full = **order;
    assert_eq!(full.epochs[current].pending[0], u16::MAX);
    assert_eq!(full.epochs[current].dead[0], u16::MAX);
    assert_eq!(full.leased[0], u16::MAX);
    for result in [
        epochs::check_room(order, 0),
        epochs::enter(order, 0).map(|_| ()),
        epochs::lease(order, 0),
        epochs::die(order, stamp).map(|_| ()),
        epochs::redrive(order, stamp),
    ] {
        assert_eq!(result, Err(SchedulerError::OrderFull));
    }
    assert!(**order == full);
    // The other member has room.
    assert_eq!(epochs::check_room(order, 1), Ok(()));
}

#[test]
fn an_order_whose_epoch_is_not_where_it_belongs_is_refused() {
    let mut history = History::new(2);
    history.enqueue(0);
    let order = &mut history.order;
    let stamp = Stamp { bit: 0, epoch: order.epoch };
    order.epochs[1].epoch = 3;
    let before = **order;
    let results = [
        epochs::check_room(order, 0),
        epochs::enter(order, 0).map(|_| ()),
        epochs::leave(order, stamp),
        epochs::verdict(order, stamp).map(|_| ()),
        epochs::verdict_unleased(order, stamp).map(|_| ()),
    ];
    assert_eq!(results, [Err(SchedulerError::CorruptOrder); 5]);
    assert!(**order == before);
}
