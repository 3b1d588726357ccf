use crate::Processor;
use crate::definition::{Definition, Own, OwnPrograms, check_shard_owner};
use pinocchio::error::ProgramError;
use program_common::accounts::NewAccount;
use program_common::{Call, Outcome, accounts};
use shared_layouts::account::AccountLayout;
use shared_layouts::processor::register_capability::{Accounts, Data};
use shared_layouts::processor::{CAPABILITY_SEED, Capability, ProcessorConfig};

#[inline(never)]
pub(crate) fn register_capability(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, tail) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let definition = Definition::parse(data, tail)?;

    let scheduler_program = accounts.shard.owner();
    check_shard_owner(accounts.shard, accounts.shard_owner)?;
    let own = OwnPrograms { processor: program_id.as_array(), scheduler: scheduler_program.as_array() };
    let number = {
        // SAFETY: the capability account does not exist yet, so the config is held once.
        let config: &ProcessorConfig = unsafe { accounts::read_unborrowed(accounts.config, program_id) }?;
        definition.check(config, &own)?;
        config.capabilities_created
    };

    let seed = number.to_le_bytes();
    let bump = NewAccount {
        account: accounts.capability,
        payer: accounts.payer,
        program: program_id,
        seeds: &[CAPABILITY_SEED, &seed],
        bytes: definition.account_bytes(),
    }
    .create::<Processor>()?;
    // SAFETY: the capability was just created and is not the config.
    let config: &mut ProcessorConfig = unsafe { accounts::write_unborrowed(accounts.config, program_id) }?;
    config.capabilities_created = number.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    config.capabilities_active = config.capabilities_active.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;

    let address = *accounts.capability.address().as_array();
    let own =
        Own { capability: &address, config: accounts.config.address().as_array(), program: program_id.as_array() };
    let mut bytes = accounts.capability.try_borrow_mut()?;
    let header: &mut Capability = accounts::fresh(&mut bytes)?;
    header.header.discriminator = Capability::DISCRIMINATOR;
    header.header.version = Capability::VERSION;
    header.header.bump = bump;
    header.scheduler_program = *scheduler_program.as_array();
    header.shard = *accounts.shard.address().as_array();
    header.number = number;
    header.capability_version = 1;
    definition.write(&mut bytes, &own)
}
