use crate::Diff;
use crate::instructions::update_config::is_within_limits;
use crate::refusal::Outcome;
use program_common::lifecycle::{self, Powers};
use program_common::{Call, accounts};
use shared_layouts::diff::DiffConfig;
use shared_layouts::diff::initialize::{Accounts, Data};
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::ProcessorConfig;
use shared_layouts::scheduler::SchedulerConfig;

#[inline(never)]
pub(crate) fn initialize(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;

    lifecycle::check_upgrade_authority::<Diff>(
        program_id,
        accounts.program,
        accounts.program_data,
        accounts.upgrade_authority,
    )?;
    // SAFETY: this instruction holds no account mutably before it creates its own.
    unsafe { lifecycle::read_dependency::<Diff, ProcessorConfig>(accounts.processor_config) }?;
    let scheduler_config: &SchedulerConfig =
        // SAFETY: as above.
        unsafe { lifecycle::read_dependency::<Diff, SchedulerConfig>(accounts.scheduler_config) }?;
    if scheduler_config.processor_config != *accounts.processor_config.address().as_array() {
        return Err(Fault::DependencyNotInitialized.into());
    }
    let powers = Powers {
        authority: data.authority,
        guardian: data.guardian,
        guardian_pause_seconds: data.guardian_pause_seconds,
        guardian_cooldown_seconds: data.guardian_cooldown_seconds,
    };
    let mut config = DiffConfig {
        processor_program: *accounts.processor_config.owner().as_array(),
        scheduler_program: *accounts.scheduler_config.owner().as_array(),
        max_batch_size: data.max_batch_size,
        optimization_level: data.optimization_level,
        ..bytemuck::Zeroable::zeroed()
    };
    powers.write::<Diff>(&mut config.lifecycle)?;
    if !is_within_limits(&config) {
        return Err(Fault::InvalidConfig.into());
    }

    config.lifecycle.header.bump = lifecycle::create_config::<Diff>(program_id, accounts.config, accounts.payer)?;
    let mut bytes = accounts.config.try_borrow_mut()?;
    *accounts::fresh(&mut bytes)? = config;
    Ok(())
}
