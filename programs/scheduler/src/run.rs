//! What `Dispatch` and `DispatchDirect` have in common.

use crate::load;
use cores::queue::{Finished, Handle, QueueMut, Refusal};
use cores::refuse;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::accounts::move_lamports;
use program_common::hash::sha256;
use program_common::siblings::Siblings;
use shared_layouts::account::keys_equal;
use shared_layouts::scheduler::{Entry, entry_flags};

/// The entry that is to run.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub slot: u16,
    pub generation: u32,
    pub program_id: &'a Address,
}

impl Run<'_> {
    /// The transaction's instructions, of which the current one has to be this program's own.
    #[inline(always)]
    pub(crate) fn siblings<'a>(&self, account: &'a AccountView) -> Result<Siblings<'a>, Refusal> {
        let siblings = Siblings::load(account).ok_or_else(|| refuse!(WrongInstructionsSysvar))?;
        if !siblings.current_is(self.program_id) {
            return Err(refuse!(fault: NotTopLevel));
        }
        Ok(siblings)
    }

    /// The entry, if this worker may dispatch it now.
    #[inline(always)]
    pub(crate) fn entry<'a>(&self, queue: &'a QueueMut, worker: &AccountView, now: i64) -> Result<&'a Entry, Refusal> {
        let handle = Handle { slot: self.slot, generation: self.generation };
        let entry = queue.dispatchable(handle, worker.address().as_array(), now)?;
        check_payable(entry, worker)?;
        Ok(entry)
    }
}

/// A worker who is owed a tip has to be writable.
#[inline(always)]
pub(crate) fn check_payable(entry: &Entry, worker: &AccountView) -> Result<(), Refusal> {
    if entry.tip_lamports != 0 && !worker.is_writable() { Err(ProgramError::Immutable.into()) } else { Ok(()) }
}

/// Compares the arguments of the call that follows with the entry's.
#[inline(always)]
pub(crate) fn check_arguments(entry: &Entry, arguments: &[u8]) -> Result<(), Refusal> {
    if entry.flags & entry_flags::COMMITTED != 0 {
        return check_commitment(entry, arguments);
    }
    let expected = entry.arguments.get(..usize::from(entry.arguments_bytes)).ok_or_else(|| refuse!(CorruptQueue))?;
    if arguments != expected {
        return Err(refuse!(WrongArguments));
    }
    Ok(())
}

/// Compares the length and the SHA-256 of the arguments with what the entry is committed to.
#[inline(never)]
fn check_commitment(entry: &Entry, arguments: &[u8]) -> Result<(), Refusal> {
    let (committed, _) = entry.arguments.split_first_chunk::<32>().ok_or_else(|| refuse!(CorruptQueue))?;
    if arguments.len() != usize::from(entry.arguments_bytes) || !keys_equal(&sha256(&[arguments]), committed) {
        return Err(refuse!(WrongArguments));
    }
    Ok(())
}

/// Pays the tip, and promises that of the next run, if there is one. The two accounts are taken by value, which keeps the callers'
/// own in registers.
#[inline(never)]
pub(crate) fn pay(
    mut queue: AccountView,
    mut worker: AccountView,
    finished: &Finished,
    run: &Run,
) -> Result<(), Refusal> {
    move_lamports(&mut queue, &mut worker, finished.tip_lamports).map_err(Refusal::passed_on)?;
    if !finished.recurs {
        return Ok(());
    }
    let purse_lamports = load::purse(&queue)?;
    // SAFETY: the borrow that finished the entry has ended.
    unsafe { load::any_queue(&mut queue, run.program_id) }?.promise_tip(run.slot, purse_lamports)
}
