//! What owners and the authority do: hand over, agree on an order, divide the budget, recover, upgrade and go back.

use anyhow::{Context, Result, ensure};
use e2e::{Stage, root};
use serde_json::{Value, json};
use std::fs;

/// A program that is on every cluster.
const TARGET: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";

#[test]
fn owners_and_the_authority_hand_over_agree_divide_and_recover() -> Result<()> {
    let stage = Stage::new(&["authority", "owner", "other", "producer"])?;
    stage.json("authority", &["deploy"])?;
    for owner in ["owner", "other"] {
        stage.json("authority", &["shard", "create", "--owner", &stage.address(owner)])?;
    }
    order(&stage)?;
    budget(&stage)?;
    purse_and_recovery(&stage)?;
    handover(&stage)?;
    direct(&stage)?;
    Ok(())
}

fn capability(stage: &Stage, shard: &str, owner: &str) -> Result<()> {
    let definition = json!({ "target_program": TARGET, "compute_limit": 1000, "arguments_bytes_max": 8 });
    let file = stage.file("capability.json", &definition.to_string())?;
    stage.json(owner, &["capability", "create", "--shard", shard, &file])?;
    Ok(())
}

/// Two shards: the second asks the first to wait, which counts once the first has accepted.
fn order(stage: &Stage) -> Result<()> {
    for (shard, owner) in [("0", "owner"), ("0", "owner"), ("1", "other")] {
        capability(stage, shard, owner)?;
    }
    let shards = [
        json!({ "shard": 0, "max_members": 4, "max_constraints": 4 }),
        json!({ "shard": 1, "max_members": 4, "max_constraints": 4 }),
    ];
    let file = stage.file("order.json", &json!({ "patience_seconds": 60, "shards": shards }).to_string())?;
    let order = stage.json("owner", &["order", "create", &file])?;
    ensure!(order["mode"] == "strict" && order["shards"][1]["members"] == "0 of 4", "{order}");
    let own = stage.file(
        "own.toml",
        "members = [0, 1]\n[[constraints]]\nkind = 'before'\ncapability = 0\nother = 1\n\
         [[constraints]]\nkind = 'priority'\ncapability = 0\nlevel = 9\nweight = 5\n",
    )?;
    let shown = stage.json("owner", &["order", "constraints", "0/0", "--shard", "0", &own])?;
    ensure!(shown["constraints"][0]["kind"] == "priority" && shown["constraints"][1]["from"] == 0, "{shown}");
    let foreign = stage.file(
        "foreign.toml",
        "members = [2]\n[[constraints]]\nkind = 'before'\ncapability = 2\nother = 0\nwhen_dead = 'skip'\n",
    )?;
    let shown = stage.json("other", &["order", "constraints", "0/0", "--shard", "1", &foreign])?;
    ensure!(shown["constraints"][2]["accepted_by_to"] == false, "{shown}");
    let line = stage.refused("other", &["order", "compose", "0/0"])?;
    ensure!(line.contains("is not the shard's owner: that is "), "{line}");
    let shown = stage.json("owner", &["order", "accept", "0/0", "--shard", "0", "--of", "1"])?;
    ensure!(shown["constraints"][2]["accepted_by_to"] == true, "{shown}");
    let composed = stage.json("owner", &["order", "compose", "0/0"])?;
    // The second capability of the first shard waits for both others, by way of the first.
    ensure!(composed["members"][1]["waits_for"] == json!([0, 2]), "{composed}");
    let line = stage.refused("owner", &["order", "compose", "0/0"])?;
    ensure!(line.starts_with("AlreadyComposed "), "{line}");
    let epoch = composed["epoch"].as_u64().context("no epoch")?;
    let rotated = stage.json("producer", &["order", "rotate", "0/0"])?;
    ensure!(rotated["epoch"] == epoch + 1, "{rotated}");
    let graph = stage.json("producer", &["order", "graph", "0/0"])?;
    ensure!(graph.as_str().is_some_and(|graph| graph.contains("2 -> 0 [label=\"before, skip\"")), "{graph}");
    let listed = stage.json("producer", &["order", "ls"])?;
    ensure!(listed[0]["order"] == "0/0" && listed[0]["composed"] == true, "{listed}");
    let broken = stage.file("broken.toml", "[[constraints]]\nkind = 'before'\ncapability = 0\n")?;
    let line = stage.refused("owner", &["order", "constraints", "0/0", "--shard", "0", &broken])?;
    ensure!(line.contains("broken.toml:1: constraints[0].other: the second capability"), "{line}");
    stage.json("owner", &["order", "close", "0/0"])?;
    ensure!(stage.json("owner", &["order", "ls"])? == json!([]));
    Ok(())
}

