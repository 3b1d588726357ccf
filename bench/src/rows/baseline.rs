//! Rows of the baselines in `bench/baselines`: what a protocol would otherwise write, built by the same toolchain, measured on
//! the same tasks at the same sizes. [`limits`] finds out where each of them stops.

use super::{Row, row};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Fixture, people};
use mollusk_tests::programs::{NOOP, Program, address};
use mollusk_tests::world::{TxFailure, TxOutcome};
use solana_account::Account;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use std::collections::BTreeMap;

const VEC_QUEUE: Program = Program::new("vec_queue");
const WORD_DIFF: Program = Program::new("word_diff");
const PDA_TASKS: Program = Program::new("pda_tasks");

/// Arguments of the tasks.
const ARGUMENTS: [u8; 64] = [7; 64];
/// Bytes of a task in the vector: priority, sequence, capability, arguments.
const TASK_BYTES: usize = 1 + 8 + 32 + 64;
/// Bytes of the vector's account before the tasks.
const QUEUE_HEADER_BYTES: usize = 32 + 8 + 4;
/// The most that a transaction may ask for.
const HEAP_BYTES: u32 = 256 * 1_024;
/// The same, compute units.
const COMPUTE_UNITS: u32 = 1_400_000;

/// Sizes, in tasks, at which the vector is measured: at the next power of ten it does not run.
const QUEUE_SIZES: [u16; 3] = [10, 100, 1_000];
/// Sizes, in bytes, at which a diff of one word is measured.
const DIFF_SIZES: [usize; 4] = [80, 800, 8_000, 102_400];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for size in QUEUE_SIZES {
        let tasks = usize::from(size);
        rows.push(row(&format!("baseline/vec-queue/push-{size}"), move |profile| units(push_nth(profile, tasks))));
        rows.push(row(&format!("baseline/vec-queue/pop-{size}"), move |profile| units(pop_of(profile, tasks))));
    }
    for bytes in DIFF_SIZES {
        let name = format!("baseline/word-diff/one-word-of-{bytes}");
        rows.push(row(&name, move |profile| units(diff(profile, bytes, |word| word == bytes / 16))));
    }
    let mut dirty = |name: &str, is_dirty: fn(usize) -> bool| {
        rows.push(row(name, move |profile| units(diff(profile, 10_240, is_dirty))));
    };
    dirty("baseline/word-diff/10k-unchanged", |_| false);
    dirty("baseline/word-diff/10k-one-word", |word| word == 700);
    dirty("baseline/word-diff/10k-16-words", |word| word % 80 == 41);
    dirty("baseline/word-diff/10k-all", |_| true);
    rows.push(row("baseline/pda-tasks/create", |profile| create(&mut tasks(profile)).units_of(0)));
    rows.push(row("baseline/pda-tasks/run", |profile| {
        let mut fixture = tasks(profile);
        create(&mut fixture);
        let run = run(&fixture);
        fixture.send(&[run], &[]).units_of(0)
    }));
    rows
}

/// The largest size at which each baseline still runs, with the most heap and units that a transaction may ask for.
pub fn limits() -> BTreeMap<String, u64> {
    let mainnet = FeatureProfile::Mainnet;
    let limits = [
        ("vec-queue/push, tasks", most(10_000, |size| push_nth(mainnet, size).is_ok())),
        ("vec-queue/pop, tasks", most(10_000, |size| pop_of(mainnet, size).is_ok())),
        // In steps of a KiB.
        ("word-diff/unchanged, KiB", most(10_240, |size| diff(mainnet, size * 1_024, |_| false).is_ok())),
    ];
    limits.map(|(name, most)| (name.to_owned(), most as u64)).into()
}

/// The largest size up to `ceiling` that runs, by halving; one that runs has none below it that does not.
fn most(ceiling: usize, runs: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, ceiling + 1);
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if runs(middle) { low = middle } else { high = middle }
    }
    low
}

fn units(outcome: Result<TxOutcome, TxFailure>) -> u64 {
    outcome.unwrap_or_else(|failure| panic!("{:?}\n{}", failure.error, failure.outcome.logs.join("\n"))).units_of(2)
}

/// Sends an instruction behind requests for all heap and units.
fn send(fixture: &mut Fixture, instruction: Instruction, signer: &str) -> Result<TxOutcome, TxFailure> {
    let budget = [
        ComputeBudgetInstruction::request_heap_frame(HEAP_BYTES),
        ComputeBudgetInstruction::set_compute_unit_limit(COMPUTE_UNITS),
    ];
    let instructions = [&budget[..], &[instruction]].concat();
    let keypair = mollusk_tests::programs::keypair;
    fixture.world.send(&instructions, &keypair(people::PAYER), &[&keypair(signer)])
}

/// A world with one of the baselines in it.
fn with(profile: FeatureProfile, program: Program) -> Fixture {
    let mut fixture = Fixture::installed(profile);
    fixture.world.install(program, None);
    fixture
}

