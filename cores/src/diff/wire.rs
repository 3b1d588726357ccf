//! Diff operations in wire form.
//!
//! ```text
//! +-------------+------------+---------------+-------------+------------+------
//! | offset: u32 | bytes: u32 | payload bytes | offset: u32 | bytes: u32 | ...
//! +-------------+------------+---------------+-------------+------------+------
//! ```
//!
//! An operation replaces `bytes` bytes of the data from `offset` on. In a valid diff they stand in ascending order and do
//! not touch each other's bytes, so the result does not depend on the order of applying, and one pass checks all of them.

use super::memory::{Memory, copy, copy_extended, equal};
use core::hint::black_box;
use shared_layouts::diff::{DiffError, OperationHead};

/// Bytes of an operation before its payload.
pub const HEAD_BYTES: usize = OperationHead::BYTES;

/// One operation, borrowed from the wire form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation<'a> {
    /// Where the range begins in the data.
    pub offset: usize,
    /// What the range becomes.
    pub payload: &'a [u8],
}

/// Operations and the bytes that they take, heads included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Number of operations.
    pub operations: usize,
    /// Bytes in wire form.
    pub bytes: usize,
}

impl Size {
    /// Adds an operation with a payload of so many bytes; all of them lie in an account, which is shorter than 2^32 bytes.
    #[inline(always)]
    pub(super) fn add(&mut self, payload_bytes: usize) {
        self.bytes = self.bytes.wrapping_add(HEAD_BYTES).wrapping_add(payload_bytes);
        self.operations = self.operations.wrapping_add(1);
    }
}

/// An offset or a length as it lies in accounts, which are shorter than 2^32 bytes.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
pub const fn number(value: usize) -> u32 {
    debug_assert!(value <= u32::MAX as usize, "an account is shorter than 2^32 bytes");
    value as u32
}

// The errors of the innermost loops, by functions of their own whose results the compiler does not know: otherwise it has each
// number at hand before each check, for each operation.

#[cold]
#[inline(never)]
fn malformed() -> DiffError {
    black_box(DiffError::MalformedOperations)
}

#[cold]
#[inline(never)]
fn empty() -> DiffError {
    black_box(DiffError::EmptyOperation)
}

#[cold]
#[inline(never)]
fn overlapping() -> DiffError {
    black_box(DiffError::OverlappingOperations)
}

#[cold]
#[inline(never)]
fn out_of_bounds() -> DiffError {
    black_box(DiffError::OutOfBounds)
}

/// Takes the first operation off `wire`.
///
/// # Errors
/// `MalformedOperations` if `wire` ends in the middle of it.
#[inline(always)]
pub fn split_first(wire: &[u8]) -> Result<(Operation<'_>, &[u8]), DiffError> {
    let (head, rest) = wire.split_at_checked(HEAD_BYTES).ok_or_else(malformed)?;
    let head: OperationHead = bytemuck::pod_read_unaligned(head);
    let (payload, rest) = rest.split_at_checked(head.bytes as usize).ok_or_else(malformed)?;
    Ok((Operation { offset: head.offset as usize, payload }, rest))
}

/// Writes an operation's head to the beginning of `out`.
#[inline(always)]
pub(super) fn write_head(out: &mut [u8], offset: usize, bytes: usize) -> Result<(), DiffError> {
    let [offset, bytes] = [offset, bytes].map(|value| u32::try_from(value).ok());
    let (Some(offset), Some(bytes), Some(head)) = (offset, bytes, out.first_chunk_mut::<HEAD_BYTES>()) else {
        return Err(DiffError::ArenaFull);
    };
    *head = bytemuck::cast(OperationHead { offset, bytes });
    Ok(())
}

/// Counts operations, in whatever order they stand.
///
/// # Errors
/// `MalformedOperations` if the last one is cut short.
#[inline(never)]
pub fn count(wire: &[u8]) -> Result<usize, DiffError> {
    let mut rest = wire;
    let mut count = 0usize;
    while !rest.is_empty() {
        (_, rest) = split_first(rest)?;
        count = count.wrapping_add(1);
    }
    Ok(count)
}

/// Checks every operation against data of `data_bytes` bytes and returns their number, which may be zero.
///
/// # Errors
/// `MalformedOperations`, `EmptyOperation`, `OverlappingOperations`, `OutOfBounds`.
#[inline(never)]
pub fn check(wire: &[u8], data_bytes: usize) -> Result<usize, DiffError> {
    let mut rest = wire;
    let mut end = 0;
    let mut count = 0usize;
    while !rest.is_empty() {
        let (operation, after) = split_first(rest)?;
        if operation.payload.is_empty() {
            return Err(empty());
        }
        if operation.offset < end {
            return Err(overlapping());
        }
        // Both are below 2^32, so the sum does not overflow.
        end = operation.offset.wrapping_add(operation.payload.len());
        if end > data_bytes {
            return Err(out_of_bounds());
        }
        count = count.wrapping_add(1);
        rest = after;
    }
    Ok(count)
}

