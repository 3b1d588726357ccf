use crate::Diff;
use pinocchio::ProgramResult;
use program_common::{Call, lifecycle};
use shared_layouts::diff::pause::{Accounts, Data};

#[inline(always)]
pub(crate) fn pause(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    lifecycle::pause::<Diff>(program_id, accounts.config, accounts.signer, accounts.clock)
}
