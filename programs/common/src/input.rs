//! The runtime's input, taken apart in a loop: Pinocchio's own is unrolled, which is four times as long and no cheaper.

use core::mem::MaybeUninit;
use core::slice;
use pinocchio::account::{MAX_PERMITTED_DATA_INCREASE, NOT_BORROWED};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use shared_layouts::declare::Denial;

/// Takes the input apart and hands it to `process`: the running program, accounts, data. With more accounts than there are
/// places the result is `InvalidArgument`, and nothing is processed.
///
/// An account is: a byte that is 255, or the place of the account that this one repeats; flags, key, owner, lamports, the
/// length of the data at offset 80, the data at 88, room for 10,240 bytes more, padding to eight bytes, and eight bytes of
/// rent epoch. One that repeats another has eight bytes.
///
/// # Safety
/// `input` is what the runtime hands to a program.
#[inline(always)]
pub unsafe fn process_input<const MOST: usize>(
    input: *mut u8,
    process: impl FnOnce(&Address, &mut [AccountView], &[u8]) -> u64,
) -> u64 {
    let mut places = [const { MaybeUninit::<AccountView>::uninit() }; MOST];
    // SAFETY: the input begins with the number of accounts.
    let count = unsafe { number(input) };
    if count > MOST {
        return too_many_accounts();
    }
    let places: *mut AccountView = places.as_mut_ptr().cast();
    let mut place = places;
    let mut at = input.wrapping_add(8);
    let mut left = count;
    // Four at a time spare a third of what the loop itself costs.
    while left >= 4 {
        for ahead in 0..4 {
            // SAFETY: as many accounts are left, and so many places.
            at = unsafe { take_account(at, places, place.wrapping_add(ahead)) };
        }
        place = place.wrapping_add(4);
        left = left.wrapping_sub(4);
    }
    if left & 2 != 0 {
        // SAFETY: as above.
        at = unsafe { take_account(at, places, place) };
        // SAFETY: as above.
        at = unsafe { take_account(at, places, place.wrapping_add(1)) };
        place = place.wrapping_add(2);
    }
    if left & 1 != 0 {
        // SAFETY: as above.
        at = unsafe { take_account(at, places, place) };
    }
    // SAFETY: behind the accounts stands the length of the instruction data.
    let bytes = unsafe { number(at) };
    let data = at.wrapping_add(8);
    // SAFETY: behind the data stands the program's id; an id has no alignment.
    let program_id = unsafe { &*data.wrapping_add(bytes).cast::<Address>() };
    // SAFETY: so many bytes of data are there.
    let data = unsafe { slice::from_raw_parts(data, bytes) };
    // SAFETY: so many places were written, and nothing else refers to them.
    let accounts = unsafe { slice::from_raw_parts_mut(places, count) };
    process(program_id, accounts, data)
}

#[cold]
#[inline(never)]
fn too_many_accounts() -> u64 {
    Denial::from(ProgramError::InvalidArgument).into()
}

/// Writes an account's view. Returns where the next one begins.
///
/// # Safety
/// An account begins at `at`; `place` is one of the `places`, and those before it were written.
#[inline(always)]
unsafe fn take_account(at: *mut u8, places: *mut AccountView, place: *mut AccountView) -> *mut u8 {
    const LENGTH_OFFSET: usize = 80;
    const FIXED_BYTES: usize = 88 + MAX_PERMITTED_DATA_INCREASE + 8;
    // SAFETY: the caller's contract.
    if unsafe { *at } != NOT_BORROWED {
        // SAFETY: the caller's contract.
        return unsafe { repeat(at, places, place) };
    }
    // SAFETY: it is no repetition, so its fields follow.
    let account = unsafe { AccountView::new_unchecked(at.cast()) };
    // SAFETY: the caller's contract.
    unsafe { place.write(account) };
    // SAFETY: the length lies in the account's fields, aligned as they are.
    let bytes = unsafe { number(at.wrapping_add(LENGTH_OFFSET)) };
    let next = at.wrapping_add(bytes).wrapping_add(FIXED_BYTES);
    next.wrapping_add(next.align_offset(8))
}

/// Writes once more an account that was passed before. Returns where the next one begins. Cold, so that the loop is laid out
/// for accounts that are passed once.
///
/// # Safety
/// Such an account begins at `at`; `place` is one of the `places`, and those before it were written.
#[cold]
#[inline(never)]
unsafe fn repeat(at: *mut u8, places: *mut AccountView, place: *mut AccountView) -> *mut u8 {
    // SAFETY: the caller's contract.
    let repeated = usize::from(unsafe { *at });
    // SAFETY: the runtime repeats earlier accounts only, and their places were written.
    unsafe { place.copy_from_nonoverlapping(places.wrapping_add(repeated), 1) };
    at.wrapping_add(8)
}

/// A number of the input, which is below 2^32.
///
/// # Safety
/// One has to stand there, at a multiple of eight.
#[inline(always)]
#[allow(clippy::cast_ptr_alignment, clippy::cast_possible_truncation)]
unsafe fn number(at: *const u8) -> usize {
    // SAFETY: the caller's contract.
    unsafe { *at.cast::<u64>() as usize }
}
