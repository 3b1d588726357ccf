use crate::load;
use cores::queue::{NewEntry, Refusal};
use program_common::{Call, clock};
use shared_layouts::scheduler::enqueue::{Accounts, Data};

#[inline(always)]
pub(crate) fn enqueue(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (request, arguments) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    // SAFETY: no other account of this program is loaded here.
    let mut queue = unsafe { load::queue(accounts.queue, program_id) }?;
    let capability = load::capability(accounts.capability, queue.header)?;
    let new = NewEntry { request, capability_key: accounts.capability.address().as_array(), capability, arguments };
    queue.enqueue(accounts.producer.address().as_array(), &new, clock::now(accounts.clock)?)?;
    Ok(())
}
