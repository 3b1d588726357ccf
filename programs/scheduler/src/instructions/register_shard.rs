use crate::{Scheduler, load};
use cores::queue::Refusal;
use cores::refuse;
use pinocchio::error::ProgramError;
use program_common::accounts::NewAccount;
use program_common::{Call, accounts};
use shared_layouts::account::{AccountHeader, AccountLayout, Key, NO_KEY, keys_equal};
use shared_layouts::scheduler::register_shard::{Accounts, Data};
use shared_layouts::scheduler::{Registry, RegistryEntry, SHARD_SEED, SchedulerConfig, Shard, registration};

pub(crate) fn register_shard(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;

    let (number, deposit_lamports) = {
        // SAFETY: registry and config are different kinds of account, and neither is held elsewhere.
        let config: &SchedulerConfig = unsafe { load::read_cold(accounts.config, program_id) }?;
        let deposit_lamports = deposit(config, accounts.registrar.address().as_array(), &data.owner)?;
        if config.shards_active >= config.max_shards {
            return Err(refuse!(TooManyShards));
        }
        (config.shards_created, deposit_lamports)
    };
    let registry_index = {
        // SAFETY: as above.
        let registry: &Registry = unsafe { load::read_cold(accounts.registry, program_id) }?;
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
        accounts::transfer(accounts.payer, accounts.shard, deposit_lamports)?;
    }

    // SAFETY: as above; the shard was just created and is neither of them.
    let config: &mut SchedulerConfig = unsafe { load::write_cold(accounts.config, program_id) }?;
    config.shards_created = number.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    // Below `max_shards`, as was checked.
    config.shards_active = config.shards_active.wrapping_add(1);
    // SAFETY: as above.
    let registry: &mut Registry = unsafe { load::write_cold(accounts.registry, program_id) }?;
    registry.shards_active = registry.shards_active.wrapping_add(1);
    if let Some(place) = registry.shards.get_mut(usize::from(registry_index)) {
        *place = RegistryEntry { shard_number: number, taken: 1, ..bytemuck::Zeroable::zeroed() };
    }
    let mut bytes = accounts.shard.try_borrow_mut().map_err(Refusal::passed_on)?;
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
fn deposit(config: &SchedulerConfig, registrar: &Key, owner: &Key) -> Result<u64, Refusal> {
    if keys_equal(owner, &NO_KEY) {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    if keys_equal(registrar, &config.lifecycle.authority) {
        return Ok(0);
    }
    if config.registration != registration::OPEN {
        return Err(refuse!(RegistrationClosed));
    }
    if keys_equal(registrar, owner) {
        Ok(config.shard_deposit_lamports)
    } else {
        Err(ProgramError::MissingRequiredSignature.into())
    }
}

fn free_place(registry: &Registry) -> Result<u16, Refusal> {
    let place = (0..).zip(&registry.shards).find(|(_, entry)| entry.taken == 0);
    place.map(|(index, _)| index).ok_or_else(|| refuse!(TooManyShards))
}
