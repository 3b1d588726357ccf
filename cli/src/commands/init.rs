//! `valence init`: the configs of the three programs.

use super::arena::Optimization;
use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::set::{Programs, Singleton};
use shared_layouts::diff;
use shared_layouts::processor;
use shared_layouts::scheduler::{self, registration};
use shared_layouts::{Key, client};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use solana_signer::Signer;

/// Arguments of `init`: what the configs begin with.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
pub struct Arguments {
    /// Authority of the configs [default: the keypair]
    #[arg(long, value_name = "KEY")]
    authority: Option<Pubkey>,
    /// Guardian: may pause for a bounded time [default: none]
    #[arg(long, value_name = "KEY")]
    guardian: Option<Pubkey>,
    /// Longest pause by the guardian
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    guardian_pause_seconds: u32,
    /// Time between two pauses by the guardian
    #[arg(long, value_name = "SECONDS", default_value_t = 7_200)]
    guardian_cooldown_seconds: u32,
    /// Processor: highest compute limit of a capability
    #[arg(long, value_name = "UNITS", default_value_t = processor::DEFAULT_MAX_COMPUTE_UNITS)]
    max_compute_units: u32,
    /// Processor: most verification functions of a capability
    #[arg(long, value_name = "N", default_value_t = processor::DEFAULT_MAX_VERIFICATION_FUNCTIONS)]
    max_verification_functions: u16,
    /// Scheduler: most shards
    #[arg(long, value_name = "N", default_value_t = scheduler::DEFAULT_MAX_SHARDS)]
    max_shards: u16,
    /// Scheduler: most slots of a queue
    #[arg(long, value_name = "N", default_value_t = scheduler::DEFAULT_MAX_QUEUE_SIZE)]
    max_queue_size: u16,
    /// Scheduler: level of an entry that states none, 0 to 15
    #[arg(long, value_name = "LEVEL", default_value_t = scheduler::DEFAULT_PRIORITY)]
    default_priority: u8,
    /// Scheduler: lets anyone register a shard for the deposit
    #[arg(long)]
    open_registration: bool,
    /// Scheduler: deposit of a shard that its owner registers
    #[arg(long, value_name = "LAMPORTS", default_value_t = 1_000_000_000)]
    shard_deposit_lamports: u64,
    /// Diff: most operations that one instruction applies
    #[arg(long, value_name = "N", default_value_t = diff::DEFAULT_MAX_BATCH_SIZE)]
    max_batch_size: u16,
    /// Diff: optimization level of new arenas
    #[arg(long, value_enum, default_value_t = Optimization::Aggressive)]
    optimization: Optimization,
}

/// Runs the command.
pub fn run(cluster: &Cluster, arguments: &Arguments) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let done = initialize(cluster, &programs, arguments)?;
    let rows = Singleton::ALL.iter().zip(done).map(|(program, done)| {
        let address = programs.address(*program);
        vec![
            ("program", program.name().into()),
            ("address", address.to_string().into()),
            ("config", client::config_address(&address).to_string().into()),
            ("result", done.into()),
        ]
    });
    Ok(Output::Table("no programs", rows.collect()))
}

/// Initializes those that are not, in order; says of each what was done.
pub fn initialize(cluster: &Cluster, programs: &Programs, arguments: &Arguments) -> Outcome<[&'static str; 3]> {
    let signer = cluster.signer()?;
    let mut done = ["unchanged"; 3];
    for (program, done) in Singleton::ALL.into_iter().zip(&mut done) {
        let address = programs.address(program);
        let mut found = cluster.accounts(&[address, client::config_address(&address)])?;
        let (config, deployed) = (found.pop().flatten(), found.pop().flatten());
        if deployed.is_none() {
            let fault = format!("the {} {address} is not deployed on {}", program.name(), cluster.settings.url);
            return Err(Failure::new(fault).cure("run `valence deploy`, or check --url and --set"));
        }
        // Lamports alone do not make a config: anyone can send them there.
        if config.is_none_or(|config| config.owner != address) {
            let instruction = instruction(programs, program, arguments, &signer.pubkey());
            cluster.send(&[instruction], &signer).map_err(|failure| failure.while_doing(program.name()))?;
            *done = "initialized";
        }
    }
    Ok(done)
}

