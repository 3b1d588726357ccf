//! Cases of what is done with a batch before it begins.

use super::scene::{EXTERNAL_OFFSET, LONGER_BYTES, STATE_BYTES, Scene, VERSIONS, keys};
use crate::{case::ValidCase, change::Kind};
use mollusk_tests::{
    diffs::{self, calculate_range, discard, optimize, seal, stage, stage_wire},
    fixture::{apply_inline, people, wire},
};
use shared_layouts::diff::{State, TO_THE_END, calculate, optimization_level, stage as staging};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

const ANY_TARGET: &str = "a batch may be staged for any other program's account: that program applies it, or does not";
const ANY_SOURCE: &str = "the source is nothing but bytes";
const TOO_LONG: &str =
    "differences are written behind the staged operations, where nothing counts yet, until they do not fit";
const REJECTED: &str = "a batch that does not fit its targets any more is rejected, which is recorded";

/// Version of the account of another program: no state has it.
const EXTERNAL_VERSION: u64 = 7;
/// No account of more bytes than this, except for those that are too long for an arena's room, stands in the scene.
const SHORT_BYTES: usize = 1_024;

pub fn cases() -> Vec<ValidCase> {
    let mut cases = calculated();
    cases.extend(staged());
    cases.extend(optimized());
    cases.extend(sealed());
    cases.extend(discarded());
    cases
}

/// A `Calculate` of a batch's first target, whose range ends at `target_end` and takes the source's bytes up to `source_end`.
fn first_calculate(scene: &Scene, calculate: Instruction, target_end: usize, source_end: usize) -> ValidCase {
    let [target, source] = [calculate::Position::target, calculate::Position::source]
        .map(|position| calculate.accounts[position as usize].pubkey);
    let case = ValidCase::new("Calculate", scene, calculate).accepts("target", Kind::Owner, ANY_TARGET);
    let case = keys(case, "target", &scene.foreign(target_end), ANY_TARGET);
    any_source(scene, case, &target, &source, source_end)
}

/// Whatever has the bytes will do for the source; the arena itself will not, and what is taken whole must fit into it.
fn any_source(scene: &Scene, case: ValidCase, target: &Pubkey, source: &Pubkey, source_end: usize) -> ValidCase {
    let mut sources = scene.foreign(source_end);
    sources.extend(scene.owned().into_iter().filter(|key| *key != scene.arena));
    if !sources.contains(target) {
        sources.push(*target);
    }
    sources.retain(|key| key != source && (source_end > 0 || scene.world.account(key).data.len() <= SHORT_BYTES));
    [Kind::Owner, Kind::Discriminator, Kind::Version]
        .into_iter()
        .fold(keys(case, "source", &sources, ANY_SOURCE), |case, kind| case.accepts("source", kind, ANY_SOURCE))
}

fn calculated() -> Vec<ValidCase> {
    let mut scene = Scene::new();
    let bytes = scene.bytes_account("source", vec![8; LONGER_BYTES as usize]);
    let whole = diffs::calculate(&scene.arena, &scene.one, VERSIONS[0], &bytes, 0);
    let range = calculate::Data {
        base_version: VERSIONS[0],
        target_offset: 8,
        source_offset: 128,
        range_bytes: 16,
        data_offset: 0,
    };
    let from_state = calculate_range(&scene.arena, &scene.one, &scene.two, &range);
    let external = calculate::Data {
        base_version: EXTERNAL_VERSION,
        target_offset: 0,
        source_offset: 0,
        range_bytes: TO_THE_END,
        data_offset: EXTERNAL_OFFSET,
    };
    let for_other_program = calculate_range(&scene.arena, &scene.external, &bytes, &external);
    let begun = scene.clone().staged();
    let again = calculate::Data { base_version: VERSIONS[1], source_offset: 0, ..range };
    let again = ValidCase::new("Calculate", &begun, calculate_range(&scene.arena, &scene.two, &bytes, &again));
    let again = keys(again, "target", &begun.foreign(24), ANY_TARGET).key("target", bytes, ANY_TARGET);
    vec![
        first_calculate(&scene, whole, 0, 0)
            .key("target", bytes, ANY_TARGET)
            .accepts("source", Kind::Copy, ANY_SOURCE)
            .refuses_late("source", Kind::Other, TOO_LONG),
        first_calculate(&scene, from_state, 24, State::BYTES + 16),
        first_calculate(&scene, for_other_program, EXTERNAL_OFFSET as usize, 0)
            .key("target", bytes, ANY_TARGET)
            .accepts("target", Kind::Copy, ANY_TARGET)
            .accepts("target", Kind::Discriminator, ANY_TARGET)
            .accepts("target", Kind::Version, ANY_TARGET)
            .accepts("source", Kind::Copy, ANY_SOURCE)
            .refuses_late("source", Kind::Other, TOO_LONG),
        any_source(&begun, again, &scene.two, &bytes, 16).accepts("source", Kind::Copy, ANY_SOURCE),
    ]
}

