//! The account of an order and the records inside it.
//!
//! ```text
//! order account
//! +----------------+---------------------+--------------------+-------------------------+---------------------+
//! | header (256 B) | OrderMember (36 B)  | OrderShard (48 B)  | Constraint (8 B)        | Epoch (2,344 B)     |
//! |                | x 64, index = bit   | x 16               | x 256, as submitted     | x 2, by parity      |
//! +----------------+---------------------+--------------------+-------------------------+---------------------+
//! ```
//!
//! The first three tables say what the shards asked for. An epoch says what is in force: `Compose` turns the constraints
//! into one set of masks per member, and queue verbs look at nothing else.

use crate::account::{AccountHeader, AccountLayout, Key};
use crate::declare::layout;

/// Capabilities of an order.
pub const MAX_MEMBERS: usize = 64;
/// Shards of an order.
pub const MAX_ORDER_SHARDS: usize = 16;
/// Constraints of an order.
pub const MAX_CONSTRAINTS: usize = 256;
/// Capabilities that one instruction brings into an order.
pub const MAX_NEW_MEMBERS: usize = 16;
/// Longest patience of an order, seconds: thirty days.
pub const MAX_PATIENCE_SECONDS: u32 = 30 * 24 * 60 * 60;
/// Level of a member that states none.
pub const NO_LEVEL: u8 = u8::MAX;
/// Bit of an entry that no order counts.
pub const NO_BIT: u8 = u8::MAX;

/// How an order is composed.
pub mod composition_mode {
    /// A contradiction is an error.
    pub const STRICT: u8 = 0;
    /// The lightest constraint of a contradiction is dropped.
    pub const WEIGHTED: u8 = 1;
}

/// Kinds of constraint.
pub mod constraint_kind {
    /// Entries of `from` come before those of `to`.
    pub const BEFORE: u8 = 1;
    /// Entries of `from` come after those of `to`. Only in a submitted record: it is stored as `BEFORE`, turned round.
    pub const AFTER: u8 = 2;
    /// A link of a chain: `from` before `to`, and of all members that links connect at most one entry is leased at a time.
    pub const SEQUENTIAL: u8 = 3;
    /// Asserts that neither of `from` and `to` has to wait for the other.
    pub const CONCURRENT: u8 = 4;
    /// Entries of `from` that state no level get level `to`.
    pub const PRIORITY: u8 = 5;
}

/// What a dead entry of the first member of an edge means for the second.
pub mod when_dead {
    /// The second waits, at most for the order's patience.
    pub const BLOCK: u8 = 0;
    /// The dead entry counts as done.
    pub const SKIP: u8 = 1;
    /// Entries of the second die too, when they are next looked at.
    pub const CASCADE: u8 = 2;
}

/// Bits of `Constraint::status`.
pub mod constraint_status {
    /// The shard of `from` submitted or accepted it.
    pub const FROM_ACCEPTED: u8 = 1;
    /// The shard of `to` submitted or accepted it.
    pub const TO_ACCEPTED: u8 = 2;
    /// The last composition dropped it, as the lightest of a contradiction.
    pub const DROPPED: u8 = 4;
}

layout! {
    /// An order, PDA `["order", shard, number]`.
    Order: 10064 {
        /// Discriminator, version, bump.
        0 header: AccountHeader,
        /// Shard that opened the order; its owner composes and closes it.
        8 shard: Key,
        /// Number that the shard gave it.
        40 number: u64,
        /// Current epoch. The older one is `epoch - 1`.
        48 epoch: u32,
        /// How long a held or dead member may stop the others, seconds.
        52 patience_seconds: u32,
        /// Grows with every change of a constraint set and of an acceptance.
        56 constraints_version: u32,
        /// The `constraints_version` that the current composition was made of.
        60 composed_version: u32,
        /// Compositions so far; the epoch says which of them it runs under.
        64 compositions: u32,
        /// Constraints that the last composition dropped.
        68 dropped_count: u16,
        /// Constraints in use, at the front of `constraints`.
        70 constraints_count: u16,
        /// Bit n: entries of member n are leased.
        72 leased_mask: u64,
        /// Members in use, at the front of `members`.
        80 members_count: u8,
        /// Shards in use, at the front of `shards`.
        81 shards_count: u8,
        /// One of [`composition_mode`].
        82 mode: u8,
        /// Zero.
        83 reserved: [u8; 45],
        /// Leased entries of each member.
        128 leased: [u16; 64],
        /// Members; the index is the order bit.
        256 members: [OrderMember; 64],
        /// Shards that take part; the opener is the first.
        2560 shards: [OrderShard; 16],
        /// Constraints, as the shards submitted them.
        3328 constraints: [Constraint; 256],
        /// Composition and counts of the two epochs: epoch e is at index `e % 2`.
        5376 epochs: [Epoch; 2],
    }
}

