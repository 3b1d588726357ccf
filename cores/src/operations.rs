//! Diff operations in wire form.
//!
//! ```text
//! +-------------+------------+---------------+-------------+------------+------
//! | offset: u32 | bytes: u32 | payload bytes | offset: u32 | bytes: u32 | ...
//! +-------------+------------+---------------+-------------+------------+------
//! ```
//!
//! An operation replaces `bytes` bytes of the data from `offset` on. Operations stand in ascending order and do not touch
//! each other's bytes, so the result does not depend on who applies them, and one pass checks all of them.

use shared_layouts::diff::{DiffError, OperationHead};

/// One operation, borrowed from the wire form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation<'a> {
    /// Where the range begins in the data.
    pub offset: usize,
    /// What the range becomes.
    pub payload: &'a [u8],
}

/// Takes the first operation off `wire`.
///
/// # Errors
/// `MalformedOperations` if `wire` ends in the middle of it.
#[inline(always)]
pub fn split_first(wire: &[u8]) -> Result<(Operation<'_>, &[u8]), DiffError> {
    let (head, rest) = wire.split_at_checked(OperationHead::BYTES).ok_or(DiffError::MalformedOperations)?;
    let head: OperationHead = bytemuck::pod_read_unaligned(head);
    let (payload, rest) = rest.split_at_checked(head.bytes as usize).ok_or(DiffError::MalformedOperations)?;
    Ok((Operation { offset: head.offset as usize, payload }, rest))
}

/// Checks every operation against data of `data_bytes` bytes and returns their number.
///
/// # Errors
/// `MalformedOperations` (also for none at all), `EmptyOperation`, `OverlappingOperations`, `OutOfBounds`.
#[inline(always)]
pub fn validate(wire: &[u8], data_bytes: usize) -> Result<usize, DiffError> {
    let mut rest = wire;
    let mut end = 0;
    let mut count = 0;
    while !rest.is_empty() {
        let (operation, after) = split_first(rest)?;
        if operation.payload.is_empty() {
            return Err(DiffError::EmptyOperation);
        }
        if operation.offset < end {
            return Err(DiffError::OverlappingOperations);
        }
        // Both are below 2^32, so the sum does not overflow.
        end = operation.offset + operation.payload.len();
        if end > data_bytes {
            return Err(DiffError::OutOfBounds);
        }
        count += 1;
        rest = after;
    }
    if count == 0 { Err(DiffError::MalformedOperations) } else { Ok(count) }
}

/// Applies operations that [`validate`] accepted for data of this length.
///
/// # Errors
/// Those of [`validate`], before the operation concerned is written; none if it accepted them.
#[inline(always)]
pub fn apply(wire: &[u8], data: &mut [u8]) -> Result<(), DiffError> {
    let mut rest = wire;
    while !rest.is_empty() {
        let (operation, after) = split_first(rest)?;
        let end = operation.offset + operation.payload.len();
        let range = data.get_mut(operation.offset..end).ok_or(DiffError::OutOfBounds)?;
        copy(range, operation.payload);
        rest = after;
    }
    Ok(())
}

/// Copies a payload. One word, the commonest size, is moved by a load and a store; a call of `memcpy` costs 20 times that.
#[inline(always)]
fn copy(to: &mut [u8], from: &[u8]) {
    if let (Ok(to), Ok(from)) = (<&mut [u8; 8]>::try_from(&mut *to), <&[u8; 8]>::try_from(from)) {
        *to = *from;
    } else {
        to.copy_from_slice(from);
    }
}