/// [`check`], and that there is an operation at all.
///
/// # Errors
/// Those of [`check`]; `MalformedOperations` for none.
#[inline(always)]
pub fn validate(wire: &[u8], data_bytes: usize) -> Result<usize, DiffError> {
    match check(wire, data_bytes)? {
        0 => Err(DiffError::MalformedOperations),
        count => Ok(count),
    }
}

/// Applies operations that [`check`] accepted for data of this length.
///
/// # Errors
/// Those of [`check`], before the operation concerned is written; none if it accepted them.
#[inline(always)]
pub fn apply<M: Memory>(wire: &[u8], data: &mut [u8]) -> Result<(), DiffError> {
    apply_some::<M>(wire, data, usize::MAX).map(drop)
}

/// Applies at most `most` operations and says how far it came: the next call takes the wire from there.
///
/// # Errors
/// As [`apply`].
#[inline(always)]
pub fn apply_some<M: Memory>(wire: &[u8], data: &mut [u8], most: usize) -> Result<Size, DiffError> {
    let mut rest = wire;
    let mut left = most;
    while !rest.is_empty() && left > 0 {
        let (operation, after) = split_first(rest)?;
        let range = data.get_mut(operation.offset..).and_then(|rest| rest.get_mut(..operation.payload.len()));
        copy::<M>(range.ok_or_else(out_of_bounds)?, operation.payload);
        left = left.wrapping_sub(1);
        rest = after;
    }
    Ok(Size { operations: most.wrapping_sub(left), bytes: wire.len().wrapping_sub(rest.len()) })
}

/// Splits a diff after at most `most` operations.
///
/// # Errors
/// `MalformedOperations`.
pub fn split(wire: &[u8], most: usize) -> Result<(&[u8], &[u8]), DiffError> {
    let mut rest = wire;
    for _ in 0..most {
        if rest.is_empty() {
            break;
        }
        (_, rest) = split_first(rest)?;
    }
    Ok(wire.split_at_checked(wire.len() - rest.len()).unwrap_or((wire, &[])))
}

/// Writes the inverse of a diff to `out`, which has the length of `wire`: what stands in `base` where the operations will
/// write, and zeros behind its end. Applied to the result, it gives back `base`, and behind its end zeros.
///
/// # Errors
/// `MalformedOperations`, also if `out` has another length.
#[inline(always)]
pub fn invert<M: Memory>(wire: &[u8], base: &[u8], out: &mut [u8]) -> Result<(), DiffError> {
    let mut rest = wire;
    let mut out = out;
    while !rest.is_empty() {
        let (operation, after) = split_first(rest)?;
        let (head, out_rest) = core::mem::take(&mut out).split_first_chunk_mut::<HEAD_BYTES>().ok_or_else(malformed)?;
        let (payload, out_rest) = out_rest.split_at_mut_checked(operation.payload.len()).ok_or_else(malformed)?;
        *head = *rest.first_chunk().ok_or_else(malformed)?;
        copy_extended::<M>(payload, base, operation.offset);
        rest = after;
        out = out_rest;
    }
    if out.is_empty() { Ok(()) } else { Err(malformed()) }
}

/// Whether `base` still holds what [`invert`] found there.
///
/// # Errors
/// `MalformedOperations`; `StaleBase` if it does not.
#[inline(always)]
pub fn check_base<M: Memory>(inverse: &[u8], base: &[u8]) -> Result<(), DiffError> {
    let mut rest = inverse;
    while !rest.is_empty() {
        let (operation, after) = split_first(rest)?;
        let found = base.get(operation.offset..).and_then(|rest| rest.get(..operation.payload.len()));
        let same = match found {
            Some(found) => equal::<M>(found, operation.payload),
            None => same_over_end::<M>(operation, base),
        };
        if !same {
            return Err(DiffError::StaleBase);
        }
        rest = after;
    }
    Ok(())
}

/// [`check_base`] of an operation that reaches behind the end: there the inverse has zeros.
#[cold]
#[inline(never)]
fn same_over_end<M: Memory>(operation: Operation, base: &[u8]) -> bool {
    let inside = base.get(operation.offset..).unwrap_or_default();
    match operation.payload.split_at_checked(inside.len()) {
        Some((old, behind)) => M::equal(old, inside) && behind.iter().all(|byte| *byte == 0),
        None => false,
    }
}
