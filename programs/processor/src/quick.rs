//! The usual functions of the usual composition, evaluated without what a refusal has to say.
//!
//! Most capabilities state that all of a few numbers compare: bytes of an account or of the arguments with a constant, or
//! a time. That answer is a yes or an "ask again": whatever is no plain yes here is evaluated from the beginning by
//! [`crate::verification`], which alone says no, with the index and the value found. So nothing here prepares an error.

use crate::verification::{NONE, words};
use cores::compare::unsigned_holds;
use pinocchio::AccountView;
use pinocchio::sysvars::clock::CLOCK_ID;
use shared_layouts::account::{keys_equal, total_bytes};
use shared_layouts::processor::{
    AccountRule, Capability, CheckResult, Function, MAX_FUNCTIONS, composition, function_kind, number_kind,
};

/// Offset of the slot in the Clock sysvar.
const SLOT_OFFSET: usize = 0;
/// Offset of the unix time in it.
const UNIX_TIME_OFFSET: usize = 32;
/// Added to a signed number it gives an unsigned one that is ordered alike.
const SIGN_BIT: u64 = 1 << 63;

/// Kind, width and number kind of a function, without its operator: the first four bytes of its record.
const fn shape(kind: u8, width: u8, number: u8) -> u32 {
    u32::from_le_bytes([kind, 0, width, number])
}

const ACCOUNT_WORD: u32 = shape(function_kind::ACCOUNT_DATA, 8, number_kind::UNSIGNED);
const TIME: u32 = shape(function_kind::TIME_WINDOW, 0, 0);
const SLOT: u32 = shape(function_kind::SLOT_WINDOW, 0, 0);
const INPUT_WORD: u32 = shape(function_kind::INPUT, 8, number_kind::UNSIGNED);

/// [`all_hold`] without its call where the capability has one function, as most that have any do.
///
/// # Safety
/// As there.
#[inline(always)]
#[allow(clippy::cast_ptr_alignment, reason = "all that stands before the functions is a multiple of 8 long")]
pub(crate) unsafe fn all_hold_or_one(header: &Capability, accounts: &[AccountView], arguments: &[u8]) -> bool {
    if header.functions != 1 || header.composition != composition::ALL {
        // SAFETY: the caller's contract.
        return unsafe { all_hold(header, accounts, arguments) };
    }
    let first = core::ptr::from_ref(header).cast::<u8>();
    // SAFETY: as in `all_hold`.
    let function = unsafe { first.add(usize::from(header.functions_offset)) };
    // SAFETY: as there, and there is a function.
    holds(unsafe { &*function.cast::<Function>() }, accounts, arguments)
}

/// Whether the capability's composition holds; `false` says nothing.
///
/// # Safety
/// `header` was returned by [`crate::binding::load_header`] or [`crate::binding::find_header`] and has a function, and no account is
/// held mutably.
#[inline(never)]
#[allow(clippy::cast_ptr_alignment, reason = "all that stands before the functions is a multiple of 8 long")]
pub(crate) unsafe fn all_hold(header: &Capability, accounts: &[AccountView], arguments: &[u8]) -> bool {
    const { assert!(Capability::BYTES.is_multiple_of(8) && AccountRule::BYTES.is_multiple_of(8)) };
    // Both in one number, which is the number of functions where the composition is zero.
    const { assert!(composition::ALL == 0 && MAX_FUNCTIONS < 256) };
    let functions = usize::from(u16::from_le_bytes([header.functions, header.composition]));
    if functions > MAX_FUNCTIONS {
        return false;
    }
    let first = core::ptr::from_ref(header).cast::<u8>();
    // SAFETY: the account belongs to this program, which wrote where its functions begin and how many there are, and never
    // changes its length without them; the length was compared with what it wrote as well.
    let mut function = unsafe { first.add(usize::from(header.functions_offset)) };
    // SAFETY: as above.
    let end = unsafe { function.add(total_bytes(functions, Function::BYTES)) };
    loop {
        // SAFETY: as above, and there is a function left; a header and rules are multiples of 8 long, and an account's data begins at one.
        if !holds(unsafe { &*function.cast::<Function>() }, accounts, arguments) {
            return false;
        }
        // SAFETY: as above.
        function = unsafe { function.add(Function::BYTES) };
        if function == end {
            return true;
        }
    }
}

