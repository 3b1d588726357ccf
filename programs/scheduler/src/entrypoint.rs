//! Dispatch by the first byte of the instruction data.

use crate::{Scheduler, instructions, metered, ordered};
use core::mem::MaybeUninit;
use core::ptr;
use cores::queue::Refusal;
use pinocchio::account::{MAX_PERMITTED_DATA_INCREASE, NOT_BORROWED};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::{Call, migration};
use shared_layouts::declare::Denial;
use shared_layouts::scheduler as wire;

/// Most accounts of an instruction: those of `SetConstraints` with as many new members as it takes, and one that is too
/// many. No other instruction takes more.
const MAX_ACCOUNTS: usize = wire::set_constraints::SPEC.accounts.len() + wire::MAX_NEW_MEMBERS + 1;

pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

/// Success, as the runtime expects it.
const SUCCESS: u64 = 0;

/// Where the virtual machine puts the input of every program: `MM_INPUT_START` of `solana-sbpf`.
const INPUT_ADDRESS: usize = 0x4_0000_0000;

/// The runtime's entrypoint.
///
/// Instructions with three to eight accounts take them straight from the input, which saves some twenty units each; what this
/// straight way cannot take goes the long way.
///
/// # Safety
/// `input` is what the runtime hands to a program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrypoint(input: *mut u8) -> u64 {
    // SAFETY: the input begins with the number of accounts.
    let count = unsafe { number(input) };
    // The accounts are moved into what is called with a reference to them, so that the handlers that are unfolded here keep them in
    // registers.
    if count == 6 {
        // SAFETY: the caller's contract, and the number of accounts.
        let walked = unsafe { walk::<6>(input) };
        if let Some((mut accounts, end)) = walked {
            // SAFETY: the accounts end there.
            let (data, program_id) = unsafe { data_and_program(end) };
            return status(match data {
                [wire::dispatch::DISCRIMINATOR, data @ ..] => {
                    instructions::dispatch(Call { program_id, accounts: &mut accounts, data })
                }
                [wire::claim::DISCRIMINATOR, data @ ..] => {
                    apart(instructions::claim_ordered, program_id, &mut { accounts }, data)
                }
                _ => process(program_id, &mut { accounts }, data),
            });
        }
    }
    match count {
        4 => {
            // SAFETY: the caller's contract, and the number of accounts.
            let walked = unsafe { walk::<4>(input) };
            if let Some((mut accounts, end)) = walked {
                // SAFETY: the accounts end there.
                let (data, program_id) = unsafe { data_and_program(end) };
                return status(match data {
                    [wire::enqueue::DISCRIMINATOR, data @ ..] => {
                        if instructions::is_plain_enqueue(data) {
                            instructions::enqueue(Call { program_id, accounts: &mut accounts, data })
                        } else {
                            apart(instructions::enqueue_any, program_id, &mut { accounts }, data)
                        }
                    }
                    [wire::reap::DISCRIMINATOR, data @ ..] => {
                        apart(instructions::reap, program_id, &mut { accounts }, data)
                    }
                    [wire::hold::DISCRIMINATOR, data @ ..] => {
                        apart(instructions::hold, program_id, &mut { accounts }, data)
                    }
                    [wire::redrive::DISCRIMINATOR, data @ ..] => {
                        apart(instructions::redrive, program_id, &mut { accounts }, data)
                    }
                    _ => process(program_id, &mut { accounts }, data),
                });
            }
        }
        5 => {
            // SAFETY: the caller's contract, and the number of accounts.
            let walked = unsafe { walk::<5>(input) };
            if let Some((mut accounts, end)) = walked {
                // SAFETY: the accounts end there.
                let (data, program_id) = unsafe { data_and_program(end) };
                return status(match data {
                    [wire::claim::DISCRIMINATOR, data @ ..] => {
                        apart(instructions::claim, program_id, &mut accounts, data)
                    }
                    [wire::fail::DISCRIMINATOR, data @ ..] => {
                        apart(instructions::fail, program_id, &mut accounts, data)
                    }
                    [wire::enqueue::DISCRIMINATOR, data @ ..] => {
                        apart(instructions::enqueue_ordered, program_id, &mut accounts, data)
                    }
                    _ => process(program_id, &mut accounts, data),
                });
            }
        }
        3 => {
            // SAFETY: the caller's contract, and the number of accounts.
            let walked = unsafe { walk::<3>(input) };
            if let Some((mut accounts, end)) = walked {
                // SAFETY: the accounts end there.
                let (data, program_id) = unsafe { data_and_program(end) };
                return status(process(program_id, &mut accounts, data));
            }
        }
        8 => {
            // SAFETY: the caller's contract, and the number of accounts.
            let walked = unsafe { walk::<8>(input) };
            if let Some((mut accounts, end)) = walked {
                // SAFETY: the accounts end there.
                let (data, program_id) = unsafe { data_and_program(end) };
                return status(match data {
                    [wire::dispatch_direct::DISCRIMINATOR, data @ ..] => {
                        apart(instructions::dispatch_direct, program_id, &mut accounts, data)
                    }
                    _ => process(program_id, &mut accounts, data),
                });
            }
        }
        7 => {
            // SAFETY: the caller's contract, and the number of accounts.
            let walked = unsafe { walk::<7>(input) };
            if let Some((mut accounts, end)) = walked {
                // SAFETY: the accounts end there.
                let (data, program_id) = unsafe { data_and_program(end) };
                return status(match data {
                    [wire::dispatch::DISCRIMINATOR, data @ ..] => {
                        apart(instructions::dispatch_ordered, program_id, &mut accounts, data)
                    }
                    _ => process(program_id, &mut accounts, data),
                });
            }
        }
        _ => {}
    }
    // SAFETY: the caller's contract; the accounts begin behind their number.
    unsafe { enter_any(input.wrapping_add(8)) }
}

