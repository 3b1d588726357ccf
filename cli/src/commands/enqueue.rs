//! `valence enqueue`: queues operations. `valence restore`: queues again what was lost.

use super::{capability, queue, shard};
use crate::address::{Named, NamedQueue};
use crate::cluster::Cluster;
use crate::definition::operations::{CapabilityName, Operation, Operations};
use crate::definition::{self, Hex};
use crate::failure::{Failure, Outcome};
use crate::keeper::provisions::arguments_file;
use crate::output::Output;
use crate::progress;
use crate::set::Programs;
use crate::slab;
use sha2::{Digest, Sha256};
use shared_layouts::client;
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{
    self, BatchItem, DEFAULT_LEVEL, Producer, Queue, SEQUENCE_WINDOW, enqueue, enqueue_batch, entry_flags, restore,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_message::Message;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar::clock;
use solana_signer::Signer;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Arguments of `enqueue`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// SHARD/NUMBER or address
    queue: NamedQueue,
    #[command(flatten)]
    operation: Options,
    /// Sequence number: used once for ever by this producer in this queue [default: the next]
    #[arg(long)]
    sequence: Option<u64>,
    /// Queues the operations of a TOML or JSON file instead (see docs/cli.md); with --sequence, which then names the first
    /// one's number, those that were queued already are left out
    #[arg(long, value_name = "FILE", conflicts_with_all =
        ["capability", "data", "level", "deadline", "not_before", "interval", "runs", "catch_up", "tip"])]
    batch: Option<PathBuf>,
}

/// Arguments of `restore`.
#[derive(clap::Args, Debug)]
pub struct Restore {
    /// SHARD/NUMBER or address
    queue: NamedQueue,
    /// Key of the producer whose entry it was
    #[arg(long, value_name = "KEY")]
    producer: Pubkey,
    /// Sequence number that the producer gave it
    #[arg(long)]
    sequence: u64,
    #[command(flatten)]
    operation: Options,
}

/// What is queued, and when it runs.
#[derive(clap::Args, Debug)]
#[group(skip)]
struct Options {
    /// Capability to run: number or address
    #[arg(long)]
    capability: Option<Named>,
    /// Arguments of the target call, in hexadecimal; they follow the capability's prefix
    #[arg(long = "arguments", value_name = "HEX", default_value = "")]
    data: Hex,
    /// Queues only the SHA-256 of the arguments, and keeps them in this folder, where a keeper looks for them
    #[arg(long, value_name = "DIR")]
    commit: Option<PathBuf>,
    /// Priority level, 0 to 15 [default: the queue's]
    #[arg(long)]
    level: Option<u8>,
    /// Deadline in so many seconds [default: the latest that the queue allows]
    #[arg(long, value_name = "SECONDS")]
    deadline: Option<u32>,
    /// Does not run for so many seconds
    #[arg(long, value_name = "SECONDS")]
    not_before: Option<u32>,
    /// Runs again and again, after so many seconds
    #[arg(long, value_name = "SECONDS")]
    interval: Option<u32>,
    /// Runs of an entry with an interval [default: without end]
    #[arg(long, requires = "interval")]
    runs: Option<u32>,
    /// Makes missed periods of an entry with an interval up
    #[arg(long, requires = "interval")]
    catch_up: bool,
    /// Tip for the worker, out of the queue's purse
    #[arg(long, value_name = "LAMPORTS", default_value_t = 0)]
    tip: u64,
}

/// The queue, and what a producer may do there.
struct Place<'a> {
    cluster: &'a Cluster,
    programs: Programs,
    queue: Pubkey,
    header: Queue,
    producer_index: u8,
    producer: Producer,
    signer: Keypair,
    now: i64,
    commit: Option<&'a Path>,
}

/// An operation as the instructions take it.
struct Item {
    capability: Pubkey,
    data: enqueue::Data,
    arguments: Vec<u8>,
}

