//! The other instructions of the transaction, as the dispatch reads them.
//!
//! Layout of the sysvar, all numbers u16 little-endian: number of instructions; offset of each; per instruction the number
//! of accounts, 33 bytes for each (flags, key), the program's key, the length of the data, the data; at the very end the
//! index of the current top-level instruction. The runtime writes it, so its inner lengths are trusted once the
//! account's address was compared. Each instruction's place is worked out once.

use core::marker::PhantomData;
use pinocchio::sysvars::instructions::INSTRUCTIONS_ID;
use pinocchio::{AccountView, address::address_eq};
use shared_layouts::account::{Key, total_bytes};

/// Bytes of an account in the sysvar: flags, key.
const ACCOUNT_BYTES: usize = 33;

/// The transaction's top-level instructions, seen from the current one.
pub(crate) struct Siblings<'a> {
    bytes: &'a [u8],
    current: usize,
}

/// One instruction of the transaction.
pub(crate) struct Sibling<'a> {
    /// Program.
    pub program: &'a Key,
    /// Instruction data.
    pub data: &'a [u8],
    /// Number of accounts.
    pub accounts: usize,
    first_account: *const u8,
    bytes: PhantomData<&'a [u8]>,
}

/// An account of an instruction.
pub(crate) struct SiblingAccount<'a> {
    /// Bit 0: signer; bit 1: writable. Both as the whole message has them.
    pub flags: u8,
    /// The account's key.
    pub key: &'a Key,
}

impl<'a> Siblings<'a> {
    /// Reads the sysvar; `None` if the account is another one.
    #[inline(always)]
    pub(crate) fn load(account: &'a AccountView) -> Option<Self> {
        if !address_eq(account.address(), &INSTRUCTIONS_ID) {
            return None;
        }
        // SAFETY: the sysvar is never writable, so nobody holds it mutably.
        let bytes = unsafe { account.borrow_unchecked() };
        // SAFETY: the address says that the runtime wrote these bytes; they end with the current index.
        let current = unsafe { read(bytes.as_ptr().wrapping_add(bytes.len()).wrapping_sub(2)) };
        Some(Self { bytes, current })
    }

    /// The current top-level instruction.
    #[inline(always)]
    pub(crate) fn current(&self) -> Sibling<'a> {
        // SAFETY: the runtime's current index is in bounds.
        unsafe { self.at(self.current) }
    }

    /// The instruction after the current one.
    #[inline(always)]
    pub(crate) fn next(&self) -> Option<Sibling<'a>> {
        // SAFETY: the sysvar begins with the number of instructions.
        let count = unsafe { read(self.bytes.as_ptr()) };
        let index = self.current + 1;
        if index >= count {
            return None;
        }
        // SAFETY: the index was just compared with the number of instructions.
        Some(unsafe { self.at(index) })
    }

    /// # Safety
    /// `index` must be below the number of instructions.
    #[inline(always)]
    unsafe fn at(&self, index: usize) -> Sibling<'a> {
        let start = self.bytes.as_ptr();
        // SAFETY: the offsets follow the number of instructions; the caller says that this one exists.
        let offset = unsafe { read(start.wrapping_add(2 + total_bytes(index, 2))) };
        // SAFETY: the runtime wrote an instruction at this offset.
        let at = unsafe { start.add(offset) };
        // SAFETY: it begins with its number of accounts.
        let accounts = unsafe { read(at) };
        // SAFETY: the accounts are followed by the program's key.
        let program = unsafe { at.add(2 + total_bytes(accounts, ACCOUNT_BYTES)) };
        // SAFETY: the key is followed by the length of the data.
        let data_bytes = unsafe { read(program.wrapping_add(size_of::<Key>())) };
        Sibling {
            // SAFETY: 32 bytes, of alignment one, that live as long as the sysvar's.
            program: unsafe { &*program.cast::<Key>() },
            // SAFETY: the data follows its length.
            data: unsafe { core::slice::from_raw_parts(program.wrapping_add(size_of::<Key>() + 2), data_bytes) },
            accounts,
            first_account: at.wrapping_add(2),
            bytes: PhantomData,
        }
    }
}

impl<'a> Sibling<'a> {
    /// The account at a position, if there is one.
    #[inline(always)]
    pub(crate) fn account(&self, index: usize) -> Option<SiblingAccount<'a>> {
        if index >= self.accounts {
            return None;
        }
        let at = self.first_account.wrapping_add(total_bytes(index, ACCOUNT_BYTES));
        // SAFETY: the index was just compared with the number of accounts, each of which begins with its flags.
        let flags = unsafe { *at };
        // SAFETY: the flags are followed by the key, which lives as long as the sysvar's bytes.
        let key = unsafe { &*at.wrapping_add(1).cast::<Key>() };
        Some(SiblingAccount { flags, key })
    }
}

/// # Safety
/// Two bytes must be there.
#[inline(always)]
unsafe fn read(at: *const u8) -> usize {
    // SAFETY: the caller's contract; bytes have no alignment.
    usize::from(u16::from_le_bytes(unsafe { *at.cast::<[u8; 2]>() }))
}
