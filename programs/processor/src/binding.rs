//! What ties an execution to what was committed to: the dispatch before it, its arguments, its accounts.

use crate::Processor;
use pinocchio::error::ProgramError;
use pinocchio::sysvars::instructions::IntrospectedInstruction;
use pinocchio::{AccountView, Address, ProgramResult};
use program_common::siblings::Siblings;
use program_common::{accounts, clock, fault};
use shared_layouts::account::{Key, keys_equal, total_bytes};
use shared_layouts::lifecycle::Fault;
use shared_layouts::processor::{
    AccountRule, Capability, Function, ProcessorConfig, ProcessorError, account_flags, account_kind, capability_flags,
};
use shared_layouts::scheduler::dispatch;

/// A capability's account, taken apart.
pub(crate) struct Loaded<'a> {
    pub header: &'a Capability,
    pub targets: &'a [AccountRule],
    pub evidence: &'a [AccountRule],
    pub functions: &'a [Function],
}

impl<'a> Loaded<'a> {
    /// Loads a capability of this program.
    #[inline(always)]
    pub(crate) fn load(account: &'a AccountView, program_id: &Address) -> Result<Self, ProgramError> {
        // SAFETY: `Verify` and `Execute` hold no account mutably.
        let header: &Capability = unsafe { accounts::read_unborrowed(account, program_id) }?;
        // SAFETY: as above.
        let bytes = unsafe { account.borrow_unchecked() };
        let invalid = ProgramError::InvalidAccountData;
        let tail = bytes.get(Capability::BYTES..).ok_or(invalid.clone())?;
        let targets_bytes = total_bytes(usize::from(header.target_accounts), AccountRule::BYTES);
        let evidence_bytes = total_bytes(usize::from(header.evidence_accounts), AccountRule::BYTES);
        let (targets, tail) = tail.split_at_checked(targets_bytes).ok_or(invalid.clone())?;
        let (evidence, functions) = tail.split_at_checked(evidence_bytes).ok_or(invalid.clone())?;
        Ok(Self {
            header,
            targets: bytemuck::try_cast_slice(targets).map_err(|_| invalid.clone())?,
            evidence: bytemuck::try_cast_slice(evidence).map_err(|_| invalid.clone())?,
            functions: bytemuck::try_cast_slice(functions).map_err(|_| invalid)?,
        })
    }

    /// Leading data of the target call.
    #[inline(always)]
    pub(crate) fn prefix(&self) -> &'a [u8] {
        let bytes = usize::from(self.header.prefix_bytes).min(self.header.prefix.len());
        &self.header.prefix[..bytes]
    }

    /// Checks what a call says of itself: the version it was made for and the length of its arguments.
    #[inline(always)]
    pub(crate) fn check_call(&self, capability_version: u32, arguments: &[u8]) -> ProgramResult {
        if capability_version != self.header.capability_version {
            return Err(ProcessorError::StaleCapability.into());
        }
        let least = usize::from(self.header.arguments_bytes_min);
        let most = usize::from(self.header.arguments_bytes_max);
        if arguments.len() < least || arguments.len() > most {
            return Err(ProcessorError::WrongArgumentsLength.into());
        }
        Ok(())
    }

    /// Splits the accounts that follow the fixed ones into target and evidence accounts.
    #[inline(always)]
    pub(crate) fn split_accounts<'b>(
        &self,
        more: &'b [AccountView],
    ) -> Result<(&'b [AccountView], &'b [AccountView]), ProgramError> {
        let expected = self.targets.len() + self.evidence.len();
        if more.len() < expected {
            return Err(ProgramError::NotEnoughAccountKeys);
        }
        if more.len() > expected {
            return Err(ProgramError::InvalidArgument);
        }
        Ok(more.split_at(self.targets.len()))
    }
}

/// Refuses while the processor is paused, and returns its config.
#[inline(always)]
pub(crate) fn running_config<'a>(
    account: &'a AccountView,
    program_id: &Address,
) -> Result<&'a ProcessorConfig, ProgramError> {
    // SAFETY: `Verify` and `Execute` hold no account mutably.
    let config: &ProcessorConfig = unsafe { accounts::read_unborrowed(account, program_id) }?;
    if config.lifecycle.is_paused(clock::now_by_syscall)? {
        return Err(fault::<Processor>(Fault::Paused));
    }
    Ok(config)
}

