//! Arenas, states and targets, as handlers take them apart.

use crate::refusal::{Outcome, refuse};
use core::cmp::Ordering;
use cores::diff::arena::ArenaMut;
use cores::diff::wire::{Size, number};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::accounts::{
    is_owned_by as owned_by, read_fixed_part, read_unborrowed, split_unborrowed, write_unborrowed,
};
use program_common::clock;
use shared_layouts::account::{Key, keys_equal};
use shared_layouts::diff::{
    Arena, DiffConfig, DiffError, MAX_GROWTH_BYTES, MAX_STATE_BYTES, State, Target, batch_stage, lock_state,
    target_kind,
};
use shared_layouts::lifecycle::Fault;

/// An arena of this program, whoever owns it.
///
/// # Errors
/// `InvalidAccountOwner`, `NotAnArena`.
///
/// # Safety
/// Nobody may hold the account's data.
#[inline(always)]
pub(crate) unsafe fn arena_mut<'a>(account: &'a mut AccountView, program_id: &Address) -> Outcome<ArenaMut<'a>> {
    if !owned_by(account, program_id) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    // SAFETY: the caller's contract.
    let bytes = unsafe { account.borrow_unchecked_mut() };
    ArenaMut::load(bytes).ok_or_else(|| refuse!(NotAnArena))
}

/// The config of a program that is not paused.
///
/// # Errors
/// `InvalidAccountOwner`, `InvalidAccountData`, `Fault::Paused`.
///
/// # Safety
/// Nobody may hold the config's data mutably.
#[inline(never)]
pub(crate) unsafe fn running_config<'a>(config: &'a AccountView, program_id: &Address) -> Outcome<&'a DiffConfig> {
    // SAFETY: the caller's contract.
    unsafe { running_config_inline(config, program_id) }
}

/// [`running_config`] without a call.
///
/// # Errors
/// As [`running_config`].
///
/// # Safety
/// As [`running_config`].
#[inline(always)]
pub(crate) unsafe fn running_config_inline<'a>(
    config: &'a AccountView,
    program_id: &Address,
) -> Outcome<&'a DiffConfig> {
    // SAFETY: the caller's contract.
    let config: &DiffConfig = unsafe { read_unborrowed(config, program_id) }?;
    if config.lifecycle.is_paused(clock::now_by_syscall)? { Err(Fault::Paused.into()) } else { Ok(config) }
}

/// Checks that an instruction got one account for each place that its batch has.
///
/// # Errors
/// `NotEnoughAccountKeys`, `InvalidArgument`.
#[inline(never)]
pub(crate) fn check_number(accounts: usize, expected: usize) -> Outcome {
    match accounts.cmp(&expected) {
        Ordering::Less => Err(ProgramError::NotEnoughAccountKeys.into()),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(ProgramError::InvalidArgument.into()),
    }
}

/// An arena whose owner signs, with its batch in a stage that the instruction allows: bit n of `stages` is for stage n.
///
/// # Errors
/// `InvalidAccountOwner`, `NotAnArena`, `NotOwner`, `WrongStage`.
///
/// # Safety
/// As [`arena_mut`].
#[inline(never)]
pub(crate) unsafe fn own_arena<'a>(
    account: &'a mut AccountView,
    owner: &AccountView,
    program_id: &Address,
    stages: u8,
) -> Outcome<ArenaMut<'a>> {
    // SAFETY: the caller's contract.
    let arena = unsafe { arena_mut(account, program_id) }?;
    if !keys_equal(&arena.header.owner, owner.address().as_array()) {
        return Err(refuse!(NotOwner));
    }
    if u32::from(stages) >> (arena.header.header.state & 31) & 1 == 0 {
        return Err(refuse!(WrongStage));
    }
    Ok(arena)
}

/// A managed state: its header and its data.
///
/// # Errors
/// `InvalidAccountOwner`, `InvalidAccountData`.
///
/// # Safety
/// Nobody may hold the account's data.
#[inline(never)]
pub(crate) unsafe fn state_mut<'a>(
    account: &'a mut AccountView,
    program_id: &Address,
) -> Outcome<(&'a mut State, &'a mut [u8])> {
    // SAFETY: the caller's contract.
    Ok(unsafe { split_unborrowed(account, program_id) }?)
}

/// A managed state that `owner` signs for and no batch holds.
///
/// # Errors
/// Those of [`state_mut`]; `NotOwner`, `Locked`.
///
/// # Safety
/// As [`state_mut`].
#[inline(never)]
pub(crate) unsafe fn free_state<'a>(
    account: &'a mut AccountView,
    owner: &AccountView,
    program_id: &Address,
) -> Outcome<(&'a mut State, &'a mut [u8])> {
    // SAFETY: the caller's contract.
    let (header, data) = unsafe { state_mut(account, program_id) }?;
    if !keys_equal(&header.owner, owner.address().as_array()) {
        return Err(refuse!(NotOwner));
    }
    if header.header.state != lock_state::UNLOCKED {
        return Err(refuse!(Locked));
    }
    Ok((header, data))
}

