use crate::memory::Syscalls;
use crate::parts::{self, Holder};
use crate::refusal::{Outcome, refuse};
use cores::diff::arena::ArenaMut;
use cores::diff::wire;
use program_common::{Call, clock};
use shared_layouts::diff::apply::{Accounts, Data};
use shared_layouts::diff::batch_stage;

#[inline(never)]
pub(crate) fn apply(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, targets) = Accounts::parse(call.accounts)?;
    let holder = Holder { program_id, arena: *accounts.arena.address().as_array() };
    // SAFETY: config, arena and states are different kinds of account, and the targets of a batch are pairwise distinct, so
    // none is held twice.
    let config = unsafe { parts::running_config_inline(accounts.config, program_id) }?;
    // SAFETY: as above.
    let arena = unsafe { parts::own_arena(accounts.arena, accounts.owner, program_id, 1 << batch_stage::BEGUN) }?;
    let header = arena.header;
    if clock::now(accounts.clock)? > header.deadline_at {
        return Err(refuse!(DeadlinePassed));
    }
    for (index, account) in targets.iter_mut().enumerate() {
        // SAFETY: as above.
        unsafe { holder.held_state(account, header, usize::from(header.applied_targets) + index) }?;
    }
    let mut left = usize::from(config.max_batch_size.min(data.operations_most));
    if left == 0 || targets.is_empty() || header.applied_operations == header.operations {
        return Err(refuse!(NothingToApply));
    }

    let (operations, _) = ArenaMut::halves(arena.space);
    for account in targets {
        let Some(target) = header.targets.get(usize::from(header.applied_targets)) else { break };
        let end = target.operations_offset as usize + target.operations_bytes as usize;
        let rest = operations.get(header.applied_bytes as usize..end).ok_or_else(|| refuse!(MalformedOperations))?;
        // SAFETY: as above.
        let state_data = unsafe { parts::held_data(account) };
        let done = wire::apply_some::<Syscalls>(rest, state_data, left)?;
        // No more are done than were left.
        left = left.wrapping_sub(done.operations);
        // Both stay below what was staged.
        header.applied_operations = header.applied_operations.wrapping_add(wire::number(done.operations));
        header.applied_bytes = header.applied_bytes.wrapping_add(wire::number(done.bytes));
        if done.bytes < rest.len() {
            break;
        }
        header.applied_targets = header.applied_targets.wrapping_add(1);
    }
    Ok(())
}
