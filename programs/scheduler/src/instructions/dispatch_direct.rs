use crate::load;
use crate::run::{self, Run};
use cores::queue::Refusal;
use cores::refuse;
use pinocchio::AccountView;
use pinocchio::error::ProgramError;
use program_common::Call;
use program_common::siblings::{Sibling, SiblingAccount};
use shared_layouts::account::{AccountHeader, AccountLayout, Key, keys_equal, total_bytes};
use shared_layouts::lifecycle::pause_state;
use shared_layouts::processor::{
    AccountRule, Capability, ProcessorConfig, USUAL_ACCOUNT_BYTES, account_flags, account_kind, capability_flags,
};
use shared_layouts::scheduler::SchedulerConfig;
use shared_layouts::scheduler::dispatch_direct::{Accounts, Data};

pub(crate) fn dispatch_direct(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    let run = Run { slot: data.slot, generation: data.generation, program_id };
    let now = load::now(accounts.clock)?;
    // SAFETY: config and queue are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read(accounts.config, program_id) }?;
    // SAFETY: as above.
    let mut queue = unsafe { load::queue(accounts.queue, program_id) }?;
    load::check_unmetered(queue.header)?;
    load::check_running(config, load::shard_of(accounts.shard, queue.header, program_id)?, now)?;
    check_open(config, accounts.processor_config, now)?;
    // It is the queue's shard's if it is the entry's: that was compared when the entry was queued.
    let capability = load::any_capability(accounts.capability, queue.header)?;
    if capability.header.state & capability_flags::DIRECT_DISPATCH == 0 {
        return Err(refuse!(NotDirect));
    }
    let siblings = run.siblings(accounts.instructions)?;
    let entry = run.entry(&queue, accounts.worker, now)?;
    let capability_key = accounts.capability.address().as_array();
    if !keys_equal(capability_key, &entry.capability) {
        return Err(refuse!(WrongCapability));
    }
    if capability.capability_version != entry.capability_version {
        return Err(refuse!(CapabilityChanged));
    }
    let next = siblings.following().ok_or_else(|| refuse!(WrongTargetCall))?;
    let prefix =
        capability.prefix.get(..usize::from(capability.prefix_bytes)).ok_or_else(|| refuse!(UnknownCapability))?;
    let (head, arguments) = next.data.split_at_checked(prefix.len()).ok_or_else(|| refuse!(WrongTargetCall))?;
    if !keys_equal(next.program, &capability.target_program) || (!prefix.is_empty() && head != prefix) {
        return Err(refuse!(WrongTargetCall));
    }
    run::check_arguments(entry, arguments)?;
    // SAFETY: the account belongs to the processor, and nobody holds it mutably.
    let bytes = unsafe { accounts.capability.borrow_unchecked() };
    if next.accounts.len() != usize::from(capability.target_accounts) {
        return Err(refuse!(WrongTargetCall));
    }
    if !is_usual(bytes, capability, &next) {
        let template = Template {
            call: &next,
            rules: rules(bytes, capability)?,
            arguments,
            capability: capability_key,
            worker: accounts.worker.address().as_array(),
        };
        template.check()?;
    }
    let finished = queue.finish(run.slot, now)?;
    if finished.tip_lamports != 0 {
        run::pay(accounts.queue.clone(), accounts.worker.clone(), &{ finished }, &{ run })?;
    }
    Ok(())
}

