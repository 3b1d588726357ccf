//! `valence migrate`, `valence finalize`: accounts between two versions of their layout.

use crate::address::must_be;
use crate::cluster::Cluster;
use crate::failure::Outcome;
use crate::output::Output;
use crate::set::{Programs, Singleton};
use shared_layouts::lifecycle::direction;
use shared_layouts::{client, diff, processor, scheduler};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use solana_signer::Signer;

/// Arguments of `migrate`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Which program
    #[arg(value_enum)]
    program: Singleton,
    /// Up to the program's version, or back down while the migration is open
    #[arg(value_enum)]
    direction: Direction,
    /// Account to take there; can be given several times. Without one the config itself, which goes up first and down last
    #[arg(long = "account", value_name = "KEY")]
    accounts: Vec<Pubkey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Direction {
    /// To the version of the program
    Up,
    /// Back to the version before
    Down,
}

/// Runs `migrate`: one transaction for each account, so that it can be run again after an interruption.
pub fn run(cluster: &Cluster, arguments: &Arguments) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let (program, address) = (arguments.program, programs.address(arguments.program));
    let signer = cluster.signer()?;
    let (config, authority) = (client::config_address(&address), signer.pubkey());
    let direction = if arguments.direction == Direction::Up { direction::UP } else { direction::DOWN };
    macro_rules! call {
        ($program:ident, $more:expr) => {{
            let accounts =
                $program::migrate::Accounts { config, authority, payer: authority, system_program: system_program::ID };
            $program::migrate(address, accounts, $more, &$program::migrate::Data { direction }, &[])
        }};
    }
    let build = |more: &[AccountMeta]| match program {
        Singleton::Processor => call!(processor, more),
        Singleton::Scheduler => call!(scheduler, more),
        Singleton::Diff => call!(diff, more),
    };
    let mut rows = Vec::new();
    let mut send = |account: &Pubkey, call: Instruction| {
        let signature = cluster.send(&[call], &signer)?;
        rows.push(vec![("account", account.to_string().into()), ("signature", signature.into())]);
        Ok(())
    };
    if arguments.accounts.is_empty() {
        send(&config, build(&[]))?;
    }
    for account in &arguments.accounts {
        send(account, build(&[AccountMeta::new(*account, false)]))
            .map_err(|failure: crate::failure::Failure| failure.while_doing(&account.to_string()))?;
    }
    Ok(Output::Table("nothing to migrate", rows))
}

/// Runs `finalize`.
pub fn finalize(cluster: &Cluster, program: Singleton) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let signer = cluster.signer()?;
    let authority = signer.pubkey();
    let lifecycle = cluster.lifecycle(&programs, program)?;
    must_be(&authority, &lifecycle.authority, &format!("the authority of the {}", program.name()))?;
    let signature = cluster.send(&[finalize_call(&programs, program, authority)], &signer)?;
    Ok(Output::Record(vec![("finalized", program.name().into()), ("signature", signature.into())]))
}

fn finalize_call(programs: &Programs, program: Singleton, authority: Pubkey) -> Instruction {
    let address = programs.address(program);
    let config = client::config_address(&address);
    macro_rules! call {
        ($program:ident) => {{
            let accounts = $program::finalize::Accounts { config, authority };
            $program::finalize(address, accounts, &[], &$program::finalize::Data {}, &[])
        }};
    }
    match program {
        Singleton::Processor => call!(processor),
        Singleton::Scheduler => call!(scheduler),
        Singleton::Diff => call!(diff),
    }
}
