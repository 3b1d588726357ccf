//! Loads accounts for the instructions that are called most. The checks are those of `program_common::accounts`; the owner is
//! compared by words, and what the runtime guarantees is not checked again.

use cores::queue::{QueueMut, Refusal};
use cores::refuse;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use shared_layouts::account::{AccountLayout, keys_equal};
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{Queue, Shard};

/// Reads the fixed part of an account of `program`: owner first, then length, kind and version.
///
/// # Safety
/// Nobody may hold the account's data mutably.
#[inline(always)]
pub(crate) unsafe fn read<'a, T: AccountLayout>(account: &'a AccountView, program: &Address) -> Result<&'a T, Refusal> {
    if !keys_equal(account.owner().as_array(), program.as_array()) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    // SAFETY: the caller's contract.
    fixed_part(unsafe { account.borrow_unchecked() }).ok_or_else(|| ProgramError::InvalidAccountData.into())
}

/// The fixed part of an account's data, if length, kind and version are right.
#[inline(always)]
fn fixed_part<T: AccountLayout>(data: &[u8]) -> Option<&T> {
    if data.len() < size_of::<T>() {
        return None;
    }
    if bytemuck::pod_read_unaligned::<u16>(&data[..2]) != u16::from_le_bytes([T::DISCRIMINATOR, T::VERSION]) {
        return None;
    }
    // SAFETY: the data is long enough, as was just checked; the runtime aligns it to eight bytes, and no layout needs more.
    Some(unsafe { &*data.as_ptr().cast::<T>() })
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

/// Loads a queue with its slab.
///
/// # Safety
/// Nobody may hold the account's data.
#[inline(always)]
pub(crate) unsafe fn queue<'a>(account: &'a mut AccountView, program: &Address) -> Result<QueueMut<'a>, Refusal> {
    if !keys_equal(account.owner().as_array(), program.as_array()) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    // SAFETY: the caller's contract.
    QueueMut::load(unsafe { account.borrow_unchecked_mut() })
}

/// Loads a capability and proves that the trusted processor made it for this queue's shard.
#[inline(always)]
pub(crate) fn capability<'a>(account: &'a AccountView, queue: &Queue) -> Result<&'a Capability, Refusal> {
    if !keys_equal(account.owner().as_array(), &queue.processor_program) {
        return Err(refuse!(UnknownCapability));
    }
    // SAFETY: the account belongs to another program, which this one never writes.
    let capability: &Capability =
        fixed_part(unsafe { account.borrow_unchecked() }).ok_or_else(|| refuse!(UnknownCapability))?;
    // A shard's address is derived from this program, so the processor, which recorded the owner of the shard's account as
    // the capability's scheduler, recorded this program.
    if keys_equal(&capability.shard, &queue.shard) { Ok(capability) } else { Err(refuse!(UnknownCapability)) }
}
