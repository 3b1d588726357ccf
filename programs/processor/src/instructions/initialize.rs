use crate::Processor;
use crate::instructions::update_config::is_within_limits;
use program_common::lifecycle::{self, Powers};
use program_common::{Call, Outcome, accounts, fault};
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::ProcessorConfig;
use shared_layouts::processor::initialize::{Accounts, Data};

#[inline(never)]
pub(crate) fn initialize(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;

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
    let mut config: ProcessorConfig = bytemuck::Zeroable::zeroed();
    powers.write::<Processor>(&mut config.lifecycle)?;
    config.max_compute_units = data.max_compute_units;
    config.max_verification_functions = data.max_verification_functions;
    if !is_within_limits(&config) {
        return Err(fault::<Processor>(Fault::InvalidConfig));
    }

    config.lifecycle.header.bump = lifecycle::create_config::<Processor>(program_id, accounts.config, accounts.payer)?;
    let mut bytes = accounts.config.try_borrow_mut()?;
    *accounts::fresh(&mut bytes)? = config;
    Ok(())
}
