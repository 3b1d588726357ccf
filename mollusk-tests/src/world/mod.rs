//! Whole transactions in `LiteSVM`: a true instructions sysvar, real deployment, and the units of each instruction.
//!
//! Precompiled programs are not loaded: they leave no line in the log, and would shift the instruction's index there. A test
//! that needs the Ed25519 program takes [`crate::ed25519`].

mod deploy;
mod logs;
mod outcome;
mod send;
mod snapshot;

pub use deploy::Deployment;
pub use logs::{Invocation, invocations};
pub use outcome::{TxFailure, TxOutcome};
pub use send::PACKET_BYTES;
pub use snapshot::Snapshot;

use crate::{
    features::{FeatureProfile, START_UNIX_SECONDS},
    program_data,
    programs::Program,
    token,
};
use litesvm::LiteSVM;
use mollusk_svm::program::loader_keys::LOADER_V3;
use solana_account::Account;
use solana_clock::Clock;
use solana_pubkey::Pubkey;

const AIRDROP_LAMPORTS: u64 = 1_000_000_000_000_000;

/// A cluster in the process: accounts, programs, a clock, and transactions that are signed and checked.
///
/// A clone is cheap and goes its own way, so that one setup serves many tests.
#[derive(Clone)]
pub struct World {
    /// The virtual machine, for what this type does not cover.
    pub svm: LiteSVM,
    buffers: u32,
}

impl World {
    /// A world with the profile's features, the builtin programs, SPL Token, and a clock at [`START_UNIX_SECONDS`].
    ///
    /// The other standard programs are left out, because loading them takes longer than a test does.
    pub fn new(profile: FeatureProfile) -> Self {
        let mut svm = LiteSVM::default()
            .with_feature_set(profile.feature_set())
            .with_builtins()
            .with_lamports(AIRDROP_LAMPORTS)
            .with_sysvars()
            .with_feature_accounts()
            .with_sigverify(true)
            .with_blockhash_check(true)
            .with_log_bytes_limit(None);
        svm.add_program_with_loader(token::ID, token::ELF, LOADER_V3).expect("the token program loads");
        let mut world = Self { svm, buffers: 0 };
        world.set_unix_seconds(START_UNIX_SECONDS);
        world
    }

    /// Gives an address lamports.
    ///
    /// # Panics
    /// When they leave a new account below the rent's minimum, or the world has run out of them.
    pub fn airdrop(&mut self, address: &Pubkey, lamports: u64) {
        self.svm.expire_blockhash();
        self.svm.airdrop(address, lamports).expect("the airdrop is accepted");
    }

    /// Puts a built program at its address without the transactions of a deployment; without `authority` it is immutable.
    ///
    /// # Panics
    /// When the program has not been built, or the loader refuses it.
    pub fn install(&mut self, program: Program, authority: Option<&Pubkey>) {
        self.install_at(program, &program.address(), authority);
    }

    /// The same at another address: in the place of the program that stands there.
    ///
    /// # Panics
    /// When the program has not been built, or the loader refuses it.
    pub fn install_at(&mut self, program: Program, address: &Pubkey, authority: Option<&Pubkey>) {
        let [(address, account), (data_address, data)] = program_data::pair(address, &program.elf(), authority);
        // The program data comes first: the program is loaded when its own account is written.
        self.set_account(&data_address, data);
        self.set_account(&address, account);
    }

    /// An account, empty when it does not exist.
    pub fn account(&self, address: &Pubkey) -> Account {
        self.svm.get_account(address).unwrap_or_default()
    }

    /// Writes an account as it stands, without a transaction.
    ///
    /// # Panics
    /// When it is a program that does not load, or a sysvar that does not parse.
    pub fn set_account(&mut self, address: &Pubkey, account: Account) {
        self.svm.set_account(*address, account).expect("the account is accepted");
    }

    /// The clock, in unix seconds.
    pub fn unix_seconds(&self) -> i64 {
        self.svm.get_sysvar::<Clock>().unix_timestamp
    }

    /// Sets the clock, in unix seconds.
    pub fn set_unix_seconds(&mut self, unix_seconds: i64) {
        let mut clock = self.svm.get_sysvar::<Clock>();
        clock.unix_timestamp = unix_seconds;
        self.svm.set_sysvar(&clock);
    }

    /// Moves to the next slot. The loader changes a program once in a slot.
    pub fn next_slot(&mut self) {
        let slot = self.svm.get_sysvar::<Clock>().slot;
        self.svm.warp_to_slot(slot + 1);
    }
}
