//! What every account of the three programs begins with, and how one is recognised.

use crate::declare::layout;
use bytemuck::Pod;
use solana_program_error::ProgramError;

/// An address, as it lies in account and instruction data.
pub type Key = [u8; 32];

/// The key that stands for "none" in an optional key field.
pub const NO_KEY: Key = [0; 32];

layout! {
    /// First eight bytes of every account.
    AccountHeader: 8 {
        /// Kind of account, unique over the three programs.
        0 discriminator: u8,
        /// Version of the layout.
        1 version: u8,
        /// Canonical bump of the account's address.
        2 bump: u8,
        /// Meaning stated by each account: pause state, flags, lock or stage.
        3 state: u8,
        /// Zero.
        4 reserved: [u8; 4],
    }
}

/// A record that is the beginning of an account.
pub trait AccountLayout: Pod {
    /// Kind of account.
    const DISCRIMINATOR: u8;
    /// Current version of the layout.
    const VERSION: u8;
}

/// Checks discriminator and version, and returns the account's fixed part.
///
/// The length must be at least that of the fixed part; accounts with a tail check its length against their own counts.
///
/// # Errors
/// `InvalidAccountData`: too short, another kind of account, or another version. A program that returns it says
/// `Fault::WrongVersion` instead if it was the version; it finds that out on its way out, where it costs nobody else.
#[inline(always)]
pub fn load<T: AccountLayout>(bytes: &[u8]) -> Result<&T, ProgramError> {
    let fixed = bytes.get(..size_of::<T>()).ok_or(ProgramError::InvalidAccountData)?;
    if fixed[0] != T::DISCRIMINATOR || fixed[1] != T::VERSION {
        return Err(ProgramError::InvalidAccountData);
    }
    bytemuck::try_from_bytes(fixed).map_err(|_| ProgramError::InvalidAccountData)
}

/// [`load`], mutable.
///
/// # Errors
/// As [`load`].
#[inline(always)]
pub fn load_mut<T: AccountLayout>(bytes: &mut [u8]) -> Result<&mut T, ProgramError> {
    let fixed = bytes.get_mut(..size_of::<T>()).ok_or(ProgramError::InvalidAccountData)?;
    if fixed[0] != T::DISCRIMINATOR || fixed[1] != T::VERSION {
        return Err(ProgramError::InvalidAccountData);
    }
    bytemuck::try_from_bytes_mut(fixed).map_err(|_| ProgramError::InvalidAccountData)
}

/// Whether two keys are equal, by four words: `==` on bytes becomes a call of `memcmp`, which costs more.
#[inline(always)]
pub fn keys_equal(left: &Key, right: &Key) -> bool {
    let left: [u64; 4] = bytemuck::pod_read_unaligned(left);
    let right: [u64; 4] = bytemuck::pod_read_unaligned(right);
    left[0] == right[0] && left[1] == right[1] && left[2] == right[2] && left[3] == right[3]
}

/// `count * each`, for sizes: both are below 2^32, so the product fits.
///
/// The compiler's own overflow check of a 64-bit product needs 128-bit arithmetic, which the sBPF backend lacks, so this
/// is the one place where sizes are multiplied.
#[inline(always)]
pub const fn total_bytes(count: usize, each: usize) -> usize {
    debug_assert!(count <= u32::MAX as usize && each <= u32::MAX as usize, "a size is at most 2^32 - 1");
    count.wrapping_mul(each)
}
