use crate::binding;
use crate::definition::{Definition, Own, OwnPrograms, check_shard_owner};
use pinocchio::AccountView;
use pinocchio::error::ProgramError;
use program_common::{Call, Outcome, accounts};
use shared_layouts::account::keys_equal;
use shared_layouts::processor::register_capability::Data;
use shared_layouts::processor::update_capability::{self, Accounts};
use shared_layouts::processor::{Capability, ProcessorConfig, ProcessorError};

// One definition, two instructions: the data of both is the same.
const _: () = assert!(Data::BYTES == update_capability::Data::BYTES);

#[inline(never)]
pub(crate) fn update_capability(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, tail) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let definition = Definition::parse(data, tail)?;

    let old = binding::load(accounts.capability, program_id)?.header;
    check_belongs(old, accounts.shard)?;
    check_shard_owner(accounts.shard, accounts.shard_owner)?;
    // SAFETY: config and capability are different kinds of account, and neither is held.
    let config: &ProcessorConfig = unsafe { accounts::read_unborrowed(accounts.config, program_id) }?;
    definition.check(config, &OwnPrograms { processor: program_id.as_array(), scheduler: &old.scheduler_program })?;
    let capability_version = old.capability_version.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;

    resize(accounts.capability, accounts.payer, definition.account_bytes())?;
    let address = *accounts.capability.address().as_array();
    let own =
        Own { capability: &address, config: accounts.config.address().as_array(), program: program_id.as_array() };
    let mut bytes = accounts.capability.try_borrow_mut()?;
    accounts::fresh::<Capability>(&mut bytes)?.capability_version = capability_version;
    definition.write(&mut bytes, &own)
}

/// The shard is the one that the capability names, an account of the scheduler that it names.
///
/// # Errors
/// `WrongShard`.
#[inline(never)]
pub(crate) fn check_belongs(capability: &Capability, shard: &AccountView) -> Outcome {
    let is_named = keys_equal(shard.address().as_array(), &capability.shard)
        && keys_equal(shard.owner().as_array(), &capability.scheduler_program);
    if is_named { Ok(()) } else { Err(ProcessorError::WrongShard.into()) }
}

/// Gives the account its new length, all zero behind the header, and the lamports that go with it: what is missing comes from the payer,
/// what is too much goes there. Both ways the payer is a system account, and so not the capability itself.
///
/// # Errors
/// As [`accounts::check_payer`], before anything is written.
#[inline(never)]
fn resize(capability: &mut AccountView, payer: &mut AccountView, bytes: usize) -> Outcome {
    let needed = accounts::rent_exempt_lamports(bytes)?;
    let held = capability.lamports();
    accounts::check_payer(payer, needed.saturating_sub(held))?;
    if held < needed {
        accounts::transfer(payer, capability, needed - held)?;
    } else {
        accounts::move_lamports(capability, payer, held - needed)?;
    }
    // SAFETY: the runtime reserves 10,240 bytes behind an account's data, and a capability never has 4,500; nobody holds the
    // data, and the length is stored where the runtime reads it.
    unsafe { (*capability.account_mut_ptr()).data_len = bytes as u64 };
    // SAFETY: nobody holds the data; its length is the new one from here on.
    let data = unsafe { capability.borrow_unchecked_mut() };
    if let Some(records) = data.get_mut(Capability::BYTES..) {
        records.fill(0);
    }
    Ok(())
}
