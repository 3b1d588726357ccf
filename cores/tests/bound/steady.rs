//! A stream of predecessors that never ends.

use crate::judge::Id;
use crate::world::World;
use shared_layouts::scheduler::{enqueue, list, when_dead};

const ROUNDS: usize = 300;
/// Rounds at the end in which no successor is queued.
const LAST: usize = 10;

/// A successor, the epoch in which it was queued, and the one in which it ran.
type Successor = (Id, u32, Option<u32>);

/// Two queues in which a predecessor is queued before each claim, and a successor now and then, of a chain of two edges; what is
/// claimed runs.
fn stream(seed: u64, rotates: bool) -> Vec<Successor> {
    let mut world = World::new(seed);
    world.compose(&[(0, 1, when_dead::BLOCK, false), (1, 2, when_dead::BLOCK, false)]);
    let mut successors: Vec<Successor> = Vec::new();
    for round in 0..ROUNDS {
        world.now += 1;
        let at = |level| enqueue::Data { level, ..Default::default() };
        let place = world.below(2) as usize;
        assert!(world.put(place, 0, &at(0)).is_some(), "the stream does not stop");
        if round % 20 == 0 && round < ROUNDS - LAST {
            let (place, member) = (world.below(2) as usize, 1 + world.below(2) as u8);
            let id = world.put(place, member, &at(15)).expect("there is room");
            successors.push((id, world.judge.epoch(), None));
        }
        if rotates {
            world.rotate();
        }
        // All claims come before what they lease runs, so there is always a predecessor.
        for place in [0, 1] {
            world.claim(place, 4);
        }
        for (id, handle) in [world.handles(0, list::LEASED), world.handles(1, list::LEASED)].concat() {
            let epoch = world.judge.epoch();
            world.dispatch(id, handle);
            if let Some(successor) = successors.iter_mut().find(|one| one.0 == id) {
                successor.2 = Some(epoch);
            }
        }
    }
    successors
}

#[test]
fn under_a_steady_stream_of_predecessors_every_successor_runs_within_two_epochs() {
    for seed in [0x5eed, 0xfeed, 0xbead] {
        let starved = stream(seed, false);
        assert!(starved.iter().all(|one| one.2.is_none()), "without a rotation the stream holds all of them up");
        for (id, queued, ran) in stream(seed, true) {
            let ran = ran.unwrap_or_else(|| panic!("{id:?} never ran"));
            assert!(ran <= queued + 2, "{id:?} of epoch {queued} ran in epoch {ran}");
        }
    }
}