/// What the runtime is told.
#[inline(always)]
fn status(result: Result<(), Refusal>) -> u64 {
    match result {
        Ok(()) => SUCCESS,
        Err(refusal) => refused(refusal),
    }
}

/// The entrypoint for any number of accounts, any of which may be passed twice.
///
/// # Safety
/// `accounts` is where the accounts begin in what the runtime hands to a program: that is at hand anyway where the straight way
/// ends, and the input is not.
#[cold]
#[inline(never)]
unsafe fn enter_any(accounts: *mut u8) -> u64 {
    let input = accounts.wrapping_sub(8);
    let mut places = [const { MaybeUninit::<AccountView>::uninit() }; MAX_ACCOUNTS];
    // SAFETY: the caller's contract.
    let call = unsafe { collect(input, &mut places) };
    status(process(call.program_id, call.accounts, call.data))
}

/// Says why an instruction was refused, unless it is one of a queue that is bound to an order. Such a one has an account more
/// than its plain form, which was therefore refused before anything was read; so it is looked at here, and the plain forms pay
/// nothing for it: nor for finding the input again, which is where it always is.
#[cold]
#[inline(never)]
fn refused(refusal: Refusal) -> u64 {
    let mut places = [const { MaybeUninit::<AccountView>::uninit() }; MAX_ACCOUNTS];
    // SAFETY: the virtual machine has the input there, and the handler has returned and holds nothing of it.
    let mut call = unsafe { collect(ptr::with_exposed_provenance_mut(INPUT_ADDRESS), &mut places) };
    let refusal = match metered::process(&mut call).or_else(|| ordered::process(&mut call)) {
        None => ordered::explained(refusal, call.accounts, call.program_id),
        Some(Ok(())) => return SUCCESS,
        Some(Err(refusal)) => refusal,
    };
    explained(refusal, call.program_id, call.accounts).number()
}

/// Takes all accounts, the instruction data and the program's id from the input.
///
/// Pinocchio's own is unrolled and takes several kilobytes. Like there, accounts beyond those that an instruction can have
/// are passed over.
///
/// # Safety
/// `input` is what the runtime hands to a program.
#[inline(never)]
unsafe fn collect(input: *mut u8, places: &mut [MaybeUninit<AccountView>; MAX_ACCOUNTS]) -> Call<'_> {
    // SAFETY: the input begins with the number of accounts.
    let count = unsafe { number(input) };
    let mut at = input.wrapping_add(8);
    for index in 0..count {
        // SAFETY: an account, or the number of the one that it repeats, begins here.
        let original = unsafe { *at };
        let account = if original == NOT_BORROWED {
            let account: *mut u8 = at;
            // SAFETY: it is not a duplicate, so its fields follow.
            at = unsafe { end_of_account(at) };
            account.cast()
        } else {
            at = at.wrapping_add(8);
            let Some(original) = places.get(usize::from(original)).filter(|_| index < MAX_ACCOUNTS) else { continue };
            // SAFETY: an account repeats only an earlier one, which was written when it was met.
            unsafe { original.assume_init_ref() }.account_ptr().cast_mut()
        };
        if let Some(place) = places.get_mut(index) {
            // SAFETY: an account's fields begin there.
            place.write(unsafe { AccountView::new_unchecked(account) });
        }
    }
    // SAFETY: the data and the program's id stand behind the accounts.
    let (data, program_id) = unsafe { data_and_program(at) };
    // SAFETY: the first `count` places, or all, were written above.
    let accounts = unsafe { core::slice::from_raw_parts_mut(places.as_mut_ptr().cast(), count.min(MAX_ACCOUNTS)) };
    Call { program_id, accounts, data }
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