fn staged() -> Vec<ValidCase> {
    const OPERATIONS: diffs::Operations = &[(0, &[7; 8]), (16, &[7; 8])];
    /// Discriminator and fixed data.
    const FIXED: usize = 1 + staging::Data::BYTES;
    let operations = "the data ends behind an operation";
    let empty = "an operation without bytes is rejected by `Seal`, if `Optimize` does not drop it before";
    let scene = Scene::new();
    let begun = scene.clone().staged();
    let cut = |case: ValidCase| case.lengths(FIXED..=FIXED, operations).lengths(FIXED + 16..=FIXED + 16, operations);
    let zeros = |case: ValidCase, bytes| {
        let full = FIXED + bytes;
        case.lengths(full + 8..=full + 8, empty).lengths(full + 16..=full + 16, empty)
    };
    let first = ValidCase::new("Stage", &scene, stage(&scene.arena, &scene.one, VERSIONS[0], STATE_BYTES, OPERATIONS));
    let first = keys(first, "target", &scene.foreign(0), ANY_TARGET).accepts("target", Kind::Owner, ANY_TARGET);
    let length = ValidCase::new("Stage", &scene, stage(&scene.arena, &scene.two, VERSIONS[1], LONGER_BYTES, &[]));
    let length = keys(length, "target", &scene.foreign(0), ANY_TARGET).accepts("target", Kind::Owner, ANY_TARGET);
    let external =
        staging::Data { base_version: EXTERNAL_VERSION, new_length: STATE_BYTES, data_offset: EXTERNAL_OFFSET };
    let external = stage_wire(&scene.arena, &scene.external, &external, &wire(OPERATIONS));
    let external = ValidCase::new("Stage", &scene, external);
    let external = keys(external, "target", &scene.foreign(EXTERNAL_OFFSET as usize), ANY_TARGET);
    let external = [Kind::Owner, Kind::Copy, Kind::Discriminator, Kind::Version]
        .into_iter()
        .fold(external, |case, kind| case.accepts("target", kind, ANY_TARGET));
    let shorter = super::scene::SHORTER_BYTES;
    let again = ValidCase::new("Stage", &begun, stage(&scene.arena, &scene.two, VERSIONS[1], shorter, OPERATIONS));
    let again = keys(again, "target", &scene.foreign(0), ANY_TARGET);
    vec![zeros(cut(first), 32), zeros(length, 0), zeros(cut(external), 32), zeros(cut(again), 32)]
}

/// The scene's batch, and a third target that another program owns, with operations that do not ascend.
fn with_external() -> (Scene, [Pubkey; 3]) {
    const OPERATIONS: diffs::Operations = &[(32, &[4; 8]), (0, &[4; 8]), (4, &[2; 16])];
    let mut scene = Scene::new().staged();
    let data = staging::Data { base_version: EXTERNAL_VERSION, new_length: STATE_BYTES, data_offset: EXTERNAL_OFFSET };
    let stage = stage_wire(&scene.arena, &scene.external, &data, &wire(OPERATIONS));
    scene.send(&[stage], &[people::OWNER]);
    let targets = [scene.one, scene.two, scene.external];
    (scene, targets)
}

fn optimized() -> Vec<ValidCase> {
    use optimization_level::{AGGRESSIVE, BASIC, NONE};
    let (three, targets) = with_external();
    let two = Scene::new().staged();
    let empty = Scene::new();
    vec![
        ValidCase::new("Optimize", &three, optimize(&three.arena, &targets, AGGRESSIVE)),
        ValidCase::new("Optimize", &three, optimize(&three.arena, &targets, BASIC)),
        ValidCase::new("Optimize", &two, optimize(&two.arena, &two.states(), NONE)),
        ValidCase::new("Optimize", &empty, optimize(&empty.arena, &[], AGGRESSIVE)),
    ]
}

fn sealed() -> Vec<ValidCase> {
    let rejecting = |scene: &Scene, targets: &[Pubkey]| {
        ValidCase::new("Seal", scene, seal(&scene.arena, targets)).accepts("more 0", Kind::Owner, REJECTED).accepts(
            "more 1",
            Kind::Owner,
            REJECTED,
        )
    };
    let two = Scene::new().staged();
    let (unsorted, targets) = with_external();
    let mut sorted = unsorted.clone();
    sorted.send(&[optimize(&unsorted.arena, &targets, optimization_level::AGGRESSIVE)], &[people::OWNER]);
    let mut stale = two.clone();
    stale.send(&[apply_inline(&two.one, VERSIONS[0], &[(0, &[1])])], &[people::OWNER]);
    let empty = Scene::new();
    vec![
        rejecting(&two, &two.states()),
        rejecting(&sorted, &targets),
        // Rejected batches: the first target has changed, the operations overlap, or there are none.
        rejecting(&stale, &two.states()),
        rejecting(&unsorted, &targets),
        ValidCase::new("Seal", &empty, seal(&empty.arena, &[])),
    ]
}

fn discarded() -> Vec<ValidCase> {
    [Scene::new(), Scene::new().staged(), Scene::new().sealed()]
        .map(|scene| ValidCase::new("Discard", &scene, discard(&scene.arena)))
        .into()
}
