//! Two keepers share a queue of many operations, one of them is killed; every operation runs once or ends in the dead
//! letters with its reason.

use anyhow::{Context, Result, ensure};
use e2e::{Proxy, Running, Stage, eventually, executed, hex, root, transactions};
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;

/// Operations of each kind.
const GOOD: u64 = 150;
const GATED: u64 = 20;
const BROKEN: u64 = 10;
const LATE: u64 = 20;
/// Of the good ones those that come first by the order, and those that come after them.
const FIRST: u64 = 20;
const AFTER: u64 = 20;
/// Length of a lease.
const LEASE_SECONDS: u64 = 20;
/// Attempts of an entry.
const ATTEMPTS: u64 = 4;
/// Producers that queue at the same time.
const PRODUCERS: u64 = 4;

#[test]
fn every_operation_runs_once_or_is_dead_with_its_reason() -> Result<()> {
    let people = ["authority", "owner", "p0", "p1", "p2", "p3", "first", "second"];
    let stage = Stage::new(&people)?;
    let target = define(&stage)?;
    let [first, after] = order(&stage, &target)?;
    create_queue(&stage)?;
    fill(&stage)?;
    kill_between_claim_and_dispatch(&stage)?;
    work(&stage)?;
    let ran = executed(&stage, &target)?;
    ensure!(ran.len() == usize::try_from(GOOD)?, "{} different operations ran", ran.len());
    ensure!(ran.values().all(|times| *times == 1), "some ran more than once: {ran:?}");
    let (first, after) = (slots(&stage, &target, &first)?, slots(&stage, &target, &after)?);
    ensure!(first.len() as u64 == FIRST && after.len() as u64 == AFTER, "{first:?} and {after:?}");
    ensure!(first.iter().max() <= after.iter().min(), "{after:?} did not wait for {first:?}");
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

/// Capabilities 3 and 4: entries of the second wait for those of the first. The others are members and wait for nothing.
fn order(stage: &Stage, target: &str) -> Result<[String; 2]> {
    let definition = json!({ "target_program": target, "compute_limit": 20_000, "arguments_bytes_min": 8, "arguments_bytes_max": 8 });
    let file = stage.file("ordered.json", &definition.to_string())?;
    let create = || {
        let created = stage.json("owner", &["capability", "create", "--shard", "0", &file])?;
        created["address"].as_str().map(str::to_owned).context("no address")
    };
    let ordered = [create()?, create()?];
    let shards = json!([{ "shard": 0, "max_members": 8, "max_constraints": 8 }]);
    let file = stage.file("order.json", &json!({ "patience_seconds": 3600, "shards": shards }).to_string())?;
    stage.json("owner", &["order", "create", &file])?;
    let constraint = json!({ "kind": "before", "capability": 3, "other": 4 });
    let constraints = json!({ "members": [0, 1, 2, 3, 4], "constraints": [constraint] });
    let file = stage.file("constraints.json", &constraints.to_string())?;
    stage.json("owner", &["order", "constraints", "0/0", "--shard", "0", &file])?;
    let composed = stage.json("owner", &["order", "compose", "0/0"])?;
    ensure!(composed["members"][4]["waits_for"] == json!([3]), "{composed}");
    Ok(ordered)
}

fn create_queue(stage: &Stage) -> Result<()> {
    let producers: Vec<_> =
        (0..PRODUCERS).map(|number| json!({ "key": stage.address(&format!("p{number}")), "quota": 100 })).collect();
    let queue = json!({
        "order": "0/0", "slots": 220, "max_dead": 60, "leased": true, "lease_seconds": LEASE_SECONDS, "max_attempts": ATTEMPTS, "backoff_seconds": 1,
        "backoff_cap_seconds": 1, "producers": producers, "workers": [stage.address("first"), stage.address("second")],
    });
    let queue =
        stage.json("owner", &["queue", "create", "--shard", "0", &stage.file("queue.json", &queue.to_string())?])?;
    ensure!(queue["slots"] == 220 && queue["leased"] == true && queue["ordered"] == true, "{queue}");
    let line = stage.refused("owner", &["order", "close", "0/0"])?;
    ensure!(line.starts_with("OrderInUse "), "{line}");
    // A budget that is never used up: every dispatch is counted against it.
    let budget = ["config", "set", "scheduler", "window_compute_units=1000000000", "window_seconds=3600"];
    stage.json("authority", &budget)?;
    stage.json("authority", &["resources", "allocate", "0=1"])?;
    let metered = stage.json("owner", &["queue", "set-quota", "0/0", "900"])?;
    ensure!(metered["metered"] == true && metered["quota_permille"] == 900, "{metered}");
    Ok(())
}

/// The slots in which operations of a capability ran, by the ledger.
fn slots(stage: &Stage, target: &str, capability: &str) -> Result<Vec<u64>> {
    let transactions = transactions(stage, capability)?;
    let runs = transactions.iter().filter(|transaction| {
        let calls = transaction["transaction"]["message"]["instructions"].as_array();
        calls.is_some_and(|calls| calls.iter().any(|call| call["programId"] == target))
    });
    runs.map(|transaction| transaction["slot"].as_u64().context("no slot")).collect()
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
    let operation = |number: u64| {
        let (capability, deadline) = match number {
            _ if number < LATE => (0, Some(10)),
            _ if number < LATE + GATED => (1, None),
            _ if number < LATE + GATED + BROKEN => (2, None),
            _ if number < LATE + GATED + BROKEN + FIRST => (3, None),
            _ if number < LATE + GATED + BROKEN + FIRST + AFTER => (4, None),
            _ => (0, None),
        };
        // By priority alone those that wait would run first of all.
        let level = match capability {
            3 => 0,
            4 => 15,
            _ => number % 16,
        };
        json!({
            "capability": capability, "level": level, "arguments": hex(&number.to_le_bytes()),
            "deadline_seconds": deadline,
        })
    };
    let mine: Vec<_> = (0..total).filter(|number| number % PRODUCERS == producer).collect();
    let name = format!("p{producer}");
    let operations = json!({ "operations": mine.iter().map(|number| operation(*number)).collect::<Vec<_>>() });
    let file = stage.file(&format!("{name}.json.operations.json"), &operations.to_string())?;
    // The first one alone; then the file with it, which leaves it out.
    let first = hex(&mine[0].to_le_bytes());
    let (level, sequence) = ((mine[0] % 16).to_string(), "1");
    let single = ["enqueue", "0/0", "--capability", "0", "--level", &level, "--arguments", &first, "--deadline", "10"];
    stage.json(&name, &[&single[..], &["--sequence", sequence]].concat())?;
    let answer = stage.json(&name, &["enqueue", "0/0", "--batch", &file, "--sequence", sequence])?;
    let count = mine.len() as u64;
    ensure!(answer["queued"] == count - 1 && answer["left_out"] == 1 && answer["last_sequence"] == count, "{answer}");
    let again = stage.json(&name, &["enqueue", "0/0", "--batch", &file, "--sequence", sequence])?;
    ensure!(again["queued"] == 0 && again["left_out"] == count, "{again}");
    Ok(())
}

/// Killed after it has claimed; its simulations never arrive, so that it dispatches nothing before.
fn kill_between_claim_and_dispatch(stage: &Stage) -> Result<()> {
    let proxy = Proxy::new(&stage.url, Some("simulateTransaction"))?;
    let command = stage.command(&proxy.url("http"), "first", &["--json", "keeper", "0/0", "--poll", "--batch", "8"]);
    let mut keeper = Running::start(stage, command, "killed")?;
    keeper.until("a claim", |event| event["event"] == "claimed")?;
    keeper.kill()?;
    let leased = stage.json("owner", &["queue", "ls", "0/0", "--list", "leased"])?;
    ensure!(leased.as_array().context("no list")?.len() == 8, "the killed keeper held {leased}");
    // Until they have ended: whoever comes then can only reap them.
    thread::sleep(Duration::from_secs(LEASE_SECONDS + 2));
    let ended = stage.json("owner", &["queue", "ls", "0/0", "--list", "leased"])?;
    ensure!(ended == leased, "somebody touched the leases: {ended}");
    Ok(())
}

/// Both keepers until nothing is ready, delayed or leased. Meanwhile the operator pauses and resumes, and the line of the
/// first one is cut for a while; in the end both are stopped by a signal and say what they did.
fn work(stage: &Stage) -> Result<()> {
    let (rpc, websocket) = (Proxy::new(&stage.url, None)?, Proxy::new(&stage.websocket, None)?);
    let export = stage.folder.join("export").display().to_string();
    let start = |name: &str, url: &str, websocket: &str| {
        let arguments =
            ["--json", "keeper", "0/0", "--batch", "3", "--websocket", websocket, "--export", &export, "--rotate", "2"];
        Running::start(stage, stage.command(url, name, &arguments), name)
    };
    let mut first = start("first", &rpc.url("http"), &websocket.url("ws"))?;
    let mut second = start("second", &stage.url, &stage.websocket)?;
    for keeper in [&mut first, &mut second] {
        keeper.until("a subscription", |event| event["event"] == "subscribed")?;
        keeper.until("a dispatch", |event| event["event"] == "dispatched")?;
    }
    rpc.cut();
    websocket.cut();
    first.until("the end of its connection", |event| event["event"] == "error")?;
    first.until("the end of its subscription", |event| event["event"] == "polling")?;
    pause_and_resume(stage)?;
    rpc.mend();
    websocket.mend();
    eventually("another subscription", || {
        let said = first.said()?;
        Ok((said.iter().filter(|event| event["event"] == "subscribed").count() >= 2).then_some(()))
    })?;
    let queue = eventually("the end of the work", || {
        let queue = stage.json("owner", &["queue", "show", "0/0"])?;
        let busy = ["ready_count", "delayed_count", "leased_count"].iter().filter_map(|name| queue[name].as_u64());
        Ok((busy.sum::<u64>() == 0).then_some(queue))
    })?;
    ensure!(queue["reserved_compute_units"] == 20_000 * GOOD, "{queue}");
    // The leases of the killed keeper ended; each cost an attempt and was tried again.
    ensure!(queue["failed"].as_u64() > Some(ATTEMPTS * GATED + BROKEN), "no lease has ended: {queue}");
    let counts = [first.stop()?, second.stop()?];
    for counts in &counts {
        ensure!(counts["dispatched"].as_u64() > Some(0), "it did nothing: {counts}");
    }
    ensure!(counts[0]["subscriptions_lost"].as_u64() > Some(0), "{}", counts[0]);
    exported(stage, &counts)
}

/// While the programs are paused both keepers look on: nothing is dispatched, and queueing goes on.
fn pause_and_resume(stage: &Stage) -> Result<()> {
    stage.json("authority", &["pause", "scheduler"])?;
    let before = stage.json("owner", &["queue", "show", "0/0"])?;
    thread::sleep(Duration::from_secs(2));
    let after = stage.json("owner", &["queue", "show", "0/0"])?;
    ensure!(before["dispatched"] == after["dispatched"], "{} were dispatched in the pause", after["dispatched"]);
    stage.json("authority", &["resume", "scheduler"])?;
    Ok(())
}

/// What the keepers left in files is what they said, and tells which verification function failed.
fn exported(stage: &Stage, counts: &[Value]) -> Result<()> {
    let mut rejections = 0;
    for (name, counts) in ["first", "second"].iter().zip(counts) {
        let path = stage.folder.join(format!("export/keeper-{}", stage.address(name)));
        let counters = std::fs::read_to_string(path.with_extension("prom"))?;
        let counter = |name: &str| {
            let value = counters.lines().find_map(|line| line.strip_prefix("valence_keeper_")?.strip_prefix(name));
            value.and_then(|value| value.trim().parse::<u64>().ok()).unwrap_or(0)
        };
        ensure!(counts["dispatched"] == counter("dispatched_total") && counter("running") == 0, "{counters}");
        rejections += counter("rejections_total{predicate=\"0\"}");
        let events = std::fs::read_to_string(path.with_extension("jsonl"))?;
        let dispatched = events.lines().filter(|line| line.contains("\"dispatched\"")).count();
        ensure!(counts["dispatched"] == dispatched, "{dispatched} events, {counts}");
    }
    // Each of the gated entries was tried; what the cut line kept from the queue was counted all the same.
    ensure!(rejections >= GATED, "{rejections} simulations rejected by the first function");
    Ok(())
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
    let counts = [count("deadline passed", ""), count("every attempt was used", ""), count("permanent failure", "")];
    ensure!(counts == [LATE, GATED, BROKEN] && dead.len() as u64 == LATE + GATED + BROKEN, "{counts:?}");
    // Some of the last attempts may have ended with their lease, on a busy machine.
    let verified = count("every attempt was used", "VerificationFailed");
    ensure!(verified > GATED / 2, "{verified} name the verification");
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
    let counts = stage.run("second", &["--json", "keeper", "0/0", "--once", "--poll", "--batch", "8"])?;
    ensure!(counts.status == 0, "{counts:?}");
    let ran = executed(stage, target)?;
    ensure!(ran.len() as u64 == GOOD + GATED && ran.values().all(|times| *times == 1), "{} ran", ran.len());
    let line = stage.refused("owner", &["queue", "close", "0/0"])?;
    ensure!(line.starts_with("QueueNotEmpty (2132): "), "{line}");
    let answer = stage.json("owner", &["dlq", "purge", "0/0", "--all"])?;
    ensure!(answer["purged"] == LATE + BROKEN && answer["dead"] == 0, "{answer}");
    stage.json("owner", &["queue", "close", "0/0"])?;
    ensure!(stage.json("owner", &["queue", "ls"])? == json!([]));
    stage.json("owner", &["order", "close", "0/0"])?;
    Ok(())
}