/// What every `Initialize` needs.
struct Call<'a> {
    arguments: &'a Arguments,
    programs: &'a Programs,
    address: Pubkey,
    config: Pubkey,
    program_data: Pubkey,
    signer: Pubkey,
    authority: Key,
    guardian: Key,
}

fn instruction(programs: &Programs, program: Singleton, arguments: &Arguments, signer: &Pubkey) -> Instruction {
    let address = programs.address(program);
    let call = Call {
        arguments,
        programs,
        address,
        config: client::config_address(&address),
        program_data: client::program_data_address(&address),
        signer: *signer,
        authority: arguments.authority.unwrap_or(*signer).to_bytes(),
        guardian: arguments.guardian.map(|key| key.to_bytes()).unwrap_or_default(),
    };
    match program {
        Singleton::Processor => call.processor(),
        Singleton::Scheduler => call.scheduler(),
        Singleton::Diff => call.diff(),
    }
}

impl Call<'_> {
    fn processor(&self) -> Instruction {
        let accounts = processor::initialize::Accounts {
            config: self.config,
            payer: self.signer,
            upgrade_authority: self.signer,
            program: self.address,
            program_data: self.program_data,
            system_program: system_program::ID,
        };
        let data = processor::initialize::Data {
            authority: self.authority,
            guardian: self.guardian,
            guardian_pause_seconds: self.arguments.guardian_pause_seconds,
            guardian_cooldown_seconds: self.arguments.guardian_cooldown_seconds,
            max_compute_units: self.arguments.max_compute_units,
            max_verification_functions: self.arguments.max_verification_functions,
        };
        processor::initialize(self.address, accounts, &[], &data, &[])
    }

    fn scheduler(&self) -> Instruction {
        let accounts = scheduler::initialize::Accounts {
            config: self.config,
            payer: self.signer,
            upgrade_authority: self.signer,
            program: self.address,
            program_data: self.program_data,
            system_program: system_program::ID,
            registry: client::registry_address(&self.address),
            processor_config: client::config_address(&self.programs.processor),
        };
        let open = self.arguments.open_registration;
        let data = scheduler::initialize::Data {
            authority: self.authority,
            guardian: self.guardian,
            guardian_pause_seconds: self.arguments.guardian_pause_seconds,
            guardian_cooldown_seconds: self.arguments.guardian_cooldown_seconds,
            shard_deposit_lamports: self.arguments.shard_deposit_lamports,
            max_shards: self.arguments.max_shards,
            max_queue_size: self.arguments.max_queue_size,
            default_priority: self.arguments.default_priority,
            registration: if open { registration::OPEN } else { registration::CLOSED },
        };
        scheduler::initialize(self.address, accounts, &[], &data, &[])
    }

    fn diff(&self) -> Instruction {
        let accounts = diff::initialize::Accounts {
            config: self.config,
            payer: self.signer,
            upgrade_authority: self.signer,
            program: self.address,
            program_data: self.program_data,
            system_program: system_program::ID,
            processor_config: client::config_address(&self.programs.processor),
            scheduler_config: client::config_address(&self.programs.scheduler),
        };
        let data = diff::initialize::Data {
            authority: self.authority,
            guardian: self.guardian,
            guardian_pause_seconds: self.arguments.guardian_pause_seconds,
            guardian_cooldown_seconds: self.arguments.guardian_cooldown_seconds,
            max_batch_size: self.arguments.max_batch_size,
            optimization_level: self.arguments.optimization.code(),
        };
        diff::initialize(self.address, accounts, &[], &data, &[])
    }
}
