//! Closing accounts and changing their length.

use cores::queue::Refusal;
use pinocchio::AccountView;
use pinocchio::error::ProgramError;
use program_common::accounts::move_lamports;
use shared_layouts::scheduler::MAX_CREATE_BYTES;

/// Closes an account of this program: its data is zeroed, its lamports go to `recipient`, and it is the system program's
/// again. Who sends it lamports later finds an empty account; its address is derived from a number that never comes back.
#[inline(never)]
pub(crate) fn close(account: &mut AccountView, recipient: &mut AccountView) -> Result<(), Refusal> {
    if account.address() == recipient.address() {
        return Err(ProgramError::InvalidArgument.into());
    }
    let lamports = account.lamports();
    move_lamports(account, recipient, lamports).map_err(Refusal::passed_on)?;
    account.try_borrow_mut().map_err(Refusal::passed_on)?.fill(0);
    account.close().map_err(Refusal::passed_on)
}

/// Lengthens an account of this program by zeroes. Called once in an instruction.
///
/// Pinocchio's own `resize` makes every entrypoint record every account's length; this is the one place that needs it.
pub(crate) fn lengthen(account: &mut AccountView, by_bytes: usize) -> Result<(), Refusal> {
    if by_bytes > MAX_CREATE_BYTES {
        return Err(ProgramError::InvalidRealloc.into());
    }
    let bytes = account.data_len();
    // The borrow proves that nobody holds the data.
    drop(account.try_borrow_mut().map_err(Refusal::passed_on)?);
    // SAFETY: the data begins behind the account's fields.
    let end = unsafe { account.data_mut_ptr().add(bytes) };
    // SAFETY: the runtime leaves room for 10,240 bytes behind every account's data, and no more are written.
    unsafe { core::ptr::write_bytes(end, 0, by_bytes) };
    let fields = account.account_mut_ptr();
    // SAFETY: the fields are the account's own, and nobody else looks at them now.
    unsafe { (*fields).data_len = (bytes + by_bytes) as u64 };
    Ok(())
}
