//! Does what a plan says: builds, simulates and sends, and reports what failed.

use super::call::{Call, Caller, Mode, Refused, Target};
use super::judge::{Verdict, judge};
use super::plan::View;
use super::provisions::Provisions;
use super::report::{Failed, Report, class};
use crate::address::Handle;
use crate::cluster::{Cluster, fixed_part, versioned};
use crate::failure::{Failure, Outcome};
use crate::set::Programs;
use crate::slab;
use serde_json::{Value, json};
use shared_layouts::client;
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{
    self, Entry, EntryHandle, SchedulerError, claim, fail, queue_flags, reap, rotate_epoch,
};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::AddressLookupTableAccount;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long an entry of an open queue is left alone after it failed.
const OPEN_RETRY: Duration = Duration::from_secs(5);
/// How long a price that the cluster was asked for holds.
const PRICE_HOLDS: Duration = Duration::from_secs(10);

/// What a compute unit is paid, micro-lamports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// So much.
    Fixed(u64),
    /// What others paid lately, at most so much.
    Auto(u64),
}

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is not a number of micro-lamports"));
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto(MOST_AUTO)),
            Some(("auto", most)) => Ok(Self::Auto(number(most)?)),
            _ => Ok(Self::Fixed(number(text)?)),
        }
    }
}

/// Most that `auto` pays unless it says so, micro-lamports: a million units cost 0.0001 SOL then.
const MOST_AUTO: u64 = 100_000;

/// How a keeper works.
pub struct Manner {
    /// Leases claimed at a time.
    pub batch: u8,
    /// What it pays for a unit.
    pub price: Price,
    /// By which instructions it runs entries.
    pub mode: Mode,
    /// Tables from which transactions take accounts.
    pub tables: Vec<AddressLookupTableAccount>,
    /// What it brings to operations.
    pub provisions: Provisions,
    /// Shortest time between two epochs that it opens in an order whose entries wait; `None` if it opens none.
    pub rotate: Option<Duration>,
}

/// A keeper at work.
pub struct Keeper<'a> {
    cluster: &'a Cluster,
    programs: Programs,
    signer: Keypair,
    worker: Pubkey,
    manner: Manner,
    capabilities: HashMap<Pubkey, (Capability, Vec<u8>)>,
    tried: HashMap<(Pubkey, u16, u32), Instant>,
    prices: HashMap<Pubkey, (Instant, u64)>,
    rotated: HashMap<Pubkey, Instant>,
    stop: Arc<AtomicBool>,
    /// What it says and counts.
    pub report: Report,
}

/// What came of an entry.
enum Attempt {
    Dispatched,
    Lost(String),
    Failed { code: u32, predicate: Option<u32>, permanent: bool, reason: String },
}

impl From<Refused> for Attempt {
    fn from(refused: Refused) -> Self {
        let Refused { code, permanent, reason } = refused;
        Self::Failed { code, predicate: None, permanent, reason }
    }
}

