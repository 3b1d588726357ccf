//! The ledger as the three programs wrote it: each call of theirs, whether it took effect, and what it cost.

use crate::cluster::Cluster;
use crate::cluster::reading::Signature;
use crate::failure::Outcome;
use crate::set::{Programs, Singleton};
use serde_json::Value;
use shared_layouts::client::error_of;
use shared_layouts::declare::InstructionSpec;
use shared_layouts::processor::{MAX_FUNCTIONS, ProcessorError};
use shared_layouts::{diff, processor, scheduler};
use solana_pubkey::Pubkey;
use std::collections::{BTreeMap, HashMap};

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It took effect.
    Done,
    /// It returned this error, and its transaction had no effect.
    Failed(String),
    /// It was taken back with its transaction, in which another call failed.
    Reverted,
}

/// One call of one of the programs, by a transaction or by another program.
#[derive(Clone, Debug)]
pub struct Call {
    /// The program.
    pub program: Singleton,
    /// The instruction; none if its first byte is no instruction's.
    pub instruction: Option<&'static InstructionSpec>,
    /// Accounts that it was given.
    pub accounts: Vec<Pubkey>,
    /// Its data, with the first byte.
    pub data: Vec<u8>,
    /// How it ended.
    pub end: End,
    /// Code of the error, if it is a program's own.
    pub code: Option<u32>,
    /// Compute units that it took, those of what it called included; none if the log does not say.
    pub units: Option<u64>,
    /// Time of its block, unix seconds.
    pub at: i64,
}

impl Call {
    /// Its name.
    pub fn name(&self) -> &'static str {
        self.instruction.map_or("unknown", |instruction| instruction.name)
    }

    /// Whether the error says that a verification function did not hold.
    pub fn is_rejection(&self) -> bool {
        let first = ProcessorError::VerificationFailed as u32;
        let index = self.code.and_then(|code| code.checked_sub(first));
        index.is_some_and(|index| (index as usize) < MAX_FUNCTIONS)
    }

    /// The account at a declared place.
    pub fn account(&self, name: &str) -> Option<Pubkey> {
        let place = self.instruction?.accounts.iter().position(|account| account.name == name)?;
        self.accounts.get(place).copied()
    }
}

/// Every declared instruction of a program.
pub const fn instructions(program: Singleton) -> &'static [&'static InstructionSpec] {
    match program {
        Singleton::Processor => processor::INSTRUCTIONS,
        Singleton::Scheduler => scheduler::INSTRUCTIONS,
        Singleton::Diff => diff::INSTRUCTIONS,
    }
}

/// Reads the ledger on from where it was last read.
pub struct Reader {
    programs: Programs,
    last: HashMap<Pubkey, String>,
    /// Transactions that one reading takes at most, of each address.
    most: usize,
}

/// What one reading found.
#[derive(Debug, Default)]
pub struct Reading {
    /// Calls, the oldest first.
    pub calls: Vec<Call>,
    /// Transactions.
    pub transactions: usize,
    /// Older transactions were left out, because there are more than one reading takes.
    pub is_cut: bool,
}

impl Reader {
    /// A reader that takes at most so many transactions of an address at a time.
    pub fn new(programs: &Programs, most: usize) -> Self {
        Self { programs: programs.clone(), last: HashMap::new(), most }
    }

    /// What is new since the last reading, at the first one since `since` (unix seconds).
    pub fn read(&mut self, cluster: &Cluster, since: i64) -> Outcome<Reading> {
        let mut reading = Reading::default();
        // In the order of the ledger: by slot, and within one as the server lists them.
        let mut found: BTreeMap<u64, Vec<Signature>> = BTreeMap::new();
        let mut lasts = Vec::new();
        for program in Singleton::ALL {
            let address = self.programs.address(program);
            let known = self.last.get(&address);
            let list = cluster.signatures(&address, known.map(String::as_str), self.most)?;
            reading.is_cut |= list.len() == self.most;
            if let Some(newest) = list.first() {
                lasts.push((address, newest.text.clone()));
            }
            for one in list.into_iter().rev().filter(|one| one.block_time.is_none_or(|at| at >= since)) {
                let slot = found.entry(one.slot).or_default();
                if slot.iter().all(|other| other.text != one.text) {
                    slot.push(one);
                }
            }
        }
        for one in found.into_values().flatten() {
            let transaction = cluster.transaction(&one.text)?;
            reading.transactions += 1;
            reading.calls.extend(calls(&self.programs, &transaction));
        }
        // Only now: a reading that failed half-way is repeated from its beginning.
        self.last.extend(lasts);
        Ok(reading)
    }
}

