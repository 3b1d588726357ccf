use crate::Diff;
use crate::refusal::Outcome;
use program_common::{Call, lifecycle};
use shared_layouts::diff::resume::{Accounts, Data};

#[inline(always)]
pub(crate) fn resume(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    Ok(lifecycle::resume::<Diff>(program_id, accounts.config, accounts.authority, accounts.clock)?)
}
