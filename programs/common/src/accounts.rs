//! Account checks and the creation of program-derived accounts.

use crate::{Outcome, Singleton, fault};
use pinocchio::account::MAX_PERMITTED_DATA_INCREASE;
use pinocchio::cpi::{Seed, Signer};
use pinocchio::error::ProgramError;
use pinocchio::sysvars::{get_sysvar, rent::RENT_ID};
use pinocchio::{AccountView, Address, UnsafeResize, address::address_eq};
use pinocchio_system::instructions::{Allocate, Assign, CreateAccount, Transfer};
use shared_layouts::account::{AccountLayout, total_bytes};
use shared_layouts::declare::Denial;
use shared_layouts::lifecycle::Fault;

/// Most seeds of an address here, the bump included.
const MAX_SEEDS: usize = 4;

/// Whether `program` owns the account, by words: `AccountView::owned_by` compares with `memcmp`, which costs three times
/// as much.
#[inline(always)]
pub fn is_owned_by(account: &AccountView, program: &Address) -> bool {
    let account = account.account_ptr();
    // SAFETY: a view's pointer is valid as long as the view is, and an owner changes only through a mutable view.
    let owner = unsafe { &(*account).owner };
    address_eq(owner, program)
}

/// Reads the fixed part of an account of `program`: owner first, then kind and version.
///
/// # Errors
/// `InvalidAccountOwner`, `InvalidAccountData`.
///
/// # Safety
/// Nobody may hold the account's data mutably.
#[inline(always)]
pub unsafe fn read_unborrowed<'a, T: AccountLayout>(account: &'a AccountView, program: &Address) -> Outcome<&'a T> {
    if !is_owned_by(account, program) {
        return Err(invalid_owner());
    }
    // SAFETY: the caller's contract.
    unsafe { read_fixed_part(account) }
}

/// Reads the fixed part of an account whose owner or address was compared already: length, kind and version.
///
/// # Errors
/// `InvalidAccountData`.
///
/// # Safety
/// Nobody may hold the account's data mutably.
#[inline(always)]
pub unsafe fn read_fixed_part<T: AccountLayout>(account: &AccountView) -> Outcome<&T> {
    // SAFETY: the caller's contract.
    unsafe { fixed_part(account) }.ok_or_else(invalid_data)
}

/// [`read_fixed_part`] without an error.
///
/// # Safety
/// Nobody may hold the account's data mutably.
#[inline(always)]
pub unsafe fn fixed_part<T: AccountLayout>(account: &AccountView) -> Option<&T> {
    // SAFETY: the caller's contract.
    let bytes = unsafe { account.borrow_unchecked() };
    if is_of_kind::<T>(bytes) {
        // SAFETY: the length was compared, the runtime aligns an account's data to 8 bytes, and a layout is never more
        // aligned than that and has no invalid bytes.
        Some(unsafe { &*bytes.as_ptr().cast::<T>() })
    } else {
        None
    }
}

/// Whether the bytes are long enough for `T` and begin with its kind and version, which are compared as one number.
#[inline(always)]
fn is_of_kind<T: AccountLayout>(bytes: &[u8]) -> bool {
    const { assert!(size_of::<T>() >= 2 && align_of::<T>() <= 8) };
    let expected = u16::from_le_bytes([T::DISCRIMINATOR, T::VERSION]);
    // SAFETY: read only if the length, compared first, covers it.
    bytes.len() >= size_of::<T>() && unsafe { bytes.as_ptr().cast::<u16>().read_unaligned() } == expected
}

// Functions of their own, so that no check prepares its error before it is needed.
#[cold]
#[inline(never)]
fn invalid_owner() -> Denial {
    ProgramError::InvalidAccountOwner.into()
}

#[cold]
#[inline(never)]
fn invalid_data() -> Denial {
    ProgramError::InvalidAccountData.into()
}

/// [`read_unborrowed`], mutable.
///
/// # Errors
/// `InvalidAccountOwner`, `InvalidAccountData`.
///
/// # Safety
/// Nobody may hold the account's data. One account passed in two positions is such a case, unless the two positions ask
/// for different kinds of account: then one of the loads fails.
#[inline(always)]
pub unsafe fn write_unborrowed<'a, T: AccountLayout>(
    account: &'a mut AccountView,
    program: &Address,
) -> Outcome<&'a mut T> {
    if !is_owned_by(account, program) {
        return Err(invalid_owner());
    }
    // SAFETY: the caller's contract.
    let bytes = unsafe { account.borrow_unchecked_mut() };
    if is_of_kind::<T>(bytes) {
        // SAFETY: as in `read_fixed_part`; the bytes are borrowed mutably.
        Ok(unsafe { &mut *bytes.as_mut_ptr().cast::<T>() })
    } else {
        Err(invalid_data())
    }
}

