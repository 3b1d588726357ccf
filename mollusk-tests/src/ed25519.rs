//! The runtime's Ed25519 program, and its instruction.
//!
//! `LiteSVM`'s own needs OpenSSL to be compiled, for the sake of another precompiled program. The one here does the same to its
//! instruction: it refuses a transaction that carries a wrong signature. Unlike the runtime's it leaves its lines in the log,
//! so an instruction's index there is the one in the transaction.

use crate::{programs::keypair, world::World};
use solana_instruction::Instruction;
use solana_program_runtime::{declare_process_instruction, solana_sbpf::program::BuiltinFunctionDefinition};
use solana_sdk_ids::ed25519_program;
use solana_signature::Signature;
use solana_signer::Signer;

/// Bytes before the first signature's offsets.
const HEAD_BYTES: usize = 2;
/// Seven numbers of two bytes for each signature.
const OFFSETS_BYTES: usize = 14;
const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;
/// Index that says: in this very instruction.
const HERE: u16 = u16::MAX;
/// Units that the program uses: the runtime wants some of every builtin program.
const UNITS: u64 = 1;

mod entrypoint {
    use super::{UNITS, declare_process_instruction, verify};
    use solana_instruction::error::InstructionError;

    declare_process_instruction!(Entrypoint, UNITS, |invoke_context| {
        let instruction = invoke_context.transaction_context.get_current_instruction_context()?;
        verify(instruction.get_instruction_data()).ok_or(InstructionError::InvalidInstructionData)
    });
}

/// Puts the program into a world.
pub fn install(world: &mut World) {
    world.svm.add_builtin(ed25519_program::ID, entrypoint::Entrypoint::register);
}

/// The instruction for one signature over `message` by the named key, all in its own data.
///
/// # Panics
/// When the message is longer than 65,535 bytes.
pub fn signed(name: &str, message: &[u8]) -> Instruction {
    let signer = keypair(name);
    let size = u16::try_from(message.len()).expect("a short message");
    let mut data = vec![1, 0];
    for number in [16, HERE, 80, HERE, 112, size, HERE] {
        data.extend_from_slice(&number.to_le_bytes());
    }
    data.extend_from_slice(signer.sign_message(message).as_ref());
    data.extend_from_slice(signer.pubkey().as_ref());
    data.extend_from_slice(message);
    Instruction { program_id: ed25519_program::ID, accounts: Vec::new(), data }
}

/// Every signature is right. What stands in another instruction is not looked for here.
fn verify(data: &[u8]) -> Option<()> {
    let count = usize::from(*data.first()?);
    for offsets in 0..count {
        let offsets = data.get(HEAD_BYTES + offsets * OFFSETS_BYTES..)?.get(..OFFSETS_BYTES)?;
        let number = |index: usize| u16::from_le_bytes([offsets[2 * index], offsets[2 * index + 1]]);
        let part = |index: usize, bytes: usize| data.get(usize::from(number(index))..)?.get(..bytes);
        if [1, 3, 6].into_iter().any(|index| number(index) != HERE) {
            return None;
        }
        let signature = Signature::try_from(part(0, SIGNATURE_BYTES)?).ok()?;
        if !signature.verify(part(2, KEY_BYTES)?, part(4, usize::from(number(5)))?) {
            return None;
        }
    }
    Some(())
}
