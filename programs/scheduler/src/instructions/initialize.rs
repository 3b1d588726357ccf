use crate::Scheduler;
use crate::instructions::update_config::is_within_limits;
use pinocchio::{AccountView, Address};
use program_common::accounts::NewAccount;
use program_common::lifecycle::{self, Powers};
use program_common::{Call, Outcome, accounts, fault};
use shared_layouts::account::{AccountHeader, AccountLayout};
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::ProcessorConfig;
use shared_layouts::scheduler::initialize::{Accounts, Data};
use shared_layouts::scheduler::{REGISTRY_SEED, Registry, SchedulerConfig};

pub(crate) fn initialize(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;

    lifecycle::check_upgrade_authority::<Scheduler>(
        program_id,
        accounts.program,
        accounts.program_data,
        accounts.upgrade_authority,
    )?;
    // SAFETY: this instruction holds no account mutably before it creates its own.
    unsafe { lifecycle::read_dependency::<Scheduler, ProcessorConfig>(accounts.processor_config) }?;
    let powers = Powers {
        authority: data.authority,
        guardian: data.guardian,
        guardian_pause_seconds: data.guardian_pause_seconds,
        guardian_cooldown_seconds: data.guardian_cooldown_seconds,
    };
    let mut config = SchedulerConfig {
        processor_program: *accounts.processor_config.owner().as_array(),
        processor_config: *accounts.processor_config.address().as_array(),
        shard_deposit_lamports: data.shard_deposit_lamports,
        max_shards: data.max_shards,
        max_queue_size: data.max_queue_size,
        default_priority: data.default_priority,
        registration: data.registration,
        ..bytemuck::Zeroable::zeroed()
    };
    powers.write::<Scheduler>(&mut config.lifecycle)?;
    if !is_within_limits(&config) {
        return Err(fault::<Scheduler>(Fault::InvalidConfig));
    }

    // Two accounts are created: what speaks against the second one must be known before the first one exists.
    let registry_bump = new_registry(program_id, accounts.registry, accounts.payer).check::<Scheduler>()?;
    config.lifecycle.header.bump = lifecycle::create_config::<Scheduler>(program_id, accounts.config, accounts.payer)?;
    new_registry(program_id, accounts.registry, accounts.payer).create_checked(registry_bump)?;
    write_registry(accounts.registry, registry_bump)?;
    let mut bytes = accounts.config.try_borrow_mut()?;
    *accounts::fresh(&mut bytes)? = config;
    Ok(())
}

fn new_registry<'a>(program_id: &'a Address, registry: &'a mut AccountView, payer: &'a AccountView) -> NewAccount<'a> {
    NewAccount { account: registry, payer, program: program_id, seeds: &[REGISTRY_SEED], bytes: Registry::BYTES }
}

fn write_registry(registry: &mut AccountView, bump: u8) -> Outcome {
    let mut bytes = registry.try_borrow_mut()?;
    *accounts::fresh(&mut bytes)? = AccountHeader {
        discriminator: Registry::DISCRIMINATOR,
        version: Registry::VERSION,
        bump,
        ..bytemuck::Zeroable::zeroed()
    };
    Ok(())
}
