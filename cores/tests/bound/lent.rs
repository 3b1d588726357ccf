//! What a verb of every queue does to an entry of a bound one, and what it leaves alone.

use crate::judge::Id;
use crate::world::{Setup, World};
use cores::queue::{Handle, Pauses, Refusal, Report};
use shared_layouts::scheduler::{Order, SchedulerError, enqueue, list, queue_flags, when_dead};

const WORKER: [u8; 32] = [9; 32];

fn world() -> World {
    World::with(1, Setup { slots: 8, flags: queue_flags::LEASED, window: 0, lowest_every: 0 })
}

fn put(world: &mut World, member: u8, level: u8) -> (Id, Handle) {
    let id = world.put(0, member, &enqueue::Data { level, ..Default::default() }).expect("there is room");
    (id, world.handles(0, list::READY).into_iter().find(|one| one.0 == id).expect("it is ready").1)
}

fn state(world: &mut World) -> (Vec<u8>, Order) {
    let queue = world.queue(0);
    let mut bytes = bytemuck::bytes_of(&*queue.header).to_vec();
    bytes.extend(bytemuck::bytes_of(&*queue.index));
    bytes.extend(bytemuck::cast_slice::<_, u8>(&*queue.entries));
    (bytes, *world.order)
}

#[test]
fn a_handle_that_names_no_entry_any_more_changes_nothing() {
    let mut world = world();
    world.compose(&[(0, 1, when_dead::BLOCK, false)]);
    let (_, leased) = put(&mut world, 1, 3);
    world.claim(0, 1);
    put(&mut world, 0, 3);
    let (_, ready) = put(&mut world, 0, 4);
    let free = Handle { slot: 7, generation: 0 };
    let nowhere = Handle { slot: 99, generation: 1 };
    let stale = |handle: Handle| Handle { generation: handle.generation + 1, ..handle };
    let (before, now) = (state(&mut world), world.now);
    // Only of what can be dispatched the order is asked.
    let turn = |world: &mut World, handle| world.queue(0).check_turn(handle, now).map_err(Refusal::number);
    assert_eq!(turn(&mut world, leased), Err(SchedulerError::OrderWaits as u64));
    for handle in [stale(leased), ready, stale(ready), free, nowhere] {
        assert_eq!(turn(&mut world, handle), Ok(()), "{handle:?}");
    }
    for handle in [stale(ready), stale(leased), free, nowhere] {
        // One that finds nothing to do, and one that refuses.
        assert!(world.lent(0, handle, |queue| {
            assert_eq!(queue.reap(handle, &Pauses::default(), now), Ok(false));
            Ok(())
        }));
        assert!(state(&mut world) == before, "{handle:?}");
        assert!(!world.lent(0, handle, |queue| queue.hold(handle, now)));
        assert!(state(&mut world) == before, "{handle:?}");
    }
    // The entries are there, but not where these verbs look for them.
    for handle in [ready, leased] {
        assert!(!world.lent(0, handle, |queue| queue.redrive(handle, now)));
        assert!(state(&mut world) == before, "{handle:?}");
    }
    assert!(world.lent(0, leased, |queue| queue.reap(leased, &Pauses::default(), now).map(|_| ())));
    assert!(state(&mut world) == before, "the lease has not ended");
}

#[test]
fn a_lease_that_fails_costs_an_attempt_unless_its_entry_came_to_wait() {
    for waits in [false, true] {
        let mut world = world();
        world.compose(&[(0, 1, when_dead::BLOCK, false)]);
        let (_, handle) = put(&mut world, 1, 3);
        world.claim(0, 1);
        put(&mut world, if waits { 0 } else { 2 }, 3);
        let now = world.now;
        let report = Report { code: 1, is_permanent: false };
        assert!(world.lent(0, handle, |queue| queue.fail(handle, &WORKER, report, &Pauses::default(), now)));
        let entry = world.queue(0).entries[usize::from(handle.slot)];
        assert_eq!((entry.attempts, entry.list), if waits { (0, list::READY) } else { (1, list::DELAYED) });
    }
}

#[test]
fn an_entry_of_another_level_stands_in_that_level_s_lane() {
    let mut world = world();
    let (_, first) = put(&mut world, 0, 3);
    let (_, second) = put(&mut world, 0, 3);
    put(&mut world, 0, 9);
    for (handle, level) in [(first, 9), (second, 0), (first, 9)] {
        assert!(world.lent(0, handle, |queue| queue.reprioritize(handle, level)));
        world.observe(0);
        crate::links::check(&world.queue(0));
        assert_eq!(world.queue(0).entries[usize::from(handle.slot)].level, level);
    }
    assert_eq!(world.queue(0).header.levels, 1 << 9 | 1);
}
