use crate::binding;
use crate::quick;
use crate::verification::{Input, evaluate};
use pinocchio::cpi::set_return_data;
use pinocchio::error::ProgramError;
use pinocchio::sysvars::instructions::INSTRUCTIONS_ID;
use pinocchio::{AccountView, Address};
use program_common::accounts::is_owned_by;
use program_common::{Call, Outcome};
use shared_layouts::account::keys_equal;
use shared_layouts::processor::check::{Accounts, Data};
use shared_layouts::processor::{AccountRule, Capability, ProcessorError, account_kind};

/// Answers a call whose accounts are all fixed and whose functions all hold. `false`: nothing is said, and the call has to
/// be checked by [`check_each`].
#[inline(always)]
pub(crate) fn check(call: Call) -> bool {
    let Ok((data, arguments)) = Data::parse(call.data) else { return false };
    let Ok((accounts, more)) = Accounts::parse(call.accounts) else { return false };
    let Some(header) = binding::find_header(accounts.capability, call.program_id) else { return false };
    if data.flags != 0
        || !binding::is_call_of(header, data.capability_version, arguments)
        || !is_running(accounts.config, call.program_id)
        || !keys_equal(accounts.instructions.address().as_array(), INSTRUCTIONS_ID.as_array())
        || header.functions == 0
    {
        return false;
    }
    // What the functions read counts only if the accounts are the right ones. They come first because more of these looks end
    // with them.
    // SAFETY: the header was loaded above and has functions, and nothing is held mutably.
    if !unsafe { quick::all_hold(header, more, arguments) } || !unsafe { are_fixed(header, more) } {
        return false;
    }
    set_return_data(bytemuck::bytes_of(&quick::all_passed(header.functions)));
    true
}

/// Whether nobody paused the processor; a pause that ended by itself is no plain yes.
#[inline(always)]
fn is_running(config: &AccountView, program_id: &Address) -> bool {
    is_owned_by(config, program_id) && binding::is_running(config)
}

/// Whether the accounts are those of the capability's rules, all of them fixed. Nobody dispatches a `Check`, so nobody's
/// signature could reach a target.
///
/// # Safety
/// `header` was returned by [`binding::find_header`].
#[inline(always)]
unsafe fn are_fixed(header: &Capability, accounts: &[AccountView]) -> bool {
    let rules = usize::from(header.target_accounts) + usize::from(header.evidence_accounts);
    if accounts.len() != rules {
        return false;
    }
    // SAFETY: the account belongs to this program, which never changes the numbers of rules without its length; the rules
    // follow the header.
    let first = unsafe { core::ptr::from_ref(header).add(1) }.cast::<AccountRule>();
    // SAFETY: as above.
    let rules = unsafe { core::slice::from_raw_parts(first, rules) };
    rules
        .iter()
        .zip(accounts)
        .all(|(rule, account)| rule.kind == account_kind::FIXED && keys_equal(account.address().as_array(), &rule.key))
}

/// Checks a call account by account, and answers with what each function found.
#[inline(always)]
pub(crate) fn check_each(call: Call) -> Outcome {
    let (data, arguments) = Data::parse(call.data)?;
    if data.flags != 0 {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    let (accounts, more) = Accounts::parse(call.accounts)?;
    binding::siblings(accounts.instructions).ok_or(ProcessorError::WrongInstructionsSysvar)?;
    let input = Input {
        program_id: call.program_id,
        capability: accounts.capability,
        instructions: accounts.instructions,
        accounts: more,
        arguments,
        worker: None,
    };
    let loaded = input.check(accounts.config, data.capability_version)?;
    set_return_data(bytemuck::bytes_of(&evaluate(&input, &loaded, true)?));
    Ok(())
}
