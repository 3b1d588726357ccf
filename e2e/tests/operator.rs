//! What an operator does from nothing on: deploy, initialize, define, queue, pause, resume; and what goes wrong.

use anyhow::{Context, Result, ensure};
use e2e::{Pretender, Stage, hex, one_line, root};
use serde_json::{Value, json};

/// A program that is on every cluster.
const TARGET: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";

fn stage() -> Result<Stage> {
    Stage::new(&["authority", "owner", "producer", "stranger"])
}

fn column(rows: &Value, name: &str) -> Vec<Value> {
    rows.as_array().into_iter().flatten().map(|row| row[name].clone()).collect()
}

#[test]
fn an_operator_deploys_defines_queues_pauses_and_resumes() -> Result<()> {
    let stage = stage()?;
    deploy(&stage)?;
    define(&stage)?;
    queue(&stage)?;
    manage(&stage)?;
    pause(&stage)?;
    configure(&stage)?;
    Ok(())
}

/// Single values, and the authority in two steps.
fn configure(stage: &Stage) -> Result<()> {
    let units = stage.json("authority", &["config", "set", "processor", "max_compute_units=2000000"])?;
    ensure!(units["max_compute_units"] == 2_000_000 && units["max_verification_functions"] == 10, "{units}");
    let opened = stage
        .json("authority", &["config", "set", "scheduler", "registration=open", "max_shards=7", "guardian=none"])?;
    ensure!(opened["registration"] == "open" && opened["max_shards"] == 7 && opened["guardian"].is_null(), "{opened}");
    let shard = stage.json("stranger", &["shard", "create"])?;
    ensure!(shard["owner"] == stage.address("stranger").as_str() && shard["number"] == 1, "{shard}");
    let line = stage.refused("stranger", &["config", "set", "diff", "max_batch_size=9"])?;
    ensure!(line.contains("is not the authority of the diff: that is "), "{line}");
    let line = stage.refused("authority", &["config", "set", "diff", "max_batch=9"])?;
    ensure!(line.starts_with("this config has no `max_batch` that can be set: it has guardian, "), "{line}");
    let line = stage.refused("authority", &["config", "set", "diff", "max_batch_size=0"])?;
    ensure!(line.starts_with("InvalidConfig (3011): "), "{line}");
    let owner = stage.address("owner");
    let nominated = stage.json("authority", &["authority", "nominate", &owner])?;
    ensure!(column(&nominated, "nominee") == [owner.as_str(); 3], "{nominated}");
    let line = stage.refused("stranger", &["authority", "accept"])?;
    ensure!(line.contains("is not the nominee of the processor: that is "), "{line}");
    let accepted = stage.json("owner", &["authority", "accept"])?;
    ensure!(column(&accepted, "authority") == [owner.as_str(); 3], "{accepted}");
    let line = stage.refused("owner", &["authority", "accept", "diff"])?;
    ensure!(line.starts_with("nobody is nominated as authority of the diff"), "{line}");
    let line = stage.refused("authority", &["pause"])?;
    ensure!(line.contains("is not authority or guardian of the processor"), "{line}");
    Ok(())
}

/// From nothing; the second time there is nothing to do.
fn deploy(stage: &Stage) -> Result<()> {
    let guardian = stage.address("stranger");
    let first = stage.json("authority", &["deploy", "--guardian", &guardian])?;
    ensure!(column(&first, "program") == ["processor", "scheduler", "diff"], "{first}");
    ensure!(column(&first, "upload") == ["deployed"; 3], "{first}");
    ensure!(column(&first, "config") == ["initialized"; 3], "{first}");
    let second = stage.json("authority", &["deploy"])?;
    ensure!(column(&second, "upload") == ["unchanged"; 3], "{second}");
    ensure!(column(&second, "config") == ["unchanged"; 3], "{second}");
    ensure!(column(&second, "address") == column(&first, "address"), "{second}");
    ensure!(column(&stage.json("authority", &["init"])?, "result") == ["unchanged"; 3]);
    let config = stage.json("authority", &["config", "get", "scheduler"])?;
    ensure!(config["max_queue_size"] == 1000 && config["default_priority"] == 5, "{config}");
    ensure!(config["guardian"] == guardian && config["registration"] == "closed", "{config}");
    let all = stage.json("authority", &["config", "get"])?;
    ensure!(all["processor"]["max_verification_functions"] == 10 && all["diff"]["max_batch_size"] == 50, "{all}");
    Ok(())
}

