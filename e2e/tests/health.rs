//! `valence health` figure by figure against what the test itself did, sent past the tool and counted by hand.

use anyhow::{Context, Result, ensure};
use e2e::chain::{Set, execution, units};
use e2e::{Stage, hex, root};
use serde_json::{Value, json};
use shared_layouts::{client, diff, processor};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

/// Length of the window: longer than the test.
const WINDOW: u32 = 1_000;
/// Target of the capabilities: does nothing.
const TARGET: &str = "target/deploy/noop_program.so";

/// The table of `health`, and which of its rows were compared.
struct Figures {
    rows: Vec<Value>,
    compared: BTreeSet<usize>,
}

impl Figures {
    fn new(rows: &Value) -> Result<Self> {
        Ok(Self { rows: rows.as_array().context("no table")?.clone(), compared: BTreeSet::new() })
    }

    /// Labels are null where a figure has none.
    fn value(&mut self, source: &str, figure: &str, labels: &Value) -> Result<f64> {
        let place = self.rows.iter().position(|row| row["figure"] == figure && row["labels"] == *labels);
        let place = place.with_context(|| format!("no {figure} {labels} in {:#?}", self.rows))?;
        ensure!(self.rows[place]["source"] == source, "{}", self.rows[place]);
        self.compared.insert(place);
        self.rows[place]["value"].as_f64().context("no number")
    }

    fn is(&mut self, source: &str, figure: &str, labels: &Value, expected: f64) -> Result<()> {
        let value = self.value(source, figure, labels)?;
        ensure!((value - expected).abs() < 1e-6, "{figure} {labels}: {value} where {expected} was expected");
        Ok(())
    }

    /// Rows that nothing was compared with.
    fn rest(&self) -> Vec<&Value> {
        self.rows.iter().enumerate().filter(|(place, _)| !self.compared.contains(place)).map(|(_, row)| row).collect()
    }
}

/// What the test did, by its own count.
#[derive(Default)]
struct Done {
    execute_units: Vec<u64>,
    wait_at_least: i64,
    wait_at_most: i64,
}

#[test]
fn every_figure_is_what_was_done() -> Result<()> {
    let stage = Stage::new(&["authority", "owner", "producer", "worker"])?;
    let target = define(&stage)?;
    let set = stage.set()?;
    let done = queue(&stage, &set, &target)?;
    change_states(&stage, &set)?;
    let rows = health(&stage)?;
    let mut figures = Figures::new(&rows)?;
    programs(&mut figures, &stage)?;
    queues(&mut figures, &stage, &done)?;
    ledger(&mut figures, &done)?;
    diffs(&mut figures)?;
    keepers(&mut figures)?;
    // Calls of the tool itself: their number is above, what they cost is not counted here.
    let uncompared: Vec<_> = figures
        .rest()
        .into_iter()
        .filter(|row| !row["figure"].as_str().is_some_and(|name| name.starts_with("instruction")))
        .collect();
    ensure!(uncompared.is_empty(), "not compared: {uncompared:#?}");
    thresholds(&stage)?;
    Ok(())
}

fn define(stage: &Stage) -> Result<Pubkey> {
    stage.json("authority", &["deploy"])?;
    let target = stage.deploy_program("authority", &root().join(TARGET))?;
    let owner = stage.address("owner");
    stage.json("authority", &["shard", "create", "--owner", &owner])?;
    let gate = stage.json("authority", &["shard", "create", "--owner", &owner])?;
    stage.json("owner", &["shard", "pause", "1"])?;
    let queue = json!({
        "slots": 20, "max_dead": 4, "max_deadline_seconds": 900,
        "producers": [{ "key": stage.address("producer"), "quota": 12 }],
    });
    stage.json("owner", &["queue", "create", "--shard", "0", &stage.file("queue.json", &queue.to_string())?])?;
    let plain = json!({ "target_program": target, "compute_limit": 20_000, "arguments_bytes_min": 8, "arguments_bytes_max": 8 });
    let mut gated = plain.clone();
    gated["evidence"] = json!([{ "kind": "fixed", "key": gate["address"] }]);
    gated["functions"] = json!([{ "kind": "account_data", "account": 0, "account_offset": 3, "operator": "==", "width": 1, "constant": 0 }]);
    for (name, definition) in [("plain", plain), ("gated", gated)] {
        let file = stage.file(&format!("{name}.json"), &definition.to_string())?;
        stage.json("owner", &["capability", "create", "--shard", "0", &file])?;
    }
    Ok(target.parse()?)
}

