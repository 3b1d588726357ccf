use crate::Diff;
use crate::parts;
use crate::refusal::Outcome;
use pinocchio::error::ProgramError;
use program_common::accounts::NewAccount;
use program_common::{Call, accounts};
use shared_layouts::account::{AccountHeader, AccountLayout, NO_KEY};
use shared_layouts::diff::create_state::{Accounts, Data};
use shared_layouts::diff::{DiffConfig, DiffError, MAX_CREATE_STATE_BYTES, STATE_SEED, State};

#[inline(never)]
pub(crate) fn create_state(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let data_bytes = data.data_bytes as usize;

    let number = {
        // SAFETY: the state does not exist yet, so the config is held once.
        let config = unsafe { parts::running_config(accounts.config, program_id) }?;
        config.states_created
    };
    if data_bytes > MAX_CREATE_STATE_BYTES {
        return Err(DiffError::InvalidSize.into());
    }

    let bump = NewAccount {
        account: accounts.state,
        payer: accounts.payer,
        program: program_id,
        seeds: &[STATE_SEED, &number.to_le_bytes()],
        bytes: State::BYTES + data_bytes,
    }
    .create::<Diff>()?;
    // SAFETY: the state was just created and is not the config.
    let config: &mut DiffConfig = unsafe { accounts::write_unborrowed(accounts.config, program_id) }?;
    config.states_created = number.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    let mut bytes = accounts.state.try_borrow_mut()?;
    *accounts::fresh(&mut bytes)? = State {
        header: AccountHeader {
            discriminator: State::DISCRIMINATOR,
            version: State::VERSION,
            bump,
            ..bytemuck::Zeroable::zeroed()
        },
        owner: *accounts.owner.address().as_array(),
        lock_arena: NO_KEY,
        number,
        ..bytemuck::Zeroable::zeroed()
    };
    Ok(())
}
