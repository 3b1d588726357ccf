//! Makes staged operations fewer, without changing what they do.
//!
//! - **basic** merges an operation with the one before it if it goes on where that one ends, and drops those that write what
//!   is there already.
//! - **aggressive** also sorts, lets the last writer win where operations overlap, and closes gaps of up to a head's length
//!   with the bytes of the base, so that the wire form never gets longer.
//!
//! Operations that ascend already, which is what a calculation gives, are optimized in one pass in place. Otherwise they are
//! sorted by offset, and each cluster of operations that touch or nearly touch is painted over the base in the order of
//! staging: `n log n` steps, and 8 bytes of scratch for each operation beside room for the result.
//!
//! Offsets and lengths are below 2^32, so no sum of a few of them overflows, and none is checked for that.

use super::memory::{Memory, copy_extended, equal};
use super::wire::{HEAD_BYTES, Operation, Size, count, split_first, write_head};
use shared_layouts::account::total_bytes;
use shared_layouts::diff::{DiffError, optimization_level};

/// Optimizes the operations that fill `wire` and were staged for `base`. The result stands at the beginning of `wire`.
///
/// `scratch` need only hold something if the operations do not ascend: 8 bytes for each, their bytes, and 8 for alignment.
/// [`check_scratch`] finds out beforehand.
///
/// # Errors
/// `MalformedOperations`; `ArenaFull` if `scratch` is too short. Then `wire` is unchanged.
#[inline(always)]
pub fn optimize<M: Memory>(level: u8, base: &[u8], wire: &mut [u8], scratch: &mut [u8]) -> Result<Size, DiffError> {
    let operations = count(wire)?;
    if level == optimization_level::NONE {
        return Ok(Size { operations, bytes: wire.len() });
    }
    if level == optimization_level::AGGRESSIVE && !ascends(wire)? {
        return repaint::<M>(base, wire, scratch, operations);
    }
    // Without a branch, for which the compiler would write the merge twice.
    let joins = usize::from(level == optimization_level::AGGRESSIVE);
    merge::<M>(base, wire, total_bytes(joins, HEAD_BYTES))
}

/// Checks that so many bytes of scratch, wherever they begin, are enough for [`optimize`] of these operations.
///
/// # Errors
/// `ArenaFull` if they are not; `MalformedOperations`.
#[inline(always)]
pub fn check_scratch(level: u8, wire: &[u8], scratch_bytes: usize) -> Result<(), DiffError> {
    // No operation is shorter than its place in the index, so twice the wire is always enough.
    if level != optimization_level::AGGRESSIVE || wire.len() + wire.len() + size_of::<u64>() <= scratch_bytes {
        return Ok(());
    }
    check_short_scratch(wire, scratch_bytes)
}

#[cold]
#[inline(never)]
fn check_short_scratch(wire: &[u8], scratch_bytes: usize) -> Result<(), DiffError> {
    let index_bytes = total_bytes(count(wire)?, size_of::<u64>());
    let is_enough = index_bytes.wrapping_add(wire.len()).wrapping_add(size_of::<u64>()) <= scratch_bytes;
    if is_enough || ascends(wire)? { Ok(()) } else { Err(DiffError::ArenaFull) }
}

/// Whether no operation begins before the end of the one before it.
#[inline(never)]
fn ascends(wire: &[u8]) -> Result<bool, DiffError> {
    let mut rest = wire;
    let mut end = 0;
    while !rest.is_empty() {
        let (operation, after) = split_first(rest)?;
        if operation.offset < end {
            return Ok(false);
        }
        end = operation.offset.wrapping_add(operation.payload.len());
        rest = after;
    }
    Ok(true)
}

/// The operation at a position of the wire. A function of its own, since this is read in several places.
#[inline(never)]
fn operation_at(wire: &[u8], position: usize) -> Result<Operation<'_>, DiffError> {
    let (operation, _) = split_first(wire.get(position..).unwrap_or_default())?;
    Ok(operation)
}

/// What [`merge`] has written last.
struct Last {
    /// Where its head stands in the wire.
    at: usize,
    /// Where it begins in the data.
    offset: usize,
    /// Where it ends in the data.
    end: usize,
}

/// Drops operations without effect and joins neighbours over gaps of up to `gap_most` bytes, in place and in the order given.
///
/// The result never overtakes what is still to be read: an operation keeps its length, or swaps its head for a gap that is
/// not longer. Gaps are closed only where operations ascend, since an earlier operation may have written there.
#[inline(always)]
fn merge<M: Memory>(base: &[u8], wire: &mut [u8], gap_most: usize) -> Result<Size, DiffError> {
    let mut read = 0;
    let mut size = Size::default();
    let mut highest = 0;
    let mut last: Option<Last> = None;
    while read < wire.len() {
        let operation = operation_at(wire, read)?;
        let (offset, bytes) = (operation.offset, operation.payload.len());
        let end = offset.wrapping_add(bytes);
        let there = base.get(offset..).and_then(|rest| rest.get(..bytes));
        // Only above all that was written before is the base what the operation would find.
        let idle = bytes == 0 || offset >= highest && there.is_some_and(|there| equal::<M>(there, operation.payload));
        let from = read;
        read = read.wrapping_add(HEAD_BYTES).wrapping_add(bytes);
        if idle {
            continue;
        }
        highest = highest.max(end);
        let gap = match &last {
            Some(last) => offset.checked_sub(last.end).filter(|gap| *gap <= gap_most),
            None => None,
        };
        if let (Some(gap), Some(last)) = (gap, &mut last) {
            M::move_down(wire, from.wrapping_add(HEAD_BYTES), size.bytes.wrapping_add(gap), bytes);
            let filler = wire.get_mut(size.bytes..).and_then(|rest| rest.get_mut(..gap));
            copy_extended::<M>(filler.unwrap_or_default(), base, last.end);
            last.end = end;
            size.bytes = size.bytes.wrapping_add(gap).wrapping_add(bytes);
            write_head(wire.get_mut(last.at..).unwrap_or_default(), last.offset, end.wrapping_sub(last.offset))?;
        } else {
            M::move_down(wire, from, size.bytes, HEAD_BYTES.wrapping_add(bytes));
            last = Some(Last { at: size.bytes, offset, end });
            size.add(bytes);
        }
    }
    Ok(size)
}

