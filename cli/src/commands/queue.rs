//! `valence queue`: queues of a shard, and their entries.

use super::shard;
use crate::address::{Handle, Named, NamedQueue};
use crate::cluster::Cluster;
use crate::definition::{self, hex};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, Row, fields, key};
use crate::progress;
use crate::set::Programs;
use crate::slab;
use serde_json::{Value, json};
use shared_layouts::client;
use shared_layouts::scheduler::{
    self, Entry, MAX_CREATE_BYTES, NO_WORKER, OrderIndex, Queue, SchedulerConfig, close_queue, create_queue,
    grow_queue, list as lists, queue_flags, reason as reasons, set_producer, set_quota, set_worker, update_queue,
    withdraw_purse,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use solana_signer::Signer;
use std::path::PathBuf;

/// What to do with queues.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Creates a queue of a shard from a definition; the keypair is the shard's owner
    Create {
        /// The shard: number or address
        #[arg(long)]
        shard: Named,
        /// Definition, TOML or JSON: slots, producers, and what differs from the defaults (see docs/cli.md)
        definition: PathBuf,
    },
    /// Shows a queue, or one entry of it
    Show {
        /// SHARD/NUMBER or address
        queue: NamedQueue,
        /// Entry: SLOT:GENERATION
        handle: Option<Handle>,
    },
    /// Lists a producer, changes what it may do, or with a quota of zero removes it; the keypair is the shard's owner
    SetProducer {
        /// SHARD/NUMBER or address
        queue: NamedQueue,
        /// The producer's key
        producer: Pubkey,
        /// Most entries in the queue at a time, dead ones included; zero removes the producer
        #[arg(long)]
        quota: u16,
        /// Highest level it may ask for
        #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u8).range(0..=15))]
        max_level: u8,
        /// Highest tip it may offer
        #[arg(long, value_name = "LAMPORTS", default_value_t = 0)]
        max_tip_lamports: u64,
    },
    /// Puts a worker on the queue's allow-list, or takes it off; the keypair is the shard's owner
    SetWorker {
        /// SHARD/NUMBER or address
        queue: NamedQueue,
        /// The worker's key
        worker: Pubkey,
        /// Takes it off
        #[arg(long)]
        remove: bool,
    },
    /// Gives a queue the policy of a definition; what is queued keeps the old one. The keypair is the shard's owner
    Update {
        /// SHARD/NUMBER or address
        queue: NamedQueue,
        /// Definition, TOML or JSON; its slots, producers and workers are left to the other commands
        definition: PathBuf,
        /// Level of an entry that states none [default: as it is]
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..=15))]
        default_level: Option<u8>,
    },
    /// Holds a queue to a part of its shard's share of the compute budget, or with zero to none; the keypair is the shard's
    /// owner
    SetQuota {
        /// SHARD/NUMBER or address
        queue: NamedQueue,
        /// Thousandths of the shard's share
        #[arg(value_parser = clap::value_parser!(u16).range(0..=1_000))]
        permille: u16,
    },
    /// Takes lamports that are not promised as tips out of a queue's purse; the keypair is the shard's owner
    Withdraw {
        /// SHARD/NUMBER or address
        queue: NamedQueue,
        /// How many
        #[arg(value_name = "LAMPORTS")]
        lamports: u64,
        /// Who takes them [default: the keypair]
        #[arg(long, value_name = "KEY")]
        to: Option<Pubkey>,
    },
    /// Adds slots to a queue; the keypair is the shard's owner
    Grow {
        /// SHARD/NUMBER or address
        queue: NamedQueue,
        /// Slots that it shall have
        #[arg(long)]
        slots: u16,
    },
    /// Closes an empty queue; its lamports go to the keypair, the shard's owner
    Close {
        /// SHARD/NUMBER or address
        queue: NamedQueue,
    },
    /// Lists the queues, or the entries of one: list by list, each in its order
    Ls(List),
}

