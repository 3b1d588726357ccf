//! One instruction in Mollusk: it succeeds, or it is refused with one exact error and has written nothing.
//!
//! Mollusk hands the input accounts back when an instruction fails, so comparing those with the input proves nothing. A
//! [`Runner`] therefore runs each refused case a second time, with all features, where account data is mapped directly
//! into the program's memory, and looks at the accounts of the transaction as the failure left them. A handler that
//! writes before its last check is caught there.

mod case;
mod observer;
mod outcome;
mod runner;

pub use case::Case;
pub use outcome::{Outcome, Verdict};
pub use runner::Runner;
