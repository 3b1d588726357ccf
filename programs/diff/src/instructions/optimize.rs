use crate::memory::Syscalls;
use crate::parts::{self, Base};
use crate::refusal::Outcome;
use cores::diff::memory::Memory;
use cores::diff::optimize::{check_scratch, optimize as optimize_section};
use pinocchio::{AccountView, Address};
use program_common::Call;
use shared_layouts::diff::optimize::{Accounts, Data};
use shared_layouts::diff::{Arena, DiffError, batch_stage, optimization_level};

#[inline(never)]
pub(crate) fn optimize(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, targets) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: a target is a state or another program's account, so the arena is held once.
    let arena = unsafe { parts::own_arena(accounts.arena, accounts.owner, program_id, 1 << batch_stage::OPEN) }?;
    let header = arena.header;
    if data.level > optimization_level::AGGRESSIVE {
        return Err(DiffError::InvalidLevel.into());
    }
    check_targets(header, targets, program_id)?;
    // What follows the staged operations is scratch, up to the end of the inverse's region.
    let (staged, scratch) =
        arena.space.split_at_mut_checked(header.operations_bytes as usize).ok_or(DiffError::NotAnArena)?;
    for (target, _) in header.targets.iter().zip(targets.iter()) {
        check_scratch(data.level, parts::section(staged, target)?, scratch.len())?;
    }

    header.optimized_from_operations = header.operations;
    header.optimized_from_bytes = header.operations_bytes;
    let mut operations = 0;
    let mut bytes = 0usize;
    for (target, account) in header.targets.iter_mut().zip(targets.iter()) {
        // SAFETY: as above.
        let base = unsafe { Base::read_target(account, program_id, target) }?;
        let (from, length) = (target.operations_offset as usize, target.operations_bytes as usize);
        // Targets before this one may have become shorter: its operations move up to them.
        Syscalls::move_down(staged, from, bytes, length);
        let section = staged.get_mut(bytes..).and_then(|rest| rest.get_mut(..length));
        let section = section.ok_or(DiffError::MalformedOperations)?;
        let size = optimize_section::<Syscalls>(data.level, base.data, section, scratch)?;
        // Both are at most what was staged.
        target.operations_offset = u32::try_from(bytes).unwrap_or(u32::MAX);
        target.operations_bytes = u32::try_from(size.bytes).unwrap_or(u32::MAX);
        operations = size.operations.wrapping_add(operations);
        bytes = bytes.wrapping_add(size.bytes);
    }
    header.operations = u32::try_from(operations).unwrap_or(u32::MAX);
    header.operations_bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    header.optimized_to_operations = header.operations;
    header.optimized_to_bytes = header.operations_bytes;
    Ok(())
}

/// Every target is there, and is what the operations were staged for.
fn check_targets(header: &Arena, accounts: &[AccountView], program_id: &Address) -> Outcome {
    let count = usize::from(header.targets_count);
    parts::check_number(accounts.len(), count)?;
    for (target, account) in header.targets.iter().zip(accounts) {
        // SAFETY: the caller holds the arena alone, which is no target.
        let base = unsafe { Base::read_target(account, program_id, target) }?;
        if !base.is_base_of(target) {
            return Err(DiffError::StaleBase.into());
        }
    }
    Ok(())
}
