//! A gate that cannot fail is worth nothing: every test but the first breaks one thing in a state that passes.

use super::*;
use crate::budgets::{Over, Recorded};
use crate::report::Units;

const ENQUEUE: &str = "scheduler/enqueue/empty";
const EXECUTE: &str = "processor/execute/predicates-0";
const FLOOR: &str = "floor/cpi-3-accounts";

fn toolchain() -> Toolchain {
    Toolchain {
        rustc: "1.96.0 (ac68faa20)".into(),
        llvm: "22.1.8".into(),
        linker: "0.2.6".into(),
        arch: "v3".into(),
        mollusk: "0.15.1".into(),
        litesvm: "0.16.0".into(),
    }
}

fn units(mainnet: u64) -> Units {
    Units { mainnet, all_features: mainnet - 1 }
}

fn report() -> Report {
    Report {
        toolchain: toolchain(),
        binaries: BTreeMap::from([("processor".into(), 60_000)]),
        rows: BTreeMap::from([
            (FLOOR.into(), units(1_000)),
            (EXECUTE.into(), units(1_350)),
            (ENQUEUE.into(), units(320)),
        ]),
        limits: BTreeMap::from([("vec-queue".into(), 150)]),
    }
}

fn budgets() -> Budgets {
    Budgets {
        binaries: BTreeMap::from([("processor".into(), Budget::AtMost(65_536))]),
        rows: BTreeMap::from([
            (FLOOR.into(), Budget::Recorded(Recorded::Recorded)),
            (EXECUTE.into(), Budget::Over(Over { over: FLOOR.into(), plus: 350 })),
            (ENQUEUE.into(), Budget::AtMost(320)),
        ]),
    }
}

fn row(name: &str, fault: Fault) -> Violation {
    Violation { subject: format!("row {name}"), fault }
}

fn binary(name: &str, fault: Fault) -> Violation {
    Violation { subject: format!("binary {name}"), fault }
}

/// The violations of a state in which everything passes but for one change.
fn violations(change: impl FnOnce(&mut Report, &mut Report, &mut Budgets)) -> Vec<Violation> {
    let (mut recorded, mut measured, mut budgets) = (report(), report(), budgets());
    change(&mut recorded, &mut measured, &mut budgets);
    check(Some(&recorded), &measured, &budgets).violations
}

fn set(report: &mut Report, name: &str, mainnet: u64) {
    report.rows.insert(name.into(), units(mainnet));
}

#[test]
fn what_agrees_passes_at_exactly_its_budget() {
    assert_eq!(check(Some(&report()), &report(), &budgets()), Verdict::default());
}

#[test]
fn an_exceeded_budget_fails() {
    let found = violations(|recorded, measured, _| {
        set(recorded, ENQUEUE, 321);
        set(measured, ENQUEUE, 321);
    });
    assert_eq!(found, [row(ENQUEUE, Fault::OverBudget { ceiling: 320, measured: 321 })]);
}

#[test]
fn an_exceeded_distance_from_another_row_fails() {
    let found = violations(|recorded, measured, _| {
        set(recorded, FLOOR, 999);
        set(measured, FLOOR, 999);
    });
    assert_eq!(found, [row(EXECUTE, Fault::OverBudget { ceiling: 1_349, measured: 1_350 })]);
}

#[test]
fn a_distance_from_nothing_fails() {
    let found = violations(|_, _, budgets| {
        budgets.rows.insert(EXECUTE.into(), Budget::Over(Over { over: "floor/none".into(), plus: 350 }));
    });
    assert_eq!(found, [row(EXECUTE, Fault::NoBase("floor/none".into()))]);
}

#[test]
fn an_exceeded_size_fails() {
    let found = violations(|recorded, measured, _| {
        recorded.binaries.insert("processor".into(), 65_537);
        measured.binaries.insert("processor".into(), 65_537);
    });
    assert_eq!(found, [binary("processor", Fault::OverBudget { ceiling: 65_536, measured: 65_537 })]);
}

#[test]
fn a_row_that_differs_from_the_table_fails_even_when_it_is_cheaper() {
    let found = violations(|_, measured, _| set(measured, ENQUEUE, 319));
    let recorded = "320 CU (319 with all features)".to_owned();
    let measured = "319 CU (318 with all features)".to_owned();
    assert_eq!(found, [row(ENQUEUE, Fault::Differs { recorded, measured })]);
}

#[test]
fn a_row_that_differs_with_all_features_alone_fails() {
    let found = violations(|_, measured, _| {
        measured.rows.insert(ENQUEUE.into(), Units { mainnet: 320, all_features: 400 });
    });
    assert!(matches!(found.as_slice(), [Violation { fault: Fault::Differs { .. }, .. }]), "{found:?}");
}

#[test]
fn a_size_that_differs_from_the_table_fails() {
    let found = violations(|_, measured, _| {
        measured.binaries.insert("processor".into(), 59_999);
    });
    assert!(matches!(found.as_slice(), [Violation { fault: Fault::Differs { .. }, .. }]), "{found:?}");
}