fn budget(stage: &Stage) -> Result<()> {
    stage.json("authority", &["config", "set", "scheduler", "window_compute_units=1000", "window_seconds=60"])?;
    let divided = stage.json("authority", &["resources", "allocate", "0=2", "1=1"])?;
    let shares: Vec<_> =
        divided["shards"].as_array().into_iter().flatten().map(|shard| &shard["share_compute_units"]).collect();
    ensure!(shares == [&json!(667), &json!(333)] && divided["allocated_compute_units"] == 1000, "{divided}");
    let line = stage.refused("authority", &["resources", "allocate", "7=1"])?;
    ensure!(line == "there is no shard 7: see `valence shard ls`", "{line}");
    let line = stage.refused("owner", &["resources", "allocate"])?;
    ensure!(line.contains("is not the scheduler's authority: that is "), "{line}");
    Ok(())
}

/// Tips out of the purse, a policy that changes, and an entry that is queued again in its producer's name.
fn purse_and_recovery(stage: &Stage) -> Result<()> {
    let producer = stage.address("producer");
    let text = "slots = 8\nmax_deadline_seconds = 600\n[[producers]]\nquota = 8\nmax_tip_lamports = 500000\n";
    let definition = format!("{text}key = '{producer}'\n");
    let queue = stage.json("owner", &["queue", "create", "--shard", "0", &stage.file("queue.toml", &definition)?])?;
    let address = queue["address"].as_str().context("no address")?;
    let tipped = ["enqueue", "0/0", "--capability", "0", "--tip", "400000", "--not-before", "300"];
    let line = stage.refused("producer", &tipped)?;
    ensure!(line.starts_with("TipNotCovered "), "{line}");
    stage.transfer("producer", address, "0.001")?;
    stage.json("producer", &tipped)?;
    let line = stage.refused("owner", &["queue", "withdraw", "0/0", "700000"])?;
    ensure!(line.starts_with("PurseTooLow "), "{line}");
    let left = stage.json("owner", &["queue", "withdraw", "0/0", "600000"])?;
    ensure!(left["reserved_tip_lamports"] == 400_000, "{left}");
    let policy = stage.file("policy.toml", &definition.replace("600", "900"))?;
    let updated = stage.json("owner", &["queue", "update", "0/0", &policy, "--default-level", "3"])?;
    ensure!(updated["max_deadline_seconds"] == 900 && updated["default_level"] == 3, "{updated}");
    let listed = stage.json("owner", &["queue", "ls", "0/0", "--failure", "0", "--list", "delayed"])?;
    ensure!(listed.as_array().is_some_and(|listed| listed.len() == 1), "{listed}");
    let again = [
        "restore",
        "0/0",
        "--producer",
        &producer,
        "--sequence",
        "7",
        "--capability",
        "1",
        "--interval",
        "60",
        "--runs",
        "2",
    ];
    let line = stage.refused("owner", &again)?;
    ensure!(line.starts_with("ShardNotPaused "), "{line}");
    stage.json("owner", &["shard", "pause", "0"])?;
    let restored = stage.json("owner", &again)?;
    ensure!(restored["sequence"] == 7, "{restored}");
    let line = stage.refused("owner", &again)?;
    ensure!(line.starts_with("SequenceUsed "), "{line}");
    let line = stage.refused("producer", &again)?;
    ensure!(line.contains("is not the shard's owner: that is "), "{line}");
    stage.json("owner", &["shard", "resume", "0"])?;
    let line = stage.refused("producer", &["enqueue", "0/0", "--capability", "0", "--level", "16"])?;
    ensure!(line == "--level: levels are 0 to 15", "{line}");
    let line = stage.refused("producer", &["enqueue", "0/0"])?;
    ensure!(line.starts_with("nothing to queue: name what to run by --capability"), "{line}");
    Ok(())
}

