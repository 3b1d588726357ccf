//! A backup, the loss of a queue, and its recovery from backup and ledger into another one: what has not run is there, and
//! nothing that ran, was cancelled or is dead.

use anyhow::{Context, Result, ensure};
use e2e::chain::{Set, execution};
use e2e::{Stage, hex, root};
use serde_json::{Value, json};
use shared_layouts::client;
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// Two producers, so that a sequence number alone names no entry.
const PRODUCERS: [&str; 2] = ["first", "second"];

#[test]
fn a_lost_queue_is_recovered_without_running_anything_twice() -> Result<()> {
    let stage = Stage::new(&["authority", "owner", "first", "second", "worker", "stranger"])?;
    let target = define(&stage)?;
    let set = stage.set()?;
    let queue = queue_address(&set, 0);
    before(&stage, &set, &target)?;
    let folder = backup(&stage)?;
    after(&stage, &set, &target)?;
    let expected = expected(&stage)?;
    lose(&stage, &queue)?;
    refusals(&stage, &folder)?;
    let shown = stage.run("owner", &["--json", "recover", &folder, "0/0"])?;
    ensure!(shown.status == 5, "{shown:?}");
    compare(&stage, &serde_json::from_str(&shown.stdout)?, &expected, Value::Null)?;
    restore(&stage, &folder, &expected)?;
    run_all(&stage, &set, &target)
}

fn queue_address(set: &Set, number: u64) -> Pubkey {
    client::queue_address(&set.scheduler, &client::shard_address(&set.scheduler, 0), number)
}

fn define(stage: &Stage) -> Result<Pubkey> {
    stage.json("authority", &["deploy"])?;
    stage.json("authority", &["shard", "create", "--owner", &stage.address("owner")])?;
    let target = stage.deploy_program("authority", &root().join("target/deploy/noop_program.so"))?;
    let capability = json!({ "target_program": target, "compute_limit": 20_000, "arguments_bytes_min": 8, "arguments_bytes_max": 8 });
    let file = stage.file("capability.json", &capability.to_string())?;
    stage.json("owner", &["capability", "create", "--shard", "0", &file])?;
    create_queue(stage)?;
    Ok(target.parse()?)
}

fn create_queue(stage: &Stage) -> Result<()> {
    let producers: Vec<_> = PRODUCERS.iter().map(|name| json!({ "key": stage.address(name), "quota": 20 })).collect();
    let queue = json!({ "slots": 30, "max_dead": 8, "max_deadline_seconds": 3_600, "producers": producers });
    let file = stage.file("queue.json", &queue.to_string())?;
    stage.json("owner", &["queue", "create", "--shard", "0", &file]).map(|_| ())
}

/// Queues an entry whose arguments tell producer and sequence.
fn enqueue(stage: &Stage, producer: usize, level: &str) -> Result<String> {
    let next = stage.json("owner", &["queue", "show", "0/0"])?["producers"][producer]["last_sequence"].as_u64();
    let data = arguments(producer, next.context("no sequence")? + 1);
    let name = PRODUCERS[producer];
    let queued =
        stage.json(name, &["enqueue", "0/0", "--capability", "0", "--level", level, "--arguments", &hex(&data)])?;
    Ok(queued["handle"].as_str().context("no handle")?.to_owned())
}

fn arguments(producer: usize, sequence: u64) -> [u8; 8] {
    (sequence * 10 + producer as u64).to_le_bytes()
}

fn run(stage: &Stage, set: &Set, target: &Pubkey, handle: &str) -> Result<()> {
    let entry = stage.json("owner", &["queue", "show", "0/0", handle])?;
    let producer = PRODUCERS.iter().position(|name| entry["producer"] == stage.address(name).as_str());
    let data = arguments(producer.context("no producer")?, entry["sequence"].as_u64().context("no sequence")?);
    let (slot, generation) = handle.split_once(':').context("no handle")?;
    let calls = execution(stage, set, "worker", target, (slot.parse()?, generation.parse()?), &data)?;
    stage.succeed("worker", &calls).map(|_| ())
}

/// Before the backup: six entries, of which one runs, one is dead and one is held.
fn before(stage: &Stage, set: &Set, target: &Pubkey) -> Result<()> {
    let mut handles = Vec::new();
    for place in 0..6 {
        handles.push(enqueue(stage, place % 2, "5")?);
    }
    run(stage, set, target, &handles[0])?;
    stage.json("owner", &["dlq", "add", "0/0", &handles[1]])?;
    stage.json("owner", &["hold", "0/0", &handles[2]])?;
    Ok(())
}

