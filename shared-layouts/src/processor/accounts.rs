//! Accounts of the processor and the records inside them.
//!
//! ```text
//! capability account
//! +--------------------+---------------------------+--------------------------+-----------------------+
//! | Capability (224 B) | AccountRule (40 B) x t+e  | Function (56 B) x f      | usual call (131 + 33 n) |
//! +--------------------+---------------------------+--------------------------+-----------------------+
//!   header               t target accounts, then     verification functions,    accounts and program of
//!                        e evidence accounts         cheap ones before external a `Verify`, for memcmp
//! ```
//!
//! The usual call is what the rules say already, in the form in which the instructions sysvar shows a `Verify`: per
//! account one byte of flags and the key (config, sysvar and the capability itself first), then the processor's own
//! address. One comparison of memory then stands for all comparisons of accounts. An account that has to be looked at
//! more closely (it signs, is bound to arguments, or is chosen) has `NOT_USUAL` there, which no call equals; such a call, and
//! one whose accounts another instruction of the transaction writes, is compared account by account.

use crate::account::{AccountHeader, AccountLayout, Key, total_bytes};
use crate::declare::{LayoutSpec, layout};
use crate::lifecycle::Lifecycle;

/// Seed of a capability's address, followed by its number (u64).
pub const CAPABILITY_SEED: &[u8] = b"capability";

/// Most target accounts of a capability.
pub const MAX_TARGET_ACCOUNTS: usize = 16;
/// Most evidence accounts of a capability.
pub const MAX_EVIDENCE_ACCOUNTS: usize = 16;
/// Most verification functions of a capability, whatever the config allows: results are a 32-bit map.
pub const MAX_FUNCTIONS: usize = 32;
/// Most bytes of leading data.
pub const MAX_PREFIX_BYTES: usize = 64;
/// Most bytes of arguments.
pub const MAX_ARGUMENTS_BYTES: usize = 768;
/// Highest compute limit that config or capability can state, compute units.
pub const MAX_COMPUTE_UNITS: u32 = 100_000_000;

/// Default of `ProcessorConfig::max_verification_functions`.
pub const DEFAULT_MAX_VERIFICATION_FUNCTIONS: u16 = 10;
/// Default of `ProcessorConfig::max_compute_units`.
pub const DEFAULT_MAX_COMPUTE_UNITS: u32 = 1_000_000;

#[cfg(not(feature = "layout-v2"))]
layout! {
    /// Config of the processor, PDA `["config"]`.
    ProcessorConfig: 192 {
        /// Authority, pause and migration.
        0 lifecycle: Lifecycle,
        /// Capabilities ever registered: the number of the next one. Never falls.
        160 capabilities_created: u64,
        /// Capabilities that exist.
        168 capabilities_active: u32,
        /// Highest `compute_limit` that a capability may state, compute units.
        172 max_compute_units: u32,
        /// Most verification functions that a capability may have.
        176 max_verification_functions: u16,
        /// Zero.
        178 reserved: [u8; 14],
    }
}

#[cfg(feature = "layout-v2")]
layout! {
    /// Second version of the config of the processor, PDA `["config"]`.
    ProcessorConfig: 208 {
        /// Authority, pause and migration.
        0 lifecycle: Lifecycle,
        /// Capabilities ever registered: the number of the next one. Never falls.
        160 capabilities_created: u64,
        /// Highest `compute_limit` that a capability may state, compute units.
        168 max_compute_units: u32,
        /// Capabilities that exist.
        172 capabilities_active: u32,
        /// Most verification functions that a capability may have.
        176 max_verification_functions: u16,
        /// Zero.
        178 reserved: [u8; 30],
    }
}

impl AccountLayout for ProcessorConfig {
    const DISCRIMINATOR: u8 = 0x11;
    const VERSION: u8 = if cfg!(feature = "layout-v2") { 2 } else { 1 };
}

