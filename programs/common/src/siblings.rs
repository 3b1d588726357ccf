//! The other instructions of the transaction, read in place from the instructions sysvar.
//!
//! Layout of the sysvar, all numbers u16 little-endian: number of instructions; offset of each; per instruction the number
//! of accounts, 33 bytes for each (flags, key), the program's key, the length of the data, the data; at the very end the
//! index of the current top-level instruction. The runtime writes it, so its inner lengths are trusted once the
//! account's address was compared.

#![allow(clippy::cast_ptr_alignment, reason = "the numbers of the sysvar are read unaligned")]

use core::marker::PhantomData;
use pinocchio::sysvars::instructions::{INSTRUCTIONS_ID, Instructions};
use pinocchio::{AccountView, Address, address::address_eq};
use shared_layouts::account::{Key, keys_equal};

/// Flags of a [`SiblingAccount`].
pub mod sibling_flags {
    /// The account signs the message.
    pub const SIGNER: u8 = 1;
    /// The account is writable in the message.
    pub const WRITABLE: u8 = 2;
}

/// One account of a top-level instruction, as the sysvar holds it.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub struct SiblingAccount {
    /// [`sibling_flags`], those of the whole message.
    pub flags: u8,
    /// Address.
    pub key: Key,
}

const _: () = assert!(size_of::<SiblingAccount>() == 33 && align_of::<SiblingAccount>() == 1);

impl SiblingAccount {
    /// The bytes of a list of accounts.
    #[inline(always)]
    pub fn bytes(accounts: &[Self]) -> &[u8] {
        // SAFETY: the record has no padding and no alignment, and the length is that of the list.
        unsafe { core::slice::from_raw_parts(accounts.as_ptr().cast::<u8>(), size_of_val(accounts)) }
    }
}

/// A top-level instruction, taken apart once: finding its program and data takes a multiplication by its number of
/// accounts, so a caller that looks twice should not walk there twice.
#[derive(Clone, Copy)]
pub struct Sibling<'a> {
    /// Its accounts.
    pub accounts: &'a [SiblingAccount],
    /// Its program.
    pub program: &'a Key,
    /// Its data.
    pub data: &'a [u8],
}

impl Sibling<'_> {
    /// Takes apart the instruction at `offset` of the sysvar.
    ///
    /// # Safety
    /// `sysvar` is the instructions sysvar, and `offset` one of those that it lists.
    #[inline(always)]
    unsafe fn at(sysvar: *const u8, offset: usize) -> Self {
        // SAFETY: the runtime lists offsets inside the sysvar.
        let start = unsafe { sysvar.add(offset) };
        // SAFETY: an instruction begins with the number of its accounts.
        let count = usize::from(unsafe { start.cast::<u16>().read_unaligned() });
        // SAFETY: the accounts follow, as many as were just read.
        let accounts = unsafe { start.add(2) };
        // SAFETY: as above; a `SiblingAccount` has no alignment and no invalid bytes.
        let accounts = unsafe { core::slice::from_raw_parts(accounts.cast::<SiblingAccount>(), count) };
        let program = accounts.as_ptr_range().end.cast::<Key>();
        // SAFETY: the program's key follows the accounts, and the length of the data follows it.
        let data = unsafe { program.add(1) }.cast::<u16>();
        // SAFETY: as above.
        let bytes = usize::from(unsafe { data.read_unaligned() });
        // SAFETY: the data follows its length.
        let data = unsafe { data.add(1) }.cast::<u8>();
        // SAFETY: as above.
        let data = unsafe { core::slice::from_raw_parts(data, bytes) };
        // SAFETY: as above; a key has no alignment and no invalid bytes.
        let program = unsafe { &*program };
        Self { accounts, program, data }
    }
}

/// The transaction's top-level instructions, seen from the current one.
#[derive(Clone)]
pub struct Siblings<'a> {
    /// First byte of the sysvar.
    sysvar: *const u8,
    /// Place of the current instruction's offset; the others' offsets stand beside it.
    offset: *const u16,
    current: usize,
    count: usize,
    bytes: PhantomData<&'a [u8]>,
}

