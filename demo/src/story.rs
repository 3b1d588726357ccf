//! What the demo does, part by part.

use crate::cluster::{Cluster, Named};
use anyhow::{Context, Result, anyhow, ensure};
use mollusk_tests::fixture::{
    apply_inline, dispatch, enqueue, execute, initialize_diff, initialize_processor, initialize_scheduler, pause,
    people, resume, vault_transfer,
};
use mollusk_tests::programs::{DIFF, PROCESSOR, SCHEDULER, address};
use mollusk_tests::token;
use shared_layouts::diff::State;
use shared_layouts::processor::register_capability;
use shared_layouts::scheduler::reader::QueueReader;
use shared_layouts::scheduler::{Queue, create_queue, register_shard};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

/// Tokens in the vault at the beginning.
const VAULT_TOKENS: u64 = 1_000;
/// The ten operations as they are queued: level, tokens. The sequence number is the place, from 1.
const OPERATIONS: [(u8, u64); 10] =
    [(5, 10), (9, 20), (1, 30), (9, 40), (15, 50), (5, 60), (0, 70), (12, 80), (5, 90), (15, 100)];
/// Their sequence numbers in the order in which they have to run: by level, and first come, first served within one.
const ORDER: [u64; 10] = [5, 10, 8, 2, 4, 1, 6, 9, 3, 7];
/// The operation that is queued while everything is paused.
const LATE: (u64, u8, u64) = (11, 7, 5);

/// Addresses that the parts share.
struct Stage {
    shard: Pubkey,
    queue: Pubkey,
    capability: Pubkey,
    vault: Pubkey,
    destination: Pubkey,
}

/// Runs every part.
pub fn tell() -> Result<()> {
    let mut cluster = Cluster::new();
    println!("Three programs, ten operations: an in-process cluster with mainnet's feature set.");
    deploy(&mut cluster)?;
    initialize(&mut cluster)?;
    let stage = register(&mut cluster)?;
    queue_operations(&mut cluster, &stage)?;
    run_operations(&mut cluster, &stage)?;
    apply_diff(&mut cluster)?;
    pause_and_resume(&mut cluster, &stage)?;
    cluster.chapter("What each instruction cost, callees included (compute units, mainnet's features)");
    println!("{}", cluster.cost_table());
    println!("\nEvery balance, the order and every state are as they should be.");
    Ok(())
}

fn deploy(cluster: &mut Cluster) -> Result<()> {
    cluster.chapter("Deploy the built programs through the upgradeable loader, with an upgrade authority");
    for program in [PROCESSOR, SCHEDULER, DIFF] {
        cluster.deploy(program)?;
    }
    Ok(())
}

fn initialize(cluster: &mut Cluster) -> Result<()> {
    cluster.chapter("Initialize processor, scheduler, diff, in this order");
    let error = cluster.refused(&[(None, initialize_scheduler())], &[people::AUTHORITY], "DependencyNotInitialized")?;
    println!("   the scheduler before the processor: refused, {error}");
    let mut by_stranger = initialize_processor();
    by_stranger.accounts[2].pubkey = address(people::STRANGER);
    let error = cluster.refused(&[(None, by_stranger)], &[people::STRANGER], "NotUpgradeAuthority")?;
    println!("   the processor by a stranger: refused, {error}");
    for (name, instruction) in [
        ("processor/initialize", initialize_processor()),
        ("scheduler/initialize", initialize_scheduler()),
        ("diff/initialize", initialize_diff()),
    ] {
        cluster.send(&[(Some(name), instruction)], &[people::AUTHORITY])?;
        println!("   {name} by the upgrade authority: done");
    }
    Ok(())
}

