//! Accounts of the diff program and the records inside them.
//!
//! ```text
//! state account                      arena account
//! +---------------+--------------+   +-----------------+-------------+------------+---------------+
//! | State (128 B) | data         |   | Arena (1,024 B) | digest ring | operations | their inverse |
//! +---------------+--------------+   +-----------------+-------------+------------+---------------+
//! ```

use crate::account::{AccountHeader, AccountLayout, Key};
use crate::declare::{LayoutSpec, layout};
use crate::lifecycle::Lifecycle;

/// Seed of an arena's address, followed by its number (u64).
pub const ARENA_SEED: &[u8] = b"arena";
/// Seed of a managed state account's address, followed by its number (u64).
pub const STATE_SEED: &[u8] = b"state";

/// Targets of a batch.
pub const MAX_TARGETS: usize = 8;
/// Longest data of a managed state.
pub const MAX_STATE_BYTES: usize = 10 * 1_024 * 1_024 - State::BYTES;
/// Most bytes that an account grows by in one instruction, or by one batch.
pub const MAX_GROWTH_BYTES: usize = 10_240;
/// Longest arena.
pub const MAX_ARENA_BYTES: usize = 10 * 1_024 * 1_024;
/// Longest time from `Begin` to the deadline of a batch, seconds.
pub const MAX_LOCK_SECONDS: u32 = 24 * 60 * 60;
/// Stands for the config's optimization level in `CreateArena`.
pub const DEFAULT_LEVEL: u8 = u8::MAX;
/// Stands for "to the end" in `Calculate`.
pub const TO_THE_END: u32 = u32::MAX;
/// Most data bytes that `CreateState` makes; `ResizeState` goes on from there.
pub const MAX_CREATE_STATE_BYTES: usize = 10_240 - State::BYTES;
/// Default of `DiffConfig::max_batch_size`.
pub const DEFAULT_MAX_BATCH_SIZE: u16 = 50;

/// Optimization levels.
pub mod optimization_level {
    /// Operations stay as they were staged.
    pub const NONE: u8 = 0;
    /// Adjacent operations are merged, those without effect are dropped.
    pub const BASIC: u8 = 1;
    /// Basic, and the last writer wins, and small gaps are merged.
    pub const AGGRESSIVE: u8 = 2;
}

layout! {
    /// Config of the diff program, PDA `["config"]`.
    DiffConfig: 256 {
        /// Authority, pause and migration.
        0 lifecycle: Lifecycle,
        /// Processor of this set of programs.
        160 processor_program: Key,
        /// Scheduler of this set of programs.
        192 scheduler_program: Key,
        /// Arenas ever created: the number of the next one. Never falls.
        224 arenas_created: u64,
        /// State accounts ever created: the number of the next one. Never falls.
        232 states_created: u64,
        /// Most operations that one instruction applies.
        240 max_batch_size: u16,
        /// One of [`optimization_level`].
        242 optimization_level: u8,
        /// Zero.
        243 reserved: [u8; 13],
    }
}

impl AccountLayout for DiffConfig {
    const DISCRIMINATOR: u8 = 0x31;
    const VERSION: u8 = 1;
}

/// Values of `AccountHeader::state` in a managed state account.
pub mod lock_state {
    /// Nobody is in the middle of changing it.
    pub const UNLOCKED: u8 = 0;
    /// A batch holds it: what is read may be half of a change.
    pub const LOCKED: u8 = 1;
}

layout! {
    /// Header of a managed state account, PDA `["state", number]`. The data follows.
    State: 128 {
        /// Discriminator, version, bump; `state` is one of [`lock_state`].
        0 header: AccountHeader,
        /// May change, resize and close the account.
        8 owner: Key,
        /// Arena whose batch holds the lock; zero if unlocked.
        40 lock_arena: Key,
        /// Number of that batch.
        72 lock_batch: u64,
        /// After this anyone may roll the batch back, unix seconds.
        80 lock_deadline_at: i64,
        /// Grows by one with every committed change.
        88 state_version: u64,
        /// Number that the config gave it.
        96 number: u64,
        /// Zero.
        104 reserved: [u8; 24],
    }
}

impl AccountLayout for State {
    const DISCRIMINATOR: u8 = 0x32;
    const VERSION: u8 = 1;
}

/// Stages of a batch, in `AccountHeader::state` of an arena.
pub mod batch_stage {
    /// Operations are staged.
    pub const OPEN: u8 = 0;
    /// Validated: nothing can be staged any more.
    pub const SEALED: u8 = 1;
    /// Every target is locked; operations are being applied.
    pub const BEGUN: u8 = 2;
    /// Operations are being taken back; nothing else is possible.
    pub const ROLLING_BACK: u8 = 3;
}

