use super::update_capability::check_belongs;
use crate::binding;
use crate::definition::check_shard_owner;
use pinocchio::error::ProgramError;
use program_common::{Call, Outcome, accounts};
use shared_layouts::processor::ProcessorConfig;
use shared_layouts::processor::close_capability::{Accounts, Data};

#[inline(never)]
pub(crate) fn close_capability(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;

    let header = binding::load(accounts.capability, program_id)?.header;
    check_belongs(header, accounts.shard)?;
    check_shard_owner(accounts.shard, accounts.shard_owner)?;
    // Lamports that went to the capability itself or to the config would be lost or revive it.
    if accounts.recipient.address() == accounts.capability.address()
        || accounts.recipient.address() == accounts.config.address()
    {
        return Err(ProgramError::InvalidArgument.into());
    }
    // SAFETY: config and capability are different kinds of account, and neither is held.
    let config: &mut ProcessorConfig = unsafe { accounts::write_unborrowed(accounts.config, program_id) }?;
    config.capabilities_active = config.capabilities_active.checked_sub(1).ok_or(ProgramError::ArithmeticOverflow)?;

    let lamports = accounts.capability.lamports();
    accounts::move_lamports(accounts.capability, accounts.recipient, lamports)?;
    accounts.capability.try_borrow_mut()?.fill(0);
    accounts.capability.close()?;
    Ok(())
}
