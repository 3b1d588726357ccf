use crate::hash;
use crate::memory::Syscalls;
use crate::parts::{self, Base};
use crate::refusal::Outcome;
use cores::diff::arena::ArenaMut;
use cores::diff::wire;
use pinocchio::{AccountView, Address};
use program_common::Call;
use shared_layouts::diff::seal::{Accounts, Data};
use shared_layouts::diff::{Arena, DiffError, batch_stage};

#[inline(never)]
pub(crate) fn seal(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, targets) = Accounts::parse(call.accounts)?;
    let key = *accounts.arena.address().as_array();
    // SAFETY: a target is a state or another program's account, so the arena is held once.
    let arena = unsafe { parts::own_arena(accounts.arena, accounts.owner, program_id, 1 << batch_stage::OPEN) }?;
    let header = arena.header;
    let count = usize::from(header.targets_count);
    parts::check_number(targets.len(), count)?;
    let (operations, inverse) = ArenaMut::halves(arena.space);
    if let Some(broken) = find_fault(header, operations, targets, program_id)? {
        header.seal_status = broken as u32;
        header.rejected = header.rejected.wrapping_add(1);
        return Ok(());
    }

    for (target, account) in header.targets.iter().zip(targets.iter()) {
        // SAFETY: as above.
        let base = unsafe { Base::read_target(account, program_id, target) }?;
        let from = target.operations_offset as usize;
        let out = inverse.get_mut(from..).and_then(|rest| rest.get_mut(..target.operations_bytes as usize));
        wire::invert::<Syscalls>(parts::section(operations, target)?, base.data, out.unwrap_or_default())?;
    }
    let staged = operations.get(..header.operations_bytes as usize).ok_or(DiffError::NotAnArena)?;
    header.digest = hash::batch_digest(&key, header, staged);
    header.header.state = batch_stage::SEALED;
    header.seal_status = 0;
    header.operations_out = header.operations_out.wrapping_add(u64::from(header.operations));
    header.bytes_out = header.bytes_out.wrapping_add(u64::from(header.operations_bytes));
    Ok(())
}

/// The first rule that the batch breaks. What is wrong with the accounts that were passed is an error instead, so every one of
/// them is looked at, also behind a target that breaks a rule.
#[inline(always)]
fn find_fault(
    header: &Arena,
    operations: &[u8],
    targets: &[AccountView],
    program_id: &Address,
) -> Outcome<Option<DiffError>> {
    let mut changes = header.operations > 0;
    let mut fault = None;
    for (target, account) in header.targets.iter().zip(targets) {
        // SAFETY: the caller holds the arena alone, which is no target.
        let base = unsafe { Base::read_target(account, program_id, target) }?;
        if fault.is_some() {
            continue;
        }
        fault = if base.is_base_of(target) {
            parts::section(operations, target)
                .and_then(|section| wire::check(section, target.new_length as usize))
                .err()
        } else {
            Some(DiffError::StaleBase)
        };
        changes |= target.new_length != target.old_length;
    }
    Ok(if changes { fault } else { fault.or(Some(DiffError::NothingStaged)) })
}