/// What `Check` answers when every function, of which there is one at least, holds under `composition::ALL`.
#[inline(always)]
pub(crate) fn all_passed(functions: u8) -> CheckResult {
    // A bit for each function: one at least, and 32 at most.
    let bits = u32::MAX.wrapping_shr(32u32.wrapping_sub(functions.into()));
    CheckResult {
        passed: 1,
        first_failing: NONE,
        functions,
        holds: bits,
        evaluated: bits,
        score: functions.into(),
        ..bytemuck::Zeroable::zeroed()
    }
}

#[inline(always)]
#[allow(clippy::cast_ptr_alignment, reason = "the word is read unaligned")]
fn holds(function: &Function, accounts: &[AccountView], arguments: &[u8]) -> bool {
    const OPERATOR: u32 = 0xff00;
    // SAFETY: the record begins with four bytes.
    let start = unsafe { core::ptr::from_ref(function).cast::<u32>().read_unaligned() };
    let found = match u32::from_le(start) & !OPERATOR {
        ACCOUNT_WORD => accounts
            .get(usize::from(function.account))
            .and_then(|account| number(data(account), function.account_offset as usize, 8)),
        INPUT_WORD => number(arguments, function.input_offset as usize, 8),
        TIME => return window_holds(function, accounts, UNIX_TIME_OFFSET, SIGN_BIT),
        SLOT => return window_holds(function, accounts, SLOT_OFFSET, 0),
        _ => return narrow_holds(function, accounts, arguments),
    };
    let [constant, ..] = words(function);
    found.is_some_and(|found| unsigned_holds(function.operator, found, constant))
}

/// Compares a number of fewer than eight bytes.
#[inline(never)]
fn narrow_holds(function: &Function, accounts: &[AccountView], arguments: &[u8]) -> bool {
    let found = match function.kind {
        function_kind::ACCOUNT_DATA => accounts
            .get(usize::from(function.account))
            .and_then(|account| number(data(account), function.account_offset as usize, function.width)),
        function_kind::INPUT => number(arguments, function.input_offset as usize, function.width),
        _ => None,
    };
    // Behind its width the constant is zero, as registration requires.
    let [constant, ..] = words(function);
    function.number == number_kind::UNSIGNED
        && found.is_some_and(|found| unsigned_holds(function.operator, found, constant))
}

/// Whether the Clock sysvar's number at `offset` is in the window, both with `bias` added.
#[inline(always)]
fn window_holds(function: &Function, accounts: &[AccountView], offset: usize, bias: u64) -> bool {
    let Some(account) = accounts.get(usize::from(function.account)) else { return false };
    let [from, until, ..] = words(function).map(|bound| bound ^ bias);
    keys_equal(account.address().as_array(), CLOCK_ID.as_array())
        && number(data(account), offset, 8).is_some_and(|now| from <= now ^ bias && now ^ bias < until)
}

#[inline(always)]
fn data(account: &AccountView) -> &[u8] {
    // SAFETY: no account is held mutably, by the contract of the only function that others call.
    unsafe { account.borrow_unchecked() }
}

/// The little-endian number of `width` bytes at `offset`, if it is there.
#[inline(always)]
#[allow(clippy::cast_ptr_alignment, reason = "the numbers are read unaligned")]
fn number(bytes: &[u8], offset: usize, width: u8) -> Option<u64> {
    if offset.wrapping_add(width.into()) > bytes.len() {
        return None;
    }
    // SAFETY: `offset`, which came from 32 bits, and what is read stand before the end, as was just compared.
    let at = unsafe { bytes.as_ptr().add(offset) };
    match width {
        // SAFETY: as above.
        8 => Some(u64::from_le(unsafe { at.cast::<u64>().read_unaligned() })),
        // SAFETY: as above.
        4 => Some(u32::from_le(unsafe { at.cast::<u32>().read_unaligned() }).into()),
        // SAFETY: as above.
        2 => Some(u16::from_le(unsafe { at.cast::<u16>().read_unaligned() }).into()),
        // SAFETY: as above.
        1 => Some(unsafe { at.read() }.into()),
        _ => None,
    }
}