fn owned_account(fixture: &mut Fixture, name: &str, program: Program, data: Vec<u8>) -> Pubkey {
    let key = address(name);
    let account = Account { lamports: 100_000_000_000, data, owner: program.address(), ..Account::default() };
    fixture.world.set_account(&key, account);
    key
}

/// A vector of so many tasks, of priorities in no order, with room for one more.
fn vector(fixture: &mut Fixture, tasks: usize) -> Pubkey {
    let mut data = address(people::PRODUCER).to_bytes().to_vec();
    data.extend((tasks as u64).to_le_bytes());
    data.extend(u32::try_from(tasks).expect("few tasks").to_le_bytes());
    for sequence in 0..tasks as u64 {
        // 7 and 16 have no common factor, so each level comes up, and not one after the other.
        let [priority, ..] = (sequence * 7 % 16).to_le_bytes();
        data.push(priority);
        data.extend(sequence.to_le_bytes());
        data.extend([9; 32]);
        data.extend(ARGUMENTS);
    }
    data.resize(QUEUE_HEADER_BYTES + (tasks + 1) * TASK_BYTES, 0);
    owned_account(fixture, "vector", VEC_QUEUE, data)
}

fn vector_call(fixture: &mut Fixture, tasks: usize, data: Vec<u8>) -> Result<TxOutcome, TxFailure> {
    let vector = vector(fixture, tasks);
    let accounts = vec![AccountMeta::new(vector, false), AccountMeta::new_readonly(address(people::PRODUCER), true)];
    let call = Instruction { program_id: VEC_QUEUE.address(), accounts, data };
    send(fixture, call, people::PRODUCER)
}

/// The push that makes it so many tasks.
fn push_nth(profile: FeatureProfile, tasks: usize) -> Result<TxOutcome, TxFailure> {
    let data = [&[0, 5][..], &[9; 32], &ARGUMENTS].concat();
    vector_call(&mut with(profile, VEC_QUEUE), tasks - 1, data)
}

fn pop_of(profile: FeatureProfile, tasks: usize) -> Result<TxOutcome, TxFailure> {
    vector_call(&mut with(profile, VEC_QUEUE), tasks, vec![1])
}

/// A diff of zeros with what has ones in the words that are dirty.
fn diff(profile: FeatureProfile, bytes: usize, is_dirty: impl Fn(usize) -> bool) -> Result<TxOutcome, TxFailure> {
    let mut fixture = with(profile, WORD_DIFF);
    let new = (0..bytes).map(|at| u8::from(is_dirty(at / 8))).collect();
    let output = owned_account(&mut fixture, "output", WORD_DIFF, vec![0; 20_480]);
    let target = fixture.bytes_account("target", vec![0; bytes]);
    let source = fixture.bytes_account("source", new);
    let accounts = vec![
        AccountMeta::new(output, false),
        AccountMeta::new_readonly(target, false),
        AccountMeta::new_readonly(source, false),
    ];
    let call = Instruction { program_id: WORD_DIFF.address(), accounts, data: Vec::new() };
    send(&mut fixture, call, people::STRANGER)
}

fn tasks(profile: FeatureProfile) -> Fixture {
    with(profile, PDA_TASKS)
}

/// Address and bump of the payer's task 1.
fn task() -> (Pubkey, u8) {
    let (payer, number) = (address(people::PAYER), 1u64.to_le_bytes());
    Pubkey::find_program_address(&[b"task", payer.as_ref(), &number], &PDA_TASKS.address())
}

/// A task that calls the no-op program with three accounts and 64 bytes of arguments.
fn create(fixture: &mut Fixture) -> TxOutcome {
    let (task, bump) = task();
    let mut data = vec![0, bump];
    data.extend(1u64.to_le_bytes());
    data.extend(10_000_000u64.to_le_bytes());
    data.push(3);
    data.extend(NOOP.address().to_bytes());
    data.extend(super::floor::keys().iter().flat_map(Pubkey::to_bytes));
    data.extend(ARGUMENTS);
    let accounts = vec![
        AccountMeta::new(address(people::PAYER), true),
        AccountMeta::new(task, false),
        AccountMeta::new_readonly(system_program::ID, false),
    ];
    fixture.send(&[Instruction { program_id: PDA_TASKS.address(), accounts, data }], &[])
}

/// The run of [`create`]'s task.
fn run(fixture: &Fixture) -> Instruction {
    let (task, _) = task();
    assert_eq!(fixture.world.account(&task).owner, PDA_TASKS.address());
    let mut accounts = vec![
        AccountMeta::new(task, false),
        AccountMeta::new(address(people::PAYER), false),
        AccountMeta::new_readonly(NOOP.address(), false),
    ];
    accounts.extend(super::floor::three_accounts());
    Instruction { program_id: PDA_TASKS.address(), accounts, data: vec![1] }
}
