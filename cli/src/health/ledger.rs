//! Figures of the ledger: what was called within a window, how it ended, and what it cost.

use super::figures::Figures;
use crate::cluster::Cluster;
use crate::failure::Outcome;
use crate::ledger::{Call, End, Reader, Reading};
use crate::set::{Programs, Singleton};
use shared_layouts::diff::{OperationHead, apply_inline};
use shared_layouts::processor::{execute, verify};
use shared_layouts::scheduler::{dispatch, dispatch_direct};
use solana_pubkey::Pubkey;
use std::collections::{BTreeMap, VecDeque};

/// The calls of a window, and counters that go on from the first reading.
pub struct History {
    reader: Reader,
    window_seconds: u32,
    recent: VecDeque<Call>,
    totals: Totals,
    is_cut: bool,
}

#[derive(Default)]
struct Totals {
    transactions: u64,
    calls: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    errors: BTreeMap<(&'static str, String), u64>,
    units: BTreeMap<(&'static str, &'static str), u64>,
    verifications: [u64; 2],
    operations: u64,
    bytes: u64,
}

/// Names of accounts in labels.
pub struct Names<'a> {
    /// Queues.
    pub queues: &'a BTreeMap<Pubkey, String>,
    /// Capabilities.
    pub capabilities: &'a BTreeMap<Pubkey, u64>,
}

impl History {
    /// An empty history that reads at most so many transactions at a time.
    pub fn new(programs: &Programs, window_seconds: u32, most: usize) -> Self {
        let reader = Reader::new(programs, most);
        Self { reader, window_seconds, recent: VecDeque::new(), totals: Totals::default(), is_cut: false }
    }

    /// Reads on.
    pub fn read(&mut self, cluster: &Cluster, now: i64) -> Outcome<()> {
        let since = now - i64::from(self.window_seconds);
        let reading = self.reader.read(cluster, since)?;
        self.add(reading, since);
        Ok(())
    }

    fn add(&mut self, reading: Reading, since: i64) {
        self.totals.transactions += reading.transactions as u64;
        self.is_cut = reading.is_cut;
        for call in reading.calls {
            self.totals.add(&call);
            self.recent.push_back(call);
        }
        self.recent.retain(|call| call.at >= since);
    }

    /// All figures.
    pub fn figures(&self, figures: &mut Figures, names: &Names) {
        figures.count("ledger_window_seconds", &[], self.window_seconds.into());
        figures.count("ledger_transactions_total", &[], self.totals.transactions);
        figures.count("ledger_cut", &[], self.is_cut.into());
        self.totals.figures(figures);
        let mut errors: BTreeMap<_, u64> = BTreeMap::new();
        for call in &self.recent {
            if let End::Failed(error) = &call.end {
                *errors.entry((call.program.name(), error)).or_default() += 1;
            }
        }
        for ((program, error), count) in errors {
            figures.count("errors_in_window", &[program, error], count);
        }
        self.units(figures);
        self.executions(figures, names);
        self.rates(figures, names);
    }

    fn done(&self) -> impl Iterator<Item = &Call> {
        self.recent.iter().filter(|call| call.end == End::Done)
    }

    fn units(&self, figures: &mut Figures) {
        let mut units: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        for call in self.done() {
            units.entry((call.program.name(), call.name())).or_default().extend(call.units);
        }
        for ((program, instruction), units) in units {
            let labels = [program, instruction];
            figures.ratio("instruction_compute_units_mean", &labels, units.iter().sum(), units.len() as u64);
            if let Some(peak) = units.iter().max() {
                figures.count("instruction_compute_units_peak", &labels, *peak);
            }
        }
    }

    fn executions(&self, figures: &mut Figures, names: &Names) {
        let mut peaks: BTreeMap<u64, u64> = BTreeMap::new();
        for call in self.done().filter(|call| is(call, Singleton::Processor, execute::DISCRIMINATOR)) {
            let capability = call.account("capability").and_then(|key| names.capabilities.get(&key));
            if let (Some(number), Some(units)) = (capability, call.units) {
                let peak = peaks.entry(*number).or_default();
                *peak = units.max(*peak);
            }
        }
        for (number, peak) in peaks {
            figures.count("capability_compute_units_peak", &[&number.to_string()], peak);
        }
        let [passed, rejected] = verifications(self.recent.iter());
        figures.ratio("verification_success_ratio", &[], passed, passed + rejected);
    }

    fn rates(&self, figures: &mut Figures, names: &Names) {
        let seconds = u64::from(self.window_seconds);
        let mut dispatches: BTreeMap<&str, u64> = names.queues.values().map(|name| (name.as_str(), 0)).collect();
        for call in self.done().filter(|call| is_dispatch(call)) {
            let name = call.account("queue").and_then(|key| names.queues.get(&key));
            *dispatches.entry(name.map_or("closed", String::as_str)).or_default() += 1;
        }
        for (queue, count) in dispatches {
            figures.ratio("queue_dispatches_per_second", &[queue], count, seconds);
        }
        let commit = shared_layouts::diff::commit::DISCRIMINATOR;
        let batches = self.done().filter(|call| is(call, Singleton::Diff, commit)).count() as u64;
        let (operations, bytes) = self.done().map(applied).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        figures.ratio("diff_batches_per_second", &[], batches, seconds);
        figures.ratio("diff_operations_per_second", &[], operations, seconds);
        figures.ratio("diff_bytes_per_second", &[], bytes, seconds);
    }
}

