//! Uploads a program by the Agave CLI, the tool that users trust with it.

use crate::failure::{Failure, Outcome};
use solana_pubkey::Pubkey;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The Agave CLI.
pub struct Uploader {
    solana: PathBuf,
    url: String,
    keypair: PathBuf,
}

/// One upload.
pub struct Upload<'a> {
    /// The built program.
    pub elf: &'a Path,
    /// Keypair file of a program that does not exist yet, or the address of one that does.
    pub program: &'a OsStr,
    /// Keypair file of the buffer: an interrupted upload goes on in it.
    pub buffer: &'a Path,
}

/// Oldest major version of the Agave CLI that deploys sBPF v3.
const OLDEST_MAJOR: u32 = 3;

impl Uploader {
    /// Finds `solana` at the given path or on PATH.
    pub fn find(solana: Option<&Path>, url: &str, keypair: &Path) -> Outcome<Self> {
        let solana = solana.unwrap_or(Path::new("solana")).to_owned();
        let cure = "install the Agave CLI 4.2.2, run `./justw deploy`, which brings it, or name it by --solana";
        let output = Command::new(&solana).arg("--version").output().map_err(|error| {
            Failure::new(format!("the Agave CLI `{}` does not run ({error})", solana.display())).cure(cure)
        })?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let major = version.split_whitespace().nth(1).and_then(|number| number.split('.').next()?.parse::<u32>().ok());
        if major.is_none_or(|major| major < OLDEST_MAJOR) {
            let fault = format!("`{}` is `{version}`, and {OLDEST_MAJOR}.0 or newer is needed", solana.display());
            return Err(Failure::new(fault).cure(cure));
        }
        Ok(Self { solana, url: url.to_owned(), keypair: keypair.to_owned() })
    }

    /// Uploads and deploys; what the Agave CLI shows of its progress is shown.
    pub fn deploy(&self, upload: &Upload) -> Outcome<()> {
        let arguments = ["deploy", "--use-rpc", "--program-id"].map(OsStr::new);
        let [program, buffer, elf] = [upload.program, upload.buffer.as_os_str(), upload.elf.as_os_str()];
        self.run(&[&arguments[..], &[program, OsStr::new("--buffer"), buffer, elf]].concat())
    }

    /// Uploads a binary into a buffer, whose keypair file is given; an interrupted upload goes on.
    pub fn write_buffer(&self, buffer: &Path, elf: &Path) -> Outcome<()> {
        let arguments = ["write-buffer", "--use-rpc", "--buffer"].map(OsStr::new);
        self.run(&[&arguments[..], &[buffer.as_os_str(), elf.as_os_str()]].concat())
    }

    /// Gives a program more space.
    pub fn extend(&self, program: &Pubkey, bytes: usize) -> Outcome<()> {
        self.run(&["extend", &program.to_string(), &bytes.to_string()].map(OsStr::new))
    }

    /// Closes a buffer; its rent goes to the keypair.
    pub fn close_buffer(&self, buffer: &Pubkey) -> Outcome<()> {
        self.run(&["close", &buffer.to_string()].map(OsStr::new))
    }

    /// Runs `solana program`.
    fn run(&self, arguments: &[&OsStr]) -> Outcome<()> {
        let mut command = Command::new(&self.solana);
        command.args(["--url", &self.url, "--commitment", "confirmed", "--keypair"]).arg(&self.keypair);
        command.arg("program").args(arguments);
        // A terminal gets the progress itself; without one it is kept for the message of a failure.
        let progress = if io::stderr().is_terminal() { Stdio::inherit() } else { Stdio::piped() };
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(progress).spawn();
        let output = child.and_then(std::process::Child::wait_with_output);
        let output = output.map_err(|error| Failure::new(format!("{}: {error}", self.solana.display())))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(explained(&said))
    }
}

/// The Agave CLI's last words, with the cure for the usual ones.
fn explained(said: &str) -> Failure {
    let last = said.lines().rev().find(|line| line.contains("Error")).or_else(|| said.lines().next_back());
    let last = last.unwrap_or("no message").trim().trim_start_matches("Error: ");
    let failure = Failure::new(format!("the upload failed ({last})"));
    if last.contains("insufficient funds") {
        failure.cure("send the payer lamports and run the command again: it goes on where it stopped")
    } else {
        failure.cure("run the command again: it goes on where it stopped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_agave_cli_is_named_with_its_cure() {
        let failure = Uploader::find(Some(Path::new("/nowhere/solana")), "", Path::new("")).err().unwrap();
        assert!(failure.line().contains("/nowhere/solana") && failure.line().contains("install the Agave CLI"));
    }

    #[test]
    fn an_old_agave_cli_is_refused() {
        let echo = Uploader::find(Some(Path::new("/bin/echo")), "", Path::new("")).err().unwrap();
        assert!(echo.line().contains("or newer is needed"), "{echo:?}");
    }
}