impl AccountLayout for Order {
    const DISCRIMINATOR: u8 = 0x25;
    const VERSION: u8 = 1;
}

layout! {
    /// A capability in an order. A member stays for the order's life, because queued entries carry its bit.
    OrderMember: 36 {
        /// The capability.
        0 capability: Key,
        /// Index of its shard.
        32 shard: u8,
        /// Level of its entries that state none, or `NO_LEVEL`.
        33 level: u8,
        /// Zero.
        34 reserved: [u8; 2],
    }
}

layout! {
    /// A shard in an order.
    OrderShard: 48 {
        /// The shard.
        0 shard: Key,
        /// Version of its constraint set.
        32 version: u32,
        /// Weight of its constraint set: a constraint weighs this times its own weight.
        36 weight: u16,
        /// Queues of the shard that are bound to the order.
        38 queues: u16,
        /// Most constraints.
        40 max_constraints: u16,
        /// Constraints.
        42 constraints: u16,
        /// Most members.
        44 max_members: u8,
        /// Members.
        45 members: u8,
        /// Zero.
        46 reserved: [u8; 2],
    }
}

layout! {
    /// One submitted constraint.
    Constraint: 8 {
        /// Member that must come first; the member concerned where there is only one.
        0 from: u8,
        /// Member that waits; for `PRIORITY` the level.
        1 to: u8,
        /// One of [`constraint_kind`].
        2 kind: u8,
        /// One of [`when_dead`].
        3 when_dead: u8,
        /// Index of the shard that submitted it.
        4 shard: u8,
        /// [`constraint_status`].
        5 status: u8,
        /// Weight.
        6 weight: u16,
    }
}

layout! {
    /// What a composition says of each member. Masks have a bit for each member.
    Composition: 2048 {
        /// Transitively closed predecessors of each member.
        0 predecessors: [u64; 64],
        /// Those among them whose dead entries block the member.
        512 block: [u64; 64],
        /// Those among them whose dead entries kill the member's.
        1024 cascade: [u64; 64],
        /// Members of each member's chain, itself included; zero if it is in none.
        1536 chain: [u64; 64],
    }
}

layout! {
    /// Composition and counts of one epoch of an order. Masks have a bit for each member.
    Epoch: 2344 {
        /// Members with pending entries.
        0 pending_mask: u64,
        /// Members with dead entries that others still look at.
        8 dead_mask: u64,
        /// Members with an entry that was given up: dead or held longer than the order's patience.
        16 given_up_mask: u64,
        /// Members whose dead entries matter to another member.
        24 holding_mask: u64,
        /// Number of this epoch.
        32 epoch: u32,
        /// Number of the composition.
        36 composition: u32,
        /// What is in force in this epoch.
        40 masks: Composition,
        /// Pending entries of each member.
        2088 pending: [u16; 64],
        /// Dead entries of each member that others still look at.
        2216 dead: [u16; 64],
    }
}

layout! {
    /// A constraint, as a shard submits it.
    ConstraintRecord: 8 {
        /// Member that must come first, by its order bit; the member concerned where there is only one.
        0 from: u8,
        /// Member that waits; for `PRIORITY` the level.
        1 to: u8,
        /// One of `constraint_kind`.
        2 kind: u8,
        /// One of `when_dead`; zero for `CONCURRENT` and `PRIORITY`.
        3 when_dead: u8,
        /// Weight, at least 1.
        4 weight: u16,
        /// Zero.
        6 reserved: [u8; 2],
    }
}
