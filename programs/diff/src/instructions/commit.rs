use crate::parts::{self, Holder};
use crate::refusal::Outcome;
use crate::resize;
use cores::diff::arena::ArenaMut;
use pinocchio::error::ProgramError;
use program_common::{Call, clock};
use shared_layouts::diff::commit::{Accounts, Data};
use shared_layouts::diff::{BatchDigest, DiffError, State, batch_stage};

#[inline(never)]
pub(crate) fn commit(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, targets) = Accounts::parse_cold_or_deny(call.accounts)?;
    let holder = Holder { program_id, arena: *accounts.arena.address().as_array() };
    // SAFETY: config, arena and states are different kinds of account, and the targets of a batch are pairwise distinct, so
    // none is held twice.
    unsafe { parts::running_config(accounts.config, program_id) }?;
    // SAFETY: as above.
    let arena = unsafe { parts::own_arena(accounts.arena, accounts.owner, program_id, 1 << batch_stage::BEGUN) }?;
    let header = arena.header;
    if clock::now(accounts.clock)? > header.deadline_at {
        return Err(DiffError::DeadlinePassed.into());
    }
    if header.applied_operations != header.operations {
        return Err(DiffError::NotAllApplied.into());
    }
    let count = usize::from(header.targets_count);
    parts::check_number(targets.len(), count)?;
    for (index, account) in targets.iter_mut().enumerate() {
        // SAFETY: as above.
        let state = unsafe { holder.held_state(account, header, index) }?;
        if state.state_version == u64::MAX {
            return Err(ProgramError::ArithmeticOverflow.into());
        }
    }

    for (index, account) in targets.iter_mut().enumerate() {
        // SAFETY: as above.
        let state = unsafe { holder.held_state(account, header, index) }?;
        state.state_version = state.state_version.wrapping_add(1);
        parts::unlock(state);
        let length = header.targets.get(index).map_or(0, |target| target.new_length as usize) + State::BYTES;
        if length < account.data_len() {
            // SAFETY: nothing of the state is held any more, and it is resized this once.
            unsafe { resize::set_data_bytes(account, length) }?;
        }
    }
    if let Some(slot) = ArenaMut::digest(arena.ring, header.ring_next) {
        *slot = BatchDigest { batch: header.batch, digest: header.digest };
        let next = header.ring_next.wrapping_add(1);
        header.ring_next = if next == header.ring_slots { 0 } else { next };
    }
    header.batches = header.batches.wrapping_add(1);
    parts::next_batch(header)
}
