//! What an order allows, written down as plainly as possible: constraints as they were drawn, paths followed one by one, epochs
//! counted beside the programs. It shares no code with them, and says of each step whether it was allowed to happen.
//!
//! What leaves a queue is told to the judge, because of the instruction that succeeded; what becomes of the operations that stay it
//! takes from the lists that they are in.

use shared_layouts::scheduler::{Entry, MAX_MEMBERS, NO_BIT, Order, list, reason, when_dead};
use std::collections::{BTreeMap, BTreeSet};

/// Place of a queue, and sequence number.
pub type Id = (usize, u64);

/// What is in effect during an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// For each pair that a path leads between: the rules of all paths.
    paths: BTreeMap<(u8, u8), BTreeSet<u8>>,
    links: Vec<(u8, u8)>,
}

impl Rules {
    /// Edges are (first, second, rule of a dead first); links are those edges that make a chain.
    pub fn new(edges: &[(u8, u8, u8)], links: &[(u8, u8)]) -> Self {
        let mut rules = Self { links: links.to_vec(), ..Self::default() };
        let starts: BTreeSet<u8> = edges.iter().map(|edge| edge.0).collect();
        for start in starts {
            rules.walk(edges, start, start, when_dead::CASCADE);
        }
        rules
    }

    /// A path's rule is that of its first edge that does not cascade.
    fn walk(&mut self, edges: &[(u8, u8, u8)], start: u8, at: u8, so_far: u8) {
        for (_, next, rule) in edges.iter().filter(|edge| edge.0 == at) {
            let rule = if so_far == when_dead::CASCADE { *rule } else { so_far };
            self.paths.entry((start, *next)).or_default().insert(rule);
            self.walk(edges, start, *next, rule);
        }
    }

    fn is_before(&self, first: u8, second: u8) -> bool {
        self.paths.contains_key(&(first, second))
    }

    fn has(&self, first: u8, second: u8, rule: u8) -> bool {
        self.paths.get(&(first, second)).is_some_and(|rules| rules.contains(&rule))
    }

    /// Whether another member looks at this one's dead entries.
    fn minds_death_of(&self, member: u8) -> bool {
        self.paths
            .iter()
            .any(|((first, _), rules)| *first == member && rules.iter().any(|rule| *rule != when_dead::SKIP))
    }

    fn is_chained(&self, one: u8, other: u8) -> bool {
        let mut reached = BTreeSet::new();
        let mut left: Vec<u8> = self.links.iter().filter(|link| link.0 == one || link.1 == one).map(|_| one).collect();
        while let Some(at) = left.pop() {
            if reached.insert(at) {
                left.extend(self.links.iter().filter(|link| link.0 == at).map(|link| link.1));
                left.extend(self.links.iter().filter(|link| link.1 == at).map(|link| link.0));
            }
        }
        reached.contains(&other)
    }
}

/// Where an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its time has not come, or it backs off.
    Delayed,
    /// It is in its queue's line.
    Ready,
    /// A worker has it.
    Leased,
    /// It is held back, by its owner or because the dead letters are full.
    Held,
    /// It is a dead letter, for this reason.
    Dead(u8),
}

impl State {
    /// The list of its queue that it is in.
    fn list(self) -> u8 {
        match self {
            Self::Delayed => list::DELAYED,
            Self::Ready => list::READY,
            Self::Leased => list::LEASED,
            Self::Held => list::HELD,
            Self::Dead(_) => list::DEAD,
        }
    }
}

/// What is known of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The member of the order that it belongs to.
    pub member: u8,
    /// Where it is.
    pub state: State,
    /// The epoch that counts it.
    pub epoch: Option<u32>,
    /// Unix seconds of its death, or since when it is held.
    pub died_at: i64,
    /// Deadline, unix seconds.
    pub deadline_at: i64,
    /// Leases that ended without a run since it was queued or put back.
    pub failures: u32,
    /// What it may die of besides time, failures and others' deaths: what was last said about it.
    pub verdict: u8,
}

/// Whether an operation may be leased or run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may.
    Allowed,
    /// It waits for this one.
    Waits(Id),
    /// It dies with one that comes before it.
    Dies,
    /// This one of its chain is leased.
    ChainBusy(Id),
}

