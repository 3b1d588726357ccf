//! Time, read in place from the Clock sysvar account: about 15 compute units where the syscall costs 155.

use crate::Outcome;
use pinocchio::error::ProgramError;
use pinocchio::sysvars::Sysvar;
use pinocchio::sysvars::clock::{CLOCK_ID, Clock};
use pinocchio::{AccountView, address::address_eq};

/// Offset of the unix timestamp in the sysvar.
const UNIX_TIMESTAMP_OFFSET: usize = 32;

/// Unix seconds, from the Clock sysvar account.
///
/// # Errors
/// `UnsupportedSysvar` if the account is another one.
#[inline(always)]
pub fn now(clock: &AccountView) -> Outcome<i64> {
    if !address_eq(clock.address(), &CLOCK_ID) {
        return Err(ProgramError::UnsupportedSysvar.into());
    }
    // SAFETY: the sysvar is never writable, so nobody holds it mutably.
    let bytes = unsafe { clock.borrow_unchecked() };
    match bytes.get(UNIX_TIMESTAMP_OFFSET..UNIX_TIMESTAMP_OFFSET + 8) {
        Some(bytes) => Ok(bytemuck::pod_read_unaligned(bytes)),
        None => Err(ProgramError::UnsupportedSysvar.into()),
    }
}

/// Unix seconds by syscall, where a program takes no Clock account because it hardly ever needs the time.
///
/// # Errors
/// What the runtime returns.
#[cold]
#[inline(never)]
pub fn now_by_syscall() -> Outcome<i64> {
    Ok(Clock::get()?.unix_timestamp)
}
