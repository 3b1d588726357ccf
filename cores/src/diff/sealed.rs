//! A sealed arena, for protocols that keep their own accounts.
//!
//! Such a protocol stages a batch for its own account, seals it, and has its own program apply it: no lock is needed, because
//! it happens in one instruction. The arena is then discarded.

use super::arena::ArenaRef;
use super::memory::Memory;
use super::wire;
use shared_layouts::account::{Key, keys_equal};
use shared_layouts::diff::{Arena, DiffError, Target, batch_stage};

/// A batch that was validated when it was sealed, and cannot change since.
pub struct Sealed<'a> {
    arena: ArenaRef<'a>,
}

impl<'a> Sealed<'a> {
    /// Reads an arena's data. The caller has checked that the account belongs to the diff program, and knows whose arena it
    /// lets in: see [`Sealed::header`].
    ///
    /// # Errors
    /// `NotAnArena`; `WrongStage` if its batch is not sealed.
    pub fn load(bytes: &'a [u8]) -> Result<Self, DiffError> {
        let arena = ArenaRef::load(bytes).ok_or(DiffError::NotAnArena)?;
        if arena.header.header.state != batch_stage::SEALED {
            return Err(DiffError::WrongStage);
        }
        Ok(Self { arena })
    }

    /// Fixed part of the arena: owner, number of the batch, digest.
    pub const fn header(&self) -> &Arena {
        self.arena.header
    }

    /// What the batch says of an account.
    ///
    /// # Errors
    /// `WrongTarget` if it does not change it.
    pub fn target(&self, account: &Key) -> Result<&Target, DiffError> {
        let header = self.arena.header;
        let targets = header.targets.iter().take(usize::from(header.targets_count));
        targets.into_iter().find(|target| keys_equal(&target.state, account)).ok_or(DiffError::WrongTarget)
    }

    /// Applies the batch's operations for `account` to `data` and returns their number.
    ///
    /// `version` is what the caller counts for that account; it must be the one that the batch was staged for, and the
    /// caller raises it afterwards. `data` is what stands behind the target's `data_offset`; if the batch makes it longer, it
    /// has been grown by zeros, and if the batch makes it shorter, the caller cuts it to `new_length` afterwards.
    ///
    /// # Errors
    /// `WrongTarget`, `StaleBase` (version, length or a byte that an operation replaces), and those of
    /// [`wire::check`]; `data` is unchanged.
    pub fn apply<M: Memory>(&self, account: &Key, version: u64, data: &mut [u8]) -> Result<usize, DiffError> {
        let target = self.target(account)?;
        if target.base_version != version || data.len() != target.old_length.max(target.new_length) as usize {
            return Err(DiffError::StaleBase);
        }
        let operations = section(self.arena.operations, target).ok_or(DiffError::MalformedOperations)?;
        let inverse = section(self.arena.inverse, target).ok_or(DiffError::MalformedOperations)?;
        let count = wire::check(operations, target.new_length as usize)?;
        wire::check_base::<M>(inverse, data)?;
        wire::apply::<M>(operations, data)?;
        Ok(count)
    }
}

/// A target's part of a region.
fn section<'a>(region: &'a [u8], target: &Target) -> Option<&'a [u8]> {
    region.get(target.operations_offset as usize..)?.get(..target.operations_bytes as usize)
}