/// Seven entries: three run, one is refused by its function, one is dead, one is held; the refused one and one more stay.
fn queue(stage: &Stage, set: &Set, target: &Pubkey) -> Result<Done> {
    let mut entries = Vec::new();
    for number in 0..7u64 {
        let (capability, data) = (if number == 3 { "1" } else { "0" }, hex(&number.to_le_bytes()));
        entries.push(stage.json("producer", &["enqueue", "0/0", "--capability", capability, "--arguments", &data])?);
    }
    let handle = |place: usize| entries[place]["handle"].as_str().context("no handle");
    stage.json("owner", &["dlq", "add", "0/0", handle(4)?])?;
    stage.json("owner", &["hold", "0/0", handle(5)?])?;
    let mut done = Done::default();
    for (place, number) in (0..3).zip(0u64..) {
        let entry = stage.json("owner", &["queue", "show", "0/0", handle(place)?])?;
        let since = entry["waiting_since"].as_i64().context("no time")?;
        let before = stage.now()?;
        let signature = stage.succeed("worker", &run(stage, set, target, handle(place)?, number, None)?)?;
        done.wait_at_least += before - since;
        done.wait_at_most += stage.now()? - since;
        done.execute_units.push(units(&stage.logs(&signature)?, &set.processor));
    }
    let gate = client::shard_address(&set.scheduler, 1);
    let (_, error) = stage.send("worker", &run(stage, set, target, handle(3)?, 3, Some(gate))?)?;
    let rejected = processor::ProcessorError::VerificationFailed as u32;
    ensure!(error["InstructionError"] == json!([1, { "Custom": rejected }]), "{error}");
    Ok(done)
}

/// Dispatch and execution; with evidence, of the gated capability.
fn run(
    stage: &Stage,
    set: &Set,
    target: &Pubkey,
    handle: &str,
    number: u64,
    evidence: Option<Pubkey>,
) -> Result<[Instruction; 2]> {
    let (slot, generation) = handle.split_once(':').context("no handle")?;
    let handle = (slot.parse()?, generation.parse()?);
    let mut calls = execution(stage, set, "worker", target, handle, &number.to_le_bytes())?;
    if let Some(key) = evidence {
        calls[1].accounts[0].pubkey = client::capability_address(&set.processor, 1);
        calls[1].accounts.push(AccountMeta::new_readonly(key, false));
    }
    Ok(calls)
}

/// Two changes at once, of two and of three bytes; and a batch whose two operations become one.
fn change_states(stage: &Stage, set: &Set) -> Result<()> {
    stage.json("owner", &["state", "create", "--bytes", "64"])?;
    stage.json("owner", &["state", "write", "0", "--offset", "8", "cafe"])?;
    stage.json("owner", &["state", "write", "0", "--offset", "20", "010203"])?;
    stage.json("owner", &["arena", "create", "--optimization", "aggressive"])?;
    let (arena, owner) = (client::arena_address(&set.diff, 0), stage.key("owner"));
    let (state, config) = (client::state_address(&set.diff, 0), client::config_address(&set.diff));
    let clock: Pubkey = "SysvarC1ock11111111111111111111111111111111".parse()?;
    let mut operations = Vec::new();
    for (offset, byte) in [(0u32, 1u8), (4, 2)] {
        operations.extend(offset.to_le_bytes());
        operations.extend(4u32.to_le_bytes());
        operations.extend([byte; 4]);
    }
    let read = [AccountMeta::new_readonly(state, false)];
    let write = [AccountMeta::new(state, false)];
    let locked = [AccountMeta::new(state, false), AccountMeta::new_readonly(owner, true)];
    let staged = diff::stage::Data { base_version: 2, new_length: 64, data_offset: 0 };
    let calls = [
        diff::stage(set.diff, diff::stage::Accounts { arena, owner, target: state }, &[], &staged, &operations),
        diff::optimize(
            set.diff,
            diff::optimize::Accounts { arena, owner },
            &read,
            &diff::optimize::Data { level: 2 },
            &[],
        ),
        diff::seal(set.diff, diff::seal::Accounts { arena, owner }, &read, &diff::seal::Data {}, &[]),
        diff::begin(
            set.diff,
            diff::begin::Accounts { config, arena, owner, clock },
            &locked,
            &diff::begin::Data { lock_seconds: 60 },
            &[],
        ),
        diff::apply(
            set.diff,
            diff::apply::Accounts { config, arena, owner, clock },
            &write,
            &diff::apply::Data { operations_most: 50 },
            &[],
        ),
        diff::commit(
            set.diff,
            diff::commit::Accounts { config, arena, owner, clock },
            &write,
            &diff::commit::Data {},
            &[],
        ),
    ];
    stage.succeed("owner", &calls)?;
    let data = stage.data(&state)?.context("no state")?;
    ensure!(data[diff::State::BYTES..][..8] == [1, 1, 1, 1, 2, 2, 2, 2], "the batch was not applied");
    Ok(())
}

