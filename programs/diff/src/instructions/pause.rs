use crate::Diff;
use crate::refusal::Outcome;
use program_common::{Call, lifecycle};
use shared_layouts::diff::pause::{Accounts, Data};

#[inline(always)]
pub(crate) fn pause(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    Ok(lifecycle::pause::<Diff>(program_id, accounts.config, accounts.signer, accounts.clock)?)
}
