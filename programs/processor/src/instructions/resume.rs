use crate::Processor;
use program_common::{Call, Outcome, lifecycle};
use shared_layouts::processor::resume::{Accounts, Data};

#[inline(always)]
pub(crate) fn resume(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    lifecycle::resume::<Processor>(program_id, accounts.config, accounts.authority, accounts.clock)
}
