//! Does what a plan says: builds, simulates and sends, and reports what failed.

use super::Counts;
use super::judge::{Verdict, judge, predicate_index};
use super::plan::View;
use crate::address::Handle;
use crate::cluster::{Cluster, fixed_part};
use crate::commands::capability::rules;
use crate::failure::{Failure, Outcome};
use crate::set::Programs;
use crate::slab;
use serde_json::{Value, json};
use shared_layouts::client;
use shared_layouts::processor::{self, AccountRule, Capability, ProcessorError, account_flags, account_kind, execute};
use shared_layouts::scheduler::{
    self, Entry, EntryHandle, SchedulerError, claim, dispatch, entry_flags, fail, queue_flags, reap,
};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;
use solana_signer::Signer;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Units of a transaction besides the capability's own: compute budget, dispatch, and the execution's own steps.
const OVERHEAD_UNITS: u32 = 60_000;
/// Most units of a transaction.
const MAX_UNITS: u32 = 1_400_000;
/// How long an entry of an open queue is left alone after it failed.
const OPEN_RETRY: Duration = Duration::from_secs(5);

/// A keeper at work.
pub struct Keeper<'a> {
    cluster: &'a Cluster,
    programs: Programs,
    signer: Keypair,
    worker: Pubkey,
    batch: u8,
    priority_fee: u64,
    json: bool,
    capabilities: HashMap<Pubkey, (Capability, Vec<u8>)>,
    tried: HashMap<(Pubkey, u16, u32), Instant>,
    /// What it has done.
    pub counts: Counts,
}

/// Why an entry is not sent at all.
struct Refused {
    code: u32,
    permanent: bool,
    reason: String,
}

impl<'a> Keeper<'a> {
    /// A keeper that signs with `signer`.
    pub fn new(
        cluster: &'a Cluster,
        programs: Programs,
        signer: Keypair,
        batch: u8,
        priority_fee: u64,
        json: bool,
    ) -> Self {
        let worker = signer.pubkey();
        let (capabilities, tried) = (HashMap::new(), HashMap::new());
        let counts = Counts::default();
        Self { cluster, programs, signer, worker, batch, priority_fee, json, capabilities, tried, counts }
    }

