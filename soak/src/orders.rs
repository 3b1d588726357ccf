//! Orders over some of the queues: constraints that are drawn anew, compositions and rotations.

use crate::composed::{Composed, Listed};
use crate::constraints::{Drawn, Temper, turned};
use crate::engine::Engine;
use mollusk_tests::drawing::Cast;
use mollusk_tests::fixture::people;
use mollusk_tests::judge::Judge;
use mollusk_tests::orders::{accept_constraints, close_order, compose, rotate_epoch, set_constraints};
use mollusk_tests::programs::address;
use shared_layouts::scheduler::{
    DEFAULT_PRIORITY, NO_LEVEL, Order, SchedulerError, composition_mode, constraint_status,
};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;
use std::ops::Range;

/// Members that each shard has in its order.
pub const CAST_MEMBERS: u8 = 3;

/// An order, and what is known of it beside the programs.
pub struct Bound {
    /// The order.
    pub order: Pubkey,
    /// One of `composition_mode`.
    pub mode: u8,
    /// Queues that are bound to it. The shard of the first opened it.
    pub lanes: Range<usize>,
    /// Weight of each shard.
    pub weights: Vec<u16>,
    /// Follows every operation that is queued under it.
    pub judge: Judge,
    /// What should come out of what was drawn and is not composed yet.
    pub drawn: Option<Composed>,
    /// Levels of members' operations that state none.
    pub levels: BTreeMap<u8, u8>,
    /// How often what happened.
    pub counts: Counts,
}

/// How often something happened in an order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Epochs opened under the same composition.
    pub rotations: u64,
    /// Compositions that opened an epoch.
    pub compositions: u64,
    /// Compositions that were refused because of a contradiction.
    pub contradictions: u64,
    /// Edges and assertions that compositions kept.
    pub kept: u64,
    /// Assertions among them.
    pub assertions: u64,
    /// Constraints that compositions dropped.
    pub dropped: u64,
    /// Operations that stated no level, and got their member's.
    pub levelled: u64,
    /// Dispatches that the order refused.
    pub refused: u64,
}

impl Engine {
    /// The order of a queue, if it is bound to one.
    pub(crate) fn order_of(&self, lane: usize) -> Option<&Bound> {
        self.lanes[lane].order.map(|at| &self.orders[at])
    }

    /// The bit of a queue's member in its order.
    pub(crate) fn bit(&self, lane: usize, member: usize) -> u8 {
        let first = self.order_of(lane).map_or(lane, |order| order.lanes.start);
        u8::try_from((lane - first) * usize::from(CAST_MEMBERS) + member).expect("an order has at most 64 members")
    }

    /// The level of an operation that states none: its member's, if that has one.
    pub(crate) fn level_of(&mut self, lane: usize, member: usize) -> u8 {
        let bit = self.bit(lane, member);
        let order = self.lanes[lane].order.map(|at| &mut self.orders[at]);
        let found = order.and_then(|order| order.levels.get(&bit).map(|level| (*level, &mut order.counts)));
        let Some((level, counts)) = found else { return DEFAULT_PRIORITY };
        counts.levelled += 1;
        level
    }

    /// An order's account.
    pub(crate) fn read_order(&self, order: &Bound) -> Order {
        self.bench.fixture.fixed_part(&order.order)
    }

    /// Something about an order, of the shards that share it or of anyone.
    pub(crate) fn order_step(&mut self) {
        let at = self.rng.usize(..self.orders.len());
        let Bound { drawn, judge, .. } = &self.orders[at];
        let (may_draw, may_compose) = (!self.paused && drawn.is_none(), judge.may_open_epoch());
        match self.rng.u8(..64) {
            0 if may_draw => self.draw(at, false),
            1..9 if may_draw && may_compose => self.draw(at, false),
            9..12 => self.try_to_close(at),
            _ => self.open_epoch(at),
        }
    }

