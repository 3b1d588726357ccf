//! `valence recover`: puts the entries of a lost queue into another one.

use crate::address::NamedQueue;
use crate::cluster::Cluster;
use crate::failure::Outcome;
use crate::output::{Output, Row, key};
use crate::recovery::replay::{Fate, Item};
use crate::recovery::restore::{Done, Into, Lost, in_order};
use std::path::PathBuf;

/// Exit status when entries are left that were not restored, though they may be alive.
const LEFT: u8 = 5;

/// Arguments of `recover`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Folder that `valence backup` wrote
    folder: PathBuf,
    /// The lost queue: SHARD/NUMBER or address
    queue: NamedQueue,
    /// Queue that takes the entries, of a shard that is paused; without it the fates are only shown
    #[arg(long, value_name = "QUEUE")]
    into: Option<NamedQueue>,
    /// An undecided sequence that is restored all the same, because its owner knows that it has not run
    #[arg(long, value_name = "SEQUENCE", requires = "into")]
    also: Vec<u64>,
}

/// Runs the command. Run again, it finds what it has restored and goes on.
pub fn run(cluster: &Cluster, arguments: &Arguments) -> Outcome<Output> {
    let lost = Lost::read(cluster, &arguments.folder, arguments.queue)?;
    let mut done = Vec::new();
    if let Some(name) = arguments.into {
        let into = Into::new(cluster, name)?;
        cluster.ask_about_mainnet()?;
        for item in in_order(&lost.replay, &arguments.also) {
            let result = into.restore(cluster, &item)?;
            done.push((item, result));
        }
        let there = done.iter().filter(|(_, result)| !matches!(result, Done::Refused(_))).map(|(item, _)| item);
        into.check(cluster, &there.collect::<Vec<_>>())?;
    }
    let rows = lost.replay.items.iter().map(|item| {
        let result = done.iter().find(|(other, _)| is_same(item, other)).map(|(_, result)| result);
        row(item, result)
    });
    let rows: Vec<_> = rows.collect();
    let is_left = |item: &Item| {
        let result = done.iter().find(|(other, _)| is_same(item, other)).map(|(_, result)| result);
        match (&item.fate, result) {
            (Fate::Alive | Fate::Undecided(_), None | Some(Done::Refused(_))) => true,
            (Fate::Alive | Fate::Undecided(_) | Fate::Finished | Fate::Cancelled | Fate::Dead, _) => false,
        }
    };
    let left = lost.replay.items.iter().any(is_left);
    eprintln!(
        "{}: {} transactions since the backup, {} calls replayed",
        lost.address, lost.transactions, lost.replay.calls
    );
    let shown = Output::Table("the queue had no entries", rows);
    Ok(if left { Output::WithStatus(Box::new(shown), LEFT) } else { shown })
}

fn is_same(left: &Item, right: &Item) -> bool {
    left.producer == right.producer && left.request.sequence == right.request.sequence
}

fn row(item: &Item, done: Option<&Done>) -> Row {
    let (fate, reason) = match &item.fate {
        Fate::Alive => ("alive", None),
        Fate::Finished => ("finished", None),
        Fate::Cancelled => ("cancelled", None),
        Fate::Dead => ("dead", None),
        Fate::Undecided(why) => ("undecided", Some(*why)),
    };
    let (result, refusal) = match done {
        Some(Done::Restored) => (Some("restored"), None),
        Some(Done::AlreadyThere) => (Some("already there"), None),
        Some(Done::Refused(why)) => (Some("refused"), Some(why.as_str())),
        None => (None, None),
    };
    vec![
        ("sequence", item.request.sequence.into()),
        ("producer", item.producer.map(|producer| key(&producer)).into()),
        ("capability", key(&item.capability)),
        ("fate", fate.into()),
        ("was_held", item.was_held.into()),
        ("result", result.into()),
        ("reason", refusal.or(reason).into()),
    ]
}
