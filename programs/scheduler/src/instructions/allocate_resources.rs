use crate::load;
use cores::queue::Refusal;
use cores::refuse;
use cores::resources::{MAX_WEIGHT, allocate};
use pinocchio::error::ProgramError;
use program_common::Call;
use shared_layouts::account::keys_equal;
use shared_layouts::scheduler::allocate_resources::{Accounts, Data};
use shared_layouts::scheduler::{MAX_SHARDS, Registry, SchedulerConfig, WeightRecord};

pub(crate) fn allocate_resources(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (Data {}, tail) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: config and registry are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read_cold(accounts.config, program_id) }?;
    // SAFETY: as above.
    let registry: &mut Registry = unsafe { load::write_cold(accounts.registry, program_id) }?;
    if !keys_equal(&config.lifecycle.authority, accounts.authority.address().as_array()) {
        return Err(refuse!(fault: NotAuthority));
    }
    let now = load::now_outlined(accounts.clock)?;
    if !tail.len().is_multiple_of(WeightRecord::BYTES) {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    if !records(tail).all(|record| is_sound(registry, &record)) {
        return Err(refuse!(InvalidAllocation));
    }

    for record in records(tail) {
        if let Some(place) = registry.shards.get_mut(usize::from(record.registry_index)) {
            place.weight = record.weight;
        }
    }
    registry.allocated_at = now;
    divide(registry, config.window_compute_units)
}

fn records(tail: &[u8]) -> impl Iterator<Item = WeightRecord> + '_ {
    tail.chunks_exact(WeightRecord::BYTES).map(bytemuck::pod_read_unaligned)
}

/// Whether the record names a registered shard, and a weight within its limit.
fn is_sound(registry: &Registry, record: &WeightRecord) -> bool {
    let place = registry.shards.get(usize::from(record.registry_index));
    record.weight <= MAX_WEIGHT
        && record.reserved == [0; 2]
        && place.is_some_and(|place| place.taken == 1 && place.shard_number == record.shard_number)
}

/// Writes every shard's share. A place without a shard has no weight.
#[inline(never)]
fn divide(registry: &mut Registry, budget: u64) -> Result<(), Refusal> {
    let mut weights = [0u32; MAX_SHARDS];
    let mut places = 0;
    for (number, (weight, place)) in (1..).zip(weights.iter_mut().zip(&registry.shards)) {
        if place.taken == 1 {
            *weight = place.weight;
            places = number;
        }
    }
    let weights = weights.get(..places).unwrap_or(&[]);
    let shares = &mut registry.shards;
    let sum = allocate(budget, weights.iter().copied(), |place, share| {
        if let Some(place) = shares.get_mut(place) {
            place.share_compute_units = share;
        }
    });
    // Never: the budget is within its limit as the config is, and so is every weight.
    registry.allocated_compute_units = sum.ok_or_else(|| refuse!(InvalidAllocation))?;
    Ok(())
}
