use crate::Diff;
use crate::refusal::Outcome;
use program_common::{Call, lifecycle};
use shared_layouts::diff::nominate_authority::{Accounts, Data};

#[inline(never)]
pub(crate) fn nominate_authority(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    Ok(lifecycle::nominate_authority::<Diff>(program_id, accounts.config, accounts.authority, &data.nominee)?)
}
