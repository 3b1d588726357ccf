//! `valence keeper`: runs what is due in a set of queues, for as long as it is let.
//!
//! A round reads a queue and does what it finds: reaps what time has made due, dispatches its own leases, claims more, or
//! in an open queue dispatches what stands in front. Then it waits for a change that the websocket server tells of, for what
//! time makes due, or, without that server, for the next look. Nothing is remembered that is not on chain, so a keeper that
//! was killed goes on where it was: its leases are found again, or end. Several keepers can share a queue: an entry leaves
//! the queue in the transaction that runs it, and whoever comes second gets an error and does nothing.

mod call;
mod judge;
mod plan;
pub mod provisions;
mod report;
mod run;
mod watch;

use crate::address::NamedQueue;
use crate::cluster::Cluster;
use crate::commands::lookup_table;
use crate::failure::Outcome;
use crate::output::Output;
use crate::set::Programs;
use crate::slab;
use call::Mode;
use plan::View;
use provisions::Provisions;
use report::Report;
use run::{Keeper, Manner, Price};
use serde_json::json;
use shared_layouts::client;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use watch::{Notice, Watch};

/// Arguments of `keeper`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Queues: SHARD/NUMBER or address
    #[arg(required = true)]
    queues: Vec<NamedQueue>,
    /// Ends when nothing is left to do
    #[arg(long)]
    once: bool,
    /// Leases claimed at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    batch: u8,
    /// Longest time between two looks at a queue while there is no subscription
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..))]
    interval: u64,
    /// Websocket server [default: from Solana's config file, or the RPC server's next port]
    #[arg(long, value_name = "URL")]
    websocket: Option<String>,
    /// Looks at the queues at intervals only, without a subscription
    #[arg(long, conflicts_with = "websocket")]
    poll: bool,
    /// Price of a compute unit in micro-lamports; `auto` or `auto:MOST` for what others paid lately
    #[arg(long, value_name = "PRICE", default_value = "0")]
    priority_fee: Price,
    /// How operations are run
    #[arg(long, value_enum, default_value_t = Mode::Auto)]
    mode: Mode,
    /// Address lookup table from which transactions take accounts; can be given several times
    #[arg(long = "lookup-table", value_name = "KEY")]
    lookup_tables: Vec<Pubkey>,
    /// Opens the next epoch of a queue's order while entries wait, at most once in so many seconds [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    rotate: Option<u32>,
    /// Folder in which events and counters are kept in files
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    #[command(flatten)]
    provisions: provisions::Arguments,
}

/// Longest pause after errors of the connection.
const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// Longest time between two looks at a queue, whatever the subscription says.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// Errors of the connection after which `--once` gives up.
const ERRORS_AT_ONCE: u32 = 5;

/// Runs the command: each event is a line on standard output, and the counts come last.
pub fn run(cluster: &Cluster, arguments: &Arguments, json: bool) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let signer = cluster.signer()?;
    let worker = signer.pubkey();
    let provisions = Provisions::new(&arguments.provisions, &programs, &worker)?;
    let tables = lookup_table::load(cluster, &arguments.lookup_tables)?;
    cluster.ask_about_mainnet()?;
    let queues: Vec<Pubkey> = arguments.queues.iter().map(|queue| queue.address(&programs.scheduler)).collect();
    let accounts = watched(cluster, &programs, &queues)?;
    let report = Report::new(json, &worker, arguments.export.as_deref())?;
    let websocket = arguments.websocket.as_ref().unwrap_or(&cluster.settings.websocket);
    let mut watch = Watch::start((!arguments.poll).then(|| websocket.clone()), accounts)?;
    let manner = Manner {
        batch: arguments.batch,
        price: arguments.priority_fee,
        mode: arguments.mode,
        tables,
        provisions,
        rotate: arguments.rotate.map(|seconds| Duration::from_secs(seconds.into())),
    };
    let mut keeper = Keeper::new(cluster, programs.clone(), signer, manner, report, Arc::clone(&watch.stop));
    let mut errors = 0;
    while !watch.is_stopped() {
        let mut connection = Vec::new();
        watch.take(&mut connection);
        match round(&mut keeper, cluster, &programs, &queues) {
            Ok((0, _)) if arguments.once => break,
            Ok((0, due)) => {
                errors = 0;
                let interval = Duration::from_millis(arguments.interval);
                let time = keeper.waiting_time(due, watch.is_connected, interval);
                connection.extend(watch.wait(time, |notice| *notice == Notice::Changed));
            }
            Ok(_) => errors = 0,
            Err(failure) => {
                errors += 1;
                keeper.report.counts.connection_errors += 1;
                keeper.report.say("error", json!({ "error": failure.line(), "in_a_row": errors }));
                if arguments.once && errors > ERRORS_AT_ONCE {
                    return Err(failure);
                }
                let pause = LONGEST_RETRY.min(Duration::from_secs(1 << errors.min(5)));
                connection.extend(watch.wait(jitter(pause), |notice| *notice == Notice::Connected));
            }
        }
        keeper.heard(&connection, watch.is_connected);
        keeper.report.beat(false);
    }
    keeper.report.beat(true);
    Ok(Output::Record(keeper.report.counts.row()))
}

