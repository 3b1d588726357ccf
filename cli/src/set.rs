//! A set of the three programs: their addresses on one cluster, kept in a folder of the user's.
//!
//! No address is built in, so a set is what `valence deploy` wrote, or a `programs.toml` that somebody passed on. The
//! file remembers the ledger (its genesis hash), so that a set is never used on another cluster by mistake.

use crate::failure::{Failure, Outcome};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use std::fs;
use std::path::Path;

/// One of the three programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Singleton {
    /// Checks and runs capabilities.
    Processor,
    /// Keeps shards and their queues.
    Scheduler,
    /// Keeps managed states and applies diffs.
    Diff,
}

impl Singleton {
    /// All three, in the order in which they are initialized and paused.
    pub const ALL: [Self; 3] = [Self::Processor, Self::Scheduler, Self::Diff];

    /// Its name in commands and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Scheduler => "scheduler",
            Self::Diff => "diff",
        }
    }

    /// Name of its built file, without `.so`.
    pub fn file(self) -> String {
        format!("valence_{}", self.name())
    }
}

/// Addresses of the programs on one ledger, as `programs.toml` holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Programs {
    /// Genesis hash of the ledger.
    pub genesis: String,
    /// Address of the processor.
    #[serde(with = "base58")]
    pub processor: Pubkey,
    /// Address of the scheduler.
    #[serde(with = "base58")]
    pub scheduler: Pubkey,
    /// Address of the diff program.
    #[serde(with = "base58")]
    pub diff: Pubkey,
}

const FILE: &str = "programs.toml";

impl Programs {
    /// The address of one.
    pub const fn address(&self, program: Singleton) -> Pubkey {
        match program {
            Singleton::Processor => self.processor,
            Singleton::Scheduler => self.scheduler,
            Singleton::Diff => self.diff,
        }
    }

    /// Reads the set's file; `None` if there is none.
    pub fn read(folder: &Path) -> Outcome<Option<Self>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        let programs = toml::from_str(&text).map_err(|error| {
            Failure::new(format!("{}: {}", path.display(), error.message()))
                .cure("correct it, or run `valence deploy` again")
        })?;
        Ok(Some(programs))
    }

    /// Writes the set's file, whole or not at all.
    pub fn write(&self, folder: &Path) -> Outcome<()> {
        let fault = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", folder.join(FILE).display()));
        let text = toml::to_string(self).map_err(|error| fault(&error))?;
        let staged = folder.join(format!("{FILE}.new"));
        fs::create_dir_all(folder).map_err(|error| fault(&error))?;
        fs::write(&staged, text).map_err(|error| fault(&error))?;
        fs::rename(&staged, folder.join(FILE)).map_err(|error| fault(&error))
    }
}

/// Keys in files, as people write them.
pub mod base58 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use solana_pubkey::Pubkey;

    /// Writes a key.
    pub fn serialize<S: Serializer>(key: &Pubkey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(key)
    }

    /// Reads a key.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pubkey, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| D::Error::custom(format!("`{text}` is not an address: 32 bytes in base58")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_read_as_it_was_written() {
        let folder = std::env::temp_dir().join(format!("valence-set-{}", std::process::id()));
        let key = |byte| Pubkey::new_from_array([byte; 32]);
        let written = Programs { genesis: "g".into(), processor: key(1), scheduler: key(2), diff: key(3) };
        written.write(&folder).unwrap();
        assert_eq!(Programs::read(&folder).unwrap(), Some(written));
        fs::write(folder.join(FILE), "genesis = \"g\"\nprocessor = \"short\"\n").unwrap();
        let failure = Programs::read(&folder).unwrap_err();
        assert!(failure.line().contains("`short` is not an address"), "{failure:?}");
        fs::remove_dir_all(folder).unwrap();
    }
}