/// A target as it is now.
pub(crate) struct Base<'a> {
    /// Its data.
    pub(crate) data: &'a [u8],
    /// Its version; `None` where another program counts it.
    pub(crate) version: Option<u64>,
    /// Where its data begins in the account.
    pub(crate) data_offset: usize,
}

impl<'a> Base<'a> {
    /// Reads a target. An account of this program must be a managed state; of another program's, the data begins at
    /// `data_offset`.
    ///
    /// # Errors
    /// `InvalidAccountData`, `InvalidRange`.
    ///
    /// # Safety
    /// Nobody may hold a state's or another program's data mutably.
    #[inline(never)]
    pub(crate) unsafe fn read(account: &'a AccountView, program_id: &Address, data_offset: u32) -> Outcome<Self> {
        // SAFETY: the caller's contract.
        unsafe { Self::read_inline(account, program_id, data_offset) }
    }

    /// [`Base::read`] without a call.
    ///
    /// # Errors
    /// As [`Base::read`].
    ///
    /// # Safety
    /// As [`Base::read`].
    #[inline(always)]
    pub(crate) unsafe fn read_inline(
        account: &'a AccountView,
        program_id: &Address,
        data_offset: u32,
    ) -> Outcome<Self> {
        // SAFETY: the caller's contract; an arena, which a handler holds, is refused below before anything else is read.
        let bytes = unsafe { account.borrow_unchecked() };
        if owned_by(account, program_id) {
            // SAFETY: as above.
            let state: &State = unsafe { read_fixed_part(account) }?;
            let data = bytes.get(State::BYTES..).unwrap_or_default();
            Ok(Self { data, version: Some(state.state_version), data_offset: State::BYTES })
        } else {
            let data_offset = data_offset as usize;
            let data = bytes.get(data_offset..).ok_or(DiffError::InvalidRange)?;
            Ok(Self { data, version: None, data_offset })
        }
    }

    /// Reads the target that stands at a place of the batch.
    ///
    /// # Errors
    /// `WrongTarget`, and those of [`Base::read`].
    ///
    /// # Safety
    /// As [`Base::read`].
    #[inline(never)]
    pub(crate) unsafe fn read_target(account: &'a AccountView, program_id: &Address, target: &Target) -> Outcome<Self> {
        if !keys_equal(&target.state, account.address().as_array()) {
            return Err(DiffError::WrongTarget.into());
        }
        // SAFETY: the caller's contract.
        unsafe { Self::read(account, program_id, target.data_offset) }
    }

    /// Whether it still is what the target was staged for, as far as version and length tell.
    #[inline(always)]
    pub(crate) fn is_base_of(&self, target: &Target) -> bool {
        self.data.len() == target.old_length as usize
            && match self.version {
                Some(version) => version == target.base_version && target.kind == target_kind::MANAGED,
                None => target.kind == target_kind::EXTERNAL,
            }
    }

    /// Checks that a batch may change this target, and returns the place of its record: the last one if it is the same
    /// account, or else the one behind.
    ///
    /// `new_length` may be `None` for the length that it has, or was staged with.
    ///
    /// # Errors
    /// `StaleBase`, `InvalidLength`, `TargetClosed`, `TooManyTargets`.
    #[inline(always)]
    pub(crate) fn place(&self, header: &Arena, staging: &Staging) -> Result<usize, DiffError> {
        let count = usize::from(header.targets_count);
        let targets = header.targets.get(..count).unwrap_or_default();
        if let [.., last] = targets
            && keys_equal(&last.state, staging.account)
        {
            let same_base = last.base_version == staging.base_version && self.is_base_of(last);
            if !same_base || last.data_offset as usize != self.data_offset {
                return Err(DiffError::StaleBase);
            }
            if staging.new_length.is_some_and(|length| length != last.new_length as usize) {
                return Err(DiffError::InvalidLength);
            }
            return Ok(count - 1);
        }
        if count >= header.targets.len() {
            return Err(DiffError::TooManyTargets);
        }
        for target in targets {
            if keys_equal(&target.state, staging.account) {
                return Err(DiffError::TargetClosed);
            }
        }
        let new_length = staging.new_length.unwrap_or(self.data.len());
        if new_length > MAX_STATE_BYTES || new_length > self.data.len().wrapping_add(MAX_GROWTH_BYTES) {
            return Err(DiffError::InvalidLength);
        }
        Ok(count)
    }

