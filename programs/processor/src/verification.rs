//! Evaluates a capability's verification functions and puts their results together.

use crate::binding::{self, Binding, Loaded};
use crate::external;
use cores::compare::{Comparison, MAX_WIDTH, number, numbers_hold};
use cores::composition::{Tally, scaled};
use pinocchio::error::ProgramError;
use pinocchio::sysvars::clock::CLOCK_ID;
use pinocchio::{AccountView, Address};
use pinocchio_log::log;
use program_common::Outcome;
use program_common::accounts::read_fixed_part;
use program_common::siblings::Sibling;
use shared_layouts::account::{Key, NO_KEY, keys_equal};
use shared_layouts::declare::Denial;
use shared_layouts::processor::{
    Capability, CheckResult, Function, ProcessorError, composition, function_kind, number_kind, operator,
};

/// SPL Token, `TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA`.
const TOKEN_PROGRAM: Key = [
    6, 221, 246, 225, 215, 101, 161, 147, 217, 203, 225, 70, 206, 235, 121, 172, 28, 180, 133, 237, 95, 91, 55, 145,
    58, 140, 245, 133, 126, 255, 0, 169,
];

/// The compute budget program, `ComputeBudget111111111111111111111111111111`.
pub(crate) const COMPUTE_BUDGET_PROGRAM: Key = [
    3, 6, 70, 111, 229, 33, 23, 50, 255, 236, 173, 186, 114, 195, 155, 231, 188, 140, 229, 187, 197, 247, 18, 107, 44,
    67, 155, 58, 64, 0, 0, 0,
];

/// Index that stands for no function.
pub(crate) const NONE: u8 = u8::MAX;

/// What the functions read.
pub(crate) struct Input<'a> {
    pub program_id: &'a Address,
    /// The capability, loaded before.
    pub capability: &'a AccountView,
    /// The instructions sysvar; its address is compared where it is read.
    pub instructions: &'a AccountView,
    /// Target accounts, then evidence accounts, all compared with their rules.
    pub accounts: &'a [AccountView],
    pub arguments: &'a [u8],
    /// Who dispatched, if anyone did.
    pub worker: Option<&'a Key>,
}

impl<'a> Input<'a> {
    /// Checks all that neither depends on siblings nor on functions: config, version, arguments, accounts.
    #[inline(never)]
    pub(crate) fn check(&self, config: &AccountView, capability_version: u32) -> Outcome<Loaded<'a>> {
        let loaded = binding::load(self.capability, self.program_id)?;
        binding::running_config(config, self.program_id)?;
        binding::check_call(loaded.header, capability_version, self.arguments)?;
        let (targets, evidence) = loaded.split_accounts(self.accounts)?;
        let capability = self.capability.address().as_array();
        let binding = Binding { arguments: self.arguments, capability, worker: self.worker, all: self.accounts };
        binding.check_all(loaded.targets, targets)?;
        binding.check_all(loaded.evidence, evidence)?;
        Ok(loaded)
    }

    /// The capability's records.
    pub(crate) fn loaded(&self) -> Outcome<Loaded<'a>> {
        // SAFETY: the handlers compared the owner, and hold no account mutably.
        let header: &Capability = unsafe { read_fixed_part(self.capability) }?;
        if self.capability.data_len() != header.bytes_by_counts() {
            return Err(ProgramError::InvalidAccountData.into());
        }
        // SAFETY: the length was just compared with the counts.
        Ok(unsafe { Loaded::of(header) })
    }

    #[inline(never)]
    fn account(&self, position: u8) -> Option<&'a AccountView> {
        self.accounts.get(usize::from(position))
    }

    #[inline(never)]
    fn owner(&self, position: u8) -> Option<&'a Key> {
        let account = self.account(position)?.account_ptr();
        // SAFETY: a view's pointer is valid as long as the view is, and the handlers change no owner.
        Some(unsafe { &(*account).owner }.as_array())
    }

    #[inline(always)]
    fn data(&self, position: u8) -> Option<&'a [u8]> {
        // SAFETY: the handlers hold no account mutably.
        self.accounts.get(usize::from(position)).map(|account| unsafe { account.borrow_unchecked() })
    }
}