impl Keeper<'_> {
    /// How long to wait when there is nothing to do: until time makes something due, at most.
    fn waiting_time(&self, due_in: Option<u64>, is_connected: bool, interval: Duration) -> Duration {
        let mut time = if is_connected { LONGEST_WAIT } else { interval };
        let limits = [due_in.map(Duration::from_secs), self.retry_in(), self.report.heartbeat()];
        for limit in limits.into_iter().flatten() {
            time = time.min(limit);
        }
        // What is due and was left undone, by another keeper's doing or the clock's, is not asked for without a pause.
        jitter(time.max(interval.min(Duration::from_secs(1))))
    }

    fn heard(&mut self, connection: &[Notice], is_connected: bool) {
        for notice in connection {
            match notice {
                Notice::Connected => self.report.say("subscribed", json!({})),
                Notice::Lost(reason) => {
                    self.report.counts.subscriptions_lost += 1;
                    self.report.say("polling", json!({ "reason": reason }));
                }
                Notice::Changed | Notice::Stop => {}
            }
        }
        self.report.connection(is_connected);
    }
}

/// The accounts that decide what there is to do: the queues, their shards and orders, and the configs with their pauses.
fn watched(cluster: &Cluster, programs: &Programs, queues: &[Pubkey]) -> Outcome<Vec<Pubkey>> {
    let mut accounts =
        [programs.scheduler, programs.processor].map(|program| client::config_address(&program)).to_vec();
    for queue in queues {
        let view = View::read(cluster, programs, queue)?;
        accounts.extend([*queue, view.shard]);
        accounts.extend(slab::order(&view.reader.header).into_iter().map(|meta| meta.pubkey));
    }
    accounts.sort_unstable();
    accounts.dedup();
    Ok(accounts)
}

/// One look at each queue; returns how much was done, and in how many seconds time makes something due.
fn round(
    keeper: &mut Keeper,
    cluster: &Cluster,
    programs: &Programs,
    queues: &[Pubkey],
) -> Outcome<(usize, Option<u64>)> {
    let (mut done, mut due) = (0, None);
    for queue in queues {
        let view = View::read(cluster, programs, queue)?;
        due = due.into_iter().chain(view.due_in()).min();
        done += keeper.serve(&view)?;
    }
    Ok((done, due))
}

/// Between half of a time and all of it, so that several keepers do not move in step.
fn jitter(time: Duration) -> Duration {
    time.mul_f64(f64::midpoint(1.0, fastrand::f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_half_and_all() {
        for milliseconds in [0, 1, 10, 1_000] {
            let time = Duration::from_millis(milliseconds);
            let found = jitter(time);
            assert!(found >= time / 2 && found <= time, "{found:?} of {time:?}");
        }
    }
}
