use crate::load;
use cores::queue::Refusal;
use cores::refuse;
use program_common::Call;
use shared_layouts::account::keys_equal;
use shared_layouts::scheduler::SchedulerConfig;
use shared_layouts::scheduler::set_direct::{Accounts, Data};

pub(crate) fn set_direct(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: the config is the only account of this program here.
    let config: &mut SchedulerConfig = unsafe { load::write_cold(accounts.config, program_id) }?;
    if !keys_equal(&config.lifecycle.authority, accounts.authority.address().as_array()) {
        return Err(refuse!(fault: NotAuthority));
    }
    config.direct_until = data.direct_until;
    Ok(())
}
