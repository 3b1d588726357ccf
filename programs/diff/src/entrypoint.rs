//! Dispatch by the first byte of the instruction data.

use crate::refusal::{Outcome, Refusal};
use crate::{Diff, instructions};
use core::mem::MaybeUninit;
use core::slice;
use pinocchio::account::{MAX_PERMITTED_DATA_INCREASE, NOT_BORROWED};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::{Call, migration};
use shared_layouts::diff as wire;

/// Most accounts of an instruction: `Begin` takes two for each target.
const MAX_ACCOUNTS: usize = wire::begin::SPEC.accounts.len() + 2 * wire::MAX_TARGETS;

pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

/// Success, as the runtime expects it.
const SUCCESS: u64 = 0;

/// The runtime's entrypoint.
///
/// It takes the accounts in a loop of its own: Pinocchio's is unrolled, which is ten times as long and hardly cheaper.
///
/// An account is: a byte that is 255, or the place of the account that this one repeats; flags, key, owner, lamports, the
/// length of the data at offset 80, the data at 88, room for 10,240 bytes more, padding to eight bytes, and eight bytes of
/// rent epoch. One that repeats another has eight bytes.
///
/// # Safety
/// `input` is what the runtime hands to a program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrypoint(input: *mut u8) -> u64 {
    const LENGTH_OFFSET: usize = 80;
    const FIXED_BYTES: usize = 88 + MAX_PERMITTED_DATA_INCREASE + 8;
    let mut accounts = [const { MaybeUninit::<AccountView>::uninit() }; MAX_ACCOUNTS];
    // SAFETY: the input begins with the number of accounts.
    let count = unsafe { number(input) };
    let Some(places) = accounts.get_mut(..count) else {
        return ProgramError::InvalidArgument.into();
    };
    let places: *mut AccountView = places.as_mut_ptr().cast();
    let end = places.wrapping_add(count);
    let mut place = places;
    let mut at = input.wrapping_add(8);
    while place != end {
        // SAFETY: an account begins here.
        let repeated = unsafe { *at };
        if repeated == NOT_BORROWED {
            // SAFETY: it is no repetition, so its fields follow.
            let account = unsafe { AccountView::new_unchecked(at.cast()) };
            // SAFETY: the place lies before the end.
            unsafe { place.write(account) };
            // SAFETY: the length lies in the account's fields, aligned as they are.
            let bytes = unsafe { number(at.wrapping_add(LENGTH_OFFSET)) };
            let next = at.wrapping_add(bytes).wrapping_add(FIXED_BYTES);
            at = next.wrapping_add(next.align_offset(8));
        } else {
            // SAFETY: the runtime repeats earlier accounts only, and their places were written.
            unsafe { place.copy_from_nonoverlapping(places.wrapping_add(usize::from(repeated)), 1) };
            at = at.wrapping_add(8);
        }
        place = place.wrapping_add(1);
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
    match process(program_id, accounts, data) {
        Ok(()) => SUCCESS,
        Err(refusal) => explained(refusal, program_id, accounts),
    }
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

/// Says so if what was refused is an account of another version.
#[cold]
#[inline(never)]
fn explained(refusal: Refusal, program_id: &Address, accounts: &[AccountView]) -> u64 {
    migration::explain_status::<Diff>(refusal.number(), program_id, accounts)
}

#[inline(always)]
fn process(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> Outcome {
    let [discriminator, data @ ..] = data else {
        return Err(ProgramError::InvalidInstructionData.into());
    };
    let call = Call { program_id, accounts, data };
    match *discriminator {
        wire::apply::DISCRIMINATOR => instructions::apply(call),
        wire::apply_inline::DISCRIMINATOR => instructions::apply_inline(call),
        wire::calculate::DISCRIMINATOR => instructions::calculate(call),
        wire::pause::DISCRIMINATOR => instructions::pause(call),
        wire::resume::DISCRIMINATOR => instructions::resume(call),
        wire::rollback::DISCRIMINATOR => instructions::rollback(call),
        wire::seal::DISCRIMINATOR => instructions::seal(call),
        discriminator => process_other(discriminator, call),
    }
}

/// What is called less often, or may cost more.
#[inline(never)]
fn process_other(discriminator: u8, call: Call) -> Outcome {
    match discriminator {
        wire::begin::DISCRIMINATOR => instructions::begin(call),
        wire::close_arena::DISCRIMINATOR => instructions::close_arena(call),
        wire::close_state::DISCRIMINATOR => instructions::close_state(call),
        wire::commit::DISCRIMINATOR => instructions::commit(call),
        wire::create_arena::DISCRIMINATOR => instructions::create_arena(call),
        wire::create_state::DISCRIMINATOR => instructions::create_state(call),
        wire::discard::DISCRIMINATOR => instructions::discard(call),
        wire::grow_arena::DISCRIMINATOR => instructions::grow_arena(call),
        wire::initialize::DISCRIMINATOR => instructions::initialize(call),
        wire::optimize::DISCRIMINATOR => instructions::optimize(call),
        wire::resize_state::DISCRIMINATOR => instructions::resize_state(call),
        wire::stage::DISCRIMINATOR => instructions::stage(call),
        wire::verify_integrity::DISCRIMINATOR => instructions::verify_integrity(call),
        wire::update_config::DISCRIMINATOR => instructions::update_config(call),
        wire::nominate_authority::DISCRIMINATOR => instructions::nominate_authority(call),
        wire::accept_authority::DISCRIMINATOR => instructions::accept_authority(call),
        wire::migrate::DISCRIMINATOR => instructions::migrate(call),
        wire::finalize::DISCRIMINATOR => instructions::finalize(call),
        _ => Err(ProgramError::InvalidInstructionData.into()),
    }
}
