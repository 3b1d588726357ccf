//! Transactions that a test sends by itself, past the tool that is under test.

use crate::Stage;
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use shared_layouts::{client, processor, scheduler};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction::Transaction;
use std::time::{Duration, Instant};

/// Addresses of the set, as `programs.toml` says.
pub struct Set {
    /// Address of the processor.
    pub processor: Pubkey,
    /// Address of the scheduler.
    pub scheduler: Pubkey,
    /// Address of the diff program.
    pub diff: Pubkey,
}

impl Stage {
    /// The deployed set.
    pub fn set(&self) -> Result<Set> {
        let text = std::fs::read_to_string(self.folder.join("set/programs.toml"))?;
        let address = |name: &str| -> Result<Pubkey> {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix('='));
            let value = value.with_context(|| format!("no {name} in {text}"))?;
            value.trim().trim_matches('"').parse().context("not an address")
        };
        Ok(Set { processor: address("processor")?, scheduler: address("scheduler")?, diff: address("diff")? })
    }

    /// A person's key.
    pub fn key(&self, name: &str) -> Pubkey {
        self.people[name].pubkey()
    }

    /// Sends a transaction without simulating it, waits until it is in the ledger, and returns its signature and the error
    /// that it had.
    pub fn send(&self, by: &str, instructions: &[Instruction]) -> Result<(String, Value)> {
        let signer = &self.people[by];
        let blockhash = self.rpc("getLatestBlockhash", &json!([{ "commitment": "confirmed" }]))?;
        let blockhash = blockhash["value"]["blockhash"].as_str().context("no blockhash")?.parse();
        let blockhash = blockhash.map_err(|error| anyhow::anyhow!("not a blockhash: {error:?}"))?;
        let transaction =
            Transaction::new_signed_with_payer(instructions, Some(&signer.pubkey()), &[signer], blockhash);
        let bytes = wincode::serialize(&transaction).map_err(|error| anyhow::anyhow!("{error}"))?;
        let options = json!({ "encoding": "base64", "skipPreflight": true });
        let signature = self.rpc("sendTransaction", &json!([BASE64_STANDARD.encode(bytes), options]))?;
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let statuses = self.rpc("getSignatureStatuses", &json!([[signature]]))?;
            let status = &statuses["value"][0];
            if !status.is_null() {
                return Ok((signature.as_str().context("no signature")?.to_owned(), status["err"].clone()));
            }
            ensure!(Instant::now() < until, "{signature} is not in the ledger");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends a transaction that must succeed.
    pub fn succeed(&self, by: &str, instructions: &[Instruction]) -> Result<String> {
        let (signature, error) = self.send(by, instructions)?;
        ensure!(error.is_null(), "{signature}: {error}");
        Ok(signature)
    }

    /// A transaction's log.
    pub fn logs(&self, signature: &str) -> Result<Vec<String>> {
        let options = json!({ "encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0 });
        let transaction = self.rpc("getTransaction", &json!([signature, options]))?;
        let lines = transaction["meta"]["logMessages"].as_array().context("no log")?;
        Ok(lines.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect())
    }

    /// Data of an account; none if it does not exist.
    pub fn data(&self, address: &Pubkey) -> Result<Option<Vec<u8>>> {
        let options = json!({ "encoding": "base64", "commitment": "confirmed" });
        let account = self.rpc("getAccountInfo", &json!([address.to_string(), options]))?;
        let Some(data) = account["value"]["data"][0].as_str() else { return Ok(None) };
        Ok(Some(BASE64_STANDARD.decode(data)?))
    }

    /// The cluster's time, unix seconds.
    pub fn now(&self) -> Result<i64> {
        let clock: Pubkey = "SysvarC1ock11111111111111111111111111111111".parse()?;
        let data = self.data(&clock)?.context("no clock")?;
        Ok(i64::from_le_bytes(data[32..40].try_into()?))
    }
}

/// Dispatch and execution of an entry of queue 0/0 under capability 0, without further accounts.
pub fn execution(
    stage: &Stage,
    set: &Set,
    worker: &str,
    target: &Pubkey,
    (slot, generation): (u16, u32),
    arguments: &[u8],
) -> Result<[Instruction; 2]> {
    let instructions: Pubkey = "Sysvar1nstructions1111111111111111111111111".parse()?;
    let shard = client::shard_address(&set.scheduler, 0);
    let dispatch = scheduler::dispatch(
        set.scheduler,
        scheduler::dispatch::Accounts {
            config: client::config_address(&set.scheduler),
            shard,
            queue: client::queue_address(&set.scheduler, &shard, 0),
            worker: stage.key(worker),
            instructions,
            clock: "SysvarC1ock11111111111111111111111111111111".parse()?,
        },
        &[],
        &scheduler::dispatch::Data { generation, slot },
        &[],
    );
    let execute = processor::execute(
        set.processor,
        processor::execute::Accounts {
            capability: client::capability_address(&set.processor, 0),
            config: client::config_address(&set.processor),
            instructions,
            target_program: *target,
        },
        &[],
        &processor::execute::Data { capability_version: 1, flags: 0 },
        arguments,
    );
    Ok([dispatch, execute])
}

/// Compute units of a program's calls, summed over a log.
pub fn units(logs: &[String], program: &Pubkey) -> u64 {
    let start = format!("Program {program} consumed ");
    let numbers = logs.iter().filter_map(|line| line.strip_prefix(&start)?.split(' ').next()?.parse::<u64>().ok());
    numbers.sum()
}
