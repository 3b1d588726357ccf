use crate::Scheduler;
use program_common::{Call, Outcome, lifecycle};
use shared_layouts::scheduler::nominate_authority::{Accounts, Data};

pub(crate) fn nominate_authority(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    lifecycle::nominate_authority::<Scheduler>(program_id, accounts.config, accounts.authority, &data.nominee)
}
