//! The diff core's range operations by syscall.

#[cfg(target_arch = "bpf")]
use core::mem::MaybeUninit;
use cores::diff::memory::Memory;

#[cfg(target_arch = "bpf")]
use pinocchio::syscalls::{sol_memcmp_, sol_memcpy_, sol_memmove_};

/// Range operations by syscall: `max(10, bytes / 250)` units each.
pub(crate) struct Syscalls;

#[cfg(target_arch = "bpf")]
impl Memory for Syscalls {
    #[inline(always)]
    fn equal(left: &[u8], right: &[u8]) -> bool {
        let mut order = MaybeUninit::<i32>::uninit();
        if left.len() != right.len() {
            return false;
        }
        // SAFETY: both slices have the length that is passed, and the result is a local.
        unsafe { sol_memcmp_(left.as_ptr(), right.as_ptr(), left.len() as u64, order.as_mut_ptr()) };
        // SAFETY: the syscall has written the result, or has ended the program.
        unsafe { order.assume_init() == 0 }
    }

    #[inline(always)]
    fn copy(to: &mut [u8], from: &[u8]) {
        let bytes = to.len().min(from.len());
        // SAFETY: neither slice is shorter, and a mutable slice overlaps no other.
        unsafe { sol_memcpy_(to.as_mut_ptr(), from.as_ptr(), bytes as u64) };
    }

    #[inline(always)]
    fn move_down(within: &mut [u8], from: usize, to: usize, bytes: usize) {
        if to < from && within.len() >= bytes && from <= within.len() - bytes {
            let start = within.as_mut_ptr();
            // SAFETY: `from + bytes` was just compared with the length.
            let source = unsafe { start.add(from) };
            // SAFETY: `to` is below `from`.
            let target = unsafe { start.add(to) };
            // SAFETY: both ranges lie inside the slice; they may overlap.
            unsafe { sol_memmove_(target, source, bytes as u64) };
        }
    }
}

#[cfg(not(target_arch = "bpf"))]
impl Memory for Syscalls {
    fn equal(left: &[u8], right: &[u8]) -> bool {
        cores::diff::memory::Plain::equal(left, right)
    }

    fn copy(to: &mut [u8], from: &[u8]) {
        cores::diff::memory::Plain::copy(to, from);
    }

    fn move_down(within: &mut [u8], from: usize, to: usize, bytes: usize) {
        cores::diff::memory::Plain::move_down(within, from, to, bytes);
    }
}
