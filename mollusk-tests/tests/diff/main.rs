//! The diff program: arenas and states, batches from staging to commit, and the rules of locking.

mod accounts;
mod batches;
mod locking;
mod preparing;
mod refusals;
mod sample_ledger;

use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Fixture, people};
use mollusk_tests::programs::keypair;
use mollusk_tests::world::TxFailure;
use shared_layouts::diff::DiffError;
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

/// Data of the states in these tests, bytes.
const STATE_BYTES: u32 = 256;

fn fixture() -> Fixture {
    Fixture::new(FeatureProfile::Mainnet)
}

/// An arena and some states of [`STATE_BYTES`] that hold ones.
fn with_states<const N: usize>() -> (Fixture, Pubkey, [Pubkey; N]) {
    let mut fixture = fixture();
    let arena = fixture.arena();
    let states = std::array::from_fn(|_| {
        let state = fixture.state(STATE_BYTES);
        fixture.set_state_data(&state, &[1; STATE_BYTES as usize]);
        state
    });
    (fixture, arena, states)
}

/// A transaction of one instruction that must be refused, and leaves every account as it was.
#[track_caller]
fn refuse(fixture: &mut Fixture, instruction: Instruction, signers: &[&str], error: DiffError) -> TxFailure {
    let signers: Vec<_> = signers.iter().map(|name| keypair(name)).collect();
    let signers: Vec<_> = signers.iter().collect();
    fixture.world.expect_error(&[instruction], &keypair(people::PAYER), &signers, 0, error as u32)
}