/// Judges what happens to the operations of an order.
#[derive(Debug)]
pub struct Judge {
    /// Rules of each epoch.
    rules: Vec<Rules>,
    /// What is in a queue.
    pub operations: BTreeMap<Id, Operation>,
    /// Members that were given up on, with the epoch that counted them.
    given_up: BTreeSet<(u32, u8)>,
    /// Leases that may fail before an operation is dead.
    max_attempts: u32,
    /// How long a dead or held one may stop others, seconds.
    patience_seconds: u32,
    /// What ran, in order.
    pub executed: Vec<Id>,
    /// How many died with one that came before them.
    pub doomed: u64,
    /// How many were given up.
    pub given_up_count: u64,
}

impl Judge {
    /// Before the first composition nothing is in order. Epochs begin with 1, so the first two have no rules.
    pub fn new(max_attempts: u32, patience_seconds: u32) -> Self {
        let (operations, given_up) = (BTreeMap::new(), BTreeSet::new());
        Self {
            rules: vec![Rules::default(); 2],
            operations,
            given_up,
            max_attempts,
            patience_seconds,
            executed: Vec::new(),
            doomed: 0,
            given_up_count: 0,
        }
    }

    /// The epoch that counts what becomes ready now.
    ///
    /// # Panics
    /// After 2^32 epochs.
    pub fn epoch(&self) -> u32 {
        u32::try_from(self.rules.len()).expect("few epochs") - 1
    }

    fn in_epoch(&self, epoch: u32) -> &Rules {
        &self.rules[usize::try_from(epoch).expect("it is small")]
    }

    /// Whether the older epoch counts nothing any more.
    pub fn may_open_epoch(&self) -> bool {
        self.operations.values().all(|one| one.epoch.is_none_or(|epoch| epoch == self.epoch()))
    }

    /// Whether anything is counted.
    pub fn is_in_flight(&self) -> bool {
        self.operations.values().any(|one| one.epoch.is_some())
    }

    /// The next epoch has begun, with new rules or those in force.
    ///
    /// # Panics
    /// When the older epoch has operations left.
    pub fn epoch_opened(&mut self, rules: Option<Rules>) {
        assert!(self.may_open_epoch(), "the older epoch has operations left");
        let rules = rules.unwrap_or_else(|| self.in_epoch(self.epoch()).clone());
        self.rules.push(rules);
        let older = self.epoch() - 1;
        self.given_up.retain(|(epoch, _)| *epoch >= older);
    }

    /// What the order says about an operation that is counted.
    ///
    /// # Panics
    /// When it is not counted.
    pub fn turn(&self, id: Id) -> Turn {
        let one = &self.operations[&id];
        let epoch = one.epoch.expect("what is not counted has no turn");
        let rules = self.in_epoch(epoch);
        for (other_id, other) in self.operations.iter().filter(|(_, other)| other.epoch.is_some_and(|at| at <= epoch)) {
            let is_dead = matches!(other.state, State::Dead(_));
            let holds_up = rules.is_before(other.member, one.member) && !is_dead
                || rules.has(other.member, one.member, when_dead::BLOCK) && is_dead;
            if holds_up {
                return Turn::Waits(*other_id);
            }
        }
        let kills = |member: u8| rules.has(member, one.member, when_dead::CASCADE);
        let mut dead = self.operations.values().filter(|other| matches!(other.state, State::Dead(_)));
        let is_seen = |at: u32| at == epoch || at + 1 == epoch && epoch == self.epoch();
        if dead.any(|other| other.epoch.is_some_and(|at| at <= epoch) && kills(other.member))
            || self.given_up.iter().any(|(at, member)| is_seen(*at) && kills(*member))
        {
            return Turn::Dies;
        }
        self.busy_chain(id).map_or(Turn::Allowed, Turn::ChainBusy)
    }

    /// Another one that is leased, of a chain of the present epoch or of the older one.
    fn busy_chain(&self, id: Id) -> Option<Id> {
        let member = self.operations[&id].member;
        let is_chained = |other: u8| {
            let chains = [self.in_epoch(self.epoch()), self.in_epoch(self.epoch() - 1)];
            chains.iter().any(|rules| rules.is_chained(member, other))
        };
        let mut leased = self.operations.iter().filter(|(_, other)| other.state == State::Leased);
        leased.find(|(other, one)| **other != id && is_chained(one.member)).map(|(other, _)| *other)
    }