layout! {
    /// Header of an arena, PDA `["arena", number]`. The ring of digests, the operations and their inverse follow.
    Arena: 1024 {
        /// Discriminator, version, bump; `state` is one of [`batch_stage`].
        0 header: AccountHeader,
        /// May stage, seal, begin, apply, commit, roll back and close.
        8 owner: Key,
        /// Number that the config gave it.
        40 number: u64,
        /// Number of the present batch. Never falls.
        48 batch: u64,
        /// After this anyone may roll the begun batch back, unix seconds.
        56 deadline_at: i64,
        /// SHA-256 of the sealed batch: arena, number of the batch, targets, operations.
        64 digest: [u8; 32],
        /// Bytes of staged operations.
        96 operations_bytes: u32,
        /// Bytes that operations may take; their inverse may take as many.
        100 capacity_bytes: u32,
        /// Staged operations.
        104 operations: u32,
        /// Operations applied so far.
        108 applied_operations: u32,
        /// Bytes of operations applied so far.
        112 applied_bytes: u32,
        /// Bytes of operations taken back so far.
        116 restored_bytes: u32,
        /// Status of the last `Seal`: zero, or the code of the error that rejected the batch.
        120 seal_status: u32,
        /// Targets in use.
        124 targets_count: u8,
        /// Targets whose operations are all applied.
        125 applied_targets: u8,
        /// Targets restored and released.
        126 restored_targets: u8,
        /// Level of `Calculate`, one of [`optimization_level`].
        127 optimization_level: u8,
        /// Digests in the ring; zero if no history is kept.
        128 ring_slots: u16,
        /// Next place in the ring.
        130 ring_next: u16,
        /// Zero.
        132 reserved: [u8; 4],
        /// Batches committed.
        136 batches: u64,
        /// Operations staged.
        144 operations_in: u64,
        /// Operations sealed.
        152 operations_out: u64,
        /// Bytes staged, in wire form.
        160 bytes_in: u64,
        /// Bytes sealed, in wire form.
        168 bytes_out: u64,
        /// Batches that `Seal` rejected.
        176 rejected: u64,
        /// Batches rolled back.
        184 rolled_back: u64,
        /// Operations before the last `Optimize`.
        192 optimized_from_operations: u32,
        /// Operations after it.
        196 optimized_to_operations: u32,
        /// Bytes in wire form before the last `Optimize`.
        200 optimized_from_bytes: u32,
        /// Bytes in wire form after it.
        204 optimized_to_bytes: u32,
        /// Zero.
        208 reserved_middle: [u8; 304],
        /// Targets of the batch.
        512 targets: [Target; 8],
    }
}

impl AccountLayout for Arena {
    const DISCRIMINATOR: u8 = 0x33;
    const VERSION: u8 = 1;
}

/// Values of [`Target::kind`].
pub mod target_kind {
    /// A managed state: the diff program locks and changes it.
    pub const MANAGED: u8 = 0;
    /// Another program's account: that program applies the sealed batch itself.
    pub const EXTERNAL: u8 = 1;
}

layout! {
    /// One account that a batch changes.
    Target: 64 {
        /// The account.
        0 state: Key,
        /// Its version when the batch was calculated or staged.
        32 base_version: u64,
        /// Its data length before the batch, bytes; for another program's account what follows `data_offset`.
        40 old_length: u32,
        /// Its data length after the batch, bytes.
        44 new_length: u32,
        /// Offset of its first operation among the staged ones, bytes.
        48 operations_offset: u32,
        /// Bytes of its operations.
        52 operations_bytes: u32,
        /// Where its data begins in the account, bytes.
        56 data_offset: u32,
        /// One of [`target_kind`].
        60 kind: u8,
        /// Zero.
        61 reserved: [u8; 3],
    }
}

layout! {
    /// Digest of one committed batch, in an arena's ring.
    BatchDigest: 40 {
        /// Number of the batch.
        0 batch: u64,
        /// Its digest.
        8 digest: [u8; 32],
    }
}

layout! {
    /// Head of one operation in wire form: `bytes` bytes follow and replace as many from `offset` on.
    OperationHead: 8 {
        /// Where the range begins in the data.
        0 offset: u32,
        /// Length of the range.
        4 bytes: u32,
    }
}

/// Every layout of the diff program, for reference pages.
pub const LAYOUTS: &[LayoutSpec] =
    &[DiffConfig::LAYOUT, State::LAYOUT, Arena::LAYOUT, Target::LAYOUT, BatchDigest::LAYOUT, OperationHead::LAYOUT];
