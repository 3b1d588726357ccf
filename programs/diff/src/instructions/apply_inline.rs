use crate::Diff;
use crate::memory::Syscalls;
use cores::diff::wire;
use pinocchio::ProgramResult;
use pinocchio::error::ProgramError;
use program_common::{Call, accounts, clock, fault};
use shared_layouts::account::{keys_equal, load_mut};
use shared_layouts::diff::apply_inline::{Accounts, Data};
use shared_layouts::diff::{DiffConfig, DiffError, State, lock_state};
use shared_layouts::lifecycle::Fault;

#[inline(never)]
pub(crate) fn apply_inline(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (data, operations) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    // SAFETY: config and state are different kinds of account, so neither is held twice.
    let config: &DiffConfig = unsafe { accounts::read_unborrowed(accounts.config, program_id) }?;
    if config.lifecycle.is_paused(clock::now_by_syscall)? {
        return Err(fault::<Diff>(Fault::Paused));
    }
    if !accounts::is_owned_by(accounts.state, program_id) {
        return Err(ProgramError::InvalidAccountOwner);
    }
    // SAFETY: as above.
    let bytes = unsafe { accounts.state.borrow_unchecked_mut() };
    let (header, state_data) = bytes.split_at_mut_checked(State::BYTES).ok_or(ProgramError::InvalidAccountData)?;
    let header: &mut State = load_mut(header)?;
    if !keys_equal(&header.owner, accounts.owner.address().as_array()) {
        return Err(DiffError::NotOwner.into());
    }
    if header.header.state != lock_state::UNLOCKED {
        return Err(DiffError::Locked.into());
    }
    if header.state_version != data.base_version {
        return Err(DiffError::StaleBase.into());
    }
    let count = wire::validate(operations, state_data.len())?;
    if count > usize::from(config.max_batch_size) {
        return Err(DiffError::BatchTooLarge.into());
    }

    wire::apply::<Syscalls>(operations, state_data)?;
    header.state_version = header.state_version.wrapping_add(1);
    Ok(())
}
