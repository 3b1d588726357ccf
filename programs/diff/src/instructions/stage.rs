use crate::memory::Syscalls;
use crate::parts::{self, Base, Staging};
use crate::refusal::Outcome;
use cores::diff::arena::ArenaMut;
use cores::diff::memory::Memory;
use cores::diff::wire::{self, Size};
use program_common::Call;
use shared_layouts::diff::stage::{Accounts, Data};
use shared_layouts::diff::{DiffError, batch_stage};

#[inline(never)]
pub(crate) fn stage(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, operations) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: a target is a state or another program's account, so the arena is held once.
    let arena = unsafe { parts::own_arena(accounts.arena, accounts.owner, program_id, 1 << batch_stage::OPEN) }?;
    // SAFETY: as above.
    let base = unsafe { Base::read(accounts.target, program_id, data.data_offset) }?;
    if base.version.is_some_and(|version| version != data.base_version) {
        return Err(DiffError::StaleBase.into());
    }
    let staging = Staging {
        account: accounts.target.address().as_array(),
        base_version: data.base_version,
        new_length: Some(data.new_length as usize),
    };
    let place = base.place(arena.header, &staging)?;
    let size = Size { operations: wire::count(operations)?, bytes: operations.len() };
    let (room, _) = ArenaMut::halves(arena.space);
    let room = room.get_mut(arena.header.operations_bytes as usize..).and_then(|room| room.get_mut(..operations.len()));
    let room = room.ok_or(DiffError::ArenaFull)?;

    Syscalls::copy(room, operations);
    base.enter(arena.header, place, &staging, size)
}