fn health(stage: &Stage) -> Result<Value> {
    let counters = "valence_keeper_simulations_total{result=\"passed\"} 30\n\
        valence_keeper_simulations_total{result=\"rejected\"} 10\nvalence_keeper_simulations_total{result=\"failed\"} 2\n\
        valence_keeper_rejections_total{predicate=\"0\"} 10\nvalence_keeper_dispatched_total 29\n\
        valence_keeper_lost_races_total 1\nvalence_keeper_connection_errors_total 3\n\
        valence_keeper_running 1\nvalence_keeper_updated_seconds 1\n";
    std::fs::create_dir(stage.folder.join("keepers"))?;
    stage.file("keepers/keeper-a.prom", counters)?;
    stage.file("keepers/keeper-a.jsonl", "not counters")?;
    let file = stage.folder.join("keepers").display().to_string();
    stage.json("owner", &["health", "--window", &WINDOW.to_string(), "--keeper", &file])
}

fn programs(figures: &mut Figures, stage: &Stage) -> Result<()> {
    for program in ["processor", "scheduler", "diff"] {
        let labels = json!({ "program": program });
        for (figure, value) in [
            ("program_deployed", 1.0),
            ("program_initialized", 1.0),
            ("program_readable", 1.0),
            ("program_paused", 0.0),
            ("program_pause_seconds", 0.0),
            ("program_migration_open", 0.0),
            ("accounts_unreadable", 0.0),
        ] {
            figures.is("accounts", figure, &labels, value)?;
        }
    }
    for (shard, paused) in [("0", 0.0), ("1", 1.0)] {
        figures.is("accounts", "shard_paused", &json!({ "shard": shard }), paused)?;
        let limit = json!({ "capability": shard });
        figures.is("accounts", "capability_compute_units_limit", &limit, 20_000.0)?;
    }
    let none = Value::Null;
    figures.is("accounts", "shards", &none, 2.0)?;
    figures.is("accounts", "shards_limit", &none, 100.0)?;
    figures.is("accounts", "capabilities", &none, 2.0)?;
    let producer = json!({ "queue": "0/0", "producer": stage.address("producer") });
    figures.is("accounts", "producer_entries", &producer, 4.0)?;
    figures.is("accounts", "producer_quota", &producer, 12.0)?;
    Ok(())
}

fn queues(figures: &mut Figures, stage: &Stage, done: &Done) -> Result<()> {
    for (list, count) in [("ready", 2.0), ("delayed", 0.0), ("leased", 0.0), ("held", 1.0), ("dead", 1.0)] {
        figures.is("accounts", "queue_entries", &json!({ "queue": "0/0", "list": list }), count)?;
    }
    for (reason, count) in [
        ("permanent failure", 0.0),
        ("every attempt was used", 0.0),
        ("deadline passed", 0.0),
        ("by an operator", 1.0),
        ("a predecessor died", 0.0),
    ] {
        figures.is("accounts", "queue_dead_letters", &json!({ "queue": "0/0", "reason": reason }), count)?;
    }
    let queue = json!({ "queue": "0/0" });
    for (figure, value) in [
        ("queue_slots", 20.0),
        ("queue_free_slots", 16.0),
        ("queue_dead_letters_limit", 4.0),
        ("queue_overdue_entries", 0.0),
        ("queue_enqueued_total", 7.0),
        ("queue_dispatched_total", 3.0),
        ("queue_failed_total", 0.0),
        ("queue_retried_total", 0.0),
        ("queue_expired_total", 0.0),
        ("queue_died_total", 1.0),
        ("queue_redriven_total", 0.0),
        ("queue_cancelled_total", 0.0),
        ("queue_purged_total", 0.0),
        ("queue_claims_total", 3.0),
        ("queue_claims_blocked_total", 0.0),
        ("queue_claims_blocked_ratio", 0.0),
        ("queue_reserved_compute_units_total", 60_000.0),
        ("queue_paid_tip_lamports_total", 0.0),
        ("queue_reserved_tip_lamports", 0.0),
    ] {
        figures.is("accounts", figure, &queue, value)?;
    }
    figures.is("ledger", "queue_dispatches_per_second", &queue, 3.0 / f64::from(WINDOW))?;
    let waited = figures.value("accounts", "queue_wait_seconds_total", &queue)?;
    let bounds = f64::from(i32::try_from(done.wait_at_least)?)..=f64::from(i32::try_from(done.wait_at_most)?);
    ensure!(bounds.contains(&waited), "waited {waited}, not {bounds:?}");
    figures.is("accounts", "queue_mean_wait_seconds", &queue, waited / 3.0)?;
    let ready = stage.json("owner", &["queue", "ls", "0/0", "--list", "ready"])?;
    let first = ready[0]["handle"].as_str().context("no handle")?;
    let since = stage.json("owner", &["queue", "show", "0/0", first])?["waiting_since"].as_i64().context("no time")?;
    let oldest = figures.value("accounts", "queue_oldest_ready_seconds", &queue)?;
    ensure!(oldest >= 0.0 && oldest <= f64::from(i32::try_from(stage.now()? - since)?), "{oldest} seconds");
    Ok(())
}

