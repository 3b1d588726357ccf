//! Two keepers share a queue of many operations, one of them is killed; every operation runs once or ends in the dead
//! letters with its reason.

use anyhow::{Context, Result, ensure};
use e2e::{Stage, hex, root};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Operations of each kind.
const GOOD: u64 = 150;
const GATED: u64 = 20;
const BROKEN: u64 = 10;
const LATE: u64 = 20;
/// Length of a lease.
const LEASE_SECONDS: u64 = 10;
/// Producers that queue at the same time.
const PRODUCERS: u64 = 4;

#[test]
fn every_operation_runs_once_or_is_dead_with_its_reason() -> Result<()> {
    let people = ["authority", "owner", "p0", "p1", "p2", "p3", "first", "second"];
    let stage = Stage::new(&people)?;
    let target = define(&stage)?;
    fill(&stage)?;
    kill_between_claim_and_dispatch(&stage)?;
    work(&stage)?;
    let ran = executed(&stage, &target)?;
    ensure!(ran.len() == usize::try_from(GOOD)?, "{} different operations ran", ran.len());
    ensure!(ran.values().all(|times| *times == 1), "some ran more than once: {ran:?}");
    dead_letters(&stage)?;
    redrive(&stage, &target)?;
    Ok(())
}

/// Shard 0 with the queue, shard 1 as the gate: one capability may run only while shard 1 is not paused.
fn define(stage: &Stage) -> Result<String> {
    stage.json("authority", &["deploy"])?;
    let target = stage.deploy_program("authority", &root().join("target/deploy/noop_program.so"))?;
    let owner = stage.address("owner");
    stage.json("authority", &["shard", "create", "--owner", &owner])?;
    let gate = stage.json("authority", &["shard", "create", "--owner", &owner])?;
    let gate = gate["address"].as_str().context("no address")?;
    stage.json("owner", &["shard", "pause", "1"])?;
    let producers: Vec<_> =
        (0..PRODUCERS).map(|number| json!({ "key": stage.address(&format!("p{number}")), "quota": 100 })).collect();
    let queue = json!({
        "slots": 220, "max_dead": 60, "leased": true, "lease_seconds": LEASE_SECONDS, "max_attempts": 3, "backoff_seconds": 1,
        "backoff_cap_seconds": 1, "producers": producers, "workers": [stage.address("first"), stage.address("second")],
    });
    let queue =
        stage.json("owner", &["queue", "create", "--shard", "0", &stage.file("queue.json", &queue.to_string())?])?;
    ensure!(queue["slots"] == 220 && queue["leased"] == true, "{queue}");
    let plain = json!({ "target_program": target, "compute_limit": 20_000, "arguments_bytes_min": 8, "arguments_bytes_max": 8 });
    let mut gated = plain.clone();
    gated["evidence"] = json!([{ "kind": "fixed", "key": gate }]);
    gated["functions"] = json!([{ "kind": "account_data", "account": 0, "account_offset": 3, "operator": "==", "width": 1, "constant": 0 }]);
    let mut broken = plain.clone();
    // An account that is no program: no attempt can succeed.
    broken["target_program"] = gate.into();
    for (name, definition) in [("plain", plain), ("gated", gated), ("broken", broken)] {
        let file = stage.file(&format!("{name}.json"), &definition.to_string())?;
        stage.json("owner", &["capability", "create", "--shard", "0", &file])?;
    }
    Ok(target)
}

/// Numbers tell the operations apart: they are their arguments.
fn fill(stage: &Stage) -> Result<()> {
    let total = GOOD + GATED + BROKEN + LATE;
    thread::scope(|scope| {
        let started = (0..PRODUCERS).map(|producer| scope.spawn(move || queue(stage, producer, total)));
        started.collect::<Vec<_>>().into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })?;
    let queue = stage.json("owner", &["queue", "show", "0/0"])?;
    ensure!(queue["ready_count"] == total, "{queue}");
    Ok(())
}

fn queue(stage: &Stage, producer: u64, total: u64) -> Result<()> {
    for number in (0..total).filter(|number| number % PRODUCERS == producer) {
        let (capability, deadline) = match number {
            _ if number < LATE => ("0", Some("10")),
            _ if number < LATE + GATED => ("1", None),
            _ if number < LATE + GATED + BROKEN => ("2", None),
            _ => ("0", None),
        };
        let data = hex(&number.to_le_bytes());
        let (name, level) = (format!("p{producer}"), (number % 16).to_string());
        let mut arguments = vec!["enqueue", "0/0", "--capability", capability, "--level", &level, "--arguments", &data];
        arguments.extend(deadline.into_iter().flat_map(|seconds| ["--deadline", seconds]));
        stage.json(&name, &arguments)?;
    }
    Ok(())
}

/// Killed as soon as it says that it has claimed: its leases stay, and it never dispatches them.
fn kill_between_claim_and_dispatch(stage: &Stage) -> Result<()> {
    let mut keeper = stage.command(&stage.url, "first", &["--json", "keeper", "0/0", "--batch", "8"]);
    let mut keeper = keeper.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let lines = BufReader::new(keeper.stdout.take().context("no output")?).lines();
    for line in lines {
        let event: Value = serde_json::from_str(&line?)?;
        if event["event"] == "claimed" {
            break;
        }
    }
    keeper.kill()?;
    keeper.wait()?;
    let leased = stage.json("owner", &["queue", "ls", "0/0", "--list", "leased"])?;
    ensure!(!leased.as_array().context("no list")?.is_empty(), "the killed keeper held no lease");
    // Until they have ended: whoever comes then can only reap them.
    thread::sleep(Duration::from_secs(LEASE_SECONDS + 2));
    let ended = stage.json("owner", &["queue", "ls", "0/0", "--list", "leased"])?;
    ensure!(ended == leased, "somebody touched the leases: {ended}");
    Ok(())
}