impl Totals {
    fn add(&mut self, call: &Call) {
        let (program, name) = (call.program.name(), call.name());
        let result = match &call.end {
            End::Done => "done",
            End::Failed(_) => "failed",
            End::Reverted => "reverted",
        };
        *self.calls.entry((program, name, result)).or_default() += 1;
        if let End::Failed(error) = &call.end {
            *self.errors.entry((program, error.clone())).or_default() += 1;
        }
        if call.end == End::Done {
            *self.units.entry((program, name)).or_default() += call.units.unwrap_or_default();
            let (operations, bytes) = applied(call);
            self.operations += operations;
            self.bytes += bytes;
        }
        for (sum, more) in self.verifications.iter_mut().zip(verifications(std::iter::once(call))) {
            *sum += more;
        }
    }

    fn figures(&self, figures: &mut Figures) {
        for ((program, instruction, result), count) in &self.calls {
            figures.count("instructions_total", &[program, instruction, result], *count);
        }
        for ((program, error), count) in &self.errors {
            figures.count("errors_total", &[program, error], *count);
        }
        for ((program, instruction), units) in &self.units {
            figures.count("instruction_compute_units_total", &[program, instruction], *units);
        }
        for (result, count) in ["passed", "rejected"].into_iter().zip(self.verifications) {
            figures.count("verifications_total", &[result], count);
        }
        figures.count("diff_operations_applied_total", &[], self.operations);
        figures.count("diff_applied_bytes_total", &[], self.bytes);
    }
}

fn is(call: &Call, program: Singleton, discriminator: u8) -> bool {
    call.program == program && call.data.first() == Some(&discriminator)
}

/// Whether it takes an entry out of a queue.
pub fn is_dispatch(call: &Call) -> bool {
    is(call, Singleton::Scheduler, dispatch::DISCRIMINATOR)
        || is(call, Singleton::Scheduler, dispatch_direct::DISCRIMINATOR)
}

/// Verifications that passed, and those that a function rejected. Other failures decide nothing about them.
fn verifications<'a>(calls: impl Iterator<Item = &'a Call>) -> [u64; 2] {
    let mut counts = [0; 2];
    for call in calls {
        let is_hard = is(call, Singleton::Processor, verify::DISCRIMINATOR)
            || is(call, Singleton::Processor, execute::DISCRIMINATOR);
        counts[0] += u64::from(is_hard && call.end == End::Done);
        counts[1] += u64::from(is_hard && call.is_rejection());
    }
    counts
}

/// Operations and bytes that an `ApplyInline` applied.
fn applied(call: &Call) -> (u64, u64) {
    if !is(call, Singleton::Diff, apply_inline::DISCRIMINATOR) {
        return (0, 0);
    }
    let mut rest = call.data.get(1 + apply_inline::Data::BYTES..).unwrap_or_default();
    let (mut operations, mut bytes) = (0, 0);
    while let Some((head, tail)) = rest.split_at_checked(OperationHead::BYTES) {
        let head: OperationHead = bytemuck::pod_read_unaligned(head);
        operations += 1;
        bytes += u64::from(head.bytes);
        rest = tail.get(head.bytes as usize..).unwrap_or_default();
    }
    (operations, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared_layouts::diff;

    fn call(data: Vec<u8>, end: End) -> Call {
        let instruction = diff::INSTRUCTIONS.iter().copied().find(|spec| spec.discriminator == data[0]);
        let (program, accounts) = (Singleton::Diff, Vec::new());
        Call { program, instruction, accounts, data, end, code: None, units: Some(300), at: 100 }
    }

    #[test]
    fn operations_of_an_inline_batch_are_counted_in_wire_form() {
        let mut data = vec![apply_inline::DISCRIMINATOR];
        data.extend([0; 8]);
        for bytes in [2u32, 3] {
            data.extend(0u32.to_le_bytes());
            data.extend(bytes.to_le_bytes());
            data.extend(vec![7; bytes as usize]);
        }
        assert_eq!(applied(&call(data, End::Done)), (2, 5));
    }

    #[test]
    fn what_leaves_the_window_stays_in_the_counters() {
        let key = Pubkey::default();
        let programs = Programs { genesis: String::new(), processor: key, scheduler: key, diff: key };
        let mut history = History::new(&programs, 10, 100);
        let calls = vec![call(vec![diff::commit::DISCRIMINATOR], End::Done)];
        history.add(Reading { calls, transactions: 1, is_cut: false }, 95);
        let (queues, capabilities) = (BTreeMap::new(), BTreeMap::new());
        let names = Names { queues: &queues, capabilities: &capabilities };
        let shown = |history: &History| {
            let mut figures = Figures::default();
            history.figures(&mut figures, &names);
            let total = figures.value("instructions_total", &["diff", "Commit", "done"]);
            (figures.value("diff_batches_per_second", &[]), total)
        };
        assert_eq!(shown(&history), (Some(0.1), Some(1.0)));
        history.add(Reading::default(), 101);
        assert_eq!(shown(&history), (Some(0.0), Some(1.0)));
    }
}