/// Arguments of `queue ls`.
#[derive(clap::Args, Debug)]
pub struct List {
    /// SHARD/NUMBER or address: lists its entries
    queue: Option<NamedQueue>,
    /// Only queues of this shard
    #[arg(long, conflicts_with = "queue")]
    shard: Option<Named>,
    /// Only entries in this list
    #[arg(long = "list", value_enum, requires = "queue")]
    only: Option<EntryList>,
    /// Only entries of this level
    #[arg(long, requires = "queue", value_parser = clap::value_parser!(u8).range(0..=15))]
    level: Option<u8>,
    /// Only entries of this producer
    #[arg(long, requires = "queue", value_name = "KEY")]
    producer: Option<Pubkey>,
    /// Only entries of this capability: number or address
    #[arg(long, requires = "queue")]
    capability: Option<Named>,
    /// Only the entry with this sequence number
    #[arg(long, requires = "queue")]
    sequence: Option<u64>,
    /// Only entries that this worker holds a lease of
    #[arg(long, requires = "queue", value_name = "KEY")]
    worker: Option<Pubkey>,
    /// Only entries that failed with this code
    #[arg(long, requires = "queue", value_name = "CODE")]
    failure: Option<u32>,
}

/// Lists of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum EntryList {
    /// Waits to be run
    Ready,
    /// Waits for its time or for a retry
    Delayed,
    /// Claimed by a worker
    Leased,
    /// Held back
    Held,
    /// Dead letter
    Dead,
}

/// Runs the command.
pub fn run(cluster: &Cluster, command: &Command) -> Outcome<Output> {
    let programs = cluster.programs()?;
    match command {
        Command::Create { shard, definition } => create(cluster, &programs, *shard, definition),
        Command::Show { queue, handle: None } => {
            let (address, queue, _) = load(cluster, &programs, *queue)?;
            Ok(Output::Record(row(&address, &queue)))
        }
        Command::Show { queue, handle: Some(handle) } => {
            let (_, queue, data) = load(cluster, &programs, *queue)?;
            let entry = slab::entries(&data).into_iter().find(|(found, _)| found == handle);
            let (handle, entry) = entry.ok_or_else(|| {
                Failure::new(format!("the queue holds no entry {handle}"))
                    .cure("it was finished, or the handle is of an earlier generation; see `valence queue ls QUEUE`")
            })?;
            Ok(Output::Record(entry_row(&queue, handle, &entry)))
        }
        Command::Ls(filter) => match filter.queue {
            Some(queue) => list_entries(cluster, &programs, queue, filter),
            None => list_queues(cluster, &programs, filter.shard),
        },
        Command::SetProducer { queue, producer, quota, max_level, max_tip_lamports } => {
            let (key, quota) = (producer.to_bytes(), *quota);
            let (max_level, max_tip_lamports) = (*max_level, *max_tip_lamports);
            let data = set_producer::Data { key, max_tip_lamports, quota, max_level };
            change(cluster, &programs, *queue, |shard, owner, queue| {
                let accounts = set_producer::Accounts { shard, owner, queue };
                scheduler::set_producer(programs.scheduler, accounts, &[], &data, &[])
            })
        }
        Command::SetWorker { queue, worker, remove } => change(cluster, &programs, *queue, |shard, owner, queue| {
            worker_call(&programs, shard, owner, queue, worker.to_bytes(), !remove)
        }),
        Command::Update { queue, definition, default_level } => {
            let definition: definition::queue::Queue = definition::read(definition)?;
            let (_, header, _) = load(cluster, &programs, *queue)?;
            let policy = definition.policy(default_level.unwrap_or(header.default_level));
            change(cluster, &programs, *queue, |shard, owner, queue| {
                let accounts = update_queue::Accounts { shard, owner, queue };
                scheduler::update_queue(programs.scheduler, accounts, &[], &policy, &[])
            })
        }
        Command::SetQuota { queue, permille } => change(cluster, &programs, *queue, |shard, owner, queue| {
            let accounts = set_quota::Accounts { shard, owner, queue };
            let data = set_quota::Data { quota_permille: *permille };
            scheduler::set_quota(programs.scheduler, accounts, &[], &data, &[])
        }),
        Command::Withdraw { queue, lamports, to } => change(cluster, &programs, *queue, |shard, owner, queue| {
            let accounts = withdraw_purse::Accounts { shard, owner, queue, recipient: to.unwrap_or(owner) };
            let data = withdraw_purse::Data { lamports: *lamports };
            scheduler::withdraw_purse(programs.scheduler, accounts, &[], &data, &[])
        }),
        Command::Grow { queue, slots } => grow(cluster, &programs, *queue, *slots),
        Command::Close { queue } => close(cluster, &programs, *queue),
    }
}

