//! What ties an execution to what was committed to: the dispatch before it, its arguments, its accounts.

use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::Outcome;
use program_common::siblings::{Sibling, SiblingAccount, Siblings, sibling_flags};
use program_common::{accounts, clock};
use shared_layouts::account::{Key, keys_equal};
use shared_layouts::declare::Denial;
use shared_layouts::lifecycle::{Fault, pause_state};
use shared_layouts::processor::{
    AccountRule, Capability, Function, ProcessorConfig, ProcessorError, account_flags, account_kind, capability_flags,
    usual_call_bytes, verify,
};
use shared_layouts::scheduler::dispatch;

/// Loads a capability's header: owner, kind, version, and the length that its own counts give.
#[inline(always)]
pub(crate) fn load_header<'a>(account: &'a AccountView, program_id: &Address) -> Outcome<&'a Capability> {
    // SAFETY: the handlers that load a capability hold no account mutably.
    let header: &Capability = unsafe { accounts::read_unborrowed(account, program_id) }?;
    if account.data_len() == usize::from(header.account_bytes) {
        Ok(header)
    } else {
        Err(ProgramError::InvalidAccountData.into())
    }
}

/// [`load_header`] without an error, for a look that says yes or nothing.
#[inline(always)]
pub(crate) fn find_header<'a>(account: &'a AccountView, program_id: &Address) -> Option<&'a Capability> {
    if !accounts::is_owned_by(account, program_id) {
        return None;
    }
    // SAFETY: as in `load_header`.
    let header: &Capability = unsafe { accounts::fixed_part(account) }?;
    (account.data_len() == usize::from(header.account_bytes)).then_some(header)
}

/// Checks what a call says of itself: the version it was made for and the length of its arguments.
#[inline(always)]
pub(crate) fn check_call(header: &Capability, capability_version: u32, arguments: &[u8]) -> Outcome {
    if capability_version != header.capability_version {
        return Err(ProcessorError::StaleCapability.into());
    }
    let least = usize::from(header.arguments_bytes_min);
    let most = usize::from(header.arguments_bytes_max);
    if arguments.len() < least || arguments.len() > most {
        return Err(ProcessorError::WrongArgumentsLength.into());
    }
    Ok(())
}

/// [`check_call`], as yes or no.
#[inline(always)]
pub(crate) fn is_call_of(header: &Capability, capability_version: u32, arguments: &[u8]) -> bool {
    capability_version == header.capability_version
        && arguments.len() >= usize::from(header.arguments_bytes_min)
        && arguments.len() <= usize::from(header.arguments_bytes_max)
}

/// Whether the siblings are those of a usual `Verify`: the current instruction's accounts and program are the ones recorded, a
/// dispatch stands before it, unless the capability may be called directly, and the target call behind it.
///
/// The sysvar shows the accounts of an instruction in the order in which the runtime passes them, so what it shows of the
/// current one is true of the accounts passed. The usual call ends with this program's address, which proves the top level.
///
/// A function of its own, whose result fits a register: `account` is the one that `header` was loaded from.
#[inline(never)]
pub(crate) fn is_usual(header: &Capability, account: &AccountView, sysvar: &AccountView, arguments: &[u8]) -> bool {
    let Some(siblings) = Siblings::load(sysvar) else {
        return false;
    };
    let current = siblings.current();
    let rules = usize::from(header.target_accounts) + usize::from(header.evidence_accounts);
    if current.accounts.len() != verify::Accounts::<()>::COUNT + rules {
        return false;
    }
    let bytes = usual_call_bytes(rules);
    // SAFETY: the program's key follows the accounts, and the number of accounts was just compared.
    let called = unsafe { core::slice::from_raw_parts(current.accounts.as_ptr().cast::<u8>(), bytes) };
    let start = usize::from(header.account_bytes).wrapping_sub(bytes);
    // SAFETY: the usual call ends the account, whose length `load_header` compared.
    let capability = unsafe { account.borrow_unchecked() };
    // SAFETY: as above.
    let usual = unsafe { capability.as_ptr().add(start) };
    // SAFETY: as above.
    let usual = unsafe { core::slice::from_raw_parts(usual, bytes) };
    if called != usual {
        return false;
    }
    let is_dispatched = siblings.preceding().is_some_and(|previous| is_dispatch(&previous, header));
    if !is_dispatched && header.header.state & capability_flags::CALLABLE_DIRECTLY == 0 {
        return false;
    }
    // SAFETY: there is an account for each rule, as was just compared.
    let targets = unsafe { current.accounts.as_ptr().add(verify::Accounts::<()>::COUNT) };
    // SAFETY: as above.
    let targets = unsafe { core::slice::from_raw_parts(targets, usize::from(header.target_accounts)) };
    siblings.following().is_some_and(|next| is_target_call(&next, header, targets, arguments))
}

