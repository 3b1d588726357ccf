//! Loads accounts for the instructions that are called most. The checks are those of `program_common::accounts`; the owner is
//! compared by words, and what the runtime guarantees is not checked again.

use cores::queue::{OrderedMut, Pauses, QueueMut, Refusal};
use cores::refuse;
use pinocchio::error::ProgramError;
use pinocchio::sysvars::clock::CLOCK_ID;
use pinocchio::{AccountView, Address};
use program_common::accounts::{self, rent_exempt_lamports};
use shared_layouts::account::{AccountLayout, keys_equal};
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{Order, OrderShard, Queue, SchedulerConfig, Shard, queue_flags};

/// Reads the fixed part of an account of `program`: owner first, then length, kind and version.
///
/// # Safety
/// Nobody may hold the account's data mutably.
#[inline(always)]
pub(crate) unsafe fn read<'a, T: AccountLayout>(account: &'a AccountView, program: &Address) -> Result<&'a T, Refusal> {
    if !accounts::is_owned_by(account, program) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    // SAFETY: the caller's contract.
    match unsafe { accounts::fixed_part(account) } {
        Some(fixed) => Ok(fixed),
        None => Err(ProgramError::InvalidAccountData.into()),
    }
}

/// [`read`], mutable, for instructions that are called seldom: one function makes all of their checks.
///
/// # Safety
/// Nobody may hold the account's data. One account passed in two positions is such a case, unless the two positions ask
/// for different kinds of account: then one of the loads fails.
#[inline(always)]
pub(crate) unsafe fn write_cold<'a, T: AccountLayout>(
    account: &'a mut AccountView,
    program: &Address,
) -> Result<&'a mut T, Refusal> {
    check_kind(account, program, [T::DISCRIMINATOR, T::VERSION], size_of::<T>())?;
    // SAFETY: the caller's contract.
    let bytes = unsafe { account.borrow_unchecked_mut() };
    const { assert!(align_of::<T>() <= 8) };
    // SAFETY: the length was just compared, the runtime aligns an account's data to 8 bytes, and a layout has no invalid
    // bytes.
    Ok(unsafe { &mut *bytes.as_mut_ptr().cast::<T>() })
}

/// [`read`] for instructions that are called seldom.
///
/// # Safety
/// Nobody may hold the account's data mutably.
#[inline(always)]
pub(crate) unsafe fn read_cold<'a, T: AccountLayout>(
    account: &'a AccountView,
    program: &Address,
) -> Result<&'a T, Refusal> {
    check_kind(account, program, [T::DISCRIMINATOR, T::VERSION], size_of::<T>())?;
    // SAFETY: the caller's contract.
    let bytes = unsafe { account.borrow_unchecked() };
    const { assert!(align_of::<T>() <= 8) };
    // SAFETY: as in `write_cold`.
    Ok(unsafe { &*bytes.as_ptr().cast::<T>() })
}

/// Compares owner, length, kind and version.
#[inline(never)]
fn check_kind(account: &AccountView, program: &Address, kind: [u8; 2], bytes: usize) -> Result<(), Refusal> {
    if !accounts::is_owned_by(account, program) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    // SAFETY: two bytes are copied, and an account of this program is held mutably only by whoever loaded it.
    let data = unsafe { account.borrow_unchecked() };
    // One by one: a comparison of slices is a syscall.
    match data {
        [discriminator, version, ..] if data.len() >= bytes && [*discriminator, *version] == kind => Ok(()),
        _ => Err(ProgramError::InvalidAccountData.into()),
    }
}

/// Reads the shard that a queue belongs to.
#[inline(always)]
pub(crate) fn shard_of<'a>(account: &'a AccountView, queue: &Queue, program: &Address) -> Result<&'a Shard, Refusal> {
    if !keys_equal(account.address().as_array(), &queue.shard) {
        return Err(refuse!(WrongShard));
    }
    // SAFETY: nobody holds a shard mutably while a queue of it is used.
    unsafe { read(account, program) }
}

/// [`shard_of`], not unfolded.
#[inline(never)]
pub(crate) fn shard_of_outlined<'a>(
    account: &'a AccountView,
    queue: &Queue,
    program: &Address,
) -> Result<&'a Shard, Refusal> {
    shard_of(account, queue, program)
}

