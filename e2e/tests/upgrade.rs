//! `valence upgrade` to a second build of the processor whose config has another layout: through, interrupted, aborted,
//! and with an upgrade authority that signs elsewhere.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use e2e::chain::Set;
use e2e::{Stage, root};
use serde_json::{Value, json};
use shared_layouts::{client, scheduler};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// The second build.
const NEXT: &str = "target/deploy/valence_processor_v2.so";
/// What `Lifecycle` says about the version and the migration of a config.
const VERSION: usize = 1;

/// A set with a capability and an entry, which a keeper can run before and after.
fn stage() -> Result<(Stage, Set, Pubkey)> {
    let stage = Stage::new(&["authority", "owner", "producer", "worker", "stranger"])?;
    stage.json("authority", &["deploy"])?;
    stage.json("authority", &["shard", "create", "--owner", &stage.address("owner")])?;
    let queue = json!({
        "slots": 20, "max_deadline_seconds": 900, "producers": [{ "key": stage.address("producer"), "quota": 12 }],
    });
    stage.json("owner", &["queue", "create", "--shard", "0", &stage.file("queue.json", &queue.to_string())?])?;
    let target = stage.deploy_program("authority", &root().join("target/deploy/noop_program.so"))?;
    let capability = json!({ "target_program": target, "compute_limit": 20_000, "arguments_bytes_min": 8, "arguments_bytes_max": 8 });
    let file = stage.file("capability.json", &capability.to_string())?;
    stage.json("owner", &["capability", "create", "--shard", "0", &file])?;
    let set = stage.set()?;
    Ok((stage, set, target.parse()?))
}

fn next() -> String {
    root().join(NEXT).display().to_string()
}

/// Queues an entry and lets a keeper run it: the whole set works.
fn works(stage: &Stage, target: &Pubkey, number: u64) -> Result<()> {
    let before = stage.json("owner", &["queue", "show", "0/0"])?["dispatched"].as_u64().context("no count")?;
    // The tool reads configs of its own version only, so the test queues and runs the entry by itself.
    enqueue(stage, number)?;
    run(stage, target, number)?;
    let after = stage.json("owner", &["queue", "show", "0/0"])?["dispatched"].as_u64();
    ensure!(after == Some(before + 1), "{after:?} after {before}");
    Ok(())
}

fn enqueue(stage: &Stage, number: u64) -> Result<()> {
    let set = stage.set()?;
    let shard = client::shard_address(&set.scheduler, 0);
    let accounts = scheduler::enqueue::Accounts {
        queue: client::queue_address(&set.scheduler, &shard, 0),
        producer: stage.key("producer"),
        capability: client::capability_address(&set.processor, 0),
        clock: "SysvarC1ock11111111111111111111111111111111".parse()?,
    };
    let data = scheduler::enqueue::Data {
        sequence: number,
        deadline_at: 0,
        not_before_at: 0,
        tip_lamports: 0,
        interval_seconds: 0,
        runs: 0,
        producer_index: 0,
        level: u8::MAX,
        flags: 0,
    };
    let call = scheduler::enqueue(set.scheduler, accounts, &[], &data, &number.to_le_bytes());
    stage.succeed("producer", &[call]).map(|_| ())
}

fn run(stage: &Stage, target: &Pubkey, number: u64) -> Result<()> {
    let set = stage.set()?;
    let ready = stage.json("owner", &["queue", "ls", "0/0", "--list", "ready"])?;
    let (slot, generation) = ready[0]["handle"].as_str().and_then(|text| text.split_once(':')).context("no entry")?;
    let (slot, generation) = (slot.parse()?, generation.parse()?);
    let calls = e2e::chain::execution(stage, &set, "worker", target, (slot, generation), &number.to_le_bytes())?;
    stage.succeed("worker", &calls).map(|_| ())
}