/// A queue: its address, header and bytes.
pub fn load(cluster: &Cluster, programs: &Programs, queue: NamedQueue) -> Outcome<(Pubkey, Queue, Vec<u8>)> {
    cluster.config::<SchedulerConfig>(programs, crate::set::Singleton::Scheduler)?;
    let address = queue.address(&programs.scheduler);
    let data = cluster.owned("the queue", &programs.scheduler, &address)?;
    let header = slab::header(&data).ok_or_else(|| Failure::new(format!("{address} is not the queue")))?;
    Ok((address, header, data))
}

fn create(cluster: &Cluster, programs: &Programs, shard: Named, path: &std::path::Path) -> Outcome<Output> {
    let definition: definition::queue::Queue = definition::read(path)?;
    let signer = cluster.signer()?;
    let (shard_address, shard) = shard::owned(cluster, programs, shard, &signer.pubkey())?;
    let address = client::queue_address(&programs.scheduler, &shard_address, shard.queues_created);
    let order = definition.order().map(|order| AccountMeta::new(order.address(&programs.scheduler), false));
    let first = if order.is_some() { FIRST_ORDERED_SLOTS } else { FIRST_SLOTS };
    let instruction = scheduler::create_queue(
        programs.scheduler,
        create_queue::Accounts {
            config: client::config_address(&programs.scheduler),
            shard: shard_address,
            owner: signer.pubkey(),
            queue: address,
            payer: signer.pubkey(),
            system_program: system_program::ID,
        },
        order.as_slice(),
        &definition.data(definition.slots().min(first)),
        &definition.tail(),
    );
    cluster.send(&[instruction], &signer)?;
    let workers =
        definition.workers().map(|key| worker_call(programs, shard_address, signer.pubkey(), address, key, true));
    let workers: Vec<_> = workers.collect();
    if !workers.is_empty() {
        cluster
            .send(&workers, &signer)
            .map_err(|failure| failure.while_doing("the queue was created, its workers were not listed"))?;
    }
    let grown = grow(cluster, programs, NamedQueue::Address(address), definition.slots())?;
    if definition.slots() <= first {
        return Ok(grown);
    }
    // The policy in full, which the smaller queue could not have.
    let (_, header, _) = load(cluster, programs, NamedQueue::Address(address))?;
    let accounts = update_queue::Accounts { shard: shard_address, owner: signer.pubkey(), queue: address };
    let policy = definition.policy(header.default_level);
    cluster.send(&[scheduler::update_queue(programs.scheduler, accounts, &[], &policy, &[])], &signer)?;
    let (_, header, _) = load(cluster, programs, NamedQueue::Address(address))?;
    Ok(Output::Record(row(&address, &header)))
}

/// Slots that fit into what one instruction creates, and into what one adds.
const FIRST_SLOTS: u16 = slots_in(MAX_CREATE_BYTES - Queue::BYTES);
const FIRST_ORDERED_SLOTS: u16 = slots_in(MAX_CREATE_BYTES - Queue::BYTES - OrderIndex::BYTES);
const MORE_SLOTS: u16 = slots_in(MAX_CREATE_BYTES);

#[allow(clippy::cast_possible_truncation)] // One instruction creates 10,240 bytes.
const fn slots_in(bytes: usize) -> u16 {
    (bytes / Entry::BYTES) as u16
}

/// Adds slots until there are so many; run again it goes on where it stopped.
fn grow(cluster: &Cluster, programs: &Programs, queue: NamedQueue, slots: u16) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let bar = progress::bar(slots.into(), "growing");
    loop {
        let (address, header, _) = load(cluster, programs, queue)?;
        bar.set_position(header.slots.min(slots).into());
        if header.slots >= slots {
            bar.finish_and_clear();
            return Ok(Output::Record(row(&address, &header)));
        }
        let accounts = grow_queue::Accounts {
            config: client::config_address(&programs.scheduler),
            shard: Pubkey::new_from_array(header.shard),
            owner: signer.pubkey(),
            queue: address,
            payer: signer.pubkey(),
            system_program: system_program::ID,
        };
        let data = grow_queue::Data { slots: (slots - header.slots).min(MORE_SLOTS) };
        cluster.send(&[scheduler::grow_queue(programs.scheduler, accounts, &[], &data, &[])], &signer)?;
    }
}

fn worker_call(
    programs: &Programs,
    shard: Pubkey,
    owner: Pubkey,
    queue: Pubkey,
    key: shared_layouts::Key,
    active: bool,
) -> Instruction {
    let accounts = set_worker::Accounts { shard, owner, queue };
    scheduler::set_worker(programs.scheduler, accounts, &[], &set_worker::Data { key, active: active.into() }, &[])
}

