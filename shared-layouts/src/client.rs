//! Off-chain side of the declarations: instruction builders and addresses.

extern crate alloc;

use crate::declare::{ErrorSpec, InstructionSpec};
use crate::diff::DiffError;
use crate::lifecycle::Fault;
use crate::processor::{MAX_FUNCTIONS, ProcessorError};
use crate::scheduler::SchedulerError;
use alloc::vec::Vec;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

/// Assembles an instruction from its declaration. The generated builders call this.
pub fn build(
    program: Pubkey,
    spec: &InstructionSpec,
    accounts: &[Pubkey],
    more: &[AccountMeta],
    fixed: &[u8],
    tail: &[u8],
) -> Instruction {
    let metas = spec.accounts.iter().zip(accounts).map(|(account, key)| AccountMeta {
        pubkey: *key,
        is_signer: account.signer,
        is_writable: account.writable,
    });
    let mut data = Vec::with_capacity(1 + fixed.len() + tail.len());
    data.push(spec.discriminator);
    data.extend_from_slice(fixed);
    data.extend_from_slice(tail);
    Instruction { program_id: program, accounts: metas.chain(more.iter().cloned()).collect(), data }
}

/// Address of a program's config.
pub fn config_address(program: &Pubkey) -> Pubkey {
    address(program, &[crate::lifecycle::CONFIG_SEED])
}

/// Address of a capability, by the number that the processor's config gave it.
pub fn capability_address(processor: &Pubkey, number: u64) -> Pubkey {
    address(processor, &[crate::processor::CAPABILITY_SEED, &number.to_le_bytes()])
}

/// Address of the scheduler's registry of shards.
pub fn registry_address(scheduler: &Pubkey) -> Pubkey {
    address(scheduler, &[crate::scheduler::REGISTRY_SEED])
}

/// Address of a shard, by the number that the scheduler's config gave it.
pub fn shard_address(scheduler: &Pubkey, number: u64) -> Pubkey {
    address(scheduler, &[crate::scheduler::SHARD_SEED, &number.to_le_bytes()])
}

/// Address of a queue, by the number that its shard gave it.
pub fn queue_address(scheduler: &Pubkey, shard: &Pubkey, number: u64) -> Pubkey {
    address(scheduler, &[crate::scheduler::QUEUE_SEED, shard.as_ref(), &number.to_le_bytes()])
}

/// Address of an order, by the number that the shard that opened it gave it.
pub fn order_address(scheduler: &Pubkey, shard: &Pubkey, number: u64) -> Pubkey {
    address(scheduler, &[crate::scheduler::ORDER_SEED, shard.as_ref(), &number.to_le_bytes()])
}

/// Address of a managed state account, by the number that the diff's config gave it.
pub fn state_address(diff: &Pubkey, number: u64) -> Pubkey {
    address(diff, &[crate::diff::STATE_SEED, &number.to_le_bytes()])
}

/// Address of an arena, by the number that the diff's config gave it.
pub fn arena_address(diff: &Pubkey, number: u64) -> Pubkey {
    address(diff, &[crate::diff::ARENA_SEED, &number.to_le_bytes()])
}

/// Address of a program's data account under the upgradeable loader.
pub fn program_data_address(program: &Pubkey) -> Pubkey {
    address(&Pubkey::new_from_array(crate::lifecycle::UPGRADEABLE_LOADER), &[program.as_ref()])
}

fn address(program: &Pubkey, seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, program).0
}

/// What a custom error code of one of the three programs means; `None` for a code of no program.
pub fn error_of(code: u32) -> Option<&'static ErrorSpec> {
    let base = code - code % 1_000;
    let own = match base {
        ProcessorError::BASE => ProcessorError::ALL,
        SchedulerError::BASE => SchedulerError::ALL,
        DiffError::BASE => DiffError::ALL,
        _ => return None,
    };
    let verification_failed = ProcessorError::VerificationFailed as u32;
    // Its codes go on by the index of the function.
    let is_verification = code.checked_sub(verification_failed).is_some_and(|index| (index as usize) < MAX_FUNCTIONS);
    let code = if is_verification { verification_failed } else { code };
    let shared = Fault::ALL.iter().find(|error| base + error.code == code);
    own.iter().find(|error| error.code == code).or(shared)
}
