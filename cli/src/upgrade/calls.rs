//! The instructions of an upgrade, and who has to sign them.

use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::set::Singleton;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use shared_layouts::lifecycle::{Fault, Lifecycle};
use shared_layouts::{client, diff, processor, scheduler};
use solana_instruction::error::InstructionError;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};
use solana_signer::Signer;
use solana_transaction_error::TransactionError;

/// A step is done, or somebody else has to sign something first.
#[derive(Debug)]
pub enum Progress {
    /// Done.
    Done,
    /// This has to be signed and sent by another key; what it is for stands in front.
    Waits(&'static str, Pubkey, Box<Instruction>),
}

/// A program and its config, whose layout may be of any version.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Which.
    pub program: Singleton,
    /// Its address.
    pub address: Pubkey,
    /// Address of its config.
    pub config: Pubkey,
}

impl Target {
    /// A program of a set.
    pub fn new(program: Singleton, address: Pubkey) -> Self {
        Self { program, address, config: client::config_address(&address) }
    }

    /// The part of the config that is the same in every version.
    pub fn lifecycle(&self, cluster: &Cluster) -> Outcome<Lifecycle> {
        let account = cluster.account(&self.config)?.filter(|account| account.owner == self.address);
        let data = account.map(|account| account.data).filter(|data| data.len() >= Lifecycle::BYTES);
        let data = data.ok_or_else(|| {
            Failure::new(format!("the {} {} is not initialized", self.program.name(), self.address))
                .cure("run `valence init`")
        })?;
        Ok(bytemuck::pod_read_unaligned(&data[..Lifecycle::BYTES]))
    }

    /// Code of an error that all programs have.
    pub const fn code(&self, fault: Fault) -> u32 {
        let base = match self.program {
            Singleton::Processor => processor::ProcessorError::BASE,
            Singleton::Scheduler => scheduler::SchedulerError::BASE,
            Singleton::Diff => diff::DiffError::BASE,
        };
        base + fault as u32
    }

    /// `Pause` by the authority.
    pub fn pause(&self, signer: Pubkey) -> Instruction {
        self.call(&processor::pause::SPEC, &[signer, sysvar::clock::ID], &[])
    }

    /// `Resume`.
    pub fn resume(&self, authority: Pubkey) -> Instruction {
        self.call(&processor::resume::SPEC, &[authority, sysvar::clock::ID], &[])
    }

    /// `Finalize`.
    pub fn finalize(&self, authority: Pubkey) -> Instruction {
        self.call(&processor::finalize::SPEC, &[authority], &[])
    }

    /// `Migrate` of the config, or of another account.
    pub fn migrate(&self, authority: Pubkey, direction: u8, other: Option<Pubkey>) -> Instruction {
        let keys = [authority, authority, system_program::ID];
        let mut instruction = self.call(&processor::migrate::SPEC, &keys, &[direction]);
        instruction.accounts.extend(other.map(|key| AccountMeta::new(key, false)));
        instruction
    }

    /// These instructions are the same in the three programs.
    fn call(&self, spec: &shared_layouts::declare::InstructionSpec, keys: &[Pubkey], data: &[u8]) -> Instruction {
        let keys: Vec<_> = std::iter::once(self.config).chain(keys.iter().copied()).collect();
        client::build(self.address, spec, &keys, &[], data, &[])
    }
}

/// Sends an instruction if the keypair is the one that has to sign; otherwise says what to sign.
pub fn send(cluster: &Cluster, what: &'static str, signer: Pubkey, instruction: Instruction) -> Outcome<Progress> {
    let keypair = cluster.signer()?;
    if keypair.pubkey() != signer {
        return Ok(Progress::Waits(what, signer, Box::new(instruction)));
    }
    cluster.send(&[instruction], &keypair).map_err(|failure| failure.while_doing(what))?;
    Ok(Progress::Done)
}

/// What an instruction would do, without a signature: whether it would succeed, and if not, with which code of a program.
pub fn would(cluster: &Cluster, instruction: &Instruction, payer: &Pubkey) -> Outcome<Result<(), u32>> {
    match cluster.simulate_unsigned(std::slice::from_ref(instruction), payer)? {
        None => Ok(Ok(())),
        Some(TransactionError::InstructionError(_, InstructionError::Custom(code))) => Ok(Err(code)),
        Some(error) => Err(Failure::of_transaction(&error, &[], std::slice::from_ref(instruction), Some(payer))),
    }
}

/// What somebody else has to sign, for a wallet or a multisig to take over.
pub fn to_sign(what: &str, signer: &Pubkey, instruction: &Instruction) -> Output {
    let accounts = instruction.accounts.iter().map(
        |meta| json!({ "address": meta.pubkey.to_string(), "signer": meta.is_signer, "writable": meta.is_writable }),
    );
    Output::Record(vec![
        ("waiting_for", what.into()),
        ("signer", signer.to_string().into()),
        ("program", instruction.program_id.to_string().into()),
        ("accounts", accounts.collect::<Vec<Value>>().into()),
        ("data_base64", BASE64_STANDARD.encode(&instruction.data).into()),
    ])
}
