//! A capability's definition: what registration and update read, check and write.

use pinocchio::AccountView;
use pinocchio::error::ProgramError;
use pinocchio::sysvars::instructions::INSTRUCTIONS_ID;
use program_common::Outcome;
use program_common::siblings::SiblingAccount;
use shared_layouts::account::{Key, NO_KEY, load, total_bytes};
use shared_layouts::declare::Denial;
use shared_layouts::processor::register_capability::Data;
use shared_layouts::processor::{
    AccountRule, Capability, Function, MAX_ARGUMENTS_BYTES, MAX_EVIDENCE_ACCOUNTS, MAX_FUNCTIONS, MAX_PREFIX_BYTES,
    MAX_TARGET_ACCOUNTS, NOT_USUAL, ProcessorConfig, ProcessorError, account_flags, account_kind, capability_bytes,
    capability_flags, composition, external, function_flags, function_kind, number_kind, operator,
};
use shared_layouts::scheduler::Shard;

/// Programs that a capability can neither run nor ask: the runtime allows a program to call itself, and every proof of the
/// top level here rests on that not happening.
pub(crate) struct OwnPrograms<'a> {
    pub processor: &'a Key,
    pub scheduler: &'a Key,
}

impl OwnPrograms<'_> {
    fn contain(&self, program: &Key) -> bool {
        program == self.processor || program == self.scheduler
    }
}

/// Addresses that the usual call names beside those of the rules.
pub(crate) struct Own<'a> {
    pub capability: &'a Key,
    pub config: &'a Key,
    pub program: &'a Key,
}

/// The shard's owner manages its capabilities. Whichever program owns the shard's account becomes their scheduler: a
/// program that only looks like one could drive nothing but capabilities that were registered under it.
#[inline(never)]
pub(crate) fn check_shard_owner(shard: &AccountView, owner: &AccountView) -> Outcome {
    let bytes = shard.try_borrow()?;
    if bytes.len() != Shard::BYTES {
        return Err(ProcessorError::WrongShard.into());
    }
    let shard: &Shard = load(&bytes).map_err(|_| ProcessorError::WrongShard)?;
    if shard.owner == *owner.address().as_array() { Ok(()) } else { Err(ProcessorError::NotShardOwner.into()) }
}

/// A capability as the instruction's data states it.
pub(crate) struct Definition<'a> {
    data: &'a Data,
    /// Bytes of the account rules.
    rules: &'a [u8],
    /// Bytes of the functions.
    functions: &'a [u8],
    /// Leading data.
    prefix: &'a [u8],
}

impl<'a> Definition<'a> {
    pub(crate) fn parse(data: &'a Data, tail: &'a [u8]) -> Outcome<Self> {
        let invalid = Denial::from(ProgramError::InvalidInstructionData);
        let rules = usize::from(data.target_accounts) + usize::from(data.evidence_accounts);
        let rules = total_bytes(rules, AccountRule::BYTES);
        let functions = total_bytes(usize::from(data.functions), Function::BYTES);
        let (rules, tail) = tail.split_at_checked(rules).ok_or(invalid)?;
        let (functions, prefix) = tail.split_at_checked(functions).ok_or(invalid)?;
        if prefix.len() != usize::from(data.prefix_bytes) {
            return Err(invalid);
        }
        Ok(Self { data, rules, functions, prefix })
    }

    /// Bytes of the whole account: at most 4,483.
    pub(crate) fn account_bytes(&self) -> usize {
        capability_bytes(self.rules.len() / AccountRule::BYTES, usize::from(self.data.functions))
    }

