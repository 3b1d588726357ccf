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
        /// The lease has ended: the entry can only be reaped, or reported as failed.
        LeaseEnded = 2128,
        /// The signer does not hold the entry's lease.
        NotLeaseHolder = 2129,
        /// The signer is not an active worker on the queue's allow-list, or the queue takes no leases.
        NotWorker = 2130,
        /// Not-before, interval and number of runs contradict each other or lie outside their limits.
        WrongTime = 2131,
        /// The queue still has entries: let them run, cancel them, or purge the dead ones.
        QueueNotEmpty = 2132,
        /// The shard still has queues or orders: close them first.
        ShardNotEmpty = 2133,
        /// Direct execution is closed: the processor is not paused by its authority, and `direct_until` has passed.
        DirectClosed = 2134,
        /// The capability is not flagged for direct dispatch.
        NotDirect = 2135,
        /// The instruction after this one is not the capability's target call for this entry.
        WrongTargetCall = 2136,
        /// Every place of the list is taken: remove a key first, and let its entries or leases end.
        NoPlace = 2137,
        /// The purse holds less than that above the rent and the tips promised to queued entries.
        PurseTooLow = 2138,
        /// Nothing is to be done for any of the handles: no lease has ended, nothing is due, no deadline has passed.
        NothingToReap = 2139,
        /// A flag is not defined, or not possible here.
        WrongFlags = 2140,
        /// The shard is not paused by its owner, and for a restore neither is the program.
        ShardNotPaused = 2141,
        /// The list of invited shards is empty or too long, names a shard twice, does not begin with the opening shard, or
        /// promises more members or constraints than an order has places for.
        InvalidInvitation = 2200,
        /// A value of the order's policy is outside its stated limits.
        InvalidOrderPolicy = 2201,
        /// The shard is not invited to the order.
        NotInOrder = 2202,
        /// A constraint names an unknown member or kind, a member twice, a level above 15, no weight or a heavier one than
        /// the constraint before it, or what its shard may not ask for.
        InvalidConstraint = 2203,
        /// The shard's invitation allows fewer constraints: submit a shorter set.
        TooManyConstraints = 2204,
        /// The shard's invitation allows fewer members.
        TooManyMembers = 2205,
        /// The capability is a member already.
        AlreadyMember = 2206,
        /// The constraint set has another version: read it again before you accept it.
        ConstraintsChanged = 2207,
        /// No constraint of that set waits for this answer.
        NothingToAccept = 2208,
        /// The accepted constraints contradict each other; the log names the capabilities. Change a set, or let the order
        /// be composed by weight.
        ContradictoryOrder = 2209,
        /// The older epoch still has entries: wait until they have left their queues, or reap those that are overdue.
        OlderEpochPending = 2210,
        /// The current composition was made of these very constraints.
        AlreadyComposed = 2211,
        /// Queues are bound to the order, or entries of it are left: close the queues first.
        OrderInUse = 2212,
        /// The order's own bytes contradict each other; nothing was changed.
        CorruptOrder = 2213,
        /// The member has as many entries in this epoch as can be counted.
        OrderFull = 2214,
        /// A weight names no registered shard, or exceeds 65,535.
        InvalidAllocation = 2215,
        /// The queue has a quota: pass the registry of shards behind the other accounts.
        RegistryMissing = 2216,
        /// The capability's compute limit exceeds what the queue's quota has left in this window: wait for the next window, or have
        /// the quota or the shard's share raised.
        QuotaUsedUp = 2217,
        /// The quotas of the shard's queues would add up to more than 1,000 thousandths: lower another queue's first.
        InvalidQuota = 2218,
        /// The queue is bound to an order: pass the order's account, writable, behind the accounts of the instruction.
        OrderMissing = 2220,
        /// The account is not the order that the queue is bound to, or the queue is bound to none: its header says so.
        WrongOrder = 2221,
        /// The capability is no member of the order that the queue is bound to: bring it in with `SetConstraints` first.
        NotMember = 2222,
        /// The queue holds entries of 16 other capabilities of its order: wait until those of one have left, or use another queue.
        TooManyClasses = 2223,
        /// The order makes the entry wait: for entries that come before it, or for a lease in its chain.
        OrderWaits = 2224,
        /// An entry that comes before this one is dead, and this one dies with it: reap it.
        OrderDoomed = 2225,
    }
}
