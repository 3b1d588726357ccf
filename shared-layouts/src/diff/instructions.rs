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

    /// Creates an arena. Its address follows from the config's `arenas_created`.
    create_arena CreateArena = 16 {
        accounts {
            /// Config.
            config: write,
            /// Arena, PDA `["arena", number]`; must not exist.
            arena: write,
            /// Owner from now on.
            owner: sign,
            /// Pays the rent.
            payer: sign_write,
            /// System program.
            system_program: read,
        }
        data {
            /// Length of the account, bytes, at most 10,240.
            account_bytes: u32,
            /// Digests of committed batches to keep; zero for none.
            ring_slots: u16,
            /// One of `optimization_level`, or `DEFAULT_LEVEL`.
            optimization_level: u8,
        }
        errors { Paused, InvalidSize, InvalidLevel, WrongAddress, AlreadyInitialized }
    }

    /// Makes an arena longer, while its batch is open.
    grow_arena GrowArena = 17 {
        accounts {
            /// Config.
            config: read,
            /// Arena.
            arena: write,
            /// Owner of the arena.
            owner: sign,
            /// Pays the rent.
            payer: sign_write,
            /// System program.
            system_program: read,
        }
        data {
            /// Bytes to add, 1 to 10,240.
            more_bytes: u32,
        }
        errors { Paused, NotAnArena, NotOwner, WrongStage, InvalidSize }
    }

    /// Closes an arena whose batch has not begun, also while paused.
    close_arena CloseArena = 18 {
        accounts {
            /// Arena.
            arena: write,
            /// Owner of the arena.
            owner: sign,
            /// Takes the lamports.
            receiver: write,
        }
        data {}
        errors { NotAnArena, NotOwner, WrongStage }
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

    /// Changes the length of a state's data; new bytes are zero. What is shrunk away is paid back to the payer.
    resize_state ResizeState = 20 {
        accounts {
            /// Config.
            config: read,
            /// State.
            state: write,
            /// Owner of the state.
            owner: sign,
            /// Pays for growth, takes back the rent after a shrink.
            payer: sign_write,
            /// System program.
            system_program: read,
        }
        data {
            /// New length of the data, bytes; at most 10,240 more than before.
            data_bytes: u32,
        }
        errors { Paused, NotOwner, Locked, InvalidSize }
    }

    /// Closes a state that no batch holds, also while paused.
    close_state CloseState = 21 {
        accounts {
            /// State.
            state: write,
            /// Owner of the state.
            owner: sign,
            /// Takes the lamports.
            receiver: write,
        }
        data {}
        errors { NotOwner, Locked }
    }

    /// Compares a target with what it shall become, and stages the difference at the arena's level; where there is none, the
    /// batch stays as it was. Preparing a batch goes on while the program is paused.
    calculate Calculate = 24 {
        accounts {
            /// Arena.
            arena: write,
            /// Owner of the arena.
            owner: sign,
            /// Target: a managed state, or another program's account.
            target: read,
            /// Account that holds what the target shall become.
            source: read,
        }
        data {
            /// Version of the target that the batch is for. A managed state must have it.
            base_version: u64,
            /// Where the range begins in the target's data.
            target_offset: u32,
            /// Where it begins in the source account; 128 for the data of a managed state.
            source_offset: u32,
            /// Length of the range; or `TO_THE_END`, and the target becomes as long as the source says.
            range_bytes: u32,
            /// Where the data begins in another program's account; not used for managed states.
            data_offset: u32,
        }
        errors { NotAnArena, NotOwner, WrongStage, StaleBase, InvalidRange, InvalidLength, TooManyTargets, TargetClosed, ArenaFull }
    }

    /// Stages operations in any order; later ones win once they are optimized. Goes on while the program is paused.
    stage Stage = 25 {
        accounts {
            /// Arena.
            arena: write,
            /// Owner of the arena.
            owner: sign,
            /// Target: a managed state, or another program's account.
            target: read,
        }
        data {
            /// Version of the target that the batch is for. A managed state must have it.
            base_version: u64,
            /// Length of the target's data after the batch, bytes.
            new_length: u32,
            /// Where the data begins in another program's account; not used for managed states.
            data_offset: u32,
            .. "operations in wire form; none to change only the length"
        }
        errors { NotAnArena, NotOwner, WrongStage, StaleBase, InvalidLength, TooManyTargets, TargetClosed, ArenaFull, MalformedOperations }
    }

    /// Makes the staged operations fewer; what they do stays the same. The header says how many there were and are.
    optimize Optimize = 26 {
        accounts {
            /// Arena.
            arena: write,
            /// Owner of the arena.
            owner: sign,
            .. "the targets, in the order of staging"
        }
        data {
            /// One of `optimization_level`.
            level: u8,
        }
        errors { NotAnArena, NotOwner, WrongStage, WrongTarget, StaleBase, InvalidLevel, ArenaFull }
    }

    /// Validates everything, keeps the bytes that the batch will replace, and closes it to staging. A batch that breaks a rule is
    /// rejected and stays open: the instruction succeeds, `seal_status` holds the code, and `rejected` grows.
    seal Seal = 27 {
        accounts {
            /// Arena.
            arena: write,
            /// Owner of the arena.
            owner: sign,
            .. "the targets, in the order of staging"
        }
        data {}
        errors { NotAnArena, NotOwner, WrongStage, WrongTarget }
    }

    /// Locks every target for the sealed batch, if each is what it was when the batch was sealed, and makes those longer that grow.
    begin Begin = 28 {
        accounts {
            /// Config.
            config: read,
            /// Arena.
            arena: write,
            /// Owner of the arena.
            owner: sign,
            /// Clock sysvar.
            clock: read,
            .. "for each target, in the order of staging: the state (write), its owner (sign)"
        }
        data {
            /// Until the deadline, seconds.
            lock_seconds: u32,
        }
        errors { Paused, NotAnArena, NotOwner, WrongStage, WrongTarget, ExternalTarget, Locked, StaleBase, InvalidLength, RentTooLow, InvalidDeadline }
    }

    /// Applies the next operations of a begun batch, at most the config's `max_batch_size`.
    apply Apply = 29 {
        accounts {
            /// Config.
            config: read,
            /// Arena.
            arena: write,
            /// Owner of the arena.
            owner: sign,
            /// Clock sysvar.
            clock: read,
            .. "targets (write), in the order of staging, from the first on whose operations are not all applied"
        }
        data {
            /// Most operations to apply.
            operations_most: u16,
        }
        errors { Paused, NotAnArena, NotOwner, WrongStage, WrongTarget, DeadlinePassed, NothingToApply }
    }

    /// Takes the next operations of a begun batch back, and releases each target that is restored. By the owner at any time, by
    /// anyone after the deadline, also while paused. Once begun, nothing else is possible.
    rollback Rollback = 30 {
        accounts {
            /// Arena.
            arena: write,
            /// Owner of the arena, or anyone after the deadline.
            signer: sign,
            /// Clock sysvar.
            clock: read,
            .. "targets (write), in the order of staging, from the first on that is not restored"
        }
        data {
            /// Most operations to take back.
            operations_most: u16,
        }
        errors { NotAnArena, NotOwner, WrongStage, WrongTarget }
    }

    /// Ends a batch whose operations are all applied: every target gets its new version and length and is released.
    commit Commit = 31 {
        accounts {
            /// Config.
            config: read,
            /// Arena.
            arena: write,
            /// Owner of the arena.
            owner: sign,
            /// Clock sysvar.
            clock: read,
            .. "all targets (write), in the order of staging"
        }
        data {}
        errors { Paused, NotAnArena, NotOwner, WrongStage, WrongTarget, DeadlinePassed, NotAllApplied }
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

    /// Checks the digest of the arena's sealed batch, or of a committed one in its ring, and optionally the data of accounts.
    verify_integrity VerifyIntegrity = 33 {
        accounts {
            /// Arena.
            arena: read,
            .. "accounts whose data is checked, one for each digest in the tail"
        }
        data {
            /// Number of the batch.
            batch: u64,
            /// Digest that it must have.
            digest: [u8; 32],
            .. "for each further account 32 bytes: SHA-256 of its data, without the header if it is a managed state"
        }
        errors { NotAnArena, UnknownBatch, IntegrityMismatch }
    }

    /// Drops the batch of an arena that has not begun, also while paused.
    discard Discard = 34 {
        accounts {
            /// Arena.
            arena: write,
            /// Owner of the arena.
            owner: sign,
        }
        data {}
        errors { NotAnArena, NotOwner, WrongStage }
    }
}