/// Whether a sibling is a dispatch of the scheduler that drives the capability.
#[inline(always)]
fn is_dispatch(sibling: &Sibling, capability: &Capability) -> bool {
    keys_equal(sibling.program, &capability.scheduler_program) && sibling.data.first() == Some(&dispatch::DISCRIMINATOR)
}

/// Leading data of the target call.
#[inline(always)]
pub(crate) fn prefix(header: &Capability) -> &[u8] {
    let bytes = usize::from(header.prefix_bytes).min(header.prefix.len());
    header.prefix.get(..bytes).unwrap_or_default()
}

/// [`Siblings::load`] where it is not worth its size.
#[inline(never)]
pub(crate) fn siblings(sysvar: &AccountView) -> Option<Siblings<'_>> {
    Siblings::load(sysvar)
}

/// [`Loaded::load`] where it is not worth its size.
#[inline(never)]
pub(crate) fn load<'a>(account: &'a AccountView, program_id: &Address) -> Outcome<Loaded<'a>> {
    Loaded::load(account, program_id)
}

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
    pub(crate) fn load(account: &'a AccountView, program_id: &Address) -> Outcome<Self> {
        let header = load_header(account, program_id)?;
        if usize::from(header.account_bytes) != header.bytes_by_counts() {
            return Err(ProgramError::InvalidAccountData.into());
        }
        // SAFETY: the length was just compared with the counts.
        Ok(unsafe { Self::of(header) })
    }

    /// Takes a capability apart that was loaded before.
    ///
    /// # Safety
    /// `header` was returned by [`load_header`].
    #[inline(always)]
    #[allow(clippy::cast_ptr_alignment, reason = "all that stands before the functions is a multiple of 8 long")]
    pub(crate) unsafe fn of(header: &'a Capability) -> Self {
        // The header and both records are multiples of their alignment, and an account's data begins at a multiple of 8.
        const { assert!(Capability::BYTES.is_multiple_of(8) && AccountRule::BYTES.is_multiple_of(8)) };
        let targets = usize::from(header.target_accounts);
        let evidence = usize::from(header.evidence_accounts);
        // SAFETY: the account's length covers the header and all records.
        let rules = unsafe { core::ptr::from_ref(header).add(1) }.cast::<AccountRule>();
        // SAFETY: as above.
        let evidence_rules = unsafe { rules.add(targets) };
        // SAFETY: as above.
        let functions = unsafe { evidence_rules.add(evidence) }.cast::<Function>();
        Self {
            header,
            // SAFETY: as above.
            targets: unsafe { core::slice::from_raw_parts(rules, targets) },
            // SAFETY: as above.
            evidence: unsafe { core::slice::from_raw_parts(evidence_rules, evidence) },
            // SAFETY: as above.
            functions: unsafe { core::slice::from_raw_parts(functions, usize::from(header.functions)) },
        }
    }

    /// Splits the accounts that follow the fixed ones into target and evidence accounts.
    #[inline(always)]
    pub(crate) fn split_accounts<'b>(
        &self,
        more: &'b [AccountView],
    ) -> Outcome<(&'b [AccountView], &'b [AccountView])> {
        let expected = self.targets.len() + self.evidence.len();
        if more.len() < expected {
            return Err(ProgramError::NotEnoughAccountKeys.into());
        }
        if more.len() > expected {
            return Err(ProgramError::InvalidArgument.into());
        }
        Ok(more.split_at(self.targets.len()))
    }
}

