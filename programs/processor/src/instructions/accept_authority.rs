use crate::Processor;
use program_common::{Call, Outcome, lifecycle};
use shared_layouts::processor::accept_authority::{Accounts, Data};

#[inline(never)]
pub(crate) fn accept_authority(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    lifecycle::accept_authority::<Processor>(program_id, accounts.config, accounts.nominee)
}