/// [`now`], not unfolded.
#[inline(never)]
pub(crate) fn now_outlined(clock: &AccountView) -> Result<i64, Refusal> {
    now(clock)
}

/// [`queue`] for an instruction that is never lent a queue: the index of an order is not looked for.
///
/// # Safety
/// As there.
#[inline(always)]
pub(crate) unsafe fn plain_queue<'a>(account: &'a mut AccountView, program: &Address) -> Result<QueueMut<'a>, Refusal> {
    if !accounts::is_owned_by(account, program) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    // SAFETY: the caller's contract.
    let bytes = unsafe { account.borrow_unchecked_mut() };
    // SAFETY: the runtime aligns the data of an account to eight bytes.
    unsafe { QueueMut::load_plain(bytes) }
}

/// [`plain_queue`] for a dispatch, without a quota.
///
/// # Safety
/// As there.
#[inline(always)]
pub(crate) unsafe fn unmetered_queue<'a>(
    account: &'a mut AccountView,
    program: &Address,
) -> Result<QueueMut<'a>, Refusal> {
    if !accounts::is_owned_by(account, program) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    // SAFETY: the caller's contract.
    let bytes = unsafe { account.borrow_unchecked_mut() };
    // SAFETY: the runtime aligns the data of an account to eight bytes.
    unsafe { QueueMut::load_unmetered(bytes) }
}

/// Refuses a dispatch from a queue with a quota, unless `metered` has taken its flag away.
#[inline(always)]
pub(crate) fn check_unmetered(queue: &Queue) -> Result<(), Refusal> {
    if queue.header.state & queue_flags::METERED == 0 { Ok(()) } else { Err(refuse!(RegistryMissing)) }
}

/// Loads a queue with its slab.
///
/// # Safety
/// Nobody may hold the account's data.
#[inline(always)]
pub(crate) unsafe fn queue<'a>(account: &'a mut AccountView, program: &Address) -> Result<QueueMut<'a>, Refusal> {
    if !accounts::is_owned_by(account, program) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    // SAFETY: the caller's contract.
    let bytes = unsafe { account.borrow_unchecked_mut() };
    // SAFETY: the runtime aligns the data of an account to eight bytes.
    unsafe { QueueMut::load_aligned(bytes) }
}

/// [`queue`], not unfolded.
///
/// # Safety
/// As there.
#[inline(never)]
pub(crate) unsafe fn queue_outlined<'a>(
    account: &'a mut AccountView,
    program: &Address,
) -> Result<QueueMut<'a>, Refusal> {
    // SAFETY: the caller's contract.
    unsafe { queue(account, program) }
}

/// Loads a queue that may be bound to an order, for what leaves its entries alone.
///
/// # Safety
/// Nobody may hold the account's data.
#[inline(never)]
pub(crate) unsafe fn any_queue<'a>(account: &'a mut AccountView, program: &Address) -> Result<QueueMut<'a>, Refusal> {
    if !accounts::is_owned_by(account, program) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    // SAFETY: the caller's contract.
    QueueMut::load_any(unsafe { account.borrow_unchecked_mut() })
}

/// Loads a queue with the order that it is bound to. It may be lent to a verb.
///
/// # Safety
/// Nobody may hold the data of the two accounts.
#[inline(never)]
pub(crate) unsafe fn ordered_queue<'a>(
    queue: &'a mut AccountView,
    order: &'a mut AccountView,
    program: &Address,
) -> Result<OrderedMut<'a>, Refusal> {
    // SAFETY: the caller's contract.
    unsafe { bound::<true, 0>(queue, order, program) }
}

/// [`ordered_queue`] for an instruction that is never lent a queue, and whose own accounts say that the queue is writable; without any
/// of the flags in `REFUSED`.
///
/// # Safety
/// As there.
#[inline(always)]
pub(crate) unsafe fn bound_queue<'a, const REFUSED: u8>(
    queue: &'a mut AccountView,
    order: &'a mut AccountView,
    program: &Address,
) -> Result<OrderedMut<'a>, Refusal> {
    // SAFETY: the caller's contract.
    unsafe { bound::<false, REFUSED>(queue, order, program) }
}

