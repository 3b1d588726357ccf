//! The processor's instructions on capabilities, and the call of any instruction by another program.

use crate::{
    fixture::{Definition, config, people},
    programs::{PROCESSOR, RELAY, address},
};
use shared_layouts::processor;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};

/// `UpdateCapability` by the named owner of a shard.
pub fn update(capability: &Pubkey, shard: &Pubkey, owner: &str, definition: &Definition) -> Instruction {
    processor::update_capability(
        PROCESSOR.address(),
        processor::update_capability::Accounts {
            config: config(PROCESSOR),
            capability: *capability,
            shard: *shard,
            shard_owner: address(owner),
            payer: address(people::PAYER),
            system_program: system_program::ID,
        },
        &[],
        bytemuck::from_bytes(bytemuck::bytes_of(&definition.data)),
        &definition.tail(),
    )
}

/// `CloseCapability` by the named owner of a shard; the rent goes to the account called `recipient`.
pub fn close(capability: &Pubkey, shard: &Pubkey, owner: &str) -> Instruction {
    processor::close_capability(
        PROCESSOR.address(),
        processor::close_capability::Accounts {
            config: config(PROCESSOR),
            capability: *capability,
            shard: *shard,
            shard_owner: address(owner),
            recipient: address("recipient"),
        },
        &[],
        &processor::close_capability::Data {},
        &[],
    )
}

/// `Check` of a capability at version 1.
pub fn check(capability: &Pubkey, accounts: &[AccountMeta], arguments: &[u8]) -> Instruction {
    processor::check(
        PROCESSOR.address(),
        processor::check::Accounts {
            capability: *capability,
            config: config(PROCESSOR),
            instructions: sysvar::instructions::ID,
        },
        accounts,
        &processor::check::Data { capability_version: 1, flags: 0 },
        arguments,
    )
}

/// An instruction called by the relay.
pub fn relayed(instruction: &Instruction) -> Instruction {
    let program = AccountMeta::new_readonly(instruction.program_id, false);
    let accounts = std::iter::once(program).chain(instruction.accounts.iter().cloned()).collect();
    Instruction { program_id: RELAY.address(), accounts, data: instruction.data.clone() }
}
