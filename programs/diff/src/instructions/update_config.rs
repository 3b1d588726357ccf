use crate::Diff;
use crate::refusal::Outcome;
use pinocchio::error::ProgramError;
use program_common::Call;
use program_common::lifecycle::{self, GuardianUpdate, set_field};
use shared_layouts::diff::update_config::{Accounts, Data};
use shared_layouts::diff::{DiffConfig, config_fields, optimization_level};
use shared_layouts::lifecycle::Fault;

#[inline(never)]
pub(crate) fn update_config(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let fields = data.fields;
    if fields & !config_fields::ALL != 0 {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    let stored: &mut DiffConfig =
        // SAFETY: the authority is not an account of this program, so the config is held once.
        unsafe { lifecycle::config_of_authority::<Diff>(program_id, accounts.config, accounts.authority) }?;

    let mut updated = *stored;
    let guardian = GuardianUpdate {
        fields,
        guardian: data.guardian,
        guardian_pause_seconds: data.guardian_pause_seconds,
        guardian_cooldown_seconds: data.guardian_cooldown_seconds,
    };
    guardian.apply::<Diff>(&mut updated.lifecycle)?;
    let config = &mut updated;
    set_field(fields, config_fields::MAX_BATCH_SIZE, &mut config.max_batch_size, data.max_batch_size)?;
    set_field(fields, config_fields::OPTIMIZATION_LEVEL, &mut config.optimization_level, data.optimization_level)?;
    if !is_within_limits(config) {
        return Err(Fault::InvalidConfig.into());
    }
    *stored = updated;
    Ok(())
}

/// Limits of the configurable values.
pub(super) fn is_within_limits(config: &DiffConfig) -> bool {
    config.max_batch_size > 0 && config.optimization_level <= optimization_level::AGGRESSIVE
}
