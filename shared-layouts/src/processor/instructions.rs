//! Instructions of the processor.

use crate::account::Key;
use crate::declare::{access, instructions, optional};

/// Flags of `Execute`.
pub mod execute_flags {
    /// The runtime logs the units left before and after the target call: the difference is what the call cost, 100 units of
    /// the log itself included. The target's return data stays as it is.
    pub const METERED: u8 = 1;
    /// Every defined flag.
    pub const ALL: u8 = 1;
}

/// Bits of `UpdateConfig`'s field mask.
pub mod config_fields {
    pub use crate::lifecycle::config_fields::*;

    /// `ProcessorConfig::max_compute_units`.
    pub const MAX_COMPUTE_UNITS: u16 = 1 << 3;
    /// `ProcessorConfig::max_verification_functions`.
    pub const MAX_VERIFICATION_FUNCTIONS: u16 = 1 << 4;
    /// Every defined bit.
    pub const ALL: u16 = (1 << 5) - 1;
}

instructions! {
    lifecycle;

    /// Creates the config. The signer is the program's upgrade authority, as its program data account records it.
    initialize Initialize = 0 {
        accounts {
            /// Config, PDA `["config"]`; must not exist. Lamports sent to it before do not matter.
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
            /// Highest compute limit of a capability, compute units.
            max_compute_units: u32,
            /// Most verification functions of a capability.
            max_verification_functions: u16,
        }
        errors { AlreadyInitialized, NotUpgradeAuthority, ImmutableProgram, WrongProgramData, WrongAddress, InvalidConfig }
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
            /// Highest compute limit of a capability, compute units.
            max_compute_units: u32,
            /// Most verification functions of a capability.
            max_verification_functions: u16,
        }
        errors { NotAuthority, InvalidConfig, WrongVersion }
    }

    /// Registers a capability of a shard. Its address follows from the config's `capabilities_created`.
    register_capability RegisterCapability = 16 {
        accounts {
            /// Config.
            config: write,
            /// Capability, PDA `["capability", number]`; must not exist.
            capability: write,
            /// Shard that drives the capability; its owning program becomes the capability's scheduler.
            shard: read,
            /// Owner of the shard.
            shard_owner: sign,
            /// Pays the rent.
            payer: sign_write,
            /// System program.
            system_program: read,
        }
        data {
            /// Program that the capability runs.
            target_program: Key,
            /// Compute limit, compute units.
            compute_limit: u32,
            /// Least count or least score, where the composition has one.
            threshold: u32,
            /// Fewest bytes of arguments.
            arguments_bytes_min: u16,
            /// Most bytes of arguments.
            arguments_bytes_max: u16,
            /// Flags (`capability_flags`).
            flags: u8,
            /// Composition (`composition`).
            composition: u8,
            /// Number of target accounts.
            target_accounts: u8,
            /// Number of evidence accounts.
            evidence_accounts: u8,
            /// Number of verification functions.
            functions: u8,
            /// Bytes of leading data.
            prefix_bytes: u8,
            .. "`AccountRule` records of target accounts, then of evidence accounts; `Function` records; leading data"
        }
        errors { InvalidCapability, ForbiddenProgram, WrongShard, NotShardOwner, NotSkippable, AboveConfigLimit, WrongAddress }
    }

    /// Replaces a capability's definition and gives it the next version: entries that were queued under the old one are
    /// refused from now on. The rent follows the length, paid by the payer or back to it.
    update_capability UpdateCapability = 17 {
        accounts {
            /// Config.
            config: read,
            /// Capability.
            capability: write,
            /// Shard that drives the capability.
            shard: read,
            /// Owner of the shard.
            shard_owner: sign,
            /// Pays the rent, or gets it back.
            payer: sign_write,
            /// System program.
            system_program: read,
        }
        data {
            /// Program that the capability runs.
            target_program: Key,
            /// Compute limit, compute units.
            compute_limit: u32,
            /// Least count or least score, where the composition has one.
            threshold: u32,
            /// Fewest bytes of arguments.
            arguments_bytes_min: u16,
            /// Most bytes of arguments.
            arguments_bytes_max: u16,
            /// Flags (`capability_flags`).
            flags: u8,
            /// Composition (`composition`).
            composition: u8,
            /// Number of target accounts.
            target_accounts: u8,
            /// Number of evidence accounts.
            evidence_accounts: u8,
            /// Number of verification functions.
            functions: u8,
            /// Bytes of leading data.
            prefix_bytes: u8,
            .. "`AccountRule` records of target accounts, then of evidence accounts; `Function` records; leading data"
        }
        errors { InvalidCapability, ForbiddenProgram, WrongShard, NotShardOwner, NotSkippable, AboveConfigLimit }
    }

    /// Closes a capability. Its number is not given again, so entries and transactions that name it stay refused.
    close_capability CloseCapability = 18 {
        accounts {
            /// Config.
            config: write,
            /// Capability.
            capability: write,
            /// Shard that drives the capability.
            shard: read,
            /// Owner of the shard.
            shard_owner: sign,
            /// Gets the rent.
            recipient: write,
        }
        data {}
        errors { WrongShard, NotShardOwner }
    }

    /// Evaluates a capability's functions and says how they came out, as return data (`CheckResult`). Fails only on what has
    /// nothing to do with the functions. Stands anywhere, may be called by CPI, needs no dispatch, writes nothing.
    check Check = 19 {
        accounts {
            /// Capability.
            capability: read,
            /// Config.
            config: read,
            /// Instructions sysvar.
            instructions: read,
            .. "the capability's target accounts, then its evidence accounts"
        }
        data {
            /// Version of the capability that the call was made for.
            capability_version: u32,
            /// Zero.
            flags: u8,
            .. "arguments"
        }
        errors { Paused, StaleCapability, WrongArgumentsLength, WrongAccount, WrongChosenAccount, WrongInstructionsSysvar }
    }

    /// Verifies a capability for the target call that follows as the next instruction of the transaction. Stands between
    /// the scheduler's `Dispatch` and the target call; writes nothing.
    verify Verify = 20 {
        accounts {
            /// Capability.
            capability: read,
            /// Config.
            config: read,
            /// Instructions sysvar.
            instructions: read,
            .. "the capability's target accounts, then its evidence accounts"
        }
        data {
            /// Version of the capability that the call was made for.
            capability_version: u32,
            /// Zero.
            flags: u8,
            .. "arguments"
        }
        errors { Paused, NotTopLevel, StaleCapability, WrongArgumentsLength, WrongAccount, WrongChosenAccount, WorkerIsNamed, NotDispatched, WrongTargetCall, VerificationFailed, WrongInstructionsSysvar }
    }

    /// Verifies a capability, then calls its target by CPI, signed by the capability's address where it says so.
    execute Execute = 21 {
        accounts {
            /// Capability.
            capability: read,
            /// Config.
            config: read,
            /// Instructions sysvar.
            instructions: read,
            /// Target program.
            target_program: read,
            .. "the capability's target accounts, then its evidence accounts"
        }
        data {
            /// Version of the capability that the call was made for.
            capability_version: u32,
            /// Flags (`execute_flags`).
            flags: u8,
            .. "arguments"
        }
        errors { Paused, NotTopLevel, StaleCapability, WrongArgumentsLength, WrongAccount, WrongChosenAccount, WorkerIsNamed, NotDispatched, VerificationFailed, WrongInstructionsSysvar, WrongTargetProgram, MissingSigner, ComputeLimit }
    }
}
