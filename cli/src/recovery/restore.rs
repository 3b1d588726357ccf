//! Puts what is alive into another queue, and looks whether it is there.

use super::backup::Backup;
use super::replay::{Fate, Item, Replay};
use crate::address::NamedQueue;
use crate::cluster::Cluster;
use crate::cluster::reading::Signature;
use crate::commands::{queue, shard};
use crate::failure::{Failure, Outcome};
use crate::ledger::calls;
use crate::set::Programs;
use shared_layouts::client;
use shared_layouts::scheduler::reader::QueueReader;
use shared_layouts::scheduler::{self, Queue, SchedulerError, list, restore};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;
use solana_signer::Signer;
use std::path::Path;

/// Transactions of the queue that are read at most.
const MOST_TRANSACTIONS: usize = 1_000_000;

/// A queue of a backup, replayed up to now.
pub struct Lost {
    /// Its address.
    pub address: Pubkey,
    /// What became of its entries.
    pub replay: Replay,
    /// Transactions of it since the backup.
    pub transactions: usize,
}

impl Lost {
    /// Reads the backup and the ledger since.
    pub fn read(cluster: &Cluster, folder: &Path, queue: NamedQueue) -> Outcome<Self> {
        let programs = cluster.programs()?;
        let backup = Backup::read(folder)?;
        if backup.programs != programs {
            return Err(Failure::new(format!("the backup in {} is of another set", folder.display()))
                .cure("check --url and --set"));
        }
        let address = queue.address(&programs.scheduler);
        let data = backup.data(folder, &address)?.ok_or_else(|| {
            Failure::new(format!("the backup has no account {address}")).cure("check the queue's number or address")
        })?;
        let reader = QueueReader::parse(&data)
            .map_err(|_| Failure::new(format!("{address} is no queue in the backup, or of another version")))?;
        cluster.check_ledger_since(backup.slot)?;
        let mut replay = Replay::new(&reader);
        let found = cluster.signatures(&address, None, MOST_TRANSACTIONS)?;
        // Those of the backup's own slot may be in it already; the replay knows them by their sequence and generation.
        let since: Vec<Signature> = found.into_iter().take_while(|one| one.slot >= backup.slot).collect();
        for one in since.iter().rev() {
            replay.transaction(&address, &calls(&programs, &cluster.transaction(&one.text)?));
        }
        replay.end(cluster.now()?);
        Ok(Self { address, replay, transactions: since.len() })
    }
}

/// What was done with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is in the queue now.
    Restored,
    /// It was there already, by an earlier run of this command.
    AlreadyThere,
    /// It could not be put there.
    Refused(String),
}

/// The queue that takes the entries.
pub struct Into {
    programs: Programs,
    shard: Pubkey,
    queue: Pubkey,
    header: Queue,
    owner: Keypair,
}

impl Into {
    /// Of the keypair's own shard. Whether it is paused the scheduler says itself.
    pub fn new(cluster: &Cluster, name: NamedQueue) -> Outcome<Self> {
        let programs = cluster.programs()?;
        let (queue, header, _) = queue::load(cluster, &programs, name)?;
        let shard = Pubkey::new_from_array(header.shard);
        let (_, record, _) = shard::load(cluster, &programs, crate::address::Named::Address(shard))?;
        let owner = cluster.signer()?;
        crate::address::must_be(&owner.pubkey(), &record.owner, "the shard's owner")?;
        Ok(Self { programs, shard, queue, header, owner })
    }

    /// Puts one entry there. Only a failure that concerns all of them ends the recovery.
    pub fn restore(&self, cluster: &Cluster, item: &Item) -> Outcome<Done> {
        let mut producers = (0u8..).zip(&self.header.producers);
        let is_listed = |producer: &scheduler::Producer| producer.active == 1 && Some(producer.key) == item.producer;
        let Some((producer_index, _)) = producers.find(|(_, producer)| is_listed(producer)) else {
            return Ok(Done::Refused(
                "its producer is not listed in the queue: add it with `valence queue set-producer`".to_owned(),
            ));
        };
        let accounts = restore::Accounts {
            config: client::config_address(&self.programs.scheduler),
            shard: self.shard,
            owner: self.owner.pubkey(),
            queue: self.queue,
            capability: Pubkey::new_from_array(item.capability),
            clock: sysvar::clock::ID,
        };
        let request = item.request;
        let data = restore::Data {
            sequence: request.sequence,
            deadline_at: request.deadline_at,
            not_before_at: request.not_before_at,
            tip_lamports: request.tip_lamports,
            interval_seconds: request.interval_seconds,
            runs: request.runs,
            producer_index,
            level: request.level,
            flags: request.flags,
        };
        let call = scheduler::restore(self.programs.scheduler, accounts, &[], &data, &item.arguments);
        match cluster.send(&[call], &self.owner) {
            Ok(_) => Ok(Done::Restored),
            Err(failure) if failure.code() == Some(SchedulerError::SequenceUsed as u32) => Ok(Done::AlreadyThere),
            Err(failure) if failure.code() == Some(SchedulerError::ShardNotPaused as u32) => {
                Err(failure.cure("pause it with `valence shard pause SHARD`, and resume it when all is checked"))
            }
            Err(failure) if failure.code().is_some() => Ok(Done::Refused(failure.line())),
            Err(failure) => Err(failure),
        }
    }

    /// Whether each entry is there as it was: by producer, sequence, capability, arguments and level.
    pub fn check(&self, cluster: &Cluster, items: &[&Item]) -> Outcome<()> {
        let (_, _, data) = queue::load(cluster, &self.programs, NamedQueue::Address(self.queue))?;
        let reader = QueueReader::parse(&data).map_err(|_| Failure::new("the queue cannot be read"))?;
        for item in items {
            let sequence = item.request.sequence;
            let is_there = reader.entries.iter().any(|entry| {
                let producer = reader.header.producers.get(usize::from(entry.producer)).map(|producer| producer.key);
                let held = entry.arguments.len().min(item.arguments.len());
                let is_inline = entry.flags & scheduler::entry_flags::COMMITTED == 0;
                entry.list != list::FREE
                    && producer == item.producer
                    && entry.sequence == item.request.sequence
                    && entry.capability == item.capability
                    && (entry.level == item.request.level || item.request.level == u8::MAX)
                    && (!is_inline || entry.arguments[..held] == item.arguments[..held])
            });
            if !is_there {
                return Err(Failure::new(format!("the entry with sequence {sequence} is not in the queue"))
                    .cure("do not resume the shard before it is known why"));
            }
        }
        Ok(())
    }
}

/// Entries in the order in which they are put back: a sequence far below the last one would be refused as too old.
pub fn in_order(replay: &Replay, also: &[u64]) -> Vec<Item> {
    let is_meant = |item: &&Item| {
        let sequence = item.request.sequence;
        item.fate == Fate::Alive || (matches!(item.fate, Fate::Undecided(_)) && also.contains(&sequence))
    };
    let mut items: Vec<Item> = replay.items.iter().filter(is_meant).cloned().collect();
    items.sort_by_key(|item| (item.producer, item.request.sequence));
    items
}