/// Every account of the processor and the scheduler, by address.
fn accounts(stage: &Stage, set: &Set) -> Result<BTreeMap<String, Value>> {
    let mut all = BTreeMap::new();
    for program in [set.processor, set.scheduler] {
        let options = json!({ "encoding": "base64", "commitment": "confirmed" });
        let found = stage.rpc("getProgramAccounts", &json!([program.to_string(), options]))?;
        for account in found.as_array().context("no accounts")? {
            let account = (account["pubkey"].as_str().unwrap_or_default().to_owned(), account["account"].clone());
            all.insert(account.0, json!([account.1["data"], account.1["lamports"], account.1["owner"]]));
        }
    }
    Ok(all)
}

fn config_version(stage: &Stage, set: &Set) -> Result<u8> {
    let config = stage.data(&client::config_address(&set.processor))?.context("no config")?;
    Ok(config[VERSION])
}

#[test]
fn an_upgrade_stops_anywhere_goes_on_and_is_finalized() -> Result<()> {
    let (stage, set, target) = stage()?;
    works(&stage, &target, 1)?;
    refusals(&stage)?;
    let begun = ["upgrade", "processor", "--to", &next(), "--until"];
    stage.json("authority", &[&begun[..], &["pause"]].concat())?;
    let paused = stage.json("authority", &["upgrade", "processor", "--status"])?;
    ensure!(paused["paused"] == true && paused["upgrade"] == "under way" && paused["binary"] == "former", "{paused}");
    let other = root().join("target/deploy/valence_diff.so").display().to_string();
    let line = stage.refused("authority", &["upgrade", "processor", "--to", &other])?;
    ensure!(line.starts_with("an upgrade of the processor to another binary is under way"), "{line}");
    stage.json("authority", &["upgrade", "processor", "--until", "upgrade"])?;
    let replaced = stage.json("authority", &["upgrade", "processor", "--status"])?;
    ensure!(replaced["binary"] == "new" && replaced["config_version"] == 1, "{replaced}");
    ensure!(replaced["migration_open"] == false && replaced["paused"] == true, "{replaced}");
    let done = stage.json("authority", &["upgrade", "processor", "--watch", "2"])?;
    ensure!(done["config_version"] == 2 && done["migration_open"] == true && done["paused"] == false, "{done}");
    ensure!(config_version(&stage, &set)? == 2, "the config was not migrated");
    works(&stage, &target, 2)?;
    let line = stage.refused("stranger", &["upgrade", "diff", "--finalize"])?;
    ensure!(line.starts_with("no upgrade of the diff is under way"), "{line}");
    let last = stage.json("authority", &["upgrade", "processor", "--finalize"])?;
    ensure!(last["migration_open"] == false && last["config_version"] == 2 && last["upgrade"] == "none", "{last}");
    let line = stage.refused("authority", &["upgrade", "processor", "--abort"])?;
    ensure!(line.starts_with("no upgrade of the processor is under way"), "{line}");
    works(&stage, &target, 3)
}

/// What preflight finds, before anything is changed.
fn refusals(stage: &Stage) -> Result<()> {
    let same = root().join("target/deploy/valence_processor.so").display().to_string();
    let line = stage.refused("authority", &["upgrade", "processor", "--to", &same])?;
    ensure!(line.starts_with("the processor is deployed with this binary already"), "{line}");
    let text = stage.file("no.so", "not a program")?;
    let line = stage.refused("authority", &["upgrade", "processor", "--to", &text])?;
    ensure!(line.starts_with("the new binary is no ELF file"), "{line}");
    let line = stage.refused("authority", &["upgrade", "processor", "--to", "/nowhere.so"])?;
    ensure!(line.starts_with("the new binary /nowhere.so cannot be read"), "{line}");
    let line = stage.refused("authority", &["upgrade", "processor"])?;
    ensure!(line.starts_with("no upgrade of the processor is under way"), "{line}");
    Ok(())
}

