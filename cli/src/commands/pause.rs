//! `valence pause` and `valence resume`: in order, and in reverse.

use super::Programs as Which;
use super::config::pause_text;
use crate::address::must_be;
use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::set::{Programs, Singleton};
use shared_layouts::lifecycle::{Lifecycle, pause_state};
use shared_layouts::{client, diff, processor, scheduler};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar::clock;
use solana_signer::Signer;

/// Arguments of both.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Which program
    #[arg(value_enum, default_value_t = Which::All)]
    program: Which,
}

/// Pauses. A program that is paused already stays so, and the others follow.
pub fn pause(cluster: &Cluster, arguments: &Arguments) -> Outcome<Output> {
    change(cluster, &arguments.program.list(), arguments.program == Which::All, true)
}

/// Resumes, the last program first.
pub fn resume(cluster: &Cluster, arguments: &Arguments) -> Outcome<Output> {
    let reversed: Vec<_> = arguments.program.list().into_iter().rev().collect();
    change(cluster, &reversed, arguments.program == Which::All, false)
}

fn change(cluster: &Cluster, list: &[Singleton], all: bool, pausing: bool) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let signer = cluster.signer()?;
    let key = signer.pubkey();
    let mut rows = Vec::new();
    for program in list {
        let lifecycle = cluster.lifecycle(&programs, *program)?;
        let signs = check_signer(&lifecycle, &key, *program, pausing);
        signs.map_err(|failure| after(failure, &rows))?;
        // With all three, what a first run has done is not an error for the second.
        let done = if all && is_done(cluster, &lifecycle, &key, pausing)? {
            "unchanged"
        } else {
            let sent = cluster.send(&[instruction(&programs, *program, &key, pausing)], &signer);
            sent.map_err(|failure| after(failure.while_doing(program.name()), &rows))?;
            if pausing { "paused" } else { "resumed" }
        };
        let lifecycle = cluster.lifecycle(&programs, *program)?;
        rows.push(vec![
            ("program", program.name().into()),
            ("result", done.into()),
            ("state", pause_text(cluster, &lifecycle)?.into()),
        ]);
    }
    Ok(Output::Table("no programs", rows))
}

/// A failure after some programs were changed says which.
fn after(failure: Failure, rows: &[crate::output::Row]) -> Failure {
    let changed: Vec<_> = rows.iter().filter_map(|row| row[0].1.as_str()).collect();
    if changed.is_empty() { failure } else { failure.while_doing(&format!("done for {}, then", changed.join(" and "))) }
}

fn check_signer(lifecycle: &Lifecycle, key: &Pubkey, program: Singleton, pausing: bool) -> Outcome<()> {
    if pausing && lifecycle.guardian == key.to_bytes() {
        return Ok(());
    }
    let role = if pausing { "authority or guardian" } else { "the authority" };
    must_be(key, &lifecycle.authority, &format!("{role} of the {}", program.name()))
}

fn is_done(cluster: &Cluster, lifecycle: &Lifecycle, key: &Pubkey, pausing: bool) -> Outcome<bool> {
    let by_guardian = lifecycle.header.state == pause_state::BY_GUARDIAN;
    let paused = match lifecycle.header.state {
        pause_state::RUNNING => false,
        pause_state::BY_GUARDIAN => cluster.now()? < lifecycle.pause_ends_at,
        _ => true,
    };
    // The authority may make the guardian's pause its own, which then has no end.
    let extends = by_guardian && lifecycle.authority == key.to_bytes();
    Ok(if pausing { paused && !extends } else { lifecycle.header.state == pause_state::RUNNING })
}

fn instruction(programs: &Programs, program: Singleton, signer: &Pubkey, pausing: bool) -> Instruction {
    let address = programs.address(program);
    let config = client::config_address(&address);
    let (signer, clock) = (*signer, clock::ID);
    macro_rules! call {
        ($program:ident) => {
            if pausing {
                let accounts = $program::pause::Accounts { config, signer, clock };
                $program::pause(address, accounts, &[], &$program::pause::Data {}, &[])
            } else {
                let accounts = $program::resume::Accounts { config, authority: signer, clock };
                $program::resume(address, accounts, &[], &$program::resume::Data {}, &[])
            }
        };
    }
    match program {
        Singleton::Processor => call!(processor),
        Singleton::Scheduler => call!(scheduler),
        Singleton::Diff => call!(diff),
    }
}