/// The calls of the programs in a transaction, in the order in which they ran.
pub fn calls(programs: &Programs, transaction: &Value) -> Vec<Call> {
    let (message, meta) = (&transaction["transaction"]["message"], &transaction["meta"]);
    let keys = keys(message, meta);
    let logs: Vec<&str> = meta["logMessages"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut runs = runs(&logs);
    let error = &meta["err"];
    let mut found = Vec::new();
    let inner = meta["innerInstructions"].as_array();
    for (index, top) in message["instructions"].as_array().into_iter().flatten().enumerate() {
        let inner = inner.into_iter().flatten().filter(|inner| inner["index"] == index);
        let inner = inner.filter_map(|inner| inner["instructions"].as_array()).flatten();
        for instruction in std::iter::once(top).chain(inner) {
            let Some(program) = key(&keys, &instruction["programIdIndex"]) else { continue };
            let Some(singleton) = Singleton::ALL.into_iter().find(|one| programs.address(*one) == program) else {
                continue;
            };
            let run = runs.get_mut(&program.to_string()).and_then(Vec::pop);
            // What has not run is no call: its transaction failed before.
            if !error.is_null() && !logs.is_empty() && run.is_none() {
                continue;
            }
            let run = run.unwrap_or_default();
            let data = bs58::decode(instruction["data"].as_str().unwrap_or_default()).into_vec().unwrap_or_default();
            let places = instruction["accounts"].as_array().into_iter().flatten();
            let (end, code) = end(error, run.failed_first, index);
            found.push(Call {
                program: singleton,
                instruction: data.first().and_then(|first| spec(singleton, *first)),
                accounts: places.filter_map(|place| key(&keys, place)).collect(),
                data,
                end,
                code,
                units: run.units,
                at: transaction["blockTime"].as_i64().unwrap_or_default(),
            });
        }
    }
    found
}

fn spec(program: Singleton, discriminator: u8) -> Option<&'static InstructionSpec> {
    instructions(program).iter().copied().find(|spec| spec.discriminator == discriminator)
}

/// The keys that a transaction's instructions count: its own, then those of lookup tables.
fn keys(message: &Value, meta: &Value) -> Vec<Pubkey> {
    let loaded = &meta["loadedAddresses"];
    let lists = [&message["accountKeys"], &loaded["writable"], &loaded["readonly"]];
    let all = lists.into_iter().filter_map(Value::as_array).flatten();
    all.map(|key| key.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()).collect()
}

fn key(keys: &[Pubkey], place: &Value) -> Option<Pubkey> {
    keys.get(usize::try_from(place.as_u64()?).ok()?).copied()
}

/// One run of a program, as the log tells it.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    units: Option<u64>,
    /// Its failure is the first one: those around it only pass it on.
    failed_first: bool,
}

/// The runs of each program, the first one last.
fn runs(logs: &[&str]) -> HashMap<String, Vec<Run>> {
    let mut runs: HashMap<String, Vec<Run>> = HashMap::new();
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut failed = false;
    for line in logs {
        let Some(rest) = line.strip_prefix("Program ") else { continue };
        let Some((program, what)) = rest.split_once(' ') else { continue };
        if what.starts_with("invoke [") {
            let list = runs.entry(program.to_owned()).or_default();
            open.push((program.to_owned(), list.len()));
            list.push(Run::default());
            continue;
        }
        // A line that a program logged itself may look like any other; only the innermost open one can end.
        let Some((name, place)) = open.last().filter(|(name, _)| name == program).cloned() else { continue };
        let Some(run) = runs.get_mut(&name).and_then(|list| list.get_mut(place)) else { continue };
        if let Some(units) = what.strip_prefix("consumed ").and_then(|rest| rest.split_once(" of ")) {
            run.units = units.0.parse().ok();
        } else if what == "success" {
            open.pop();
        } else if what.starts_with("failed: ") {
            run.failed_first = !failed;
            failed = true;
            open.pop();
        }
    }
    for list in runs.values_mut() {
        list.reverse();
    }
    runs
}