/// Loads queue and order; `MAY_BE_LENT` says of the queue what [`ordered_queue`] and [`bound_queue`] say.
///
/// # Safety
/// Nobody may hold the data of the two accounts.
#[inline(always)]
unsafe fn bound<'a, const MAY_BE_LENT: bool, const REFUSED: u8>(
    queue: &'a mut AccountView,
    order: &'a mut AccountView,
    program: &Address,
) -> Result<OrderedMut<'a>, Refusal> {
    if !accounts::is_owned_by(queue, program) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    // The handlers of every queue find that out only after the queue was lent to them.
    if MAY_BE_LENT && !queue.is_writable() {
        return Err(ProgramError::Immutable.into());
    }
    if !order.is_writable() {
        return Err(ProgramError::Immutable.into());
    }
    // SAFETY: a view's pointer is valid as long as the view is, and a key is not part of the data that is borrowed below.
    let order_key = unsafe { &(*order.account_ptr()).address };
    // SAFETY: the caller's contract; the two are different kinds of account.
    let order: &mut Order = unsafe { accounts::write_unborrowed(order, program) }?;
    // SAFETY: the caller's contract.
    let bytes = unsafe { queue.borrow_unchecked_mut() };
    let queue = if MAY_BE_LENT {
        // SAFETY: the runtime aligns the data of an account to eight bytes.
        unsafe { OrderedMut::load_aligned(bytes, order) }?
    } else {
        // SAFETY: as above.
        unsafe { OrderedMut::load_bound::<REFUSED>(bytes, order) }?
    };
    if keys_equal(order_key.as_array(), &queue.header.order) { Ok(queue) } else { Err(refuse!(WrongOrder)) }
}

/// Loads an order that has to be writable.
///
/// # Safety
/// Nobody may hold the data of the account.
#[inline(always)]
pub(crate) unsafe fn writable_order<'a>(
    account: &'a mut AccountView,
    program: &Address,
) -> Result<&'a mut Order, Refusal> {
    if !account.is_writable() {
        return Err(ProgramError::Immutable.into());
    }
    // SAFETY: the caller's contract.
    unsafe { write_cold(account, program) }
}

/// A shard's place in an order.
#[inline(never)]
pub(crate) fn place_in_order<'a>(order: &'a mut Order, shard: &AccountView) -> Result<&'a mut OrderShard, Refusal> {
    let count = usize::from(order.shards_count);
    let mut places = order.shards.iter_mut().take(count);
    places.find(|place| keys_equal(&place.shard, shard.address().as_array())).ok_or_else(|| refuse!(NotInOrder))
}

/// The accounts of an instruction that are fixed, and the order behind them, if it is there.
#[inline(always)]
pub(crate) fn split_order(
    accounts: &mut [AccountView],
    fixed: usize,
) -> (&mut [AccountView], Option<&mut AccountView>) {
    if accounts.len() != fixed.wrapping_add(1) {
        return (accounts, None);
    }
    match accounts.split_last_mut() {
        Some((order, fixed)) => (fixed, Some(order)),
        None => (&mut [], None),
    }
}

/// Loads a capability and proves that the trusted processor made it for this queue's shard.
#[inline(always)]
pub(crate) fn capability<'a>(account: &'a AccountView, queue: &Queue) -> Result<&'a Capability, Refusal> {
    let capability = any_capability(account, queue)?;
    // A shard's address is derived from this program, so the processor, which recorded the owner of the shard's account as
    // the capability's scheduler, recorded this program.
    if keys_equal(&capability.shard, &queue.shard) { Ok(capability) } else { Err(refuse!(UnknownCapability)) }
}

/// Loads a capability that the trusted processor made, for whichever shard.
#[inline(always)]
pub(crate) fn any_capability<'a>(account: &'a AccountView, queue: &Queue) -> Result<&'a Capability, Refusal> {
    if !keys_equal(account.owner().as_array(), &queue.processor_program) {
        return Err(refuse!(UnknownCapability));
    }
    // SAFETY: the account belongs to another program, which this one never writes.
    unsafe { accounts::fixed_part(account) }.ok_or_else(|| refuse!(UnknownCapability))
}

