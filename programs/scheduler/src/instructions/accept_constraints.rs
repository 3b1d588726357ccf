use crate::orders::{constraints_in_use, note_change, shared_order};
use cores::order::answer;
use cores::queue::Refusal;
use cores::refuse;
use pinocchio::error::ProgramError;
use program_common::Call;
use shared_layouts::scheduler::accept_constraints::{Accounts, Data};

pub(crate) fn accept_constraints(call: Call) -> Result<(), Refusal> {
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: order and shard are different kinds of account, so none is held twice.
    let (order, shard) = unsafe { shared_order(accounts.order, accounts.shard, accounts.owner, call.program_id) }?;
    if data.accept > 1 {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    let submitter = order.shards.get(usize::from(data.submitter)).filter(|_| data.submitter < order.shards_count);
    let submitter = submitter.ok_or_else(|| refuse!(NotInOrder))?;
    if submitter.version != data.version {
        return Err(refuse!(ConstraintsChanged));
    }

    let count = constraints_in_use(order);
    let mut changed = false;
    for constraint in order.constraints.iter_mut().take(count) {
        if constraint.shard == data.submitter && data.submitter != shard {
            let status = answer(*constraint, shard, &order.members, data.accept == 1);
            changed |= status != constraint.status;
            constraint.status = status;
        }
    }
    if !changed {
        return Err(refuse!(NothingToAccept));
    }
    note_change(order)
}