    /// An operation was queued.
    ///
    /// # Panics
    /// When it was queued before.
    pub fn queued(&mut self, id: Id, member: u8, is_ready: bool, deadline_at: i64) {
        let state = State::Delayed;
        let new = Operation { member, state, epoch: None, died_at: 0, deadline_at, failures: 0, verdict: reason::NONE };
        assert!(self.operations.insert(id, new).is_none());
        if is_ready {
            self.became_ready(id);
        }
    }

    fn operation(&mut self, id: Id) -> &mut Operation {
        self.operations.get_mut(&id).unwrap_or_else(|| panic!("{id:?} is not queued"))
    }

    /// Somebody said why it is to die.
    ///
    /// # Panics
    /// When it is not queued.
    pub fn condemned(&mut self, id: Id, why: u8) {
        self.operation(id).verdict = why;
    }

    /// Whether it is counted, and was dead or held for so long that anyone may give it up.
    pub fn is_overdue(&self, id: Id, now: i64) -> bool {
        let one = &self.operations[&id];
        let is_stuck = matches!(one.state, State::Dead(_) | State::Held);
        is_stuck && one.epoch.is_some() && now - one.died_at >= i64::from(self.patience_seconds)
    }

    /// Takes from a queue's slots what one instruction made of its operations, in the order in which one can have: some became ready, some
    /// died, some are held or leased, some were given up. What ran or left was told before.
    ///
    /// # Panics
    /// When that was not allowed, when an operation is lost, or when the queue holds another one.
    pub fn observe(&mut self, place: usize, slots: &[Entry], now: i64) {
        let used = slots.iter().filter(|entry| entry.list != list::FREE);
        let entries: BTreeMap<Id, Entry> = used.map(|entry| ((place, entry.sequence), *entry)).collect();
        let known = self.operations.range((place, 0)..=(place, u64::MAX)).map(|(id, _)| id);
        assert!(known.eq(entries.keys()), "queue {place} holds what was queued and neither ran nor left");
        for (id, entry) in &entries {
            self.went_on(*id, entry);
        }
        let is_new = |judge: &Self, id: &Id| !matches!(judge.operations[id].state, State::Dead(_));
        let dead = entries.iter().filter(|(id, entry)| entry.list == list::DEAD && is_new(self, id));
        self.all_died(dead.map(|(id, entry)| (*id, entry.reason)).collect(), now);
        for (id, entry) in &entries {
            self.stopped(*id, entry, now);
        }
        for (id, entry) in entries {
            let one = &self.operations[&id];
            assert_eq!(one.state.list(), entry.list, "{id:?}: {one:?}");
            let stamp = (entry.order_bit != NO_BIT).then_some((entry.order_bit, entry.order_epoch));
            assert_eq!(stamp, one.epoch.map(|epoch| (one.member, epoch)), "{id:?}: {one:?}");
        }
    }

    /// It is in line or waits for its time, and did not before.
    fn went_on(&mut self, id: Id, entry: &Entry) {
        let state = self.operations[&id].state;
        if matches!(state, State::Held | State::Dead(_)) && entry.list == list::READY {
            // It may have as long again as it had at first.
            self.operation(id).deadline_at = entry.deadline_at;
        }
        match (state, entry.list) {
            (State::Delayed, list::READY | list::LEASED) | (State::Held, list::READY) => self.became_ready(id),
            (State::Held, list::DELAYED) => self.operation(id).state = State::Delayed,
            (State::Leased, list::READY) => self.failed(id, State::Ready),
            (State::Leased, list::DELAYED) => self.failed(id, State::Delayed),
            (State::Dead(_), list::READY) => self.put_back(id),
            _ => {}
        }
    }

    /// It is held, leased or given up, and was not before.
    fn stopped(&mut self, id: Id, entry: &Entry, now: i64) {
        let state = self.operations[&id].state;
        let stands = matches!(state, State::Delayed | State::Ready | State::Leased);
        match entry.list {
            list::HELD if stands => {
                if entry.reason == reason::CASCADE {
                    // It was to die with another, and the dead letters are full.
                    if state == State::Delayed {
                        self.became_ready(id);
                    }
                    assert_eq!(self.turn(id), Turn::Dies, "{id:?} is held instead of dying");
                }
                self.held(id, now);
            }
            list::LEASED if state == State::Ready => self.leased(id),
            list::HELD | list::DEAD if entry.order_bit == NO_BIT && self.operations[&id].epoch.is_some() => {
                assert!(self.is_overdue(id, now), "{id:?} was given up too early");
                self.gave_up(id);
            }
            _ => {}
        }
    }

