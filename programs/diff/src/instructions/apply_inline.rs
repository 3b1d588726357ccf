use crate::memory::Syscalls;
use crate::parts;
use crate::refusal::{Outcome, refuse};
use cores::diff::wire;
use program_common::{Call, accounts};
use shared_layouts::account::keys_equal;
use shared_layouts::diff::apply_inline::{Accounts, Data};
use shared_layouts::diff::{State, lock_state};

#[inline(never)]
pub(crate) fn apply_inline(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, operations) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    // SAFETY: config and state are different kinds of account, so neither is held twice.
    let config = unsafe { parts::running_config_inline(accounts.config, program_id) }?;
    // SAFETY: as above.
    let (header, state_data): (&mut State, _) = unsafe { accounts::split_unborrowed(accounts.state, program_id) }?;
    if !keys_equal(&header.owner, accounts.owner.address().as_array()) {
        return Err(refuse!(NotOwner));
    }
    if header.header.state != lock_state::UNLOCKED {
        return Err(refuse!(Locked));
    }
    if header.state_version != data.base_version {
        return Err(refuse!(StaleBase));
    }
    let count = wire::validate(operations, state_data.len())?;
    if count > usize::from(config.max_batch_size) {
        return Err(refuse!(BatchTooLarge));
    }

    wire::apply::<Syscalls>(operations, state_data)?;
    header.state_version = header.state_version.wrapping_add(1);
    Ok(())
}
