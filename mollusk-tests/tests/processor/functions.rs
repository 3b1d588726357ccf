//! Every built-in function: true, false, boundary, out of range, wrong account, from `functions.json`.
//!
//! Each case there is a whole `Check`: the function's fields (absent ones are zero), evidence accounts in order, arguments,
//! other instructions of the transaction, and what must come out. A key is given by the name that the harness derives it from.

use mollusk_tests::{capabilities::check, features::FeatureProfile, fixture::*, programs::*, token};
use serde_json::Value;
use shared_layouts::processor::{CheckResult, Function};
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};

fn named(name: &str) -> Pubkey {
    match name {
        "clock" => sysvar::clock::ID,
        "token" => token::ID,
        "system" => system_program::ID,
        "noop" => NOOP.address(),
        "relay" => RELAY.address(),
        "zero key" => Pubkey::default(),
        name => address(name),
    }
}

/// Hexadecimal digits, a named key, or a list of both.
fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(digits) => (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits"))
            .collect(),
        Value::Array(parts) => parts.iter().flat_map(bytes).collect(),
        Value::Object(key) => named(key["key"].as_str().expect("a name")).to_bytes().to_vec(),
        _ => Vec::new(),
    }
}

fn function(fields: &Value) -> Function {
    let number = |name: &str| fields[name].as_u64().unwrap_or(0);
    let byte = |name: &str| u8::try_from(number(name)).expect("a byte");
    let word = |name: &str| u32::try_from(number(name)).expect("four bytes");
    let mut constant = [0; 32];
    let given = bytes(&fields["constant"]);
    constant[..given.len()].copy_from_slice(&given);
    Function {
        kind: byte("kind"),
        operator: byte("operator"),
        width: byte("width"),
        number: byte("number"),
        second_account: byte("second_account"),
        account_offset: word("account_offset"),
        input_offset: word("input_offset"),
        extra: word("extra"),
        constant,
        ..bytemuck::Zeroable::zeroed()
    }
}

fn set_account(fixture: &mut Fixture, given: &Value) -> AccountMeta {
    let name = given["name"].as_str().expect("a name");
    let key = named(name);
    let signer = given["signer"] == true;
    if let Some(held) = given["token"].as_object() {
        let mint = named(held["mint"].as_str().expect("a name"));
        let amount = held["amount"].as_u64().expect("an amount");
        fixture.world.set_account(&key, token::token_account(&mint, &address(people::OWNER), amount));
    } else if !given["data"].is_null() && !people::ALL.contains(&name) {
        let account = Account {
            lamports: given["lamports"].as_u64().expect("lamports"),
            data: bytes(&given["data"]),
            owner: named(given["owner"].as_str().expect("a name")),
            ..Account::default()
        };
        fixture.world.set_account(&key, account);
    }
    AccountMeta::new_readonly(key, signer)
}

#[test]
fn every_function_says_what_its_fixture_says() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("functions.json")).expect("the fixtures parse");
    let mut base = Fixture::new(FeatureProfile::Mainnet);
    let shard = base.shard();
    let mut kinds = std::collections::BTreeSet::new();
    for case in &cases {
        let name = case["name"].as_str().expect("a name");
        let mut fixture = base.clone();
        let none = Vec::new();
        let accounts = case["accounts"].as_array().unwrap_or(&none);
        let metas: Vec<_> = accounts.iter().map(|given| set_account(&mut fixture, given)).collect();
        let function = function(&case["function"]);
        kinds.insert(function.kind);
        let definition = Definition::new(&NOOP.address())
            .evidence(metas.iter().map(|meta| fixed(&meta.pubkey, 0)))
            .functions([function]);
        let capability = fixture.capability(&shard, &definition);
        let mut run = vec![check(&capability, &metas, &bytes(&case["arguments"]))];
        for other in case["instructions"].as_array().unwrap_or(&none) {
            let accounts = other["accounts"].as_array().unwrap_or(&none).iter();
            let accounts =
                accounts.map(|name| AccountMeta::new_readonly(named(name.as_str().expect("a name")), false)).collect();
            let program_id = named(other["program"].as_str().expect("a name"));
            // Before the check, so that the check's return data is the last.
            run.insert(0, Instruction { program_id, accounts, data: bytes(&other["data"]) });
        }
        let before = fixture.world.snapshot(&[capability, config(PROCESSOR)]);
        let signers = [people::OWNER, people::PRODUCER];
        let outcome = fixture.send(&run, &signers);
        fixture.world.assert_unchanged(&before);

        assert_eq!(outcome.return_data.0, PROCESSOR.address(), "{name}");
        let result: CheckResult = bytemuck::pod_read_unaligned(&outcome.return_data.1);
        let holds = case["holds"] == true;
        assert_eq!(
            (result.passed == 1, result.holds == 1, result.score == 1),
            (holds, holds, holds),
            "{name}: {result:?}"
        );
        assert_eq!((result.functions, result.evaluated), (1, 1), "{name}");
        assert_eq!(result.first_failing, if holds { 255 } else { 0 }, "{name}");
        if case["found"] != "slot" {
            let found = &result.found[..usize::from(result.found_bytes)];
            assert_eq!(found, bytes(&case["found"]), "{name}: the value found");
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), (1..=14).collect::<Vec<_>>(), "every built-in kind has fixtures");
}