fn define(stage: &Stage) -> Result<()> {
    let owner = stage.address("owner");
    let shard = stage.json("authority", &["shard", "create", "--owner", &owner])?;
    ensure!(shard["number"] == 0 && shard["owner"] == owner.as_str(), "{shard}");
    let producer = stage.address("producer");
    let definition = stage.file(
        "queue.toml",
        &format!(
            "slots = 30\nmax_deadline_seconds = 600\n[[producers]]\nkey = '{producer}'\nquota = 20\nmax_level = 9\n"
        ),
    )?;
    let queue = stage.json("owner", &["queue", "create", "--shard", "0", &definition])?;
    ensure!(queue["slots"] == 30 && queue["leased"] == false, "{queue}");
    ensure!(queue["producers"][0]["key"] == producer.as_str(), "{queue}");
    let definition = json!({
        "target_program": TARGET, "compute_limit": 50_000, "arguments_bytes_min": 8, "arguments_bytes_max": 16,
        "accounts": [{ "kind": "fixed", "key": producer }],
        "functions": [{ "kind": "input", "operator": "<=", "width": 8, "constant": 1000 }],
    });
    let definition = stage.file("capability.json", &definition.to_string())?;
    let capability = stage.json("owner", &["capability", "create", "--shard", "0", &definition])?;
    ensure!(capability["target_program"] == TARGET && capability["accounts"][0]["key"] == producer.as_str());
    ensure!(capability["functions"][0]["constant"] == "e803000000000000", "{capability}");
    ensure!(stage.json("owner", &["capability", "show", "0"])? == capability);
    let updated = stage.json("owner", &["capability", "update", "0", &definition])?;
    ensure!(updated["capability_version"] == 2 && updated["functions"] == capability["functions"], "{updated}");
    stage.json("owner", &["capability", "create", "--shard", "0", &definition])?;
    stage.json("owner", &["capability", "close", "1"])?;
    ensure!(column(&stage.json("owner", &["capability", "ls"])?, "capability") == [0]);
    ensure!(column(&stage.json("owner", &["queue", "ls"])?, "queue") == ["0/0"]);
    ensure!(column(&stage.json("owner", &["shard", "ls"])?, "owner") == [owner.as_str()]);
    let state = stage.json("stranger", &["state", "create", "--bytes", "64"])?;
    ensure!(state["data_bytes"] == 64 && state["owner"] == stage.address("stranger").as_str(), "{state}");
    let written = stage.json("stranger", &["state", "write", "0", "--offset", "8", "cafe"])?;
    ensure!(written["state_version"] == 1, "{written}");
    let shown = stage.json("stranger", &["state", "show", "0", "--data"])?;
    ensure!(shown["data"].as_str().is_some_and(|data| data.starts_with("0000000000000000cafe00")), "{shown}");
    let line = stage.refused("owner", &["state", "close", "0"])?;
    ensure!(line.contains("is not the state's owner: that is "), "{line}");
    stage.json("stranger", &["state", "close", "0"])?;
    ensure!(stage.json("stranger", &["state", "ls"])? == json!([]));
    let arena = stage.json("stranger", &["arena", "create", "--optimization", "basic", "--ring-slots", "4"])?;
    ensure!(arena["stage"] == "open" && arena["optimization_level"] == 1 && arena["ring_slots"] == 4, "{arena}");
    ensure!(column(&stage.json("owner", &["arena", "ls"])?, "stage") == ["open"]);
    stage.json("stranger", &["arena", "close", "0"])?;
    ensure!(stage.json("owner", &["arena", "ls"])? == json!([]));
    Ok(())
}

