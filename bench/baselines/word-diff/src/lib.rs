//! Baseline: a diff that compares two accounts word by word and writes each run of words that differ.
//!
//! Accounts: `[writable]` output, `[]` target, `[]` source, both of the same length. No instruction data.
//!
//! ```text
//! output:  | runs: u32 | offset: u32 | length: u32 | bytes of the source ... | offset ...
//! ```

#![no_std]

use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address, ProgramResult};
// Its memory functions are what the compiler's calls are linked to.
use program_common as _;

/// Bytes of a word.
const WORD_BYTES: usize = 8;
/// Bytes before the runs.
const HEADER_BYTES: usize = 4;

pinocchio::program_entrypoint!(process_instruction, 3);
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

fn process_instruction(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let [output, target, source] = accounts else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };
    if !data.is_empty() {
        return Err(ProgramError::InvalidInstructionData);
    }
    if !output.owned_by(program_id) {
        return Err(ProgramError::InvalidAccountOwner);
    }
    let mut output = output.try_borrow_mut()?;
    let target = target.try_borrow()?;
    let source = source.try_borrow()?;
    if target.len() != source.len() {
        return Err(ProgramError::InvalidAccountData);
    }
    let (header, runs) = output.split_first_chunk_mut::<HEADER_BYTES>().ok_or(ProgramError::AccountDataTooSmall)?;
    *header = write_runs(&target, &source, runs)?.to_le_bytes();
    Ok(())
}

/// Writes each run of words of `source` that are not those of `target`; returns how many.
fn write_runs(target: &[u8], source: &[u8], mut output: &mut [u8]) -> Result<u32, ProgramError> {
    let mut count = 0;
    let mut begin = None;
    let mut at = 0;
    let (old_words, _) = target.as_chunks::<WORD_BYTES>();
    let (new_words, _) = source.as_chunks::<WORD_BYTES>();
    for (old, new) in old_words.iter().zip(new_words) {
        // One comparison of eight bytes: slices would be compared by a syscall.
        let is_equal = u64::from_le_bytes(*old) == u64::from_le_bytes(*new);
        match begin {
            None if !is_equal => begin = Some(at),
            Some(from) if is_equal => {
                output = write_run(output, from, &source[from..at])?;
                count += 1;
                begin = None;
            }
            _ => {}
        }
        at += WORD_BYTES;
    }
    // The last run, with the bytes that fill no word.
    let from = begin.unwrap_or(at);
    if target[from..] != source[from..] {
        write_run(output, from, &source[from..])?;
        count += 1;
    }
    Ok(count)
}

/// Writes one run and returns what is left of the output.
fn write_run<'a>(output: &'a mut [u8], offset: usize, bytes: &[u8]) -> Result<&'a mut [u8], ProgramError> {
    let field =
        |number: usize| u32::try_from(number).map(u32::to_le_bytes).map_err(|_| ProgramError::InvalidAccountData);
    let (place, rest) = output.split_first_chunk_mut::<4>().ok_or(ProgramError::AccountDataTooSmall)?;
    *place = field(offset)?;
    let (place, rest) = rest.split_first_chunk_mut::<4>().ok_or(ProgramError::AccountDataTooSmall)?;
    *place = field(bytes.len())?;
    let (place, rest) = rest.split_at_mut_checked(bytes.len()).ok_or(ProgramError::AccountDataTooSmall)?;
    place.copy_from_slice(bytes);
    Ok(rest)
}
