//! The regions of an arena account.
//!
//! ```text
//! | Arena (1,024 B) | ring of digests | operations, `capacity_bytes` | their inverse, `capacity_bytes` |
//! ```
//!
//! The inverse of an operation stands at the operation's own place in the second region, so that the room for taking a batch
//! back is there as soon as the room for its operations is. Until a batch is sealed that region is scratch.

use shared_layouts::account::{load, load_mut, total_bytes};
use shared_layouts::diff::{Arena, BatchDigest};

/// An arena taken apart, mutable.
pub struct ArenaMut<'a> {
    /// Fixed part.
    pub header: &'a mut Arena,
    /// Digests of committed batches, as bytes: [`ArenaMut::digest`] takes one out, which only a commit needs.
    pub ring: &'a mut [u8],
    /// Operations and inverse, `capacity_bytes` each.
    pub space: &'a mut [u8],
}

/// An arena taken apart.
pub struct ArenaRef<'a> {
    /// Fixed part.
    pub header: &'a Arena,
    /// Digests of committed batches.
    pub ring: &'a [BatchDigest],
    /// Room for operations.
    pub operations: &'a [u8],
    /// Room for their inverse.
    pub inverse: &'a [u8],
}

/// Bytes before the operations.
#[inline(always)]
pub const fn operations_offset(ring_slots: u16) -> usize {
    Arena::BYTES + total_bytes(ring_slots as usize, BatchDigest::BYTES)
}

/// Bytes of operations for which an arena of `account_bytes` bytes has room; the same again is for their inverse.
#[inline(always)]
pub const fn capacity_bytes(account_bytes: usize, ring_slots: u16) -> usize {
    (account_bytes.saturating_sub(operations_offset(ring_slots)) / 2) & !7
}

impl<'a> ArenaMut<'a> {
    /// Takes the account's data apart; `None` if it is not an arena's.
    #[inline(always)]
    pub fn load(bytes: &'a mut [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_mut_checked(Arena::BYTES)?;
        let header: &mut Arena = load_mut(header).ok()?;
        let ring_bytes = operations_offset(header.ring_slots) - Arena::BYTES;
        let (ring, space) = rest.split_at_mut_checked(ring_bytes)?;
        let space = space.get_mut(..header.capacity_bytes as usize + header.capacity_bytes as usize)?;
        Some(Self { header, ring, space })
    }

    /// The digest in a slot of the ring.
    pub fn digest(ring: &mut [u8], slot: u16) -> Option<&mut BatchDigest> {
        let start = total_bytes(slot.into(), BatchDigest::BYTES);
        bytemuck::try_from_bytes_mut(ring.get_mut(start..start.wrapping_add(BatchDigest::BYTES))?).ok()
    }

    /// Room for operations and for their inverse.
    #[inline(always)]
    pub fn halves(space: &mut [u8]) -> (&mut [u8], &mut [u8]) {
        let half = space.len() / 2;
        space.split_at_mut_checked(half).unwrap_or_default()
    }
}

impl<'a> ArenaRef<'a> {
    /// Takes the account's data apart; `None` if it is not an arena's.
    #[inline(always)]
    pub fn load(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(Arena::BYTES)?;
        let header: &Arena = load(header).ok()?;
        let ring_bytes = operations_offset(header.ring_slots) - Arena::BYTES;
        let (ring, space) = rest.split_at_checked(ring_bytes)?;
        let ring = bytemuck::try_cast_slice(ring).ok()?;
        let (operations, inverse) = space.split_at_checked(header.capacity_bytes as usize)?;
        let inverse = inverse.get(..operations.len())?;
        Some(Self { header, ring, operations, inverse })
    }
}
