//! Batches of diffs over two states in one arena, beside a copy of what the states should hold.

use mollusk_tests::diffs;
use mollusk_tests::fixture::{Fixture, people};
use shared_layouts::diff::{batch_stage, lock_state};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

const STATE_BYTES: u32 = 128;

/// An arena, two states, and what they hold.
pub struct Batches {
    arena: Pubkey,
    states: [Pubkey; 2],
    held: [Vec<u8>; 2],
    next: Option<[Vec<u8>; 2]>,
}

impl Batches {
    /// Makes the accounts.
    pub fn new(fixture: &mut Fixture) -> Self {
        let arena = fixture.arena();
        let states = [fixture.state(STATE_BYTES), fixture.state(STATE_BYTES)];
        Self { arena, states, held: [(); 2].map(|()| vec![0; STATE_BYTES as usize]), next: None }
    }

    /// The accounts.
    pub fn keys(&self) -> [Pubkey; 3] {
        [self.arena, self.states[0], self.states[1]]
    }

    /// One more instruction of a batch: from the first operation to commit or rollback.
    pub fn instruction(&mut self, fixture: &Fixture, rng: &mut fastrand::Rng) -> Instruction {
        let header = fixture.arena_header(&self.arena);
        let (arena, states) = (&self.arena, &self.states);
        match (header.header.state, header.targets_count) {
            (batch_stage::OPEN, 0 | 1) => {
                let target = usize::from(header.targets_count);
                let at = rng.u32(..STATE_BYTES - 8);
                let payload = [rng.u8(..); 8];
                let next = self.next.get_or_insert_with(|| self.held.clone());
                next[target][at as usize..at as usize + 8].copy_from_slice(&payload);
                let version = fixture.state_header(&states[target]).state_version;
                diffs::stage(arena, &states[target], version, STATE_BYTES, &[(at, &payload)])
            }
            (batch_stage::OPEN, _) => diffs::seal(arena, states),
            (batch_stage::SEALED, _) if rng.u8(..4) == 0 => diffs::discard(arena),
            (batch_stage::SEALED, _) => diffs::begin(arena, states),
            (batch_stage::BEGUN, _) if rng.u8(..4) == 0 => diffs::rollback(arena, states, 1, people::OWNER),
            (batch_stage::BEGUN, _) if header.applied_operations == header.operations => diffs::commit(arena, states),
            (batch_stage::BEGUN, _) => diffs::apply(arena, &states[usize::from(header.applied_targets)..], 1),
            _ => diffs::rollback(arena, &states[usize::from(header.restored_targets)..], 1, people::OWNER),
        }
    }

    /// What must hold: a state is locked exactly while a batch runs, and outside of batches holds what was committed.
    ///
    /// # Panics
    /// When it does not.
    pub fn check(&mut self, fixture: &Fixture, committed: bool) {
        let header = fixture.arena_header(&self.arena);
        let runs = matches!(header.header.state, batch_stage::BEGUN | batch_stage::ROLLING_BACK);
        if header.header.state == batch_stage::OPEN && header.targets_count == 0 {
            let next = self.next.take();
            self.held = if committed { next.expect("a batch was staged") } else { self.held.clone() };
        }
        for (index, state) in self.states.iter().enumerate() {
            let locked = fixture.state_header(state).header.state == lock_state::LOCKED;
            // A rollback releases its targets one after the other.
            assert!(runs || !locked, "a lock is left on state {index}");
            if !runs {
                assert_eq!(fixture.state_data(state), self.held[index], "state {index}");
            }
        }
    }
}
