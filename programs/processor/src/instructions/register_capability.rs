use crate::Processor;
use pinocchio::error::ProgramError;
use pinocchio::sysvars::instructions::INSTRUCTIONS_ID;
use pinocchio::{AccountView, ProgramResult};
use program_common::accounts::NewAccount;
use program_common::{Call, accounts};
use shared_layouts::account::{AccountHeader, AccountLayout, Key, NO_KEY, load, total_bytes};
use shared_layouts::processor::register_capability::{Accounts, Data};
use shared_layouts::processor::{
    AccountRule, CAPABILITY_SEED, Capability, Function, MAX_ARGUMENTS_BYTES, MAX_EVIDENCE_ACCOUNTS, MAX_PREFIX_BYTES,
    MAX_TARGET_ACCOUNTS, NOT_USUAL, ProcessorConfig, ProcessorError, USUAL_ACCOUNT_BYTES, account_flags, account_kind,
    capability_bytes, capability_flags, composition, function_flags, function_kind, number_kind, operator,
};
use shared_layouts::scheduler::Shard;

#[inline(never)]
pub(crate) fn register_capability(call: Call) -> ProgramResult {
    let program_id = call.program_id;
    let (data, tail) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse(call.accounts)?;
    let definition = Definition::parse(data, tail)?;

    let scheduler_program = accounts.shard.owner();
    check_shard_owner(accounts.shard, accounts.shard_owner)?;
    if data.target_program == *program_id.as_array() || data.target_program == *scheduler_program.as_array() {
        return Err(ProcessorError::ForbiddenProgram.into());
    }
    let number = {
        // SAFETY: the capability account does not exist yet, so the config is held once.
        let config: &ProcessorConfig = unsafe { accounts::read_unborrowed(accounts.config, program_id) }?;
        definition.check(config)?;
        config.capabilities_created
    };

    let seed = number.to_le_bytes();
    let bump = NewAccount {
        account: accounts.capability,
        payer: accounts.payer,
        program: program_id,
        seeds: [CAPABILITY_SEED, &seed],
        bytes: definition.account_bytes(),
    }
    .create::<Processor>()?;
    // SAFETY: the capability was just created and is not the config.
    let config: &mut ProcessorConfig = unsafe { accounts::write_unborrowed(accounts.config, program_id) }?;
    config.capabilities_created = number.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    config.capabilities_active = config.capabilities_active.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;

    let address = *accounts.capability.address().as_array();
    let shard = *accounts.shard.address().as_array();
    let mut bytes = accounts.capability.try_borrow_mut()?;
    let capability: &mut Capability = accounts::fresh(&mut bytes)?;
    *capability = definition.header(bump, number, shard, *scheduler_program.as_array())?;
    definition.write_records(
        &mut bytes[Capability::BYTES..],
        &Own { capability: &address, config: accounts.config.address().as_array(), program: program_id.as_array() },
    )
}

/// Addresses that the usual call names beside those of the rules.
struct Own<'a> {
    capability: &'a Key,
    config: &'a Key,
    program: &'a Key,
}

/// The shard's owner manages its capabilities. Whichever program owns the shard's account becomes their scheduler: a
/// program that only looks like one could drive nothing but capabilities that were registered under it.
fn check_shard_owner(shard: &AccountView, owner: &AccountView) -> ProgramResult {
    let bytes = shard.try_borrow()?;
    if bytes.len() != Shard::BYTES {
        return Err(ProcessorError::WrongShard.into());
    }
    let shard: &Shard = load(&bytes).map_err(|_| ProcessorError::WrongShard)?;
    if shard.owner == *owner.address().as_array() { Ok(()) } else { Err(ProcessorError::NotShardOwner.into()) }
}

/// A capability as the instruction's data states it.
struct Definition<'a> {
    data: &'a Data,
    /// Bytes of the account rules.
    rules: &'a [u8],
    /// Bytes of the functions.
    functions: &'a [u8],
    /// Leading data.
    prefix: &'a [u8],
}

