//! The other instructions of the transaction, read in place from the instructions sysvar.
//!
//! Layout of the sysvar, all numbers u16 little-endian: number of instructions; offset of each; per instruction the number
//! of accounts, 33 bytes for each (flags, key), the program's key, the length of the data, the data; at the very end the
//! index of the current top-level instruction. The runtime writes it, so its inner lengths are trusted once the
//! account's address was compared.

use pinocchio::sysvars::instructions::{INSTRUCTIONS_ID, Instructions, IntrospectedInstruction};
use pinocchio::{AccountView, Address, address::address_eq};

/// The transaction's top-level instructions, seen from the current one.
pub struct Siblings<'a> {
    instructions: Instructions<&'a [u8]>,
    current: usize,
    count: usize,
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
        Some(Self { instructions, current, count })
    }

    /// Whether the current top-level instruction is one of `program`. The runtime refuses re-entry, so a program for which
    /// this holds was not called by another one.
    #[inline(always)]
    pub fn current_is(&self, program: &Address) -> bool {
        // SAFETY: the runtime's current index is in bounds.
        let current = unsafe { self.instructions.deserialize_instruction_unchecked(self.current) };
        address_eq(current.get_program_id(), program)
    }

    /// The instruction after the current one.
    #[inline(always)]
    pub fn next(&self) -> Option<IntrospectedInstruction<'_>> {
        self.get(self.current.wrapping_add(1))
    }

    /// The instruction before the current one.
    #[inline(always)]
    pub fn previous(&self) -> Option<IntrospectedInstruction<'_>> {
        self.get(self.current.wrapping_sub(1))
    }

    #[inline(always)]
    fn get(&self, index: usize) -> Option<IntrospectedInstruction<'_>> {
        if index >= self.count {
            return None;
        }
        // SAFETY: the index was just compared with the number of instructions.
        Some(unsafe { self.instructions.deserialize_instruction_unchecked(index) })
    }
}
