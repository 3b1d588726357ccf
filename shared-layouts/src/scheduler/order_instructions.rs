//! Instructions of orders and of the compute budget.

use crate::account::Key;
use crate::declare::{access, instructions, layout, optional};

layout! {
    /// An invited shard, as `CreateOrder` takes it.
    OrderInvitation: 40 {
        /// The shard.
        0 shard: Key,
        /// Weight of its constraint set.
        32 weight: u16,
        /// Most constraints that it may submit.
        34 max_constraints: u16,
        /// Most capabilities that it may bring in.
        36 max_members: u8,
        /// Zero.
        37 reserved: [u8; 3],
    }
}

layout! {
    /// A shard's weight, as `AllocateResources` takes it.
    WeightRecord: 16 {
        /// The shard's number.
        0 shard_number: u64,
        /// Its weight from now on, at most 65,535.
        8 weight: u32,
        /// Its place in the registry.
        12 registry_index: u16,
        /// Zero.
        14 reserved: [u8; 2],
    }
}

instructions! {
    /// Opens an order and invites the shards that take part in it. Its address follows from the shard's `orders_created`.
    create_order CreateOrder = 48 {
        accounts {
            /// Shard that opens the order.
            shard: write,
            /// Owner of that shard.
            owner: sign,
            /// Order, PDA `["order", shard, number]`; must not exist.
            order: write,
            /// Pays the rent.
            payer: sign_write,
            /// System program.
            system_program: read,
        }
        data {
            /// How long a held or dead member may stop the others, seconds; 1 to 2,592,000.
            patience_seconds: u32,
            /// How it is composed (`composition_mode`).
            mode: u8,
            .. "`OrderInvitation` records, up to 16, the opening shard's own first"
        }
        errors { NotShardOwner, InvalidInvitation, InvalidOrderPolicy, AlreadyInitialized, WrongAddress }
    }

    /// Brings capabilities of the shard into the order, and replaces the shard's constraint set. What is in force changes with
    /// the next composition. Acceptances of the replaced set are void.
    set_constraints SetConstraints = 49 {
        accounts {
            /// Config.
            config: read,
            /// Order.
            order: write,
            /// Shard, invited to the order.
            shard: read,
            /// Owner of the shard.
            owner: sign,
            .. "capabilities of the shard that become members, up to 16; each gets the next free order bit"
        }
        data {
            /// Number of capabilities passed.
            new_members: u8,
            .. "`ConstraintRecord` records, from the heaviest to the lightest"
        }
        errors { NotShardOwner, NotInOrder, UnknownCapability, AlreadyMember, TooManyMembers, TooManyConstraints, InvalidConstraint }
    }

    /// Accepts, or no longer accepts, what another shard's constraint set asks of this shard's members.
    accept_constraints AcceptConstraints = 50 {
        accounts {
            /// Order.
            order: write,
            /// Shard that answers.
            shard: read,
            /// Owner of that shard.
            owner: sign,
        }
        data {
            /// Version of the set that the answer is about.
            version: u32,
            /// Index, in the order, of the shard that submitted it.
            submitter: u8,
            /// One to accept, zero to accept no longer.
            accept: u8,
        }
        errors { NotShardOwner, NotInOrder, ConstraintsChanged, NothingToAccept }
    }

    /// Composes the accepted constraints and opens the next epoch with the result. Entries that are queued keep the
    /// composition that they were queued under.
    compose Compose = 51 {
        accounts {
            /// Order.
            order: write,
            /// Shard that opened the order.
            shard: read,
            /// Owner of that shard.
            owner: sign,
        }
        data {
            /// The order's `constraints_version` that is to be composed.
            constraints_version: u32,
        }
        errors { NotShardOwner, WrongShard, ConstraintsChanged, AlreadyComposed, OlderEpochPending, ContradictoryOrder, CorruptOrder }
    }

    /// Opens the next epoch under the composition in force, so that later predecessors no longer hold up what is queued now.
    /// Anyone may.
    rotate_epoch RotateEpoch = 52 {
        accounts {
            /// Order.
            order: write,
        }
        data {}
        errors { OlderEpochPending }
    }

    /// Closes an order without queues and entries.
    close_order CloseOrder = 53 {
        accounts {
            /// Order.
            order: write,
            /// Shard that opened the order.
            shard: write,
            /// Owner of that shard.
            owner: sign,
            /// Receives the rent.
            recipient: write,
        }
        data {}
        errors { NotShardOwner, WrongShard, OrderInUse }
    }

    /// Sets weights of shards, and divides the config's `window_compute_units` among all shards by weight: largest remainder,
    /// exact sum. Without any weight nobody has a share. A changed budget counts from the next allocation on.
    allocate_resources AllocateResources = 56 {
        accounts {
            /// Config.
            config: read,
            /// Registry of shards.
            registry: write,
            /// The scheduler's authority.
            authority: sign,
            /// Clock sysvar.
            clock: read,
        }
        data {
            .. "`WeightRecord` records"
        }
        errors { NotAuthority, InvalidAllocation }
    }

    /// Gives a queue a quota of its shard's share of the compute budget, or takes it away. Each dispatch then reserves its
    /// capability's compute limit, and is refused once the window has no more left. What is reserved stays reserved.
    set_quota SetQuota = 58 {
        accounts {
            /// Shard.
            shard: write,
            /// Owner of the shard.
            owner: sign,
            /// Queue.
            queue: write,
        }
        data {
            /// Thousandths of the shard's share; those of all its queues add up to at most 1,000. Zero for no quota.
            quota_permille: u16,
        }
        errors { NotShardOwner, WrongShard, InvalidQuota }
    }
}
