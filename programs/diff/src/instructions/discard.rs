use crate::parts;
use crate::refusal::Outcome;
use program_common::Call;
use shared_layouts::diff::batch_stage;
use shared_layouts::diff::discard::{Accounts, Data};

#[inline(never)]
pub(crate) fn discard(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let stages = 1 << batch_stage::OPEN | 1 << batch_stage::SEALED;
    // SAFETY: this instruction holds no other account's data.
    let arena = unsafe { parts::own_arena(accounts.arena, accounts.owner, program_id, stages) }?;
    parts::next_batch(arena.header)
}
