//! External verifier: the arguments prove, without telling it, that somebody knows a solution of the circuit whose verifying key
//! account 0 holds. A Groth16 proof over BN254, checked by the runtime's `alt_bn128` syscalls.
//!
//! Accounts: 0 verifying key, an account of this program (which writes none: a deployed verifier would take keys once and for all).
//! Data: as the processor calls an external verifier. Answer: 1 if the proof holds; 0 if it does not, or is none.
//!
//! ```text
//! verifying key:  alpha (64 B) | -beta (128) | -gamma (128) | -delta (128) | K0 (64) | K1 (64)
//! arguments:      A (64) | B (128) | C (64) | public input (32) | whatever the target reads
//! ```
//!
//! Numbers are big-endian, points as the syscalls take them: x, y; in the second group the imaginary part of each first.

#![no_std]

use pinocchio::cpi::set_return_data;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address, ProgramResult};
use shared_layouts::processor::external::{HEAD_BYTES, YES};

const G1_BYTES: usize = 64;
const G2_BYTES: usize = 128;
const SCALAR_BYTES: usize = 32;
const PAIR_BYTES: usize = G1_BYTES + G2_BYTES;
/// Offsets in the verifying key.
const MINUS_BETA: usize = G1_BYTES;
const MINUS_GAMMA: usize = MINUS_BETA + G2_BYTES;
const MINUS_DELTA: usize = MINUS_GAMMA + G2_BYTES;
const K0: usize = MINUS_DELTA + G2_BYTES;
const K1: usize = K0 + G1_BYTES;
const KEY_BYTES: usize = K1 + G1_BYTES;
/// Offsets in the arguments.
const C: usize = PAIR_BYTES;
const INPUT: usize = C + G1_BYTES;
const PROOF_BYTES: usize = INPUT + SCALAR_BYTES;

/// Operations of the syscall.
const ADD: u64 = 0;
const MULTIPLY: u64 = 2;
const PAIRING: u64 = 3;

/// Order of the groups. A public input above it would stand for a smaller one, and so be a second name of it.
const ORDER: [u8; SCALAR_BYTES] = [
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x28, 0x33, 0xe8,
    0x48, 0x79, 0xb9, 0x70, 0x91, 0x43, 0xe1, 0xf5, 0x93, 0xf0, 0x00, 0x00, 0x01,
];

pinocchio::program_entrypoint!(process_instruction, 2);
pinocchio::no_allocator!();
#[cfg(target_arch = "bpf")]
pinocchio::nostd_panic_handler!();

// Brings in the memory functions that compiled code calls by name.
use program_common as _;

fn process_instruction(program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let [key] = &*accounts else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };
    if !key.owned_by(program_id) {
        return Err(ProgramError::InvalidAccountOwner);
    }
    let key = key.try_borrow()?;
    let key: &[u8; KEY_BYTES] = (&*key).try_into().map_err(|_| ProgramError::InvalidAccountData)?;
    let proof = data.get(HEAD_BYTES..).ok_or(ProgramError::InvalidInstructionData)?.first_chunk::<PROOF_BYTES>();
    let is_proven = proof.is_some_and(|proof| holds(key, proof).unwrap_or(false));
    set_return_data(&[if is_proven { YES } else { 0 }]);
    Ok(())
}

/// Whether e(A, B) = e(alpha, beta) e(K0 + input K1, gamma) e(C, delta); `None` if something is no point of its group.
fn holds(key: &[u8; KEY_BYTES], proof: &[u8; PROOF_BYTES]) -> Option<bool> {
    let input = &proof[INPUT..];
    if input >= &ORDER[..] {
        return Some(false);
    }
    let mut factors = [0; G1_BYTES + SCALAR_BYTES];
    join(&mut factors, &key[K1..], input);
    let product: [u8; G1_BYTES] = operate(MULTIPLY, &factors)?;
    let mut terms = [0; 2 * G1_BYTES];
    join(&mut terms, &key[K0..K1], &product);
    let sum: [u8; G1_BYTES] = operate(ADD, &terms)?;

    let mut pairs = [0; 4 * PAIR_BYTES];
    let [first, second, third, fourth] = pairs.as_chunks_mut::<PAIR_BYTES>().0 else {
        return None;
    };
    first.copy_from_slice(&proof[..C]);
    second.copy_from_slice(&key[..MINUS_GAMMA]);
    join(third, &sum, &key[MINUS_GAMMA..MINUS_DELTA]);
    join(fourth, &proof[C..INPUT], &key[MINUS_DELTA..K0]);
    let product: [u8; SCALAR_BYTES] = operate(PAIRING, &pairs)?;
    // The syscall says 1 or 0, in 32 bytes.
    Some(product[SCALAR_BYTES - 1] == 1)
}

/// Writes two parts, one behind the other, which together are as long as the place.
fn join(place: &mut [u8], first: &[u8], second: &[u8]) {
    let (start, end) = place.split_at_mut(first.len());
    start.copy_from_slice(first);
    end.copy_from_slice(second);
}

/// The syscall; `None` if it refuses its input.
#[cfg(target_arch = "bpf")]
fn operate<const BYTES: usize>(operation: u64, input: &[u8]) -> Option<[u8; BYTES]> {
    let mut output = [0; BYTES];
    // SAFETY: the syscall reads the input in its whole length and writes a point or 32 bytes, as much as the caller asked for.
    let status = unsafe {
        pinocchio::syscalls::sol_alt_bn128_group_op(operation, input.as_ptr(), input.len() as u64, output.as_mut_ptr())
    };
    (status == 0).then_some(output)
}

#[cfg(not(target_arch = "bpf"))]
fn operate<const BYTES: usize>(_: u64, _: &[u8]) -> Option<[u8; BYTES]> {
    None
}
