//! `valence upgrade`: a rolling update as one procedure that can stop and go on.

use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::health::{Gatherer, Scope};
use crate::output::Output;
use crate::set::Singleton;
use crate::signals::{rest, stop_on_signals};
use crate::upgrade::{Step, Upgrade};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Arguments of `upgrade`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Which program
    #[arg(value_enum)]
    program: Singleton,
    /// The new binary; left out to go on with an upgrade that was begun
    #[arg(long, value_name = "FILE", conflicts_with_all = ["abort", "finalize", "status"])]
    to: Option<PathBuf>,
    /// Stops after this step; run again without it, the upgrade goes on
    #[arg(long, value_enum, value_name = "STEP", conflicts_with_all = ["abort", "finalize", "status"])]
    until: Option<Step>,
    /// Takes everything back: migrates down, and brings the former binary back
    #[arg(long, conflicts_with_all = ["finalize", "status"])]
    abort: bool,
    /// Makes the new layout final; after that there is no way back
    #[arg(long, conflicts_with = "status")]
    finalize: bool,
    /// Shows where the upgrade stands
    #[arg(long)]
    status: bool,
    /// How long the program's calls are watched after it has resumed
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    watch: u64,
    /// The Agave CLI [default: solana on PATH]
    #[arg(long, value_name = "FILE", env = "VALENCE_SOLANA")]
    solana: Option<PathBuf>,
}

/// Errors that only a binary and a layout which do not fit each other give.
const MISFITS: [&str; 3] = ["WrongVersion", "ProgramFailedToComplete", "UnsupportedProgramId"];

/// Runs the command.
pub fn run(cluster: &Cluster, arguments: &Arguments, quiet: bool) -> Outcome<Output> {
    let upgrade = Upgrade::new(cluster, arguments.program, arguments.solana.as_deref(), quiet)?;
    let waits = if arguments.status {
        None
    } else if arguments.abort {
        upgrade.abort()?
    } else if arguments.finalize {
        upgrade.finalize()?
    } else {
        upgrade.go(arguments.to.as_deref(), arguments.until.unwrap_or(Step::Resume))?
    };
    let ran_through = !(arguments.status || arguments.abort || arguments.finalize) && arguments.until.is_none();
    match waits {
        Some(waits) => Ok(waits),
        None if ran_through => {
            watch(cluster, arguments)?;
            upgrade.show()
        }
        None => upgrade.show(),
    }
}

/// Looks at the calls that have come since: an error that shows a misfit ends it.
fn watch(cluster: &Cluster, arguments: &Arguments) -> Outcome<()> {
    let stop = stop_on_signals()?;
    let until = Instant::now() + Duration::from_secs(arguments.watch);
    let mut gatherer = Gatherer::new(&cluster.programs()?, &Scope::since_now());
    let name = arguments.program.name();
    loop {
        let (figures, _) = gatherer.gather(cluster)?;
        let misfit = figures.list.iter().find(|figure| {
            figure.spec.name == "errors_total" && figure.labels[0] == name && MISFITS.contains(&&*figure.labels[1])
        });
        if let Some(misfit) = misfit {
            return Err(Failure::new(format!("since it resumed the {name} fails with {}", misfit.labels[1]))
                .cure("look at the transaction; to take the upgrade back, run this with --abort"));
        }
        if Instant::now() >= until || stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        rest(Duration::from_secs(5).min(until.saturating_duration_since(Instant::now())), &stop);
    }
}
