use crate::Scheduler;
use program_common::{Call, Outcome, lifecycle};
use shared_layouts::scheduler::accept_authority::{Accounts, Data};

pub(crate) fn accept_authority(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    lifecycle::accept_authority::<Scheduler>(program_id, accounts.config, accounts.nominee)
}
