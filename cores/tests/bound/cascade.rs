//! A claim takes what dies with another out of its way, as it does with what has expired.

use crate::judge::State;
use crate::world::{Setup, World};
use cores::order::epochs;
use cores::queue::Refusal;
use shared_layouts::scheduler::{SchedulerError, enqueue, list, queue_flags, reason, when_dead};

/// A world in which the entries of member 1 die with one of member 0 that is dead already: so many of them, and below them one of
/// member 2 that waits for nobody.
fn world(doomed: usize) -> World {
    let mut world = World::with(1, Setup { slots: 40, flags: queue_flags::LEASED, window: 0, lowest_every: 0 });
    world.compose(&[(0, 1, when_dead::CASCADE, false)]);
    world.put(0, 0, &enqueue::Data { level: 9, ..Default::default() }).expect("there is room");
    for _ in 0..doomed {
        world.put(0, 1, &enqueue::Data { level: 5, ..Default::default() }).expect("there is room");
    }
    world.put(0, 2, &enqueue::Data { level: 1, ..Default::default() }).expect("there is room");
    let first = world.handles(0, list::READY)[0];
    world.dead_letter(first.0, first.1);
    world.observe(0);
    assert!(matches!(world.judge.operations[&first.0].state, State::Dead(reason::OPERATOR)));
    world
}

fn count(world: &mut World, kind: u8) -> usize {
    world.handles(0, kind).len()
}

#[test]
fn a_claim_takes_eight_doomed_entries_out_and_leaves_the_rest() {
    for (doomed, leased, left) in [(1, 1, 0), (8, 1, 0), (9, 0, 2), (10, 0, 3)] {
        let mut world = world(doomed);
        world.claim(0, 1);
        assert_eq!((count(&mut world, list::LEASED), count(&mut world, list::READY)), (leased, left), "of {doomed}");
        // The dead letters take six; what has no room there is held.
        let stuck = [list::DEAD, list::HELD].map(|kind| count(&mut world, kind));
        assert_eq!(stuck, [(doomed + 1).min(6), (doomed + 1).saturating_sub(6).min(3)], "of {doomed}");
        world.claim(0, 1);
        assert_eq!(count(&mut world, list::LEASED), 1, "of {doomed}");
    }
}

#[test]
fn who_died_first_is_looked_at_anew_after_each_death() {
    let mut world = World::with(1, Setup { slots: 40, flags: queue_flags::LEASED, window: 0, lowest_every: 0 });
    // 2 waits for 1, which dies with 0: then nothing keeps it any more, for it goes ahead of a dead 1.
    world.compose(&[(0, 1, when_dead::CASCADE, false), (1, 2, when_dead::SKIP, false)]);
    for member in 0..3 {
        world.put(0, member, &enqueue::Data::default()).expect("there is room");
    }
    let first = world.handles(0, list::READY)[0];
    world.dead_letter(first.0, first.1);
    world.observe(0);
    world.claim(0, 1);
    assert_eq!([list::DEAD, list::LEASED].map(|kind| count(&mut world, kind)), [2, 1]);
}

#[test]
fn a_reap_takes_a_doomed_entry_out_and_leaves_others() {
    let mut world = world(1);
    let now = world.now;
    for (id, handle) in world.handles(0, list::READY) {
        let is_doomed = world.judge.operations[&id].member == 1;
        assert_eq!(world.queue(0).reap(handle, now), Ok(is_doomed), "{id:?}");
        world.observe(0);
        let kind = if is_doomed { list::DEAD } else { list::READY };
        assert_eq!(world.queue(0).entries[usize::from(handle.slot)].list, kind);
    }
}

#[test]
fn a_first_entry_waits_or_dies_whatever_else_its_predecessors_do() {
    for (pending, leased, expected) in [
        (0, None, SchedulerError::OrderDoomed),
        // One of the same member is dead, and another is pending.
        (1, None, SchedulerError::OrderWaits),
        // One is dead, and the chain is busy with the same member.
        (0, Some(0), SchedulerError::OrderDoomed),
    ] {
        let mut world = World::with(1, Setup { slots: 8, flags: 0, window: 2, lowest_every: 0 });
        world.compose(&[(0, 1, when_dead::CASCADE, true)]);
        for _ in 0..=pending {
            world.put(0, 0, &enqueue::Data::default()).expect("there is room");
        }
        let dead = world.handles(0, list::READY)[0];
        world.dead_letter(dead.0, dead.1);
        world.observe(0);
        let id = world.put(0, 1, &enqueue::Data { level: 9, ..Default::default() }).expect("there is room");
        if let Some(bit) = leased {
            epochs::lease(&mut world.order, bit).expect("there is room");
        }
        let handle = world.handles(0, list::READY).into_iter().find(|one| one.0 == id).expect("it is ready").1;
        let now = world.now;
        let found = world.queue(0).dispatchable(handle, &[9; 32], now).map(|_| ()).map_err(Refusal::number);
        assert_eq!(found, Err(expected as u64), "{pending} pending, {leased:?} leased");
    }
}
