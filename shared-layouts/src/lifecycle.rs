//! The part of a config that the three programs share, and what can go wrong with it.

use crate::account::{AccountHeader, Key};
use crate::declare::{error_codes, layout};

/// Seed of each program's config.
pub const CONFIG_SEED: &[u8] = b"config";

/// Values of `AccountHeader::state` in a config.
pub mod pause_state {
    /// Not paused.
    pub const RUNNING: u8 = 0;
    /// Paused by the authority, without end.
    pub const BY_AUTHORITY: u8 = 1;
    /// Paused by the guardian, until `pause_ends_at`.
    pub const BY_GUARDIAN: u8 = 2;
}

/// Values of [`Lifecycle::migration`].
pub mod migration {
    /// The layout is final: `Migrate` can only go up from here.
    pub const FINAL: u8 = 0;
    /// Migrated up and not yet finalized: `Migrate` may go down again.
    pub const OPEN: u8 = 1;
}

/// Bits of `UpdateConfig`'s field mask that all three programs share. A field whose bit is not set keeps its value, and is
/// zero in the data.
pub mod config_fields {
    /// `Lifecycle::guardian`.
    pub const GUARDIAN: u16 = 1;
    /// `Lifecycle::guardian_pause_seconds`.
    pub const GUARDIAN_PAUSE_SECONDS: u16 = 1 << 1;
    /// `Lifecycle::guardian_cooldown_seconds`.
    pub const GUARDIAN_COOLDOWN_SECONDS: u16 = 1 << 2;
}

/// Directions of `Migrate`.
pub mod direction {
    /// To the next version.
    pub const UP: u8 = 0;
    /// To the version before.
    pub const DOWN: u8 = 1;
}

layout! {
    /// Authority, pause and migration, at the start of each program's config. The same in every version of a config.
    Lifecycle: 160 {
        /// Discriminator, version, bump; `state` is one of [`pause_state`].
        0 header: AccountHeader,
        /// May configure, pause, resume, nominate and migrate.
        8 authority: Key,
        /// Nominated and not yet accepted; zero if none.
        40 pending_authority: Key,
        /// May pause for a bounded time and nothing else; zero if none.
        72 guardian: Key,
        /// Start of the last pause, unix seconds.
        104 pause_started_at: i64,
        /// End of the last pause, unix seconds; `i64::MAX` while the authority's pause lasts.
        112 pause_ends_at: i64,
        /// Before this the guardian cannot pause again, unix seconds.
        120 guardian_ready_at: i64,
        /// Longest pause by the guardian, seconds.
        128 guardian_pause_seconds: u32,
        /// From the end of a guardian's pause to its next one, seconds.
        132 guardian_cooldown_seconds: u32,
        /// Pauses ever begun. A lease remembers it, so that a pause costs no attempt.
        136 pause_count: u32,
        /// One of [`migration`].
        140 migration: u8,
        /// Zero.
        141 reserved: [u8; 19],
    }
}

impl Lifecycle {
    /// Whether the program is paused at `now` (unix seconds).
    ///
    /// `now` is asked only when the guardian's pause could have ended.
    ///
    /// # Errors
    /// What `now` returns.
    #[inline(always)]
    pub fn is_paused<E>(&self, now: impl FnOnce() -> Result<i64, E>) -> Result<bool, E> {
        match self.header.state {
            pause_state::RUNNING => Ok(false),
            pause_state::BY_GUARDIAN => Ok(now()? < self.pause_ends_at),
            _ => Ok(true),
        }
    }
}

error_codes! {
    /// Errors that all three programs have, as offsets from the start of each program's range: code 1007 is the processor's
    /// `Paused`, 2007 the scheduler's, 3007 the diff's.
    Fault from 0 {
        /// The account exists already; nothing was changed.
        AlreadyInitialized = 0,
        /// The signer is not the program's upgrade authority: sign with the key that `solana program show` names.
        NotUpgradeAuthority = 1,
        /// The program has no upgrade authority and was never initialized: deploy it again and initialize before making it final.
        ImmutableProgram = 2,
        /// The program account or program data account is not the one of this program under the upgradeable loader.
        WrongProgramData = 3,
        /// The signer is not the authority: sign with the key that the config names, or let that key nominate yours.
        NotAuthority = 4,
        /// The signer was not nominated: let the authority nominate it first.
        NotNominated = 5,
        /// The signer is neither the authority nor the guardian.
        NotPauseAuthority = 6,
        /// The program is paused: wait, or let the authority resume it.
        Paused = 7,
        /// The program is not paused.
        NotPaused = 8,
        /// The program is paused already.
        AlreadyPaused = 9,
        /// The guardian paused recently: its next pause has to wait until `guardian_ready_at`.
        GuardianCooldown = 10,
        /// A value is outside its stated limits; the config was not changed.
        InvalidConfig = 11,
        /// The instruction was called by CPI but must stand at the top level of the transaction.
        NotTopLevel = 12,
        /// A program that must be initialized first is not: initialize processor, scheduler, diff in this order.
        DependencyNotInitialized = 13,
        /// The layout has this version already: there is nothing to migrate.
        AlreadyCurrent = 14,
        /// There is no open migration to finalize or to take back.
        NoOpenMigration = 15,
        /// The config names no such program, or the account belongs to another one.
        UntrustedProgram = 16,
        /// An address does not match the seeds that it must be derived from.
        WrongAddress = 17,
        /// The account's layout has another version than the program: the authority has to call `Migrate`.
        WrongVersion = 18,
    }
}

/// The upgradeable loader (`BPFLoaderUpgradeab1e11111111111111111111111`).
pub const UPGRADEABLE_LOADER: Key = [
    2, 168, 246, 145, 78, 136, 161, 176, 226, 16, 21, 62, 247, 99, 174, 43, 0, 194, 185, 61, 22, 193, 36, 210, 192, 83,
    122, 16, 4, 128, 0, 0,
];
