use crate::Diff;
use crate::refusal::Outcome;
use program_common::{Call, migration};
use shared_layouts::diff::finalize::{Accounts, Data};

#[inline(never)]
pub(crate) fn finalize(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    Ok(migration::finalize::<Diff>(program_id, accounts.config, accounts.authority)?)
}
