//! What the three programs share on chain.

#![no_std]

pub mod accounts;
pub mod clock;
pub mod hash;
pub mod input;
pub mod lifecycle;
pub mod migration;
pub mod siblings;

#[cfg(target_arch = "bpf")]
mod memory;

use pinocchio::{AccountView, Address};
use shared_layouts::declare::Denial;
use shared_layouts::lifecycle::Fault;

/// What a handler returns.
pub type Outcome<T = ()> = Result<T, Denial>;

/// What tells one of the programs from the others.
pub trait Singleton {
    /// First code of its error range.
    const ERROR_BASE: u32;
    /// Its config.
    type Config: lifecycle::Config;
    /// Other versions of its layouts.
    type Migrations: migration::Migrations;
    /// Kinds of account of which there is another version, with the version that this program reads.
    const VERSIONS: &'static [(u8, u8)] = &[(
        <Self::Config as shared_layouts::AccountLayout>::DISCRIMINATOR,
        <Self::Config as shared_layouts::AccountLayout>::VERSION,
    )];
}

/// A common fault in the range of program `P`.
#[inline(always)]
pub const fn fault<P: Singleton>(fault: Fault) -> Denial {
    Denial::of((P::ERROR_BASE + fault as u32) as u64)
}

/// What the entrypoint hands to a handler. One struct, because a function that is not inlined takes at most five
/// register arguments on this target, the hidden return pointer included.
pub struct Call<'a> {
    /// The running program.
    pub program_id: &'a Address,
    /// Accounts of the instruction.
    pub accounts: &'a mut [AccountView],
    /// Data after the discriminator.
    pub data: &'a [u8],
}
