//! `valence`: the operator's tool. Deploys and initializes the three programs, configures and pauses them, and manages
//! shards, queues, capabilities and states over a cluster's RPC.

mod address;
mod cluster;
mod commands;
mod definition;
mod failure;
mod health;
mod keeper;
mod ledger;
mod monitor;
mod output;
mod progress;
mod recovery;
mod set;
mod settings;
mod signals;
mod slab;
mod upgrade;
mod upload;

use clap::Parser;
use commands::Command;
use settings::Options;
use std::process::ExitCode;

/// Operates the Valence singletons: processor, scheduler and diff program.
///
/// Addresses of a deployed set are kept in a folder (--set), and cluster and keypair come from Solana's own config file
/// unless an option names them. A shard, capability or state is named by its number or its address; a queue by
/// SHARD/NUMBER or its address. Every command fails with one line that names cause and cure, and with exit status 1.
#[derive(Parser, Debug)]
#[command(name = "valence", version, max_term_width = 120)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.options.json;
    match commands::run(arguments.command, &arguments.options) {
        Ok(output) => {
            println!("{}", if json { output.json().to_string() } else { output.text() });
            ExitCode::from(output.status())
        }
        Err(failure) => {
            if json {
                eprintln!("{}", failure.json());
            } else {
                eprintln!("error: {}", failure.line());
            }
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_command_and_option_is_declared_without_contradiction() {
        Arguments::command().debug_assert();
    }
}