fn ledger(figures: &mut Figures, done: &Done) -> Result<()> {
    let none = Value::Null;
    figures.is("ledger", "ledger_window_seconds", &none, f64::from(WINDOW))?;
    figures.is("ledger", "ledger_cut", &none, 0.0)?;
    let calls = |program: &str, instruction: &str, result: &str| json!({ "program": program, "instruction": instruction, "result": result });
    let mut transactions = 0.0;
    for (program, instruction, result, count) in [
        ("processor", "Initialize", "done", 1.0),
        ("scheduler", "Initialize", "done", 1.0),
        ("diff", "Initialize", "done", 1.0),
        ("scheduler", "RegisterShard", "done", 2.0),
        ("scheduler", "UpdateShard", "done", 1.0),
        ("scheduler", "CreateQueue", "done", 1.0),
        ("processor", "RegisterCapability", "done", 2.0),
        ("scheduler", "Enqueue", "done", 7.0),
        ("scheduler", "DeadLetter", "done", 1.0),
        ("scheduler", "Hold", "done", 1.0),
        ("scheduler", "Dispatch", "done", 3.0),
        ("scheduler", "Dispatch", "reverted", 1.0),
        ("processor", "Execute", "done", 3.0),
        ("processor", "Execute", "failed", 1.0),
        ("diff", "CreateState", "done", 1.0),
        ("diff", "ApplyInline", "done", 2.0),
        ("diff", "CreateArena", "done", 1.0),
        ("diff", "Stage", "done", 1.0),
        ("diff", "Optimize", "done", 1.0),
        ("diff", "Seal", "done", 1.0),
        ("diff", "Begin", "done", 1.0),
        ("diff", "Apply", "done", 1.0),
        ("diff", "Commit", "done", 1.0),
    ] {
        figures.is("ledger", "instructions_total", &calls(program, instruction, result), count)?;
        // Execute shares its transaction with the dispatch, and the stages of a batch theirs.
        let shared = ["Execute", "Optimize", "Seal", "Begin", "Apply", "Commit"].contains(&instruction);
        transactions += if shared { 0.0 } else { count };
    }
    // The queue has more slots than one creation gives: the tool's own steps are in the count that it reads.
    let read = figures.value("ledger", "ledger_transactions_total", &none)?;
    ensure!(read >= transactions, "{read} transactions of at least {transactions}");
    let error = json!({ "program": "processor", "error": "VerificationFailed" });
    figures.is("ledger", "errors_total", &error, 1.0)?;
    figures.is("ledger", "errors_in_window", &error, 1.0)?;
    figures.is("ledger", "verifications_total", &json!({ "result": "passed" }), 3.0)?;
    figures.is("ledger", "verifications_total", &json!({ "result": "rejected" }), 1.0)?;
    figures.is("ledger", "verification_success_ratio", &none, 0.75)?;
    let execute = json!({ "program": "processor", "instruction": "Execute" });
    let (sum, peak) = (done.execute_units.iter().sum::<u64>(), done.execute_units.iter().max().context("none")?);
    let number = |units: u64| u32::try_from(units).map(f64::from);
    figures.is("ledger", "instruction_compute_units_total", &execute, number(sum)?)?;
    figures.is("ledger", "instruction_compute_units_mean", &execute, number(sum)? / 3.0)?;
    figures.is("ledger", "instruction_compute_units_peak", &execute, number(*peak)?)?;
    figures.is("ledger", "capability_compute_units_peak", &json!({ "capability": "0" }), number(*peak)?)?;
    Ok(())
}