fn queue(stage: &Stage) -> Result<()> {
    let enqueue = |level: &str, number: u64| {
        let data = hex(&number.to_le_bytes());
        stage.json("producer", &["enqueue", "0/0", "--capability", "0", "--level", level, "--arguments", &data])
    };
    let first = enqueue("3", 7)?;
    ensure!(first["sequence"] == 1, "{first}");
    enqueue("9", 8)?;
    enqueue("9", 9)?;
    let rows = stage.json("stranger", &["queue", "ls", "0/0"])?;
    ensure!(column(&rows, "level") == [9, 9, 3] && column(&rows, "sequence") == [2, 3, 1], "{rows}");
    let rows = stage.json("stranger", &["queue", "ls", "0/0", "--level", "3", "--list", "ready"])?;
    ensure!(column(&rows, "handle") == [first["handle"].clone()], "{rows}");
    ensure!(stage.json("stranger", &["queue", "ls", "0/0", "--list", "dead"])? == json!([]));
    let handle = first["handle"].as_str().context("no handle")?;
    let entry = stage.json("stranger", &["queue", "show", "0/0", handle])?;
    ensure!(
        entry["arguments"] == "0700000000000000" && entry["producer"] == stage.address("producer").as_str(),
        "{entry}"
    );
    let again = stage.refused(
        "producer",
        &["enqueue", "0/0", "--capability", "0", "--sequence", "1", "--arguments", "0000000000000000"],
    )?;
    ensure!(again.starts_with("SequenceUsed (2109): "), "{again}");
    let high = stage.refused(
        "producer",
        &["enqueue", "0/0", "--capability", "0", "--level", "10", "--arguments", "0000000000000000"],
    )?;
    ensure!(high.starts_with("LevelTooHigh (2110): "), "{high}");
    let short = stage.refused("producer", &["enqueue", "0/0", "--capability", "0", "--arguments", "00"])?;
    ensure!(short.starts_with("1 bytes of arguments where the capability takes 8 to 16: "), "{short}");
    let stranger =
        stage.refused("stranger", &["enqueue", "0/0", "--capability", "0", "--arguments", "0000000000000000"])?;
    ensure!(stranger.contains("is not a producer of the queue: name a producer's file by --keypair"), "{stranger}");
    Ok(())
}

/// What the shard's owner does with single entries.
fn manage(stage: &Stage) -> Result<()> {
    let rows = stage.json("owner", &["queue", "ls", "0/0"])?;
    let handles: Vec<String> =
        column(&rows, "handle").iter().filter_map(|handle| handle.as_str().map(str::to_owned)).collect();
    let [first, second, third] = &handles[..] else { anyhow::bail!("{rows}") };
    let held = stage.json("owner", &["hold", "0/0", first, second])?;
    ensure!(column(&held, "list") == ["held", "held"], "{held}");
    let line = stage.refused("owner", &["hold", "0/0", first])?;
    ensure!(line.starts_with("WrongList (2115): "), "{line}");
    let line = stage.refused("stranger", &["release", "0/0", first])?;
    ensure!(line.contains("is not the shard's owner: that is "), "{line}");
    ensure!(column(&stage.json("owner", &["release", "0/0", first])?, "list") == ["ready"]);
    let levels = stage.json("owner", &["reprioritize", "0/0", third, "--level", "12"])?;
    ensure!(column(&levels, "level") == [12], "{levels}");
    let dead = stage.json("owner", &["dlq", "add", "0/0", second])?;
    ensure!(column(&dead, "list") == ["dead"], "{dead}");
    ensure!(column(&stage.json("owner", &["dlq", "ls", "0/0"])?, "reason") == ["by an operator"]);
    let redriven = stage.json("owner", &["dlq", "redrive", "0/0", second])?;
    ensure!(redriven["redriven"] == 1 && redriven["dead"] == 0, "{redriven}");
    ensure!(column(&stage.json("producer", &["cancel", "0/0", second])?, "list") == [Value::Null]);
    let line = stage.refused("owner", &["requeue", "0/0", second])?;
    ensure!(line.starts_with("the queue holds no entry "), "{line}");
    ensure!(column(&stage.json("owner", &["requeue", "0/0", first])?, "list") == ["ready"]);
    ensure!(stage.json("owner", &["queue", "grow", "0/0", "--slots", "90"])?["slots"] == 90);
    let stranger = stage.address("stranger");
    let listed = stage.json("owner", &["queue", "set-producer", "0/0", &stranger, "--quota", "3"])?;
    ensure!(listed["producers"][1]["key"] == stranger.as_str() && listed["producers"][1]["quota"] == 3, "{listed}");
    ensure!(stage.json("owner", &["shard", "pause", "0"])?["paused"] == true);
    ensure!(stage.json("owner", &["shard", "resume", "0"])?["paused"] == false);
    Ok(())
}