    /// Every shard replaces its constraint set, and accepts some of what the others ask of it. Without regard to each other they do so if
    /// the order is composed by weight, or now and then.
    pub(crate) fn draw(&mut self, at: usize, is_contradictory: bool) {
        let Bound { order, lanes, mode, .. } = &self.orders[at];
        let (order, lanes, is_strict) = (*order, lanes.clone(), *mode == composition_mode::STRICT);
        let cast = Cast { shards: u8::try_from(lanes.len()).expect("few shards"), members: CAST_MEMBERS };
        let temper = match (is_contradictory, is_strict) {
            (true, _) => Temper::Contradictory,
            (_, true) if self.rng.u8(..4) != 0 => Temper::Sound,
            _ => Temper::Any,
        };
        let drawn = Drawn::new(cast, temper, &mut self.rng);
        // Where a set stands in the account depends on when it was submitted.
        let mut shards: Vec<usize> = (0..lanes.len()).collect();
        self.rng.shuffle(&mut shards);
        for shard in shards {
            let key = self.lanes[lanes.start + shard].shard;
            let set = set_constraints(&order, &key, &[], &drawn.sets[shard]);
            self.submit("SetConstraints", &[set], &[people::OWNER]).expect("a set of its own members is taken");
        }
        let versions = self.read_order(&self.orders[at]).shards.map(|shard| shard.version);
        for (shard, submitter) in &drawn.acceptances {
            let key = self.lanes[lanes.start + usize::from(*shard)].shard;
            let accept = accept_constraints(&order, &key, *submitter, versions[usize::from(*submitter)], 1);
            self.submit("AcceptConstraints", &[accept], &[people::OWNER]).expect("what is asked for can be accepted");
        }
        let listed = listed(&self.read_order(&self.orders[at]), &drawn, &self.orders[at].weights);
        self.orders[at].drawn = Some(Composed::new(&listed));
    }

    /// Composes what was drawn, or else rotates. Either must work exactly if the older epoch has drained, and a strict composition if
    /// there is no contradiction.
    pub(crate) fn open_epoch(&mut self, at: usize) {
        let order = &self.orders[at];
        let version = self.read_order(order).constraints_version;
        let (name, next) = if order.drawn.is_some() {
            ("Compose", compose(&order.order, &self.lanes[order.lanes.start].shard, version))
        } else {
            ("RotateEpoch", rotate_epoch(&order.order))
        };
        let contradicts = order.drawn.as_ref().is_some_and(|composed| !composed.dropped.is_empty());
        let expected = if !order.judge.may_open_epoch() {
            Some(SchedulerError::OlderEpochPending)
        } else if contradicts && order.mode == composition_mode::STRICT {
            Some(SchedulerError::ContradictoryOrder)
        } else {
            None
        };
        match self.submit(name, &[next], &[people::OWNER]) {
            Ok(_) => {
                assert_eq!(expected, None, "an epoch begins");
                let composed = self.orders[at].drawn.take();
                match composed {
                    Some(composed) => self.was_composed(at, composed),
                    None => self.was_rotated(at),
                }
            }
            Err(failure) => {
                let expected = expected.expect("nothing stands in the way of an epoch");
                failure.assert_error(0, expected as u32);
                if expected == SchedulerError::ContradictoryOrder {
                    self.orders[at].counts.contradictions += 1;
                    self.draw(at, false);
                }
            }
        }
    }

    fn was_rotated(&mut self, at: usize) {
        let order = &mut self.orders[at];
        order.counts.rotations += 1;
        order.judge.epoch_opened(None);
    }

    /// An order was composed: its account must say what should have come out.
    fn was_composed(&mut self, at: usize, composed: Composed) {
        let account = self.read_order(&self.orders[at]);
        let listed = account.constraints.iter().enumerate();
        let dropped = listed.filter(|(_, one)| one.status & constraint_status::DROPPED != 0).map(|(place, _)| place);
        assert!(dropped.eq(composed.dropped.iter().copied()), "dropped, instead of {:?}", composed.dropped);
        assert_eq!(usize::from(account.dropped_count), composed.dropped.len(), "constraints dropped");
        let masks = &account.epochs[(account.epoch % 2) as usize].masks;
        for member in 0..account.members_count {
            let place = usize::from(member);
            let level = composed.levels.get(&member).copied().unwrap_or(NO_LEVEL);
            assert_eq!(account.members[place].level, level, "level of member {member}");
            let before = composed.predecessors(member, account.members_count);
            assert_eq!(masks.predecessors[place], before, "what comes before member {member}");
        }
        let order = &mut self.orders[at];
        order.counts.compositions += 1;
        order.counts.kept += composed.kept.len() as u64;
        order.counts.assertions += composed.assertions() as u64;
        order.counts.dropped += composed.dropped.len() as u64;
        order.levels = composed.levels;
        order.judge.epoch_opened(Some(composed.rules));
    }

