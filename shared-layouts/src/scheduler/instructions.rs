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

layout! {
    /// One item of an `EnqueueBatch`, before its data and arguments.
    BatchItem: 4 {
        /// Bytes of arguments behind the item's data.
        0 arguments_bytes: u16,
        /// Place of the capability among the accounts that follow the fixed ones.
        2 capability: u8,
        /// Zero.
        3 reserved: u8,
    }
}

layout! {
    /// Names an entry for as long as its generation lasts.
    EntryHandle: 8 {
        /// Generation.
        0 generation: u32,
        /// Slot.
        4 slot: u16,
        /// Zero.
        6 reserved: [u8; 2],
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

    /// Pauses or resumes a shard, by its owner: while it is paused nothing of it is claimed or dispatched.
    update_shard UpdateShard = 17 {
        accounts {
            /// Shard.
            shard: write,
            /// Owner of the shard.
            owner: sign,
            /// Clock sysvar.
            clock: read,
        }
        data {
            /// One to pause, zero to resume.
            paused: u8,
        }
        errors { NotShardOwner, ShardPaused, ShardNotPaused }
    }

    /// Removes a shard that has no queues and no orders; rent and deposit go to its owner.
    deregister_shard DeregisterShard = 18 {
        accounts {
            /// Config.
            config: write,
            /// Registry.
            registry: write,
            /// Shard.
            shard: write,
            /// Owner of the shard; takes the lamports.
            owner: sign_write,
        }
        data {}
        errors { NotShardOwner, ShardNotEmpty }
    }

    /// Nominates another owner for a shard, or takes the nomination back.
    nominate_shard_owner NominateShardOwner = 21 {
        accounts {
            /// Shard.
            shard: write,
            /// Owner of the shard.
            owner: sign,
        }
        data {
            /// Nominee; zero for none.
            nominee: Key,
        }
        errors { NotShardOwner }
    }

    /// Makes the nominee the owner of the shard.
    accept_shard_owner AcceptShardOwner = 22 {
        accounts {
            /// Shard.
            shard: write,
            /// The nominee.
            nominee: sign,
        }
        data {}
        errors { NotNominated }
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
            ? "the order that the queue will be bound to, if its flags say so"
        }
        data {
            /// Slots; one instruction creates at most as many as fit 10,240 bytes.
            slots: u16,
            /// Most dead entries.
            max_dead: u16,
            /// Latest deadline of an entry, seconds after it could first run. An open queue needs one; zero for none.
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
        errors { NotShardOwner, InvalidPolicy, QueueTooLarge, InvalidProducer, WrongAddress, NotInOrder, OrderMissing }
    }

    /// Adds slots to a queue, at most as many as fit 10,240 bytes in one instruction. What is queued stays as it is.
    grow_queue GrowQueue = 24 {
        accounts {
            /// Config.
            config: read,
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
            /// Pays the rent of what is added.
            payer: sign_write,
            /// System program.
            system_program: read,
        }
        data {
            /// Slots to add.
            slots: u16,
        }
        errors { NotShardOwner, WrongShard, QueueTooLarge }
    }

    /// Changes a queue's policy. What is queued keeps the attempts, back-off, lease length and deadline that it was queued with;
    /// whether the queue is leased can only change while it is empty.
    update_queue UpdateQueue = 25 {
        accounts {
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
        }
        data {
            /// Most dead entries.
            max_dead: u16,
            /// Latest deadline of an entry, seconds after it could first run. An open queue needs one; zero for none.
            max_deadline_seconds: u32,
            /// Lease length, seconds; a leased queue needs one.
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
            /// Level of an entry that states none.
            default_level: u8,
        }
        errors { NotShardOwner, WrongShard, InvalidPolicy, QueueNotEmpty, WrongFlags }
    }

    /// Lists a producer, changes what it may do, or, with a quota of zero, removes it.
    set_producer SetProducer = 26 {
        accounts {
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
        }
        data {
            /// The key that will sign.
            key: Key,
            /// Highest tip it may offer, lamports.
            max_tip_lamports: u64,
            /// Most entries in the queue at a time, dead ones included; zero removes the producer.
            quota: u16,
            /// Highest level it may ask for.
            max_level: u8,
        }
        errors { NotShardOwner, WrongShard, InvalidProducer, NoPlace, NotProducer }
    }

    /// Puts a worker on the allow-list of a queue, or takes it off. What it has leased stays leased until the lease ends.
    set_worker SetWorker = 27 {
        accounts {
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
        }
        data {
            /// The worker's key.
            key: Key,
            /// One to list it, zero to take it off.
            active: u8,
        }
        errors { NotShardOwner, WrongShard, NotWorker, NoPlace }
    }

    /// Closes an empty queue; rent and purse go to the recipient. Works while paused.
    close_queue CloseQueue = 28 {
        accounts {
            /// Shard that the queue belongs to.
            shard: write,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
            /// Takes the lamports.
            recipient: write,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {}
        errors { NotShardOwner, WrongShard, QueueNotEmpty, OrderMissing, WrongOrder, CorruptOrder }
    }

    /// Takes lamports out of a queue's purse: what it holds above its rent and the tips promised to queued entries. A purse is
    /// filled by a plain transfer to the queue's address.
    withdraw_purse WithdrawPurse = 29 {
        accounts {
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
            /// Takes the lamports.
            recipient: write,
        }
        data {
            /// How many.
            lamports: u64,
        }
        errors { NotShardOwner, WrongShard, PurseTooLow }
    }

    /// Queues an operation. Works while the program or the shard is paused. The handle is then in the queue's header, at
    /// `Queue::last_slot` and `Queue::last_generation`.
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
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            /// Sequence number, used once for ever by this producer in this queue.
            sequence: u64,
            /// After this it cannot be dispatched, unix seconds; zero for the latest that the queue allows.
            deadline_at: i64,
            /// Before this it does not run, unix seconds; zero for at once.
            not_before_at: i64,
            /// Tip for the worker whose dispatch succeeds, lamports, out of the queue's purse.
            tip_lamports: u64,
            /// Interval of a recurring entry, seconds; zero if it runs once.
            interval_seconds: u32,
            /// Runs of a recurring entry; `u32::MAX` for no end.
            runs: u32,
            /// Place of the producer in the queue's list.
            producer_index: u8,
            /// Level, or 255 for the queue's default.
            level: u8,
            /// Flags (`entry_flags`).
            flags: u8,
            .. "arguments; with `entry_flags::COMMITTED` their length (u16) and SHA-256"
        }
        errors { QueueFull, NotProducer, ProducerQuota, SequenceUsed, LevelTooHigh, WrongArgumentsLength, UnknownCapability, WrongDeadline, WrongTime, WrongFlags, TipNotCovered, CorruptQueue, OrderMissing, WrongOrder, NotMember, TooManyClasses, OrderFull, CorruptOrder }
    }

    /// Queues several operations of one producer, all or none. Works while the program or the shard is paused.
    enqueue_batch EnqueueBatch = 33 {
        accounts {
            /// Queue.
            queue: write,
            /// A listed producer.
            producer: sign,
            /// Clock sysvar.
            clock: read,
            ? "the order that the queue is bound to, if it is bound to one"
            .. "the capabilities that the items name by their place here"
        }
        data {
            .. "items: `BatchItem`, `enqueue::Data`, then the arguments as `Enqueue` takes them"
        }
        errors { QueueFull, NotProducer, ProducerQuota, SequenceUsed, LevelTooHigh, WrongArgumentsLength, UnknownCapability, WrongDeadline, WrongTime, WrongFlags, TipNotCovered, CorruptQueue, OrderMissing, WrongOrder, NotMember, TooManyClasses, OrderFull, CorruptOrder }
    }

    /// Leases the first eligible entries of a leased queue to a worker on its allow-list. Finding fewer than asked for is no error:
    /// the return data then holds the number (u8). On its way it takes up to eight entries past their deadline out and looks at up to
    /// two delayed ones. In a queue that is bound to an order it passes over what the order makes wait, and entries that die with
    /// a dead one before them count among the eight.
    claim Claim = 34 {
        accounts {
            /// Config.
            config: read,
            /// Shard that the queue belongs to.
            shard: read,
            /// Queue.
            queue: write,
            /// Worker on the allow-list.
            worker: sign,
            /// Clock sysvar.
            clock: read,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            /// Place of the worker in the list.
            worker_index: u8,
            /// Leases asked for.
            count: u8,
        }
        errors { Paused, ShardPaused, WrongShard, NotWorker, CorruptQueue, OrderMissing, WrongOrder, OrderFull, CorruptOrder }
    }

    /// Takes an entry out of the queue for the verification or execution that follows as the next instruction of the
    /// transaction. In an open queue any worker may name any of the first eligible entries; in a leased queue the holder of
    /// the lease names its own. A tip is paid to the worker, which has to be writable then.
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
            ? "the order that the queue is bound to, if it is bound to one; then, if the queue has a quota, the registry of shards"
        }
        data {
            /// Generation of the entry.
            generation: u32,
            /// Slot of the entry.
            slot: u16,
        }
        errors { Paused, ShardPaused, NotTopLevel, WrongShard, StaleHandle, WrongList, DeadlinePassed, NotEligible, LeaseRequired, LeaseEnded, NotLeaseHolder, CorruptQueue, WrongSibling, WrongCapability, CapabilityChanged, WrongArguments, WrongInstructionsSysvar, OrderMissing, WrongOrder, OrderWaits, OrderDoomed, CorruptOrder, RegistryMissing, QuotaUsedUp }
    }

    /// Takes an entry out of the queue for the target call itself, which follows as the next instruction of the transaction: without
    /// verification, only for capabilities flagged for it, and only while the processor's authority has paused it or
    /// `direct_until` lies ahead.
    dispatch_direct DispatchDirect = 36 {
        accounts {
            /// Config.
            config: read,
            /// Shard that the queue belongs to.
            shard: read,
            /// Queue.
            queue: write,
            /// Who runs the entry.
            worker: sign,
            /// Instructions sysvar.
            instructions: read,
            /// Clock sysvar.
            clock: read,
            /// Capability to run.
            capability: read,
            /// Config of the processor.
            processor_config: read,
            ? "the order that the queue is bound to, if it is bound to one; then, if the queue has a quota, the registry of shards"
        }
        data {
            /// Generation of the entry.
            generation: u32,
            /// Slot of the entry.
            slot: u16,
        }
        errors { Paused, ShardPaused, NotTopLevel, WrongShard, StaleHandle, WrongList, DeadlinePassed, NotEligible, LeaseRequired, LeaseEnded, NotLeaseHolder, DirectClosed, NotDirect, UnknownCapability, CapabilityChanged, WrongCapability, WrongTargetCall, WrongArguments, WrongInstructionsSysvar, UntrustedProgram, CorruptQueue, OrderMissing, WrongOrder, OrderWaits, OrderDoomed, CorruptOrder, RegistryMissing, QuotaUsedUp }
    }

    /// Reports that a leased entry failed: it is tried again after a back-off, or dead if the failure is permanent or was the last
    /// attempt. Works while paused.
    fail Fail = 37 {
        accounts {
            /// Config.
            config: read,
            /// Shard that the queue belongs to.
            shard: read,
            /// Queue.
            queue: write,
            /// Holder of the lease.
            worker: sign,
            /// Clock sysvar.
            clock: read,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            /// Generation of the entry.
            generation: u32,
            /// Code of the failure, the worker's own.
            code: u32,
            /// Slot of the entry.
            slot: u16,
            /// One if another attempt would fail as well.
            permanent: u8,
        }
        errors { WrongShard, StaleHandle, WrongList, NotLeaseHolder, CorruptQueue, OrderMissing, WrongOrder, OrderFull, CorruptOrder }
    }

    /// Does for entries what time has made due, by anyone: a lease that ended counts as a failure, a delayed entry whose time has come
    /// is ready, an entry past its deadline is dead. In a queue that is bound to an order an entry that died with one before it is dead, and
    /// the others wait no longer for one that is held or dead longer than the order's patience. Handles of which nothing is due are
    /// left alone. Works while paused.
    reap Reap = 38 {
        accounts {
            /// Config.
            config: read,
            /// Shard that the queue belongs to.
            shard: read,
            /// Queue.
            queue: write,
            /// Clock sysvar.
            clock: read,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            .. "`EntryHandle` records"
        }
        errors { WrongShard, NothingToReap, CorruptQueue, OrderMissing, WrongOrder, OrderFull, CorruptOrder }
    }

    /// Gives an entry another level; a ready one goes to the tail of it.
    reprioritize Reprioritize = 39 {
        accounts {
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            /// Generation of the entry.
            generation: u32,
            /// Slot of the entry.
            slot: u16,
            /// Level.
            level: u8,
        }
        errors { NotShardOwner, WrongShard, StaleHandle, LevelTooHigh, OrderMissing, WrongOrder, CorruptOrder }
    }

    /// Holds a ready or delayed entry back.
    hold Hold = 40 {
        accounts {
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
            /// Clock sysvar.
            clock: read,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            /// Generation of the entry.
            generation: u32,
            /// Slot of the entry.
            slot: u16,
        }
        errors { NotShardOwner, WrongShard, StaleHandle, WrongList, OrderMissing, WrongOrder, CorruptOrder }
    }

    /// Lets a held entry go on. One that is held because it could not die gets new attempts and a new deadline.
    release Release = 41 {
        accounts {
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
            /// Clock sysvar.
            clock: read,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            /// Generation of the entry.
            generation: u32,
            /// Slot of the entry.
            slot: u16,
        }
        errors { NotShardOwner, WrongShard, StaleHandle, WrongList, OrderMissing, WrongOrder, OrderFull, CorruptOrder }
    }

    /// Puts a ready, delayed or held entry under its capability's present version, at the tail of its level.
    requeue Requeue = 42 {
        accounts {
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
            /// The entry's capability.
            capability: read,
            /// Clock sysvar.
            clock: read,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            /// Generation of the entry.
            generation: u32,
            /// Slot of the entry.
            slot: u16,
        }
        errors { NotShardOwner, WrongShard, StaleHandle, WrongList, UnknownCapability, WrongArgumentsLength, OrderMissing, WrongOrder, OrderFull, CorruptOrder }
    }

    /// Takes a ready, delayed or held entry out for good: by the shard's owner or the entry's producer. Works while paused.
    cancel Cancel = 43 {
        accounts {
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard, or the entry's producer.
            signer: sign,
            /// Queue.
            queue: write,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            /// Generation of the entry.
            generation: u32,
            /// Slot of the entry.
            slot: u16,
        }
        errors { WrongShard, StaleHandle, WrongList, NotProducer, OrderMissing, WrongOrder, CorruptOrder }
    }

    /// Declares a ready, delayed or held entry dead; if the dead letters are full it is held with that reason instead.
    dead_letter DeadLetter = 44 {
        accounts {
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
            /// Clock sysvar.
            clock: read,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            /// Generation of the entry.
            generation: u32,
            /// Slot of the entry.
            slot: u16,
        }
        errors { NotShardOwner, WrongShard, StaleHandle, WrongList, OrderMissing, WrongOrder, OrderFull, CorruptOrder }
    }

    /// Puts dead letters back, with all their attempts and as long until the deadline as they had at first.
    redrive Redrive = 45 {
        accounts {
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
            /// Clock sysvar.
            clock: read,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            /// Generation of the entry.
            generation: u32,
            /// Slot of the entry.
            slot: u16,
            /// Zero for the entry of the handle; otherwise so many of the oldest dead letters, `u16::MAX` for all.
            count: u16,
        }
        errors { NotShardOwner, WrongShard, StaleHandle, WrongList, OrderMissing, WrongOrder, OrderFull, CorruptOrder }
    }

    /// Removes dead letters for good. Works while paused.
    purge Purge = 46 {
        accounts {
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            /// Generation of the entry.
            generation: u32,
            /// Slot of the entry.
            slot: u16,
            /// Zero for the entry of the handle; otherwise so many of the oldest dead letters, `u16::MAX` for all.
            count: u16,
        }
        errors { NotShardOwner, WrongShard, StaleHandle, WrongList, OrderMissing, WrongOrder, CorruptOrder }
    }

    /// Queues an entry in the place of a listed producer, by its sequence number: for the recovery of what was lost. Only while the
    /// program or the shard is paused.
    restore Restore = 47 {
        accounts {
            /// Config.
            config: read,
            /// Shard that the queue belongs to.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
            /// Capability to run.
            capability: read,
            /// Clock sysvar.
            clock: read,
            ? "the order that the queue is bound to, if it is bound to one"
        }
        data {
            /// Sequence number, used once for ever by this producer in this queue.
            sequence: u64,
            /// After this it cannot be dispatched, unix seconds; zero for the latest that the queue allows.
            deadline_at: i64,
            /// Before this it does not run, unix seconds; zero for at once.
            not_before_at: i64,
            /// Tip for the worker whose dispatch succeeds, lamports, out of the queue's purse.
            tip_lamports: u64,
            /// Interval of a recurring entry, seconds; zero if it runs once.
            interval_seconds: u32,
            /// Runs of a recurring entry; `u32::MAX` for no end.
            runs: u32,
            /// Place of the producer in the queue's list.
            producer_index: u8,
            /// Level, or 255 for the queue's default.
            level: u8,
            /// Flags (`entry_flags`).
            flags: u8,
            .. "arguments; with `entry_flags::COMMITTED` their length (u16) and SHA-256"
        }
        errors { NotShardOwner, WrongShard, ShardNotPaused, QueueFull, NotProducer, ProducerQuota, SequenceUsed, LevelTooHigh, WrongArgumentsLength, UnknownCapability, WrongDeadline, WrongTime, WrongFlags, TipNotCovered, CorruptQueue, OrderMissing, WrongOrder, NotMember, TooManyClasses, OrderFull, CorruptOrder }
    }

    /// Opens direct execution until a time, or closes it.
    set_direct SetDirect = 57 {
        accounts {
            /// Config.
            config: write,
            /// Authority.
            authority: sign,
        }
        data {
            /// Until when, unix seconds; zero closes it.
            direct_until: i64,
        }
        errors { NotAuthority }
    }
}