#[test]
fn an_aborted_upgrade_leaves_every_account_as_it_was() -> Result<()> {
    let (stage, set, target) = stage()?;
    works(&stage, &target, 1)?;
    let bytes = |stage: &Stage| stage.data(&client::program_data_address(&set.processor));
    let (before, binary) = (accounts(&stage, &set)?, bytes(&stage)?.context("no program")?);
    for until in ["buffer", "upgrade", "migrate"] {
        stage.json("authority", &["upgrade", "processor", "--to", &next(), "--until", until])?;
        let expected = if until == "migrate" { 2 } else { 1 };
        ensure!(config_version(&stage, &set)? == expected, "after {until}");
        let back = stage.json("authority", &["upgrade", "processor", "--abort"])?;
        ensure!(back["upgrade"] == "none" && back["paused"] == false && back["config_version"] == 1, "{back}");
        // The pause stands in the config, and nothing else has changed.
        let mut after = accounts(&stage, &set)?;
        let config = client::config_address(&set.processor).to_string();
        let (kept, now) = (before.get(&config).context("no config")?, after.get(&config).context("no config")?);
        ensure!(apart_from_pause(kept)? == apart_from_pause(now)?, "{kept} is now {now}");
        after.insert(config, kept.clone());
        ensure!(after == before, "accounts have changed after {until}");
        let now = bytes(&stage)?.context("no program")?;
        let (former, rest) = now[45..].split_at(binary.len() - 45);
        ensure!(former == &binary[45..] && rest.iter().all(|byte| *byte == 0), "another binary after {until}");
    }
    works(&stage, &target, 2)
}

/// A config without start, end and count of its pauses, and its lamports.
fn apart_from_pause(account: &Value) -> Result<(Vec<u8>, Value)> {
    let mut data = BASE64_STANDARD.decode(account[0][0].as_str().context("no data")?)?;
    data[104..120].fill(0);
    data[136..140].fill(0);
    Ok((data, account[1].clone()))
}

/// The operator holds no authority: each instruction is printed, signed by the authority, and the upgrade goes on.
#[test]
fn an_authority_elsewhere_signs_what_is_printed() -> Result<()> {
    let (stage, set, target) = stage()?;
    let mut signed = Vec::new();
    for _ in 0..6 {
        let answer = stage.run("stranger", &["--json", "upgrade", "processor", "--to", &next(), "--watch", "0"])?;
        if answer.status == 0 {
            break;
        }
        ensure!(answer.status == 4, "{answer:?}");
        let waits: Value = serde_json::from_str(&answer.stdout)?;
        ensure!(waits["signer"] == stage.address("authority").as_str(), "{waits}");
        signed.push(waits["waiting_for"].as_str().unwrap_or_default().to_owned());
        stage.succeed("authority", &[printed(&waits)?])?;
    }
    ensure!(signed == ["pause", "upgrade", "migrate", "resume"], "{signed:?}");
    ensure!(config_version(&stage, &set)? == 2, "the config was not migrated");
    let answer = stage.run("stranger", &["--json", "upgrade", "processor", "--finalize"])?;
    let waits: Value = serde_json::from_str(&answer.stdout)?;
    ensure!(answer.status == 4 && waits["waiting_for"] == "finalize", "{answer:?}");
    stage.succeed("authority", &[printed(&waits)?])?;
    let last = stage.json("stranger", &["upgrade", "processor", "--finalize"])?;
    ensure!(last["upgrade"] == "none" && last["migration_open"] == false, "{last}");
    works(&stage, &target, 1)
}

/// An instruction from what the tool printed.
fn printed(waits: &Value) -> Result<Instruction> {
    let accounts = waits["accounts"].as_array().context("no accounts")?.iter();
    let accounts = accounts.map(|account| {
        Ok(AccountMeta {
            pubkey: account["address"].as_str().context("no address")?.parse()?,
            is_signer: account["signer"] == true,
            is_writable: account["writable"] == true,
        })
    });
    Ok(Instruction {
        program_id: waits["program"].as_str().context("no program")?.parse()?,
        accounts: accounts.collect::<Result<_>>()?,
        data: BASE64_STANDARD.decode(waits["data_base64"].as_str().context("no data")?)?,
    })
}
