//! Instructions of the diff program.

use crate::account::Key;
use crate::declare::{access, instructions, optional};

/// Bits of `UpdateConfig`'s field mask.
pub mod config_fields {
    pub use crate::lifecycle::config_fields::*;

    /// `DiffConfig::max_batch_size`.
    pub const MAX_BATCH_SIZE: u16 = 1 << 3;
    /// `DiffConfig::optimization_level`.
    pub const OPTIMIZATION_LEVEL: u16 = 1 << 4;
    /// Every defined bit.
    pub const ALL: u16 = (1 << 5) - 1;
}

instructions! {
    lifecycle;

    /// Creates the config. The signer is the program's upgrade authority. Needs the initialized processor and scheduler.
    initialize Initialize = 0 {
        accounts {
            /// Config, PDA `["config"]`; must not exist.
            config: write,
            /// Pays the rent.
            payer: sign_write,
            /// Upgrade authority of the program.
            upgrade_authority: sign,
            /// The program's own account.
            program: read,
            /// The program's data account.
            program_data: read,
            /// System program.
            system_program: read,
            /// Config of the processor.
            processor_config: read,
            /// Config of the scheduler, which trusts that processor.
            scheduler_config: read,
        }
        data {
            /// Authority from now on.
            authority: Key,
            /// Guardian: may pause for a bounded time; zero for none.
            guardian: Key,
            /// Longest pause by the guardian, seconds.
            guardian_pause_seconds: u32,
            /// Time between two pauses by the guardian, seconds.
            guardian_cooldown_seconds: u32,
            /// Most operations that one instruction applies.
            max_batch_size: u16,
            /// Optimization level of new arenas (`optimization_level`).
            optimization_level: u8,
        }
        errors { AlreadyInitialized, NotUpgradeAuthority, ImmutableProgram, WrongProgramData, WrongAddress, InvalidConfig, DependencyNotInitialized }
    }

    /// Changes any subset of the config's values. Each takes effect at once; a pause or cool-down that runs keeps its end.
    update_config UpdateConfig = 1 {
        accounts {
            /// Config.
            config: write,
            /// Authority.
            authority: sign,
        }
        data {
            /// Which of the following are set (`config_fields`); the others keep their values and are zero here.
            fields: u16,
            /// Guardian: may pause for a bounded time; zero for none.
            guardian: Key,
            /// Longest pause by the guardian, seconds.
            guardian_pause_seconds: u32,
            /// Time between two pauses by the guardian, seconds.
            guardian_cooldown_seconds: u32,
            /// Most operations that one instruction applies.
            max_batch_size: u16,
            /// Optimization level of arenas created from now on (`optimization_level`).
            optimization_level: u8,
        }
        errors { NotAuthority, InvalidConfig, WrongVersion }
    }

    /// Creates a managed state account. Its address follows from the config's `states_created`.
    create_state CreateState = 19 {
        accounts {
            /// Config.
            config: write,
            /// State, PDA `["state", number]`; must not exist.
            state: write,
            /// Owner from now on.
            owner: sign,
            /// Pays the rent.
            payer: sign_write,
            /// System program.
            system_program: read,
        }
        data {
            /// Bytes of data, all zero.
            data_bytes: u32,
        }
        errors { Paused, InvalidSize, WrongAddress }
    }

    /// Applies operations to a state at once: checks the base version, every range, then writes.
    apply_inline ApplyInline = 32 {
        accounts {
            /// Config.
            config: read,
            /// State.
            state: write,
            /// Owner of the state.
            owner: sign,
        }
        data {
            /// Version of the state that the operations were made for.
            base_version: u64,
            .. "operations in wire form, ascending and disjoint"
        }
        errors { Paused, NotOwner, StaleBase, Locked, MalformedOperations, EmptyOperation, OverlappingOperations, OutOfBounds, BatchTooLarge }
    }
}