    fn rules(&self) -> impl Iterator<Item = AccountRule> + '_ {
        self.rules.chunks_exact(AccountRule::BYTES).map(bytemuck::pod_read_unaligned)
    }

    fn weights(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.functions.chunks_exact(Function::BYTES).map(|bytes| bytemuck::pod_read_unaligned::<Function>(bytes).weight)
    }

    fn functions(&self) -> impl Iterator<Item = Function> + '_ {
        self.functions.chunks_exact(Function::BYTES).map(bytemuck::pod_read_unaligned)
    }

    pub(crate) fn check(&self, config: &ProcessorConfig, own: &OwnPrograms) -> Outcome {
        let data = self.data;
        let (least, most) = (data.arguments_bytes_min, data.arguments_bytes_max);
        let is_consistent = usize::from(data.target_accounts) <= MAX_TARGET_ACCOUNTS
            && usize::from(data.evidence_accounts) <= MAX_EVIDENCE_ACCOUNTS
            && self.prefix.len() <= MAX_PREFIX_BYTES
            && least <= most
            && usize::from(most) <= MAX_ARGUMENTS_BYTES
            && data.flags & !capability_flags::ALL == 0
            && data.compute_limit > 0
            && usize::from(data.functions) <= MAX_FUNCTIONS
            && cores::composition::is_valid(data.composition, data.threshold, self.weights())
            && data.target_program != NO_KEY;
        if !is_consistent {
            return Err(ProcessorError::InvalidCapability.into());
        }
        if own.contain(&data.target_program) {
            return Err(ProcessorError::ForbiddenProgram.into());
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
        self.check_functions(own)?;
        let skippable = self.functions().all(|function| function.flags & function_flags::SKIPPABLE_WHEN_DIRECT != 0);
        if data.flags & capability_flags::DIRECT_DISPATCH != 0 && !skippable {
            return Err(ProcessorError::NotSkippable.into());
        }
        Ok(())
    }

    fn check_functions(&self, own: &OwnPrograms) -> Outcome {
        let data = self.data;
        let accounts = usize::from(data.target_accounts) + usize::from(data.evidence_accounts);
        let mut seen_external = false;
        for function in self.functions() {
            let is_external = function.kind == function_kind::EXTERNAL;
            // External ones stand at the end, so that cheap ones come first.
            if !is_valid_function(&function, accounts, data.composition) || (seen_external && !is_external) {
                return Err(ProcessorError::InvalidCapability.into());
            }
            seen_external |= is_external;
            if is_external {
                let rule = self.rules().nth(usize::from(function.account)).ok_or(ProcessorError::InvalidCapability)?;
                // The owner of the capability names the verifier, nobody else.
                if rule.kind != account_kind::FIXED {
                    return Err(ProcessorError::InvalidCapability.into());
                }
                if own.contain(&rule.key) {
                    return Err(ProcessorError::ForbiddenProgram.into());
                }
            }
        }
        Ok(())
    }

    /// Writes what the definition says into an account of [`Self::account_bytes`] bytes that are zero behind the header: the
    /// header's part of it, rules, functions, usual call. What else the header says is the caller's.
    #[inline(never)]
    pub(crate) fn write(&self, bytes: &mut [u8], own: &Own) -> Outcome {
        let (header, records) = bytes.split_at_mut_checked(Capability::BYTES).ok_or_else(wrong_length)?;
        self.write_header(program_common::accounts::fresh(header)?)?;
        self.write_records(records, own)
    }

    #[inline(always)]
    fn write_header(&self, header: &mut Capability) -> Outcome {
        let data = self.data;
        header.header.state = data.flags;
        header.target_program = data.target_program;
        header.compute_limit = data.compute_limit;
        header.threshold = data.threshold;
        header.target_accounts = data.target_accounts;
        header.evidence_accounts = data.evidence_accounts;
        header.functions = data.functions;
        header.composition = data.composition;
        header.arguments_bytes_min = data.arguments_bytes_min;
        header.arguments_bytes_max = data.arguments_bytes_max;
        header.prefix_bytes = data.prefix_bytes;
        // At most as many as a capability can have, and 4,483 bytes, so nothing is cut off.
        let external = self.functions().filter(|function| function.kind == function_kind::EXTERNAL).count();
        [header.external_functions, ..] = external.to_le_bytes();
        let [low, high, ..] = self.account_bytes().to_le_bytes();
        header.account_bytes = u16::from_le_bytes([low, high]);
        let [low, high, ..] = (Capability::BYTES + self.rules.len()).to_le_bytes();
        header.functions_offset = u16::from_le_bytes([low, high]);
        let signs =
            |rule: AccountRule| rule.kind == account_kind::CAPABILITY && rule.flags & account_flags::SIGNER != 0;
        header.signs = u8::from(self.rules().any(signs));
        header.prefix = [0; MAX_PREFIX_BYTES];
        header.prefix.get_mut(..self.prefix.len()).ok_or_else(wrong_length)?.copy_from_slice(self.prefix);
        Ok(())
    }

    /// Writes rules, functions and the usual call behind the header. The capability's own address is filled in here.
    #[inline(always)]
    fn write_records(&self, to: &mut [u8], own: &Own) -> Outcome {
        let (rules, to) = to.split_at_mut_checked(self.rules.len()).ok_or_else(wrong_length)?;
        let (functions, usual) = to.split_at_mut_checked(self.functions.len()).ok_or_else(wrong_length)?;
        rules.copy_from_slice(self.rules);
        functions.copy_from_slice(self.functions);

        let (usual, program) = usual.split_last_chunk_mut::<{ size_of::<Key>() }>().ok_or_else(wrong_length)?;
        *program = *own.program;
        let rules: &mut [AccountRule] = bytemuck::try_cast_slice_mut(rules).map_err(|_| wrong_length())?;
        let usual: &mut [SiblingAccount] = bytemuck::try_cast_slice_mut(usual).map_err(|_| wrong_length())?;
        let [capability, config, instructions, usual @ ..] = usual else { return Err(wrong_length()) };
        capability.key = *own.capability;
        config.key = *own.config;
        instructions.key = *INSTRUCTIONS_ID.as_array();
        for (rule, usual) in rules.iter_mut().zip(usual) {
            if rule.kind == account_kind::CAPABILITY {
                rule.key = *own.capability;
            }
            let is_usual = matches!(rule.kind, account_kind::FIXED | account_kind::CAPABILITY)
                && rule.flags & account_flags::SIGNER == 0;
            usual.flags = if is_usual { rule.flags } else { NOT_USUAL };
            usual.key = rule.key;
        }
        Ok(())
    }
}

