//! The world that the diff program's cases share.
//!
//! Beside what a case is about there is always somebody else's arena and state, and an arena of the same owner with a batch
//! that holds a state of his: whatever stands in the wrong place is then of the right kind, and must be refused for what it is.

use crate::case::ValidCase;
use mollusk_tests::{
    diffs,
    features::FeatureProfile,
    fixture::{Fixture, apply_inline, people},
    programs::{DIFF, PROCESSOR, SCHEDULER, address},
};
use shared_layouts::diff;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use std::ops::{Deref, DerefMut};

/// Data bytes of every state.
pub const STATE_BYTES: u32 = 64;
/// What the batch makes of that in [`Scene::one`].
pub const LONGER_BYTES: u32 = 96;
/// What it makes of it in [`Scene::two`].
pub const SHORTER_BYTES: u32 = 40;
/// Bytes before the data in [`Scene::external`].
pub const EXTERNAL_OFFSET: u32 = 16;

/// Versions of [`Scene::one`] and [`Scene::two`]: no other state has them.
pub const VERSIONS: [u64; 2] = [1, 2];

/// A world with an open, empty arena, and states to fill it for.
#[derive(Clone)]
pub struct Scene {
    /// The world.
    pub fixture: Fixture,
    /// Arena of [`people::OWNER`], with a ring of two digests.
    pub arena: Pubkey,
    /// State of [`people::OWNER`], which can pay for [`LONGER_BYTES`].
    pub one: Pubkey,
    /// State of [`people::PRODUCER`].
    pub two: Pubkey,
    /// Account of another program with 80 bytes.
    pub external: Pubkey,
}

impl Deref for Scene {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

impl DerefMut for Scene {
    fn deref_mut(&mut self) -> &mut Fixture {
        &mut self.fixture
    }
}

impl Scene {
    /// The scene before anything is staged.
    pub fn new() -> Self {
        let mut fixture = Fixture::new(FeatureProfile::Mainnet);
        let busy = fixture.arena();
        let held = fixture.state(STATE_BYTES);
        fixture.begun(&busy, &[(held, &[(0, &[3; 8])])]);
        fixture.send(&[diffs::apply(&busy, &[held], 1)], &[people::OWNER]);

        arena_of(&mut fixture, people::PRODUCER);
        let arena = arena_of(&mut fixture, people::OWNER);
        let [one, two] = [people::OWNER, people::PRODUCER].map(|owner| state_of(&mut fixture, owner));
        for (state, owner, version) in [(one, people::OWNER, VERSIONS[0]), (two, people::PRODUCER, VERSIONS[1])] {
            for base in 0..version {
                let bytes = [9; 8];
                let inline = apply_inline(&state, base, &[(8, &bytes)]);
                fixture.send(&[signed_by(inline, diff::apply_inline::Position::owner as usize, owner)], &[owner]);
            }
        }
        fixture.world.airdrop(&one, 10_000_000);
        let external = fixture.bytes_account("external target", (0..80).collect());
        Self { fixture, arena, one, two, external }
    }

    /// The two targets of the batch.
    pub fn states(&self) -> [Pubkey; 2] {
        [self.one, self.two]
    }

    /// A batch of two operations that makes the first state longer, and of two that make the second shorter.
    pub fn staged(mut self) -> Self {
        let one: diffs::Operations = &[(0, &[5; 8]), (60, &[5; 12])];
        let two: diffs::Operations = &[(0, &[6; 8]), (24, &[6; 8])];
        let stages = [
            diffs::stage(&self.arena, &self.one, VERSIONS[0], LONGER_BYTES, one),
            diffs::stage(&self.arena, &self.two, VERSIONS[1], SHORTER_BYTES, two),
        ];
        self.send(&stages, &[people::OWNER]);
        self
    }

    /// The same batch, sealed.
    pub fn sealed(self) -> Self {
        let mut scene = self.staged();
        let seal = diffs::seal(&scene.arena, &scene.states());
        scene.send(&[seal], &[people::OWNER]);
        assert_eq!(scene.stage(), diff::batch_stage::SEALED);
        scene
    }

    /// `Begin` of the batch, with the signatures of both owners.
    pub fn begin(&self) -> Instruction {
        let mut begin = diffs::begin(&self.arena, &self.states());
        let last = begin.accounts.len() - 1;
        begin.accounts[last] = AccountMeta::new_readonly(address(people::PRODUCER), true);
        begin
    }

    /// The same batch, begun.
    pub fn begun(self) -> Self {
        let mut scene = self.sealed();
        let begin = scene.begin();
        scene.send(&[begin], &[people::OWNER, people::PRODUCER]);
        assert_eq!(scene.stage(), diff::batch_stage::BEGUN);
        scene
    }

    /// The same batch, with so many operations applied.
    pub fn applied(self, operations: u16) -> Self {
        let mut scene = self.begun();
        let apply = diffs::apply(&scene.arena, &scene.states(), operations);
        scene.send(&[apply], &[people::OWNER]);
        scene
    }

    /// Stage of the arena's batch.
    pub fn stage(&self) -> u8 {
        self.arena_header(&self.arena).header.state
    }

    /// Every account that the matrix tries, that the diff program does not own, and that has so many bytes.
    pub fn foreign(&self, bytes: usize) -> Vec<Pubkey> {
        let theirs = [PROCESSOR, SCHEDULER]
            .into_iter()
            .flat_map(|program| self.world.svm.get_program_accounts(&program.address()))
            .map(|(key, _)| key);
        let mut keys: Vec<Pubkey> = theirs.chain(people::ALL.map(address)).collect();
        keys.retain(|key| self.world.account(key).data.len() >= bytes);
        keys
    }

    /// Every account of the diff program.
    pub fn owned(&self) -> Vec<Pubkey> {
        self.world.svm.get_program_accounts(&DIFF.address()).into_iter().map(|(key, _)| key).collect()
    }
}

/// The same instruction with another person at a position.
pub fn signed_by(mut instruction: Instruction, position: usize, signer: &str) -> Instruction {
    instruction.accounts[position].pubkey = address(signer);
    instruction
}

/// Each of these keys will do for the account.
pub fn keys(case: ValidCase, account: &'static str, keys: &[Pubkey], reason: &'static str) -> ValidCase {
    keys.iter().fold(case, |case, key| case.key(account, *key, reason))
}

fn arena_of(fixture: &mut Fixture, owner: &str) -> Pubkey {
    let create = fixture.create_arena(diffs::ARENA_BYTES, 2, diff::DEFAULT_LEVEL);
    let arena = create.accounts[diff::create_arena::Position::arena as usize].pubkey;
    fixture.send(&[signed_by(create, diff::create_arena::Position::owner as usize, owner)], &[owner]);
    arena
}

fn state_of(fixture: &mut Fixture, owner: &str) -> Pubkey {
    let create = fixture.create_state(STATE_BYTES);
    let state = create.accounts[diff::create_state::Position::state as usize].pubkey;
    fixture.send(&[signed_by(create, diff::create_state::Position::owner as usize, owner)], &[owner]);
    state
}