fn diffs(figures: &mut Figures) -> Result<()> {
    let none = Value::Null;
    let per_second = |count: f64| (count / f64::from(WINDOW) * 1e6).round() / 1e6;
    for (source, figure, value) in [
        ("accounts", "diff_max_batch_size", 50.0),
        ("accounts", "diff_optimization_level", 2.0),
        ("accounts", "states", 1.0),
        ("accounts", "states_locked", 0.0),
        ("ledger", "diff_operations_applied_total", 2.0),
        ("ledger", "diff_applied_bytes_total", 5.0),
        ("ledger", "diff_batches_per_second", per_second(1.0)),
        ("ledger", "diff_operations_per_second", per_second(2.0)),
        ("ledger", "diff_bytes_per_second", per_second(5.0)),
    ] {
        figures.is(source, figure, &none, value)?;
    }
    // In wire form an operation is a head of 8 bytes and its bytes: two of 4 bytes are 24, one of 8 is 16.
    for (figure, value) in [
        ("arena_stage", 0.0),
        ("arena_optimization_level", 2.0),
        ("arena_overdue_seconds", 0.0),
        ("arena_fill_ratio", 0.0),
        ("arena_batches_total", 1.0),
        ("arena_operations_staged_total", 2.0),
        ("arena_operations_sealed_total", 1.0),
        ("arena_staged_bytes_total", 24.0),
        ("arena_sealed_bytes_total", 16.0),
        ("arena_rejected_total", 0.0),
        ("arena_rolled_back_total", 0.0),
        ("arena_optimization_ratio", 0.666_667),
    ] {
        figures.is("accounts", figure, &json!({ "arena": "0" }), value)?;
    }
    Ok(())
}

fn keepers(figures: &mut Figures) -> Result<()> {
    let keeper = json!({ "keeper": "a" });
    // Its counters are from long ago.
    for (figure, value) in [
        ("keeper_up", 0.0),
        ("keeper_dispatched_total", 29.0),
        ("keeper_lost_races_total", 1.0),
        ("keeper_connection_errors_total", 3.0),
        ("simulated_verification_success_ratio", 0.75),
    ] {
        figures.is("keepers", figure, &keeper, value)?;
    }
    for (result, count) in [("passed", 30.0), ("rejected", 10.0), ("failed", 2.0)] {
        let labels = json!({ "keeper": "a", "result": result });
        figures.is("keepers", "keeper_simulations_total", &labels, count)?;
    }
    figures.is("keepers", "keeper_rejections_total", &json!({ "keeper": "a", "predicate": "0" }), 10.0)
}

/// The exit status says whether one is crossed; a watch ends with its signal.
fn thresholds(stage: &Stage) -> Result<()> {
    let dead = |above: u32| {
        let text = format!("[[threshold]]\nfigure = 'queue_entries'\nlabels = {{ list = 'dead' }}\nabove = {above}\n");
        stage.file("thresholds.toml", &text)
    };
    let judge = |file: &str| stage.run("owner", &["--json", "health", "--thresholds", file, "--crossed"]);
    let answer = judge(&dead(1)?)?;
    ensure!(answer.status == 0 && serde_json::from_str::<Value>(&answer.stdout)? == json!([]), "{answer:?}");
    let answer = judge(&dead(0)?)?;
    let rows: Value = serde_json::from_str(&answer.stdout)?;
    ensure!(answer.status == 3 && rows.as_array().is_some_and(|rows| rows.len() == 1), "{answer:?}");
    ensure!(rows[0]["crossed"] == "above 0" && rows[0]["value"] == 1, "{rows}");
    let line = stage.refused("owner", &["health", "--thresholds", "/nowhere.toml"])?;
    ensure!(line.starts_with("/nowhere.toml: "), "{line}");
    let mut watch = stage.command(&stage.url, "owner", &["--json", "health", "--watch", "1", "--transactions", "0"]);
    let mut child = watch.stdout(Stdio::piped()).spawn()?;
    let mut reader = BufReader::new(child.stdout.take().context("no output")?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    ensure!(serde_json::from_str::<Value>(&line)?.is_array(), "{line}");
    std::process::Command::new("kill").arg(child.id().to_string()).status()?;
    let mut rest = String::new();
    reader.read_to_string(&mut rest)?;
    ensure!(child.wait()?.success() && !rest.is_empty(), "{rest}");
    Ok(())
}
