//! Accounts of the scheduler and the records inside them.
//!
//! ```text
//! queue account
//! +------------------+------------------------------+-----------------------+
//! | Queue (2,048 B)  | OrderIndex (2,304 B), only   | Entry (256 B) x slots |
//! |                  | if the queue has an order    |                       |
//! +------------------+------------------------------+-----------------------+
//! ```
//!
//! Every slot is in exactly one list. A list is a head and a tail in the header and `next`/`previous` in the entries, so
//! a move between lists rewrites links and copies no entry: verbs cost the same at any occupancy.

use super::order_accounts::{Composition, Constraint, ConstraintRecord, Epoch, Order, OrderMember, OrderShard};
use crate::account::{AccountHeader, AccountLayout, Key};
use crate::declare::{LayoutSpec, layout};
use crate::lifecycle::Lifecycle;

/// Seed of the registry's address.
pub const REGISTRY_SEED: &[u8] = b"registry";
/// Seed of a shard's address, followed by its number (u64).
pub const SHARD_SEED: &[u8] = b"shard";
/// Seed of a queue's address, followed by the shard's address and the queue's number (u64).
pub const QUEUE_SEED: &[u8] = b"queue";
/// Seed of an order's address, followed by the address of the shard that opened it and the order's number (u64).
pub const ORDER_SEED: &[u8] = b"order";

/// Priority levels, 0 (lowest) to 15 (highest).
pub const LEVELS: usize = 16;
/// Producers of a queue.
pub const MAX_PRODUCERS: usize = 16;
/// Workers on a queue's allow-list.
pub const MAX_WORKERS: usize = 12;
/// Shards in a registry, whatever the config allows.
pub const MAX_SHARDS: usize = 256;
/// Slots of a queue, whatever the config allows.
pub const MAX_SLOTS: usize = 10_000;
/// Bytes of arguments that an entry holds itself.
pub const INLINE_ARGUMENTS_BYTES: usize = 96;
/// Largest account that one instruction creates, and most bytes that one instruction adds.
pub const MAX_CREATE_BYTES: usize = 10_240;
/// Links to no slot.
pub const NO_SLOT: u16 = u16::MAX;
/// Index of no worker.
pub const NO_WORKER: u8 = u8::MAX;
/// Thousandths of a shard's share that the quotas of its queues may add up to.
pub const MAX_QUOTA_PERMILLE: u16 = 1_000;
/// Sequence numbers below a producer's last one that are still accepted once.
pub const SEQUENCE_WINDOW: u64 = 64;

/// Default of `SchedulerConfig::max_shards`.
pub const DEFAULT_MAX_SHARDS: u16 = 100;
/// Default of `SchedulerConfig::max_queue_size`.
pub const DEFAULT_MAX_QUEUE_SIZE: u16 = 1_000;
/// Default of `SchedulerConfig::default_priority`.
pub const DEFAULT_PRIORITY: u8 = 5;
/// Default of `Queue::eligible_window`.
pub const DEFAULT_ELIGIBLE_WINDOW: u8 = 8;

/// Who may register a shard.
pub mod registration {
    /// Only the scheduler's authority.
    pub const CLOSED: u8 = 0;
    /// Anyone, for a refundable deposit.
    pub const OPEN: u8 = 1;
}

layout! {
    /// Config of the scheduler, PDA `["config"]`.
    SchedulerConfig: 288 {
        /// Authority, pause and migration.
        0 lifecycle: Lifecycle,
        /// Processor that the scheduler trusts.
        160 processor_program: Key,
        /// Its config.
        192 processor_config: Key,
        /// Shards ever registered: the number of the next one. Never falls.
        224 shards_created: u64,
        /// Deposit of a shard registered by its owner, lamports; refunded when it is deregistered.
        232 shard_deposit_lamports: u64,
        /// Until then capabilities flagged for it may be dispatched directly, unix seconds.
        240 direct_until: i64,
        /// Compute units that all shards together may reserve in a window.
        248 window_compute_units: u64,
        /// Length of the window, seconds.
        256 window_seconds: u32,
        /// Shards that exist.
        260 shards_active: u16,
        /// Most shards at a time.
        262 max_shards: u16,
        /// Most slots of a queue.
        264 max_queue_size: u16,
        /// Level of an entry that states none.
        266 default_priority: u8,
        /// One of [`registration`].
        267 registration: u8,
        /// Zero.
        268 reserved: [u8; 20],
    }
}

