//! SHA-256, by syscall: 85 units, and one for every two bytes.

use shared_layouts::Key;
use shared_layouts::diff::Arena;

/// SHA-256 of the parts, one behind the other.
#[inline(always)]
pub(crate) fn sha256(parts: &[&[u8]]) -> Key {
    let mut digest = [0; 32];
    #[cfg(target_arch = "bpf")]
    // SAFETY: a slice of slices is an array of pairs of pointer and length, which is what the syscall takes; the digest has
    // the 32 bytes that it writes.
    unsafe {
        pinocchio::syscalls::sol_sha256(parts.as_ptr().cast(), parts.len() as u64, digest.as_mut_ptr());
    }
    #[cfg(not(target_arch = "bpf"))]
    core::hint::black_box((&mut digest, parts));
    digest
}

/// Digest of the batch that an arena holds: the arena's address, the number of the batch, its targets, its operations.
#[inline(never)]
pub(crate) fn batch_digest(arena: &Key, header: &Arena, operations: &[u8]) -> Key {
    let targets = header.targets.get(..usize::from(header.targets_count)).unwrap_or_default();
    sha256(&[arena, &header.batch.to_le_bytes(), bytemuck::cast_slice(targets), operations])
}