/// Both keepers until nothing is ready, delayed or leased; the second one is stopped by a signal and says what it did.
fn work(stage: &Stage) -> Result<()> {
    let start = |name: &str| -> Result<Child> {
        let mut command =
            stage.command(&stage.url, name, &["--json", "keeper", "0/0", "--batch", "8", "--interval", "200"]);
        let log = std::fs::File::create(stage.folder.join(format!("{name}.log")))?;
        Ok(command.stdout(log).stderr(Stdio::null()).spawn()?)
    };
    let keepers = [start("first")?, start("second")?];
    let until = Instant::now() + Duration::from_mins(5);
    loop {
        let queue = stage.json("owner", &["queue", "show", "0/0"])?;
        let busy: u64 =
            ["ready_count", "delayed_count", "leased_count"].iter().filter_map(|name| queue[name].as_u64()).sum();
        if busy == 0 {
            // The leases of the killed keeper ended; each cost an attempt and was tried again.
            ensure!(queue["failed"].as_u64() > Some(3 * GATED + BROKEN), "no lease has ended: {queue}");
            break;
        }
        ensure!(Instant::now() < until, "still {busy} entries: {queue}");
        thread::sleep(Duration::from_secs(1));
    }
    for (mut keeper, name) in keepers.into_iter().zip(["first", "second"]) {
        std::process::Command::new("kill").arg(keeper.id().to_string()).status()?;
        ensure!(keeper.wait()?.success(), "{name} did not stop cleanly");
        let log = std::fs::read_to_string(stage.folder.join(format!("{name}.log")))?;
        let last: Value = serde_json::from_str(log.lines().last().context("no output")?)?;
        ensure!(last["dispatched"].as_u64() > Some(0), "{name} did nothing: {last}");
    }
    Ok(())
}

/// The independent count: the cluster's own record of successful transactions in which the target ran, by its data.
fn executed(stage: &Stage, target: &str) -> Result<BTreeMap<String, u64>> {
    let mut ran = BTreeMap::new();
    let signatures = stage.rpc("getSignaturesForAddress", &json!([target, { "limit": 1000 }]))?;
    for signature in signatures.as_array().context("no signatures")? {
        if !signature["err"].is_null() {
            continue;
        }
        let options = json!({ "encoding": "jsonParsed", "maxSupportedTransactionVersion": 0 });
        let transaction = stage.rpc("getTransaction", &json!([signature["signature"], options]))?;
        let inner = transaction["meta"]["innerInstructions"].as_array().cloned().unwrap_or_default();
        for call in inner.iter().filter_map(|inner| inner["instructions"].as_array()).flatten() {
            if call["programId"] == target {
                *ran.entry(call["data"].to_string()).or_insert(0) += 1;
            }
        }
    }
    Ok(ran)
}

fn dead_letters(stage: &Stage) -> Result<()> {
    let dead = stage.json("owner", &["dlq", "ls", "0/0"])?;
    let dead = dead.as_array().context("no list")?;
    let count = |reason: &str, name: &str| {
        let matching = dead
            .iter()
            .filter(|row| row["reason"] == reason && row["failure"].as_str().unwrap_or("").starts_with(name));
        matching.count() as u64
    };
    ensure!(count("deadline passed", "") == LATE, "{dead:?}");
    ensure!(count("every attempt was used", "VerificationFailed") == GATED, "{dead:?}");
    ensure!(count("permanent failure", "") == BROKEN, "{dead:?}");
    ensure!(dead.len() as u64 == LATE + GATED + BROKEN, "{} dead letters", dead.len());
    Ok(())
}

/// The gate opens: what died of it runs; the rest is purged, and the empty queue can be closed.
fn redrive(stage: &Stage, target: &str) -> Result<()> {
    stage.json("owner", &["shard", "resume", "1"])?;
    let dead = stage.json("owner", &["dlq", "ls", "0/0"])?;
    let rows = dead.as_array().context("no list")?.iter();
    let gated = rows.filter(|row| row["reason"] == "every attempt was used").filter_map(|row| row["handle"].as_str());
    let mut arguments = vec!["dlq", "redrive", "0/0"];
    arguments.extend(gated);
    let answer = stage.json("owner", &arguments)?;
    ensure!(answer["redriven"] == GATED, "{answer}");
    let counts = stage.run("second", &["--json", "keeper", "0/0", "--once", "--batch", "8"])?;
    ensure!(counts.status == 0, "{counts:?}");
    let ran = executed(stage, target)?;
    ensure!(ran.len() as u64 == GOOD + GATED && ran.values().all(|times| *times == 1), "{} ran", ran.len());
    let line = stage.refused("owner", &["queue", "close", "0/0"])?;
    ensure!(line.starts_with("QueueNotEmpty (2132): "), "{line}");
    let answer = stage.json("owner", &["dlq", "purge", "0/0", "--all"])?;
    ensure!(answer["purged"] == LATE + BROKEN && answer["dead"] == 0, "{answer}");
    stage.json("owner", &["queue", "close", "0/0"])?;
    ensure!(stage.json("owner", &["queue", "ls"])? == json!([]));
    Ok(())
}
