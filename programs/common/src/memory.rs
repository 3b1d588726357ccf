//! The memory functions that compiled code calls by name.
//!
//! With fat LTO the compiler's own are not linked for this target, so each is defined here over its syscall. A syscall
//! costs at least 10 compute units; short sizes known at compile time are expanded by the compiler and never get here.

use core::mem::MaybeUninit;
use pinocchio::syscalls::{sol_memcmp_, sol_memcpy_, sol_memmove_, sol_memset_};

/// # Safety
/// As C's `memcpy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
    // SAFETY: the caller's contract is the syscall's.
    unsafe { sol_memcpy_(to, from, bytes as u64) };
    to
}

/// # Safety
/// As C's `memmove`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
    // SAFETY: the caller's contract is the syscall's.
    unsafe { sol_memmove_(to, from, bytes as u64) };
    to
}

/// # Safety
/// As C's `memset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memset(to: *mut u8, byte: i32, bytes: usize) -> *mut u8 {
    // C's `memset` takes the low byte.
    let [byte, ..] = byte.to_le_bytes();
    // SAFETY: the caller's contract is the syscall's.
    unsafe { sol_memset_(to, byte, bytes as u64) };
    to
}

/// # Safety
/// As C's `memcmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, bytes: usize) -> i32 {
    let mut order = MaybeUninit::<i32>::uninit();
    // SAFETY: the caller's contract is the syscall's; the result is a local.
    unsafe { sol_memcmp_(left, right, bytes as u64, order.as_mut_ptr()) };
    // SAFETY: the syscall has written the result, or has ended the program.
    unsafe { order.assume_init() }
}

/// # Safety
/// As C's `bcmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, bytes: usize) -> i32 {
    // SAFETY: the caller's contract is `memcmp`'s.
    unsafe { memcmp(left, right, bytes) }
}
