//! Rent of accounts whose length changes.

use crate::refusal::Outcome;
use pinocchio::AccountView;
use pinocchio::error::ProgramError;
use pinocchio_system::instructions::Transfer;
use program_common::accounts::{check_payer, is_owned_by, move_lamports, rent_exempt_lamports};

/// Has `payer` pay what `account` lacks of the rent for so many bytes.
///
/// What the system program would find out about the payer is checked here: it would be too late, or a fault, there. An account
/// of this program is never its own payer, as it is not the system program's.
///
/// # Errors
/// `InvalidAccountOwner` if the payer is not the system program's; where there is something to pay, `InvalidAccountData` if
/// it has data, and `InsufficientFunds` if it has too few lamports; what the system program returns.
#[inline(never)]
pub(crate) fn top_up(payer: &AccountView, account: &AccountView, bytes: usize) -> Outcome {
    if !is_owned_by(payer, &pinocchio_system::ID) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    let lamports = rent_exempt_lamports(bytes)?.saturating_sub(account.lamports());
    if lamports == 0 {
        return Ok(());
    }
    check_payer(payer, lamports)?;
    Ok(Transfer { from: payer, to: account, lamports }.invoke()?)
}

/// Moves all lamports to `receiver` and closes the account: no data, and the system program's from now on.
///
/// # Errors
/// `InvalidArgument` if `receiver` is the account itself.
#[inline(never)]
pub(crate) fn close(account: &mut AccountView, receiver: &mut AccountView) -> Outcome {
    if account.address() == receiver.address() {
        return Err(ProgramError::InvalidArgument.into());
    }
    let lamports = account.lamports();
    move_lamports(account, receiver, lamports)?;
    // The runtime zeroes the data; until then nothing but the discriminator tells what it was.
    account.try_borrow_mut()?.fill(0);
    Ok(account.close()?)
}
