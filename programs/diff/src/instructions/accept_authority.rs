use crate::Diff;
use crate::refusal::Outcome;
use program_common::{Call, lifecycle};
use shared_layouts::diff::accept_authority::{Accounts, Data};

#[inline(never)]
pub(crate) fn accept_authority(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    Ok(lifecycle::accept_authority::<Diff>(program_id, accounts.config, accounts.nominee)?)
}
