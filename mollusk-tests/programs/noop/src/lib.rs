//! Takes any accounts and any data, and does nothing: the floor under every figure of the bench.

#![no_std]

use core::hint::black_box;
use pinocchio::{AccountView, Address, ProgramResult};

pinocchio::program_entrypoint!(process);
pinocchio::no_allocator!();
pinocchio::nostd_panic_handler!();

/// Keeps its input alive: otherwise the compiler drops the entrypoint's parsing, which a real program pays for.
#[allow(clippy::unnecessary_wraps, reason = "the entrypoint wants this type")]
fn process(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    black_box((program_id, accounts, data));
    Ok(())
}
