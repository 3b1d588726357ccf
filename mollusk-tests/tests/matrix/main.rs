//! The adversarial matrix: every declared instruction, once as it should be, and then with every single thing about it
//! wrong. It is generated from the declarations in `shared-layouts`, and runs on the built programs.
//!
//! For each account of a valid case: its signature dropped, its writable flag dropped, the account left out, its owner, its
//! discriminator and its version changed, its address replaced by that of a copy, of every other position (duplicates), of
//! every account that the three programs own in the case's world (another shard, another queue) and of every person. For
//! its data: every length from 0 to 16 bytes more than it has. Each of these must be refused, by an error and not by a
//! fault of the virtual machine, before anything was written. What is refused later, or accepted with good reason, is listed with that reason:
//! in `rules.rs` where it holds for all instructions, and beside the case otherwise. An exception that excuses nothing is
//! an error, and so is a declared instruction without a case.
//!
//! To add a case for a new instruction, add a few lines to `cases()` in the file of its program:
//!
//! ```ignore
//! let mut fixture = …;                                  // a world in which the instruction succeeds
//! cases.push(
//!     ValidCase::new("Enqueue", &fixture, instruction)  // or `ValidCase::among(name, &fixture, transaction, index)`
//!         .lengths(18..=110, "the arguments may have 0 to 96 bytes")
//!         .any_key("worker", "an open queue takes any worker"),
//! );
//! ```
//!
//! `new` runs the instruction alone in Mollusk, where the accounts are looked at as a failure left them. `among` runs a whole
//! transaction in `LiteSVM`, for an instruction that needs its siblings; there the runtime takes everything back.
//! A second case with the same name, for another state or other accounts, is welcome.
//!
//! `cargo test -p mollusk-tests --test matrix -- --nocapture` prints how many inputs were tried.

mod case;
mod change;
mod diff;
mod lifecycle;
mod machine;
mod processor;
mod rules;
mod scheduler;

use case::ValidCase;
use machine::{Ending, Machine};
use mollusk_tests::{
    features::FeatureProfile,
    fixture::{Fixture, pause, people},
    programs::{DIFF, ED25519_VERIFIER, NOOP, PROCESSOR, Program, SCHEDULER, keypair},
};
use shared_layouts::declare::InstructionSpec;
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

/// One program with its declarations and its cases.
struct Suite {
    program: Program,
    declared: &'static [&'static InstructionSpec],
    cases: fn() -> Vec<ValidCase>,
}

const SUITES: [Suite; 3] = [
    Suite { program: PROCESSOR, declared: shared_layouts::processor::INSTRUCTIONS, cases: processor::cases },
    Suite { program: SCHEDULER, declared: shared_layouts::scheduler::INSTRUCTIONS, cases: scheduler::cases },
    Suite { program: DIFF, declared: shared_layouts::diff::INSTRUCTIONS, cases: diff::cases },
];

/// What one program's cases came to.
#[derive(Default)]
struct Report {
    /// Inputs tried, by instruction.
    inputs: BTreeMap<String, usize>,
    /// What should have been refused, or refused otherwise.
    violations: Vec<String>,
}

#[test]
fn every_declared_instruction_refuses_every_single_mutation() {
    let reports: Vec<Report> = thread::scope(|scope| {
        let running: Vec<_> = SUITES.iter().map(|suite| scope.spawn(|| try_program(suite))).collect();
        running.into_iter().map(|thread| thread.join().expect("a program's cases run")).collect()
    });
    let (mut total, mut violations) = (0, Vec::new());
    for (suite, report) in SUITES.iter().zip(reports) {
        for (name, inputs) in &report.inputs {
            println!("{:>7} inputs  {} {name}", inputs, suite.program.name);
            total += inputs;
        }
        violations.extend(report.violations);
    }
    println!("{total:>7} inputs  in all");
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}

/// Scheduler and diff call the system program and nobody else, and it calls nobody: no other program can look at what they
/// have half written. The processor also calls the target and the verifiers of the capability, and in the cases these are:
#[test]
fn nobody_is_called_but_the_system_program_targets_and_verifiers() {
    const OF_CAPABILITIES: [Program; 2] = [NOOP, ED25519_VERIFIER];
    let mut calls = BTreeMap::<(&str, Pubkey), usize>::new();
    for suite in &SUITES {
        for case in (suite.cases)().iter().filter(|case| case.refused.is_none()) {
            let signers: Vec<_> = people::ALL.iter().map(|name| keypair(name)).collect();
            let payer = keypair(people::PAYER);
            let outcome = case.world.clone().expect_ok(&case.transaction, &payer, &signers.iter().collect::<Vec<_>>());
            for run in outcome.invocations.iter().filter(|run| run.depth > 1) {
                assert_eq!(run.depth, 2, "{} {}: {run:?}", suite.program.name, case.name);
                if run.instruction_index == case.index {
                    *calls.entry((suite.program.name, run.program)).or_default() += 1;
                }
            }
        }
    }
    let of_capabilities = OF_CAPABILITIES.map(|program| (PROCESSOR.name, program.address()));
    let system = SUITES.map(|suite| (suite.program.name, system_program::ID));
    let allowed: BTreeSet<_> = of_capabilities.into_iter().chain(system).collect();
    assert_eq!(calls.keys().copied().collect::<BTreeSet<_>>(), allowed, "{calls:?}");
}

