use crate::Scheduler;
use pinocchio::error::ProgramError;
use pinocchio_system::instructions::Transfer;
use program_common::accounts::NewAccount;
use program_common::{Call, Outcome, accounts};
use shared_layouts::account::{AccountHeader, AccountLayout, Key, NO_KEY};
use shared_layouts::scheduler::register_shard::{Accounts, Data};
use shared_layouts::scheduler::{
    Registry, RegistryEntry, SHARD_SEED, SchedulerConfig, SchedulerError, Shard, registration,
};

#[inline(never)]
pub(crate) fn register_shard(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;

    let (number, deposit_lamports) = {
        // SAFETY: registry and config are different kinds of account, and neither is held elsewhere.
        let config: &SchedulerConfig = unsafe { accounts::read_unborrowed(accounts.config, program_id) }?;
        let deposit_lamports = deposit(config, accounts.registrar.address().as_array(), &data.owner)?;
        if config.shards_active >= config.max_shards {
            return Err(SchedulerError::TooManyShards.into());
        }
        (config.shards_created, deposit_lamports)
    };
    let registry_index = {
        // SAFETY: as above.
        let registry: &Registry = unsafe { accounts::read_unborrowed(accounts.registry, program_id) }?;
        free_place(registry)?
    };

    let bump = NewAccount {
        account: accounts.shard,
        payer: accounts.payer,
        program: program_id,
        seeds: &[SHARD_SEED, &number.to_le_bytes()],
        bytes: Shard::BYTES,
    }
    .create::<Scheduler>()?;
    if deposit_lamports > 0 {
        Transfer { from: accounts.payer, to: accounts.shard, lamports: deposit_lamports }.invoke()?;
    }

    // SAFETY: as above; the shard was just created and is neither of them.
    let config: &mut SchedulerConfig = unsafe { accounts::write_unborrowed(accounts.config, program_id) }?;
    config.shards_created = number.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    config.shards_active += 1;
    // SAFETY: as above.
    let registry: &mut Registry = unsafe { accounts::write_unborrowed(accounts.registry, program_id) }?;
    registry.shards_active += 1;
    registry.shards[usize::from(registry_index)] =
        RegistryEntry { shard_number: number, taken: 1, ..bytemuck::Zeroable::zeroed() };
    let mut bytes = accounts.shard.try_borrow_mut()?;
    *accounts::fresh(&mut bytes)? = Shard {
        header: AccountHeader {
            discriminator: Shard::DISCRIMINATOR,
            version: Shard::VERSION,
            bump,
            ..bytemuck::Zeroable::zeroed()
        },
        owner: data.owner,
        number,
        deposit_lamports,
        registry_index,
        ..bytemuck::Zeroable::zeroed()
    };
    Ok(())
}

/// What the registration costs, lamports: nothing if the scheduler's authority signs, the deposit where registration is
/// open and the owner signs.
fn deposit(config: &SchedulerConfig, registrar: &Key, owner: &Key) -> Outcome<u64> {
    if *owner == NO_KEY {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    if *registrar == config.lifecycle.authority {
        return Ok(0);
    }
    if config.registration != registration::OPEN {
        return Err(SchedulerError::RegistrationClosed.into());
    }
    if registrar == owner {
        Ok(config.shard_deposit_lamports)
    } else {
        Err(ProgramError::MissingRequiredSignature.into())
    }
}

fn free_place(registry: &Registry) -> Outcome<u16> {
    let place = registry.shards.iter().position(|entry| entry.taken == 0).ok_or(SchedulerError::TooManyShards)?;
    u16::try_from(place).map_err(|_| ProgramError::ArithmeticOverflow.into())
}
