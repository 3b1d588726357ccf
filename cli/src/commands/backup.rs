//! `valence backup`: every account of the set at one slot.

use crate::cluster::Cluster;
use crate::failure::Outcome;
use crate::output::Output;
use crate::recovery::backup::Backup;
use std::path::PathBuf;

/// Arguments of `backup`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Folder to write; it must be empty or not exist
    folder: PathBuf,
    /// Compares a backup that exists with its digests, and writes nothing
    #[arg(long)]
    check: bool,
}

/// Runs the command.
pub fn run(cluster: &Cluster, arguments: &Arguments) -> Outcome<Output> {
    let backup = if arguments.check {
        Backup::read(&arguments.folder)?
    } else {
        let (backup, accounts) = Backup::take(cluster)?;
        backup.write(&arguments.folder, &accounts)?;
        backup
    };
    backup.check(&arguments.folder)?;
    Ok(Output::Record(vec![
        ("folder", arguments.folder.display().to_string().into()),
        ("slot", backup.slot.into()),
        ("taken_at", backup.taken_at.into()),
        ("accounts", backup.accounts.len().into()),
        ("bytes", backup.accounts.iter().map(|entry| entry.bytes).sum::<usize>().into()),
        ("digest", backup.digest().into()),
    ]))
}