/// Flags of a capability, in `AccountHeader::state`.
pub mod capability_flags {
    /// `Execute` may be called without a scheduler's dispatch before it, at the top level or by CPI.
    pub const CALLABLE_DIRECTLY: u8 = 1;
    /// The scheduler's `DispatchDirect` may run the target without verification while direct execution is open.
    pub const DIRECT_DISPATCH: u8 = 2;
    /// Every defined flag.
    pub const ALL: u8 = 3;
}

/// How the results of the verification functions are put together.
pub mod composition {
    /// Every function must hold.
    pub const ALL: u8 = 0;
    /// One function must hold.
    pub const ANY: u8 = 1;
    /// At least `threshold` functions must hold.
    pub const AT_LEAST: u8 = 2;
    /// The weights of those that hold must reach `threshold`.
    pub const WEIGHTED: u8 = 3;
}

layout! {
    /// Header of a capability, PDA `["capability", number]`. The account's own address signs the target of `Execute`.
    Capability: 224 {
        /// Discriminator, version, bump; `state` holds [`capability_flags`].
        0 header: AccountHeader,
        /// Program whose dispatch drives the capability.
        8 scheduler_program: Key,
        /// Shard, an account of that program, whose owner manages the capability.
        40 shard: Key,
        /// Program that the capability runs.
        72 target_program: Key,
        /// Number that the config gave it.
        104 number: u64,
        /// Grows with every update: an entry queued under another version is refused.
        112 capability_version: u32,
        /// Units that must be left when `Execute` starts and that a dispatch debits, compute units.
        116 compute_limit: u32,
        /// Least count (`composition::AT_LEAST`) or least score (`composition::WEIGHTED`).
        120 threshold: u32,
        /// Number of target accounts.
        124 target_accounts: u8,
        /// Number of evidence accounts: those that only verification reads.
        125 evidence_accounts: u8,
        /// Number of verification functions.
        126 functions: u8,
        /// One of [`composition`].
        127 composition: u8,
        /// Fewest bytes of arguments.
        128 arguments_bytes_min: u16,
        /// Most bytes of arguments.
        130 arguments_bytes_max: u16,
        /// Bytes of `prefix` in use.
        132 prefix_bytes: u8,
        /// Number of functions, at the end of the list, that are external.
        133 external_functions: u8,
        /// Length of the whole account, bytes.
        134 account_bytes: u16,
        /// 1 if a target account is the capability itself, signing; 0 otherwise.
        136 signs: u8,
        /// Zero.
        137 reserved: [u8; 1],
        /// Where the functions begin in the account: what the numbers of accounts give, so that no reader has to multiply.
        138 functions_offset: u16,
        /// Zero.
        140 reserved_middle: [u8; 4],
        /// Leading data of the target call; the arguments follow it.
        144 prefix: [u8; 64],
        /// Zero.
        208 reserved_tail: [u8; 16],
    }
}

impl AccountLayout for Capability {
    const DISCRIMINATOR: u8 = 0x12;
    const VERSION: u8 = 1;
}

impl Capability {
    /// Bytes of the whole account, as its counts give them.
    pub const fn bytes_by_counts(&self) -> usize {
        capability_bytes(self.target_accounts as usize + self.evidence_accounts as usize, self.functions as usize)
    }
}

/// Bytes of a capability's account with so many rules and functions.
pub const fn capability_bytes(rules: usize, functions: usize) -> usize {
    Capability::BYTES
        + total_bytes(rules, AccountRule::BYTES)
        + total_bytes(functions, Function::BYTES)
        + usual_call_bytes(rules)
}

/// Bytes of an account in the usual call: flags, key.
pub const USUAL_ACCOUNT_BYTES: usize = 1 + size_of::<Key>();

/// Flags of an account in the usual call that no call equals.
pub const NOT_USUAL: u8 = 0xff;

/// Bytes of the usual call of a capability with so many rules.
pub const fn usual_call_bytes(rules: usize) -> usize {
    total_bytes(super::verify::Accounts::<()>::COUNT + rules, USUAL_ACCOUNT_BYTES) + size_of::<Key>()
}

