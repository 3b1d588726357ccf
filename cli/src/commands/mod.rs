//! The commands: one file for each noun.

mod arena;
mod authority;
mod backup;
pub mod capability;
mod config;
mod deploy;
mod enqueue;
mod entry;
mod health;
mod init;
pub mod lookup_table;
mod migrate;
mod monitor;
mod order;
mod pause;
pub mod queue;
mod recover;
mod resources;
pub mod shard;
mod state;
mod upgrade;

use crate::cluster::Cluster;
use crate::failure::Outcome;
use crate::keeper;
use crate::output::Output;
use crate::set::Singleton;
use crate::settings::Options;
use clap::{CommandFactory, Subcommand, ValueEnum};
use clap_complete::Shell;

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Deploys or upgrades the three built programs, compares the deployed bytes, and initializes what is not
    Deploy(deploy::Arguments),
    /// Initializes processor, scheduler and diff program, in this order; those that are initialized stay as they are
    Init(init::Arguments),
    /// Reads and changes the programs' configs
    #[command(subcommand)]
    Config(config::Command),
    /// Pauses one program, or all in order
    Pause(pause::Arguments),
    /// Resumes one program, or all in reverse order
    Resume(pause::Arguments),
    /// Who may configure a program: show, nominate, accept
    #[command(subcommand)]
    Authority(authority::Command),
    /// Shards: tenancies in the scheduler
    #[command(subcommand)]
    Shard(shard::Command),
    /// Queues of a shard, and their entries
    #[command(subcommand)]
    Queue(queue::Command),
    /// Capabilities: what a shard lets be executed
    #[command(subcommand)]
    Capability(capability::Command),
    /// State accounts of the diff program
    #[command(subcommand)]
    State(state::Command),
    /// Arenas of the diff program, in which batches of operations are staged
    #[command(subcommand)]
    Arena(arena::Command),
    /// Queues an operation; the keypair is the producer's
    Enqueue(enqueue::Arguments),
    /// Queues an entry again that was lost, by the number that its producer gave it, while scheduler or shard is paused; the
    /// keypair is the shard's owner
    Restore(enqueue::Restore),
    /// Orders: which capabilities of which shards wait for which
    #[command(subcommand)]
    Order(order::Command),
    /// Shares of the compute budget
    #[command(subcommand)]
    Resources(resources::Command),
    /// Direct execution, without verification, of capabilities flagged for it; the keypair is the scheduler's authority
    #[command(subcommand)]
    Direct(resources::Direct),
    /// Takes accounts to another version of their layout; the keypair is the program's authority
    Migrate(migrate::Arguments),
    /// Ends a migration for good: nothing goes down any more; the keypair is the program's authority
    Finalize {
        /// Which program
        #[arg(value_enum)]
        program: Singleton,
    },
    /// Dead letters: list, redrive, purge
    #[command(subcommand)]
    Dlq(entry::DeadLetters),
    /// Holds ready or delayed entries back
    Hold(entry::Entries),
    /// Lets held entries go on
    Release(entry::Entries),
    /// Takes ready, delayed or held entries out for good; the keypair is the shard's owner or the producer
    Cancel(entry::Entries),
    /// Puts entries under their capability's present version
    Requeue(entry::Entries),
    /// Gives entries another level
    Reprioritize {
        #[command(flatten)]
        entries: entry::Entries,
        /// The level, 0 (lowest) to 15
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..=15))]
        level: u8,
    },
    /// Runs what is due in queues; the keypair is the worker's. Each event is a line
    Keeper(keeper::Arguments),
    /// Replaces a program by a new binary in steps: pause, upload, upgrade, migrate, resume, watch; or takes that back
    Upgrade(upgrade::Arguments),
    /// Copies every account of the set, as they were at one slot, into a folder with digests
    Backup(backup::Arguments),
    /// Restores entries of a lost queue that the ledger shows neither finished nor dead; the keypair is the shard's owner
    Recover(recover::Arguments),
    /// Figures of the programs, with their source; thresholds make an exit status of them
    Health(health::Arguments),
    /// Serves the figures: Prometheus metrics, a status page
    Monitor(monitor::Arguments),
    /// Address lookup tables, which let a keeper's transactions name more accounts than fit a packet
    #[command(subcommand)]
    LookupTable(lookup_table::Command),
    /// Prints a completion script for a shell
    Completion {
        /// The shell
        shell: Shell,
    },
}