fn backup(stage: &Stage) -> Result<String> {
    let folder = stage.folder.join("backup").display().to_string();
    let taken = stage.json("stranger", &["backup", &folder])?;
    ensure!(taken["accounts"].as_u64() > Some(8), "{taken}");
    let checked = stage.json("stranger", &["backup", &folder, "--check"])?;
    ensure!(checked["digest"] == taken["digest"] && checked["slot"] == taken["slot"], "{checked}");
    let line = stage.refused("stranger", &["backup", &folder])?;
    ensure!(line.contains("a backup is never overwritten"), "{line}");
    // The data is what the cluster itself says.
    let set = stage.set()?;
    for address in [client::config_address(&set.scheduler), queue_address(&set, 0)] {
        let kept = std::fs::read(stage.folder.join("backup/accounts").join(address.to_string()))?;
        ensure!(Some(kept) == stage.data(&address)?, "{address} was not backed up as it is");
    }
    Ok(folder)
}

/// After the backup: five entries in slots new and old; some of both kinds run, are cancelled, die, or change level.
fn after(stage: &Stage, set: &Set, target: &Pubkey) -> Result<()> {
    let ready = stage.json("owner", &["queue", "ls", "0/0", "--list", "ready"])?;
    let old = |place: usize| ready[place]["handle"].as_str().context("no handle");
    run(stage, set, target, old(0)?)?;
    stage.json("owner", &["cancel", "0/0", old(1)?])?;
    let mut handles = Vec::new();
    for place in 0..5 {
        handles.push(enqueue(stage, place % 2, "7")?);
    }
    run(stage, set, target, &handles[0])?;
    handles.push(enqueue(stage, 1, "2")?);
    stage.json("owner", &["dlq", "add", "0/0", &handles[1]])?;
    stage.json("owner", &["cancel", "0/0", &handles[2]])?;
    stage.json("owner", &["reprioritize", "0/0", &handles[3], "--level", "11"])?;
    Ok(())
}

/// Level of each entry that lives, by producer and sequence, as the queue itself says before it is lost.
fn expected(stage: &Stage) -> Result<BTreeMap<(String, u64), u64>> {
    let rows = stage.json("owner", &["queue", "ls", "0/0"])?;
    let mut living = BTreeMap::new();
    for row in rows.as_array().context("no list")?.iter().filter(|row| row["list"] != "dead") {
        let entry = stage.json("owner", &["queue", "show", "0/0", row["handle"].as_str().context("no handle")?])?;
        let producer = entry["producer"].as_str().context("no producer")?.to_owned();
        let numbers = (entry["sequence"].as_u64(), entry["level"].as_u64());
        let (Some(sequence), Some(level)) = numbers else { anyhow::bail!("{entry}") };
        living.insert((producer, sequence), level);
    }
    ensure!(living.len() == 5, "{living:?}");
    Ok(living)
}

/// The account is gone, as if a faulty program had emptied it.
fn lose(stage: &Stage, queue: &Pubkey) -> Result<()> {
    let empty = json!({ "lamports": 0, "data": "", "owner": "11111111111111111111111111111111" });
    stage.rpc("surfnet_setAccount", &json!([queue.to_string(), empty]))?;
    let line = stage.refused("owner", &["queue", "show", "0/0"])?;
    ensure!(line.contains("does not exist") || line.contains("is not the queue"), "{line}");
    Ok(())
}

fn refusals(stage: &Stage, folder: &str) -> Result<()> {
    create_queue(stage)?;
    let line = stage.refused("owner", &["recover", folder, "0/0", "--into", "0/1"])?;
    ensure!(line.starts_with("ShardNotPaused (2141): "), "{line}");
    let line = stage.refused("stranger", &["recover", folder, "0/0", "--into", "0/1"])?;
    ensure!(line.contains("is not the shard's owner: that is "), "{line}");
    let line = stage.refused("owner", &["recover", folder, "0/7"])?;
    ensure!(line.starts_with("the backup has no account "), "{line}");
    let line = stage.refused("owner", &["recover", "/nowhere", "0/0"])?;
    ensure!(line.starts_with("/nowhere/backup.json: "), "{line}");
    Ok(())
}

