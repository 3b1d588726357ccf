use crate::Processor;
use program_common::{Call, Outcome, migration};
use shared_layouts::processor::finalize::{Accounts, Data};

#[inline(never)]
pub(crate) fn finalize(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    migration::finalize::<Processor>(program_id, accounts.config, accounts.authority)
}
