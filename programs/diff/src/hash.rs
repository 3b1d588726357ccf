//! The digest of a batch.

use program_common::hash::sha256;
use shared_layouts::Key;
use shared_layouts::diff::Arena;

/// Digest of the batch that an arena holds: the arena's address, the number of the batch, its targets, its operations.
#[inline(never)]
pub(crate) fn batch_digest(arena: &Key, header: &Arena, operations: &[u8]) -> Key {
    let targets = header.targets.get(..usize::from(header.targets_count)).unwrap_or_default();
    sha256(&[arena, &header.batch.to_le_bytes(), bytemuck::cast_slice(targets), operations])
}
