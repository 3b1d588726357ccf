//! What the declarations promise each other.

use shared_layouts::declare::{ErrorSpec, InstructionSpec, LayoutSpec};
use shared_layouts::{diff, lifecycle::Fault, processor, scheduler};
use std::collections::{BTreeMap, BTreeSet};

struct Program {
    name: &'static str,
    base: u32,
    errors: &'static [ErrorSpec],
    instructions: &'static [&'static InstructionSpec],
    layouts: &'static [LayoutSpec],
}

const PROGRAMS: [Program; 3] = [
    Program {
        name: "processor",
        base: processor::ProcessorError::BASE,
        errors: processor::ProcessorError::ALL,
        instructions: processor::INSTRUCTIONS,
        layouts: processor::LAYOUTS,
    },
    Program {
        name: "scheduler",
        base: scheduler::SchedulerError::BASE,
        errors: scheduler::SchedulerError::ALL,
        instructions: scheduler::INSTRUCTIONS,
        layouts: scheduler::LAYOUTS,
    },
    Program {
        name: "diff",
        base: diff::DiffError::BASE,
        errors: diff::DiffError::ALL,
        instructions: diff::INSTRUCTIONS,
        layouts: diff::LAYOUTS,
    },
];

#[test]
fn every_error_that_an_instruction_names_exists() {
    for program in &PROGRAMS {
        let known: BTreeSet<&str> = program.errors.iter().chain(Fault::ALL).map(|error| error.name).collect();
        for instruction in program.instructions {
            let unknown: Vec<_> = instruction.errors.iter().filter(|name| !known.contains(*name)).collect();
            assert!(unknown.is_empty(), "{} {}: {unknown:?}", program.name, instruction.name);
            let distinct: BTreeSet<_> = instruction.errors.iter().collect();
            assert_eq!(distinct.len(), instruction.errors.len(), "{} {} repeats one", program.name, instruction.name);
        }
    }
}

#[test]
fn every_error_code_and_name_is_one_error() {
    let mut by_code = BTreeMap::new();
    for program in &PROGRAMS {
        let faults = Fault::ALL.iter().map(|fault| (program.base + fault.code, fault.name));
        let own = program.errors.iter().map(|error| (error.code, error.name));
        let mut names = BTreeSet::new();
        for (code, name) in faults.chain(own) {
            assert!((program.base..program.base + 1_000).contains(&code), "{} {name} = {code}", program.name);
            assert_eq!(by_code.insert(code, name), None, "{code} is {name}, too");
            assert!(names.insert(name), "{} has two errors called {name}", program.name);
        }
        assert!(program.errors.iter().all(|error| error.code >= program.base + 100), "{}", program.name);
    }
}

#[test]
fn every_error_says_what_is_wrong() {
    for error in PROGRAMS.iter().flat_map(|program| program.errors).chain(Fault::ALL) {
        let sentence = error.meaning.concat();
        assert!(sentence.trim().len() > 10 && sentence.trim_end().ends_with('.'), "{}: {sentence}", error.name);
    }
}

#[test]
fn every_instruction_has_its_own_number_and_name() {
    for program in &PROGRAMS {
        let tags: BTreeSet<u8> = program.instructions.iter().map(|spec| spec.discriminator).collect();
        let names: BTreeSet<&str> = program.instructions.iter().map(|spec| spec.name).collect();
        assert_eq!(tags.len(), program.instructions.len(), "{}", program.name);
        assert_eq!(names.len(), program.instructions.len(), "{}", program.name);
    }
}

#[test]
fn the_first_eight_numbers_are_the_same_in_all_three() {
    let names = [
        "Initialize",
        "UpdateConfig",
        "NominateAuthority",
        "AcceptAuthority",
        "Pause",
        "Resume",
        "Migrate",
        "Finalize",
    ];
    for program in &PROGRAMS {
        for (tag, name) in (0_u8..).zip(names) {
            let found = program.instructions.iter().find(|spec| spec.discriminator == tag).map(|spec| spec.name);
            assert_eq!(found, Some(name), "{} {tag}", program.name);
        }
    }
}

#[test]
fn every_layout_is_listed_once_without_a_hole() {
    for program in &PROGRAMS {
        let mut names = BTreeSet::new();
        for layout in program.layouts {
            assert!(names.insert(layout.name), "{} twice", layout.name);
            let mut end = 0;
            for field in layout.fields {
                assert_eq!(field.offset, end, "{}.{}", layout.name, field.name);
                end += field.bytes;
            }
            assert_eq!(end, layout.bytes, "{}", layout.name);
        }
    }
}
