use crate::refusal::Outcome;
use crate::{parts, rent, resize};
use pinocchio::error::ProgramError;
use program_common::Call;
use program_common::accounts::{move_lamports, rent_exempt_lamports};
use shared_layouts::diff::resize_state::{Accounts, Data};
use shared_layouts::diff::{DiffError, MAX_GROWTH_BYTES, MAX_STATE_BYTES, State};

#[inline(never)]
pub(crate) fn resize_state(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let data_bytes = data.data_bytes as usize;
    {
        // SAFETY: config and state are different kinds of account, so neither is held twice.
        unsafe { parts::running_config(accounts.config, program_id) }?;
        // SAFETY: as above.
        let (header, old) = unsafe { parts::free_state(accounts.state, accounts.owner, program_id) }?;
        if data_bytes > MAX_STATE_BYTES || data_bytes > old.len().wrapping_add(MAX_GROWTH_BYTES) {
            return Err(DiffError::InvalidSize.into());
        }
        if header.state_version == u64::MAX {
            return Err(ProgramError::ArithmeticOverflow.into());
        }
    }

    let bytes = State::BYTES + data_bytes;
    rent::top_up(accounts.payer, accounts.state, bytes)?;
    {
        // SAFETY: the call above is over, and nothing of the state is held.
        let (header, _) = unsafe { parts::state_mut(accounts.state, program_id) }?;
        header.state_version = header.state_version.wrapping_add(1);
    }
    let shrinks = bytes < accounts.state.data_len();
    // SAFETY: the state was let go above, and nothing resized it in this instruction.
    unsafe { resize::set_data_bytes(accounts.state, bytes) }?;
    if shrinks {
        let surplus = accounts.state.lamports().saturating_sub(rent_exempt_lamports(bytes)?);
        move_lamports(accounts.state, accounts.payer, surplus)?;
    }
    Ok(())
}
