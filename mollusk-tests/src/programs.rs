//! Names: each stands for one fixed address, and a program's name for its built file too.
//!
//! Random addresses move the bumps of derived ones, and the units of their derivation with them. So every key that a test
//! uses comes from a name, and the same name gives the same key in Mollusk, in `LiteSVM`, in the bench and in the demo.

use shared_layouts::client;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::cell::RefCell;
use std::collections::HashMap;
use std::{fs, path::PathBuf};

/// A program that this repository builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// The file's name in `target/deploy`, without `.so`; also the name of its address.
    pub name: &'static str,
}

/// Checks and runs capabilities.
pub const PROCESSOR: Program = Program::new("valence_processor");
/// The processor with a second version of its config's layout. It runs at [`PROCESSOR`]'s address, as an upgrade of it.
pub const PROCESSOR_V2: Program = Program::new("valence_processor_v2");
/// Keeps shards and their queues.
pub const SCHEDULER: Program = Program::new("valence_scheduler");
/// Keeps managed states and applies diffs.
pub const DIFF: Program = Program::new("valence_diff");
/// Calls the program in account 0 with the accounts that follow.
pub const RELAY: Program = Program::new("relay_program");
/// Calls a program like [`RELAY`], signing for the vault that belongs to it.
pub const MULTISIG: Program = Program::new("multisig_program");
/// A protocol that asks the processor by CPI.
pub const SAMPLE_PROTOCOL: Program = Program::new("sample_protocol");
/// A target that runs only behind the verification of its capability.
pub const GUARDED_TARGET: Program = Program::new("guarded_target");
/// External verifier: the arguments were signed.
pub const ED25519_VERIFIER: Program = Program::new("ed25519_verifier");
/// External verifier: no account is writable or signs.
pub const FLAGS_VERIFIER: Program = Program::new("flags_verifier");
/// External verifier: the arguments are a proof.
pub const GROTH16_VERIFIER: Program = Program::new("groth16_verifier");
/// Accepts any accounts and data, and does nothing.
pub const NOOP: Program = Program::new("noop_program");

impl Program {
    /// A program by the name of its built file.
    pub const fn new(name: &'static str) -> Self {
        Self { name }
    }

    /// The keypair that a deployment signs with.
    pub fn keypair(self) -> Keypair {
        keypair(self.name)
    }

    /// The program's fixed address.
    pub fn address(self) -> Pubkey {
        address(self.name)
    }

    /// Where the build leaves the program: in `target/deploy`, or in the folder that `VALENCE_PROGRAMS` names.
    pub fn path(self) -> PathBuf {
        let folder = std::env::var_os("VALENCE_PROGRAMS").map(PathBuf::from);
        let folder = folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/deploy"));
        folder.join(self.name).with_extension("so")
    }

    /// The built program.
    ///
    /// # Panics
    /// When it has not been built.
    pub fn elf(self) -> Vec<u8> {
        let path = self.path();
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run ./justw build", path.display()))
    }
}

/// The keypair that `name` stands for.
///
/// Its secret is the name itself, so it protects nothing: for tests only.
///
/// # Panics
/// When the name is empty or longer than 32 bytes.
pub fn keypair(name: &str) -> Keypair {
    assert!(!name.is_empty() && name.len() <= 32, "a name has 1 to 32 bytes: {name:?}");
    let mut secret = [0; 32];
    secret[..name.len()].copy_from_slice(name.as_bytes());
    Keypair::new_from_array(secret)
}

/// The address that `name` stands for: its keypair's public key.
///
/// # Panics
/// As [`keypair`].
pub fn address(name: &str) -> Pubkey {
    remembered(name, || keypair(name).pubkey())
}

/// Address of a program's config.
pub fn config(program: Program) -> Pubkey {
    remembered(&format!("config of {}", program.name), || client::config_address(&program.address()))
}

/// An address that was derived before, or is now: that takes as long as a short transaction, and every instruction names some.
fn remembered(name: &str, derive: impl FnOnce() -> Pubkey) -> Pubkey {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, Pubkey>> = RefCell::default();
    }
    if let Some(known) = KNOWN.with_borrow(|known| known.get(name).copied()) {
        return known;
    }
    let address = derive();
    KNOWN.with_borrow_mut(|known| known.insert(name.to_owned(), address));
    address
}