fn register(cluster: &mut Cluster) -> Result<Stage> {
    cluster.chapter("A protocol gets a shard, a queue, and a capability: to move tokens out of a vault");
    let mint = address("mint");
    let [vault, destination] = ["vault", "destination"].map(address);

    let instruction = cluster.fixture.register_shard(people::OWNER);
    let shard = instruction.accounts[register_shard::Position::shard as usize].pubkey;
    cluster.send(&[(Some("scheduler/register_shard"), instruction)], &[people::AUTHORITY])?;

    let policy = mollusk_tests::fixture::queue_policy();
    let producers = [mollusk_tests::fixture::producer(people::PRODUCER)];
    let instruction = cluster.fixture.create_queue(&shard, &policy, &producers);
    let queue = instruction.accounts[create_queue::Position::queue as usize].pubkey;
    cluster.send(&[(Some("scheduler/create_queue"), instruction)], &[people::OWNER])?;

    let instruction = cluster.fixture.register_capability(&shard, &vault_transfer(&vault, &destination));
    let capability = instruction.accounts[register_capability::Position::capability as usize].pubkey;
    cluster.send(&[(Some("processor/register_capability"), instruction)], &[people::OWNER])?;

    let world = &mut cluster.fixture.world;
    world.set_account(&mint, token::mint(0, VAULT_TOKENS));
    world.set_account(&vault, token::token_account(&mint, &capability, VAULT_TOKENS));
    world.set_account(&destination, token::token_account(&mint, &address("recipient"), 0));
    println!("   shard {shard}, queue {queue}");
    println!("   capability {capability}: SPL Token transfer; the vault's owner is the capability itself");
    println!("   vault: {VAULT_TOKENS} tokens, destination: 0");
    Ok(Stage { shard, queue, capability, vault, destination })
}

fn queue_operations(cluster: &mut Cluster, stage: &Stage) -> Result<()> {
    cluster.chapter("The producer queues ten operations with different priorities");
    for ((level, tokens), sequence) in OPERATIONS.into_iter().zip(1..) {
        cluster.send(&[stage.enqueue(sequence, level, tokens)], &[people::PRODUCER])?;
        println!("   #{sequence}: {tokens} tokens at level {level}");
    }
    let again = stage.enqueue(1, 5, 10);
    let error = cluster.refused(&[again], &[people::PRODUCER], "SequenceUsed")?;
    println!("   #1 once more: refused, {error}");
    Ok(())
}

fn run_operations(cluster: &mut Cluster, stage: &Stage) -> Result<()> {
    cluster.chapter("A worker runs them: each transaction is a dispatch and the execution that it names");
    let mut order = Vec::new();
    let mut moved = 0;
    while let Some((sequence, tokens)) = run_next(cluster, stage)? {
        order.push(sequence);
        moved += tokens;
        ensure!(stage.balances(cluster) == (VAULT_TOKENS - moved, moved), "tokens went astray after #{sequence}");
    }
    ensure!(order == ORDER, "they ran in the order {order:?} instead of {ORDER:?}");
    ensure!(moved == OPERATIONS.iter().map(|(_, tokens)| tokens).sum::<u64>(), "the sum of what was moved is {moved}");
    println!("   vault: {} tokens, destination: {moved}", VAULT_TOKENS - moved);
    Ok(())
}

/// Dispatches and executes the next entry; returns its sequence number and its tokens.
fn run_next(cluster: &mut Cluster, stage: &Stage) -> Result<Option<(u64, u64)>> {
    let account = cluster.fixture.world.account(&stage.queue);
    let queue = QueueReader::parse(&account.data).map_err(|error| anyhow!("the queue does not parse: {error}"))?;
    let Some(handle) = queue.dispatchable(cluster.fixture.world.unix_seconds()).first().copied() else {
        return Ok(None);
    };
    let entry = *queue.entry(handle).context("the reader named no entry")?;
    let arguments = entry.arguments.get(..usize::from(entry.arguments_bytes)).context("too many arguments")?;
    let run = stage.run(handle.slot, handle.generation, arguments);
    cluster.send(&run, &[people::WORKER])?;
    let tokens = u64::from_le_bytes(arguments.try_into()?);
    println!("   #{} at level {}: {tokens} tokens moved", entry.sequence, entry.level);
    Ok(Some((entry.sequence, tokens)))
}