/// Refuses while the processor is paused, and returns its config.
#[inline(always)]
pub(crate) fn running_config<'a>(account: &'a AccountView, program_id: &Address) -> Outcome<&'a ProcessorConfig> {
    // SAFETY: `Verify` and `Execute` hold no account mutably.
    let config: &ProcessorConfig = unsafe { accounts::read_unborrowed(account, program_id) }?;
    if config.lifecycle.is_paused(clock::now_by_syscall)? {
        return Err(Denial::cold::<{ ProcessorError::BASE as u64 + Fault::Paused as u64 }>());
    }
    Ok(config)
}

/// Whether nobody paused the processor; a pause that ended by itself is no plain yes. `config` is an account of this program,
/// or has the address that a capability recorded as the config's.
#[inline(always)]
pub(crate) fn is_running(config: &AccountView) -> bool {
    // SAFETY: `Check` and `Verify` hold no account mutably.
    let config: Option<&ProcessorConfig> = unsafe { accounts::fixed_part(config) };
    config.is_some_and(|config| config.lifecycle.header.state == pause_state::RUNNING)
}

/// The worker who signed the dispatch before this instruction.
///
/// The dispatch succeeded, and it looked forward: it named this instruction's capability, version and arguments. So it is
/// enough here that it is a dispatch of the scheduler that the capability trusts.
///
/// # Errors
/// `NotDispatched`, unless the capability may be called directly.
#[inline(always)]
pub(crate) fn dispatch_before<'a>(
    siblings: &Siblings<'a>,
    capability: &Capability,
) -> Result<Option<&'a Key>, ProcessorError> {
    let worker = worker(siblings, capability);
    if worker.is_some() {
        return Ok(worker);
    }
    if capability.header.state & capability_flags::CALLABLE_DIRECTLY == 0 {
        return Err(ProcessorError::NotDispatched);
    }
    Ok(None)
}

/// Who signed the dispatch before this instruction, if there is one.
#[inline(always)]
pub(crate) fn worker<'a>(siblings: &Siblings<'a>, capability: &Capability) -> Option<&'a Key> {
    let previous = siblings.preceding()?;
    if !is_dispatch(&previous, capability) {
        return None;
    }
    previous.accounts.get(dispatch::Position::worker as usize).map(|worker| &worker.key)
}

/// Compares the following sibling with the capability's target call: program, data, accounts.
///
/// `targets` are the target accounts as the sysvar shows them for this instruction. An account's flags there are those of
/// the whole message, the same for the same key in every instruction, so equal accounts are equal bytes.
#[inline(always)]
pub(crate) fn is_target_call(
    call: &Sibling,
    header: &Capability,
    targets: &[SiblingAccount],
    arguments: &[u8],
) -> bool {
    call.accounts.len() == targets.len()
        && keys_equal(call.program, &header.target_program)
        && is_target_data(call.data, header, arguments)
        && SiblingAccount::bytes(call.accounts) == SiblingAccount::bytes(targets)
}

/// Whether `data` is the leading data followed by the arguments. Nothing is compared where there is nothing, which spares
/// the calls.
#[inline(always)]
fn is_target_data(data: &[u8], header: &Capability, arguments: &[u8]) -> bool {
    let data = if header.prefix_bytes == 0 {
        data
    } else {
        match data.strip_prefix(prefix(header)) {
            Some(data) => data,
            None => return false,
        }
    };
    data.len() == arguments.len() && (data.is_empty() || data == arguments)
}