fn handover(stage: &Stage) -> Result<()> {
    let line = stage.refused("other", &["shard", "accept", "0"])?;
    ensure!(line.starts_with("nobody is nominated as owner of the shard "), "{line}");
    stage.json("owner", &["shard", "nominate", "0", &stage.address("other")])?;
    let line = stage.refused("producer", &["shard", "accept", "0"])?;
    ensure!(line.contains("is not the shard's nominee: that is "), "{line}");
    let accepted = stage.json("other", &["shard", "accept", "0"])?;
    ensure!(accepted["owner"] == stage.address("other").as_str() && accepted["pending_owner"].is_null(), "{accepted}");
    Ok(())
}

fn direct(stage: &Stage) -> Result<()> {
    let opened = stage.json("authority", &["direct", "open", "60"])?;
    let config = stage.json("authority", &["config", "get", "scheduler"])?;
    ensure!(config["direct_until"] == opened["direct_until"], "{config}");
    ensure!(stage.json("authority", &["direct", "close"])?["direct_until"].is_null());
    Ok(())
}

/// The processor is upgraded to the next version of its config's layout, migrated, and taken back.
#[test]
fn an_upgrade_is_migrated_and_can_be_taken_back() -> Result<()> {
    let stage = Stage::new(&["authority", "stranger"])?;
    stage.json("authority", &["deploy", "--max-compute-units", "900000"])?;
    let next = stage.folder.join("next");
    fs::create_dir_all(&next)?;
    let built = root().join("target/deploy");
    for program in ["scheduler", "diff"] {
        fs::copy(built.join(format!("valence_{program}.so")), next.join(format!("valence_{program}.so")))?;
    }
    fs::copy(built.join("valence_processor_v2.so"), next.join("valence_processor.so"))?;
    let next = next.display().to_string();
    let before = stage.json("authority", &["config", "get", "processor"])?;
    stage.json("authority", &["pause"])?;
    let upgraded = stage.json("authority", &["deploy", "--artifacts", &next])?;
    ensure!(upgraded[0]["upload"] == "upgraded" && upgraded[1]["upload"] == "unchanged", "{upgraded}");
    let line = stage.refused("stranger", &["migrate", "processor", "up"])?;
    ensure!(line.starts_with("NotAuthority "), "{line}");
    stage.json("authority", &["migrate", "processor", "up"])?;
    let line = stage.refused("authority", &["migrate", "processor", "up"])?;
    ensure!(line.starts_with("AlreadyCurrent "), "{line}");
    let line = stage.refused("authority", &["config", "get", "processor"])?;
    ensure!(line.contains("has another layout: use the `valence` of its version"), "{line}");
    stage.json("authority", &["migrate", "processor", "down"])?;
    let back = stage.json("authority", &["deploy"])?;
    ensure!(back[0]["upload"] == "upgraded" && back[0]["config"] == "unchanged", "{back}");
    stage.json("authority", &["resume"])?;
    let after = stage.json("authority", &["config", "get", "processor"])?;
    let values =
        |config: &Value| [config["max_compute_units"].clone(), config["authority"].clone(), config["pause"].clone()];
    ensure!(values(&after) == values(&before) && after["max_compute_units"] == 900_000, "{after}");
    let line = stage.refused("authority", &["finalize", "processor"])?;
    ensure!(line.starts_with("NoOpenMigration "), "{line}");
    Ok(())
}
