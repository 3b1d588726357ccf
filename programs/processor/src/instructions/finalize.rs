use crate::Processor;
use pinocchio::ProgramResult;
use program_common::{Call, migration};
use shared_layouts::processor::finalize::{Accounts, Data};

#[inline(never)]
pub(crate) fn finalize(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (Data {}, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold(call.accounts)?;
    migration::finalize::<Processor>(program_id, accounts.config, accounts.authority)
}
