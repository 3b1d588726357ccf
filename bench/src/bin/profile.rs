//! Where the units of an instruction go: a table by phase and a flame graph, from a trace of what the virtual machine executed.
//!
//! The recipe `profile` builds the programs with line tables and has the virtual machine write its traces. Each executed
//! instruction is one unit; it belongs to the functions that the line tables name for its address, inlined ones included, and to
//! those that called them. What an instruction costs beyond that is its syscalls.

use addr2line::Loader;
use mollusk_tests::programs::{DIFF, PROCESSOR, Program, SCHEDULER};
use mollusk_tests::syscall_hash;
use std::{collections::BTreeMap, error::Error, fmt::Write, fs, ops::Range, path::Path, path::PathBuf};

/// The rows, with the program whose last run is the row's instruction.
const ROWS: [(&str, Program); 6] = [
    ("scheduler/enqueue/empty", SCHEDULER),
    ("scheduler/claim/1", SCHEDULER),
    ("scheduler/dispatch/unleased", SCHEDULER),
    ("processor/verify/predicates-1", PROCESSOR),
    ("diff/apply_inline/1-op", DIFF),
    ("diff/apply/16-ops-undo", DIFF),
];
const PHASES: [&str; 5] = ["parse", "checks", "core", "write", "syscalls"];
const SYSCALLS: usize = 4;
const WRITE: usize = 3;
/// Registers of a trace's record: eleven, and the number of the instruction.
const REGISTERS: usize = 12;
/// Where the virtual machine maps an instruction's accounts and data.
const INPUT: Range<u64> = 0x4_0000_0000..0x5_0000_0000;
/// Bytes of an instruction.
const BYTES: usize = 8;
/// Units of a memory syscall: one for so many bytes, ten at least.
const BYTES_PER_UNIT: u64 = 250;
const LEAST_UNITS: u64 = 10;

/// Folders of this repository whose code runs on chain.
const OWN: [&str; 6] = [
    "programs/processor/",
    "programs/scheduler/",
    "programs/diff/",
    "programs/common/",
    "cores/src/",
    "shared-layouts/src/",
];

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// One executed instruction.
struct Step {
    registers: [u64; REGISTERS],
    instruction: [u8; BYTES],
}

/// Units of one row.
#[derive(Default)]
struct Profile {
    phases: [u64; PHASES.len()],
    /// Functions, the outermost first, joined by semicolons, with their units.
    stacks: BTreeMap<String, u64>,
}

fn main() -> Outcome {
    let traces =
        PathBuf::from(std::env::var_os("SBF_TRACE_DIR").ok_or("SBF_TRACE_DIR is not set: run `./justw profile`")?);
    let mut table = String::from(
        "# Where the units go\n\nWritten by `./justw profile` from traces of programs with line tables, which the linker has not \
         optimized: a row could be a few units above its figure in the other table.\n\n",
    );
    writeln!(table, "| row | {} | together |\n|---|{}---:|", PHASES.join(" | "), "---:|".repeat(PHASES.len()))?;
    let mut lines = Vec::new();
    for (name, program) in ROWS {
        let _ = fs::remove_dir_all(&traces);
        let units = bench::rows::units_of(name).ok_or_else(|| format!("{name} is no row"))?;
        let profile = profile(&last_run(&traces, program)?, &Loader::new(program.path())?, units)?;
        let phases: Vec<_> = profile.phases.iter().map(u64::to_string).collect();
        writeln!(table, "| `{name}` | {} | {units} |", phases.join(" | "))?;
        lines.extend(profile.stacks.iter().map(|(stack, units)| format!("{name};{stack} {units}")));
    }
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    fs::write(results.join("profile.md"), &table)?;
    let mut options = inferno::flamegraph::Options::default();
    "Where the units of six instructions go".clone_into(&mut options.title);
    "units".clone_into(&mut options.count_name);
    options.no_javascript = true;
    options.hash = true;
    let mut plot = Vec::new();
    inferno::flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut plot)?;
    fs::write(results.join("profile.svg"), plot)?;
    print!("{table}");
    Ok(())
}

/// The trace of the program's last run.
fn last_run(traces: &Path, program: Program) -> Outcome<Vec<Step>> {
    let mut last = None;
    for entry in fs::read_dir(traces)? {
        let path = entry?.path();
        let is_its = path.extension().is_some_and(|extension| extension == "program_id")
            && fs::read_to_string(&path)? == program.address().to_string();
        if is_its {
            last = last.max(Some((fs::metadata(&path)?.modified()?, path)));
        }
    }
    let (_, path) = last.ok_or_else(|| format!("no trace of {}", program.name))?;
    let (registers, instructions) = (fs::read(path.with_extension("regs"))?, fs::read(path.with_extension("insns"))?);
    let (registers, []) = registers.as_chunks::<{ 8 * REGISTERS }>() else { return Err("a trace is cut off".into()) };
    let (instructions, []) = instructions.as_chunks::<BYTES>() else { return Err("a trace is cut off".into()) };
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let steps = registers.iter().zip(instructions).map(|(registers, instruction)| {
        let (words, _) = registers.as_chunks::<8>();
        Step { registers: std::array::from_fn(|index| word(&words[index])), instruction: *instruction }
    });
    Ok(steps.collect())
}

