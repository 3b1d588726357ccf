use crate::Processor;
use pinocchio::error::ProgramError;
use program_common::lifecycle::{self, GuardianUpdate, set_field};
use program_common::{Call, Outcome, fault};
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::update_config::{Accounts, Data};
use shared_layouts::processor::{MAX_COMPUTE_UNITS, MAX_FUNCTIONS, ProcessorConfig, config_fields};

#[inline(never)]
pub(crate) fn update_config(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let fields = data.fields;
    if fields & !config_fields::ALL != 0 {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    let stored: &mut ProcessorConfig =
        // SAFETY: the authority is not an account of this program, so the config is held once.
        unsafe { lifecycle::config_of_authority::<Processor>(program_id, accounts.config, accounts.authority) }?;

    let mut updated = *stored;
    let guardian = GuardianUpdate {
        fields,
        guardian: data.guardian,
        guardian_pause_seconds: data.guardian_pause_seconds,
        guardian_cooldown_seconds: data.guardian_cooldown_seconds,
    };
    guardian.apply::<Processor>(&mut updated.lifecycle)?;
    let config = &mut updated;
    set_field(fields, config_fields::MAX_COMPUTE_UNITS, &mut config.max_compute_units, data.max_compute_units)?;
    set_field(
        fields,
        config_fields::MAX_VERIFICATION_FUNCTIONS,
        &mut config.max_verification_functions,
        data.max_verification_functions,
    )?;
    if !is_within_limits(config) {
        return Err(fault::<Processor>(Fault::InvalidConfig));
    }
    *stored = updated;
    Ok(())
}

/// Limits of the configurable values.
pub(super) fn is_within_limits(config: &ProcessorConfig) -> bool {
    (1..=MAX_COMPUTE_UNITS).contains(&config.max_compute_units)
        && (1..=MAX_FUNCTIONS).contains(&usize::from(config.max_verification_functions))
}