/// Runs `enqueue`.
pub fn run(cluster: &Cluster, arguments: &Arguments) -> Outcome<Output> {
    let commit = arguments.operation.commit.as_deref();
    if let Some(file) = &arguments.batch {
        let file: Operations = definition::read(file)?;
        return Place::new(cluster, arguments.queue, None, commit)?.many(&file.operations, arguments.sequence);
    }
    let operation = arguments.operation.operation()?;
    Place::new(cluster, arguments.queue, None, commit)?.one(&operation, arguments.sequence)
}

/// Runs `restore`.
pub fn run_restore(cluster: &Cluster, arguments: &Restore) -> Outcome<Output> {
    let operation = arguments.operation.operation()?;
    let commit = arguments.operation.commit.as_deref();
    Place::new(cluster, arguments.queue, Some(arguments.producer), commit)?.restore(&operation, arguments.sequence)
}

impl Options {
    fn operation(&self) -> Outcome<Operation> {
        let capability = self.capability.ok_or_else(|| {
            Failure::new("nothing to queue").cure("name what to run by --capability, or a file by --batch")
        })?;
        let operation = Operation {
            capability: CapabilityName(capability),
            arguments: self.data.clone(),
            level: self.level,
            deadline_seconds: self.deadline,
            not_before_seconds: self.not_before,
            tip_lamports: self.tip,
            interval_seconds: self.interval,
            runs: self.runs,
            catch_up: self.catch_up,
            committed: self.commit.is_some(),
        };
        match operation.fault() {
            Some((field, fault)) => {
                let option = field.trim_end_matches("_seconds").replace('_', "-");
                Err(Failure::new(format!("--{option}: {fault}")))
            }
            None => Ok(operation),
        }
    }
}

impl<'a> Place<'a> {
    /// The place of a producer in a queue; without a key it is the signer's own.
    fn new(cluster: &'a Cluster, queue: NamedQueue, key: Option<Pubkey>, commit: Option<&'a Path>) -> Outcome<Self> {
        let programs = cluster.programs()?;
        let signer = cluster.signer()?;
        let (address, header, _) = queue::load(cluster, &programs, queue)?;
        let (producer_index, producer) = producer(&header, key, &signer.pubkey())?;
        let now = cluster.now()?;
        Ok(Self { cluster, programs, queue: address, header, producer_index, producer, signer, now, commit })
    }

    fn one(&self, operation: &Operation, sequence: Option<u64>) -> Outcome<Output> {
        let sequence = sequence.unwrap_or_else(|| self.next_sequence());
        let item = self.item(operation, sequence, &mut HashMap::new())?;
        let accounts = enqueue::Accounts {
            queue: self.queue,
            producer: self.signer.pubkey(),
            capability: item.capability,
            clock: clock::ID,
        };
        let order = slab::order(&self.header);
        let instruction = scheduler::enqueue(self.programs.scheduler, accounts, &order, &item.data, &item.arguments);
        self.queued(instruction, &item)
    }

    /// Queues an entry in the producer's place, by the shard's owner.
    fn restore(&self, operation: &Operation, sequence: u64) -> Outcome<Output> {
        let shard = shard::owned_parent(self.cluster, &self.programs, &self.header.shard, &self.signer.pubkey())?;
        let item = self.item(operation, sequence, &mut HashMap::new())?;
        let accounts = restore::Accounts {
            config: client::config_address(&self.programs.scheduler),
            shard,
            owner: self.signer.pubkey(),
            queue: self.queue,
            capability: item.capability,
            clock: clock::ID,
        };
        // The two are declared alike.
        let data: restore::Data = bytemuck::cast(item.data);
        let order = slab::order(&self.header);
        self.queued(scheduler::restore(self.programs.scheduler, accounts, &order, &data, &item.arguments), &item)
    }