/// Gives each unit to its phase and its functions.
fn profile(steps: &[Step], lines: &Loader, units: u64) -> Outcome<Profile> {
    let mut profile = Profile::default();
    let mut callers: Vec<String> = Vec::new();
    let mut others = Vec::new();
    let mut of_syscalls = units.checked_sub(steps.len() as u64).ok_or("the trace is not the row's")?;
    for step in steps {
        let address = step.registers[REGISTERS - 1] * BYTES as u64;
        let (functions, phase) = frames(lines, address)?;
        let stack = callers.iter().chain(&functions).cloned().collect::<Vec<_>>().join(";");
        let phase = if step.writes_input() { WRITE } else { phase };
        profile.phases[phase] += 1;
        *profile.stacks.entry(stack.clone()).or_default() += 1;
        match step.call() {
            Call::Function => callers.push(functions.join(";")),
            Call::Return => drop(callers.pop()),
            Call::Memory(bytes) => {
                let cost = (bytes / BYTES_PER_UNIT).max(LEAST_UNITS);
                of_syscalls = of_syscalls.checked_sub(cost).ok_or("memory syscalls cost more than there is")?;
                profile.phases[SYSCALLS] += cost;
                *profile.stacks.entry(format!("{stack};memory syscall")).or_default() += cost;
            }
            Call::Syscall => others.push(stack),
            Call::None => {}
        }
    }
    // What is left belongs to the other syscalls, in equal parts: none of these rows makes two kinds of them.
    profile.phases[SYSCALLS] += of_syscalls;
    for stack in &others {
        *profile.stacks.entry(format!("{stack};syscall")).or_default() += of_syscalls / others.len() as u64;
    }
    if others.is_empty() && of_syscalls != 0 {
        return Err(format!("{of_syscalls} units belong to no syscall").into());
    }
    Ok(profile)
}

/// What a step calls.
enum Call {
    None,
    Function,
    Return,
    /// With the number of bytes.
    Memory(u64),
    Syscall,
}

impl Step {
    fn call(&self) -> Call {
        const CALL: u8 = 0x85;
        const CALL_REGISTER: u8 = 0x8d;
        const RETURNS: [u8; 2] = [0x95, 0x9d];
        let [operation, registers, ..] = self.instruction;
        match operation {
            CALL if registers >> 4 == 0 => {
                let [.., a, b, c, d] = self.instruction;
                let hash = u32::from_le_bytes([a, b, c, d]);
                let is_memory = ["sol_memcpy_", "sol_memmove_", "sol_memset_", "sol_memcmp_"]
                    .iter()
                    .any(|name| hash == syscall_hash(name));
                if is_memory { Call::Memory(self.registers[3]) } else { Call::Syscall }
            }
            CALL | CALL_REGISTER => Call::Function,
            operation if RETURNS.contains(&operation) => Call::Return,
            _ => Call::None,
        }
    }

    /// Whether it stores into an account.
    fn writes_input(&self) -> bool {
        let [operation, registers, low, high, ..] = self.instruction;
        let is_store = matches!(operation & 7, 2 | 3) && operation & 0xe0 == 0x60;
        let base = self.registers[usize::from(registers & 15)];
        is_store && INPUT.contains(&base.wrapping_add_signed(i16::from_le_bytes([low, high]).into()))
    }
}

/// The functions at an address, the outermost first, and the phase that they belong to.
fn frames(lines: &Loader, address: u64) -> Outcome<(Vec<String>, usize)> {
    let mut functions = Vec::new();
    let mut files = Vec::new();
    let mut frames = lines.find_frames(address)?;
    while let Some(frame) = frames.next()? {
        let name = frame.function.map(|name| name.demangle().map(|name| short(&name))).transpose()?;
        let file = frame.location.and_then(|location| location.file).unwrap_or_default();
        // What a library does there is its caller's.
        if let Some(name) = name.filter(|_| OWN.iter().any(|folder| file.contains(folder))) {
            functions.push(name);
            files.push(file.to_owned());
        }
    }
    functions.reverse();
    let is_in = |part: &str| files.iter().any(|file| file.contains(part));
    let is_parsing = is_in("common/src/input.rs")
        || is_in("shared-layouts/src/declare.rs")
        || files.first().is_none_or(|innermost| innermost.contains("/entrypoint.rs"));
    let phase = if is_parsing {
        0
    } else if is_in("cores/src/") || is_in("processor/src/quick.rs") {
        2
    } else {
        1
    };
    Ok((functions, phase))
}

/// A function's name with the module before it, without the hash behind it and what it is generic over.
fn short(name: &str) -> String {
    let mut plain = String::new();
    let mut depth = 0u32;
    for letter in name.chars() {
        match letter {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            letter if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    let is_hash = |part: &&str| part.len() == 17 && part.starts_with('h');
    let parts: Vec<_> = plain.split("::").filter(|part| !part.is_empty() && !is_hash(part)).collect();
    parts[parts.len().saturating_sub(2)..].join("::")
}
