//! Seeded, structure-aware sequences of instructions on the built programs, in simulated time, beside a ledger that knows what
//! should have happened.
//!
//! | module | what is in it |
//! |---|---|
//! | [`ledger`] | every operation that was accepted, and its fate |
//! | [`engine`] | shards with queues of three kinds, and the steps: queueing, claiming, running, failing, pausing, growing, migrating |
//! | [`check`] | what must hold after a step: nothing lost, nothing twice, lists sound, no lamport made |
//! | [`batches`] | diff batches over states, beside a copy of what they should hold |
//!
//! Each operation moves as many tokens as its number in the ledger is, so that the token program, which knows nothing of queues, keeps
//! a second account of what ran: the sum of the numbers that ran must be the balance.
//!
//! The ledger never looks into a queue to learn what happened: it follows from which instruction succeeded.

pub mod batches;
pub mod check;
pub mod engine;
pub mod ledger;
