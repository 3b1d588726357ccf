//! Cases of a batch that is begun, and of what remains of it.

use super::scene::{Scene, VERSIONS};
use crate::{case::ValidCase, change::Kind};
use mollusk_tests::{
    diffs::{LOCK_SECONDS, apply, begin, commit, rollback, seal, stage, verify_integrity},
    fixture::{pause, people},
    programs::{DIFF, address},
};
use sha2::{Digest, Sha256};
use shared_layouts::diff::batch_stage;
use solana_pubkey::Pubkey;

const REST: &str = "the targets may end anywhere: the next call goes on from there";
const NO_CLOCK: &str = "the owner takes a batch back at any time, so that the clock is not read";

const SIGNS_ELSEWHERE: &str = "owner of the arena and of a state is one person, who signs once for both";

pub fn cases() -> Vec<ValidCase> {
    let mut cases = begun();
    cases.extend(applied());
    cases.extend(rolled_back());
    cases.extend(committed());
    cases.extend(verified());
    cases
}

fn begun() -> Vec<ValidCase> {
    let both = Scene::new().sealed();
    let mut one = Scene::new();
    let (arena, state) = (one.arena, one.two);
    one.send(&[stage(&arena, &state, VERSIONS[1], 0, &[]), seal(&arena, &[state])], &[people::OWNER]);
    let mut only = begin(&arena, &[state]);
    only.accounts.last_mut().expect("the state's owner").pubkey = address(people::PRODUCER);
    vec![
        ValidCase::new("Begin", &both, both.begin()).accepts("owner", Kind::Signer, SIGNS_ELSEWHERE).accepts(
            "more 1",
            Kind::Signer,
            SIGNS_ELSEWHERE,
        ),
        ValidCase::new("Begin", &one, only),
    ]
}

fn applied() -> Vec<ValidCase> {
    let fresh = Scene::new().begun();
    let inside = Scene::new().applied(1);
    let second = Scene::new().applied(2);
    let arena = fresh.arena;
    vec![
        ValidCase::new("Apply", &fresh, apply(&arena, &[fresh.one], 1)),
        ValidCase::new("Apply", &fresh, apply(&arena, &fresh.states(), 50)).accepts("more 1", Kind::Missing, REST),
        ValidCase::new("Apply", &inside, apply(&arena, &fresh.states(), 50)).accepts("more 1", Kind::Missing, REST),
        ValidCase::new("Apply", &second, apply(&arena, &[fresh.two], 50)),
    ]
}

fn rolled_back() -> Vec<ValidCase> {
    let untouched = Scene::new().begun();
    let applied = Scene::new().applied(3);
    let (arena, states) = (applied.arena, applied.states());
    let mut half = applied.clone();
    half.send(&[rollback(&arena, &states[..1], 50, people::OWNER)], &[people::OWNER]);
    assert_eq!(half.stage(), batch_stage::ROLLING_BACK);
    let by_owner = |scene: &Scene, states: &[Pubkey], most| {
        ValidCase::new("Rollback", scene, rollback(&arena, states, most, people::OWNER)).any_key("clock", NO_CLOCK)
    };
    let mut late = applied.clone();
    let now = late.world.unix_seconds();
    late.world.set_unix_seconds(now + i64::from(LOCK_SECONDS) + 1);
    late.send(&[pause(DIFF, people::AUTHORITY)], &[people::AUTHORITY]);
    vec![
        by_owner(&untouched, &states, 50).accepts("more 1", Kind::Missing, REST),
        by_owner(&applied, &states, 50).accepts("more 1", Kind::Missing, REST),
        by_owner(&applied, &states[..1], 1),
        by_owner(&half, &states[1..], 50),
        ValidCase::new("Rollback", &late, rollback(&arena, &states, 50, people::STRANGER))
            .any_key("signer", "after the deadline anyone may, also while the program is paused")
            .accepts("more 1", Kind::Missing, REST),
    ]
}

fn committed() -> Vec<ValidCase> {
    let scene = Scene::new().applied(4);
    vec![ValidCase::new("Commit", &scene, commit(&scene.arena, &scene.states()))]
}

fn verified() -> Vec<ValidCase> {
    let sealed = Scene::new().sealed();
    let header = sealed.arena_header(&sealed.arena);
    let mut ended = Scene::new().applied(4);
    let (arena, state, external) = (ended.arena, ended.one, ended.external);
    let commit = commit(&arena, &ended.states());
    ended.send(&[commit], &[people::OWNER]);
    let results = [(state, ended.state_data(&state)), (external, ended.world.account(&external).data)]
        .map(|(key, data)| (key, Sha256::digest(data).into()));
    vec![
        ValidCase::new("VerifyIntegrity", &sealed, verify_integrity(&arena, header.batch, header.digest, &[])),
        ValidCase::new("VerifyIntegrity", &ended, verify_integrity(&arena, header.batch, header.digest, &results))
            .accepts("more 1", Kind::Copy, "what counts is the data, wherever it stands"),
    ]
}
