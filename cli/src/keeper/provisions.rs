//! What a keeper brings to an operation besides its own signature: signatures of others, accounts that it may choose, and
//! arguments of which the queue holds only the digest.

use crate::address::Named;
use crate::definition::hex;
use crate::failure::{Failure, Outcome};
use crate::set::Programs;
use crate::settings;
use sha2::{Digest, Sha256};
use shared_layouts::client;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Options about it.
#[derive(clap::Args, Debug)]
#[group(skip)]
pub struct Arguments {
    /// Signs, with this keypair file, where the capability names its key as signer; with @VERSION only under that version
    /// of the capability
    #[arg(long = "co-signer", value_name = "CAPABILITY[@VERSION]=FILE")]
    co_signers: Vec<CoSigner>,
    /// Account for a place that the capability leaves to the worker; places are counted over accounts and evidence
    #[arg(long = "choose", value_name = "CAPABILITY:PLACE=KEY")]
    choices: Vec<Choice>,
    /// Folder of arguments that queues hold only the digest of: each file is named by its SHA-256 in hexadecimal
    #[arg(long = "arguments-dir", value_name = "DIR")]
    committed: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct CoSigner {
    capability: Named,
    version: Option<u32>,
    file: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Choice {
    capability: Named,
    place: usize,
    key: Pubkey,
}

impl FromStr for CoSigner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (named, file) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` is not CAPABILITY=FILE or CAPABILITY@VERSION=FILE"))?;
        let (capability, version) = match named.split_once('@') {
            Some((capability, version)) => {
                (capability, Some(version.parse().map_err(|_| format!("`{version}` is not a capability's version"))?))
            }
            None => (named, None),
        };
        Ok(Self { capability: capability.parse()?, version, file: file.into() })
    }
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(named, key)| Some((named.split_once(':')?, key)));
        let ((capability, place), key) = parts.ok_or_else(|| format!("`{text}` is not CAPABILITY:PLACE=KEY"))?;
        Ok(Self {
            capability: capability.parse()?,
            place: place.parse().map_err(|_| format!("`{place}` is not a place in a list of accounts"))?,
            key: key.parse().map_err(|_| format!("`{key}` is not an address"))?,
        })
    }
}

/// The same with files read and addresses derived.
#[derive(Debug, Default)]
pub struct Provisions {
    co_signers: Vec<(Pubkey, Option<u32>, Keypair)>,
    choices: HashMap<(Pubkey, usize), Pubkey>,
    arguments: Option<PathBuf>,
}

impl Provisions {
    /// Reads every keypair file.
    pub fn new(arguments: &Arguments, programs: &Programs, worker: &Pubkey) -> Outcome<Self> {
        let address = |named: Named| named.address(|number| client::capability_address(&programs.processor, number));
        let co_signers = arguments.co_signers.iter().map(|given| {
            let keypair = settings::keypair(&given.file)?;
            if keypair.pubkey() == *worker {
                return Err(Failure::new(format!("{} is the worker's own keypair", given.file.display())).cure(
                    "a co-signer is another key: an operation that the worker's key signs could take what it holds",
                ));
            }
            Ok((address(given.capability), given.version, keypair))
        });
        if let Some(folder) = arguments.committed.as_deref().filter(|folder| !folder.is_dir()) {
            return Err(Failure::new(format!("{} is not a folder", folder.display())).cure("check --arguments-dir"));
        }
        Ok(Self {
            co_signers: co_signers.collect::<Outcome<_>>()?,
            choices: arguments
                .choices
                .iter()
                .map(|given| ((address(given.capability), given.place), given.key))
                .collect(),
            arguments: arguments.committed.clone(),
        })
    }

    /// The keypair that signs for this key under this version of the capability.
    pub fn co_signer(&self, capability: &Pubkey, version: u32, key: &Pubkey) -> Option<&Keypair> {
        let matches = |(of, only, keypair): &&(Pubkey, Option<u32>, Keypair)| {
            of == capability && only.is_none_or(|only| only == version) && keypair.pubkey() == *key
        };
        self.co_signers.iter().find(matches).map(|(_, _, keypair)| keypair)
    }

    /// Whether one of the keypairs has this key.
    pub fn holds(&self, key: &Pubkey) -> bool {
        self.co_signers.iter().any(|(_, _, keypair)| keypair.pubkey() == *key)
    }

    /// The account that was chosen for a place of a capability.
    pub fn choice(&self, capability: &Pubkey, place: usize) -> Option<Pubkey> {
        self.choices.get(&(*capability, place)).copied()
    }

    /// The arguments with this SHA-256 and length, or why there are none.
    pub fn arguments(&self, digest: &[u8], bytes: usize) -> Result<Vec<u8>, String> {
        let folder = self.arguments.as_deref();
        let folder =
            folder.ok_or("only the digest of the arguments is queued: name their folder by --arguments-dir")?;
        let path = arguments_file(folder, digest);
        let found = fs::read(&path).map_err(|error| format!("the arguments: {}: {error}", path.display()))?;
        if found.len() == bytes && Sha256::digest(&found)[..] == *digest {
            return Ok(found);
        }
        Err(format!("{} does not hold the arguments that were committed to", path.display()))
    }
}

/// Where arguments with this SHA-256 are kept.
pub fn arguments_file(folder: &Path, digest: &[u8]) -> PathBuf {
    folder.join(hex(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_name_a_capability_and_what_belongs_to_it() {
        let key = Pubkey::new_from_array([7; 32]);
        let given: CoSigner = "3@2=a=b.json".parse().unwrap();
        assert_eq!(given, CoSigner { capability: Named::Number(3), version: Some(2), file: "a=b.json".into() });
        let given: Choice = format!("{key}:4={key}").parse().unwrap();
        assert_eq!(given, Choice { capability: Named::Address(key), place: 4, key });
        for wrong in ["3", "x=f", "3@x=f"] {
            assert!(wrong.parse::<CoSigner>().is_err(), "{wrong}");
        }
        for wrong in ["3", "3=1", "3:x=1", "3:1=x"] {
            assert!(wrong.parse::<Choice>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_co_signer_signs_for_its_capability_and_version_only() {
        let (capability, other) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
        let keypair = Keypair::new();
        let key = keypair.pubkey();
        let provisions = Provisions { co_signers: vec![(capability, Some(2), keypair)], ..Provisions::default() };
        assert!(provisions.co_signer(&capability, 2, &key).is_some());
        assert!(provisions.co_signer(&capability, 3, &key).is_none());
        assert!(provisions.co_signer(&other, 2, &key).is_none());
        assert!(provisions.co_signer(&capability, 2, &other).is_none());
        assert!(provisions.holds(&key) && !provisions.holds(&other));
    }

    #[test]
    fn arguments_are_found_by_their_digest_and_compared_with_it() {
        let folder = std::env::temp_dir().join(format!("valence-arguments-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let provisions = Provisions { arguments: Some(folder.clone()), ..Provisions::default() };
        let digest = Sha256::digest(b"arguments");
        assert!(provisions.arguments(&digest, 9).unwrap_err().starts_with("the arguments: "));
        fs::write(arguments_file(&folder, &digest), b"arguments").unwrap();
        assert_eq!(provisions.arguments(&digest, 9).unwrap(), b"arguments");
        assert!(provisions.arguments(&digest, 8).unwrap_err().ends_with("that were committed to"));
        fs::write(arguments_file(&folder, &digest), b"other").unwrap();
        assert!(provisions.arguments(&digest, 5).unwrap_err().ends_with("that were committed to"));
        assert!(Provisions::default().arguments(&digest, 9).unwrap_err().contains("--arguments-dir"));
        fs::remove_dir_all(folder).unwrap();
    }
}
