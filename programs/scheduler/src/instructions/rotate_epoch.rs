use crate::load;
use cores::order::epochs;
use cores::queue::Refusal;
use program_common::Call;
use shared_layouts::scheduler::Order;
use shared_layouts::scheduler::rotate_epoch::{Accounts, Data};

pub(crate) fn rotate_epoch(call: Call) -> Result<(), Refusal> {
    Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: the order is the only account.
    let order: &mut Order = unsafe { load::write_cold(accounts.order, call.program_id) }?;
    Ok(epochs::rotate(order)?)
}