/// All in order, a second time without an error, and back in reverse; one alone is strict.
fn pause(stage: &Stage) -> Result<()> {
    let paused = stage.json("authority", &["pause"])?;
    ensure!(column(&paused, "program") == ["processor", "scheduler", "diff"], "{paused}");
    ensure!(column(&paused, "state") == ["paused by the authority"; 3], "{paused}");
    ensure!(column(&stage.json("authority", &["pause"])?, "result") == ["unchanged"; 3]);
    let twice = stage.refused("authority", &["pause", "diff"])?;
    ensure!(twice.contains("AlreadyPaused (3009)"), "{twice}");
    let guardian = stage.refused("stranger", &["resume"])?;
    ensure!(guardian.contains("is not the authority of the diff"), "{guardian}");
    let resumed = stage.json("authority", &["resume"])?;
    ensure!(column(&resumed, "program") == ["diff", "scheduler", "processor"], "{resumed}");
    ensure!(column(&resumed, "state") == ["running"; 3], "{resumed}");
    let by_guardian = stage.json("stranger", &["pause", "scheduler"])?;
    ensure!(
        by_guardian[0]["state"].as_str().is_some_and(|text| text.starts_with("paused by the guardian until ")),
        "{by_guardian}"
    );
    ensure!(stage.json("authority", &["resume", "scheduler"])?[0]["state"] == "running");
    Ok(())
}

#[test]
fn bad_input_is_answered_by_one_line_that_names_the_cause() -> Result<()> {
    let stage = stage()?;
    let line = stage.refused("authority", &["config", "get"])?;
    ensure!(line.contains("no program is known on http://"), "{line}");
    let line = stage.refused("authority", &["deploy", "--artifacts", "/nowhere"])?;
    ensure!(line.starts_with("the built program /nowhere/valence_processor.so cannot be read"), "{line}");
    let line = stage.refused("authority", &["deploy", "--solana", "/nowhere/solana"])?;
    ensure!(line.starts_with("the Agave CLI `/nowhere/solana` does not run"), "{line}");
    // That attempt has made the addresses, and deployed nothing.
    let line = stage.refused("authority", &["init"])?;
    ensure!(line.starts_with("the processor ") && line.contains("is not deployed on http://"), "{line}");
    let line = stage.refused("authority", &["pause"])?;
    ensure!(line.contains("is not deployed on http://") && line.contains("run `valence deploy`"), "{line}");
    connection(&stage)?;
    keypairs(&stage)?;
    definitions(&stage)?;
    Ok(())
}