/// Where the account that begins at `at` ends.
///
/// An account is: a byte that is 255 unless it repeats another one, flags, key, owner, lamports, the length of the data at
/// offset 80, the data at 88, room for 10,240 bytes more, padding to eight bytes, and eight bytes of rent epoch.
///
/// # Safety
/// An account begins there that is not a duplicate.
#[inline(always)]
unsafe fn end_of_account(at: *mut u8) -> *mut u8 {
    const LENGTH_OFFSET: usize = 80;
    const FIXED_BYTES: usize = 88 + MAX_PERMITTED_DATA_INCREASE + 8;
    // SAFETY: the length lies in the account's fields, aligned as they are.
    let bytes = unsafe { number(at.wrapping_add(LENGTH_OFFSET)) };
    let end = at.wrapping_add(bytes).wrapping_add(FIXED_BYTES);
    end.wrapping_add(end.align_offset(8))
}

/// The instruction data, which stand behind the accounts, and the program's id behind them.
///
/// # Safety
/// The accounts of the runtime's input end at `at`.
#[inline(always)]
unsafe fn data_and_program<'a>(at: *mut u8) -> (&'a [u8], &'a Address) {
    // SAFETY: behind the accounts stands the length of the instruction data.
    let bytes = unsafe { number(at) };
    let data = at.wrapping_add(8);
    // SAFETY: behind the data stands the program's id; an id has no alignment.
    let program_id = unsafe { &*data.wrapping_add(bytes).cast::<Address>() };
    // SAFETY: so many bytes of data are there.
    (unsafe { core::slice::from_raw_parts(data, bytes) }, program_id)
}

/// Takes the accounts from the input, unless one is passed twice, and says where they end.
///
/// # Safety
/// `input` is what the runtime hands to a program, with `N` accounts.
#[inline(always)]
unsafe fn walk<const N: usize>(input: *mut u8) -> Option<([AccountView; N], *mut u8)> {
    let mut at = input.wrapping_add(8);
    let mut accounts = [const { MaybeUninit::<AccountView>::uninit() }; N];
    for account in &mut accounts {
        // SAFETY: an account begins here.
        if unsafe { *at } != NOT_BORROWED {
            return None;
        }
        // SAFETY: as above; it is not a duplicate, so its fields follow.
        account.write(unsafe { AccountView::new_unchecked(at.cast()) });
        // SAFETY: as above.
        at = unsafe { end_of_account(at) };
    }
    // SAFETY: every account was written above.
    Some((unsafe { core::mem::transmute_copy::<_, [AccountView; N]>(&accounts) }, at))
}

/// Keeps a handler out of the code around it, and hands it its call in registers, where a reference to a call would be written and
/// read again.
#[inline(never)]
pub(crate) fn apart<E>(
    handler: impl FnOnce(Call) -> Result<(), E>,
    program_id: &Address,
    accounts: &mut [AccountView],
    data: &[u8],
) -> Result<(), E> {
    handler(Call { program_id, accounts, data })
}

/// Says so if what was refused is an account of another version.
#[cold]
#[inline(never)]
fn explained(refusal: Refusal, program_id: &Address, accounts: &[AccountView]) -> Refusal {
    Refusal::passed_on(Denial::of(migration::explain_status::<Scheduler>(refusal.number(), program_id, accounts)))
}

