use crate::Diff;
use crate::parts;
use crate::refusal::Outcome;
use cores::diff::arena::{capacity_bytes, operations_offset};
use pinocchio::error::ProgramError;
use program_common::accounts::NewAccount;
use program_common::{Call, accounts};
use shared_layouts::account::{AccountHeader, AccountLayout};
use shared_layouts::diff::create_arena::{Accounts, Data};
use shared_layouts::diff::{
    ARENA_SEED, Arena, DEFAULT_LEVEL, DiffConfig, DiffError, MAX_GROWTH_BYTES, batch_stage, optimization_level,
};

#[inline(never)]
pub(crate) fn create_arena(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let (bytes, ring_slots) = (data.account_bytes as usize, data.ring_slots);

    let (number, default_level) = {
        // SAFETY: the arena does not exist yet, so the config is held once.
        let config = unsafe { parts::running_config(accounts.config, program_id) }?;
        (config.arenas_created, config.optimization_level)
    };
    if bytes > MAX_GROWTH_BYTES || bytes < operations_offset(ring_slots) {
        return Err(DiffError::InvalidSize.into());
    }
    let level = if data.optimization_level == DEFAULT_LEVEL { default_level } else { data.optimization_level };
    if level > optimization_level::AGGRESSIVE {
        return Err(DiffError::InvalidLevel.into());
    }

    let seeds = [ARENA_SEED, &number.to_le_bytes()];
    let bump = NewAccount { account: accounts.arena, payer: accounts.payer, program: program_id, seeds: &seeds, bytes }
        .create::<Diff>()?;
    // SAFETY: the arena was just created and is not the config.
    let config: &mut DiffConfig = unsafe { accounts::write_unborrowed(accounts.config, program_id) }?;
    config.arenas_created = number.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    let capacity_bytes = u32::try_from(capacity_bytes(bytes, ring_slots)).map_err(|_| DiffError::InvalidSize)?;
    let mut bytes = accounts.arena.try_borrow_mut()?;
    let header: &mut Arena = accounts::fresh(&mut bytes)?;
    header.header = AccountHeader {
        discriminator: Arena::DISCRIMINATOR,
        version: Arena::VERSION,
        bump,
        state: batch_stage::OPEN,
        reserved: [0; 4],
    };
    header.owner = *accounts.owner.address().as_array();
    header.number = number;
    header.capacity_bytes = capacity_bytes;
    header.optimization_level = level;
    header.ring_slots = ring_slots;
    Ok(())
}