impl AccountLayout for SchedulerConfig {
    const DISCRIMINATOR: u8 = 0x21;
    const VERSION: u8 = 1;
}

layout! {
    /// Registry of active shards and allocation table in one, PDA `["registry"]`. Written only by the registration of
    /// shards and by `AllocateResources`.
    Registry: 8224 {
        /// Discriminator, version, bump.
        0 header: AccountHeader,
        /// Entries in use, at the front of `shards`.
        8 shards_active: u16,
        /// Zero.
        10 reserved: [u8; 6],
        /// Sum of the shares, compute units per window.
        16 allocated_compute_units: u64,
        /// When `AllocateResources` last ran, unix seconds.
        24 allocated_at: i64,
        /// One record for each active shard.
        32 shards: [RegistryEntry; 256],
    }
}

impl AccountLayout for Registry {
    const DISCRIMINATOR: u8 = 0x22;
    const VERSION: u8 = 1;
}

layout! {
    /// One active shard in the registry.
    RegistryEntry: 32 {
        /// The shard's number.
        0 shard_number: u64,
        /// Compute units that the shard may reserve in a window.
        8 share_compute_units: u64,
        /// Weight of the shard in the allocation.
        16 weight: u32,
        /// One if the place is taken.
        20 taken: u8,
        /// Zero.
        21 reserved: [u8; 11],
    }
}

layout! {
    /// A shard, PDA `["shard", number]`.
    Shard: 160 {
        /// Discriminator, version, bump; `state` is 1 while the owner has paused the shard.
        0 header: AccountHeader,
        /// May pause the shard, manage its queues and register its capabilities.
        8 owner: Key,
        /// Nominated owner; zero if none.
        40 pending_owner: Key,
        /// Number that the config gave it.
        72 number: u64,
        /// Deposit to refund, lamports.
        80 deposit_lamports: u64,
        /// Queues ever created: the number of the next one. Never falls.
        88 queues_created: u64,
        /// Orders ever created: the number of the next one. Never falls.
        96 orders_created: u64,
        /// Queues that exist.
        104 queues_active: u32,
        /// Orders that exist.
        108 orders_active: u32,
        /// Start of the last pause by the owner, unix seconds.
        112 pause_started_at: i64,
        /// End of the last pause by the owner, unix seconds; `i64::MAX` while it lasts.
        120 pause_ends_at: i64,
        /// Pauses by the owner ever begun.
        128 pause_count: u32,
        /// Place in the registry.
        132 registry_index: u16,
        /// Thousandths of the shard's share that its queues hold together.
        134 quota_permille: u16,
        /// Zero.
        136 reserved: [u8; 24],
    }
}

impl AccountLayout for Shard {
    const DISCRIMINATOR: u8 = 0x23;
    const VERSION: u8 = 1;
}

layout! {
    /// Head and tail of a list of slots.
    List: 4 {
        /// First slot, or `NO_SLOT`.
        0 head: u16,
        /// Last slot, or `NO_SLOT`.
        2 tail: u16,
    }
}

layout! {
    /// A key that may enqueue. A record outlives its removal until its entries are gone, and the queue's
    /// `sequence_floor` outlives the record: no sequence number comes alive again.
    Producer: 64 {
        /// The key; zero if the place is free.
        0 key: Key,
        /// Most entries in the queue at a time, dead ones included.
        32 quota: u16,
        /// Entries in the queue, dead ones included.
        34 used: u16,
        /// Highest level it may ask for.
        36 max_level: u8,
        /// One if it may enqueue; zero once it was removed.
        37 active: u8,
        /// Zero.
        38 reserved: [u8; 2],
        /// Highest tip it may offer, lamports.
        40 max_tip_lamports: u64,
        /// Highest sequence number used.
        48 last_sequence: u64,
        /// Bit n: `last_sequence - n` was used.
        56 sequence_window: u64,
    }
}

