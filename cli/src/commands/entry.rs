//! What a shard's owner does with single entries: `hold`, `release`, `cancel`, `reprioritize`, `requeue`, and the
//! dead letters.

use super::{queue, shard};
use crate::address::{Handle, Named, NamedQueue};
use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::set::Programs;
use crate::slab;
use shared_layouts::scheduler::{
    self, Queue, cancel, dead_letter, hold, list, purge, redrive, release, reprioritize, requeue,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar::clock;
use solana_signer::Signer;

/// Entries of a queue.
#[derive(clap::Args, Debug)]
pub struct Entries {
    /// SHARD/NUMBER or address
    queue: NamedQueue,
    /// Entries: SLOT:GENERATION
    #[arg(required = true, value_name = "HANDLE")]
    handles: Vec<Handle>,
}

/// Dead letters of a queue.
#[derive(clap::Args, Debug)]
pub struct Dead {
    /// SHARD/NUMBER or address
    queue: NamedQueue,
    /// Dead letters: SLOT:GENERATION
    #[arg(required_unless_present_any = ["all", "count"], value_name = "HANDLE")]
    handles: Vec<Handle>,
    /// Every dead letter
    #[arg(long, conflicts_with_all = ["handles", "count"])]
    all: bool,
    /// So many of the oldest dead letters
    #[arg(long, conflicts_with = "handles", value_parser = clap::value_parser!(u16).range(1..))]
    count: Option<u16>,
}

/// What to do with dead letters.
#[derive(clap::Subcommand, Debug)]
pub enum DeadLetters {
    /// Lists the dead letters of a queue with their reasons
    Ls {
        /// SHARD/NUMBER or address
        queue: NamedQueue,
    },
    /// Declares entries dead
    Add(Entries),
    /// Puts dead letters back, with all their attempts
    Redrive(Dead),
    /// Removes dead letters for good
    Purge(Dead),
}

/// What is done to each entry.
#[derive(Clone, Copy, Debug)]
pub enum Verb {
    /// Holds it back.
    Hold,
    /// Lets it go on.
    Release,
    /// Takes it out for good.
    Cancel,
    /// Puts it under its capability's present version.
    Requeue,
    /// Declares it dead.
    DeadLetter,
    /// Gives it another level.
    Reprioritize(u8),
}

/// The queue, its shard, and who signs.
struct Place {
    programs: Programs,
    shard: Pubkey,
    queue: Pubkey,
    signer: Pubkey,
    /// The order that the queue is bound to, if it is.
    order: Vec<AccountMeta>,
}

/// Runs `dlq`.
pub fn dead_letters(cluster: &Cluster, command: &DeadLetters) -> Outcome<Output> {
    match command {
        DeadLetters::Ls { queue } => {
            let (_, _, data) = queue::load(cluster, &cluster.programs()?, *queue)?;
            let dead = slab::entries(&data).into_iter().filter(|(_, entry)| entry.list == list::DEAD);
            let rows = dead.map(|(handle, entry)| queue::dead_row(handle, &entry));
            Ok(Output::Table("no dead letters", rows.collect()))
        }
        DeadLetters::Add(entries) => run(cluster, entries, Verb::DeadLetter),
        DeadLetters::Redrive(dead) => many(cluster, dead, "redriven", |place, handle, count| {
            let Place { shard, queue, signer, .. } = *place;
            let accounts = redrive::Accounts { shard, owner: signer, queue, clock: clock::ID };
            let data = redrive::Data { generation: handle.generation, slot: handle.slot, count };
            scheduler::redrive(place.programs.scheduler, accounts, &place.order, &data, &[])
        }),
        DeadLetters::Purge(dead) => many(cluster, dead, "purged", |place, handle, count| {
            let Place { shard, queue, signer, .. } = *place;
            let accounts = purge::Accounts { shard, owner: signer, queue };
            let data = purge::Data { generation: handle.generation, slot: handle.slot, count };
            scheduler::purge(place.programs.scheduler, accounts, &place.order, &data, &[])
        }),
    }
}

/// Does one thing to each entry: all of a transaction's or none.
pub fn run(cluster: &Cluster, entries: &Entries, verb: Verb) -> Outcome<Output> {
    let (place, _, data) = place(cluster, entries.queue, !matches!(verb, Verb::Cancel))?;
    let found = slab::entries(&data);
    let mut calls = Vec::new();
    for handle in &entries.handles {
        let entry = found.iter().find(|(found, _)| found == handle);
        let (_, entry) = entry.ok_or_else(|| {
            Failure::new(format!("the queue holds no entry {handle}"))
                .cure("it was finished, or the handle is of an earlier generation; see `valence queue ls QUEUE`")
        })?;
        calls.push(place.call(*handle, verb, Pubkey::new_from_array(entry.capability)));
    }
    let (_, data) = send(cluster, &place, &calls)?;
    let after = slab::entries(&data);
    let rows = entries.handles.iter().map(|handle| {
        let entry = after.iter().find(|(found, _)| found == handle).map(|(_, entry)| entry);
        vec![
            ("handle", handle.to_string().into()),
            ("list", entry.map(|entry| queue::list_name(entry.list)).into()),
            ("level", entry.map(|entry| entry.level).into()),
        ]
    });
    Ok(Output::Table("no entries", rows.collect()))
}

fn many(
    cluster: &Cluster,
    dead: &Dead,
    done: &'static str,
    call: impl Fn(&Place, Handle, u16) -> Instruction,
) -> Outcome<Output> {
    let (place, before, _) = place(cluster, dead.queue, true)?;
    let count = if dead.all { Some(u16::MAX) } else { dead.count };
    let calls = match count {
        Some(_) if before.dead_count == 0 => return Ok(Output::Record(vec![(done, 0.into()), ("dead", 0.into())])),
        Some(count) => vec![call(&place, Handle { slot: 0, generation: 0 }, count)],
        None => dead.handles.iter().map(|handle| call(&place, *handle, 0)).collect(),
    };
    let (after, _) = send(cluster, &place, &calls)?;
    // Counted by the queue itself: other dead letters may have come in the meantime.
    let counted = (after.redriven + after.purged) - (before.redriven + before.purged);
    Ok(Output::Record(vec![(done, counted.into()), ("dead", after.dead_count.into())]))
}

fn place(cluster: &Cluster, queue: NamedQueue, by_owner: bool) -> Outcome<(Place, Queue, Vec<u8>)> {
    let programs = cluster.programs()?;
    let signer = cluster.signer()?.pubkey();
    let (address, header, data) = queue::load(cluster, &programs, queue)?;
    let shard = Pubkey::new_from_array(header.shard);
    if by_owner {
        shard::owned(cluster, &programs, Named::Address(shard), &signer)?;
    }
    let order = slab::order(&header);
    Ok((Place { programs, shard, queue: address, signer, order }, header, data))
}

/// Calls that fit one transaction for certain: each is below 60 bytes.
const CALLS_PER_TRANSACTION: usize = 12;

fn send(cluster: &Cluster, place: &Place, calls: &[Instruction]) -> Outcome<(Queue, Vec<u8>)> {
    let signer = cluster.signer()?;
    for chunk in calls.chunks(CALLS_PER_TRANSACTION) {
        cluster.send(chunk, &signer)?;
    }
    let (_, header, data) = queue::load(cluster, &place.programs, NamedQueue::Address(place.queue))?;
    Ok((header, data))
}

impl Place {
    fn call(&self, handle: Handle, verb: Verb, capability: Pubkey) -> Instruction {
        let (program, shard, queue, owner, clock) =
            (self.programs.scheduler, self.shard, self.queue, self.signer, clock::ID);
        let Handle { slot, generation } = handle;
        match verb {
            Verb::Hold => {
                let accounts = hold::Accounts { shard, owner, queue, clock };
                scheduler::hold(program, accounts, &self.order, &hold::Data { generation, slot }, &[])
            }
            Verb::Release => {
                let accounts = release::Accounts { shard, owner, queue, clock };
                scheduler::release(program, accounts, &self.order, &release::Data { generation, slot }, &[])
            }
            Verb::Cancel => {
                let accounts = cancel::Accounts { shard, signer: owner, queue };
                scheduler::cancel(program, accounts, &self.order, &cancel::Data { generation, slot }, &[])
            }
            Verb::Requeue => {
                let accounts = requeue::Accounts { shard, owner, queue, capability, clock };
                scheduler::requeue(program, accounts, &self.order, &requeue::Data { generation, slot }, &[])
            }
            Verb::DeadLetter => {
                let accounts = dead_letter::Accounts { shard, owner, queue, clock };
                scheduler::dead_letter(program, accounts, &self.order, &dead_letter::Data { generation, slot }, &[])
            }
            Verb::Reprioritize(level) => {
                let accounts = reprioritize::Accounts { shard, owner, queue };
                scheduler::reprioritize(
                    program,
                    accounts,
                    &self.order,
                    &reprioritize::Data { generation, slot, level },
                    &[],
                )
            }
        }
    }
}
