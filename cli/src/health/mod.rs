//! The health of a set of programs: figures from accounts, from the ledger and from keepers, each with its source.

pub mod accounts;
pub mod figures;
mod keepers;
pub mod ledger;
pub mod thresholds;

use crate::cluster::Cluster;
use crate::failure::Outcome;
use crate::set::Programs;
use accounts::View;
use figures::Figures;
use ledger::{History, Names};
use std::path::PathBuf;

/// What to look at.
#[derive(clap::Args, Clone, Debug)]
pub struct Scope {
    /// The ledger's window, up to now
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600, value_parser = clap::value_parser!(u32).range(1..))]
    window: u32,
    /// Most transactions of a program that are read at a time; 0 leaves the ledger out
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    transactions: usize,
    /// Counters of keepers: the file of one, or the folder of several; may be given several times
    #[arg(long, value_name = "FILE|DIR")]
    keeper: Vec<PathBuf>,
}

impl Scope {
    /// What happens from now on.
    pub fn since_now() -> Self {
        Self { window: 1, transactions: 1_000, keeper: Vec::new() }
    }
}

/// Gathers figures again and again; the ledger is read on from where it was.
pub struct Gatherer {
    programs: Programs,
    scope: Scope,
    history: History,
}

impl Gatherer {
    /// One that has not looked yet.
    pub fn new(programs: &Programs, scope: &Scope) -> Self {
        let history = History::new(programs, scope.window, scope.transactions);
        Self { programs: programs.clone(), scope: scope.clone(), history }
    }

    /// All figures as they are now, and the accounts behind them.
    pub fn gather(&mut self, cluster: &Cluster) -> Outcome<(Figures, View)> {
        let view = View::read(cluster, &self.programs)?;
        let mut figures = view.figures();
        if self.scope.transactions > 0 {
            self.history.read(cluster, view.now)?;
            let queues = view.queues().into_iter().map(|queue| (queue.address, queue.name)).collect();
            let capabilities = view.capability_numbers();
            self.history.figures(&mut figures, &Names { queues: &queues, capabilities: &capabilities });
        }
        keepers::figures(&mut figures, &self.scope.keeper);
        Ok((figures, view))
    }
}