impl<'a> Definition<'a> {
    fn parse(data: &'a Data, tail: &'a [u8]) -> Result<Self, ProgramError> {
        let invalid = ProgramError::InvalidInstructionData;
        let rules = usize::from(data.target_accounts) + usize::from(data.evidence_accounts);
        let rules = total_bytes(rules, AccountRule::BYTES);
        let functions = total_bytes(usize::from(data.functions), Function::BYTES);
        let (rules, tail) = tail.split_at_checked(rules).ok_or(invalid.clone())?;
        let (functions, prefix) = tail.split_at_checked(functions).ok_or(invalid.clone())?;
        if prefix.len() != usize::from(data.prefix_bytes) {
            return Err(invalid);
        }
        Ok(Self { data, rules, functions, prefix })
    }

    /// Bytes of the whole account: at most 4,483.
    fn account_bytes(&self) -> usize {
        capability_bytes(self.rules.len() / AccountRule::BYTES, usize::from(self.data.functions))
    }

    fn rules(&self) -> impl Iterator<Item = AccountRule> + '_ {
        self.rules.chunks_exact(AccountRule::BYTES).map(bytemuck::pod_read_unaligned)
    }

    fn functions(&self) -> impl Iterator<Item = Function> + '_ {
        self.functions.chunks_exact(Function::BYTES).map(bytemuck::pod_read_unaligned)
    }

    fn check(&self, config: &ProcessorConfig) -> ProgramResult {
        let data = self.data;
        let (least, most) = (data.arguments_bytes_min, data.arguments_bytes_max);
        let is_consistent = usize::from(data.target_accounts) <= MAX_TARGET_ACCOUNTS
            && usize::from(data.evidence_accounts) <= MAX_EVIDENCE_ACCOUNTS
            && self.prefix.len() <= MAX_PREFIX_BYTES
            && least <= most
            && usize::from(most) <= MAX_ARGUMENTS_BYTES
            && data.flags & !capability_flags::ALL == 0
            && data.compute_limit > 0
            && data.composition == composition::ALL
            && data.threshold == 0
            && data.target_program != NO_KEY;
        if !is_consistent {
            return Err(ProcessorError::InvalidCapability.into());
        }
        if data.compute_limit > config.max_compute_units
            || u16::from(data.functions) > config.max_verification_functions
        {
            return Err(ProcessorError::AboveConfigLimit.into());
        }
        let targets = usize::from(data.target_accounts);
        if !self.rules().enumerate().all(|(index, rule)| is_valid_rule(&rule, index < targets, least)) {
            return Err(ProcessorError::InvalidCapability.into());
        }
        let accounts = targets + usize::from(data.evidence_accounts);
        if !self.functions().all(|function| is_valid_function(&function, accounts)) {
            return Err(ProcessorError::InvalidCapability.into());
        }
        let skippable = self.functions().all(|function| function.flags & function_flags::SKIPPABLE_WHEN_DIRECT != 0);
        if data.flags & capability_flags::DIRECT_DISPATCH != 0 && !skippable {
            return Err(ProcessorError::NotSkippable.into());
        }
        Ok(())
    }

    fn header(&self, bump: u8, number: u64, shard: Key, scheduler_program: Key) -> Result<Capability, ProgramError> {
        let mut prefix = [0; MAX_PREFIX_BYTES];
        prefix[..self.prefix.len()].copy_from_slice(self.prefix);
        Ok(Capability {
            header: AccountHeader {
                discriminator: Capability::DISCRIMINATOR,
                version: Capability::VERSION,
                bump,
                state: self.data.flags,
                reserved: [0; 4],
            },
            scheduler_program,
            shard,
            target_program: self.data.target_program,
            number,
            capability_version: 1,
            compute_limit: self.data.compute_limit,
            threshold: self.data.threshold,
            target_accounts: self.data.target_accounts,
            evidence_accounts: self.data.evidence_accounts,
            functions: self.data.functions,
            composition: self.data.composition,
            arguments_bytes_min: self.data.arguments_bytes_min,
            arguments_bytes_max: self.data.arguments_bytes_max,
            prefix_bytes: self.data.prefix_bytes,
            account_bytes: u16::try_from(self.account_bytes()).map_err(|_| ProcessorError::InvalidCapability)?,
            signs: u8::from(
                self.rules()
                    .any(|rule| rule.kind == account_kind::CAPABILITY && rule.flags & account_flags::SIGNER != 0),
            ),
            prefix,
            ..bytemuck::Zeroable::zeroed()
        })
    }

    /// Writes rules, functions and the usual call behind the header. The capability's own address is filled in here.
    fn write_records(&self, to: &mut [u8], own: &Own) -> ProgramResult {
        let invalid = ProgramError::InvalidAccountData;
        let (rules, to) = to.split_at_mut_checked(self.rules.len()).ok_or(invalid.clone())?;
        let (functions, usual) = to.split_at_mut_checked(self.functions.len()).ok_or(invalid)?;
        functions.copy_from_slice(self.functions);

        let (usual, program) = usual.split_at_mut(usual.len() - size_of::<Key>());
        program.copy_from_slice(own.program);
        let mut usual = usual.chunks_exact_mut(USUAL_ACCOUNT_BYTES);
        // The keys stand on the left: a zip takes from its left side first, and would drop an account at the end.
        for (key, account) in [own.capability, own.config, INSTRUCTIONS_ID.as_array()].into_iter().zip(usual.by_ref()) {
            account[1..].copy_from_slice(key);
        }
        for ((place, mut rule), usual) in rules.chunks_exact_mut(AccountRule::BYTES).zip(self.rules()).zip(usual) {
            if rule.kind == account_kind::CAPABILITY {
                rule.key = *own.capability;
            }
            place.copy_from_slice(bytemuck::bytes_of(&rule));
            let is_usual = matches!(rule.kind, account_kind::FIXED | account_kind::CAPABILITY)
                && rule.flags & account_flags::SIGNER == 0;
            usual[0] = if is_usual { rule.flags } else { NOT_USUAL };
            usual[1..].copy_from_slice(&rule.key);
        }
        Ok(())
    }
}