fn end(error: &Value, failed_first: bool, index: usize) -> (End, Option<u32>) {
    if error.is_null() {
        return (End::Done, None);
    }
    let failed = &error["InstructionError"];
    if !failed_first || failed[0] != index {
        return (End::Reverted, None);
    }
    let reason = &failed[1];
    let code = reason["Custom"].as_u64().and_then(|code| u32::try_from(code).ok());
    let named = code.and_then(error_of).map(|error| error.name.to_owned());
    let name = named.or_else(|| code.map(|code| code.to_string()));
    let name = name.or_else(|| reason.as_str().map(str::to_owned)).unwrap_or_else(|| reason.to_string());
    (End::Failed(name), code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn programs() -> Programs {
        let key = |byte| Pubkey::new_from_array([byte; 32]);
        Programs { genesis: String::new(), processor: key(1), scheduler: key(2), diff: key(3) }
    }

    fn transaction(error: &Value, logs: &[String]) -> Value {
        let programs = programs();
        let keys = [programs.scheduler, programs.processor, Pubkey::new_from_array([9; 32])];
        let keys: Vec<_> = keys.iter().map(Pubkey::to_string).collect();
        let dispatch = bs58::encode([scheduler::dispatch::DISCRIMINATOR, 1, 0, 0, 0, 2, 0]).into_string();
        let execute = bs58::encode([processor::execute::DISCRIMINATOR]).into_string();
        json!({
            "blockTime": 70,
            "transaction": { "message": { "accountKeys": keys, "instructions": [
                { "programIdIndex": 0, "accounts": [2, 2, 2], "data": dispatch },
                { "programIdIndex": 1, "accounts": [2], "data": execute },
            ] } },
            "meta": { "err": error, "logMessages": logs, "innerInstructions": [], "loadedAddresses": {} },
        })
    }

    fn logs(last: &str) -> Vec<String> {
        let Programs { scheduler, processor, .. } = programs();
        let target = Pubkey::new_from_array([9; 32]);
        vec![
            format!("Program {scheduler} invoke [1]"),
            format!("Program {scheduler} consumed 416 of 1000 compute units"),
            format!("Program {scheduler} success"),
            format!("Program {processor} invoke [1]"),
            format!("Program {target} invoke [2]"),
            "Program log: Program 1 success".to_owned(),
            format!("Program {target} consumed 20 of 500 compute units"),
            format!("Program {target} success"),
            format!("Program {processor} consumed 1500 of 2000 compute units"),
            format!("Program {processor} {last}"),
        ]
    }

    #[test]
    fn calls_are_read_with_their_units() {
        let found = calls(&programs(), &transaction(&Value::Null, &logs("success")));
        let told: Vec<_> = found.iter().map(|call| (call.name(), call.units, call.end.clone())).collect();
        assert_eq!(told, [("Dispatch", Some(416), End::Done), ("Execute", Some(1_500), End::Done)]);
        assert_eq!((found[0].at, found[0].account("queue")), (70, Some(Pubkey::new_from_array([9; 32]))));
    }

    #[test]
    fn of_a_failed_transaction_one_call_failed_and_the_others_were_taken_back() {
        let code = ProcessorError::VerificationFailed as u32 + 3;
        let error = json!({ "InstructionError": [1, { "Custom": code }] });
        let found = calls(&programs(), &transaction(&error, &logs("failed: custom program error: 0x0")));
        assert_eq!(found[0].end, End::Reverted);
        assert_eq!(found[1].end, End::Failed("VerificationFailed".to_owned()));
        assert!(found[1].is_rejection());
    }

    #[test]
    fn what_never_ran_is_no_call() {
        let error = json!({ "InstructionError": [0, "ComputationalBudgetExceeded"] });
        let scheduler = programs().scheduler;
        let logs = [format!("Program {scheduler} invoke [1]"), format!("Program {scheduler} failed: out of units")];
        let found = calls(&programs(), &transaction(&error, &logs));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].end, End::Failed("ComputationalBudgetExceeded".to_owned()));
    }
}
