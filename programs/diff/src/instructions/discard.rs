use crate::parts;
use pinocchio::ProgramResult;
use program_common::Call;
use shared_layouts::account::keys_equal;
use shared_layouts::diff::discard::{Accounts, Data};
use shared_layouts::diff::{DiffError, batch_stage};

#[inline(never)]
pub(crate) fn discard(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold(call.accounts)?;
    // SAFETY: this instruction holds no other account's data.
    let arena = unsafe { parts::arena_mut(accounts.arena, program_id) }?;
    if !keys_equal(&arena.header.owner, accounts.owner.address().as_array()) {
        return Err(DiffError::NotOwner.into());
    }
    if !matches!(arena.header.header.state, batch_stage::OPEN | batch_stage::SEALED) {
        return Err(DiffError::WrongStage.into());
    }
    parts::next_batch(arena.header)
}