/// A matrix that finds nothing in a program without checks would prove nothing.
#[test]
fn a_program_without_checks_fails_in_every_way() {
    fn cases() -> Vec<ValidCase> {
        let fixture = Fixture::new(FeatureProfile::Mainnet);
        let pause = pause(PROCESSOR, people::AUTHORITY);
        vec![ValidCase::new("Pause", &fixture, Instruction { program_id: NOOP.address(), ..pause })]
    }
    let declared = &[&shared_layouts::processor::pause::SPEC, &shared_layouts::processor::resume::SPEC];
    let report = try_program(&Suite { program: NOOP, declared, cases });
    let found = |text: &str| assert!(report.violations.iter().any(|line| line.contains(text)), "{text} goes unnoticed");
    for text in ["config: Owner", "config: Discriminator", "config: Version", "config: Writable", "config: Missing"] {
        found(text);
    }
    for text in ["signer: Signer", "signer: Copy", "clock: Copy", ": Extra", "signer is config", "config is clock"] {
        found(text);
    }
    for text in ["data of 0 bytes", "data of 17 bytes", "account of the world, stranger", "Resume: no valid case"] {
        found(text);
    }
    found("discriminator 255 is accepted");
}

fn try_program(suite: &Suite) -> Report {
    let mut report = Report::default();
    let cases = (suite.cases)();
    for spec in suite.declared {
        if cases.iter().all(|case| case.name != spec.name) {
            report.violations.push(format!("{} {}: no valid case", suite.program.name, spec.name));
        }
    }
    let machine = Machine::new();
    for case in &cases {
        match suite.declared.iter().find(|spec| spec.name == case.name) {
            Some(spec) => try_case(suite.program, spec, case, &machine, &mut report),
            None => report.violations.push(format!("{} {}: not declared", suite.program.name, case.name)),
        }
    }
    try_unknown_discriminators(suite, &machine, &mut report);
    report
}

/// Runs one case as it is, then every mutation of it.
fn try_case(program: Program, spec: &InstructionSpec, case: &ValidCase, machine: &Machine, report: &mut Report) {
    let mut session = machine.session(case);
    let label = format!("{} {}", program.name, spec.name);
    let ending = session.run(&case.subject());
    let expected = if case.refused.is_some() { Ending::Refused } else { Ending::Accepted };
    if ending != expected {
        report.violations.push(format!("{label}: the case as it stands: {ending:?}"));
        return;
    }
    let mut used = vec![false; case.allowed.len()];
    let mutations = change::mutations(spec, case);
    *report.inputs.entry(spec.name.to_owned()).or_default() += mutations.len() + 1;
    for mutation in mutations {
        let ending = session.run(&mutation.subject);
        let is_fault = matches!(ending, Ending::Faulted(_));
        if ending == Ending::Refused || (!is_fault && rules::excuses(&mutation, ending.is_late())) {
            continue;
        }
        let excuses: Vec<usize> =
            (0..used.len()).filter(|index| case.allowed[*index].excuses(&mutation, ending.is_late())).collect();
        if excuses.is_empty() || is_fault {
            report.violations.push(format!("{label}: {}: {ending:?}", mutation.describe()));
        }
        for index in excuses {
            used[index] = true;
        }
    }
    for (allowed, used) in case.allowed.iter().zip(used) {
        if !used {
            report.violations.push(format!("{label}: needs no exception for {allowed:?}"));
        }
    }
}

fn try_unknown_discriminators(suite: &Suite, machine: &Machine, report: &mut Report) {
    let unknown = (0..=u8::MAX).filter(|tag| suite.declared.iter().all(|spec| spec.discriminator != *tag));
    let mut inputs = 0;
    for tag in unknown {
        inputs += 1;
        if !machine.refuses_data(suite.program, &[tag]) {
            report.violations.push(format!("{}: discriminator {tag} is accepted", suite.program.name));
        }
    }
    report.inputs.insert("(unknown discriminators)".to_owned(), inputs);
}
