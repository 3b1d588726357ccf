use crate::Scheduler;
use cores::resources::MAX_BUDGET;
use pinocchio::error::ProgramError;
use program_common::lifecycle::{self, GuardianUpdate, set_field};
use program_common::{Call, Outcome, fault};
use shared_layouts::lifecycle::Fault;
use shared_layouts::scheduler::update_config::{Accounts, Data};
use shared_layouts::scheduler::{LEVELS, MAX_SHARDS, MAX_SLOTS, SchedulerConfig, config_fields, registration};

pub(crate) fn update_config(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let fields = data.fields;
    if fields & !config_fields::ALL != 0 {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    let stored: &mut SchedulerConfig =
        // SAFETY: the authority is not an account of this program, so the config is held once.
        unsafe { lifecycle::config_of_authority::<Scheduler>(program_id, accounts.config, accounts.authority) }?;

    let mut updated = *stored;
    let guardian = GuardianUpdate {
        fields,
        guardian: data.guardian,
        guardian_pause_seconds: data.guardian_pause_seconds,
        guardian_cooldown_seconds: data.guardian_cooldown_seconds,
    };
    guardian.apply::<Scheduler>(&mut updated.lifecycle)?;
    let config = &mut updated;
    set_field(
        fields,
        config_fields::SHARD_DEPOSIT_LAMPORTS,
        &mut config.shard_deposit_lamports,
        data.shard_deposit_lamports,
    )?;
    set_field(
        fields,
        config_fields::WINDOW_COMPUTE_UNITS,
        &mut config.window_compute_units,
        data.window_compute_units,
    )?;
    set_field(fields, config_fields::WINDOW_SECONDS, &mut config.window_seconds, data.window_seconds)?;
    set_field(fields, config_fields::MAX_SHARDS, &mut config.max_shards, data.max_shards)?;
    set_field(fields, config_fields::MAX_QUEUE_SIZE, &mut config.max_queue_size, data.max_queue_size)?;
    set_field(fields, config_fields::DEFAULT_PRIORITY, &mut config.default_priority, data.default_priority)?;
    set_field(fields, config_fields::REGISTRATION, &mut config.registration, data.registration)?;
    if !is_within_limits(config) {
        return Err(fault::<Scheduler>(Fault::InvalidConfig));
    }
    *stored = updated;
    Ok(())
}

/// Limits of the configurable values.
pub(super) fn is_within_limits(config: &SchedulerConfig) -> bool {
    (1..=MAX_SHARDS).contains(&usize::from(config.max_shards))
        && (1..=MAX_SLOTS).contains(&usize::from(config.max_queue_size))
        && usize::from(config.default_priority) < LEVELS
        && config.window_compute_units <= MAX_BUDGET
        && (config.window_compute_units == 0 || config.window_seconds > 0)
        && matches!(config.registration, registration::CLOSED | registration::OPEN)
}
