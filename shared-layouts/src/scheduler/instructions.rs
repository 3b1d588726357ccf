//! Instructions of the scheduler.

use crate::account::Key;
use crate::declare::{access, instructions, layout, optional};

layout! {
    /// A producer, as `CreateQueue` takes it.
    ProducerRecord: 48 {
        /// The key that will sign.
        0 key: Key,
        /// Highest tip it may offer, lamports.
        32 max_tip_lamports: u64,
        /// Most entries in the queue at a time, dead ones included.
        40 quota: u16,
        /// Highest level it may ask for.
        42 max_level: u8,
        /// Zero.
        43 reserved: [u8; 5],
    }
}

/// `Enqueue`'s level that means the queue's default.
pub const DEFAULT_LEVEL: u8 = u8::MAX;

/// Bits of `UpdateConfig`'s field mask.
pub mod config_fields {
    pub use crate::lifecycle::config_fields::*;

    /// `SchedulerConfig::shard_deposit_lamports`.
    pub const SHARD_DEPOSIT_LAMPORTS: u16 = 1 << 3;
    /// `SchedulerConfig::window_compute_units`.
    pub const WINDOW_COMPUTE_UNITS: u16 = 1 << 4;
    /// `SchedulerConfig::window_seconds`.
    pub const WINDOW_SECONDS: u16 = 1 << 5;
    /// `SchedulerConfig::max_shards`.
    pub const MAX_SHARDS: u16 = 1 << 6;
    /// `SchedulerConfig::max_queue_size`.
    pub const MAX_QUEUE_SIZE: u16 = 1 << 7;
    /// `SchedulerConfig::default_priority`.
    pub const DEFAULT_PRIORITY: u16 = 1 << 8;
    /// `SchedulerConfig::registration`.
    pub const REGISTRATION: u16 = 1 << 9;
    /// Every defined bit.
    pub const ALL: u16 = (1 << 10) - 1;
}

instructions! {
    lifecycle;

    /// Creates the config and the registry of shards. The signer is the program's upgrade authority. Needs the
    /// initialized processor: the program that owns `processor_config` is trusted from now on.
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
            /// Registry, PDA `["registry"]`; must not exist.
            registry: write,
            /// Config of the processor.
            processor_config: read,
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
            /// Deposit of a shard registered by its owner, lamports.
            shard_deposit_lamports: u64,
            /// Most shards at a time.
            max_shards: u16,
            /// Most slots of a queue.
            max_queue_size: u16,
            /// Level of an entry that states none.
            default_priority: u8,
            /// Who may register a shard (`registration`).
            registration: u8,
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
            /// Deposit of a shard registered by its owner from now on, lamports.
            shard_deposit_lamports: u64,
            /// Compute units that all shards together may reserve in a window.
            window_compute_units: u64,
            /// Length of the window, seconds.
            window_seconds: u32,
            /// Most shards at a time. Those that exist stay.
            max_shards: u16,
            /// Most slots of a queue. Those that are larger stay.
            max_queue_size: u16,
            /// Level of an entry that states none, in queues created from now on.
            default_priority: u8,
            /// Who may register a shard (`registration`).
            registration: u8,
        }
        errors { NotAuthority, InvalidConfig, WrongVersion }
    }

    /// Registers a shard. Its address follows from the config's `shards_created`.
    register_shard RegisterShard = 16 {
        accounts {
            /// Config.
            config: write,
            /// Registry.
            registry: write,
            /// Shard, PDA `["shard", number]`; must not exist.
            shard: write,
            /// Owner of the shard, or the scheduler's authority.
            registrar: sign,
            /// Pays the rent and the deposit.
            payer: sign_write,
            /// System program.
            system_program: read,
        }
        data {
            /// Owner of the shard. Where registration is open and the authority does not sign, the owner signs itself.
            owner: Key,
        }
        errors { TooManyShards, RegistrationClosed, WrongAddress }
    }

    /// Creates a queue of a shard. Its address follows from the shard's `queues_created`.
    create_queue CreateQueue = 23 {
        accounts {
            /// Config.
            config: read,
            /// Shard.
            shard: write,
            /// Owner of the shard.
            owner: sign,
            /// Queue, PDA `["queue", shard, number]`; must not exist.
            queue: write,
            /// Pays the rent.
            payer: sign_write,
            /// System program.
            system_program: read,
        }
        data {
            /// Slots; one instruction creates at most as many as fit 10,240 bytes.
            slots: u16,
            /// Most dead entries.
            max_dead: u16,
            /// Latest deadline of an entry, seconds after it was queued. An open queue needs one.
            max_deadline_seconds: u32,
            /// Lease length, seconds.
            lease_seconds: u32,
            /// First back-off, seconds.
            backoff_seconds: u32,
            /// Longest back-off, seconds.
            backoff_cap_seconds: u32,
            /// Attempts before an entry dies.
            max_attempts: u8,
            /// Eligible entries that an open queue lets a dispatch name; zero for the default of 8.
            eligible_window: u8,
            /// One claim in so many serves the lowest level; zero for never.
            lowest_level_every: u8,
            /// Flags (`queue_flags`).
            flags: u8,
            .. "`ProducerRecord` records, up to 16"
        }
        errors { NotShardOwner, InvalidPolicy, QueueTooLarge, InvalidProducer, WrongAddress }
    }

    /// Queues an operation. Works while the program or the shard is paused.
    enqueue Enqueue = 32 {
        accounts {
            /// Queue.
            queue: write,
            /// A listed producer.
            producer: sign,
            /// Capability to run.
            capability: read,
            /// Clock sysvar.
            clock: read,
        }
        data {
            /// Sequence number, used once for ever by this producer in this queue.
            sequence: u64,
            /// After this it cannot be dispatched, unix seconds; zero for the latest that the queue allows.
            deadline_at: i64,
            /// Place of the producer in the queue's list.
            producer_index: u8,
            /// Level, or 255 for the queue's default.
            level: u8,
            .. "arguments"
        }
        errors { QueueFull, NotProducer, ProducerQuota, SequenceUsed, LevelTooHigh, WrongArgumentsLength, UnknownCapability, WrongDeadline }
    }

    /// Takes an entry out of the queue for the verification or execution that follows as the next instruction of the
    /// transaction. In an open queue any worker may name any of the first eligible entries.
    dispatch Dispatch = 35 {
        accounts {
            /// Config.
            config: read,
            /// Shard.
            shard: read,
            /// Queue.
            queue: write,
            /// Who runs the entry.
            worker: sign,
            /// Instructions sysvar.
            instructions: read,
            /// Clock sysvar.
            clock: read,
        }
        data {
            /// Generation of the entry.
            generation: u32,
            /// Slot of the entry.
            slot: u16,
        }
        errors { Paused, ShardPaused, NotTopLevel, WrongShard, StaleHandle, WrongList, DeadlinePassed, NotEligible, LeaseRequired, WrongSibling, WrongCapability, CapabilityChanged, WrongArguments, WrongInstructionsSysvar }
    }
}
