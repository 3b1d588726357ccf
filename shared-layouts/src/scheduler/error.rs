//! Errors of the scheduler: 2000 to 2999.

use crate::declare::errors;

errors! {
    /// Errors of the scheduler. Append only.
    SchedulerError from 2000 {
        /// Every place for a shard is taken: raise `max_shards` or deregister one.
        TooManyShards = 2100,
        /// Registration is closed: the scheduler's authority has to sign.
        RegistrationClosed = 2101,
        /// The signer does not own the shard.
        NotShardOwner = 2102,
        /// The account does not belong to this shard.
        WrongShard = 2103,
        /// A value of the queue's policy is outside its stated limits.
        InvalidPolicy = 2104,
        /// The queue would have more slots than `max_queue_size` allows.
        QueueTooLarge = 2105,
        /// No slot is free: wait, grow the queue, or purge dead entries.
        QueueFull = 2106,
        /// The signer is not a listed producer of the queue.
        NotProducer = 2107,
        /// The producer has its quota of entries in the queue, dead ones included.
        ProducerQuota = 2108,
        /// The sequence number was used before, or is older than the window of 64.
        SequenceUsed = 2109,
        /// The level is above 15 or above what the producer may ask for.
        LevelTooHigh = 2110,
        /// The arguments do not fit an entry, or are not what the capability takes.
        WrongArgumentsLength = 2111,
        /// The capability does not belong to the queue's shard, or not to the processor that the scheduler trusts.
        UnknownCapability = 2112,
        /// The capability has another version than the entry: requeue it under the new one.
        CapabilityChanged = 2113,
        /// The handle names no such entry any more: its generation has passed.
        StaleHandle = 2114,
        /// The entry is not in a list from which this is possible.
        WrongList = 2115,
        /// The deadline is missing, has passed, or is later than the queue allows.
        WrongDeadline = 2116,
        /// The entry's deadline has passed: it can only be reaped.
        DeadlinePassed = 2117,
        /// The entry is not among the first eligible ones: dispatch those before it.
        NotEligible = 2118,
        /// The instruction after this one is not the entry's verification or execution by the trusted processor.
        WrongSibling = 2119,
        /// The following instruction belongs to another capability than the entry.
        WrongCapability = 2120,
        /// The following instruction has other arguments than the entry.
        WrongArguments = 2121,
        /// The queue takes leases: claim the entry first.
        LeaseRequired = 2122,
        /// The tip is above the producer's maximum, or above what the purse has left.
        TipNotCovered = 2123,
        /// The account passed as instructions sysvar is another one.
        WrongInstructionsSysvar = 2124,
        /// The producer list names a key twice, is too long, or has a value outside its limits.
        InvalidProducer = 2125,
        /// The shard is paused by its owner.
        ShardPaused = 2126,
        /// The queue's own bytes contradict each other; nothing was changed.
        CorruptQueue = 2127,
    }
}