    /// Compares what an order's account counts with what it should.
    ///
    /// # Panics
    /// When it counts anything else.
    pub fn check_counts(&self, order: &Order) {
        assert_eq!(order.epoch, self.epoch(), "the order's epoch");
        for epoch in [self.epoch() - 1, self.epoch()] {
            let counted = &order.epochs[(epoch % 2) as usize];
            let count = |is_dead: bool| {
                let mut counts = [0; MAX_MEMBERS];
                let own = self.operations.values().filter(|one| one.epoch == Some(epoch));
                for one in own.filter(|one| matches!(one.state, State::Dead(_)) == is_dead) {
                    counts[usize::from(one.member)] += 1;
                }
                counts
            };
            assert_eq!((counted.pending, counted.dead), (count(false), count(true)), "counts of epoch {epoch}");
        }
        let mut leased = [0; MAX_MEMBERS];
        for one in self.operations.values().filter(|one| one.state == State::Leased) {
            leased[usize::from(one.member)] += 1;
        }
        assert_eq!(order.leased, leased, "leases of each member");
    }

    /// It is in line, and counted from now on.
    fn became_ready(&mut self, id: Id) {
        let epoch = self.epoch();
        let one = self.operation(id);
        one.state = State::Ready;
        one.epoch.get_or_insert(epoch);
    }

    /// A worker has it.
    fn leased(&mut self, id: Id) {
        assert_eq!(self.turn(id), Turn::Allowed, "{id:?} was leased: {:?}", self.operations[&id]);
        self.operation(id).state = State::Leased;
    }

    /// A lease ended without a run.
    fn failed(&mut self, id: Id, state: State) {
        let one = self.operation(id);
        one.failures += 1;
        one.state = state;
    }

    /// It ran.
    ///
    /// # Panics
    /// When it had to wait, or to die, or was not queued.
    pub fn ran(&mut self, id: Id) {
        let one = self.operations.get(&id).unwrap_or_else(|| panic!("{id:?} ran, and is not queued"));
        let turn = self.turn(id);
        // One that is leased has its chain's turn.
        let is_allowed = turn == Turn::Allowed || one.state == State::Leased && matches!(turn, Turn::ChainBusy(_));
        assert!(is_allowed, "{id:?} ran, but {turn:?}");
        self.operations.remove(&id);
        self.executed.push(id);
    }

    /// These became dead letters in one step: those that died with others in the order in which they can have.
    fn all_died(&mut self, mut dead: Vec<(Id, u8)>, now: i64) {
        dead.sort_by_key(|(_, why)| *why == reason::CASCADE);
        for (id, _) in dead.iter().filter(|(_, why)| *why == reason::CASCADE) {
            if self.operations[id].state == State::Delayed {
                self.became_ready(*id);
            }
        }
        while !dead.is_empty() {
            let may_be_next = |(id, why): &(Id, u8)| *why != reason::CASCADE || self.turn(*id) == Turn::Dies;
            let next = dead.iter().position(may_be_next);
            let (id, why) = dead.remove(next.unwrap_or_else(|| panic!("{dead:?} died with others")));
            self.died(id, why, now);
        }
    }

    /// It became a dead letter.
    fn died(&mut self, id: Id, why: u8, now: i64) {
        let epoch = self.operations[&id].epoch;
        let member = self.operations[&id].member;
        let is_minded = epoch.is_some_and(|epoch| {
            self.in_epoch(epoch).minds_death_of(member) || self.in_epoch(self.epoch()).minds_death_of(member)
        });
        let max_attempts = self.max_attempts;
        self.doomed += u64::from(why == reason::CASCADE);
        let one = self.operation(id);
        one.failures += u32::from(one.state == State::Leased);
        match why {
            reason::EXPIRED => assert!(now > one.deadline_at, "{id:?} expired before its deadline"),
            reason::ATTEMPTS => assert!(one.failures >= max_attempts, "{id:?} has attempts left"),
            reason::CASCADE => {}
            stated => assert_eq!(one.verdict, stated, "{id:?} died for a reason that nobody gave"),
        }
        (one.state, one.died_at) = (State::Dead(why), now);
        if !is_minded {
            one.epoch = None;
        }
    }

    /// It is held back, and counted as before.
    ///
    /// # Panics
    /// When it is not queued.
    pub fn held(&mut self, id: Id, now: i64) {
        let one = self.operation(id);
        one.failures += u32::from(one.state == State::Leased);
        (one.state, one.died_at) = (State::Held, now);
    }