layout! {
    /// A key that may claim from a leased queue.
    Worker: 40 {
        /// The key; zero if the place is free.
        0 key: Key,
        /// Leases it holds.
        32 leases: u16,
        /// One if it may claim; zero once it was removed.
        34 active: u8,
        /// Zero.
        35 reserved: [u8; 5],
    }
}

/// Flags of a queue, in `AccountHeader::state`.
pub mod queue_flags {
    /// Entries are leased by workers on the allow-list; otherwise any worker dispatches.
    pub const LEASED: u8 = 1;
    /// One lease at a time, or for an open queue only the very next entry: execution follows claiming.
    pub const STRICT: u8 = 2;
    /// Entries carry an order's bit; the account holds an `OrderIndex`.
    pub const ORDERED: u8 = 4;
    /// Dispatch is bounded by the queue's quota of the shard's share of the compute budget. Set and cleared by `SetQuota`.
    pub const METERED: u8 = 8;
    /// Every defined flag.
    pub const ALL: u8 = 15;
}

layout! {
    /// Header of a queue, PDA `["queue", shard, number]`.
    Queue: 2048 {
        /// Discriminator, version, bump; `state` holds [`queue_flags`].
        0 header: AccountHeader,
        /// Shard that the queue belongs to.
        8 shard: Key,
        /// Processor that its entries are dispatched to, as the scheduler's config recorded it.
        40 processor_program: Key,
        /// Order that its entries are bound to; zero if none.
        72 order: Key,
        /// Number that the shard gave it.
        104 number: u64,
        /// Highest sequence number of producers that are gone: a new producer starts above it.
        112 sequence_floor: u64,
        /// Ready entries by level; empty in an ordered queue, unless an instruction runs.
        120 ready: [List; 16],
        /// Free slots, a stack: only the head is used.
        184 free: List,
        /// Entries that wait for their time or for a retry.
        188 delayed: List,
        /// Claimed entries.
        192 leased: List,
        /// Entries that an operator holds back.
        196 held: List,
        /// Dead letters.
        200 dead: List,
        /// Bit n: level n has ready entries.
        204 levels: u16,
        /// Slots of the queue.
        206 slots: u16,
        /// Ready entries.
        208 ready_count: u16,
        /// Delayed entries.
        210 delayed_count: u16,
        /// Leased entries.
        212 leased_count: u16,
        /// Held entries.
        214 held_count: u16,
        /// Dead entries.
        216 dead_count: u16,
        /// Most dead entries; one more is held instead.
        218 max_dead: u16,
        /// Lease length, seconds.
        220 lease_seconds: u32,
        /// First back-off, seconds; doubles with each attempt.
        224 backoff_seconds: u32,
        /// Longest back-off, seconds.
        228 backoff_cap_seconds: u32,
        /// Latest deadline that an entry may have, seconds after it was queued; zero for no limit.
        232 max_deadline_seconds: u32,
        /// Claims so far, for `lowest_level_every`.
        236 claims: u32,
        /// Attempts before an entry dies.
        240 max_attempts: u8,
        /// Eligible entries, from the first, that an open queue lets a dispatch name.
        241 eligible_window: u8,
        /// One claim in so many serves the lowest level; zero for never.
        242 lowest_level_every: u8,
        /// Level of an entry that states none.
        243 default_level: u8,
        /// Thousandths of the shard's share that this queue may use.
        244 quota_permille: u16,
        /// Zero.
        246 reserved: [u8; 2],
        /// Tips promised to queued entries, lamports.
        248 reserved_tip_lamports: u64,
        /// Start of the compute window, unix seconds.
        256 window_started_at: i64,
        /// Compute units reserved in the window.
        264 window_compute_units: u64,
        /// Entries ever enqueued.
        272 enqueued: u64,
        /// Entries dispatched.
        280 dispatched: u64,
        /// Failures reported or leases that ended.
        288 failed: u64,
        /// Failures that were put back for another attempt.
        296 retried: u64,
        /// Entries whose deadline passed.
        304 expired: u64,
        /// Entries that became dead letters.
        312 died: u64,
        /// Dead letters put back.
        320 redriven: u64,
        /// Entries cancelled.
        328 cancelled: u64,
        /// Dead letters removed.
        336 purged: u64,
        /// Seconds that dispatched entries waited, summed over all that `dispatched` counts.
        344 waiting_seconds: u64,
        /// Zero.
        352 reserved_waits: [u8; 8],
        /// Compute units reserved by dispatched entries, summed.
        360 reserved_compute_units: u64,
        /// Claims that handed out nothing although entries were ready: all were blocked.
        368 claims_blocked: u64,
        /// Tips paid, lamports.
        376 paid_tip_lamports: u64,
        /// Slot of the entry enqueued last: with `last_generation` the handle that a CPI caller reads here.
        384 last_slot: u16,
        /// Zero.
        386 reserved_handle: [u8; 2],
        /// Generation of the entry enqueued last.
        388 last_generation: u32,
        /// Zero.
        392 reserved_middle: [u8; 152],
        /// Workers on the allow-list.
        544 workers: [Worker; 12],
        /// Producers.
        1024 producers: [Producer; 16],
    }
}

