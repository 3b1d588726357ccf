use crate::refusal::Outcome;
use crate::{parts, rent, resize};
use cores::diff::arena::capacity_bytes;
use program_common::Call;
use shared_layouts::diff::grow_arena::{Accounts, Data};
use shared_layouts::diff::{DiffError, MAX_ARENA_BYTES, MAX_GROWTH_BYTES, batch_stage};

#[inline(never)]
pub(crate) fn grow_arena(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let more_bytes = data.more_bytes as usize;
    // SAFETY: config and arena are different kinds of account, so neither is held twice.
    unsafe { parts::running_config(accounts.config, program_id) }?;
    let bytes = accounts.arena.data_len().saturating_add(more_bytes);
    let capacity_bytes = {
        // SAFETY: as above. While the batch is open nothing stands in the inverse's region, which moves.
        let arena = unsafe { parts::own_arena(accounts.arena, accounts.owner, program_id, 1 << batch_stage::OPEN) }?;
        capacity_bytes(bytes, arena.header.ring_slots)
    };
    if more_bytes == 0 || more_bytes > MAX_GROWTH_BYTES || bytes > MAX_ARENA_BYTES {
        return Err(DiffError::InvalidSize.into());
    }
    let capacity_bytes = u32::try_from(capacity_bytes).map_err(|_| DiffError::InvalidSize)?;

    rent::top_up(accounts.payer, accounts.arena, bytes)?;
    // SAFETY: the header was let go above, and nothing resized the account in this instruction.
    unsafe { resize::set_data_bytes(accounts.arena, bytes) }?;
    // SAFETY: as above.
    let arena = unsafe { parts::own_arena(accounts.arena, accounts.owner, program_id, 1 << batch_stage::OPEN) }?;
    arena.header.capacity_bytes = capacity_bytes;
    Ok(())
}