fn connection(stage: &Stage) -> Result<()> {
    let elsewhere = |url: &str| one_line(&stage.at(url, "authority", &["config", "get"])?);
    let line = elsewhere("http://127.0.0.1:9")?;
    ensure!(line.starts_with("cannot reach the RPC server at http://127.0.0.1:9 ("), "{line}");
    ensure!(line.ends_with("start it, or name another --url"), "{line}");
    let line = elsewhere("nowhere")?;
    ensure!(line.starts_with("nowhere is not an RPC server: give an http address"), "{line}");
    let set = stage.folder.join("set/programs.toml");
    let text = std::fs::read_to_string(&set)?;
    let other = text.lines().map(|line| if line.starts_with("genesis") { "genesis = \"another\"" } else { line });
    std::fs::write(&set, other.collect::<Vec<_>>().join("\n"))?;
    let line = stage.refused("authority", &["config", "get"])?;
    ensure!(line.starts_with("wrong cluster: the set in ") && line.ends_with("check --url and --set"), "{line}");
    // A program that is there, and has no config.
    let program = stage.deploy_program("authority", &root().join("target/deploy/noop_program.so"))?;
    let changed = format!("processor = \"{program}\"");
    let other = text.lines().map(|line| if line.starts_with("processor") { &changed } else { line });
    std::fs::write(&set, other.collect::<Vec<_>>().join("\n"))?;
    let line = stage.refused("authority", &["config", "get", "processor"])?;
    ensure!(line == format!("the processor {program} is not initialized: run `valence init`"), "{line}");
    std::fs::write(&set, text)?;
    Ok(())
}

fn keypairs(stage: &Stage) -> Result<()> {
    stage.json("authority", &["deploy"])?;
    stage.newcomer("poor")?;
    let line = stage.refused("poor", &["state", "create", "--bytes", "64"])?;
    ensure!(line.starts_with("the payer ") && line.contains("has no lamports on this cluster"), "{line}");
    let known = stage.newcomer("nearly poor")?;
    stage.transfer("authority", &known, "0.001")?;
    let line = stage.refused("nearly poor", &["state", "create", "--bytes", "10000"])?;
    ensure!(line.contains("has not enough lamports"), "{line}");
    let line = stage.refused("stranger", &["pause"])?;
    ensure!(line.contains("is not authority or guardian of the processor: that is"), "{line}");
    let line = stage.refused("stranger", &["shard", "create"])?;
    ensure!(line.starts_with("registration is closed, and the keypair "), "{line}");
    std::fs::write(stage.keypair("broken"), "[1, 2, 3]")?;
    let line = stage.refused("broken", &["pause"])?;
    ensure!(line.starts_with("the keypair ") && line.contains("broken.json cannot be read"), "{line}");
    let line = stage.refused("missing", &["deploy"])?;
    ensure!(line.contains("missing.json cannot be read") && line.contains("solana-keygen new"), "{line}");
    Ok(())
}

#[test]
fn nothing_is_sent_to_mainnet_without_a_confirmation() -> Result<()> {
    let stage = Stage::new(&["authority"])?;
    let mainnet = Pretender::new("5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d")?;
    let line = one_line(&stage.at(&mainnet.url, "authority", &["deploy"])?)?;
    ensure!(
        line.ends_with("is mainnet-beta, and nothing was sent: confirm with --confirm-mainnet, or check --url"),
        "{line}"
    );
    ensure!(mainnet.asked().iter().all(|method| method == "getGenesisHash"), "{:?}", mainnet.asked());
    Ok(())
}

fn definitions(stage: &Stage) -> Result<()> {
    let broken = stage.file("broken.toml", "slots = 30\nproducers = [{ key = 'nobody', quota = 2 }]\n")?;
    let line = stage.refused("owner", &["queue", "create", "--shard", "0", &broken])?;
    ensure!(
        line.ends_with("broken.toml:2: producers[0].key: `nobody` is not an address: 32 bytes in base58"),
        "{line}"
    );
    Ok(())
}