    /// Enters operations, which stand in the arena's space already, into its header.
    ///
    /// # Errors
    /// `TooManyTargets`, never at a place that [`Base::place`] gave.
    #[inline(always)]
    pub(crate) fn enter(&self, header: &mut Arena, place: usize, staging: &Staging, size: Size) -> Outcome {
        let target = header.targets.get_mut(place).ok_or(DiffError::TooManyTargets)?;
        let [old_length, data_offset] = [self.data.len(), self.data_offset].map(number);
        let [operations, bytes] = [size.operations, size.bytes].map(number);
        if place == usize::from(header.targets_count) {
            target.state = *staging.account;
            target.base_version = staging.base_version;
            target.old_length = old_length;
            target.new_length = staging.new_length.map_or(old_length, number);
            target.operations_offset = header.operations_bytes;
            target.operations_bytes = 0;
            target.data_offset = data_offset;
            target.kind = if self.version.is_some() { target_kind::MANAGED } else { target_kind::EXTERNAL };
            header.targets_count = header.targets_count.wrapping_add(1);
        }
        target.operations_bytes = target.operations_bytes.wrapping_add(bytes);
        header.operations = header.operations.wrapping_add(operations);
        header.operations_bytes = header.operations_bytes.wrapping_add(bytes);
        header.operations_in = header.operations_in.wrapping_add(size.operations as u64);
        header.bytes_in = header.bytes_in.wrapping_add(size.bytes as u64);
        Ok(())
    }
}

/// What an instruction stages for a target, beside the operations.
pub(crate) struct Staging<'a> {
    /// The target.
    pub(crate) account: &'a Key,
    /// Version that the operations are for.
    pub(crate) base_version: u64,
    /// Length afterwards, bytes; `None` for the one it has, or was staged with.
    pub(crate) new_length: Option<usize>,
}

/// Leaves the batch behind: the next one is open and empty.
#[inline(never)]
pub(crate) fn next_batch(header: &mut Arena) -> Outcome<()> {
    header.batch = header.batch.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    header.header.state = batch_stage::OPEN;
    header.deadline_at = 0;
    header.operations_bytes = 0;
    header.operations = 0;
    header.applied_operations = 0;
    header.applied_bytes = 0;
    header.restored_bytes = 0;
    header.seal_status = 0;
    header.targets_count = 0;
    header.applied_targets = 0;
    header.restored_targets = 0;
    Ok(())
}

/// A begun batch, as its targets know it.
pub(crate) struct Holder<'a> {
    /// The running program.
    pub(crate) program_id: &'a Address,
    /// Address of the arena.
    pub(crate) arena: Key,
}

impl Holder<'_> {
    /// Checks that `account` is the target at this place and that the batch holds it, and takes it apart.
    ///
    /// # Errors
    /// `WrongTarget`, and those of [`state_mut`].
    ///
    /// # Safety
    /// As [`state_mut`].
    #[inline(never)]
    pub(crate) unsafe fn held_state<'a>(
        &self,
        account: &'a mut AccountView,
        header: &Arena,
        place: usize,
    ) -> Outcome<&'a mut State> {
        let wrong = DiffError::WrongTarget;
        let target = header.targets.get(place).ok_or(wrong)?;
        if place >= usize::from(header.targets_count) || !keys_equal(&target.state, account.address().as_array()) {
            return Err(wrong.into());
        }
        if !account.is_writable() {
            return Err(ProgramError::Immutable.into());
        }
        // SAFETY: the caller's contract.
        let state: &mut State = unsafe { write_unborrowed(account, self.program_id) }?;
        let held = state.header.state == lock_state::LOCKED
            && state.lock_batch == header.batch
            && keys_equal(&state.lock_arena, &self.arena);
        if held { Ok(state) } else { Err(wrong.into()) }
    }
}

/// Data of a state that [`Holder::held_state`] accepted in this instruction.
///
/// # Safety
/// Nobody may hold the account's data.
#[inline(always)]
pub(crate) unsafe fn held_data(account: &mut AccountView) -> &mut [u8] {
    // SAFETY: the caller's contract.
    let bytes = unsafe { account.borrow_unchecked_mut() };
    bytes.get_mut(State::BYTES..).unwrap_or_default()
}

/// Releases a state from its batch.
#[inline(always)]
pub(crate) fn unlock(state: &mut State) {
    state.header.state = lock_state::UNLOCKED;
    state.lock_arena = [0; 32];
    state.lock_batch = 0;
    state.lock_deadline_at = 0;
}

/// A target's part of a region of the arena.
#[inline(always)]
pub(crate) fn section<'a>(region: &'a [u8], target: &Target) -> Result<&'a [u8], DiffError> {
    region
        .get(target.operations_offset as usize..)
        .and_then(|rest| rest.get(..target.operations_bytes as usize))
        .ok_or(DiffError::MalformedOperations)
}
