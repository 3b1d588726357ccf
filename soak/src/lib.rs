//! Seeded, structure-aware sequences of instructions on the built programs, in simulated time, beside a ledger that knows what
//! should have happened.
//!
//! | module | what is in it |
//! |---|---|
//! | [`ledger`] | every operation that was accepted, and its fate |
//! | [`schedule`] | when an operation is due, and due again |
//! | [`engine`] | the shards and the steps: producers, workers and owners at their queues, pauses, growth, migration |
//! | [`constraints`], [`composed`] | what the shards of an order ask for, and what has to come out |
//! | [`orders`] | orders over some of the queues, with new constraint sets and epochs |
//! | [`check`] | what must hold after a step: nothing lost, nothing twice, lists sound, no lamport made |
//! | [`report`] | what happened how often |
//! | [`batches`] | diff batches over states, beside a copy of what they should hold |
//!
//! With each run an operation moves as many tokens as its number in the ledger is, so that the token program, which knows nothing of
//! queues, keeps a second account of what ran: the sum of the numbers that ran must be the balance.
//!
//! The ledger never looks into a queue to learn what became of an operation: it follows from which instruction succeeded. Only
//! whether one that is held was to die, and so begins anew when it is let go, is read from its entry. Of the queues that are bound to
//! an order the harness's judge has to know more, which entries became ready, died or were held on the way of an instruction; that it
//! reads from the queues' lists, and says whether it was allowed. What is in force in an epoch it derives from the constraints that
//! were drawn, and what is counted from the operations that were accepted.

pub mod batches;
pub mod check;
pub mod composed;
pub mod constraints;
mod direct;
pub mod engine;
mod judging;
mod lane;
pub mod ledger;
pub mod orders;
mod owner;
pub mod report;
mod runs;
pub mod schedule;
mod setup;
mod versions;
mod work;