    fn queued(&self, instruction: Instruction, item: &Item) -> Outcome<Output> {
        let sequence = item.data.sequence;
        let signature = self.cluster.send(&[instruction], &self.signer)?;
        let (_, _, data) = queue::load(self.cluster, &self.programs, NamedQueue::Address(self.queue))?;
        let queued = slab::entries(&data);
        let own = |entry: &scheduler::Entry| entry.producer == self.producer_index && entry.sequence == sequence;
        // A worker may have been quicker than this reading.
        let handle = queued.iter().find(|(_, entry)| own(entry)).map(|(handle, _)| handle.to_string());
        Ok(Output::Record(vec![
            ("handle", handle.into()),
            ("sequence", sequence.into()),
            ("capability", item.capability.to_string().into()),
            ("signature", signature.into()),
        ]))
    }

    /// All of a transaction's operations or none, as many in each as fit.
    fn many(&self, operations: &[Operation], first: Option<u64>) -> Outcome<Output> {
        let is_repeatable = first.is_some();
        let first = first.unwrap_or_else(|| self.next_sequence());
        let numbered = (first..).zip(operations);
        let wanted: Vec<_> = numbered.filter(|(number, _)| !is_repeatable || self.is_unused(*number)).collect();
        let bar = progress::bar(wanted.len() as u64, "queueing");
        let mut known = HashMap::new();
        let mut items = Vec::with_capacity(wanted.len());
        for (sequence, operation) in wanted {
            items.push(self.item(operation, sequence, &mut known)?);
        }
        let (mut done, mut transactions) = (0, 0);
        while done < items.len() {
            let (count, call) = self.fitting(&items[done..])?;
            self.cluster.send(&[call], &self.signer).map_err(|failure| {
                failure.while_doing(&format!("{done} operations were queued (go on with --sequence {first})"))
            })?;
            done += count;
            transactions += 1;
            bar.inc(count as u64);
        }
        bar.finish_and_clear();
        Ok(Output::Record(vec![
            ("queued", done.into()),
            ("left_out", (operations.len() - done).into()),
            ("first_sequence", first.into()),
            ("last_sequence", (first + operations.len() as u64 - 1).into()),
            ("transactions", transactions.into()),
        ]))
    }

    /// The first items, as many as fit one transaction, and their instruction.
    fn fitting(&self, items: &[Item]) -> Outcome<(usize, Instruction)> {
        let mut fitting = None;
        for count in 1..=items.len() {
            let call = self.batch(&items[..count]);
            let bytes =
                1 + 64 + Message::new(std::slice::from_ref(&call), Some(&self.signer.pubkey())).serialize().len();
            if bytes > crate::cluster::MAX_TRANSACTION_BYTES {
                break;
            }
            fitting = Some((count, call));
        }
        let sequence = items.first().map_or(0, |item| item.data.sequence);
        fitting.ok_or_else(|| {
            Failure::new(format!("the operation with sequence {sequence} does not fit a transaction"))
                .cure("queue only the digest of its arguments: committed = true, and --commit")
        })
    }

    fn batch(&self, items: &[Item]) -> Instruction {
        let mut capabilities: Vec<Pubkey> = Vec::new();
        let mut tail = Vec::new();
        for item in items {
            let known = capabilities.iter().position(|known| *known == item.capability);
            let place = known.unwrap_or_else(|| {
                capabilities.push(item.capability);
                capabilities.len() - 1
            });
            // A transaction holds fewer than 256 of either.
            let head = BatchItem {
                arguments_bytes: u16::try_from(item.arguments.len()).unwrap_or(u16::MAX),
                capability: u8::try_from(place).unwrap_or(u8::MAX),
                reserved: 0,
            };
            tail.extend_from_slice(bytemuck::bytes_of(&head));
            tail.extend_from_slice(bytemuck::bytes_of(&item.data));
            tail.extend_from_slice(&item.arguments);
        }
        let accounts = enqueue_batch::Accounts { queue: self.queue, producer: self.signer.pubkey(), clock: clock::ID };
        let capabilities = capabilities.iter().map(|key| AccountMeta::new_readonly(*key, false));
        let more: Vec<_> = slab::order(&self.header).into_iter().chain(capabilities).collect();
        scheduler::enqueue_batch(self.programs.scheduler, accounts, &more, &enqueue_batch::Data {}, &tail)
    }