impl AccountLayout for Queue {
    const DISCRIMINATOR: u8 = 0x24;
    const VERSION: u8 = 1;
}

/// First byte of a queue that is bound to an order. It is a kind of account of its own, because there is an index between header and
/// slab; and so no verb takes it without its order.
pub const ORDERED_QUEUE: u8 = 0x26;

impl Queue {
    /// Offset of the first entry.
    pub const fn slab_offset(&self) -> usize {
        if self.header.state & queue_flags::ORDERED == 0 { Self::BYTES } else { Self::BYTES + OrderIndex::BYTES }
    }
}

/// Capabilities of one queue that an order can tell apart.
pub const ORDER_CLASSES: usize = 16;
/// Class of no capability.
pub const NO_CLASS: u8 = u8::MAX;
/// Lanes of a level of an ordered queue: classes times two epochs.
pub const ORDER_LANES: usize = 32;

layout! {
    /// Ready lists of an ordered queue: for each level, class and epoch, so that a blocked entry never stands in front
    /// of an eligible one. A class is a place for one of the order's bits while entries of it are in the queue. Class and
    /// parity of the epoch together are a lane, number `class * 2 + parity`.
    OrderIndex: 2304 {
        /// Lists by level and lane: index `level * 32 + lane`.
        0 ready: [List; 512],
        /// For each level, the bit of a lane is set if its list has entries.
        2048 level_lanes: [u32; 16],
        /// Order bit to class, or `NO_CLASS`.
        2112 class_of_bit: [u8; 64],
        /// Class to order bit.
        2176 bit_of_class: [u8; 16],
        /// Entries of the class in the queue.
        2192 class_used: [u16; 16],
        /// `Entry::order_serial` of the next entry that becomes ready.
        2224 next_serial: u64,
        /// Zero.
        2232 reserved: [u8; 72],
    }
}

/// Lists of a queue, as `Entry::list` names them.
pub mod list {
    /// Free slot.
    pub const FREE: u8 = 0;
    /// Waits to be claimed or dispatched.
    pub const READY: u8 = 1;
    /// Waits for its time or for a retry.
    pub const DELAYED: u8 = 2;
    /// Claimed by a worker.
    pub const LEASED: u8 = 3;
    /// Held back by an operator, or because the dead letters are full.
    pub const HELD: u8 = 4;
    /// Dead letter.
    pub const DEAD: u8 = 5;
}

/// Flags of an entry.
pub mod entry_flags {
    /// `Entry::arguments` starts with the SHA-256 of the arguments, which the dispatch supplies.
    pub const COMMITTED: u8 = 1;
    /// Missed periods of a recurring entry are made up.
    pub const CATCH_UP: u8 = 2;
    /// Every defined flag.
    pub const ALL: u8 = 3;
}

