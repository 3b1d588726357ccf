use crate::Scheduler;
use program_common::{Call, Outcome, migration};
use shared_layouts::scheduler::finalize::{Accounts, Data};

pub(crate) fn finalize(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    migration::finalize::<Scheduler>(program_id, accounts.config, accounts.authority)
}