impl<'a> Siblings<'a> {
    /// Reads the sysvar; `None` if the account is another one.
    #[inline(always)]
    pub fn load(account: &'a AccountView) -> Option<Self> {
        if !address_eq(account.address(), &INSTRUCTIONS_ID) {
            return None;
        }
        // SAFETY: the sysvar is never writable, so nobody holds it mutably.
        let bytes = unsafe { account.borrow_unchecked() };
        // SAFETY: the address says that the runtime wrote these bytes in the sysvar's layout.
        let instructions = unsafe { Instructions::new_unchecked(bytes) };
        let current = usize::from(instructions.load_current_index());
        let count = instructions.num_instructions();
        let sysvar = bytes.as_ptr();
        // SAFETY: the offsets follow the number of instructions, one for each, and the current index is in bounds.
        let offset = unsafe { sysvar.cast::<u16>().add(1 + current) };
        Some(Self { sysvar, offset, current, count, bytes: PhantomData })
    }

    /// Whether the current top-level instruction is one of `program`. The runtime refuses re-entry, so a program for which
    /// this holds was not called by another one.
    #[inline(always)]
    pub fn current_is(&self, program: &Address) -> bool {
        keys_equal(self.current().program, program.as_array())
    }

    /// The current top-level instruction, taken apart.
    #[inline(always)]
    pub fn current(&self) -> Sibling<'a> {
        // SAFETY: the runtime's current index is in bounds.
        unsafe { self.listed_at(self.offset) }
    }

    /// The instruction after the current one, taken apart.
    #[inline(always)]
    pub fn following(&self) -> Option<Sibling<'a>> {
        if self.current.wrapping_add(1) >= self.count {
            return None;
        }
        // SAFETY: there is another instruction after the current one.
        let offset = unsafe { self.offset.add(1) };
        // SAFETY: as above.
        Some(unsafe { self.listed_at(offset) })
    }

    /// The instruction before the current one, taken apart.
    #[inline(always)]
    pub fn preceding(&self) -> Option<Sibling<'a>> {
        if self.current == 0 {
            return None;
        }
        // SAFETY: there is another instruction before the current one.
        let offset = unsafe { self.offset.sub(1) };
        // SAFETY: as above.
        Some(unsafe { self.listed_at(offset) })
    }

    /// The top-level instruction at a position, taken apart.
    #[inline(always)]
    pub fn sibling(&self, index: usize) -> Option<Sibling<'a>> {
        if index >= self.count {
            return None;
        }
        // SAFETY: the index was just compared with the number of instructions.
        let offset = unsafe { self.sysvar.cast::<u16>().add(1 + index) };
        // SAFETY: as above.
        Some(unsafe { self.listed_at(offset) })
    }

    /// The first so many top-level instructions, in order; all of them if there are fewer.
    #[inline(always)]
    pub fn first(&self, count: usize) -> impl Iterator<Item = Sibling<'a>> + '_ {
        // SAFETY: the offsets follow the number of instructions, one for each.
        let offsets = unsafe { self.sysvar.add(2) }.cast::<[u8; 2]>();
        // SAFETY: as above.
        let offsets = unsafe { core::slice::from_raw_parts(offsets, count.min(self.count)) };
        // SAFETY: each offset is one of those that the sysvar lists.
        offsets.iter().map(|offset| unsafe { self.listed_at(core::ptr::from_ref(offset).cast()) })
    }

    /// Position of the current top-level instruction.
    #[inline(always)]
    pub fn current_index(&self) -> usize {
        self.current
    }

    /// # Safety
    /// `offset` is one of the places at which the sysvar lists an instruction's offset.
    #[inline(always)]
    unsafe fn listed_at(&self, offset: *const u16) -> Sibling<'a> {
        // SAFETY: the caller's contract.
        let offset = usize::from(unsafe { offset.read_unaligned() });
        // SAFETY: `load` compared the sysvar's address, and the offset is one that it lists.
        unsafe { Sibling::at(self.sysvar, offset) }
    }

    /// Number of the transaction's top-level instructions.
    #[inline(always)]
    pub fn count(&self) -> usize {
        self.count
    }
}
