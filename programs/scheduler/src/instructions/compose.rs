use crate::orders::{log_key, opened_order};
use cores::order::{self, Contradiction, ContradictionKind, Dropped, Effective, epochs};
use cores::queue::Refusal;
use cores::refuse;
use pinocchio_log::logger::log_message;
use program_common::Call;
use shared_layouts::scheduler::compose::{Accounts, Data};
use shared_layouts::scheduler::{
    Composition, MAX_ORDER_SHARDS, NO_LEVEL, Order, composition_mode, constraint_kind, constraint_status,
};

pub(crate) fn compose(call: Call) -> Result<(), Refusal> {
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: order and shard are different kinds of account, so none is held twice.
    let order = unsafe { opened_order(accounts.order, accounts.shard, accounts.owner, call.program_id) }?;
    if order.constraints_version != data.constraints_version {
        return Err(refuse!(ConstraintsChanged));
    }
    if order.constraints_version == order.composed_version {
        return Err(refuse!(AlreadyComposed));
    }
    if !epochs::is_drained(order) {
        return Err(refuse!(OlderEpochPending));
    }
    let count = usize::from(order.constraints_count);
    let constraints = order.constraints.get(..count).ok_or_else(|| refuse!(CorruptOrder))?;

    let mut composition: Composition = bytemuck::Zeroable::zeroed();
    let mut dropped = Dropped::default();
    let mut effective = Effective::of_members(usize::from(order.members_count));
    effective.take(constraints);
    let composed = if order.mode == composition_mode::WEIGHTED {
        let mut weights = [0u16; MAX_ORDER_SHARDS];
        for (weight, shard) in weights.iter_mut().zip(&order.shards) {
            *weight = shard.weight;
        }
        order::compose_weighted(&mut effective, constraints, &weights, &mut dropped, &mut composition)
    } else {
        order::compose(&effective, &mut composition)
    };
    if let Err(contradiction) = composed {
        return Err(name(order, contradiction));
    }

    epochs::recompose(order, &composition)?;
    order.composed_version = data.constraints_version;
    note_dropped(order, &dropped, count);
    for member in order.members.get_mut(..usize::from(order.members_count)).unwrap_or(&mut []) {
        member.level = NO_LEVEL;
    }
    if effective.has_priorities() {
        set_levels(order, count);
    }
    Ok(())
}

/// Marks what was dropped, and nothing else.
#[inline(always)]
fn note_dropped(order: &mut Order, dropped: &Dropped, count: usize) {
    if order.dropped_count > 0 {
        for constraint in order.constraints.iter_mut().take(count) {
            constraint.status &= !constraint_status::DROPPED;
        }
    }
    order.dropped_count = dropped.count;
    let mut left = dropped.count;
    for (index, constraint) in order.constraints.iter_mut().enumerate() {
        if left == 0 {
            break;
        }
        if dropped.contains(index) {
            constraint.status |= constraint_status::DROPPED;
            left -= 1;
        }
    }
}

/// Gives each member the level that its shard's set states.
#[inline(never)]
fn set_levels(order: &mut Order, count: usize) {
    for constraint in order.constraints.iter().take(count).filter(|one| one.kind == constraint_kind::PRIORITY) {
        if let Some(member) = order.members.get_mut(usize::from(constraint.from)) {
            member.level = constraint.to;
        }
    }
}

/// Names the capabilities on a contradiction in the log.
#[cold]
#[inline(never)]
fn name(order: &Order, contradiction: Contradiction) -> Refusal {
    log_message(match contradiction.kind {
        ContradictionKind::Cycle => b"order: each of these must come before the next one, in a circle",
        ContradictionKind::NotConcurrent => b"order: these are asserted to be free of each other, and are not",
    });
    for (member, place) in order.members.iter().enumerate() {
        if contradiction.members >> member & 1 == 1 {
            log_key(&place.capability);
        }
    }
    refuse!(ContradictoryOrder)
}
