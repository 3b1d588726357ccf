//! Diffs of bytes: found, staged, optimized, checked, applied and taken back.
//!
//! ```text
//!  base, new ──calculate──▶ operations ──optimize──▶ fewer ──validate, invert──▶ operations + their inverse
//!                                                                                   │
//!                                            data ◀──apply (in steps)── operations ─┤
//!                                            data ◀──apply (in steps)── inverse ────┘
//! ```
//!
//! The inverse of a diff is a diff: the bytes that the operations are about to replace, in the same wire form, at the same
//! places. So taking back is applying, and what is captured before the first write proves the base as well.

pub mod arena;
pub mod calculate;
pub mod memory;
pub mod optimize;
pub mod sealed;
pub mod wire;