/// Why an entry is dead or held.
pub mod reason {
    /// Neither.
    pub const NONE: u8 = 0;
    /// A worker reported a permanent failure.
    pub const PERMANENT: u8 = 1;
    /// Every attempt was used.
    pub const ATTEMPTS: u8 = 2;
    /// The deadline passed.
    pub const EXPIRED: u8 = 3;
    /// An operator declared it dead.
    pub const OPERATOR: u8 = 4;
    /// A predecessor died, and the edge says that its successors die too.
    pub const CASCADE: u8 = 5;
}

layout! {
    /// One slot of a queue.
    Entry: 256 {
        /// Next slot of the list, or `NO_SLOT`.
        0 next: u16,
        /// Previous slot of the list, or `NO_SLOT`.
        2 previous: u16,
        /// Grows with every reuse of the slot and with every recurrence.
        4 generation: u32,
        /// One of [`list`].
        8 list: u8,
        /// Priority level.
        9 level: u8,
        /// [`entry_flags`].
        10 flags: u8,
        /// Index of its producer.
        11 producer: u8,
        /// Attempts so far.
        12 attempts: u8,
        /// Attempts before it dies, as the queue's policy was when it was queued.
        13 max_attempts: u8,
        /// Index of the worker that holds the lease, or `NO_WORKER`.
        14 worker: u8,
        /// One of [`reason`].
        15 reason: u8,
        /// Capability to run.
        16 capability: Key,
        /// Version of the capability that it was queued under.
        48 capability_version: u32,
        /// Compute limit of the capability, compute units.
        52 compute_limit: u32,
        /// Sequence number that its producer gave it.
        56 sequence: u64,
        /// When it was queued, or when its present wait began, unix seconds.
        64 waiting_since: i64,
        /// When it becomes ready, unix seconds.
        72 due_at: i64,
        /// After this it cannot be dispatched, unix seconds; `i64::MAX` for never.
        80 deadline_at: i64,
        /// Place in the line of a ready entry of an ordered queue: of two entries of a level the one with the lower number
        /// became ready first.
        88 order_serial: u64,
        /// End of the lease, unix seconds.
        96 lease_ends_at: i64,
        /// Tip for the worker whose dispatch succeeds, lamports.
        104 tip_lamports: u64,
        /// Interval of a recurring entry, seconds; zero if it runs once.
        112 interval_seconds: u32,
        /// Runs left after this one; `u32::MAX` for no end.
        116 runs_left: u32,
        /// Code that the last failure gave.
        120 failure_code: u32,
        /// The config's pause count when it was leased.
        124 config_pauses: u32,
        /// The shard's pause count when it was leased.
        128 shard_pauses: u32,
        /// First back-off, as the queue's policy was when it was queued, seconds.
        132 backoff_seconds: u32,
        /// Longest back-off, as the queue's policy was when it was queued, seconds.
        136 backoff_cap_seconds: u32,
        /// Lease length, as the queue's policy was when it was queued, seconds.
        140 lease_seconds: u32,
        /// Bytes of arguments.
        144 arguments_bytes: u16,
        /// In an ordered queue its order bit while the order counts it, otherwise `NO_BIT`.
        146 order_bit: u8,
        /// In an ordered queue its class.
        147 order_class: u8,
        /// Epoch of the order that counts it.
        148 order_epoch: u32,
        /// Since when it is held or dead, unix seconds.
        152 stuck_since: i64,
        /// The arguments, or what they are committed to.
        160 arguments: [u8; 96],
    }
}

/// Every layout of the scheduler, for reference pages.
pub const LAYOUTS: &[LayoutSpec] = &[
    SchedulerConfig::LAYOUT,
    Registry::LAYOUT,
    RegistryEntry::LAYOUT,
    Shard::LAYOUT,
    Queue::LAYOUT,
    List::LAYOUT,
    Producer::LAYOUT,
    Worker::LAYOUT,
    OrderIndex::LAYOUT,
    Entry::LAYOUT,
    Order::LAYOUT,
    OrderMember::LAYOUT,
    OrderShard::LAYOUT,
    Constraint::LAYOUT,
    ConstraintRecord::LAYOUT,
    Composition::LAYOUT,
    Epoch::LAYOUT,
];
