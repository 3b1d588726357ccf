use crate::Processor;
use pinocchio::ProgramResult;
use program_common::lifecycle::{self, Powers};
use program_common::{Call, accounts, fault};
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::initialize::{Accounts, Data};
use shared_layouts::processor::{MAX_COMPUTE_UNITS, MAX_FUNCTIONS, ProcessorConfig};

#[inline(never)]
pub(crate) fn initialize(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;

    lifecycle::check_upgrade_authority::<Processor>(
        program_id,
        accounts.program,
        accounts.program_data,
        accounts.upgrade_authority,
    )?;
    let powers = Powers {
        authority: data.authority,
        guardian: data.guardian,
        guardian_pause_seconds: data.guardian_pause_seconds,
        guardian_cooldown_seconds: data.guardian_cooldown_seconds,
    };
    powers.check::<Processor>()?;
    if !is_within_limits(data.max_compute_units, data.max_verification_functions) {
        return Err(fault::<Processor>(Fault::InvalidConfig));
    }

    let bump = lifecycle::create_config::<Processor>(program_id, accounts.config, accounts.payer)?;
    let mut bytes = accounts.config.try_borrow_mut()?;
    *accounts::fresh(&mut bytes)? = ProcessorConfig {
        lifecycle: powers.lifecycle::<ProcessorConfig>(bump),
        max_compute_units: data.max_compute_units,
        max_verification_functions: data.max_verification_functions,
        ..bytemuck::Zeroable::zeroed()
    };
    Ok(())
}

/// Limits of the configurable values.
fn is_within_limits(max_compute_units: u32, max_verification_functions: u16) -> bool {
    (1..=MAX_COMPUTE_UNITS).contains(&max_compute_units)
        && (1..=MAX_FUNCTIONS).contains(&usize::from(max_verification_functions))
}
