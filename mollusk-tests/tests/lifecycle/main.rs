//! The lifecycle after `Initialize`: configuration, authority, pause, migration, and a multisig as upgrade authority.
//!
//! Wrong signers, owners, lengths and duplicates of each instruction are tried by the matrix.

mod authority;
mod bounds;
mod config;
mod leaving;
mod migration;
mod model;
mod multisig;
mod pause;
mod payments;

use mollusk_tests::{
    features::FeatureProfile,
    fixture::{Fixture, people},
    programs::{Program, keypair},
};
use solana_instruction::Instruction;

/// Sends one instruction that must be refused with exactly this error.
#[track_caller]
fn refused(fixture: &mut Fixture, instruction: Instruction, signer: &str, error: u32) {
    let signers = [&keypair(signer)];
    fixture.world.expect_error(&[instruction], &keypair(people::PAYER), &signers, 0, error);
}

/// The three programs, initialized.
fn fixture() -> Fixture {
    Fixture::new(FeatureProfile::Mainnet)
}

/// The common part of a program's config.
fn lifecycle(fixture: &Fixture, program: Program) -> shared_layouts::lifecycle::Lifecycle {
    fixture.fixed_part(&mollusk_tests::fixture::config(program))
}