/// [`capability`], not unfolded.
#[inline(never)]
pub(crate) fn capability_outlined<'a>(account: &'a AccountView, queue: &Queue) -> Result<&'a Capability, Refusal> {
    capability(account, queue)
}

/// Loads a queue for its shard's owner, who signs.
///
/// # Safety
/// Nobody may hold the data of the queue or of the shard.
#[inline(never)]
pub(crate) unsafe fn owned_queue<'a>(
    shard: &AccountView,
    owner: &AccountView,
    queue: &'a mut AccountView,
    program: &Address,
) -> Result<QueueMut<'a>, Refusal> {
    // SAFETY: the caller's contract.
    let queue = unsafe { self::queue_outlined(queue, program) }?;
    let shard = shard_of(shard, queue.header, program)?;
    if !keys_equal(&shard.owner, owner.address().as_array()) {
        return Err(refuse!(NotShardOwner));
    }
    Ok(queue)
}

/// [`owned_queue`] of a queue that may be bound to an order, for what leaves its entries alone.
///
/// # Safety
/// As there.
#[inline(never)]
pub(crate) unsafe fn any_owned_queue<'a>(
    shard: &AccountView,
    owner: &AccountView,
    queue: &'a mut AccountView,
    program: &Address,
) -> Result<QueueMut<'a>, Refusal> {
    // SAFETY: the caller's contract.
    let queue = unsafe { any_queue(queue, program) }?;
    let shard = shard_of_outlined(shard, queue.header, program)?;
    if !keys_equal(&shard.owner, owner.address().as_array()) {
        return Err(refuse!(NotShardOwner));
    }
    Ok(queue)
}

/// Refuses while the program or the shard is paused.
#[inline(always)]
pub(crate) fn check_running(config: &SchedulerConfig, shard: &Shard, now: i64) -> Result<(), Refusal> {
    if config.lifecycle.is_paused(|| Ok::<_, ProgramError>(now))? {
        return Err(refuse!(fault: Paused));
    }
    if shard.header.state != 0 {
        return Err(refuse!(ShardPaused));
    }
    Ok(())
}

/// The pauses that leases are compared with.
#[inline(always)]
pub(crate) fn pauses(config: &SchedulerConfig, shard: &Shard) -> Pauses {
    Pauses {
        config_count: config.lifecycle.pause_count,
        shard_count: shard.pause_count,
        config_started_at: config.lifecycle.pause_started_at,
        shard_started_at: shard.pause_started_at,
    }
}

/// Lamports of a queue's account above its rent, which only an entry with a tip needs to know.
#[inline(always)]
pub(crate) fn purse_lamports(queue: &AccountView, tip_lamports: u64) -> Result<u64, Refusal> {
    if tip_lamports == 0 {
        return Ok(0);
    }
    purse(queue)
}

/// Lamports of a queue's account above its rent, as the Rent sysvar has it.
#[cold]
#[inline(never)]
pub(crate) fn purse(queue: &AccountView) -> Result<u64, Refusal> {
    Ok(queue.lamports().saturating_sub(rent_exempt_lamports(queue.data_len()).map_err(Refusal::passed_on)?))
}

/// Unix seconds, from the Clock sysvar account.
#[inline(always)]
pub(crate) fn now(clock: &AccountView) -> Result<i64, Refusal> {
    const UNIX_TIMESTAMP_OFFSET: usize = 32;
    if !keys_equal(clock.address().as_array(), CLOCK_ID.as_array()) {
        return Err(ProgramError::UnsupportedSysvar.into());
    }
    // SAFETY: the sysvar is never writable, so nobody holds it mutably.
    let bytes = unsafe { clock.borrow_unchecked() };
    // SAFETY: the address says that it is the Clock sysvar, which has 40 bytes; a byte has no alignment.
    let seconds = unsafe { *bytes.as_ptr().wrapping_add(UNIX_TIMESTAMP_OFFSET).cast::<[u8; 8]>() };
    Ok(i64::from_le_bytes(seconds))
}