/// What binds an account position.
pub mod account_kind {
    /// The key is `AccountRule::key`.
    pub const FIXED: u8 = 0;
    /// The key stands in the arguments at `AccountRule::arguments_offset`.
    pub const FROM_ARGUMENTS: u8 = 1;
    /// Whoever dispatches chooses: never a signer, never the capability, never equal to another position.
    pub const WORKER_CHOSEN: u8 = 2;
    /// The capability's own address, which signs the target call of `Execute`.
    pub const CAPABILITY: u8 = 3;
}

/// Flags that the target call gives an account.
pub mod account_flags {
    /// Signer.
    pub const SIGNER: u8 = 1;
    /// Writable.
    pub const WRITABLE: u8 = 2;
    /// Every defined flag.
    pub const ALL: u8 = 3;
}

layout! {
    /// One account position of a capability.
    AccountRule: 40 {
        /// The account's key; zero unless `kind` is `FIXED` or `CAPABILITY`.
        0 key: Key,
        /// One of [`account_kind`].
        32 kind: u8,
        /// [`account_flags`] of the target call; zero for evidence.
        33 flags: u8,
        /// Where the key stands in the arguments, if `kind` is `FROM_ARGUMENTS`.
        34 arguments_offset: u16,
        /// Zero.
        36 reserved: [u8; 4],
    }
}

/// Kinds of verification function. What a kind reads, and which fields of [`Function`] it uses; all others are zero.
///
/// "Compares" means: the value found stands on the left, `operator` in the middle, and the first `width` bytes of `constant`
/// on the right, read as `number` says. A function whose bytes are not there does not hold.
pub mod function_kind {
    /// Compares the data of `account` at `account_offset`.
    pub const ACCOUNT_DATA: u8 = 1;
    /// Compares the arguments at `input_offset`.
    pub const INPUT: u8 = 2;
    /// `account` has the key `constant` and signs. A caller is recognised by its signature: a program by its PDA's.
    pub const CALLER_IS: u8 = 3;
    /// `account` signs.
    pub const SIGNER_PRESENT: u8 = 4;
    /// Compares the key of `account` (width 32, bytes), with the arguments at `input_offset` if `extra` is 1.
    pub const ACCOUNT_KEY: u8 = 5;
    /// Compares the owner of `account` (width 32, bytes).
    pub const ACCOUNT_OWNER: u8 = 6;
    /// Compares the lamports of `account` (width 8, unsigned).
    pub const LAMPORTS: u8 = 7;
    /// Compares the number of bytes of the arguments (width 8, unsigned).
    pub const INPUT_LENGTH: u8 = 8;
    /// Compares the number in the arguments at `input_offset` with the number in the data of `account` at `account_offset`,
    /// which is first multiplied by `extra` basis points, unless that is 0. With basis points both are unsigned.
    pub const INPUT_TO_ACCOUNT: u8 = 9;
    /// The unix time of `account`, the Clock sysvar, is at least the first i64 of `constant` and less than the second.
    pub const TIME_WINDOW: u8 = 10;
    /// The slot of `account`, the Clock sysvar, is at least the first u64 of `constant` and less than the second.
    pub const SLOT_WINDOW: u8 = 11;
    /// Compares the balance of `account` (width 8, unsigned), an initialized account of SPL Token, whose mint is the key of
    /// `second_account`.
    pub const TOKEN_BALANCE: u8 = 12;
    /// A top-level instruction of the transaction belongs to the program `constant`; if `extra` is not 0, its data begins with
    /// the byte `extra - 1`.
    pub const INSTRUCTION_PRESENT: u8 = 13;
    /// Every top-level instruction of the transaction belongs to the processor, the capability's scheduler, its target, the compute budget
    /// program, or the program `constant`.
    pub const SOLO: u8 = 14;
    /// The program at `account`, called with the `extra` accounts from `second_account` on, answers yes. See
    /// [`crate::processor::external`].
    pub const EXTERNAL: u8 = 15;
}

