//! Program accounts of loader v3 with a stated upgrade authority.
//!
//! The helpers of Mollusk and `LiteSVM` write no authority, which makes every program immutable; `Initialize` needs one.
//!
//! ```text
//! program       tag u32 = 2 | address of the program data
//! program data  tag u32 = 3 | slot u64 | option u8 | authority, 32 bytes | ELF
//! ```
//!
//! The ELF stands at the same offset with and without an authority. An authority that was given up leaves its 32 bytes
//! behind: only the option byte tells, and [`revoked_program_data`] makes such an account.

use mollusk_svm::program::{create_program_account_loader_v3, create_program_data_account_loader_v3};
use solana_account::Account;
use solana_loader_v3_interface::get_program_data_address;
use solana_pubkey::Pubkey;

const PROGRAM_DATA_TAG: u32 = 3;
const SLOT_OFFSET: usize = 4;
const OPTION_OFFSET: usize = 12;
const AUTHORITY_OFFSET: usize = 13;
const ELF_OFFSET: usize = 45;

/// The address of the program data of `program`.
pub fn address(program: &Pubkey) -> Pubkey {
    get_program_data_address(program)
}

/// The program account of `program`, executable, naming its program data.
pub fn program(program: &Pubkey) -> Account {
    create_program_account_loader_v3(program)
}

/// A program data account, last deployed in slot 0; without `authority` the program is immutable.
pub fn program_data(elf: &[u8], authority: Option<&Pubkey>) -> Account {
    let mut account = create_program_data_account_loader_v3(elf);
    let header = &mut account.data[..ELF_OFFSET];
    header.fill(0);
    header[..SLOT_OFFSET].copy_from_slice(&PROGRAM_DATA_TAG.to_le_bytes());
    if let Some(authority) = authority {
        header[OPTION_OFFSET] = 1;
        header[AUTHORITY_OFFSET..].copy_from_slice(authority.as_ref());
    }
    account
}

/// A program data account whose authority was given up, and still stands in the unused bytes.
pub fn revoked_program_data(elf: &[u8], former_authority: &Pubkey) -> Account {
    let mut account = program_data(elf, Some(former_authority));
    account.data[OPTION_OFFSET] = 0;
    account
}

/// Both accounts with their addresses, as a case or a world takes them.
pub fn pair(program_address: &Pubkey, elf: &[u8], authority: Option<&Pubkey>) -> [(Pubkey, Account); 2] {
    [(*program_address, program(program_address)), (address(program_address), program_data(elf, authority))]
}