/// Sorts, then paints each cluster over the base in the order of staging.
#[inline(always)]
fn repaint<M: Memory>(base: &[u8], wire: &mut [u8], scratch: &mut [u8], operations: usize) -> Result<Size, DiffError> {
    let skipped = scratch.as_ptr().align_offset(size_of::<u64>());
    let index_bytes = total_bytes(operations, size_of::<u64>());
    let scratch = scratch.get_mut(skipped..).ok_or(DiffError::ArenaFull)?;
    let (index, out) = scratch.split_at_mut_checked(index_bytes).ok_or(DiffError::ArenaFull)?;
    let out = out.get_mut(..wire.len()).ok_or(DiffError::ArenaFull)?;
    let index: &mut [u64] = bytemuck::try_cast_slice_mut(index).map_err(|_| DiffError::ArenaFull)?;

    let mut position = 0;
    for entry in index.iter_mut() {
        let operation = operation_at(wire, position)?;
        // An arena is shorter than 2^32 bytes, so offset and position share a word: sorted by offset, then by position.
        *entry = (operation.offset as u64) << 32 | position as u64;
        position = position.wrapping_add(HEAD_BYTES).wrapping_add(operation.payload.len());
    }
    sort(index);

    let mut size = Size::default();
    let mut rest = index;
    while !rest.is_empty() {
        let (cluster, end, operations) = first_cluster(wire, rest)?;
        let (members, after) = core::mem::take(&mut rest).split_at_mut_checked(operations).unwrap_or_default();
        rest = after;
        if end == cluster {
            continue;
        }
        let room = out.get_mut(size.bytes..).ok_or(DiffError::ArenaFull)?;
        let bytes = end.wrapping_sub(cluster);
        write_head(room, cluster, bytes)?;
        let payload = room.get_mut(HEAD_BYTES..).and_then(|room| room.get_mut(..bytes));
        let payload = payload.ok_or(DiffError::ArenaFull)?;
        copy_extended::<M>(payload, base, cluster);
        for entry in members.iter_mut() {
            *entry = entry.rotate_left(32);
        }
        sort(members);
        for entry in members.iter() {
            let operation = operation_at(wire, (*entry >> 32) as usize)?;
            // One of no bytes may stand in the gap behind the cluster's end.
            if let Some(to) = payload.get_mut(operation.offset.wrapping_sub(cluster)..) {
                M::copy(to, operation.payload);
            }
        }
        if base.get(cluster..end).is_none_or(|there| !equal::<M>(there, payload)) {
            size.add(payload.len());
        }
    }
    M::copy(wire, out.get(..size.bytes).unwrap_or_default());
    Ok(size)
}

/// The first cluster of a sorted index: where it begins and ends in the data, and how many operations it has.
///
/// The gap that joins two operations is at most the head that is saved, so a cluster is never longer than its members.
#[inline(always)]
fn first_cluster(wire: &[u8], index: &[u64]) -> Result<(usize, usize, usize), DiffError> {
    let start = index.first().map_or(0, |entry| (*entry >> 32) as usize);
    let mut end = start;
    let mut members = 0usize;
    for entry in index {
        let operation = operation_at(wire, (entry.rotate_left(32) >> 32) as usize)?;
        if members > 0 && operation.offset > end.wrapping_add(HEAD_BYTES) {
            break;
        }
        // One of no bytes adds none, and must not stretch the cluster to where it stands.
        if !operation.payload.is_empty() {
            end = end.max(operation.offset.wrapping_add(operation.payload.len()));
        }
        members = members.wrapping_add(1);
    }
    Ok((start, end, members))
}

/// Heapsort: `n log n` whatever the order, in place, without recursion.
fn sort(keys: &mut [u64]) {
    for root in (0..keys.len() / 2).rev() {
        sift(keys, root);
    }
    for last in (1..keys.len()).rev() {
        let Some((last, heap)) = keys.get_mut(..=last).and_then(<[u64]>::split_last_mut) else { return };
        let Some(first) = heap.first_mut() else { return };
        core::mem::swap(first, last);
        sift(heap, 0);
    }
}

fn sift(heap: &mut [u64], mut root: usize) {
    loop {
        let left = root.wrapping_mul(2).wrapping_add(1);
        let right = left.wrapping_add(1);
        let largest = if heap.get(right) > heap.get(left) { right } else { left };
        let Ok([above, below]) = heap.get_disjoint_mut([root, largest]) else { return };
        if *above >= *below {
            return;
        }
        core::mem::swap(above, below);
        root = largest;
    }
}