/// The call of an external verifier.
///
/// Its accounts are passed read-only and unsigned. Its data: the capability's key (32 B), the key of the worker who
/// dispatched or zero (32 B), the arguments. Its answer is its return data: one byte, [`external::YES`] if the function
/// holds; up to 32 bytes that may follow are the value found. An answer set by another program counts as no; an error
/// aborts the transaction.
pub mod external {
    /// First byte of the answer if the function holds.
    pub const YES: u8 = 1;
    /// Bytes of the call's data before the arguments.
    pub const HEAD_BYTES: usize = 64;
    /// Most accounts that are passed.
    pub const MAX_ACCOUNTS: u32 = 8;
}

/// One, in basis points.
pub const ONE_BASIS_POINTS: u32 = 10_000;

/// Comparison operators. The value found stands on the left.
pub mod operator {
    /// Equal.
    pub const EQUAL: u8 = 0;
    /// Not equal.
    pub const NOT_EQUAL: u8 = 1;
    /// Less than.
    pub const LESS: u8 = 2;
    /// Less than or equal.
    pub const LESS_OR_EQUAL: u8 = 3;
    /// Greater than.
    pub const GREATER: u8 = 4;
    /// Greater than or equal.
    pub const GREATER_OR_EQUAL: u8 = 5;
    /// Every bit of the constant is set in the value found.
    pub const ALL_BITS: u8 = 6;
    /// No bit of the constant is set in the value found.
    pub const NO_BITS: u8 = 7;
}

/// How the bytes of a comparison are read.
pub mod number_kind {
    /// Unsigned little-endian number of 1, 2, 4 or 8 bytes.
    pub const UNSIGNED: u8 = 0;
    /// Two's complement little-endian number of 1, 2, 4 or 8 bytes.
    pub const SIGNED: u8 = 1;
    /// Bytes, compared from the first one on, up to 32.
    pub const BYTES: u8 = 2;
}

/// Flags of a verification function.
pub mod function_flags {
    /// May be left out by `DispatchDirect`.
    pub const SKIPPABLE_WHEN_DIRECT: u8 = 1;
    /// Every defined flag.
    pub const ALL: u8 = 1;
}

layout! {
    /// One verification function of a capability.
    Function: 56 {
        /// One of [`function_kind`].
        0 kind: u8,
        /// One of [`operator`].
        1 operator: u8,
        /// Bytes compared: 1, 2, 4, 8, 16 or 32.
        2 width: u8,
        /// One of [`number_kind`].
        3 number: u8,
        /// [`function_flags`].
        4 flags: u8,
        /// Position of the account that is read, counted over target and evidence accounts.
        5 account: u8,
        /// Position of a second account, or number of accounts, where the kind has one.
        6 second_account: u8,
        /// Zero.
        7 reserved: u8,
        /// Weight under `composition::WEIGHTED`.
        8 weight: u32,
        /// Offset in the account's data.
        12 account_offset: u32,
        /// Offset in the arguments.
        16 input_offset: u32,
        /// Meaning stated by the kind; zero otherwise.
        20 extra: u32,
        /// The constant, little-endian, zero behind its width.
        24 constant: [u8; 32],
    }
}

layout! {
    /// Return data of `Check`.
    CheckResult: 48 {
        /// 1 if the composition holds, 0 if not.
        0 passed: u8,
        /// Index of the first function that does not hold; 255 if there is none.
        1 first_failing: u8,
        /// Number of the capability's functions.
        2 functions: u8,
        /// Bytes of `found` in use.
        3 found_bytes: u8,
        /// Bit per function: it holds.
        4 holds: u32,
        /// Bit per function: it was evaluated. An external function is left out when the result no longer depends on it.
        8 evaluated: u32,
        /// Weights of the functions that hold, or their number where the composition has no weights.
        12 score: u32,
        /// What the first function that does not hold found.
        16 found: [u8; 32],
    }
}

/// Every layout of the processor, for reference pages.
pub const LAYOUTS: &[LayoutSpec] =
    &[ProcessorConfig::LAYOUT, Capability::LAYOUT, AccountRule::LAYOUT, Function::LAYOUT, CheckResult::LAYOUT];
