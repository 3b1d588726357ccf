//! What the instructions of orders share.

use crate::load;
use cores::queue::Refusal;
use cores::refuse;
use pinocchio::{AccountView, Address};
use shared_layouts::account::{Key, keys_equal};
use shared_layouts::scheduler::{MAX_CONSTRAINTS, Order, OrderShard, Shard};

/// Proves that `owner`, who signs, owns the shard, and returns how many orders the shard has opened.
///
/// The shard must not be held mutably.
#[inline(never)]
pub(crate) fn check_owner(shard: &AccountView, owner: &AccountView, program: &Address) -> Result<u64, Refusal> {
    // SAFETY: nobody holds the shard mutably.
    let shard: &Shard = unsafe { load::read_cold(shard, program) }?;
    if !keys_equal(&shard.owner, owner.address().as_array()) {
        return Err(refuse!(NotShardOwner));
    }
    Ok(shard.orders_created)
}

/// Loads an order for the shard that opened it, whose owner signs.
///
/// # Safety
/// Nobody may hold the data of the order or, mutably, of the shard.
#[inline(never)]
pub(crate) unsafe fn opened_order<'a>(
    order: &'a mut AccountView,
    shard: &AccountView,
    owner: &AccountView,
    program: &Address,
) -> Result<&'a mut Order, Refusal> {
    // SAFETY: the caller's contract.
    let order: &mut Order = unsafe { load::write_cold(order, program) }?;
    if !keys_equal(&order.shard, shard.address().as_array()) {
        return Err(refuse!(WrongShard));
    }
    check_owner(shard, owner, program)?;
    Ok(order)
}

/// Loads an order for a shard that takes part in it and whose owner signs, with the shard's index in the order.
///
/// # Safety
/// As [`opened_order`].
#[inline(never)]
pub(crate) unsafe fn shared_order<'a>(
    order: &'a mut AccountView,
    shard: &AccountView,
    owner: &AccountView,
    program: &Address,
) -> Result<(&'a mut Order, u8), Refusal> {
    // SAFETY: the caller's contract.
    let order: &mut Order = unsafe { load::write_cold(order, program) }?;
    check_owner(shard, owner, program)?;
    let key = shard.address().as_array();
    let shards: &[OrderShard] = order.shards.get(..usize::from(order.shards_count)).unwrap_or(&[]);
    let index = (0..).zip(shards).find(|(_, place)| keys_equal(&place.shard, key)).map(|(index, _)| index);
    match index {
        Some(index) => Ok((order, index)),
        None => Err(refuse!(NotInOrder)),
    }
}

/// Constraints in use.
pub(crate) fn constraints_in_use(order: &Order) -> usize {
    usize::from(order.constraints_count).min(MAX_CONSTRAINTS)
}

/// Counts a change of what is to be composed.
pub(crate) fn note_change(order: &mut Order) -> Result<(), Refusal> {
    order.constraints_version = order.constraints_version.checked_add(1).ok_or_else(|| refuse!(CorruptOrder))?;
    Ok(())
}

/// Writes a key to the log, in base 58.
#[cold]
pub(crate) fn log_key(key: &Key) {
    #[cfg(target_arch = "bpf")]
    // SAFETY: the syscall reads 32 bytes, which is what a key has.
    unsafe {
        pinocchio::syscalls::sol_log_pubkey(key.as_ptr());
    }
    #[cfg(not(target_arch = "bpf"))]
    core::hint::black_box(key);
}