/// The composition must hold.
///
/// # Errors
/// `VerificationFailed` plus the index of the first function that does not hold.
#[inline(never)]
pub(crate) fn verify(input: &Input) -> Outcome {
    let loaded = input.loaded()?;
    if loaded.header.composition == composition::ALL && loaded.header.external_functions == 0 {
        for (index, function) in (0u32..).zip(loaded.functions) {
            if !holds(input, function).unwrap_or(false) {
                return Err(failed(index, &found(input, function)));
            }
        }
        return Ok(());
    }
    let result = evaluate(input, &loaded, false)?;
    if result.passed == 1 { Ok(()) } else { Err(failed_result(&result)) }
}

/// Evaluates the functions, cheap ones before external ones. With `all`, every cheap one is evaluated, decided or not; an
/// external one never is once the result does not depend on it.
#[inline(never)]
pub(crate) fn evaluate(input: &Input, loaded: &Loaded, all: bool) -> Outcome<CheckResult> {
    let header = loaded.header;
    let total = loaded
        .functions
        .iter()
        .fold(0u32, |total, function| total.saturating_add(Tally::worth(header.composition, function.weight)));
    let mut tally = Tally::new(header.composition, header.threshold, total);
    let mut result = CheckResult { first_failing: NONE, functions: header.functions, ..bytemuck::Zeroable::zeroed() };
    for (index, function) in (0u8..).zip(loaded.functions) {
        let is_external = function.kind == function_kind::EXTERNAL;
        if tally.verdict().is_some() && (is_external || !all) {
            break;
        }
        let holds = if is_external {
            external::holds(input, loaded, function)?
        } else {
            holds(input, function).unwrap_or(false)
        };
        tally.record(u32::from(index), function.weight, holds);
        if !holds && result.first_failing == NONE {
            let found = if is_external { external::found(input, function) } else { found(input, function) };
            result.first_failing = index;
            result.found_bytes = found.width;
            result.found = found.bytes;
        }
    }
    result.passed = u8::from(tally.verdict() == Some(true));
    result.holds = tally.holds;
    result.evaluated = tally.evaluated;
    result.score = tally.score;
    Ok(result)
}

/// Whether a function other than an external one holds; `None` where the bytes that it reads are not there.
#[inline(never)]
fn holds(input: &Input, function: &Function) -> Option<bool> {
    match function.kind {
        function_kind::ACCOUNT_DATA => compares(function, input.data(function.account)?, function.account_offset),
        function_kind::INPUT => compares(function, input.arguments, function.input_offset),
        _ => other_holds(input, function),
    }
}

/// Compares `width` bytes at `offset` with the function's constant.
#[inline(never)]
fn compares(function: &Function, bytes: &[u8], offset: u32) -> Option<bool> {
    let width = usize::from(function.width);
    let found = bytes.get(offset as usize..)?.get(..width)?;
    let constant = function.constant.get(..width)?;
    Some(Comparison { operator: function.operator, number: function.number, constant }.holds(found))
}

#[inline(never)]
fn other_holds(input: &Input, function: &Function) -> Option<bool> {
    match function.kind {
        function_kind::CALLER_IS => {
            let account = input.account(function.account)?;
            Some(account.is_signer() && is_same(account.address().as_array(), &function.constant))
        }
        function_kind::SIGNER_PRESENT => Some(input.account(function.account)?.is_signer()),
        function_kind::ACCOUNT_KEY => {
            let key = input.account(function.account)?.address().as_array();
            if function.extra == 0 {
                return compares(function, key, 0);
            }
            let named = input.arguments.get(function.input_offset as usize..)?.first_chunk()?;
            Some(is_same(key, named) == (function.operator == operator::EQUAL))
        }
        function_kind::ACCOUNT_OWNER => compares(function, input.owner(function.account)?, 0),
        function_kind::LAMPORTS => Some(number_holds(function, input.account(function.account)?.lamports())),
        function_kind::INPUT_LENGTH => Some(number_holds(function, input.arguments.len() as u64)),
        function_kind::INPUT_TO_ACCOUNT => input_to_account(input, function),
        function_kind::TIME_WINDOW => {
            let now: i64 = clock_number(input, function.account, 32)?.cast_signed();
            let [from, until] = window(function).map(u64::cast_signed);
            Some(from <= now && now < until)
        }
        function_kind::SLOT_WINDOW => {
            let slot = clock_number(input, function.account, 0)?;
            let [from, until] = window(function);
            Some(from <= slot && slot < until)
        }
        function_kind::TOKEN_BALANCE => Some(number_holds(function, token_balance(input, function)?)),
        function_kind::INSTRUCTION_PRESENT => Some(count_instructions(input, function)? > 0),
        function_kind::SOLO => Some(solo(input, function).is_ok()),
        _ => None,
    }
}

