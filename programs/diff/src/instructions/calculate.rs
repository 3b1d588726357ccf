use crate::memory::Syscalls;
use crate::parts::{Base, Staging};
use crate::refusal::{Outcome, refuse};
use cores::diff::arena::ArenaMut;
use cores::diff::calculate::Calculation;
use pinocchio::error::ProgramError;
use program_common::Call;
use program_common::accounts::{is_owned_by, read_fixed_part};
use shared_layouts::account::keys_equal;
use shared_layouts::diff::calculate::{Accounts, Data};
use shared_layouts::diff::{Arena, TO_THE_END, batch_stage};

#[inline(never)]
pub(crate) fn calculate(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    if keys_equal(accounts.source.address().as_array(), accounts.arena.address().as_array()) {
        return Err(ProgramError::InvalidArgument.into());
    }
    if !is_owned_by(accounts.arena, program_id) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    // SAFETY: a target is a state or another program's account, and the source was just compared, so the arena is held once.
    let header: &Arena = unsafe { read_fixed_part(accounts.arena) }.map_err(|_| refuse!(NotAnArena))?;
    if !keys_equal(&header.owner, accounts.owner.address().as_array()) {
        return Err(refuse!(NotOwner));
    }
    if header.header.state != batch_stage::OPEN {
        return Err(refuse!(WrongStage));
    }
    // SAFETY: as above.
    let base = unsafe { Base::read_inline(accounts.target, program_id, data.data_offset) }?;
    // SAFETY: as above.
    let source = unsafe { accounts.source.borrow_unchecked() };
    let offset = data.target_offset as usize;
    let old = base.data.get(offset..).ok_or_else(|| refuse!(InvalidRange))?;
    let new = source.get(data.source_offset as usize..).ok_or_else(|| refuse!(InvalidRange))?;
    let (old, new, new_length) = if data.range_bytes == TO_THE_END {
        (old, new, Some(offset.wrapping_add(new.len())))
    } else {
        let bytes = data.range_bytes as usize;
        (
            old.get(..bytes).ok_or_else(|| refuse!(InvalidRange))?,
            new.get(..bytes).ok_or_else(|| refuse!(InvalidRange))?,
            None,
        )
    };
    if base.version.is_some_and(|version| version != data.base_version) {
        return Err(refuse!(StaleBase));
    }
    let calculation = Calculation { base: old, new, offset, level: header.optimization_level };
    if calculation.is_unchanged::<Syscalls>() {
        return Ok(());
    }
    // SAFETY: as above; the header that was read is let go.
    let arena = unsafe { accounts.arena.borrow_unchecked_mut() };
    // Its owner was compared above.
    let arena = ArenaMut::load(arena).ok_or_else(|| refuse!(NotAnArena))?;
    let staging =
        Staging { account: accounts.target.address().as_array(), base_version: data.base_version, new_length };
    let place = base.place(arena.header, &staging)?;
    let (room, _) = ArenaMut::halves(arena.space);
    let room = room.get_mut(arena.header.operations_bytes as usize..).ok_or_else(|| refuse!(ArenaFull))?;

    let size = calculation.write::<Syscalls>(room)?;
    base.enter(arena.header, place, &staging, size)
}
