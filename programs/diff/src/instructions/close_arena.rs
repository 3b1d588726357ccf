use crate::{parts, rent};
use pinocchio::ProgramResult;
use program_common::Call;
use shared_layouts::account::keys_equal;
use shared_layouts::diff::close_arena::{Accounts, Data};
use shared_layouts::diff::{DiffError, batch_stage};

#[inline(never)]
pub(crate) fn close_arena(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold(call.accounts)?;
    {
        // SAFETY: this instruction holds no other account's data.
        let arena = unsafe { parts::arena_mut(accounts.arena, program_id) }?;
        if !keys_equal(&arena.header.owner, accounts.owner.address().as_array()) {
            return Err(DiffError::NotOwner.into());
        }
        // Targets of a begun batch refer to it.
        if !matches!(arena.header.header.state, batch_stage::OPEN | batch_stage::SEALED) {
            return Err(DiffError::WrongStage.into());
        }
    }
    rent::close(accounts.arena, accounts.receiver)
}