/// Compares a number of eight bytes with the function's constant.
#[inline(always)]
fn number_holds(function: &Function, found: u64) -> bool {
    let [constant, ..] = words(function);
    numbers_hold(function.operator, number_kind::UNSIGNED, found, constant)
}

/// The constant, by words.
#[inline(always)]
pub(crate) fn words(function: &Function) -> [u64; 4] {
    bytemuck::pod_read_unaligned(&function.constant)
}

#[inline(never)]
fn input_to_account(input: &Input, function: &Function) -> Option<bool> {
    let width = usize::from(function.width);
    let left = input.arguments.get(function.input_offset as usize..)?.get(..width)?;
    let right = input.data(function.account)?.get(function.account_offset as usize..)?.get(..width)?;
    let (left, mut right) = (number(function.number, left)?, number(function.number, right)?);
    if function.extra != 0 {
        right = scaled(right, function.extra)?;
    }
    Some(numbers_hold(function.operator, function.number, left, right))
}

/// The two bounds of a window.
#[inline(always)]
fn window(function: &Function) -> [u64; 2] {
    let [from, until, ..] = words(function);
    [from, until]
}

/// A number in the Clock sysvar; `None` if the account is another one.
#[inline(never)]
fn clock_number(input: &Input, position: u8, offset: usize) -> Option<u64> {
    let account = input.account(position)?;
    if !is_same(account.address().as_array(), CLOCK_ID.as_array()) {
        return None;
    }
    input.data(position)?.get(offset..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// The balance of an initialized SPL Token account of the right mint. Layout: mint (32 B), owner (32 B), amount (u64) … state
/// (1 B) at 108, 165 B in all.
#[inline(never)]
fn token_balance(input: &Input, function: &Function) -> Option<u64> {
    let mint = input.account(function.second_account)?.address();
    let data = input.data(function.account)?;
    let is_token_account =
        is_same(input.owner(function.account)?, &TOKEN_PROGRAM) && data.len() == 165 && data[108] != 0;
    if !is_token_account || !is_same(data.first_chunk()?, mint.as_array()) {
        return None;
    }
    data.get(64..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// How many top-level instructions match an `INSTRUCTION_PRESENT`.
#[inline(never)]
fn count_instructions(input: &Input, function: &Function) -> Option<u64> {
    let siblings = binding::siblings(input.instructions)?;
    let matches = |sibling: &Sibling| {
        let first_byte = sibling.data.first().map_or(0, |byte| u32::from(*byte) + 1);
        is_same(sibling.program, &function.constant) && (function.extra == 0 || function.extra == first_byte)
    };
    Some(siblings.first(siblings.count()).filter(matches).count() as u64)
}

/// `Err` with the program of the first instruction that a `SOLO` does not allow.
#[inline(never)]
fn solo(input: &Input, function: &Function) -> Result<(), Key> {
    let (Some(siblings), Ok(loaded)) = (binding::siblings(input.instructions), input.loaded()) else {
        return Err(NO_KEY);
    };
    let header = loaded.header;
    let known = [
        input.program_id.as_array(),
        &header.scheduler_program,
        &header.target_program,
        &COMPUTE_BUDGET_PROGRAM,
        &function.constant,
    ];
    for sibling in siblings.first(siblings.count()) {
        if !known.iter().any(|known| is_same(known, sibling.program)) {
            return Err(*sibling.program);
        }
    }
    Ok(())
}

/// [`keys_equal`] where it is not worth its size.
#[inline(never)]
fn is_same(left: &Key, right: &Key) -> bool {
    keys_equal(left, right)
}

/// A value found, for the log and for the result of `Check`.
pub(crate) struct Found {
    pub bytes: [u8; MAX_WIDTH],
    pub width: u8,
}

impl Found {
    /// The first 32 bytes of a slice; nothing where there is nothing.
    #[inline(never)]
    pub(crate) fn of(found: Option<&[u8]>) -> Self {
        let mut bytes = [0; MAX_WIDTH];
        let mut width = 0;
        for (place, byte) in bytes.iter_mut().zip(found.unwrap_or_default()) {
            *place = *byte;
            width += 1;
        }
        Self { bytes, width }
    }

    #[inline(never)]
    fn number(found: Option<u64>) -> Self {
        match found {
            Some(number) => Self::of(Some(&number.to_le_bytes())),
            None => Self::of(None),
        }
    }
}

/// What a function that does not hold found: looked up again, so that functions that hold do not carry it along.
#[cold]
#[inline(never)]
fn found(input: &Input, function: &Function) -> Found {
    let at = |bytes: Option<&[u8]>, offset: u32| {
        Found::of(bytes.and_then(|bytes| bytes.get(offset as usize..)?.get(..usize::from(function.width))))
    };
    match function.kind {
        function_kind::ACCOUNT_DATA => at(input.data(function.account), function.account_offset),
        function_kind::INPUT | function_kind::INPUT_TO_ACCOUNT => at(Some(input.arguments), function.input_offset),
        function_kind::CALLER_IS | function_kind::SIGNER_PRESENT | function_kind::ACCOUNT_KEY => {
            Found::of(input.account(function.account).map(|account| account.address().as_ref()))
        }
        function_kind::ACCOUNT_OWNER => Found::of(input.owner(function.account).map(<[u8; 32]>::as_slice)),
        function_kind::LAMPORTS => Found::number(input.account(function.account).map(AccountView::lamports)),
        function_kind::INPUT_LENGTH => Found::number(Some(input.arguments.len() as u64)),
        function_kind::TIME_WINDOW => Found::number(clock_number(input, function.account, 32)),
        function_kind::SLOT_WINDOW => Found::number(clock_number(input, function.account, 0)),
        function_kind::TOKEN_BALANCE => Found::number(token_balance(input, function)),
        function_kind::INSTRUCTION_PRESENT => Found::number(count_instructions(input, function)),
        function_kind::SOLO => Found::of(solo(input, function).err().as_ref().map(<[u8; 32]>::as_slice)),
        _ => Found::of(None),
    }
}

#[cold]
#[inline(never)]
fn failed_result(result: &CheckResult) -> Denial {
    let found = Found { bytes: result.found, width: result.found_bytes };
    failed(u32::from(result.first_failing), &found)
}

/// Logs program, code, index and value found, and returns the error: a line of text, then the runtime's line of five numbers (code,
/// index, bytes found, the first and the second eight of them), and where a key was found a line with that key.
#[cold]
#[inline(never)]
fn failed(index: u32, found: &Found) -> Denial {
    let code = ProcessorError::VerificationFailed as u32 + index;
    log!("processor: code, function, bytes found, value");
    log_numbers(code, index, found);
    Denial::of(code.into())
}

/// By the runtime's own formatting: the text of numbers made here would double the size of the program.
#[cfg(target_arch = "bpf")]
fn log_numbers(code: u32, index: u32, found: &Found) {
    let [low, high, ..]: [u64; 4] = bytemuck::pod_read_unaligned(&found.bytes);
    // SAFETY: the syscall takes five numbers.
    unsafe { pinocchio::syscalls::sol_log_64_(code.into(), index.into(), found.width.into(), low, high) };
    if usize::from(found.width) == MAX_WIDTH {
        // SAFETY: the syscall reads 32 bytes.
        unsafe { pinocchio::syscalls::sol_log_pubkey(found.bytes.as_ptr()) };
    }
}

#[cfg(not(target_arch = "bpf"))]
fn log_numbers(_: u32, _: u32, _: &Found) {}
