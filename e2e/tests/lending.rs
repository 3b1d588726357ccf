//! What a keeper brings to operations besides its own signature: it runs none without it, and each with it.

use anyhow::{Context, Result, ensure};
use e2e::{Stage, executed, hex, root, transactions};
use serde_json::{Value, json};

/// Keys that nobody holds.
fn key(number: u8) -> String {
    const DIGITS: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    format!(
        "Va1ence1111111111111111111111111111111111{}{}",
        char::from(DIGITS[1 + usize::from(number / 50)]),
        char::from(DIGITS[usize::from(number % 50)])
    )
}

#[test]
fn operations_that_need_more_than_a_worker_run_once_the_keeper_is_given_it() -> Result<()> {
    let stage = Stage::new(&["authority", "owner", "producer", "worker", "friend"])?;
    stage.json("authority", &["deploy"])?;
    let target = stage.deploy_program("authority", &root().join("target/deploy/noop_program.so"))?;
    define(&stage, &target)?;
    let arguments = stage.folder.join("arguments").display().to_string();
    fill(&stage, &arguments)?;
    refused(&stage)?;
    ensure!(executed(&stage, &target)?.is_empty(), "something ran");
    stage.json("owner", &["dlq", "redrive", "0/0", "--all"])?;
    let table = table(&stage)?;
    let friend = format!("2@1={}", stage.keypair("friend").display());
    let choice = format!("3:1={}", key(99));
    let given = ["--arguments-dir", &arguments, "--co-signer", &friend, "--choose", &choice, "--lookup-table", &table];
    let keeper = ["--json", "keeper", "0/0", "--once", "--poll", "--priority-fee", "auto:1000"];
    let answer = stage.run("worker", &[&keeper[..], &given].concat())?;
    ensure!(answer.status == 0, "{answer:?}");
    let last: Value = serde_json::from_str(answer.stdout.lines().last().context("no output")?)?;
    ensure!(last["dispatched"] == 5, "{}", answer.stdout);
    let ran = executed(&stage, &target)?;
    ensure!(ran.values().sum::<u64>() == 5, "{ran:?}");
    transactions_are_as_asked(&stage, &target)
}

/// Capabilities 0 to 4: signed by themselves, with long arguments, co-signed, with an account to choose, with many accounts.
fn define(stage: &Stage, target: &str) -> Result<()> {
    let owner = stage.address("owner");
    stage.json("authority", &["shard", "create", "--owner", &owner])?;
    let queue = json!({
        "slots": 10, "max_dead": 10, "leased": true, "max_attempts": 1, "workers": [stage.address("worker")],
        "producers": [{ "key": stage.address("producer"), "quota": 10 }],
    });
    stage.json("owner", &["queue", "create", "--shard", "0", &stage.file("queue.json", &queue.to_string())?])?;
    let fixed = |number| json!({ "kind": "fixed", "key": key(number) });
    let many = |from: u8| (from..from + 10).map(fixed).collect::<Vec<_>>();
    let capabilities = [
        json!({ "accounts": [{ "kind": "capability", "signer": true }] }),
        json!({ "arguments_bytes_min": 300 }),
        json!({ "accounts": [{ "kind": "fixed", "key": stage.address("friend"), "signer": true }] }),
        json!({ "accounts": [fixed(0), { "kind": "worker_chosen", "writable": true }] }),
        json!({ "accounts": many(1), "evidence": many(20) }),
    ];
    for (number, capability) in capabilities.into_iter().enumerate() {
        let mut definition = json!({ "target_program": target, "compute_limit": 30_000, "arguments_bytes_max": 400 });
        for (name, value) in capability.as_object().into_iter().flatten() {
            definition[name] = value.clone();
        }
        let file = stage.file(&format!("{number}.json"), &definition.to_string())?;
        stage.json("owner", &["capability", "create", "--shard", "0", &file])?;
    }
    Ok(())
}