    /// It was taken out for good.
    ///
    /// # Panics
    /// When it was not queued.
    pub fn left(&mut self, id: Id) {
        assert!(self.operations.remove(&id).is_some());
    }

    /// A dead or held one is no longer counted, because it was so for too long.
    fn gave_up(&mut self, id: Id) {
        let one = self.operation(id);
        let member = one.member;
        let epoch = one.epoch.take().expect("only what is counted is given up");
        self.given_up.insert((epoch, member));
        self.given_up_count += 1;
    }

    /// A dead one is ready again; counted anew if it no longer was.
    fn put_back(&mut self, id: Id) {
        self.became_ready(id);
        let one = self.operation(id);
        (one.failures, one.verdict) = (0, reason::NONE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_judge_sees_what_is_out_of_order() {
        let mut judge = Judge::new(3, 100);
        let (block, skip, cascade) = (when_dead::BLOCK, when_dead::SKIP, when_dead::CASCADE);
        judge.epoch_opened(Some(Rules::new(&[(0, 1, cascade), (1, 2, block), (0, 3, skip)], &[(4, 5)])));
        let ids = [0, 1, 2, 3, 4, 5].map(|place| (place, 1));
        for (member, id) in (0..).zip(ids) {
            judge.queued(id, member, true, i64::MAX);
        }
        assert_eq!([1, 2, 3].map(|at| judge.turn(ids[at])), [Turn::Waits(ids[0]); 3], "also along a path");
        judge.leased(ids[4]);
        assert_eq!(judge.turn(ids[5]), Turn::ChainBusy(ids[4]));
        assert!(judge.may_open_epoch(), "only the current epoch counts");
        judge.epoch_opened(None);
        assert!(!judge.may_open_epoch());
        judge.operation(ids[0]).verdict = reason::PERMANENT;
        judge.died(ids[0], reason::PERMANENT, 0);
        assert_eq!([1, 2, 3].map(|at| judge.turn(ids[at])), [Turn::Dies, Turn::Waits(ids[0]), Turn::Allowed]);
        judge.gave_up(ids[0]);
        assert_eq!([1, 2].map(|at| judge.turn(ids[at])), [Turn::Dies, Turn::Waits(ids[1])]);
        judge.died(ids[1], reason::CASCADE, 0);
        judge.gave_up(ids[1]);
        judge.ran(ids[2]);
        assert_eq!((judge.executed, judge.operations.len()), (vec![ids[2]], 5));
    }

    /// A judge who knows of one operation of member 0, and of one of member 1, which waits for it.
    fn one_after_another() -> Judge {
        let mut judge = Judge::new(3, 100);
        judge.epoch_opened(Some(Rules::new(&[(0, 1, when_dead::BLOCK)], &[])));
        judge.queued((0, 1), 0, true, i64::MAX);
        judge.queued((1, 1), 1, true, i64::MAX);
        judge
    }

    #[test]
    #[should_panic(expected = "(1, 1) ran, but Waits((0, 1))")]
    fn what_runs_before_what_must_precede_it_is_noticed() {
        one_after_another().ran((1, 1));
    }

    #[test]
    #[should_panic(expected = "(1, 1) was leased: ")]
    fn what_is_leased_before_what_must_precede_it_is_noticed() {
        one_after_another().leased((1, 1));
    }

    #[test]
    #[should_panic(expected = "(0, 1) ran, and is not queued")]
    fn what_runs_twice_is_noticed() {
        let mut judge = one_after_another();
        judge.ran((0, 1));
        judge.ran((0, 1));
    }

    #[test]
    #[should_panic(expected = "the older epoch has operations left")]
    fn an_epoch_that_begins_too_early_is_noticed() {
        let mut judge = one_after_another();
        judge.epoch_opened(None);
        judge.epoch_opened(None);
    }

    #[test]
    fn in_a_later_epoch_nobody_waits_for_what_is_queued_after_it() {
        let mut judge = one_after_another();
        judge.epoch_opened(None);
        judge.queued((0, 2), 0, true, i64::MAX);
        assert_eq!(judge.turn((1, 1)), Turn::Waits((0, 1)), "its own epoch");
        judge.ran((0, 1));
        assert_eq!(judge.turn((1, 1)), Turn::Allowed, "the epoch after its own");
    }
}
