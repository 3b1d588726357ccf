//! Partial orders over capabilities: composed once, checked by a mask.
//!
//! ```text
//!  sets of several shards          compose, once                     per epoch, for each member n
//!    a before b  (skip)     ->  drop or refuse contradictions  ->      predecessors[n]  1 bit per member, closed
//!    b, c, d     (chain)        close transitively                     block[n], cascade[n], chain[n]
//!    a beside d                                                        pending[n], dead[n] and a mask of each
//!
//!  may an entry of n run?    predecessors[n] & pending_mask == 0      (and three tests of the same kind)
//! ```
//!
//! Everything dear happens in [`compose()`]: afterwards a queue verb adds or subtracts one at one place and sets or clears
//! one bit, and eligibility is a test of masks, however many constraints there are.
//!
//! **Free of deadlock.** The masks are a strict partial order, so among the members with pending entries one has no pending
//! predecessor. An older epoch's entries never wait for a newer one's.
//!
//! **Free of starvation.** [`epochs::rotate`] opens the next epoch. What was queued before waits for what was queued before
//! and for nothing that comes later; so a steady stream of predecessors holds a successor up for two epochs at most.
//!
//! | file | what it holds |
//! |---|---|
//! | `sets` | which submitted constraints are in effect: nobody makes another shard wait without its acceptance |
//! | `weigh` | which of them a weighted composition drops |
//! | `close` | the closed masks, and how the rule of a dead predecessor is carried through them |
//! | `epochs` | counts, transitions, eligibility, rotation |
//! | `levels` | what may run beside what, and one sequence that keeps the order |
//! | `graph` | an order as a drawing, for people |

mod close;
pub mod epochs;
mod graph;
mod levels;
mod sets;
mod weigh;

pub use epochs::{Death, Stamp, Verdict};
pub use graph::{write_dot, write_mermaid};
pub use levels::{Levels, extension, levels};
pub use sets::{Dropped, Effective, acceptances_needed, answer, submitted};

use shared_layouts::scheduler::{Composition, Constraint, MAX_ORDER_SHARDS};

/// Why a set of constraints cannot be composed strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// What contradicts what.
    pub kind: ContradictionKind,
    /// The members on it: those of one cycle, or of the paths between two members that should be free of each other.
    pub members: u64,
}

/// Kinds of contradiction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContradictionKind {
    /// Each of the members has to come before the next one, and the last before the first.
    Cycle,
    /// Two members are asserted to be free of each other, but one has to wait for the other.
    NotConcurrent,
}

/// Composes the constraints in effect; every one of them has to be kept.
///
/// # Errors
/// The first contradiction; `out` is of no use then.
#[inline(always)]
pub fn compose(effective: &Effective, out: &mut Composition) -> Result<(), Contradiction> {
    close::close(effective, out)
}

/// Composes the constraints in effect by weight. They are taken from the heaviest to the lightest, and one that contradicts
/// those already taken is dropped: it is the lightest of the contradiction. Among equal weights the one submitted later is
/// dropped. A constraint weighs its own weight times its shard's in `weights`.
///
/// Each shard's constraints stand together and with falling weights, as `SetConstraints` stores them. `effective` keeps
/// those that were taken; `dropped`, empty before, gets the others.
///
/// # Errors
/// None in practice: what is kept has no contradiction left.
#[inline(always)]
pub fn compose_weighted(
    effective: &mut Effective,
    constraints: &[Constraint],
    weights: &[u16; MAX_ORDER_SHARDS],
    dropped: &mut Dropped,
    out: &mut Composition,
) -> Result<(), Contradiction> {
    weigh::weigh(effective, constraints, weights, dropped);
    close::close(effective, out)
}