/// One instruction by the shard's owner.
fn change(
    cluster: &Cluster,
    programs: &Programs,
    queue: NamedQueue,
    call: impl Fn(Pubkey, Pubkey, Pubkey) -> Instruction,
) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let (address, header, _) = load(cluster, programs, queue)?;
    let shard = shard::owned_parent(cluster, programs, &header.shard, &signer.pubkey())?;
    cluster.send(&[call(shard, signer.pubkey(), address)], &signer)?;
    let (_, header, _) = load(cluster, programs, NamedQueue::Address(address))?;
    Ok(Output::Record(row(&address, &header)))
}

fn close(cluster: &Cluster, programs: &Programs, queue: NamedQueue) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let owner = signer.pubkey();
    let (address, header, _) = load(cluster, programs, queue)?;
    let shard = shard::owned_parent(cluster, programs, &header.shard, &owner)?;
    let accounts = close_queue::Accounts { shard, owner, queue: address, recipient: owner };
    let order = slab::order(&header);
    let call = scheduler::close_queue(programs.scheduler, accounts, &order, &close_queue::Data {}, &[]);
    let signature = cluster.send(&[call], &signer)?;
    Ok(Output::Record(vec![("closed", address.to_string().into()), ("signature", signature.into())]))
}

fn list_queues(cluster: &Cluster, programs: &Programs, only: Option<Named>) -> Outcome<Output> {
    let shards = match only {
        Some(shard) => {
            let (address, shard, _) = shard::load(cluster, programs, shard)?;
            vec![(address, shard)]
        }
        None => shard::active(cluster, programs)?,
    };
    let mut rows = Vec::new();
    for (shard_address, shard) in shards {
        let address = |number| client::queue_address(&programs.scheduler, &shard_address, number);
        let addresses: Vec<_> = (0..shard.queues_created).map(address).collect();
        for (address, account) in addresses.iter().zip(cluster.accounts(&addresses)?) {
            if let Some(queue) = account.and_then(|account| slab::header(&account.data)) {
                rows.push(vec![
                    ("queue", format!("{}/{}", shard.number, queue.number).into()),
                    ("address", address.to_string().into()),
                    ("slots", queue.slots.into()),
                    ("ready", queue.ready_count.into()),
                    ("delayed", queue.delayed_count.into()),
                    ("leased", queue.leased_count.into()),
                    ("held", queue.held_count.into()),
                    ("dead", queue.dead_count.into()),
                    ("dispatched", queue.dispatched.into()),
                ]);
            }
        }
    }
    Ok(Output::Table("no queues", rows))
}

fn list_entries(cluster: &Cluster, programs: &Programs, queue: NamedQueue, filter: &List) -> Outcome<Output> {
    let (_, queue, data) = load(cluster, programs, queue)?;
    let capability =
        filter.capability.map(|named| named.address(|number| client::capability_address(&programs.processor, number)));
    let mut found = slab::entries(&data);
    found.retain(|(_, entry)| {
        filter.only.is_none_or(|list| entry.list == list.code())
            && filter.level.is_none_or(|level| entry.level == level)
            && filter.sequence.is_none_or(|sequence| entry.sequence == sequence)
            && filter.producer.is_none_or(|key| producer(&queue, entry) == Some(key.to_bytes()))
            && capability.is_none_or(|key| entry.capability == key.to_bytes())
            && filter.worker.is_none_or(|key| worker(&queue, entry) == Some(key.to_bytes()))
            && filter.failure.is_none_or(|code| entry.failure_code == code)
    });
    let rows = found.into_iter().map(|(handle, entry)| {
        vec![
            ("handle", handle.to_string().into()),
            ("list", list_name(entry.list).into()),
            ("level", entry.level.into()),
            ("sequence", entry.sequence.into()),
            ("attempts", entry.attempts.into()),
            ("capability", key(&entry.capability)),
            ("deadline_at", time(entry.deadline_at)),
            ("reason", reason(entry.reason)),
        ]
    });
    Ok(Output::Table("no entries", rows.collect()))
}

impl EntryList {
    const fn code(self) -> u8 {
        match self {
            Self::Ready => lists::READY,
            Self::Delayed => lists::DELAYED,
            Self::Leased => lists::LEASED,
            Self::Held => lists::HELD,
            Self::Dead => lists::DEAD,
        }
    }
}

