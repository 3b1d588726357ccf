//! Pure cores of the Valence singletons. They work on bytes and make no syscall, so that property tests and fuzzers run
//! the very code that runs on chain.

#![no_std]

pub mod compare;
pub mod composition;
pub mod diff;
pub mod order;
pub mod queue;
pub mod resources;