    /// One event, as a line.
    pub fn say(&self, event: &str, fields: Value) {
        if self.json {
            let mut line = json!({ "event": event });
            if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
                line.extend(fields);
            }
            println!("{line}");
        } else {
            let shown = fields.as_object().into_iter().flatten();
            let shown: Vec<_> = shown
                .map(|(name, value)| {
                    format!("{name} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                })
                .collect();
            println!("{event}: {}", shown.join(", "));
        }
    }

    /// Does what there is to do in a queue; returns how much that was.
    pub fn serve(&mut self, view: &View) -> Outcome<usize> {
        self.tried.retain(|_, since| since.elapsed() < OPEN_RETRY);
        let plan =
            view.plan(&self.worker, |handle| self.tried.contains_key(&(view.queue, handle.slot, handle.generation)));
        let mut done = 0;
        if !plan.reap.is_empty() && self.reap(view, &plan.reap)? {
            done += plan.reap.len();
        }
        for handle in &plan.run {
            let Some(entry) = view.reader.entry(*handle).copied() else { continue };
            done += 1;
            self.run(view, *handle, &entry)?;
        }
        if let Some(place) = plan.claim {
            let accounts = claim::Accounts {
                config: client::config_address(&self.programs.scheduler),
                shard: view.shard,
                queue: view.queue,
                worker: self.worker,
                clock: sysvar::clock::ID,
            };
            let data = claim::Data { worker_index: place, count: self.batch };
            let call = scheduler::claim(self.programs.scheduler, accounts, &[], &data, &[]);
            match self.cluster.send(&[call], &self.signer) {
                Ok(_) => {
                    self.say("claimed", json!({ "queue": view.queue.to_string(), "at_most": self.batch }));
                    done += 1;
                }
                // Paused meanwhile, or taken off the list.
                Err(failure) if failure.code().is_some() => {
                    self.say("skipped", json!({ "queue": view.queue.to_string(), "reason": failure.line() }));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(done)
    }

    /// Returns whether anything was due: another keeper may have been quicker.
    fn reap(&mut self, view: &View, handles: &[EntryHandle]) -> Outcome<bool> {
        let accounts = reap::Accounts {
            config: client::config_address(&self.programs.scheduler),
            shard: view.shard,
            queue: view.queue,
            clock: sysvar::clock::ID,
        };
        let call =
            scheduler::reap(self.programs.scheduler, accounts, &[], &reap::Data {}, bytemuck::cast_slice(handles));
        match self.cluster.send(&[call], &self.signer) {
            Ok(_) => {
                self.counts.reaped += handles.len() as u64;
                let slots: Vec<_> = handles.iter().map(|handle| shown(*handle)).collect();
                self.say("reaped", json!({ "queue": view.queue.to_string(), "handles": slots.join(" ") }));
                Ok(true)
            }
            Err(failure) if failure.code().is_some() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    fn run(&mut self, view: &View, handle: EntryHandle, entry: &Entry) -> Outcome<()> {
        let calls = match self.calls(view, handle, entry)? {
            Ok(calls) => calls,
            Err(refused) => return self.failed(view, handle, entry, refused.code, refused.permanent, &refused.reason),
        };
        let simulated = match self.cluster.simulate(&calls, &self.signer) {
            // Too large, or refused by the server: the next entry may still run.
            Err(failure) if !failure.is_connection() => {
                return self.failed(view, handle, entry, 0, false, &failure.line());
            }
            simulated => simulated?,
        };
        let error = match simulated {
            None => self.cluster.send_unchecked(&calls, &self.signer)?,
            error => error,
        };
        let verdict = error.map(|error| (judge(&error), error.to_string()));
        match verdict {
            None => {
                self.counts.dispatched += 1;
                self.say("dispatched", about(view, handle, entry));
                Ok(())
            }
            Some((Verdict::Failed { code, permanent }, reason)) => {
                self.failed(view, handle, entry, code, permanent, &reason)
            }
            Some((Verdict::Lost, reason)) => {
                self.counts.lost_races += 1;
                self.tried.insert((view.queue, handle.slot, handle.generation), Instant::now());
                let mut fields = about(view, handle, entry);
                fields["reason"] = reason.into();
                self.say("skipped", fields);
                Ok(())
            }
            Some((Verdict::Cluster, reason)) => Err(Failure::new(format!("the transaction was not taken ({reason})"))),
        }
    }

    /// Reports a failure to a leased queue; in an open one the entry is left alone until later, or its deadline.
    fn failed(
        &mut self,
        view: &View,
        handle: EntryHandle,
        entry: &Entry,
        code: u32,
        permanent: bool,
        reason: &str,
    ) -> Outcome<()> {
        if permanent {
            self.counts.failed_permanent += 1;
        } else {
            self.counts.failed_transient += 1;
        }
        let mut fields = about(view, handle, entry);
        fields["code"] = code.into();
        fields["name"] = client::error_of(code).map(|error| error.name).into();
        fields["predicate"] = predicate_index(code).into();
        fields["class"] = if permanent { "permanent" } else { "transient" }.into();
        fields["reason"] = reason.into();
        self.say("failed", fields);
        self.capabilities.remove(&Pubkey::new_from_array(entry.capability));
        if view.reader.header.header.state & queue_flags::LEASED == 0 {
            self.tried.insert((view.queue, handle.slot, handle.generation), Instant::now());
            return Ok(());
        }
        let accounts = fail::Accounts {
            config: client::config_address(&self.programs.scheduler),
            shard: view.shard,
            queue: view.queue,
            worker: self.worker,
            clock: sysvar::clock::ID,
        };
        let data =
            fail::Data { generation: handle.generation, code, slot: handle.slot, permanent: u8::from(permanent) };
        let call = scheduler::fail(self.programs.scheduler, accounts, &[], &data, &[]);
        match self.cluster.send(&[call], &self.signer) {
            // The lease ended meanwhile, and somebody has reaped it.
            Err(failure) if failure.code().is_some() => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// The transaction that runs an entry: limit, price, dispatch, execution.
    fn calls(&mut self, view: &View, handle: EntryHandle, entry: &Entry) -> Outcome<Result<Vec<Instruction>, Refused>> {
        let address = Pubkey::new_from_array(entry.capability);
        let known = self.capabilities.get(&address);
        if known.is_none_or(|(capability, _)| capability.capability_version != entry.capability_version) {
            let account = self.cluster.account(&address)?.filter(|account| account.owner == self.programs.processor);
            let found = account.and_then(|account| Some((fixed_part(&account.data)?, account.data)));
            let Some(found) = found else {
                let reason = "its capability does not exist any more".to_owned();
                return Ok(Err(Refused { code: SchedulerError::UnknownCapability as u32, permanent: true, reason }));
            };
            self.capabilities.insert(address, found);
        }
        let Some((capability, data)) = self.capabilities.get(&address) else {
            return Err(Failure::new("no capability"));
        };
        if entry.flags & entry_flags::COMMITTED != 0 {
            let reason = "only the digest of the arguments is known here".to_owned();
            return Ok(Err(Refused { code: 0, permanent: false, reason }));
        }
        let arguments = slab::arguments(entry);
        let metas = match metas(&address, capability, data, arguments, &self.worker) {
            Ok(metas) => metas,
            Err(refused) => return Ok(Err(refused)),
        };
        let dispatch = scheduler::dispatch(
            self.programs.scheduler,
            dispatch::Accounts {
                config: client::config_address(&self.programs.scheduler),
                shard: view.shard,
                queue: view.queue,
                worker: self.worker,
                instructions: sysvar::instructions::ID,
                clock: sysvar::clock::ID,
            },
            &[],
            &dispatch::Data { generation: handle.generation, slot: handle.slot },
            &[],
        );
        let execute = processor::execute(
            self.programs.processor,
            execute::Accounts {
                capability: address,
                config: client::config_address(&self.programs.processor),
                instructions: sysvar::instructions::ID,
                target_program: Pubkey::new_from_array(capability.target_program),
            },
            &metas,
            &execute::Data { capability_version: entry.capability_version, flags: 0 },
            arguments,
        );
        let units = entry.compute_limit.saturating_add(OVERHEAD_UNITS).min(MAX_UNITS);
        Ok(Ok(vec![
            ComputeBudgetInstruction::set_compute_unit_limit(units),
            ComputeBudgetInstruction::set_compute_unit_price(self.priority_fee),
            dispatch,
            execute,
        ]))
    }
}

fn about(view: &View, handle: EntryHandle, entry: &Entry) -> Value {
    json!({
        "queue": view.queue.to_string(),
        "handle": shown(handle),
        "sequence": entry.sequence,
        "level": entry.level,
        "attempt": entry.attempts,
    })
}

fn shown(handle: EntryHandle) -> String {
    Handle { slot: handle.slot, generation: handle.generation }.to_string()
}

/// The accounts that a capability's execution takes. A keeper lends its signature to no operation.
fn metas(
    address: &Pubkey,
    capability: &Capability,
    data: &[u8],
    arguments: &[u8],
    worker: &Pubkey,
) -> Result<Vec<AccountMeta>, Refused> {
    let (targets, evidence) = rules(capability, data);
    targets.iter().chain(&evidence).map(|rule| meta(address, rule, arguments, worker)).collect()
}

fn meta(address: &Pubkey, rule: &AccountRule, arguments: &[u8], worker: &Pubkey) -> Result<AccountMeta, Refused> {
    let refused = |error: ProcessorError, permanent, reason: &str| Refused {
        code: error as u32,
        permanent,
        reason: reason.to_owned(),
    };
    let key = match rule.kind {
        account_kind::CAPABILITY => *address,
        account_kind::FROM_ARGUMENTS => {
            let at = usize::from(rule.arguments_offset);
            let key = arguments.get(at..at + 32).and_then(|bytes| Pubkey::try_from(bytes).ok());
            key.ok_or_else(|| {
                refused(ProcessorError::WrongAccount, true, "the arguments end before the account's key")
            })?
        }
        account_kind::WORKER_CHOSEN => {
            return Err(refused(ProcessorError::WrongChosenAccount, false, "an account that the worker has to choose"));
        }
        _ => Pubkey::new_from_array(rule.key),
    };
    let flag = |flag| rule.flags & flag != 0;
    if key == *worker {
        return Err(refused(ProcessorError::WorkerIsNamed, true, "the operation names this keeper's key"));
    }
    if flag(account_flags::SIGNER) && rule.kind != account_kind::CAPABILITY {
        return Err(refused(
            ProcessorError::MissingSigner,
            false,
            "the operation needs a signature that this keeper does not have",
        ));
    }
    let is_writable = flag(account_flags::WRITABLE);
    // The capability signs by the processor's call, not in the transaction.
    Ok(AccountMeta { pubkey: key, is_signer: false, is_writable })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytemuck::Zeroable;

    fn rule(kind: u8, key: u8, flags: u8) -> AccountRule {
        AccountRule { key: [key; 32], kind, flags, ..AccountRule::zeroed() }
    }

    fn key(byte: u8) -> Pubkey {
        Pubkey::new_from_array([byte; 32])
    }

    #[test]
    fn a_keeper_lends_its_key_to_no_operation() {
        for flags in [0, account_flags::SIGNER, account_flags::WRITABLE] {
            let refused = meta(&key(1), &rule(account_kind::FIXED, 2, flags), &[], &key(2)).err();
            assert_eq!(refused.map(|refused| refused.code), Some(ProcessorError::WorkerIsNamed as u32));
            let refused = meta(&key(1), &rule(account_kind::FROM_ARGUMENTS, 0, flags), &[2; 32], &key(2)).err();
            assert_eq!(refused.map(|refused| refused.permanent), Some(true));
        }
    }

    #[test]
    fn positions_are_filled_as_the_capability_binds_them() {
        let filled = |rule, arguments: &[u8]| {
            meta(&key(1), &rule, arguments, &key(9)).map(|meta| (meta.pubkey, meta.is_signer, meta.is_writable)).ok()
        };
        assert_eq!(filled(rule(account_kind::FIXED, 3, account_flags::WRITABLE), &[]), Some((key(3), false, true)));
        assert_eq!(filled(rule(account_kind::CAPABILITY, 0, account_flags::SIGNER), &[]), Some((key(1), false, false)));
        assert_eq!(filled(rule(account_kind::FROM_ARGUMENTS, 0, 0), &[4; 32]), Some((key(4), false, false)));
        assert_eq!(filled(rule(account_kind::FROM_ARGUMENTS, 0, 0), &[4; 31]), None);
        assert_eq!(filled(rule(account_kind::WORKER_CHOSEN, 0, 0), &[]), None);
        assert_eq!(filled(rule(account_kind::FIXED, 3, account_flags::SIGNER), &[]), None);
    }
}
