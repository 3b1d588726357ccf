//! Writes `docs/reference.md` from the declarations: accounts, instructions and errors of the three programs.
//!
//! `cargo run --manifest-path programs/Cargo.toml -p shared-layouts --example reference` writes the page; with `-- --check` it
//! fails where the page is not what would be written.

use shared_layouts::declare::{ErrorSpec, FieldSpec, InstructionSpec, LayoutSpec};
use shared_layouts::{diff, lifecycle, processor, scheduler};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

struct Program {
    name: &'static str,
    base: u32,
    layouts: &'static [LayoutSpec],
    instructions: &'static [&'static InstructionSpec],
    errors: &'static [ErrorSpec],
}

const PROGRAMS: [Program; 3] = [
    Program {
        name: "Processor",
        base: processor::ProcessorError::BASE,
        layouts: processor::LAYOUTS,
        instructions: processor::INSTRUCTIONS,
        errors: processor::ProcessorError::ALL,
    },
    Program {
        name: "Scheduler",
        base: scheduler::SchedulerError::BASE,
        layouts: scheduler::LAYOUTS,
        instructions: scheduler::INSTRUCTIONS,
        errors: scheduler::SchedulerError::ALL,
    },
    Program {
        name: "Diff",
        base: diff::DiffError::BASE,
        layouts: diff::LAYOUTS,
        instructions: diff::INSTRUCTIONS,
        errors: diff::DiffError::ALL,
    },
];

const INTRODUCTION: &str = "\
# Reference

Generated from the declarations in `shared-layouts` by `./justw docs`; `./justw docs-check` fails when it is out of date.

All numbers are little-endian. Times are unix seconds, amounts are lamports, sizes are bytes. The first byte of an instruction's
data is its number; offsets of its fields count from the byte behind it. Data that is shorter or longer than stated is
`InvalidInstructionData`; missing accounts are `NotEnoughAccountKeys`, superfluous ones `InvalidArgument`, a missing signature
is `MissingRequiredSignature` and a read-only account that has to be writable is `Immutable`. Beside the errors named here an
instruction returns the SDK's own for accounts of another owner (`InvalidAccountOwner`) or kind (`InvalidAccountData`).
";

fn main() -> ExitCode {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/reference.md");
    let page = page();
    let is_current = fs::read_to_string(&path).is_ok_and(|found| found == page);
    if env::args().any(|argument| argument == "--check") {
        if is_current {
            return ExitCode::SUCCESS;
        }
        eprintln!("docs/reference.md is not what the declarations say: run ./justw docs");
        return ExitCode::FAILURE;
    }
    if !is_current && let Err(error) = fs::write(&path, page) {
        eprintln!("{}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page += "\n## All programs\n";
    for spec in [&shared_layouts::AccountHeader::LAYOUT, &lifecycle::Lifecycle::LAYOUT] {
        layout(&mut page, spec);
    }
    page += "\n### Errors\n\nThe code is the start of the program's range plus the number: 1000 processor, 2000 scheduler, 3000 diff.\n";
    errors(&mut page, lifecycle::Fault::ALL);
    for program in &PROGRAMS {
        let _ = write!(page, "\n## {}\n", program.name);
        page += "\n### Accounts and records\n";
        for spec in program.layouts {
            layout(&mut page, spec);
        }
        page += "\n### Instructions\n";
        let mut instructions = program.instructions.to_vec();
        instructions.sort_by_key(|spec| spec.discriminator);
        for spec in instructions {
            instruction(&mut page, spec, program);
        }
        page += "\n### Errors\n";
        errors(&mut page, program.errors);
    }
    page
}

fn layout(page: &mut String, spec: &LayoutSpec) {
    let _ = write!(page, "\n#### {}, {} bytes\n\n{}\n\n", spec.name, spec.bytes, sentence(spec.meaning));
    fields(page, spec.fields);
}

fn fields(page: &mut String, fields: &[FieldSpec]) {
    *page += "| offset | bytes | field | type | meaning |\n|---:|---:|---|---|---|\n";
    for field in fields {
        let FieldSpec { offset, bytes, name, kind, meaning } = field;
        let _ = writeln!(page, "| {offset} | {bytes} | `{name}` | `{kind}` | {} |", cell(meaning));
    }
}

fn instruction(page: &mut String, spec: &InstructionSpec, program: &Program) {
    let _ = write!(page, "\n#### {} {}\n\n{}\n\n", spec.discriminator, spec.name, sentence(spec.meaning));
    *page += "| account | flags | meaning |\n|---|---|---|\n";
    for (index, account) in spec.accounts.iter().enumerate() {
        let flags = match (account.signer, account.writable) {
            (false, false) => "",
            (false, true) => "writable",
            (true, false) => "signer",
            (true, true) => "signer, writable",
        };
        let _ = writeln!(page, "| {index} `{}` | {flags} | {} |", account.name, cell(account.meaning));
    }
    let fixed = spec.accounts.len();
    if let Some(optional) = spec.optional_account {
        let _ = writeln!(page, "| {fixed}, where needed | writable | {} |", capital(optional));
    }
    if let Some(more) = spec.more_accounts {
        let _ = writeln!(page, "| {} and on | | {} |", fixed, capital(more));
    }
    *page += "\n";
    if spec.data.is_empty() {
        *page += "No data.\n";
    } else {
        fields(page, spec.data);
    }
    if let Some(tail) = spec.tail {
        let _ = write!(page, "\nFollowed by: {tail}.\n");
    }
    let named: Vec<String> = spec.errors.iter().map(|name| format!("`{name}` ({})", code(name, program))).collect();
    if !named.is_empty() {
        let _ = write!(page, "\nErrors: {}.\n", named.join(", "));
    }
}

/// The code of a named error in a program. A test proves that each exists.
fn code(name: &str, program: &Program) -> u32 {
    let fault = lifecycle::Fault::ALL.iter().find(|fault| fault.name == name).map(|fault| program.base + fault.code);
    fault.or_else(|| program.errors.iter().find(|error| error.name == name).map(|error| error.code)).unwrap_or_default()
}

fn errors(page: &mut String, errors: &[ErrorSpec]) {
    *page += "\n| code | name | what is wrong, and its cure |\n|---:|---|---|\n";
    for error in errors {
        let _ = writeln!(page, "| {} | `{}` | {} |", error.code, error.name, cell(error.meaning));
    }
}

/// The lines of a comment as one sentence or more, without the brackets of intra-doc links.
fn sentence(lines: &[&str]) -> String {
    let text = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    text.replace("[`", "`").replace("`]", "`")
}

fn cell(lines: &[&str]) -> String {
    sentence(lines).replace('|', "\\|")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