/// A signer is never taken from arguments and never chosen: only who defines the capability can name one.
fn is_valid_rule(rule: &AccountRule, is_target: bool, arguments_bytes_min: u16) -> bool {
    let signer = rule.flags & account_flags::SIGNER != 0;
    let sound = rule.flags & !account_flags::ALL == 0 && rule.reserved == [0; 4] && (is_target || rule.flags == 0);
    let names_no_key = rule.key == NO_KEY;
    let reads_no_arguments = rule.arguments_offset == 0;
    sound
        && match rule.kind {
            account_kind::FIXED => reads_no_arguments,
            account_kind::CAPABILITY => names_no_key && reads_no_arguments,
            account_kind::FROM_ARGUMENTS => {
                let end = usize::from(rule.arguments_offset) + size_of::<Key>();
                names_no_key && !signer && end <= usize::from(arguments_bytes_min)
            }
            account_kind::WORKER_CHOSEN => names_no_key && reads_no_arguments && !signer,
            _ => false,
        }
}

fn is_valid_function(function: &Function, accounts: usize) -> bool {
    let width = usize::from(function.width);
    let compared = cores::compare::is_valid_width(function.number, function.width)
        && function.operator <= operator::NO_BITS
        && function.number <= number_kind::BYTES
        && function.constant[width.min(32)..].iter().all(|byte| *byte == 0);
    let sound = function.flags & !function_flags::ALL == 0
        && function.reserved == 0
        && function.extra == 0
        && function.weight == 0
        && function.second_account == 0;
    compared
        && sound
        && match function.kind {
            function_kind::ACCOUNT_DATA => usize::from(function.account) < accounts && function.input_offset == 0,
            function_kind::INPUT_NUMBER => {
                function.account == 0 && function.account_offset == 0 && function.number != number_kind::BYTES
            }
            _ => false,
        }
}
