//! `valence authority`: who may configure a program, handed over in two steps.

use super::Programs as Which;
use crate::address::must_be;
use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, key};
use crate::set::{Programs, Singleton};
use shared_layouts::{NO_KEY, client, diff, processor, scheduler};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

/// What to do with authorities.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Shows authority, nominee and guardian
    Show {
        /// Which program
        #[arg(value_enum, default_value_t = Which::All)]
        program: Which,
    },
    /// Nominates the next authority; nothing changes until it accepts
    Nominate {
        /// The nominee
        #[arg(required_unless_present = "none")]
        key: Option<Pubkey>,
        /// Takes the nomination back
        #[arg(long, conflicts_with = "key")]
        none: bool,
        /// Which program
        #[arg(long, value_enum, default_value_t = Which::All)]
        program: Which,
    },
    /// Accepts a nomination; the keypair is the nominee's
    Accept {
        /// Which program
        #[arg(value_enum, default_value_t = Which::All)]
        program: Which,
    },
}

/// Runs the command.
pub fn run(cluster: &Cluster, command: &Command) -> Outcome<Output> {
    let programs = cluster.programs()?;
    match command {
        Command::Show { program } => show(cluster, &programs, *program),
        Command::Nominate { key, program, .. } => {
            let nominee = key.map_or(NO_KEY, |key| key.to_bytes());
            change(cluster, &programs, *program, |config, signer, program| {
                must_be(signer, &config.authority, &format!("the authority of the {}", program.name()))?;
                Ok(nominate(&programs, program, signer, nominee))
            })
        }
        Command::Accept { program } => change(cluster, &programs, *program, |config, signer, program| {
            if config.pending_authority == NO_KEY {
                return Err(Failure::new(format!("nobody is nominated as authority of the {}", program.name()))
                    .cure("let the authority nominate the key first"));
            }
            must_be(signer, &config.pending_authority, &format!("the nominee of the {}", program.name()))?;
            Ok(accept(&programs, program, signer))
        }),
    }
}

fn show(cluster: &Cluster, programs: &Programs, which: Which) -> Outcome<Output> {
    let mut rows = Vec::new();
    for program in which.list() {
        let config = cluster.lifecycle(programs, program)?;
        rows.push(vec![
            ("program", program.name().into()),
            ("authority", key(&config.authority)),
            ("nominee", key(&config.pending_authority)),
            ("guardian", key(&config.guardian)),
        ]);
    }
    Ok(Output::Table("no programs", rows))
}

/// All programs of one transaction or none.
fn change(
    cluster: &Cluster,
    programs: &Programs,
    which: Which,
    call: impl Fn(&shared_layouts::lifecycle::Lifecycle, &Pubkey, Singleton) -> Outcome<Instruction>,
) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let mut calls = Vec::new();
    for program in which.list() {
        calls.push(call(&cluster.lifecycle(programs, program)?, &signer.pubkey(), program)?);
    }
    cluster.send(&calls, &signer)?;
    show(cluster, programs, which)
}

fn nominate(programs: &Programs, program: Singleton, authority: &Pubkey, nominee: shared_layouts::Key) -> Instruction {
    let (address, authority) = (programs.address(program), *authority);
    let config = client::config_address(&address);
    macro_rules! call {
        ($program:ident) => {{
            let accounts = $program::nominate_authority::Accounts { config, authority };
            $program::nominate_authority(address, accounts, &[], &$program::nominate_authority::Data { nominee }, &[])
        }};
    }
    match program {
        Singleton::Processor => call!(processor),
        Singleton::Scheduler => call!(scheduler),
        Singleton::Diff => call!(diff),
    }
}

fn accept(programs: &Programs, program: Singleton, nominee: &Pubkey) -> Instruction {
    let (address, nominee) = (programs.address(program), *nominee);
    let config = client::config_address(&address);
    macro_rules! call {
        ($program:ident) => {{
            let accounts = $program::accept_authority::Accounts { config, nominee };
            $program::accept_authority(address, accounts, &[], &$program::accept_authority::Data {}, &[])
        }};
    }
    match program {
        Singleton::Processor => call!(processor),
        Singleton::Scheduler => call!(scheduler),
        Singleton::Diff => call!(diff),
    }
}