fn apply_diff(cluster: &mut Cluster) -> Result<()> {
    cluster.chapter("Two changes of a managed state, checked before the first byte is written");
    let instruction = cluster.fixture.create_state(64);
    let state = instruction.accounts[1].pubkey;
    cluster.send(&[(Some("diff/create_state"), instruction)], &[people::OWNER])?;
    let change = || apply_inline(&state, 0, &[(8, b"valence"), (40, b"singletons")]);
    cluster.send(&[(Some("diff/apply_inline"), change())], &[people::OWNER])?;

    let account = cluster.fixture.world.account(&state);
    let header: State = cluster.fixture.fixed_part(&state);
    let mut expected = [0; 64];
    expected[8..15].copy_from_slice(b"valence");
    expected[40..50].copy_from_slice(b"singletons");
    ensure!(account.data[State::BYTES..] == expected, "the state holds something else");
    ensure!(header.state_version == 1, "the state has version {}", header.state_version);
    println!("   17 bytes written in two places, version 0 -> 1");
    let error = cluster.refused(&[(None, change())], &[people::OWNER], "StaleBase")?;
    println!("   the same change on version 0 once more: refused, {error}");
    Ok(())
}

fn pause_and_resume(cluster: &mut Cluster, stage: &Stage) -> Result<()> {
    cluster.chapter("Pause all three; nothing runs, but what is queued is kept; resume in reverse order");
    for (name, program) in [("processor/pause", PROCESSOR), ("scheduler/pause", SCHEDULER), ("diff/pause", DIFF)] {
        cluster.send(&[(Some(name), pause(program, people::AUTHORITY))], &[people::AUTHORITY])?;
    }
    let (sequence, level, tokens) = LATE;
    cluster.send(&[stage.enqueue(sequence, level, tokens)], &[people::PRODUCER])?;
    println!("   #{sequence} is queued while paused: accepted");
    let header: Queue = cluster.fixture.fixed_part(&stage.queue);
    let run = stage.run(header.last_slot, header.last_generation, &tokens.to_le_bytes());
    let error = cluster.refused(&run, &[people::WORKER], "Paused")?;
    println!("   its dispatch: refused, {error}");
    for (name, program) in [("diff/resume", DIFF), ("scheduler/resume", SCHEDULER), ("processor/resume", PROCESSOR)] {
        cluster.send(&[(Some(name), resume(program, people::AUTHORITY))], &[people::AUTHORITY])?;
    }
    let before = stage.balances(cluster);
    let ran = run_next(cluster, stage)?.context("the entry was lost")?;
    ensure!(ran == (sequence, tokens), "another entry ran: {ran:?}");
    ensure!(stage.balances(cluster) == (before.0 - tokens, before.1 + tokens), "tokens went astray");
    ensure!(run_next(cluster, stage)?.is_none(), "something is left in the queue");
    Ok(())
}

impl Stage {
    fn enqueue(&self, sequence: u64, level: u8, tokens: u64) -> Named {
        let instruction = enqueue(&self.queue, &self.capability, sequence, level, &tokens.to_le_bytes());
        (Some("scheduler/enqueue"), instruction)
    }

    /// The transaction that runs an entry.
    fn run(&self, slot: u16, generation: u32, arguments: &[u8]) -> [Named; 2] {
        let accounts = [
            AccountMeta::new(self.vault, false),
            AccountMeta::new(self.destination, false),
            AccountMeta::new_readonly(self.capability, false),
        ];
        let dispatch: Instruction = dispatch(&self.shard, &self.queue, slot, generation);
        let execute = execute(&self.capability, &token::ID, &accounts, arguments);
        [(Some("scheduler/dispatch"), dispatch), (Some("processor/execute"), execute)]
    }

    /// Tokens in the vault and at the destination.
    fn balances(&self, cluster: &Cluster) -> (u64, u64) {
        let balance = |address| token::balance(&cluster.fixture.world.account(address));
        (balance(&self.vault), balance(&self.destination))
    }
}
