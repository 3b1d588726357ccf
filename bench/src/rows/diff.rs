//! Rows of the diff program.

use super::lifecycle::prefund;
use super::{Row, row};
use mollusk_tests::diffs;
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{
    Fixture, apply_inline, initialize_diff, initialize_processor, initialize_scheduler, pause, people, resume,
};
use mollusk_tests::programs::DIFF;
use shared_layouts::diff::{
    Arena, BatchDigest, MAX_ARENA_BYTES, MAX_GROWTH_BYTES, MAX_STATE_BYTES, State, create_arena, create_state,
    optimization_level,
};
use solana_pubkey::Pubkey;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("diff/initialize", |profile| {
            let mut fixture = Fixture::installed(profile);
            fixture.send(&[initialize_processor()], &[people::AUTHORITY]);
            fixture.send(&[initialize_scheduler()], &[people::AUTHORITY]);
            fixture.send(&[initialize_diff()], &[people::AUTHORITY]).units_of(0)
        }),
        row("diff/pause", |profile| {
            Fixture::new(profile).send(&[pause(DIFF, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        row("diff/resume", |profile| {
            let mut fixture = Fixture::new(profile);
            fixture.send(&[pause(DIFF, people::AUTHORITY)], &[people::AUTHORITY]);
            fixture.send(&[resume(DIFF, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        row("diff/apply_inline/1-op", |profile| inline(profile, 1)),
        row("diff/apply_inline/16-ops", |profile| inline(profile, 16)),
    ]
    .into_iter()
    .chain(accounts())
    .chain(preparing())
    .chain(batch())
    .collect()
}

/// Units of so many operations of 8 bytes each on a state of 1 KiB.
fn inline(profile: FeatureProfile, count: u32) -> u64 {
    let mut fixture = Fixture::new(profile);
    let state = fixture.state(1_024);
    let operations: Vec<(u32, &[u8])> = (0..count).map(|index| (index * 32, &[7; 8][..])).collect();
    fixture.send(&[apply_inline(&state, 0, &operations)], &[people::OWNER]).units_of(0)
}

fn accounts() -> Vec<Row> {
    vec![
        row("diff/create_arena", |profile| {
            let mut fixture = Fixture::new(profile);
            let create = fixture.create_arena(diffs::ARENA_BYTES, 2, optimization_level::AGGRESSIVE);
            fixture.send(&[create], &[people::OWNER]).units_of(0)
        }),
        row("diff/create_arena/worst", |profile| {
            let mut fixture = Fixture::new(profile);
            let create = fixture.create_arena(diffs::ARENA_BYTES, 2, optimization_level::AGGRESSIVE);
            prefund(&mut fixture, &create.accounts[create_arena::Position::arena as usize].pubkey);
            fixture.send(&[create], &[people::OWNER]).units_of(0)
        }),
        row("diff/grow_arena", |profile| {
            let mut fixture = Fixture::new(profile);
            let arena = fixture.arena();
            fixture.send(&[diffs::grow_arena(&arena, 10_240)], &[people::OWNER]).units_of(0)
        }),
        row("diff/close_arena", |profile| {
            let mut fixture = Fixture::new(profile);
            let arena = fixture.arena();
            fixture.send(&[diffs::close_arena(&arena)], &[people::OWNER]).units_of(0)
        }),
        row("diff/grow_arena/worst", |profile| {
            let (mut fixture, arena) = large_arena(profile, MAX_ARENA_BYTES - MAX_GROWTH_BYTES);
            fixture.send(&[diffs::grow_arena(&arena, 10_240)], &[people::OWNER]).units_of(0)
        }),
        row("diff/close_arena/worst", |profile| {
            let (mut fixture, arena) = large_arena(profile, MAX_ARENA_BYTES);
            fixture.send(&[diffs::close_arena(&arena)], &[people::OWNER]).units_of(0)
        }),
        row("diff/create_state", |profile| {
            let mut fixture = Fixture::new(profile);
            let create = fixture.create_state(1_024);
            fixture.send(&[create], &[people::OWNER]).units_of(0)
        }),
        row("diff/create_state/worst", |profile| {
            let mut fixture = Fixture::new(profile);
            let create = fixture.create_state(10_000);
            prefund(&mut fixture, &create.accounts[create_state::Position::state as usize].pubkey);
            fixture.send(&[create], &[people::OWNER]).units_of(0)
        }),
        row("diff/resize_state", |profile| {
            let mut fixture = Fixture::new(profile);
            let state = fixture.state(1_024);
            fixture.send(&[diffs::resize_state(&state, 2_048)], &[people::OWNER]).units_of(0)
        }),
        row("diff/resize_state/worst", |profile| {
            let (mut fixture, state) = large_state(profile, MAX_STATE_BYTES - MAX_GROWTH_BYTES);
            let most = u32::try_from(MAX_STATE_BYTES).expect("10 MiB");
            fixture.send(&[diffs::resize_state(&state, most)], &[people::OWNER]).units_of(0)
        }),
        row("diff/close_state", |profile| {
            let mut fixture = Fixture::new(profile);
            let state = fixture.state(1_024);
            fixture.send(&[diffs::close_state(&state)], &[people::OWNER]).units_of(0)
        }),
        row("diff/close_state/worst", |profile| {
            let (mut fixture, state) = large_state(profile, MAX_STATE_BYTES);
            fixture.send(&[diffs::close_state(&state)], &[people::OWNER]).units_of(0)
        }),
    ]
}

/// An arena of so many bytes, with the rent for them.
fn large_arena(profile: FeatureProfile, bytes: usize) -> (Fixture, Pubkey) {
    const RING_SLOTS: u16 = 2;
    let mut fixture = Fixture::new(profile);
    let arena = fixture.arena();
    let mut account = fixture.world.account(&arena);
    account.data.resize(bytes, 0);
    account.lamports = fixture.world.svm.minimum_balance_for_rent_exemption(bytes);
    let header: &mut Arena = bytemuck::from_bytes_mut(&mut account.data[..Arena::BYTES]);
    assert_eq!(header.ring_slots, RING_SLOTS);
    // Operations and their inverses have half each of what header and ring leave.
    let space = bytes - Arena::BYTES - usize::from(RING_SLOTS) * BatchDigest::BYTES;
    header.capacity_bytes = u32::try_from((space / 2) & !7).expect("below 10 MiB");
    fixture.world.set_account(&arena, account);
    (fixture, arena)
}

/// A state of so many bytes, which would take a thousand instructions to grow to, with the rent for them.
fn large_state(profile: FeatureProfile, bytes: usize) -> (Fixture, Pubkey) {
    let mut fixture = Fixture::new(profile);
    let state = fixture.state(1_024);
    let mut account = fixture.world.account(&state);
    account.data.resize(State::BYTES + bytes, 7);
    account.lamports = fixture.world.svm.minimum_balance_for_rent_exemption(account.data.len());
    fixture.world.set_account(&state, account);
    (fixture, state)
}

fn preparing() -> Vec<Row> {
    let calculated = |name: &str, dirty: fn(usize) -> bool| {
        row(name, move |profile| {
            let new: Vec<u8> = (0..STATE_BYTES).map(|at| u8::from(dirty(at / 8))).collect();
            calculate(profile, &new).1
        })
    };
    vec![
        one_word_of(80),
        one_word_of(800),
        one_word_of(8_000),
        one_word_of(102_400),
        calculated("diff/calculate/10k-unchanged", |_| false),
        calculated("diff/calculate/10k-one-word", |word| word == 700),
        calculated("diff/calculate/10k-16-words", |word| word % 80 == 41),
        calculated("diff/calculate/10k-all", |_| true),
        row("diff/stage/16-ops", |profile| {
            let (mut fixture, arena, state) = small(profile);
            fixture.send(&[diffs::stage(&arena, &state, 0, 1_024, &sixteen())], &[people::OWNER]).units_of(0)
        }),
        row("diff/optimize/16-ops", |profile| {
            let (mut fixture, arena, state) = small(profile);
            fixture.send(&[diffs::stage(&arena, &state, 0, 1_024, &sixteen())], &[people::OWNER]);
            let optimize = diffs::optimize(&arena, &[state], optimization_level::AGGRESSIVE);
            fixture.send(&[optimize], &[people::OWNER]).units_of(0)
        }),
        row("diff/optimize/16-ops-unsorted", |profile| {
            let (mut fixture, arena, state) = small(profile);
            let mut operations = sixteen();
            operations.reverse();
            fixture.send(&[diffs::stage(&arena, &state, 0, 1_024, &operations)], &[people::OWNER]);
            let optimize = diffs::optimize(&arena, &[state], optimization_level::AGGRESSIVE);
            fixture.send(&[optimize], &[people::OWNER]).units_of(0)
        }),
        row("diff/seal/16-ops", |profile| {
            let (mut fixture, arena, state) = small(profile);
            fixture.send(&[diffs::stage(&arena, &state, 0, 1_024, &sixteen())], &[people::OWNER]);
            fixture.send(&[diffs::seal(&arena, &[state])], &[people::OWNER]).units_of(0)
        }),
        row("diff/discard", |profile| {
            let (mut fixture, arena, state) = small(profile);
            fixture.sealed(&arena, &[(state, &sixteen())]);
            fixture.send(&[diffs::discard(&arena)], &[people::OWNER]).units_of(0)
        }),
        row("diff/verify_integrity/16-ops", |profile| {
            let (mut fixture, arena, state) = small(profile);
            fixture.sealed(&arena, &[(state, &sixteen())]);
            let digest = fixture.arena_header(&arena).digest;
            fixture.send(&[diffs::verify_integrity(&arena, 0, digest, &[])], &[]).units_of(0)
        }),
    ]
}

/// One dirty word in an account of so many bytes that another program owns.
fn one_word_of(bytes: usize) -> Row {
    row(&format!("diff/calculate/one-word-of-{bytes}"), move |profile| {
        let mut fixture = Fixture::new(profile);
        let arena = fixture.arena();
        let target = fixture.bytes_account("target", vec![0; bytes]);
        let new = (0..bytes).map(|at| u8::from(at / 8 == bytes / 16)).collect();
        let source = fixture.bytes_account("source", new);
        let calculate = diffs::calculate(&arena, &target, 0, &source, 0);
        fixture.send(&[calculate], &[people::OWNER]).units_of(0)
    })
}

fn batch() -> Vec<Row> {
    vec![
        row("diff/begin/1-target", |profile| {
            let (mut fixture, arena, state) = small(profile);
            fixture.sealed(&arena, &[(state, &sixteen())]);
            fixture.send(&[diffs::begin(&arena, &[state])], &[people::OWNER]).units_of(0)
        }),
        row("diff/apply/16-ops-undo", |profile| {
            let (mut fixture, arena, state) = small(profile);
            fixture.begun(&arena, &[(state, &sixteen())]);
            fixture.send(&[diffs::apply(&arena, &[state], 16)], &[people::OWNER]).units_of(0)
        }),
        row("diff/apply/10k-one-range", |profile| {
            let (mut fixture, arena, state) = calculate(profile, &[1; STATE_BYTES]).0;
            fixture.send(&[diffs::seal(&arena, &[state])], &[people::OWNER]);
            fixture.send(&[diffs::begin(&arena, &[state])], &[people::OWNER]);
            let units = fixture.send(&[diffs::apply(&arena, &[state], 1)], &[people::OWNER]).units_of(0);
            assert_eq!(fixture.state_data(&state), [1; STATE_BYTES]);
            units
        }),
        row("diff/rollback/16-ops", |profile| {
            let (mut fixture, arena, state) = small(profile);
            fixture.begun(&arena, &[(state, &sixteen())]);
            fixture.send(&[diffs::apply(&arena, &[state], 16)], &[people::OWNER]);
            fixture.send(&[diffs::rollback(&arena, &[state], 16, people::OWNER)], &[people::OWNER]).units_of(0)
        }),
        row("diff/commit/1-target", |profile| {
            let (mut fixture, arena, state) = small(profile);
            fixture.begun(&arena, &[(state, &sixteen())]);
            fixture.send(&[diffs::apply(&arena, &[state], 16)], &[people::OWNER]);
            fixture.send(&[diffs::commit(&arena, &[state])], &[people::OWNER]).units_of(0)
        }),
    ]
}

/// Data of the large state: 10 KiB.
const STATE_BYTES: usize = 10_240;

/// An arena, and a state of 1 KiB.
fn small(profile: FeatureProfile) -> (Fixture, Pubkey, Pubkey) {
    let mut fixture = Fixture::new(profile);
    let arena = fixture.arena();
    let state = fixture.state(1_024);
    (fixture, arena, state)
}

/// Sixteen operations of 8 bytes, far enough apart to stay sixteen.
fn sixteen() -> Vec<(u32, &'static [u8])> {
    (0..16).map(|index| (index * 64, &[7; 8][..])).collect()
}

/// What makes a state of 10 KiB zeros `new`, staged at the aggressive level, and the units of the calculation.
pub(super) fn calculate(profile: FeatureProfile, new: &[u8]) -> ((Fixture, Pubkey, Pubkey), u64) {
    let mut fixture = Fixture::new(profile);
    let arena = fixture.arena();
    // The first instruction makes as much as one may; then the state and the arena grow to what they need.
    let state = fixture.state(10_000);
    let large = u32::try_from(STATE_BYTES).expect("10 KiB");
    fixture.send(&[diffs::resize_state(&state, large)], &[people::OWNER]);
    for _ in 0..2 {
        fixture.send(&[diffs::grow_arena(&arena, 10_240)], &[people::OWNER]);
    }
    let source = fixture.bytes_account("source", new.to_vec());
    let units = fixture.send(&[diffs::calculate(&arena, &state, 1, &source, 0)], &[people::OWNER]).units_of(0);
    ((fixture, arena, state), units)
}
