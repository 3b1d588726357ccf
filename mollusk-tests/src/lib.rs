//! The harness that tests, bench and demo share: built programs, two virtual machines, and ways to compare what they did.
//!
//! | module | what it gives |
//! |---|---|
//! | [`programs`] | fixed addresses by name; the built `.so` files |
//! | [`features`] | mainnet's feature set, all features, and a Mollusk for either |
//! | [`program_data`] | program accounts of loader v3 with a stated upgrade authority |
//! | [`single`] | one instruction in Mollusk: success, exact refusal, mutations of a case |
//! | [`world`] | whole transactions in `LiteSVM`: units of each instruction, deployment, clock |
//! | [`fixture`] | the three programs initialized, with shards, queues, capabilities and people |
//! | [`capabilities`] | the processor's instructions on capabilities |
//! | [`diffs`] | instructions of the diff program, and batches in the middle of their life |
//! | [`lifecycle`] | the instructions that the three programs share |
//! | [`orders`] | an order with its shards and members, and the scheduler's instructions on it |
//! | [`drawing`] | random constraint sets, and what they put into effect |
//! | [`judge`] | what an order allows, followed operation by operation without the programs' code |
//! | [`queues`] | one queue with its people, and the scheduler's instructions on it |
//! | [`ed25519`] | the runtime's Ed25519 program |
//! | [`groth16`] | a circuit with its keys and proofs |
//! | [`token`] | SPL Token mints, accounts and transfers |
//! | [`expected`] | the error that a test states, compared exactly |
//! | [`compare`] | what differs between two states of an account |
//!
//! Sibling rules need a true instructions sysvar, so they are tested in [`world`]; everything about one instruction is
//! tested in [`single`], which is faster.

pub mod capabilities;
pub mod compare;
pub mod diffs;
pub mod drawing;
pub mod ed25519;
pub mod expected;
pub mod features;
pub mod fixture;
pub mod groth16;
pub mod judge;
pub mod lifecycle;
pub mod orders;
pub mod program_data;
pub mod programs;
pub mod queues;
pub mod single;
pub mod token;
pub mod world;

/// The number by which a program calls a syscall.
pub fn syscall_hash(name: &str) -> u32 {
    solana_program_runtime::solana_sbpf::ebpf::hash_symbol_name(name.as_bytes())
}