fn fill(stage: &Stage, arguments: &str) -> Result<()> {
    for capability in ["0", "1", "2", "3", "4"] {
        let long = hex(&[7; 300]);
        let committed = ["--arguments", &long, "--commit", arguments];
        let inline = ["--arguments", &hex(&[7; 80])];
        let more: &[&str] = if capability == "1" { &committed } else { &inline };
        stage.json("producer", &[&["enqueue", "0/0", "--capability", capability][..], more].concat())?;
    }
    let short = stage.refused("producer", &["enqueue", "0/0", "--capability", "1", "--arguments", "00"])?;
    ensure!(short.starts_with("1 bytes of arguments where the capability takes 300 to 400"), "{short}");
    Ok(())
}

/// With nothing but its own key, and told not to use the capability's, a keeper runs none of them and says why.
fn refused(stage: &Stage) -> Result<()> {
    let answer = stage.run("worker", &["--json", "keeper", "0/0", "--once", "--poll", "--mode", "verify"])?;
    ensure!(answer.status == 0, "{answer:?}");
    let events = answer.stdout.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let reasons: Vec<_> = events.iter().filter_map(|event| event["reason"].as_str()).collect();
    for expected in [
        "it needs the capability's signature",
        "only the digest of the arguments is queued",
        "it needs the signature of ",
        "the worker has to choose an account",
        "bytes of 1232 allowed",
    ] {
        ensure!(reasons.iter().any(|reason| reason.contains(expected)), "no `{expected}` in {reasons:?}");
    }
    let dead = stage.json("owner", &["dlq", "ls", "0/0"])?;
    ensure!(dead.as_array().is_some_and(|dead| dead.len() == 5), "{dead}");
    Ok(())
}

/// A table for the capability with many accounts, made in two steps.
fn table(stage: &Stage) -> Result<String> {
    let created = stage.json("worker", &["lookup-table", "create", "--queue", "0/0"])?;
    let table = created["table"].as_str().context("no table")?.to_owned();
    let before = created["accounts"].as_u64().context("no number")?;
    let extended = stage.json("worker", &["lookup-table", "extend", &table, "--queue", "0/0", "--capability", "4"])?;
    // The capability, its target and its accounts; what is there already is not added again.
    ensure!(extended["accounts"] == before + 22, "{extended}");
    let none = stage.refused("worker", &["lookup-table", "show", &key(1)])?;
    ensure!(none.contains("is not an address lookup table on http://"), "{none}");
    Ok(table)
}

/// What is on the ledger: who signed, which account was chosen, and that the table was used.
fn transactions_are_as_asked(stage: &Stage, target: &str) -> Result<()> {
    let mut transactions = transactions(stage, target)?;
    let accounts = |transaction: &Value| transaction["transaction"]["message"]["accountKeys"].as_array().cloned();
    let signers = |transaction: &Value| -> Vec<Value> {
        let accounts = accounts(transaction).unwrap_or_default();
        accounts.iter().filter(|account| account["signer"] == true).map(|account| account["pubkey"].clone()).collect()
    };
    let (worker, friend) = (stage.address("worker"), stage.address("friend"));
    // The deployment names the program, too.
    transactions.retain(|transaction| signers(transaction).first() == Some(&json!(worker)));
    let signed: Vec<Vec<Value>> = transactions.iter().map(signers).collect();
    ensure!(signed.len() == 5, "{signed:?}");
    let with_friend = signed.iter().filter(|signers| signers.contains(&json!(friend))).count();
    ensure!(with_friend == 1, "{with_friend} transactions were co-signed: {signed:?}");
    let names = |key: &str| {
        let named = transactions.iter().filter_map(accounts);
        named.filter(|accounts| accounts.iter().any(|account| account["pubkey"] == key)).count()
    };
    ensure!(names(&key(99)) == 1, "the chosen account is in {} transactions", names(&key(99)));
    let looked_up = |account: &Value| account["pubkey"] == key(1) && account["source"] == "lookupTable";
    let from_table = transactions.iter().filter_map(accounts).filter(|accounts| accounts.iter().any(looked_up)).count();
    ensure!(from_table == 1, "{from_table} transactions took the account from the table");
    Ok(())
}
