//! `valence keeper`: runs what is due in a set of queues, for as long as it is let.
//!
//! A round reads a queue and does what it finds: reaps what time has made due, dispatches its own leases, claims more, or
//! in an open queue dispatches what stands in front. Nothing is remembered that is not on chain, so a keeper that was
//! killed goes on where it was: its leases are found again, or end. Several keepers can share a queue: an entry leaves
//! the queue in the transaction that runs it, and whoever comes second gets an error and does nothing.

mod judge;
mod plan;
mod run;

use crate::address::NamedQueue;
use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::set::Programs;
use plan::View;
use run::Keeper;
use serde_json::{Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};
use solana_pubkey::Pubkey;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

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
    /// Longest time between two looks at a queue
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..))]
    interval: u64,
    /// Price of a compute unit
    #[arg(long, value_name = "MICROLAMPORTS", default_value_t = 0)]
    priority_fee: u64,
}

/// What a keeper has done since it was started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    dispatched: u64,
    failed_transient: u64,
    failed_permanent: u64,
    lost_races: u64,
    reaped: u64,
    connection_errors: u64,
}

/// Longest pause after errors of the connection, seconds.
const MAX_RETRY_SECONDS: u64 = 30;

/// Runs the command: each event is a line on standard output, and the counts come last.
pub fn run(cluster: &Cluster, arguments: &Arguments, json: bool) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let signer = cluster.signer()?;
    cluster.ask_about_mainnet()?;
    let stop = stop_on_signals()?;
    let queues: Vec<Pubkey> = arguments.queues.iter().map(|queue| queue.address(&programs.scheduler)).collect();
    let mut keeper = Keeper::new(cluster, programs.clone(), signer, arguments.batch, arguments.priority_fee, json);
    for queue in &queues {
        View::read(cluster, &programs, queue)?;
    }
    let mut errors = 0;
    while !stop.load(Ordering::Relaxed) {
        match round(&mut keeper, cluster, &programs, &queues, &stop) {
            Ok(0) if arguments.once => break,
            Ok(0) => rest(Duration::from_millis(jitter(arguments.interval)), &stop),
            Ok(_) => errors = 0,
            Err(failure) => {
                errors += 1;
                keeper.counts.connection_errors += 1;
                keeper.say("error", json!({ "error": failure.line(), "in_a_row": errors }));
                if arguments.once && errors > 5 {
                    return Err(failure);
                }
                let seconds = MAX_RETRY_SECONDS.min(1 << errors.min(5));
                rest(Duration::from_millis(jitter(seconds * 1_000)), &stop);
            }
        }
    }
    Ok(Output::Record(keeper.counts.row()))
}

/// One look at each queue; returns how much was done or still has to be.
fn round(
    keeper: &mut Keeper,
    cluster: &Cluster,
    programs: &Programs,
    queues: &[Pubkey],
    stop: &AtomicBool,
) -> Outcome<usize> {
    let mut done = 0;
    for queue in queues {
        if !stop.load(Ordering::Relaxed) {
            done += keeper.serve(&View::read(cluster, programs, queue)?)?;
        }
    }
    Ok(done)
}

/// A flag that SIGINT and SIGTERM raise.
pub fn stop_on_signals() -> Outcome<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))
            .map_err(|error| Failure::new(format!("signals cannot be handled ({error})")))?;
    }
    Ok(stop)
}

/// Waits, but not beyond a signal.
pub fn rest(time: Duration, stop: &AtomicBool) {
    let until = Instant::now() + time;
    while Instant::now() < until && !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(20).min(time));
    }
}

/// Between half of a number and all of it, so that several keepers do not move in step.
fn jitter(number: u64) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    number / 2 + u64::from(now.subsec_nanos()) % (number / 2 + 1)
}

impl Counts {
    fn row(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("dispatched", self.dispatched.into()),
            ("failed_transient", self.failed_transient.into()),
            ("failed_permanent", self.failed_permanent.into()),
            ("lost_races", self.lost_races.into()),
            ("reaped", self.reaped.into()),
            ("connection_errors", self.connection_errors.into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_half_and_all() {
        for number in [0, 1, 10, 1_000] {
            let found = jitter(number);
            assert!(found >= number / 2 && found <= number, "{found} of {number}");
        }
    }
}
