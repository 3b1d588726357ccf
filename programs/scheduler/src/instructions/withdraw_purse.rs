use crate::load;
use cores::queue::Refusal;
use cores::refuse;
use pinocchio::error::ProgramError;
use program_common::Call;
use program_common::accounts::move_lamports;
use shared_layouts::scheduler::withdraw_purse::{Accounts, Data};

pub(crate) fn withdraw_purse(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    if accounts.queue.address() == accounts.recipient.address() {
        return Err(ProgramError::InvalidArgument.into());
    }
    let purse_lamports = load::purse(accounts.queue)?;
    let free_lamports = {
        // SAFETY: shard and queue are different kinds of account, so none is held twice.
        let queue = unsafe { load::any_owned_queue(accounts.shard, accounts.owner, accounts.queue, program_id) }?;
        purse_lamports.saturating_sub(queue.header.reserved_tip_lamports)
    };
    if data.lamports > free_lamports {
        return Err(refuse!(PurseTooLow));
    }
    move_lamports(accounts.queue, accounts.recipient, data.lamports).map_err(Refusal::passed_on)
}
