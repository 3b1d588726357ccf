use crate::refusal::Outcome;
use crate::{parts, rent};
use program_common::Call;
use shared_layouts::diff::close_state::{Accounts, Data};

#[inline(never)]
pub(crate) fn close_state(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: this instruction holds no other account's data.
    unsafe { parts::free_state(accounts.state, accounts.owner, program_id) }?;
    rent::close(accounts.state, accounts.receiver)
}
