use crate::memory::Syscalls;
use crate::refusal::Outcome;
use crate::{parts, resize};
use cores::diff::arena::ArenaMut;
use cores::diff::wire;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::accounts::rent_exempt_lamports;
use program_common::{Call, clock};
use shared_layouts::account::keys_equal;
use shared_layouts::diff::begin::{Accounts, Data};
use shared_layouts::diff::{
    DiffError, MAX_LOCK_SECONDS, MAX_STATE_BYTES, State, Target, batch_stage, lock_state, target_kind,
};

#[inline(never)]
pub(crate) fn begin(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, pairs) = Accounts::parse_cold_or_deny(call.accounts)?;
    let key = *accounts.arena.address().as_array();
    // SAFETY: config, arena and states are different kinds of account, and the targets of a batch are pairwise distinct, so
    // none is held twice.
    unsafe { parts::running_config(accounts.config, program_id) }?;
    // SAFETY: as above.
    let arena = unsafe { parts::own_arena(accounts.arena, accounts.owner, program_id, 1 << batch_stage::SEALED) }?;
    let header = arena.header;
    if data.lock_seconds == 0 || data.lock_seconds > MAX_LOCK_SECONDS {
        return Err(DiffError::InvalidDeadline.into());
    }
    let now = clock::now(accounts.clock)?;
    let deadline_at = now.checked_add(i64::from(data.lock_seconds)).ok_or(ProgramError::ArithmeticOverflow)?;
    let count = usize::from(header.targets_count);
    parts::check_number(pairs.len(), count + count)?;
    let (_, inverse) = ArenaMut::halves(arena.space);
    for (target, pair) in header.targets.iter().zip(pairs.chunks_exact_mut(2)) {
        check_target(target, pair, parts::section(inverse, target)?, program_id)?;
    }

    for (target, pair) in header.targets.iter().zip(pairs.chunks_exact_mut(2)) {
        let [account, _] = pair else { return Err(ProgramError::NotEnoughAccountKeys.into()) };
        if target.new_length > target.old_length {
            // SAFETY: nothing of the state is held here, and it is resized this once.
            unsafe { resize::set_data_bytes(account, State::BYTES + target.new_length as usize) }?;
        }
        // SAFETY: as at the beginning.
        let (state, _) = unsafe { parts::state_mut(account, program_id) }?;
        state.header.state = lock_state::LOCKED;
        state.lock_arena = key;
        state.lock_batch = header.batch;
        state.lock_deadline_at = deadline_at;
    }
    header.header.state = batch_stage::BEGUN;
    header.deadline_at = deadline_at;
    Ok(())
}

/// A target is free, its owner signs, and it is what it was when the batch was sealed.
#[inline(always)]
fn check_target(target: &Target, pair: &mut [AccountView], inverse: &[u8], program_id: &Address) -> Outcome {
    let [account, owner] = pair else { return Err(ProgramError::NotEnoughAccountKeys.into()) };
    if !keys_equal(&target.state, account.address().as_array()) {
        return Err(DiffError::WrongTarget.into());
    }
    if target.kind != target_kind::MANAGED {
        return Err(DiffError::ExternalTarget.into());
    }
    if !owner.is_signer() {
        return Err(ProgramError::MissingRequiredSignature.into());
    }
    if !account.is_writable() {
        return Err(ProgramError::Immutable.into());
    }
    let lamports = account.lamports();
    // SAFETY: the caller holds config and arena alone, which are no targets.
    let (state, data) = unsafe { parts::free_state(account, owner, program_id) }?;
    if state.state_version != target.base_version || data.len() != target.old_length as usize {
        return Err(DiffError::StaleBase.into());
    }
    wire::check_base::<Syscalls>(inverse, data)?;
    if target.new_length > target.old_length {
        let bytes = target.new_length as usize;
        if bytes > MAX_STATE_BYTES {
            return Err(DiffError::InvalidLength.into());
        }
        if lamports < rent_exempt_lamports(State::BYTES + bytes)? {
            return Err(DiffError::RentTooLow.into());
        }
    }
    Ok(())
}
