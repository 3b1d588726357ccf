//! Cases of the instructions that make arenas and states, change their length, and close them.

use super::scene::{STATE_BYTES, Scene};
use crate::{case::ValidCase, change::Kind};
use mollusk_tests::diffs;
use shared_layouts::diff::{DEFAULT_LEVEL, create_arena, create_state, optimization_level};

const RECEIVER: &str = "lamports go wherever the owner sends them";
const NO_CALL: &str = "there is nothing to pay, so the system program is not called";

pub fn cases() -> Vec<ValidCase> {
    let mut cases = created();
    cases.extend(resized());
    cases.extend(closed());
    cases
}

fn created() -> Vec<ValidCase> {
    let scene = Scene::new();
    let owner = "whoever signs owns the new account";
    let [arena, bare_arena, state] = [
        scene.create_arena(diffs::ARENA_BYTES, 2, DEFAULT_LEVEL),
        scene.create_arena(1_024, 0, optimization_level::NONE),
        scene.create_state(STATE_BYTES),
    ];
    // Somebody has sent lamports to the addresses before.
    let mut paid = scene.clone();
    paid.world.airdrop(&arena.accounts[create_arena::Position::arena as usize].pubkey, 1_000_000);
    paid.world.airdrop(&state.accounts[create_state::Position::state as usize].pubkey, 1_000_000_000);
    [
        ValidCase::new("CreateArena", &scene, arena.clone()),
        ValidCase::new("CreateArena", &scene, bare_arena),
        ValidCase::new("CreateArena", &paid, arena),
        ValidCase::new("CreateState", &scene, state.clone()),
        ValidCase::new("CreateState", &paid, state),
    ]
    .map(|case| case.any_key("owner", owner))
    .into()
}

fn resized() -> Vec<ValidCase> {
    let scene = Scene::new();
    let staged = scene.clone().staged();
    let mut paid = scene.clone();
    for account in [paid.arena, paid.one] {
        paid.world.airdrop(&account, 1_000_000_000);
    }
    vec![
        ValidCase::new("GrowArena", &scene, diffs::grow_arena(&scene.arena, 10_240)),
        ValidCase::new("GrowArena", &staged, diffs::grow_arena(&scene.arena, 1)),
        ValidCase::new("GrowArena", &paid, diffs::grow_arena(&scene.arena, 10_240)).any_key("system_program", NO_CALL),
        ValidCase::new("ResizeState", &scene, diffs::resize_state(&scene.one, 10_000)),
        ValidCase::new("ResizeState", &scene, diffs::resize_state(&scene.one, 0)).any_key("system_program", NO_CALL),
        ValidCase::new("ResizeState", &paid, diffs::resize_state(&scene.one, 10_000))
            .any_key("system_program", NO_CALL),
    ]
}

fn closed() -> Vec<ValidCase> {
    let scene = Scene::new();
    let sealed = scene.clone().sealed();
    let receiving = |case: ValidCase| case.any_key("receiver", RECEIVER).accepts("receiver", Kind::Owner, RECEIVER);
    vec![
        receiving(ValidCase::new("CloseArena", &scene, diffs::close_arena(&scene.arena))),
        receiving(ValidCase::new("CloseArena", &sealed, diffs::close_arena(&scene.arena))),
        receiving(ValidCase::new("CloseState", &scene, diffs::close_state(&scene.one))),
        // A sealed batch does not hold its targets yet.
        receiving(ValidCase::new("CloseState", &sealed, diffs::close_state(&scene.one))),
    ]
}
