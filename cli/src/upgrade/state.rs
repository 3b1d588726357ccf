//! What an upgrade remembers: a folder in the set's folder, so that it can go on after any interruption.

use crate::failure::{Failure, Outcome};
use crate::set::{Programs, Singleton};
use crate::settings;
use crate::upgrade::Step;
use serde::{Deserialize, Serialize};
use solana_keypair::{Keypair, write_keypair_file};
use std::fs;
use std::path::{Path, PathBuf};

/// The upgrade of one program, in `upgrade-PROGRAM/state.json`. What a step still has to do is read from the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Genesis hash of the ledger.
    pub genesis: String,
    /// Address of the program.
    pub program: String,
    /// Whether the program was paused by its authority before: then it stays so.
    pub was_paused: bool,
    /// Version of the config's layout before.
    pub former_version: u8,
    /// The last step that is done: what comes after it may have been changed by others since.
    pub done: Step,
    /// It is being taken back.
    pub is_aborted: bool,
    /// Taken back but for the pause.
    pub is_back: bool,
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Of a program in a set.
    pub fn new(set: &Path, program: Singleton) -> Self {
        Self { path: set.join(format!("upgrade-{}", program.name())) }
    }

    /// The upgrade under way; none if there is none.
    pub fn state(&self, programs: &Programs) -> Outcome<Option<State>> {
        let path = self.path.join("state.json");
        if !path.exists() {
            return Ok(None);
        }
        let fault = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| fault(&error))?;
        let state: State = serde_json::from_str(&text).map_err(|error| fault(&error))?;
        if state.genesis != programs.genesis {
            return Err(fault(&"it belongs to another ledger").cure("check --url and --set"));
        }
        Ok(Some(state))
    }

    /// Writes the state, whole or not at all.
    pub fn keep(&self, state: &State) -> Outcome<()> {
        let text = serde_json::to_string_pretty(state).map_err(|error| self.fault(&error))?;
        self.write("state.json", text.as_bytes())
    }

    /// Keeps a file.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Outcome<()> {
        let staged = self.path.join(format!("{name}.new"));
        fs::create_dir_all(&self.path).map_err(|error| self.fault(&error))?;
        fs::write(&staged, bytes).map_err(|error| self.fault(&error))?;
        fs::rename(&staged, self.file(name)).map_err(|error| self.fault(&error))
    }

    /// Reads a file that was kept.
    pub fn read(&self, name: &str) -> Outcome<Vec<u8>> {
        fs::read(self.file(name)).map_err(|error| self.fault(&format!("{name}: {error}")))
    }

    /// Path of a file.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A keypair that is kept here, made at its first use.
    pub fn keypair(&self, name: &str) -> Outcome<Keypair> {
        let path = self.file(name);
        if path.exists() {
            return settings::keypair(&path);
        }
        let keypair = Keypair::new();
        write_keypair_file(&keypair, &path).map_err(|error| self.fault(&error))?;
        Ok(keypair)
    }

    /// Ends it.
    pub fn remove(&self) -> Outcome<()> {
        fs::remove_dir_all(&self.path).map_err(|error| self.fault(&error))
    }

    fn fault(&self, error: &dyn std::fmt::Display) -> Failure {
        Failure::new(format!("{}: {error}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_pubkey::Pubkey;

    #[test]
    fn a_state_is_read_on_its_own_ledger_only() {
        let set = std::env::temp_dir().join(format!("valence-upgrade-{}", std::process::id()));
        let folder = Folder::new(&set, Singleton::Diff);
        let key = Pubkey::default();
        let mut programs = Programs { genesis: "g".into(), processor: key, scheduler: key, diff: key };
        assert_eq!(folder.state(&programs).unwrap(), None);
        let state = State {
            genesis: "g".into(),
            program: key.to_string(),
            was_paused: false,
            former_version: 1,
            done: Step::Preflight,
            is_aborted: false,
            is_back: false,
        };
        folder.keep(&state).unwrap();
        assert_eq!(folder.state(&programs).unwrap(), Some(state));
        programs.genesis = "h".into();
        assert!(folder.state(&programs).unwrap_err().line().contains("it belongs to another ledger"));
        folder.remove().unwrap();
        fs::remove_dir(set).unwrap();
    }
}