/// [`write_unborrowed`], and what follows the fixed part.
///
/// # Errors
/// As there.
///
/// # Safety
/// As there.
#[inline(always)]
pub unsafe fn split_unborrowed<'a, T: AccountLayout>(
    account: &'a mut AccountView,
    program: &Address,
) -> Outcome<(&'a mut T, &'a mut [u8])> {
    if !is_owned_by(account, program) {
        return Err(invalid_owner());
    }
    // SAFETY: the caller's contract.
    let bytes = unsafe { account.borrow_unchecked_mut() };
    if !is_of_kind::<T>(bytes) {
        return Err(invalid_data());
    }
    // SAFETY: the length was compared.
    let (fixed, rest) = unsafe { bytes.split_at_mut_unchecked(size_of::<T>()) };
    // SAFETY: as in `read_fixed_part`; the bytes are borrowed mutably.
    Ok((unsafe { &mut *fixed.as_mut_ptr().cast::<T>() }, rest))
}

/// The fixed part of an account that was just created.
///
/// # Errors
/// `InvalidAccountData` if the account is too short.
pub fn fresh<T: bytemuck::Pod>(bytes: &mut [u8]) -> Outcome<&mut T> {
    let fixed = bytes.get_mut(..size_of::<T>()).ok_or(ProgramError::InvalidAccountData)?;
    bytemuck::try_from_bytes_mut(fixed).map_err(|_| ProgramError::InvalidAccountData.into())
}

/// A program-derived account to create.
pub struct NewAccount<'a> {
    /// The account; must be system-owned and empty.
    pub account: &'a mut AccountView,
    /// Pays the rent.
    pub payer: &'a AccountView,
    /// Owner from now on, which the address is derived from.
    pub program: &'a Address,
    /// Seeds of the address, without the bump; at most three.
    pub seeds: &'a [&'a [u8]],
    /// Length, bytes; all zero.
    pub bytes: usize,
}

impl NewAccount<'_> {
    /// Checks everything that [`Self::create`] needs, and returns the canonical bump of the account's address.
    ///
    /// What the system program would find out after it had written is checked here: who pays, and that it can.
    ///
    /// # Errors
    /// `Fault::WrongAddress` if the seeds give another address, `Fault::AlreadyInitialized` if the account has an owner
    /// or data, both in the range of program `P`; `InvalidArgument` if the account is to pay for itself;
    /// `InvalidAccountOwner` or `InvalidAccountData` if the payer is not a system account without data;
    /// `InsufficientFunds` if it has too few lamports.
    #[inline(never)]
    pub fn check<P: Singleton>(&self) -> Outcome<u8> {
        let (address, bump) = Address::find_program_address(self.seeds, self.program);
        if self.account.address() != &address {
            return Err(fault::<P>(Fault::WrongAddress));
        }
        if !self.account.owned_by(&pinocchio_system::ID) || self.account.data_len() != 0 {
            return Err(fault::<P>(Fault::AlreadyInitialized));
        }
        if self.payer.address() == &address {
            return Err(ProgramError::InvalidArgument.into());
        }
        check_payer(self.payer, rent_exempt_lamports(self.bytes)?.saturating_sub(self.account.lamports()))?;
        Ok(bump)
    }

    /// Creates the account and returns the canonical bump of its address. Lamports that were sent to the address before
    /// count towards the rent and do not block it.
    ///
    /// # Errors
    /// As [`Self::check`], and what the system program returns.
    #[inline(always)]
    pub fn create<P: Singleton>(self) -> Outcome<u8> {
        let bump = self.check::<P>()?;
        self.create_checked(bump)?;
        Ok(bump)
    }

    /// Creates the account, for which [`Self::check`] has returned `bump`.
    ///
    /// # Errors
    /// What the system program returns.
    #[inline(never)]
    pub fn create_checked(self, bump: u8) -> Outcome {
        let bump_seed = [bump];
        let mut seeds: [Seed; MAX_SEEDS] = core::array::from_fn(|_| Seed::from(&bump_seed[..]));
        for (place, seed) in seeds.iter_mut().zip(self.seeds) {
            *place = Seed::from(*seed);
        }
        let seeds = seeds.get(..=self.seeds.len()).ok_or(ProgramError::MaxSeedLengthExceeded)?;
        let signers = &[Signer::from(seeds)];
        let Self { account, payer, program: owner, bytes, .. } = self;
        let rent_lamports = rent_exempt_lamports(bytes)?;
        let space = bytes as u64;
        if account.lamports() == 0 {
            CreateAccount { from: payer, to: account, lamports: rent_lamports, space, owner }.invoke_signed(signers)?;
            return Ok(());
        }
        let lamports = rent_lamports.saturating_sub(account.lamports());
        if lamports > 0 {
            transfer(payer, account, lamports)?;
        }
        Allocate { account, space }.invoke_signed(signers)?;
        Assign { account, owner }.invoke_signed(signers)?;
        Ok(())
    }
}

