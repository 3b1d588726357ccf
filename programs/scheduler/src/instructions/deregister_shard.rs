use crate::close::close;
use crate::load;
use cores::queue::Refusal;
use cores::refuse;
use pinocchio::error::ProgramError;
use program_common::Call;
use shared_layouts::account::keys_equal;
use shared_layouts::scheduler::deregister_shard::{Accounts, Data};
use shared_layouts::scheduler::{Registry, RegistryEntry, SchedulerConfig, Shard};

pub(crate) fn deregister_shard(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let (number, place) = {
        // SAFETY: config, registry and shard are different kinds of account, so none is held twice.
        let shard: &Shard = unsafe { load::read_cold(accounts.shard, program_id) }?;
        if !keys_equal(&shard.owner, accounts.owner.address().as_array()) {
            return Err(refuse!(NotShardOwner));
        }
        if shard.queues_active != 0 || shard.orders_active != 0 {
            return Err(refuse!(ShardNotEmpty));
        }
        (shard.number, usize::from(shard.registry_index))
    };
    // SAFETY: as above.
    let config: &mut SchedulerConfig = unsafe { load::write_cold(accounts.config, program_id) }?;
    // SAFETY: as above.
    let registry: &mut Registry = unsafe { load::write_cold(accounts.registry, program_id) }?;
    let taken = registry.shards.get_mut(place).filter(|entry| entry.taken == 1 && entry.shard_number == number);
    let entry = taken.ok_or(ProgramError::InvalidAccountData)?;
    close(accounts.shard, accounts.owner)?;
    registry.allocated_compute_units = registry.allocated_compute_units.saturating_sub(entry.share_compute_units);
    *entry = RegistryEntry { taken: 0, ..bytemuck::Zeroable::zeroed() };
    registry.shards_active = registry.shards_active.saturating_sub(1);
    config.shards_active = config.shards_active.saturating_sub(1);
    Ok(())
}