/// Direct execution is open while the processor's authority, not its guardian, has paused it, or while the scheduler's
/// authority says so.
#[inline(always)]
fn check_open(config: &SchedulerConfig, processor_config: &AccountView, now: i64) -> Result<(), Refusal> {
    if now < config.direct_until {
        return Ok(());
    }
    if !keys_equal(processor_config.address().as_array(), &config.processor_config) {
        return Err(refuse!(fault: UntrustedProgram));
    }
    // SAFETY: the account belongs to the processor, and nobody holds it mutably.
    let bytes = unsafe { processor_config.borrow_unchecked() };
    // Not the version: while the processor is upgraded, operations run directly, and the header is the same in every version.
    let header = bytes.first_chunk::<{ AccountHeader::BYTES }>().ok_or(ProgramError::InvalidAccountData)?;
    let header: AccountHeader = bytemuck::cast(*header);
    if header.discriminator != ProcessorConfig::DISCRIMINATOR {
        return Err(ProgramError::InvalidAccountData.into());
    }
    if header.state == pause_state::BY_AUTHORITY { Ok(()) } else { Err(refuse!(DirectClosed)) }
}

/// Whether the call's accounts are those that the capability's usual call names, with just their flags. A signer, an account that is
/// bound to arguments and one that is chosen equal nothing there.
#[inline(always)]
fn is_usual(bytes: &[u8], capability: &Capability, call: &Sibling) -> bool {
    let rules = usize::from(capability.target_accounts) + usize::from(capability.evidence_accounts);
    let called = SiblingAccount::bytes(call.accounts);
    // The rules' accounts and the processor's address end the usual call, which ends the account.
    let start = bytes.len().wrapping_sub(total_bytes(rules, USUAL_ACCOUNT_BYTES)).wrapping_sub(size_of::<Key>());
    bytes.get(start..start.wrapping_add(called.len())) == Some(called)
}

/// The rules of the capability's target accounts, which follow its fixed part.
#[inline(always)]
fn rules<'a>(bytes: &'a [u8], capability: &Capability) -> Result<&'a [AccountRule], Refusal> {
    let end = Capability::BYTES + total_bytes(usize::from(capability.target_accounts), AccountRule::BYTES);
    let rules = bytes.get(Capability::BYTES..end).ok_or(ProgramError::InvalidAccountData)?;
    Ok(bytemuck::try_cast_slice(rules).map_err(|_| ProgramError::InvalidAccountData)?)
}

/// What the target call is compared with.
struct Template<'a> {
    call: &'a Sibling<'a>,
    rules: &'a [AccountRule],
    arguments: &'a [u8],
    capability: &'a Key,
    worker: &'a Key,
}

impl Template<'_> {
    /// Compares every account of the call with its rule. The sysvar shows the flags of the whole message: writable is a lower
    /// bound, and a signer that nobody declared is refused.
    #[inline(never)]
    fn check(&self) -> Result<(), Refusal> {
        for (index, (rule, account)) in self.rules.iter().zip(self.call.accounts).enumerate() {
            let missing = rule.flags & !account.flags & account_flags::ALL;
            let undeclared = account.flags & !rule.flags & account_flags::SIGNER;
            if missing != 0 || undeclared != 0 {
                return Err(refuse!(WrongTargetCall));
            }
            let is_bound = if rule.kind == account_kind::FIXED {
                keys_equal(&account.key, &rule.key)
            } else {
                self.binds(index, rule, &account.key)
            };
            // Whoever runs an entry signs for the dispatch, and that signature must not reach the target.
            let lends = rule.flags & account_flags::SIGNER != 0 && keys_equal(&account.key, self.worker);
            if !is_bound || lends {
                return Err(refuse!(WrongTargetCall));
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn binds(&self, index: usize, rule: &AccountRule, key: &Key) -> bool {
        match rule.kind {
            account_kind::CAPABILITY => keys_equal(key, self.capability),
            account_kind::FROM_ARGUMENTS => {
                let offset = usize::from(rule.arguments_offset);
                self.arguments.get(offset..offset + size_of::<Key>()).is_some_and(|named| named == key)
            }
            account_kind::WORKER_CHOSEN => {
                let differs = |(other_index, other): (usize, &SiblingAccount)| {
                    other_index == index || !keys_equal(&other.key, key)
                };
                rule.flags & account_flags::SIGNER == 0
                    && !keys_equal(key, self.capability)
                    && self.call.accounts.iter().enumerate().all(differs)
            }
            _ => false,
        }
    }
}