#[test]
fn a_row_removed_from_the_table_fails() {
    let found = violations(|recorded, _, _| {
        recorded.rows.remove(ENQUEUE);
    });
    assert_eq!(found, [row(ENQUEUE, Fault::NotInTable)]);
}

#[test]
fn a_row_removed_from_the_measurement_fails_once() {
    let found = violations(|_, measured, _| {
        measured.rows.remove(ENQUEUE);
    });
    assert_eq!(found, [row(ENQUEUE, Fault::NotMeasured)]);
}

#[test]
fn a_row_that_only_the_budgets_know_fails() {
    let found = violations(|recorded, measured, _| {
        recorded.rows.remove(ENQUEUE);
        measured.rows.remove(ENQUEUE);
    });
    assert_eq!(found, [row(ENQUEUE, Fault::NotMeasured)]);
}

#[test]
fn an_unbudgeted_row_fails() {
    let found = violations(|_, _, budgets| {
        budgets.rows.remove(ENQUEUE);
    });
    assert_eq!(found, [row(ENQUEUE, Fault::NoBudget)]);
}

#[test]
fn a_program_that_was_not_built_fails() {
    let found = violations(|_, measured, _| measured.binaries.clear());
    assert_eq!(found, [binary("processor", Fault::NotMeasured)]);
}

#[test]
fn an_empty_measurement_fails_even_when_nothing_is_expected() {
    let found = violations(|recorded, measured, budgets| {
        recorded.rows.clear();
        measured.rows.clear();
        budgets.rows.clear();
    });
    assert_eq!(found, [Violation::new("bench", Fault::Empty)]);
}

#[test]
fn a_missing_table_fails() {
    let found = check(None, &report(), &budgets()).violations;
    assert_eq!(found, [Violation::new("bench/results/compute_units.json", Fault::NoTable)]);
}

#[test]
fn another_compiler_turns_differences_into_notes() {
    let mut measured = report();
    measured.toolchain.rustc = "1.97.0 (0123abcd)".into();
    set(&mut measured, ENQUEUE, 300);
    let verdict = check(Some(&report()), &measured, &budgets());
    assert_eq!(verdict.violations, []);
    assert_eq!(verdict.notes.len(), 2, "{:?}", verdict.notes);
    assert!(verdict.notes[0].contains("must be measured again"), "{}", verdict.notes[0]);
    assert!(verdict.notes[1].contains(ENQUEUE), "{}", verdict.notes[1]);
}

#[test]
fn another_compiler_that_changes_no_number_is_still_told() {
    let tools: [fn(&mut Toolchain) -> &mut String; 3] = [|t| &mut t.rustc, |t| &mut t.llvm, |t| &mut t.linker];
    for tool in tools {
        let mut measured = report();
        tool(&mut measured.toolchain).push('1');
        let verdict = check(Some(&report()), &measured, &budgets());
        assert_eq!((verdict.violations.len(), verdict.notes.len()), (0, 1), "{verdict:?}");
    }
}

#[test]
fn another_compiler_excuses_a_fiftieth_of_a_budget_and_no_more() {
    let with = |units, rustc: &str| {
        let mut measured = report();
        measured.toolchain.rustc = rustc.into();
        set(&mut measured, ENQUEUE, units);
        check(Some(&report()), &measured, &budgets())
    };
    let over = |measured| row(ENQUEUE, Fault::OverBudget { ceiling: 320, measured });
    let excused = with(326, "1.97.0 (0123abcd)");
    assert_eq!(excused.violations, []);
    assert!(excused.notes.contains(&over(326).to_string()), "{:?}", excused.notes);
    assert_eq!(with(327, "1.97.0 (0123abcd)").violations, [over(327)]);
    assert!(with(321, "1.96.0 (ac68faa20)").violations.contains(&over(321)), "the same compiler excuses nothing");
}

#[test]
fn another_compiler_excuses_no_missing_row() {
    let found = violations(|recorded, measured, _| {
        recorded.rows.remove(EXECUTE);
        measured.toolchain.llvm = "23.1.0".into();
    });
    assert_eq!(found, [row(EXECUTE, Fault::NotInTable)]);
}

#[test]
fn another_machine_than_the_table_names_fails() {
    let found = violations(|_, measured, _| measured.toolchain.mollusk = "0.16.0".into());
    let fault = Fault::Differs { recorded: "0.15.1".into(), measured: "0.16.0".into() };
    assert_eq!(found, [Violation::new("tool mollusk", fault)]);
}

#[test]
fn a_baseline_that_goes_further_than_recorded_is_a_difference() {
    let mut measured = report();
    measured.limits.insert("vec-queue".into(), 151);
    let verdict = check(Some(&report()), &measured, &budgets());
    let differs = Fault::Differs { recorded: "150".into(), measured: "151".into() };
    assert_eq!(verdict.violations, [Violation { subject: "limit vec-queue".into(), fault: differs }]);
}
