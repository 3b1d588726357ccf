//! Comparing, copying and zeroing ranges: plain code on a host, syscalls on chain.
//!
//! On chain each of these costs `max(10, bytes / 250)` units where a loop over words costs more than one a byte, so long
//! ranges go through this trait, and single words do not.

/// Range operations.
pub trait Memory {
    /// Whether the ranges are equal; ranges of different lengths are not.
    fn equal(left: &[u8], right: &[u8]) -> bool;
    /// Copies `from` to the beginning of `to`, as far as both reach.
    fn copy(to: &mut [u8], from: &[u8]);
    /// Moves `bytes` bytes of `within` from one offset to a lower one; does nothing where they do not lie inside.
    fn move_down(within: &mut [u8], from: usize, to: usize, bytes: usize);
}

/// Plain Rust: for hosts, and for programs that bring their own `memcpy` and `memcmp`.
pub struct Plain;

impl Memory for Plain {
    #[inline(always)]
    fn equal(left: &[u8], right: &[u8]) -> bool {
        left == right
    }

    #[inline(always)]
    fn copy(to: &mut [u8], from: &[u8]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }

    #[inline(always)]
    fn move_down(within: &mut [u8], from: usize, to: usize, bytes: usize) {
        if to <= from && within.len() >= bytes && from <= within.len() - bytes {
            within.copy_within(from..from + bytes, to);
        }
    }
}

/// Copies a payload. One word, the commonest size, is moved by a load and a store.
#[inline(always)]
pub(super) fn copy<M: Memory>(to: &mut [u8], from: &[u8]) {
    if let (Ok(to), Ok(from)) = (<&mut [u8; 8]>::try_from(&mut *to), <&[u8; 8]>::try_from(from)) {
        *to = *from;
    } else {
        M::copy(to, from);
    }
}

/// Whether a payload is the same; one word is compared in registers.
#[inline(always)]
pub(super) fn equal<M: Memory>(left: &[u8], right: &[u8]) -> bool {
    if let (Ok(left), Ok(right)) = (<&[u8; 8]>::try_from(left), <&[u8; 8]>::try_from(right)) {
        u64::from_ne_bytes(*left) == u64::from_ne_bytes(*right)
    } else {
        M::equal(left, right)
    }
}

/// Copies `base` from `offset` on; behind its end there are zeros, as in an account that grows.
#[inline(never)]
pub(super) fn copy_extended<M: Memory>(to: &mut [u8], base: &[u8], offset: usize) {
    if let Some(from) = base.get(offset..).and_then(|rest| rest.get(..to.len())) {
        copy::<M>(to, from);
    } else {
        copy_over_end::<M>(to, base, offset);
    }
}

#[cold]
#[inline(never)]
fn copy_over_end<M: Memory>(to: &mut [u8], base: &[u8], offset: usize) {
    to.fill(0);
    M::copy(to, base.get(offset..).unwrap_or_default());
}