/// Of an account whose length is not the one that the definition gives; registration and update give it just that.
#[cold]
#[inline(never)]
fn wrong_length() -> Denial {
    ProgramError::InvalidAccountData.into()
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

/// What a kind of function uses, as bits; every other field of the record has to be zero.
mod uses {
    pub const ACCOUNT: u16 = 1;
    pub const SECOND_ACCOUNT: u16 = 2;
    pub const ACCOUNT_OFFSET: u16 = 4;
    pub const INPUT_OFFSET: u16 = 8;
    /// Compares any width as anything.
    pub const ANY: u16 = 16;
    /// Compares numbers.
    pub const NUMBER: u16 = 32;
    /// Compares an unsigned number of eight bytes.
    pub const WORD: u16 = 64;
    /// Compares a key.
    pub const KEY: u16 = 128;
    /// The whole constant, though nothing is compared with it.
    pub const CONSTANT: u16 = 256;
    /// The first half of the constant, likewise.
    pub const WINDOW: u16 = 512;
    /// Whether anything is compared.
    pub const COMPARED: u16 = ANY | NUMBER | WORD | KEY;
}

/// Bits of [`uses`] and highest `extra` by kind; no bits for what is no kind. `SOLO` and `INPUT_LENGTH` use a constant.
const USES: [(u16, u32); 16] = {
    use uses::{ACCOUNT, ACCOUNT_OFFSET, ANY, CONSTANT, INPUT_OFFSET, KEY, NUMBER, SECOND_ACCOUNT, WINDOW, WORD};
    let mut table = [(0, 0); 16];
    table[function_kind::ACCOUNT_DATA as usize] = (ACCOUNT | ACCOUNT_OFFSET | ANY, 0);
    table[function_kind::INPUT as usize] = (INPUT_OFFSET | ANY, 0);
    table[function_kind::CALLER_IS as usize] = (ACCOUNT | CONSTANT, 0);
    table[function_kind::SIGNER_PRESENT as usize] = (ACCOUNT, 0);
    table[function_kind::ACCOUNT_KEY as usize] = (ACCOUNT | INPUT_OFFSET | KEY, 1);
    table[function_kind::ACCOUNT_OWNER as usize] = (ACCOUNT | KEY, 0);
    table[function_kind::LAMPORTS as usize] = (ACCOUNT | WORD, 0);
    table[function_kind::INPUT_LENGTH as usize] = (WORD, 0);
    table[function_kind::INPUT_TO_ACCOUNT as usize] = (ACCOUNT | ACCOUNT_OFFSET | INPUT_OFFSET | NUMBER, u32::MAX);
    table[function_kind::TIME_WINDOW as usize] = (ACCOUNT | WINDOW, 0);
    table[function_kind::SLOT_WINDOW as usize] = (ACCOUNT | WINDOW, 0);
    table[function_kind::TOKEN_BALANCE as usize] = (ACCOUNT | SECOND_ACCOUNT | WORD, 0);
    table[function_kind::INSTRUCTION_PRESENT as usize] = (CONSTANT, 256);
    table[function_kind::SOLO as usize] = (CONSTANT, 0);
    table[function_kind::EXTERNAL as usize] = (ACCOUNT | SECOND_ACCOUNT, external::MAX_ACCOUNTS);
    table
};

#[inline(never)]
fn is_valid_function(function: &Function, accounts: usize, composition: u8) -> bool {
    let Some((used, most_extra)) = USES.get(usize::from(function.kind)).copied() else { return false };
    let uses = |bits: u16| used & bits != 0;
    let reads = if function.kind == function_kind::EXTERNAL { function.extra as usize } else { 1 };
    used != 0
        && is_valid_comparison(function, used)
        && function.extra <= most_extra
        && function.flags & !function_flags::ALL == 0
        && function.reserved == 0
        && (composition == composition::WEIGHTED || function.weight == 0)
        && (if uses(uses::ACCOUNT) { usize::from(function.account) < accounts } else { function.account == 0 })
        && (if uses(uses::SECOND_ACCOUNT) {
            usize::from(function.second_account) + reads <= accounts
        } else {
            function.second_account == 0
        })
        && (uses(uses::ACCOUNT_OFFSET) || function.account_offset == 0)
        && (uses(uses::INPUT_OFFSET) || function.input_offset == 0)
}

/// What is compared, how, and with what.
#[inline(never)]
fn is_valid_comparison(function: &Function, used: u16) -> bool {
    let (number, width) = (function.number, function.width);
    if used & uses::COMPARED == 0 {
        let constant_bytes = if used & uses::CONSTANT != 0 {
            32
        } else if used & uses::WINDOW != 0 {
            16
        } else {
            0
        };
        return function.operator == 0 && width == 0 && number == 0 && is_zero_from(&function.constant, constant_bytes);
    }
    let is_valid_width = if used & uses::KEY != 0 {
        number == number_kind::BYTES && width == 32
    } else if used & uses::WORD != 0 {
        number == number_kind::UNSIGNED && width == 8
    } else {
        cores::compare::is_valid_width(number, width) && (used & uses::ANY != 0 || number != number_kind::BYTES)
    };
    // Where the right-hand side stands elsewhere the constant is zero.
    let is_valid_constant = match function.kind {
        function_kind::INPUT_TO_ACCOUNT => {
            is_zero_from(&function.constant, 0) && (function.extra == 0 || number == number_kind::UNSIGNED)
        }
        function_kind::ACCOUNT_KEY if function.extra != 0 => {
            is_zero_from(&function.constant, 0) && function.operator <= operator::NOT_EQUAL
        }
        _ => is_zero_from(&function.constant, usize::from(width)),
    };
    is_valid_width && is_valid_constant && function.operator <= operator::NO_BITS
}

#[inline(never)]
fn is_zero_from(constant: &[u8; 32], start: usize) -> bool {
    constant.iter().skip(start).all(|byte| *byte == 0)
}