/// The fates that are shown: alive are exactly those that lived.
fn compare(stage: &Stage, rows: &Value, expected: &BTreeMap<(String, u64), u64>, result: Value) -> Result<()> {
    let rows = rows.as_array().context("no table")?;
    let fates = |fate: &str| rows.iter().filter(|row| row["fate"] == fate).count();
    ensure!(rows.len() == 11, "{rows:#?}");
    ensure!((fates("alive"), fates("undecided")) == (5, 0), "{rows:#?}");
    ensure!((fates("finished"), fates("cancelled"), fates("dead")) == (2, 2, 2), "{rows:#?}");
    for row in rows.iter().filter(|row| row["fate"] == "alive") {
        let named = (row["producer"].as_str().unwrap_or_default().to_owned(), row["sequence"].as_u64().unwrap_or(0));
        ensure!(expected.contains_key(&named) && row["result"] == result, "{row}");
    }
    let held = rows.iter().filter(|row| row["was_held"] == true).count();
    ensure!(held == 1 && stage.address("first") != stage.address("second"), "{rows:#?}");
    Ok(())
}

fn restore(stage: &Stage, folder: &str, expected: &BTreeMap<(String, u64), u64>) -> Result<()> {
    stage.json("owner", &["shard", "pause", "0"])?;
    let restored = stage.json("owner", &["recover", folder, "0/0", "--into", "0/1"])?;
    compare(stage, &restored, expected, "restored".into())?;
    let queue = stage.json("owner", &["queue", "ls", "0/1"])?;
    let rows = queue.as_array().context("no list")?;
    ensure!(rows.len() == expected.len(), "{rows:#?}");
    for row in rows {
        let entry = stage.json("owner", &["queue", "show", "0/1", row["handle"].as_str().context("no handle")?])?;
        let named =
            (entry["producer"].as_str().unwrap_or_default().to_owned(), entry["sequence"].as_u64().unwrap_or(0));
        ensure!(expected.get(&named).copied() == entry["level"].as_u64(), "{entry}");
    }
    // A second time nothing is queued twice.
    let again = stage.json("owner", &["recover", folder, "0/0", "--into", "0/1"])?;
    compare(stage, &again, expected, "already there".into())?;
    ensure!(stage.json("owner", &["queue", "show", "0/1"])?["enqueued"] == expected.len(), "queued twice");
    stage.json("owner", &["shard", "resume", "0"]).map(|_| ())
}

/// What was recovered runs, with its own arguments; over both queues every operation has run at most once.
fn run_all(stage: &Stage, set: &Set, target: &Pubkey) -> Result<()> {
    let mut rows = stage.json("owner", &["queue", "ls", "0/1", "--list", "ready"])?;
    while let Some(handle) = rows[0]["handle"].as_str() {
        let entry = stage.json("owner", &["queue", "show", "0/1", handle])?;
        let producer = PRODUCERS.iter().position(|name| entry["producer"] == stage.address(name).as_str());
        let data = arguments(producer.context("no producer")?, entry["sequence"].as_u64().context("no sequence")?);
        let (slot, generation) = handle.split_once(':').context("no handle")?;
        let mut calls = execution(stage, set, "worker", target, (slot.parse()?, generation.parse()?), &data)?;
        calls[0].accounts[2].pubkey = queue_address(set, 1);
        stage.succeed("worker", &calls)?;
        rows = stage.json("owner", &["queue", "ls", "0/1", "--list", "ready"])?;
    }
    let mut ran: BTreeMap<String, u64> = BTreeMap::new();
    let signatures = stage.rpc("getSignaturesForAddress", &json!([target.to_string(), { "limit": 1000 }]))?;
    for signature in signatures.as_array().context("no signatures")?.iter().filter(|one| one["err"].is_null()) {
        let options = json!({ "encoding": "jsonParsed", "maxSupportedTransactionVersion": 0 });
        let transaction = stage.rpc("getTransaction", &json!([signature["signature"], options]))?;
        let inner = transaction["meta"]["innerInstructions"].as_array().cloned().unwrap_or_default();
        for call in inner.iter().filter_map(|inner| inner["instructions"].as_array()).flatten() {
            if call["programId"] == target.to_string().as_str() {
                *ran.entry(call["data"].to_string()).or_insert(0) += 1;
            }
        }
    }
    // One before the backup, two after it, and the five that were recovered.
    ensure!(ran.len() == 8 && ran.values().all(|times| *times == 1), "{ran:?}");
    Ok(())
}