/// Name of an entry's list.
pub fn list_name(list: u8) -> String {
    match list {
        lists::READY => "ready".to_owned(),
        lists::DELAYED => "delayed".to_owned(),
        lists::LEASED => "leased".to_owned(),
        lists::HELD => "held".to_owned(),
        lists::DEAD => "dead".to_owned(),
        other => format!("unknown ({other})"),
    }
}

/// Why an entry is dead or held, in words.
pub fn reason(reason: u8) -> Value {
    match reason {
        reasons::NONE => Value::Null,
        reasons::PERMANENT => "permanent failure".into(),
        reasons::ATTEMPTS => "every attempt was used".into(),
        reasons::EXPIRED => "deadline passed".into(),
        reasons::OPERATOR => "by an operator".into(),
        reasons::CASCADE => "a predecessor died".into(),
        other => format!("unknown ({other})").into(),
    }
}

/// Unix seconds, or null for none.
fn time(seconds: i64) -> Value {
    if seconds == i64::MAX || seconds == 0 { Value::Null } else { seconds.into() }
}

fn producer(queue: &Queue, entry: &Entry) -> Option<shared_layouts::Key> {
    queue.producers.get(usize::from(entry.producer)).map(|producer| producer.key)
}

fn worker(queue: &Queue, entry: &Entry) -> Option<shared_layouts::Key> {
    let place = (entry.worker != NO_WORKER).then_some(usize::from(entry.worker))?;
    queue.workers.get(place).map(|worker| worker.key)
}

/// All about one entry.
pub fn entry_row(queue: &Queue, handle: Handle, entry: &Entry) -> Row {
    vec![
        ("handle", handle.to_string().into()),
        ("list", list_name(entry.list).into()),
        ("reason", reason(entry.reason)),
        ("failure_code", entry.failure_code.into()),
        ("failure", failure_text(entry.failure_code)),
        ("level", entry.level.into()),
        ("sequence", entry.sequence.into()),
        ("producer", producer(queue, entry).map_or(Value::Null, |found| key(&found))),
        ("capability", key(&entry.capability)),
        ("capability_version", entry.capability_version.into()),
        ("arguments", hex(slab::arguments(entry)).into()),
        ("attempts", json!(format!("{} of {}", entry.attempts, entry.max_attempts))),
        ("waiting_since", time(entry.waiting_since)),
        ("due_at", time(entry.due_at)),
        ("deadline_at", time(entry.deadline_at)),
        ("lease_ends_at", time(entry.lease_ends_at)),
        ("worker", worker(queue, entry).map_or(Value::Null, |found| key(&found))),
        ("compute_limit", entry.compute_limit.into()),
        ("tip_lamports", entry.tip_lamports.into()),
    ]
}

/// A dead letter in a table.
pub fn dead_row(handle: Handle, entry: &Entry) -> Row {
    vec![
        ("handle", handle.to_string().into()),
        ("sequence", entry.sequence.into()),
        ("capability", key(&entry.capability)),
        ("attempts", entry.attempts.into()),
        ("reason", reason(entry.reason)),
        ("failure_code", entry.failure_code.into()),
        ("failure", failure_text(entry.failure_code)),
    ]
}

/// Name and sentence of a program's error; null for a code of no program.
pub fn failure_text(code: u32) -> Value {
    client::error_of(code).map_or(Value::Null, |error| {
        let meaning = error.meaning.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        format!("{}: {meaning}", error.name).into()
    })
}

fn row(address: &Pubkey, queue: &Queue) -> Row {
    let flags = queue.header.state;
    let has = |flag| Value::from(flags & flag != 0);
    let mut row = vec![
        ("address", address.to_string().into()),
        ("leased", has(queue_flags::LEASED)),
        ("strict", has(queue_flags::STRICT)),
        ("ordered", has(queue_flags::ORDERED)),
        ("metered", has(queue_flags::METERED)),
    ];
    row.extend(fields(&Queue::LAYOUT, bytemuck::bytes_of(queue)));
    let producers = queue.producers.iter().filter(|producer| producer.active == 1);
    let producers = producers.map(|producer| {
        json!({
            "key": key(&producer.key),
            "quota": producer.quota,
            "used": producer.used,
            "max_level": producer.max_level,
            "last_sequence": producer.last_sequence,
        })
    });
    row.push(("producers", producers.collect()));
    let workers = queue.workers.iter().filter(|worker| worker.active == 1);
    row.push(("workers", workers.map(|worker| json!({ "key": key(&worker.key), "leases": worker.leases })).collect()));
    row
}
