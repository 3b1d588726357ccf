//! Whether a measurement agrees with the committed table and the budgets.
//!
//! Table and budgets, which stand at what the table says, hold for the compiler that it records. With another one the numbers may
//! move without a change in this repository: a difference becomes a note to measure again, and so does what exceeds its budget by a
//! fiftieth at most. More than that fails whatever compiled the programs.

use std::collections::BTreeMap;
use std::fmt;

use crate::budgets::{Budget, Budgets};
use crate::report::Report;
use crate::toolchain::Toolchain;

/// What the gate found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Each one fails the gate.
    pub violations: Vec<Violation>,
    /// What differs only because another compiler is installed.
    pub notes: Vec<String>,
}

/// A reason to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// `row …`, `binary …`, `tool …`, or what is missing altogether.
    pub subject: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The measurement is empty, which no list of expectations would notice by itself.
    Empty,
    /// Nothing is committed to compare with.
    NoTable,
    /// In the table or the budgets, but not measured.
    NotMeasured,
    /// Measured, but not in the table.
    NotInTable,
    /// Measured, but the budgets neither limit it nor say `recorded`.
    NoBudget,
    /// The budget is a distance from this row, which was not measured.
    NoBase(String),
    /// Over its ceiling.
    OverBudget {
        /// The most that it may be.
        ceiling: u64,
        /// What it is.
        measured: u64,
    },
    /// Not what the table says.
    Differs {
        /// What the table says.
        recorded: String,
        /// What it is.
        measured: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.subject)?;
        match &self.fault {
            Fault::Empty => write!(f, "no rows measured"),
            Fault::NoTable => write!(f, "no table is committed: run `just bench`"),
            Fault::NotMeasured => write!(f, "in the table or the budgets, but not measured"),
            Fault::NotInTable => write!(f, "measured, but not in the table: run `just bench`"),
            Fault::NoBudget => write!(f, "no budget: add it to bench/budgets.toml, if only as \"recorded\""),
            Fault::NoBase(base) => write!(f, "its budget is over {base}, which was not measured"),
            Fault::OverBudget { ceiling, measured } => write!(f, "over budget: {measured}, at most {ceiling}"),
            Fault::Differs { recorded, measured } => {
                write!(f, "{measured}, but the table says {recorded}: if that is intended, run `just bench`")
            }
        }
    }
}

impl Violation {
    fn new(subject: &str, fault: Fault) -> Self {
        Self { subject: subject.to_owned(), fault }
    }

    fn of(kind: &str, name: &str, fault: Fault) -> Self {
        Self { subject: format!("{kind} {name}"), fault }
    }

    /// Whether another compiler may explain it.
    fn is_a_compilers(&self) -> bool {
        /// Part of a budget by which another compiler may exceed it.
        const PART: u64 = 50;
        match self.fault {
            Fault::Differs { .. } => true,
            Fault::OverBudget { ceiling, measured } => measured - ceiling <= ceiling / PART,
            _ => false,
        }
    }
}

/// Compares a measurement with what is committed.
pub fn check(recorded: Option<&Report>, measured: &Report, budgets: &Budgets) -> Verdict {
    let mut verdict = Verdict::default();
    if measured.rows.is_empty() {
        verdict.violations.push(Violation::new("bench", Fault::Empty));
    }
    verdict.violations.extend(against_budgets(measured, budgets));
    match recorded {
        None => verdict.violations.push(Violation::new("bench/results/compute_units.json", Fault::NoTable)),
        Some(recorded) => verdict.compare(recorded, measured),
    }
    verdict
}

impl Verdict {
    fn compare(&mut self, recorded: &Report, measured: &Report) {
        let mut found =
            against_table("binary", &recorded.binaries, &measured.binaries, |bytes| format!("{bytes} bytes"));
        found.extend(against_table("row", &recorded.rows, &measured.rows, |units| {
            format!("{} CU ({} with all features)", units.mainnet, units.all_features)
        }));
        found.extend(against_table("limit", &recorded.limits, &measured.limits, u64::to_string));
        if !recorded.toolchain.same_compiler(&measured.toolchain) {
            self.notes.push(measure_again(&recorded.toolchain, &measured.toolchain));
            for violations in [&mut self.violations, &mut found] {
                let excused = violations.extract_if(.., |violation| violation.is_a_compilers());
                self.notes.extend(excused.map(|violation| violation.to_string()));
            }
        }
        let choices =
            |toolchain: &Toolchain| toolchain.choices().map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let chosen = against_table("tool", &choices(&recorded.toolchain), &choices(&measured.toolchain), String::clone);
        for violation in chosen.into_iter().chain(found) {
            // The budgets may have missed the same row already.
            if !self.violations.contains(&violation) {
                self.violations.push(violation);
            }
        }
    }
}

fn measure_again(recorded: &Toolchain, installed: &Toolchain) -> String {
    let show = |tools: &Toolchain| format!("rustc {}, LLVM {}, linker {}", tools.rustc, tools.llvm, tools.linker);
    format!(
        "the table was measured with {} and this machine has {}: it must be measured again with `just bench`",
        show(recorded),
        show(installed),
    )
}

fn against_budgets(measured: &Report, budgets: &Budgets) -> Vec<Violation> {
    let units = measured.rows.iter().map(|(name, units)| (name.clone(), units.mainnet)).collect();
    let mut violations = against_ceilings("binary", &measured.binaries, &budgets.binaries);
    violations.extend(against_ceilings("row", &units, &budgets.rows));
    violations
}

fn against_ceilings(
    kind: &str,
    measured: &BTreeMap<String, u64>,
    budgets: &BTreeMap<String, Budget>,
) -> Vec<Violation> {
    let exceeded = measured.iter().filter_map(|(name, &value)| {
        let fault = match budgets.get(name).map(|budget| budget.ceiling(|base| measured.get(base).copied())) {
            None => Fault::NoBudget,
            Some(Err(base)) => Fault::NoBase(base.to_owned()),
            Some(Ok(Some(ceiling))) if value > ceiling => Fault::OverBudget { ceiling, measured: value },
            Some(Ok(_)) => return None,
        };
        Some(Violation::of(kind, name, fault))
    });
    exceeded.chain(not_measured(kind, budgets, measured)).collect()
}

fn against_table<V: PartialEq>(
    kind: &str,
    recorded: &BTreeMap<String, V>,
    measured: &BTreeMap<String, V>,
    show: impl Fn(&V) -> String,
) -> Vec<Violation> {
    let changed = measured.iter().filter_map(|(name, now)| {
        let fault = match recorded.get(name) {
            None => Fault::NotInTable,
            Some(was) if was != now => Fault::Differs { recorded: show(was), measured: show(now) },
            Some(_) => return None,
        };
        Some(Violation::of(kind, name, fault))
    });
    changed.chain(not_measured(kind, recorded, measured)).collect()
}

fn not_measured<E, M>(
    kind: &str,
    expected: &BTreeMap<String, E>,
    measured: &BTreeMap<String, M>,
) -> impl Iterator<Item = Violation> {
    let missing = expected.keys().filter(|name| !measured.contains_key(*name));
    missing.map(move |name| Violation::of(kind, name, Fault::NotMeasured))
}

#[cfg(test)]
mod tests;