    fn next_sequence(&self) -> u64 {
        self.producer.last_sequence.max(self.header.sequence_floor) + 1
    }

    /// Whether a number can still be used: what is too old counts as used.
    fn is_unused(&self, sequence: u64) -> bool {
        match self.producer.last_sequence.checked_sub(sequence) {
            None => true,
            Some(behind) => behind < SEQUENCE_WINDOW && self.producer.sequence_window >> behind & 1 == 0,
        }
    }

    /// `known` are the capabilities that were read already.
    fn item(
        &self,
        operation: &Operation,
        sequence: u64,
        known: &mut HashMap<Named, (Pubkey, Capability)>,
    ) -> Outcome<Item> {
        let named = operation.capability.0;
        let (address, capability) = if let Some(known) = known.get(&named) {
            *known
        } else {
            let (address, capability, _) = capability::load(self.cluster, &self.programs, named)?;
            *known.entry(named).or_insert((address, capability))
        };
        let arguments = &operation.arguments.0;
        check_length(&capability, arguments.len())?;
        let later = |seconds: Option<u32>| seconds.map_or(0, |seconds| self.now + i64::from(seconds));
        let flag = |set, flag| if set { flag } else { 0 };
        let data = enqueue::Data {
            sequence,
            deadline_at: later(operation.deadline_seconds),
            not_before_at: later(operation.not_before_seconds),
            tip_lamports: operation.tip_lamports,
            interval_seconds: operation.interval_seconds.unwrap_or(0),
            runs: operation.interval_seconds.map_or(0, |_| operation.runs.unwrap_or(u32::MAX)),
            producer_index: self.producer_index,
            level: operation.level.unwrap_or(DEFAULT_LEVEL),
            flags: flag(operation.committed, entry_flags::COMMITTED) | flag(operation.catch_up, entry_flags::CATCH_UP),
        };
        let arguments = if operation.committed { self.committed(arguments)? } else { arguments.clone() };
        Ok(Item { capability: address, data, arguments })
    }

    /// Length and digest of arguments, which are kept in the folder: without them the operation cannot run.
    fn committed(&self, arguments: &[u8]) -> Outcome<Vec<u8>> {
        let folder = self.commit.ok_or_else(|| {
            Failure::new("an operation is committed to by its digest")
                .cure("name a folder for its arguments by --commit")
        })?;
        let digest = Sha256::digest(arguments);
        let path = arguments_file(folder, &digest);
        let kept = fs::create_dir_all(folder).and_then(|()| fs::write(&path, arguments));
        kept.map_err(|error| Failure::new(format!("{}: {error}", path.display())).cure("name a folder by --commit"))?;
        // Checked against the capability's, which is shorter.
        let bytes = u16::try_from(arguments.len()).unwrap_or(u16::MAX);
        Ok([&bytes.to_le_bytes()[..], &digest].concat())
    }
}

fn producer(queue: &Queue, key: Option<Pubkey>, signer: &Pubkey) -> Outcome<(u8, Producer)> {
    let wanted = key.unwrap_or(*signer);
    let listed =
        (0..).zip(queue.producers).find(|(_, producer)| producer.active == 1 && producer.key == wanted.to_bytes());
    listed.ok_or_else(|| match key {
        Some(key) => Failure::new(format!("{key} is not a producer of the queue"))
            .cure("list it again by `valence queue set-producer`"),
        None => Failure::new(format!("the keypair {signer} is not a producer of the queue"))
            .cure("name a producer's file by --keypair; `valence queue show QUEUE` lists them"),
    })
}

fn check_length(capability: &Capability, bytes: usize) -> Outcome<()> {
    let (least, most) = (capability.arguments_bytes_min, capability.arguments_bytes_max);
    if (usize::from(least)..=usize::from(most)).contains(&bytes) {
        return Ok(());
    }
    let fault = format!("{bytes} bytes of arguments where the capability takes {least} to {most}");
    Err(Failure::new(fault).cure("give --arguments in hexadecimal, two digits for each byte"))
}
