use crate::{Diff, parts, rent, resize};
use cores::diff::arena::capacity_bytes;
use pinocchio::ProgramResult;
use program_common::{Call, accounts, clock, fault};
use shared_layouts::diff::grow_arena::{Accounts, Data};
use shared_layouts::diff::{DiffConfig, DiffError, MAX_ARENA_BYTES, MAX_GROWTH_BYTES, batch_stage};
use shared_layouts::lifecycle::Fault;

#[inline(never)]
pub(crate) fn grow_arena(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold(call.accounts)?;
    let more_bytes = data.more_bytes as usize;
    // SAFETY: config and arena are different kinds of account, so neither is held twice.
    let config: &DiffConfig = unsafe { accounts::read_unborrowed(accounts.config, program_id) }?;
    if config.lifecycle.is_paused(clock::now_by_syscall)? {
        return Err(fault::<Diff>(Fault::Paused));
    }
    let bytes = accounts.arena.data_len().saturating_add(more_bytes);
    let capacity_bytes = {
        // SAFETY: as above. While the batch is open nothing stands in the inverse's region, which moves.
        let arena = unsafe { parts::own_arena(accounts.arena, accounts.owner, program_id, batch_stage::OPEN) }?;
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
    let arena = unsafe { parts::arena_mut(accounts.arena, program_id) }?;
    arena.header.capacity_bytes = capacity_bytes;
    Ok(())
}