/// The dispatch before this instruction.
///
/// That dispatch succeeded, and it looked forward: it named this instruction's capability, version and arguments. So it is
/// enough here that it is a dispatch of the scheduler that the capability trusts.
///
/// # Errors
/// `NotDispatched`, unless the capability may be called directly.
#[inline(always)]
pub(crate) fn dispatch_before<'a>(
    siblings: &'a Siblings,
    capability: &Capability,
) -> Result<Option<IntrospectedInstruction<'a>>, ProgramError> {
    if let Some(previous) = siblings.previous() {
        let by_scheduler = keys_equal(previous.get_program_id().as_array(), &capability.scheduler_program)
            && previous.get_instruction_data().first() == Some(&dispatch::DISCRIMINATOR);
        if by_scheduler {
            return Ok(Some(previous));
        }
    }
    if capability.header.state & capability_flags::CALLABLE_DIRECTLY == 0 {
        return Err(ProcessorError::NotDispatched.into());
    }
    Ok(None)
}

/// Compares the following sibling with the capability's target call: program, data, number of accounts.
#[inline(always)]
pub(crate) fn check_target_call(call: &IntrospectedInstruction, loaded: &Loaded, arguments: &[u8]) -> ProgramResult {
    let prefix = loaded.prefix();
    let data = call.get_instruction_data();
    let matches = keys_equal(call.get_program_id().as_array(), &loaded.header.target_program)
        && call.num_account_metas() == loaded.targets.len()
        && data.len() == prefix.len() + arguments.len()
        && data[..prefix.len()] == *prefix
        && data[prefix.len()..] == *arguments;
    if matches { Ok(()) } else { Err(ProcessorError::WrongTargetCall.into()) }
}

/// Compares one account of the target sibling with the account that was verified and with the rule's flags.
///
/// The sysvar shows the flags of the whole message, so an account that another instruction writes is writable here, too:
/// writable is a lower bound. A signer is not: one more would hand the target a signature that nobody declared.
#[inline(always)]
pub(crate) fn check_target_account(
    call: &IntrospectedInstruction,
    index: usize,
    rule: &AccountRule,
    account: &AccountView,
) -> ProgramResult {
    let meta = call.get_instruction_account_at(index)?;
    let signer = rule.flags & account_flags::SIGNER != 0;
    let writable = rule.flags & account_flags::WRITABLE != 0;
    if !keys_equal(meta.key.as_array(), account.address().as_array())
        || meta.is_signer() != signer
        || (writable && !meta.is_writable())
    {
        return Err(ProcessorError::WrongTargetCall.into());
    }
    Ok(())
}

/// What accounts are compared with.
pub(crate) struct Binding<'a> {
    pub arguments: &'a [u8],
    pub capability: &'a Key,
    /// The dispatch before this instruction, if there is one.
    pub dispatch: Option<IntrospectedInstruction<'a>>,
    /// Target and evidence accounts together.
    pub all: &'a [AccountView],
}

impl Binding<'_> {
    /// Compares the account at `index` with its rule.
    #[inline(always)]
    pub(crate) fn check(&self, index: usize, rule: &AccountRule, account: &AccountView) -> ProgramResult {
        let key = account.address().as_array();
        if rule.kind != account_kind::FIXED {
            return self.check_free(index, rule, account);
        }
        if !keys_equal(key, &rule.key) {
            return Err(ProcessorError::WrongAccount.into());
        }
        if rule.flags & account_flags::SIGNER != 0 { self.check_is_not_worker(key) } else { Ok(()) }
    }

    /// Whoever runs an entry signs for the dispatch, and that signature must not reach the target.
    #[inline(never)]
    fn check_is_not_worker(&self, key: &Key) -> ProgramResult {
        let Some(dispatch) = &self.dispatch else { return Ok(()) };
        let worker = dispatch.get_instruction_account_at(dispatch::Position::worker as usize)?;
        if keys_equal(worker.key.as_array(), key) { Err(ProcessorError::WorkerIsNamed.into()) } else { Ok(()) }
    }

    #[inline(never)]
    fn check_free(&self, index: usize, rule: &AccountRule, account: &AccountView) -> ProgramResult {
        let key = account.address().as_array();
        match rule.kind {
            account_kind::CAPABILITY if keys_equal(key, self.capability) => Ok(()),
            account_kind::FROM_ARGUMENTS => {
                let offset = usize::from(rule.arguments_offset);
                match self.arguments.get(offset..offset + size_of::<Key>()) {
                    Some(named) if named == key => Ok(()),
                    _ => Err(ProcessorError::WrongAccount.into()),
                }
            }
            account_kind::WORKER_CHOSEN => {
                let differs = |(other_index, other): (usize, &AccountView)| {
                    other_index == index || !keys_equal(other.address().as_array(), key)
                };
                let is_free = !account.is_signer()
                    && !keys_equal(key, self.capability)
                    && self.all.iter().enumerate().all(differs);
                if is_free { Ok(()) } else { Err(ProcessorError::WrongChosenAccount.into()) }
            }
            _ => Err(ProcessorError::WrongAccount.into()),
        }
    }
}
