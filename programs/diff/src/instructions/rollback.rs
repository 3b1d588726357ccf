use crate::memory::Syscalls;
use crate::parts::{self, Holder};
use crate::refusal::Outcome;
use crate::resize;
use cores::diff::arena::ArenaMut;
use cores::diff::wire;
use program_common::{Call, clock};
use shared_layouts::account::keys_equal;
use shared_layouts::diff::rollback::{Accounts, Data};
use shared_layouts::diff::{DiffError, State, batch_stage};

#[inline(never)]
pub(crate) fn rollback(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, targets) = Accounts::parse(call.accounts)?;
    let holder = Holder { program_id, arena: *accounts.arena.address().as_array() };
    // SAFETY: arena and states are different kinds of account, and the targets of a batch are pairwise distinct, so none is
    // held twice.
    let arena = unsafe { parts::arena_mut(accounts.arena, program_id) }?;
    let header = arena.header;
    if !matches!(header.header.state, batch_stage::BEGUN | batch_stage::ROLLING_BACK) {
        return Err(DiffError::WrongStage.into());
    }
    if !keys_equal(&header.owner, accounts.signer.address().as_array())
        && clock::now(accounts.clock)? <= header.deadline_at
    {
        return Err(DiffError::NotOwner.into());
    }
    if targets.is_empty() || data.operations_most == 0 {
        return Err(DiffError::NothingToApply.into());
    }
    for (index, account) in targets.iter_mut().enumerate() {
        // SAFETY: as above.
        unsafe { holder.held_state(account, header, usize::from(header.restored_targets) + index) }?;
    }

    header.header.state = batch_stage::ROLLING_BACK;
    let (_, inverse) = ArenaMut::halves(arena.space);
    let mut left = usize::from(data.operations_most);
    for account in targets {
        let Some(target) = header.targets.get(usize::from(header.restored_targets)) else { break };
        let section_end = target.operations_offset as usize + target.operations_bytes as usize;
        let end = section_end.min(header.applied_bytes as usize);
        // Empty where the batch was abandoned before it came to this target.
        let rest = inverse.get(header.restored_bytes as usize..end).unwrap_or_default();
        let old_length = target.old_length as usize;
        // SAFETY: as above.
        let state_data = unsafe { parts::held_data(account) };
        let done = wire::apply_some::<Syscalls>(rest, state_data, left)?;
        // No more are done than were left.
        left = left.wrapping_sub(done.operations);
        // It stays below what was staged.
        header.restored_bytes = header.restored_bytes.wrapping_add(wire::number(done.bytes));
        if done.bytes < rest.len() {
            return Ok(());
        }
        // SAFETY: as above.
        let state = unsafe { holder.held_state(account, header, usize::from(header.restored_targets)) }?;
        parts::unlock(state);
        header.restored_targets = header.restored_targets.wrapping_add(1);
        if State::BYTES + old_length < account.data_len() {
            // SAFETY: nothing of the state is held any more, and it is resized this once.
            unsafe { resize::set_data_bytes(account, State::BYTES + old_length) }?;
        }
    }
    if header.restored_targets == header.targets_count {
        header.rolled_back = header.rolled_back.wrapping_add(1);
        parts::next_batch(header)?;
    }
    Ok(())
}