impl<'a> Keeper<'a> {
    /// A keeper that signs with `signer`, and begins nothing more once `stop` is set.
    pub fn new(
        cluster: &'a Cluster,
        programs: Programs,
        signer: Keypair,
        manner: Manner,
        report: Report,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let worker = signer.pubkey();
        let (capabilities, tried, prices, rotated) = (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
        Self { cluster, programs, signer, worker, manner, capabilities, tried, prices, rotated, stop, report }
    }

    /// Longest time until an entry that failed in an open queue may be tried again.
    pub fn retry_in(&self) -> Option<Duration> {
        (!self.tried.is_empty()).then_some(OPEN_RETRY)
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
            if self.is_stopped() {
                return Ok(done);
            }
            let Some(entry) = view.reader.entry(*handle).copied() else { continue };
            done += usize::from(self.run(view, *handle, &entry)?);
            self.report.beat(false);
        }
        self.rotate(view)?;
        if let Some(place) = plan.claim.filter(|_| !self.is_stopped())
            && self.claim(view, place)?
        {
            done += 1;
        }
        Ok(done)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn claim(&mut self, view: &View, place: u8) -> Outcome<bool> {
        let accounts = claim::Accounts {
            config: client::config_address(&self.programs.scheduler),
            shard: view.shard,
            queue: view.queue,
            worker: self.worker,
            clock: sysvar::clock::ID,
        };
        let data = claim::Data { worker_index: place, count: self.manner.batch };
        let order = slab::order(&view.reader.header);
        match self.send(view, scheduler::claim(self.programs.scheduler, accounts, &order, &data, &[])) {
            Ok(()) => {
                self.report.counts.claims += 1;
                let fields = json!({ "queue": view.queue.to_string(), "at_most": self.manner.batch });
                self.report.say("claimed", fields);
                Ok(true)
            }
            // Paused meanwhile, or taken off the list.
            Err(failure) if failure.code().is_some() => {
                let fields = json!({ "queue": view.queue.to_string(), "reason": failure.line() });
                self.report.say("skipped", fields);
                Ok(false)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Opens the next epoch of the queue's order where entries wait, so that what is queued from now on no longer holds them up.
    fn rotate(&mut self, view: &View) -> Outcome<()> {
        let (Some(every), true) = (self.manner.rotate, view.waits()) else { return Ok(()) };
        let since = self.rotated.get(&view.queue).copied();
        if since.is_some_and(|since| since.elapsed() < every) || self.is_stopped() {
            return Ok(());
        }
        self.rotated.insert(view.queue, Instant::now());
        let order = Pubkey::new_from_array(view.reader.header.order);
        let accounts = rotate_epoch::Accounts { order };
        let call = scheduler::rotate_epoch(self.programs.scheduler, accounts, &[], &rotate_epoch::Data {}, &[]);
        match self.send(view, call) {
            Ok(()) => {
                self.report.say("rotated", json!({ "order": order.to_string() }));
                Ok(())
            }
            // Entries of the older epoch are still pending.
            Err(failure) if failure.code().is_some() => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Returns whether anything was due: another keeper may have been quicker.
    fn reap(&mut self, view: &View, handles: &[EntryHandle]) -> Outcome<bool> {
        let accounts = reap::Accounts {
            config: client::config_address(&self.programs.scheduler),
            shard: view.shard,
            queue: view.queue,
            clock: sysvar::clock::ID,
        };
        let order = slab::order(&view.reader.header);
        let call =
            scheduler::reap(self.programs.scheduler, accounts, &order, &reap::Data {}, bytemuck::cast_slice(handles));
        match self.send(view, call) {
            Ok(()) => {
                self.report.counts.reaped += handles.len() as u64;
                let slots: Vec<_> = handles.iter().map(|handle| shown(*handle)).collect();
                let fields = json!({ "queue": view.queue.to_string(), "handles": slots.join(" ") });
                self.report.say("reaped", fields);
                Ok(true)
            }
            Err(failure) if failure.code().is_some() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Returns whether that changed anything: what may not run just now is asked for again after a pause.
    fn run(&mut self, view: &View, handle: EntryHandle, entry: &Entry) -> Outcome<bool> {
        match self.attempt(view, handle, entry)? {
            Attempt::Dispatched => {
                self.report.counts.dispatched += 1;
                self.report.say("dispatched", about(view, handle, entry));
                Ok(true)
            }
            Attempt::Lost(reason) => {
                self.report.counts.lost_races += 1;
                self.tried.insert((view.queue, handle.slot, handle.generation), Instant::now());
                let mut fields = about(view, handle, entry);
                fields["reason"] = reason.into();
                self.report.say("skipped", fields);
                Ok(false)
            }
            Attempt::Failed { code, predicate, permanent, reason } => {
                let capability = Pubkey::new_from_array(entry.capability).to_string();
                let mut fields = about(view, handle, entry);
                fields["code"] = code.into();
                fields["name"] = client::error_of(code).map(|error| error.name).into();
                fields["predicate"] = predicate.into();
                fields["class"] = class(permanent).into();
                fields["reason"] = reason.into();
                self.report.failed(Failed { capability, code, permanent });
                self.report.say("failed", fields);
                self.give_back(view, handle, entry, code, permanent)?;
                Ok(true)
            }
        }
    }

    /// Simulates an entry's transaction and sends it if it would succeed.
    fn attempt(&mut self, view: &View, handle: EntryHandle, entry: &Entry) -> Outcome<Attempt> {
        let address = Pubkey::new_from_array(entry.capability);
        if !self.knows(&address, entry.capability_version)? {
            let reason = "its capability does not exist any more".to_owned();
            let code = SchedulerError::UnknownCapability as u32;
            return Ok(Refused { code, permanent: true, reason }.into());
        }
        let price = self.price(&view.queue)?;
        let Some((capability, data)) = self.capabilities.get(&address) else {
            return Err(Failure::new("the capability is not known"));
        };
        let (worker, mode, provisions) = (self.worker, self.manner.mode, &self.manner.provisions);
        let caller = Caller { programs: &self.programs, worker, mode, provisions };
        let call = match caller.call(view, handle, entry, &Target { address, capability, data }) {
            Ok(call) => call,
            Err(refused) => return Ok(refused.into()),
        };
        let judged = |error, logs: &[String]| match judge(&error, logs, &self.programs.processor) {
            Verdict::Failed { code, predicate, permanent } => {
                Ok(Attempt::Failed { code, predicate, permanent, reason: error.to_string() })
            }
            Verdict::Lost => Ok(Attempt::Lost(error.to_string())),
            Verdict::Cluster => Err(Failure::new(format!("the transaction was not taken ({error})"))),
        };
        self.report.counts.simulated += 1;
        let blockhash = self.cluster.blockhash()?;
        let signed = |units| self.signed(&call, units, price, blockhash);
        let simulation = signed(call.most_units).and_then(|transaction| self.cluster.simulate(&transaction));
        let units = match simulation {
            // Too large, or refused by the server: the next entry may still run.
            Err(failure) if !failure.is_connection() => {
                self.report.simulation_failed(None);
                return Ok(Refused { code: 0, permanent: false, reason: failure.line() }.into());
            }
            Err(failure) => {
                self.report.simulation_failed(None);
                return Err(failure);
            }
            Ok(simulation) => match simulation.error {
                Some(error) => {
                    let attempt = judged(error, &simulation.logs);
                    let predicate = match &attempt {
                        Ok(Attempt::Failed { predicate, .. }) => *predicate,
                        _ => None,
                    };
                    self.report.simulation_failed(predicate);
                    return attempt;
                }
                None => call.units(simulation.units),
            },
        };
        match self.cluster.send_unchecked(&self.signed(&call, units, price, blockhash)?)? {
            None => Ok(Attempt::Dispatched),
            Some(error) => judged(error, &[]),
        }
    }

    fn signed(&self, call: &Call, units: u32, price: u64, blockhash: Hash) -> Outcome<VersionedTransaction> {
        let signers: Vec<&Keypair> = std::iter::once(&self.signer).chain(call.co_signers.iter().copied()).collect();
        versioned(&call.with_budget(units, price), &signers, &self.manner.tables, blockhash)
    }

    /// Whether the capability exists; its account is read again when an entry was queued under another version.
    fn knows(&mut self, address: &Pubkey, version: u32) -> Outcome<bool> {
        let known = self.capabilities.get(address);
        if known.is_none_or(|(capability, _)| capability.capability_version != version) {
            let account = self.cluster.account(address)?.filter(|account| account.owner == self.programs.processor);
            let found = account.and_then(|account| Some((fixed_part(&account.data)?, account.data)));
            let Some(found) = found else { return Ok(false) };
            self.capabilities.insert(*address, found);
        }
        Ok(true)
    }

    /// What a unit is paid for writing the queue, micro-lamports.
    fn price(&mut self, queue: &Pubkey) -> Outcome<u64> {
        let most = match self.manner.price {
            Price::Fixed(price) => return Ok(price),
            Price::Auto(most) => most,
        };
        if let Some((_, price)) = self.prices.get(queue).filter(|(since, _)| since.elapsed() < PRICE_HOLDS) {
            return Ok(*price);
        }
        let price = match self.cluster.recent_price(queue) {
            // A server that does not know: the least is paid.
            Err(failure) if !failure.is_connection() => 0,
            price => price?.min(most),
        };
        self.prices.insert(*queue, (Instant::now(), price));
        Ok(price)
    }

    /// Sends an instruction of the keeper's own, paid like everything else.
    fn send(&mut self, view: &View, call: Instruction) -> Outcome<()> {
        let price = self.price(&view.queue)?;
        let paid = (price > 0).then(|| ComputeBudgetInstruction::set_compute_unit_price(price));
        let calls: Vec<_> = paid.into_iter().chain([call]).collect();
        self.cluster.send(&calls, &self.signer).map(|_| ())
    }

    /// Reports a failure to a leased queue; in an open one the entry is left alone until later, or its deadline.
    fn give_back(
        &mut self,
        view: &View,
        handle: EntryHandle,
        entry: &Entry,
        code: u32,
        permanent: bool,
    ) -> Outcome<()> {
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
        let order = slab::order(&view.reader.header);
        match self.send(view, scheduler::fail(self.programs.scheduler, accounts, &order, &data, &[])) {
            // The lease ended meanwhile, and somebody has reaped it.
            Err(failure) if failure.code().is_some() => Ok(()),
            other => other,
        }
    }
}

fn about(view: &View, handle: EntryHandle, entry: &Entry) -> Value {
    json!({
        "queue": view.queue.to_string(),
        "handle": shown(handle),
        "sequence": entry.sequence,
        "capability": Pubkey::new_from_array(entry.capability).to_string(),
        "level": entry.level,
        "attempt": entry.attempts,
    })
}

fn shown(handle: EntryHandle) -> String {
    Handle { slot: handle.slot, generation: handle.generation }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_number_or_what_others_pay() {
        assert_eq!("1000".parse(), Ok(Price::Fixed(1_000)));
        assert_eq!("auto".parse(), Ok(Price::Auto(MOST_AUTO)));
        assert_eq!("auto:5000".parse(), Ok(Price::Auto(5_000)));
        for wrong in ["", "dear", "auto:", "5:6"] {
            assert!(wrong.parse::<Price>().is_err(), "{wrong}");
        }
    }
}