    /// An order with queues is not closed, nor a queue with operations.
    fn try_to_close(&mut self, at: usize) {
        let Range { start, end } = self.orders[at].lanes;
        let lane = self.rng.usize(start..end);
        let recipient = address(people::PAYER);
        let (order, opener) = (self.orders[at].order, self.lanes[start].shard);
        let close = close_order(&order, &opener);
        let failure = self.submit("CloseOrder", &[close], &[people::OWNER]).expect_err("queues are bound to it");
        failure.assert_error(0, SchedulerError::OrderInUse as u32);
        if !self.ledger.live_in(lane).is_empty() {
            let close = self.at(lane).close_queue(&recipient);
            let failure = self.submit("CloseQueue", &[close], &[people::OWNER]).expect_err("it has operations");
            failure.assert_error(0, SchedulerError::QueueNotEmpty as u32);
        }
    }

    /// Closes what has drained: queues, then orders.
    pub(crate) fn close_all(&mut self) {
        let recipient = address(people::PAYER);
        for at in 0..self.orders.len() {
            let (order, lanes) = (self.orders[at].order, self.orders[at].lanes.clone());
            for lane in lanes.clone() {
                let close = self.at(lane).close_queue(&recipient);
                self.submit("CloseQueue", &[close], &[people::OWNER]).expect("an empty queue is closed");
            }
            let close = close_order(&order, &self.lanes[lanes.start].shard);
            self.submit("CloseOrder", &[close], &[people::OWNER]).expect("an order without queues is closed");
        }
    }
}

/// The constraints of an order's account, in its order.
///
/// # Panics
/// When they are not what its shards submitted.
fn listed(account: &Order, drawn: &Drawn, weights: &[u16]) -> Vec<Listed> {
    let mut left: Vec<_> = drawn.sets.iter().map(|set| set.iter()).collect();
    let constraints = account.constraints.iter().take(usize::from(account.constraints_count));
    let listed = constraints.map(|one| {
        let shard = usize::from(one.shard);
        let record = turned(*left[shard].next().expect("no more than was submitted"));
        let kept = (one.from, one.to, one.kind, one.when_dead, one.weight);
        assert_eq!(kept, (record.from, record.to, record.kind, record.when_dead, record.weight), "as submitted");
        let weight = u32::from(weights[shard]) * u32::from(record.weight);
        Listed { record, weight, is_in_effect: drawn.is_in_effect(one.shard, record) }
    });
    let listed = listed.collect();
    assert!(left.iter().all(|rest| rest.len() == 0), "all that was submitted");
    listed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{LARGE, SMALL};
    use mollusk_tests::orders::before;

    #[test]
    fn what_is_drawn_comes_out_as_it_should() {
        let mut engine = Engine::new(1, LARGE);
        for _ in 0..20 {
            for at in 0..engine.orders.len() {
                engine.draw(at, false);
                engine.open_epoch(at);
            }
        }
        let [strict, weighted] = [0, 1].map(|at| engine.orders[at].counts);
        assert_eq!((strict.dropped, weighted.contradictions), (0, 0));
        assert_eq!(strict.compositions + strict.contradictions, 20);
        assert!(strict.contradictions > 0 && weighted.dropped > 10, "{strict:?} {weighted:?}");
    }

    #[test]
    #[should_panic(expected = "dropped, instead of")]
    fn a_constraint_that_should_have_been_dropped_is_noticed() {
        let mut engine = Engine::new(1, SMALL);
        engine.draw(1, true);
        let composed = engine.orders[1].drawn.as_mut().expect("it was drawn");
        composed.dropped.pop_first().expect("the first set contradicts itself");
        engine.open_epoch(1);
    }

    #[test]
    #[should_panic(expected = "what comes before member")]
    fn an_edge_that_was_not_kept_is_noticed() {
        let mut engine = Engine::new(1, SMALL);
        engine.draw(0, false);
        let composed = engine.orders[0].drawn.as_mut().expect("it was drawn");
        composed.kept.push(before(0, 5));
        engine.open_epoch(0);
    }
}
