//! The length of an account's data.

use crate::refusal::Outcome;
use pinocchio::AccountView;
use pinocchio::error::ProgramError;
use shared_layouts::diff::MAX_GROWTH_BYTES;

/// Sets the length of an account's data; new bytes are zero.
///
/// Pinocchio's own resize makes every entrypoint remember every length, which each instruction would pay for.
///
/// # Errors
/// `InvalidRealloc` for more than the runtime lets an account grow in one instruction.
///
/// # Safety
/// Nobody may hold the account's data, and its length must be the one that it had when the instruction began: the runtime
/// keeps room for growth behind that.
#[inline(never)]
pub(crate) unsafe fn set_data_bytes(account: &mut AccountView, bytes: usize) -> Outcome {
    let before = account.data_len();
    if bytes > before && bytes - before > MAX_GROWTH_BYTES {
        return Err(ProgramError::InvalidRealloc.into());
    }
    let raw = account.account_mut_ptr();
    // SAFETY: the view points to the runtime's record of the account, and the room behind its data was just compared.
    unsafe { (*raw).data_len = bytes as u64 };
    if bytes > before {
        // SAFETY: the caller holds nothing of the data.
        let data = unsafe { account.borrow_unchecked_mut() };
        if let Some(new) = data.get_mut(before..) {
            new.fill(0);
        }
    }
    Ok(())
}