/// One program or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Programs {
    /// All three.
    All,
    /// The processor.
    Processor,
    /// The scheduler.
    Scheduler,
    /// The diff program.
    Diff,
}

impl Programs {
    /// Those that are meant, in the order of initialization.
    pub fn list(self) -> Vec<Singleton> {
        match self {
            Self::All => Singleton::ALL.to_vec(),
            Self::Processor => vec![Singleton::Processor],
            Self::Scheduler => vec![Singleton::Scheduler],
            Self::Diff => vec![Singleton::Diff],
        }
    }
}

/// Runs a command.
pub fn run(command: Command, options: &Options) -> Outcome<Output> {
    if let Command::Completion { shell } = command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut crate::Arguments::command(), "valence", &mut script);
        return Ok(Output::Text(String::from_utf8_lossy(&script).into_owned()));
    }
    let cluster = Cluster::new(options)?;
    match command {
        Command::Deploy(arguments) => deploy::run(&cluster, &arguments, options.json),
        Command::Init(arguments) => init::run(&cluster, &arguments),
        Command::Config(command) => config::run(&cluster, &command),
        Command::Pause(arguments) => pause::pause(&cluster, &arguments),
        Command::Resume(arguments) => pause::resume(&cluster, &arguments),
        Command::Authority(command) => authority::run(&cluster, &command),
        Command::Dlq(command) => entry::dead_letters(&cluster, &command),
        Command::Hold(entries) => entry::run(&cluster, &entries, entry::Verb::Hold),
        Command::Release(entries) => entry::run(&cluster, &entries, entry::Verb::Release),
        Command::Cancel(entries) => entry::run(&cluster, &entries, entry::Verb::Cancel),
        Command::Requeue(entries) => entry::run(&cluster, &entries, entry::Verb::Requeue),
        Command::Reprioritize { entries, level } => entry::run(&cluster, &entries, entry::Verb::Reprioritize(level)),
        Command::Keeper(arguments) => keeper::run(&cluster, &arguments, options.json),
        Command::Shard(command) => shard::run(&cluster, &command),
        Command::Queue(command) => queue::run(&cluster, &command),
        Command::Capability(command) => capability::run(&cluster, &command),
        Command::State(command) => state::run(&cluster, &command),
        Command::Arena(command) => arena::run(&cluster, &command),
        Command::Enqueue(arguments) => enqueue::run(&cluster, &arguments),
        Command::Upgrade(arguments) => upgrade::run(&cluster, &arguments, options.json),
        Command::Backup(arguments) => backup::run(&cluster, &arguments),
        Command::Recover(arguments) => recover::run(&cluster, &arguments),
        Command::Health(arguments) => health::run(&cluster, &arguments, options.json),
        Command::Monitor(arguments) => monitor::run(&cluster, &arguments),
        Command::Restore(arguments) => enqueue::run_restore(&cluster, &arguments),
        Command::Order(command) => order::run(&cluster, &command),
        Command::Resources(command) => resources::run(&cluster, &command),
        Command::Direct(command) => resources::direct(&cluster, &command),
        Command::Migrate(arguments) => migrate::run(&cluster, &arguments),
        Command::Finalize { program } => migrate::finalize(&cluster, program),
        Command::LookupTable(command) => lookup_table::run(&cluster, &command),
        Command::Completion { .. } => Ok(Output::Text(String::new())),
    }
}