/// Has the system program move lamports from an account that signs.
///
/// # Errors
/// What the system program returns.
#[inline(never)]
pub fn transfer(from: &AccountView, to: &AccountView, lamports: u64) -> Outcome {
    Transfer { from, to, lamports }.invoke()?;
    Ok(())
}

/// Checks that an account can pay so many lamports through the system program.
///
/// # Errors
/// `InvalidAccountOwner` or `InvalidAccountData` if it is not a system account without data; `InsufficientFunds`.
pub fn check_payer(payer: &AccountView, lamports: u64) -> Outcome {
    if !payer.owned_by(&pinocchio_system::ID) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    if payer.data_len() != 0 {
        return Err(ProgramError::InvalidAccountData.into());
    }
    if payer.lamports() < lamports { Err(ProgramError::InsufficientFunds.into()) } else { Ok(()) }
}

/// Changes an account's length; new bytes are zero.
///
/// # Errors
/// `AccountBorrowFailed` if its data is held; `InvalidRealloc` if it would grow by more than one instruction may add.
///
/// # Safety
/// The account's length must not have changed before in the same instruction.
pub unsafe fn resize(account: &mut AccountView, bytes: usize) -> Outcome {
    account.check_borrow_mut()?;
    if bytes.saturating_sub(account.data_len()) > MAX_PERMITTED_DATA_INCREASE {
        return Err(ProgramError::InvalidRealloc.into());
    }
    // SAFETY: the data is not held, as was just checked; it grows by no more than the room that the runtime keeps behind
    // it, since by the caller's contract its length is still the original one.
    unsafe { UnsafeResize::resize(account, bytes) };
    Ok(())
}

/// Least lamports that an account of so many bytes must hold, from the Rent sysvar.
///
/// The sysvar has a price per byte and, as a float, a number of years that were once paid in advance: two on clusters
/// from before the price was doubled, one since. Other values have never existed.
///
/// # Errors
/// `UnsupportedSysvar` if the sysvar holds anything else.
#[inline(never)]
pub fn rent_exempt_lamports(bytes: usize) -> Outcome<u64> {
    const STORAGE_OVERHEAD_BYTES: usize = 128;
    const ONE: [u8; 8] = 1.0f64.to_le_bytes();
    const TWO: [u8; 8] = 2.0f64.to_le_bytes();
    let mut sysvar = [0u8; 16];
    get_sysvar(&mut sysvar, &RENT_ID, 0)?;
    let [price, years]: [[u8; 8]; 2] = bytemuck::cast(sysvar);
    let years = match years {
        ONE => 1,
        TWO => 2,
        _ => return Err(ProgramError::UnsupportedSysvar.into()),
    };
    let price = u32::try_from(u64::from_le_bytes(price)).map_err(|_| ProgramError::UnsupportedSysvar)?;
    let years_bytes = total_bytes(STORAGE_OVERHEAD_BYTES + bytes, years);
    Ok(total_bytes(years_bytes, price as usize) as u64)
}

/// Moves lamports between two accounts of which `from` belongs to the running program.
///
/// # Errors
/// `InsufficientFunds`, `ArithmeticOverflow`.
pub fn move_lamports(from: &mut AccountView, to: &mut AccountView, lamports: u64) -> Outcome {
    let left = from.lamports().checked_sub(lamports).ok_or(ProgramError::InsufficientFunds)?;
    let sum = to.lamports().checked_add(lamports).ok_or(ProgramError::ArithmeticOverflow)?;
    from.set_lamports(left);
    to.set_lamports(sum);
    Ok(())
}
