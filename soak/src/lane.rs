//! A shard with its queue, and what its operations run.

use mollusk_tests::fixture::{Definition, at_version, capability_signs, execute, fixed, people, verify};
use mollusk_tests::programs::address;
use mollusk_tests::token;
use shared_layouts::processor::{account_flags, capability_flags};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

/// Who signs the target calls that no capability signs.
pub(crate) const COSIGNER: &str = people::PRODUCER;

/// A capability that moves tokens.
pub(crate) struct Line {
    pub(crate) capability: Pubkey,
    /// From where.
    pub(crate) vault: Pubkey,
    /// To where.
    pub(crate) destination: Pubkey,
    /// [`COSIGNER`] signs the target call, which stands in the transaction itself. Otherwise the capability signs.
    pub(crate) is_cosigned: bool,
    /// Flagged for direct dispatch.
    pub(crate) is_direct: bool,
    /// Its present version.
    pub(crate) version: u32,
}

impl Line {
    /// The capability's definition.
    pub(crate) fn definition(&self) -> Definition {
        let signer =
            if self.is_cosigned { fixed(&address(COSIGNER), account_flags::SIGNER) } else { capability_signs() };
        let writable = [&self.vault, &self.destination].map(|key| fixed(key, account_flags::WRITABLE));
        let flags = if self.is_direct { capability_flags::DIRECT_DISPATCH } else { 0 };
        let definition = Definition::new(&token::ID).targets(writable.into_iter().chain([signer]));
        definition.prefix(&[3]).arguments(8).flags(flags)
    }

    /// The target call of an operation, signed by [`COSIGNER`].
    pub(crate) fn target_call(&self, number: u64) -> Instruction {
        token::transfer(&self.vault, &self.destination, &address(COSIGNER), number)
    }

    /// What follows the dispatch of an operation, under a version of the capability.
    pub(crate) fn run(&self, number: u64, version: u32) -> Vec<Instruction> {
        let arguments = number.to_le_bytes();
        if self.is_cosigned {
            let call = self.target_call(number);
            return vec![at_version(verify(&self.capability, &call.accounts, &arguments), version), call];
        }
        let accounts = [
            AccountMeta::new(self.vault, false),
            AccountMeta::new(self.destination, false),
            AccountMeta::new_readonly(self.capability, false),
        ];
        vec![at_version(execute(&self.capability, &token::ID, &accounts, &arguments), version)]
    }
}

/// A shard with its queue.
pub(crate) struct Lane {
    pub(crate) shard: Pubkey,
    pub(crate) queue: Pubkey,
    /// Capabilities.
    pub(crate) lines: Vec<Line>,
    pub(crate) destination: Pubkey,
    /// Place of the order that the queue is bound to.
    pub(crate) order: Option<usize>,
    /// Sequence number used last.
    pub(crate) sequence: u64,
    /// Sequence numbers of operations that were lost on their way.
    pub(crate) lost: Vec<u64>,
    pub(crate) paused: bool,
}