/// Compares the flags of a target account, as the sysvar shows them, with its rule's.
///
/// The sysvar shows the flags of the whole message, so an account that another instruction writes is writable here, too:
/// writable is a lower bound. A signer is not: one more would hand the target a signature that nobody declared.
#[inline(always)]
pub(crate) fn has_target_flags(account: &SiblingAccount, rule: &AccountRule) -> bool {
    const { assert!(account_flags::SIGNER == sibling_flags::SIGNER) };
    const { assert!(account_flags::WRITABLE == sibling_flags::WRITABLE) };
    // A signer bit that differs, or a writable bit that is missing.
    (account.flags ^ rule.flags) & (rule.flags | account_flags::SIGNER) == 0
}

/// What accounts are compared with.
pub(crate) struct Binding<'a> {
    pub arguments: &'a [u8],
    pub capability: &'a Key,
    /// Who signed the dispatch before this instruction, if there is one.
    pub worker: Option<&'a Key>,
    /// Target and evidence accounts together.
    pub all: &'a [AccountView],
}

impl Binding<'_> {
    /// Compares accounts with their rules.
    #[inline(always)]
    pub(crate) fn check_all(&self, rules: &[AccountRule], accounts: &[AccountView]) -> Outcome {
        if rules.is_empty() {
            return Ok(());
        }
        match self.first_fault(rules, accounts) {
            None => Ok(()),
            Some(fault) => Err(Denial::of(fault as u64)),
        }
    }

    #[inline(never)]
    fn first_fault(&self, rules: &[AccountRule], accounts: &[AccountView]) -> Option<ProcessorError> {
        rules.iter().zip(accounts).find_map(|(rule, account)| self.fault(rule, account))
    }

    /// Compares an account with its rule.
    #[inline(always)]
    pub(crate) fn check(&self, rule: &AccountRule, account: &AccountView) -> Outcome {
        match self.fault(rule, account) {
            None => Ok(()),
            Some(fault) => Err(Denial::of(fault as u64)),
        }
    }

    #[inline(always)]
    fn fault(&self, rule: &AccountRule, account: &AccountView) -> Option<ProcessorError> {
        if rule.kind != account_kind::FIXED || rule.flags & account_flags::SIGNER != 0 {
            return self.uncommon_fault(rule, account);
        }
        if keys_equal(account.address().as_array(), &rule.key) { None } else { Some(ProcessorError::WrongAccount) }
    }

    /// All kinds of rule but a fixed account that does not sign.
    #[inline(never)]
    fn uncommon_fault(&self, rule: &AccountRule, account: &AccountView) -> Option<ProcessorError> {
        let key = account.address().as_array();
        match rule.kind {
            account_kind::FIXED => {
                // Whoever runs an entry signs for the dispatch, and that signature must not reach the target.
                if self.worker.is_some_and(|worker| keys_equal(worker, key)) {
                    return Some(ProcessorError::WorkerIsNamed);
                }
                let is_bound = keys_equal(key, &rule.key);
                if is_bound { None } else { Some(ProcessorError::WrongAccount) }
            }
            account_kind::CAPABILITY if keys_equal(key, self.capability) => None,
            account_kind::FROM_ARGUMENTS => {
                let named = self.arguments.get(usize::from(rule.arguments_offset)..);
                let named = named.and_then(|rest| rest.first_chunk::<{ size_of::<Key>() }>());
                let is_bound = named.is_some_and(|named| keys_equal(named, key));
                if is_bound { None } else { Some(ProcessorError::WrongAccount) }
            }
            account_kind::WORKER_CHOSEN => {
                let differs =
                    |other: &AccountView| core::ptr::eq(other, account) || !keys_equal(other.address().as_array(), key);
                let is_free = !account.is_signer() && !keys_equal(key, self.capability) && self.all.iter().all(differs);
                if is_free { None } else { Some(ProcessorError::WrongChosenAccount) }
            }
            _ => Some(ProcessorError::WrongAccount),
        }
    }
}