#[inline(never)]
fn process(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> Result<(), Refusal> {
    let [discriminator, rest @ ..] = data else {
        return Err(ProgramError::InvalidInstructionData.into());
    };
    // What is called most, or has to be cheap, is decided first.
    match *discriminator {
        wire::pause::DISCRIMINATOR => {
            instructions::pause(Call { program_id, accounts, data: rest }).map_err(Refusal::passed_on)
        }
        wire::resume::DISCRIMINATOR => {
            instructions::resume(Call { program_id, accounts, data: rest }).map_err(Refusal::passed_on)
        }
        _ => process_other(program_id, accounts, data),
    }
}

#[inline(never)]
fn process_other(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> Result<(), Refusal> {
    let [discriminator, data @ ..] = data else {
        return Err(ProgramError::InvalidInstructionData.into());
    };
    macro_rules! run {
        ($handler:ident) => {
            apart(instructions::$handler, program_id, accounts, data)
        };
    }
    match *discriminator {
        wire::enqueue::DISCRIMINATOR => ordered::enqueue(program_id, accounts, data),
        wire::claim::DISCRIMINATOR => ordered::claim(program_id, accounts, data),
        wire::dispatch::DISCRIMINATOR => ordered::dispatch(program_id, accounts, data),
        wire::dispatch_direct::DISCRIMINATOR => run!(dispatch_direct),
        wire::fail::DISCRIMINATOR => run!(fail),
        wire::reap::DISCRIMINATOR => run!(reap),
        wire::hold::DISCRIMINATOR => run!(hold),
        wire::redrive::DISCRIMINATOR => run!(redrive),
        wire::accept_shard_owner::DISCRIMINATOR => run!(accept_shard_owner),
        wire::cancel::DISCRIMINATOR => run!(cancel),
        wire::close_queue::DISCRIMINATOR => run!(close_queue),
        wire::create_queue::DISCRIMINATOR => run!(create_queue),
        wire::dead_letter::DISCRIMINATOR => run!(dead_letter),
        wire::deregister_shard::DISCRIMINATOR => run!(deregister_shard),
        wire::enqueue_batch::DISCRIMINATOR => run!(enqueue_batch),
        wire::grow_queue::DISCRIMINATOR => run!(grow_queue),
        wire::accept_authority::DISCRIMINATOR => run!(accept_authority).map_err(Refusal::passed_on),
        wire::finalize::DISCRIMINATOR => run!(finalize).map_err(Refusal::passed_on),
        wire::migrate::DISCRIMINATOR => run!(migrate).map_err(Refusal::passed_on),
        wire::nominate_authority::DISCRIMINATOR => run!(nominate_authority).map_err(Refusal::passed_on),
        wire::update_config::DISCRIMINATOR => run!(update_config).map_err(Refusal::passed_on),
        wire::initialize::DISCRIMINATOR => run!(initialize).map_err(Refusal::passed_on),
        wire::nominate_shard_owner::DISCRIMINATOR => run!(nominate_shard_owner),
        wire::purge::DISCRIMINATOR => run!(purge),
        wire::register_shard::DISCRIMINATOR => run!(register_shard),
        wire::release::DISCRIMINATOR => run!(release),
        wire::reprioritize::DISCRIMINATOR => run!(reprioritize),
        wire::requeue::DISCRIMINATOR => run!(requeue),
        wire::restore::DISCRIMINATOR => run!(restore),
        wire::set_direct::DISCRIMINATOR => run!(set_direct),
        wire::set_producer::DISCRIMINATOR => run!(set_producer),
        wire::set_quota::DISCRIMINATOR => run!(set_quota),
        wire::set_worker::DISCRIMINATOR => run!(set_worker),
        wire::update_queue::DISCRIMINATOR => run!(update_queue),
        wire::update_shard::DISCRIMINATOR => run!(update_shard),
        wire::accept_constraints::DISCRIMINATOR => run!(accept_constraints),
        wire::allocate_resources::DISCRIMINATOR => run!(allocate_resources),
        wire::close_order::DISCRIMINATOR => run!(close_order),
        wire::compose::DISCRIMINATOR => run!(compose),
        wire::create_order::DISCRIMINATOR => run!(create_order),
        wire::rotate_epoch::DISCRIMINATOR => run!(rotate_epoch),
        wire::set_constraints::DISCRIMINATOR => run!(set_constraints),
        wire::withdraw_purse::DISCRIMINATOR => run!(withdraw_purse),
        _ => Err(ProgramError::InvalidInstructionData.into()),
    }
}
