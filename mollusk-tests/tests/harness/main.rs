//! Tests of the harness itself, each on a program that is known to work: a harness that sees nothing proves nothing.

mod deploy;
mod log;
mod names;
mod single;
mod world;

use mollusk_tests::{
    features::FeatureProfile,
    programs::{NOOP, address},
    single::Case,
    token,
    world::World,
};
use solana_instruction::{AccountMeta, Instruction};
use std::panic::{AssertUnwindSafe, catch_unwind};

const LAMPORTS: u64 = 10_000_000_000;

/// The no-op program with this many read-only accounts that do not exist.
fn noop(accounts: usize) -> Instruction {
    let accounts =
        (0..accounts).map(|index| AccountMeta::new_readonly(address(&format!("account {index}")), false)).collect();
    Instruction::new_with_bytes(NOOP.address(), &[], accounts)
}

/// A transfer of 40 out of 100 tokens.
fn token_transfer() -> Case {
    let mint = address("mint");
    let [source, destination, owner] = ["source", "destination", "owner"].map(address);
    Case::new(
        token::transfer(&source, &destination, &owner, 40),
        [
            (source, token::token_account(&mint, &owner, 100)),
            (destination, token::token_account(&mint, &address("other"), 0)),
        ],
    )
}

/// A world in which the address named `payer` can pay.
fn funded_world(profile: FeatureProfile) -> World {
    let mut world = World::new(profile);
    world.airdrop(&address("payer"), LAMPORTS);
    world
}

/// The message with which `run` panics; `None` when it does not.
fn panic_of(run: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(run)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
}
