use crate::refusal::Outcome;
use crate::{parts, rent};
use program_common::Call;
use shared_layouts::diff::batch_stage;
use shared_layouts::diff::close_arena::{Accounts, Data};

#[inline(never)]
pub(crate) fn close_arena(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // Targets of a begun batch refer to it.
    let stages = 1 << batch_stage::OPEN | 1 << batch_stage::SEALED;
    // SAFETY: this instruction holds no other account's data.
    unsafe { parts::own_arena(accounts.arena, accounts.owner, program_id, stages) }?;
    rent::close(accounts.arena, accounts.receiver)
}
