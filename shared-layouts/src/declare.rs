//! The three declaration macros: [`layout!`] for accounts and records, [`errors!`] for error codes and
//! [`instructions!`] for instructions. Each writes a thing down once; structs, offsets, parsers, client builders,
//! CPI helpers, reference pages and the adversarial tests are derived from that one place.

use core::num::NonZeroU64;

/// One field of a declared layout or of an instruction's data.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// Field name.
    pub name: &'static str,
    /// Byte offset from the start of the record.
    pub offset: usize,
    /// Size in bytes.
    pub bytes: usize,
    /// Rust type, as written in the declaration.
    pub kind: &'static str,
    /// What the field means, with its unit.
    pub meaning: &'static [&'static str],
}

/// A declared byte layout.
#[derive(Clone, Copy, Debug)]
pub struct LayoutSpec {
    /// Name of the struct.
    pub name: &'static str,
    /// Size in bytes.
    pub bytes: usize,
    /// What the record is.
    pub meaning: &'static [&'static str],
    /// Its fields in byte order.
    pub fields: &'static [FieldSpec],
}

/// One account of a declared instruction.
#[derive(Clone, Copy, Debug)]
pub struct AccountSpec {
    /// Account name.
    pub name: &'static str,
    /// The account has to sign.
    pub signer: bool,
    /// The account has to be writable.
    pub writable: bool,
    /// What the account is.
    pub meaning: &'static [&'static str],
}

/// A declared instruction.
#[derive(Clone, Copy, Debug)]
pub struct InstructionSpec {
    /// Name of the instruction.
    pub name: &'static str,
    /// First byte of its data.
    pub discriminator: u8,
    /// What it does.
    pub meaning: &'static [&'static str],
    /// Its fixed accounts, in order.
    pub accounts: &'static [AccountSpec],
    /// An account that follows the fixed ones where a queue is bound to an order.
    pub optional_account: Option<&'static str>,
    /// What may follow the fixed accounts, if anything may.
    pub more_accounts: Option<&'static str>,
    /// Its fixed data after the discriminator. Offsets count from the byte after the discriminator.
    pub data: &'static [FieldSpec],
    /// What follows the fixed data, if anything may.
    pub tail: Option<&'static str>,
    /// Names of the program's own errors that it can return, besides those of the runtime and the SDK.
    pub errors: &'static [&'static str],
}

/// One declared error.
#[derive(Clone, Copy, Debug)]
pub struct ErrorSpec {
    /// Name of the variant.
    pub name: &'static str,
    /// Code that the transaction's error shows.
    pub code: u32,
    /// What is wrong and what cures it.
    pub meaning: &'static [&'static str],
}

/// Declares a `repr(C)` Pod record: every field with its offset, all of them and the size asserted at compile time.
macro_rules! layout {
    (
        $(#[doc = $doc:literal])*
        $name:ident: $size:literal {
            $( $(#[doc = $fdoc:literal])* $offset:literal $field:ident: $ty:ty, )+
        }
    ) => {
        $(#[doc = $doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
        pub struct $name { $( $(#[doc = $fdoc])* pub $field: $ty, )+ }

        const _: () = assert!(core::mem::size_of::<$name>() == $size);
        const _: () = assert!(core::mem::align_of::<$name>() <= 8);
        $( const _: () = assert!(core::mem::offset_of!($name, $field) == $offset); )+

        impl $name {
            /// Size in bytes.
            pub const BYTES: usize = $size;
            /// The layout as data, for reference pages and tests.
            pub const LAYOUT: $crate::declare::LayoutSpec = $crate::declare::LayoutSpec {
                name: stringify!($name),
                bytes: $size,
                meaning: &[$($doc),*],
                fields: &[ $( $crate::declare::FieldSpec {
                    name: stringify!($field),
                    offset: $offset,
                    bytes: core::mem::size_of::<$ty>(),
                    kind: stringify!($ty),
                    meaning: &[$($fdoc),*],
                }, )+ ],
            };
        }
    };
}

/// Declares error codes: the enum and its list as data.
macro_rules! error_codes {
    (
        $(#[doc = $doc:literal])*
        $name:ident from $base:literal {
            $( $(#[doc = $vdoc:literal])* $variant:ident = $code:literal, )*
        }
    ) => {
        $(#[doc = $doc])*
        #[repr(u32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $( $(#[doc = $vdoc])* $variant = $code, )* }

        $( const _: () = assert!($code >= $base && $code < $base + 1000); )*

        impl $name {
            /// First code of the range.
            pub const BASE: u32 = $base;
            /// Every error of this enum.
            pub const ALL: &'static [$crate::declare::ErrorSpec] = &[ $( $crate::declare::ErrorSpec {
                name: stringify!($variant),
                code: $code,
                meaning: &[$($vdoc),*],
            }, )* ];
        }
    };
}

/// Declares a program's own errors, convertible into the SDK's error. The first hundred codes of each range belong to
/// the faults that all three programs share (see [`crate::lifecycle::Fault`]).
macro_rules! errors {
    ( $(#[doc = $doc:literal])* $name:ident $($rest:tt)* ) => {
        $crate::declare::error_codes! { $(#[doc = $doc])* $name $($rest)* }

        impl From<$name> for solana_program_error::ProgramError {
            #[cold]
            #[inline(never)]
            fn from(error: $name) -> Self {
                Self::Custom(error as u32)
            }
        }

        impl From<$name> for $crate::declare::Denial {
            /// A cold function for each: the error is known where it is returned.
            #[inline(always)]
            fn from(error: $name) -> Self {
                $crate::declare::cold_denials!(error, $name $($rest)*)
            }
        }
    };
}

/// The denial of an error, by its name.
macro_rules! cold_denials {
    ( $error:expr, $name:ident from $base:literal {
        $( $(#[doc = $vdoc:literal])* $variant:ident = $code:literal, )*
    } ) => {
        match $error {
            $( $name::$variant => $crate::declare::Denial::cold::<$code>(), )*
        }
    };
}

/// Turns an account's access word into (signer, writable).
macro_rules! access {
    (read) => {
        (false, false)
    };
    (write) => {
        (false, true)
    };
    (sign) => {
        (true, false)
    };
    (sign_write) => {
        (true, true)
    };
}

/// `Some(text)` if a text is there.
macro_rules! optional {
    () => {
        None
    };
    ($text:literal) => {
        Some($text)
    };
}

/// Declares a program's instructions. Access words: `read`, `write`, `sign`, `sign_write`.
///
/// `lifecycle;` in front of the first one stands for those that all three programs number and shape alike.
macro_rules! instructions {
    ( lifecycle; $($rest:tt)* ) => {
        $crate::declare::instructions! {
            /// Nominates the next authority, or with a zero key takes the nomination back. Nothing else changes until the
            /// nominee accepts.
            nominate_authority NominateAuthority = 2 {
                accounts {
                    /// Config.
                    config: write,
                    /// Authority.
                    authority: sign,
                }
                data {
                    /// Next authority, or zero. Not the guardian.
                    nominee: Key,
                }
                errors { NotAuthority, InvalidConfig, WrongVersion }
            }

            /// Makes the nominee the authority. The former one has no power from then on.
            accept_authority AcceptAuthority = 3 {
                accounts {
                    /// Config.
                    config: write,
                    /// The key that was nominated.
                    nominee: sign,
                }
                data {}
                errors { NotNominated, InvalidConfig, WrongVersion }
            }

            /// Pauses the program: by the authority without end, by the guardian for `guardian_pause_seconds`. What
            /// takes things out of the program goes on; what runs or applies them does not.
            pause Pause = 4 {
                accounts {
                    /// Config.
                    config: write,
                    /// Authority or guardian.
                    signer: sign,
                    /// Clock sysvar.
                    clock: read,
                }
                data {}
                errors { NotPauseAuthority, AlreadyPaused, GuardianCooldown, WrongVersion }
            }

            /// Resumes the program.
            resume Resume = 5 {
                accounts {
                    /// Config.
                    config: write,
                    /// Authority.
                    authority: sign,
                    /// Clock sysvar.
                    clock: read,
                }
                data {}
                errors { NotAuthority, NotPaused, WrongVersion }
            }

            /// Takes an account to the next version of its layout, or back while the migration is open. The config goes
            /// up first, which opens the migration, and down last.
            migrate Migrate = 6 {
                accounts {
                    /// Config.
                    config: write,
                    /// Authority.
                    authority: sign,
                    /// Pays the rent of what is added, and gets back the rent of what is taken away.
                    payer: sign_write,
                    /// System program.
                    system_program: read,
                    .. "the account to migrate, writable; none for the config itself"
                }
                data {
                    /// Up or down (`direction`).
                    direction: u8,
                }
                errors { NotAuthority, AlreadyCurrent, NoOpenMigration, WrongVersion }
            }

            /// Closes the open migration: nothing goes down any more. What is left to go up still can.
            finalize Finalize = 7 {
                accounts {
                    /// Config.
                    config: write,
                    /// Authority.
                    authority: sign,
                }
                data {}
                errors { NotAuthority, NoOpenMigration, WrongVersion }
            }

            $($rest)*
        }
    };
    (
        $(
            $(#[doc = $doc:literal])*
            $module:ident $name:ident = $tag:literal {
                accounts { $( $(#[doc = $adoc:literal])* $account:ident: $access:ident, )* $(? $optional:literal)? $(.. $more:literal)? }
                data { $( $(#[doc = $ddoc:literal])* $field:ident: $ty:ty, )* $(.. $tail:literal)? }
                errors { $( $error:ident ),* $(,)? }
            }
        )*
    ) => {
        $(
            $(#[doc = $doc])*
            pub mod $module {
                #[allow(unused_imports)]
                use super::*;

                /// First byte of the instruction's data.
                pub const DISCRIMINATOR: u8 = $tag;

                /// Fixed data after the discriminator.
                #[repr(C, packed)]
                #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
                pub struct Data { $( $(#[doc = $ddoc])* pub $field: $ty, )* }

                /// Fixed accounts, in order.
                #[derive(Clone, Copy, Debug)]
                pub struct Accounts<T> { $( $(#[doc = $adoc])* pub $account: T, )* }

                /// Places of the fixed accounts: `Position::name as usize`.
                #[repr(usize)]
                #[allow(non_camel_case_types)]
                #[derive(Clone, Copy, Debug, PartialEq, Eq)]
                pub enum Position { $( $(#[doc = $adoc])* $account, )* }

                /// The declaration as data.
                pub const SPEC: $crate::declare::InstructionSpec = $crate::declare::InstructionSpec {
                    name: stringify!($name),
                    discriminator: $tag,
                    meaning: &[$($doc),*],
                    accounts: &[ $( $crate::declare::AccountSpec {
                        name: stringify!($account),
                        signer: access!($access).0,
                        writable: access!($access).1,
                        meaning: &[$($adoc),*],
                    }, )* ],
                    optional_account: optional!($($optional)?),
                    more_accounts: optional!($($more)?),
                    data: &[ $( $crate::declare::FieldSpec {
                        name: stringify!($field),
                        offset: core::mem::offset_of!(Data, $field),
                        bytes: core::mem::size_of::<$ty>(),
                        kind: stringify!($ty),
                        meaning: &[$($ddoc),*],
                    }, )* ],
                    tail: optional!($($tail)?),
                    errors: &[ $( stringify!($error) ),* ],
                };

                impl Data {
                    /// Size in bytes.
                    pub const BYTES: usize = core::mem::size_of::<Self>();

                    /// Reads the data after the discriminator and returns what follows the fixed part.
                    ///
                    /// # Errors
                    /// `InvalidInstructionData` if it is too short, or if the instruction has no tail and it is too long.
                    #[inline(always)]
                    pub fn parse(data: &[u8]) -> Result<(&Self, &[u8]), solana_program_error::ProgramError> {
                        $crate::declare::parse_data(data, SPEC.tail.is_some())
                    }
                }

                impl<T> Accounts<T> {
                    /// Number of fixed accounts.
                    pub const COUNT: usize = SPEC.accounts.len();

                    /// The accounts as an array, in order.
                    pub fn into_array(self) -> [T; SPEC.accounts.len()] {
                        [ $( self.$account ),* ]
                    }
                }

                #[cfg(feature = "cpi")]
                impl<'a> Accounts<&'a mut pinocchio::AccountView> {
                    /// Takes the fixed accounts, checks what the declaration says of signers and writability, and
                    /// returns the accounts that follow.
                    ///
                    /// # Errors
                    /// `NotEnoughAccountKeys`, `InvalidArgument` (accounts that nothing would consume),
                    /// `MissingRequiredSignature`, `Immutable`.
                    #[inline(always)]
                    #[allow(unused_variables)]
                    pub fn parse(
                        accounts: &'a mut [pinocchio::AccountView],
                    ) -> Result<(Self, &'a mut [pinocchio::AccountView]), solana_program_error::ProgramError> {
                        let [$( $account, )* more @ ..] = accounts else {
                            return Err(solana_program_error::ProgramError::NotEnoughAccountKeys);
                        };
                        if SPEC.more_accounts.is_none() && !more.is_empty() {
                            return Err(solana_program_error::ProgramError::InvalidArgument);
                        }
                        $( $crate::declare::check_access($account, access!($access).0, access!($access).1)?; )*
                        Ok((Self { $( $account ),* }, more))
                    }

                    /// [`Self::parse`] for an instruction whose size in the binary matters more than its compute units: the
                    /// same checks in the same order, made by one function that all such instructions share, and an error that
                    /// fits a register.
                    ///
                    /// # Errors
                    /// As [`Self::parse`].
                    #[inline(always)]
                    pub fn parse_cold_or_deny(
                        accounts: &'a mut [pinocchio::AccountView],
                    ) -> Result<(Self, &'a mut [pinocchio::AccountView]), $crate::declare::Denial> {
                        $crate::declare::deny_accounts(accounts, const { $crate::declare::access_table(&SPEC) })?;
                        // SAFETY: the accounts were just checked against the declaration's table.
                        Ok(unsafe { Self::split_checked(accounts) })
                    }

                    /// # Safety
                    /// There are at least as many accounts as are fixed.
                    #[inline(always)]
                    #[allow(unused_variables)]
                    unsafe fn split_checked(
                        accounts: &'a mut [pinocchio::AccountView],
                    ) -> (Self, &'a mut [pinocchio::AccountView]) {
                        let [$( $account, )* more @ ..] = accounts else {
                            // SAFETY: the caller's contract.
                            unsafe { core::hint::unreachable_unchecked() }
                        };
                        (Self { $( $account ),* }, more)
                    }
                }

                #[cfg(feature = "cpi")]
                impl<'a> Accounts<&'a pinocchio::AccountView> {
                    /// Calls the instruction of `program` by CPI. `signers` are the seeds of the caller's PDAs that sign.
                    ///
                    /// # Errors
                    /// `InvalidArgument` if there are more accounts or bytes than a CPI of these helpers takes; what the
                    /// callee returns aborts the transaction.
                    #[inline(always)]
                    pub fn invoke(
                        self,
                        program: &pinocchio::Address,
                        more: &[&'a pinocchio::AccountView],
                        data: &Data,
                        tail: &[u8],
                        signers: &[pinocchio::cpi::Signer],
                    ) -> pinocchio::ProgramResult {
                        $crate::cpi::invoke(program, &SPEC, &self.into_array(), more, bytemuck::bytes_of(data), tail, signers)
                    }
                }
            }

            #[cfg(feature = "client")]
            $(#[doc = $doc])*
            pub fn $module(
                program: solana_pubkey::Pubkey,
                accounts: $module::Accounts<solana_pubkey::Pubkey>,
                more: &[solana_instruction::AccountMeta],
                data: &$module::Data,
                tail: &[u8],
            ) -> solana_instruction::Instruction {
                $crate::client::build(program, &$module::SPEC, &accounts.into_array(), more, bytemuck::bytes_of(data), tail)
            }
        )*

        /// Every instruction of the program, in the order of declaration.
        pub const INSTRUCTIONS: &[&$crate::declare::InstructionSpec] = &[ $( &$module::SPEC, )* ];
    };
}

pub(crate) use {access, cold_denials, error_codes, errors, instructions, layout, optional};

/// Joins the instructions of two files of one program. `COUNT` is the sum of their lengths.
pub(crate) const fn join_instructions<const COUNT: usize>(
    first: &[&'static InstructionSpec],
    second: &[&'static InstructionSpec],
) -> [&'static InstructionSpec; COUNT] {
    let mut joined = [first[0]; COUNT];
    let mut at = 0;
    while at < COUNT {
        joined[at] = if at < first.len() { first[at] } else { second[at - first.len()] };
        at += 1;
    }
    joined
}

/// Splits instruction data into its fixed part and its tail.
///
/// # Errors
/// `InvalidInstructionData` if it is too short, or too long where there is no tail.
#[inline(always)]
pub fn parse_data<T: bytemuck::Pod>(
    data: &[u8],
    has_tail: bool,
) -> Result<(&T, &[u8]), solana_program_error::ProgramError> {
    let invalid = solana_program_error::ProgramError::InvalidInstructionData;
    let bytes = core::mem::size_of::<T>();
    if data.len() < bytes || (!has_tail && data.len() != bytes) {
        return Err(invalid);
    }
    let (fixed, tail) = data.split_at(bytes);
    // A packed record has alignment 1, so this cannot fail once the length is right.
    let fixed = bytemuck::try_from_bytes(fixed).map_err(|_| invalid)?;
    Ok((fixed, tail))
}

/// Checks an account's flags against its declaration.
///
/// # Errors
/// `MissingRequiredSignature`, `Immutable`.
#[cfg(feature = "cpi")]
#[inline(always)]
pub fn check_access(
    account: &pinocchio::AccountView,
    signer: bool,
    writable: bool,
) -> Result<(), solana_program_error::ProgramError> {
    if signer && !account.is_signer() {
        return Err(solana_program_error::ProgramError::MissingRequiredSignature);
    }
    if writable && !account.is_writable() {
        return Err(solana_program_error::ProgramError::Immutable);
    }
    Ok(())
}

/// Why an instruction is refused: the number that the runtime is given, which fits a register. A `ProgramError` is written
/// to memory, and read, compared and copied by every `?` on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial(NonZeroU64);

/// What checks of accounts and data return gets a cold function each; anything else shares one.
///
/// They are not generic: a generic one would exist once in each crate that uses it.
macro_rules! sdk_denials {
    ($($variant:ident $function:ident $code:ident,)*) => {
        $(
            #[cold]
            #[inline(never)]
            fn $function() -> Denial {
                Denial(opaque(const { Denial::of(solana_program_error::$code) }.number()))
            }
        )*

        impl From<solana_program_error::ProgramError> for Denial {
            #[inline(always)]
            fn from(error: solana_program_error::ProgramError) -> Self {
                use solana_program_error::ProgramError;
                match error {
                    $(ProgramError::$variant => $function(),)*
                    error => Self::passed_on(error),
                }
            }
        }
    };
}

sdk_denials! {
    InvalidArgument invalid_argument INVALID_ARGUMENT,
    InvalidInstructionData invalid_instruction_data INVALID_INSTRUCTION_DATA,
    InvalidAccountData invalid_account_data INVALID_ACCOUNT_DATA,
    InvalidAccountOwner invalid_account_owner INVALID_ACCOUNT_OWNER,
    NotEnoughAccountKeys not_enough_account_keys NOT_ENOUGH_ACCOUNT_KEYS,
    MissingRequiredSignature missing_required_signature MISSING_REQUIRED_SIGNATURES,
    Immutable immutable IMMUTABLE,
    UnsupportedSysvar unsupported_sysvar UNSUPPORTED_SYSVAR,
}

impl From<Denial> for u64 {
    #[inline(always)]
    fn from(denial: Denial) -> Self {
        denial.0.get()
    }
}

impl Denial {
    /// Of a number that is not zero, in a function of its own for each number. Otherwise the compiler merges the failing branches
    /// and sets the number before each check: an instruction for every check that holds.
    #[cold]
    #[inline(never)]
    pub fn cold<const CODE: u64>() -> Self {
        const { assert!(CODE != 0) };
        Self(opaque(NonZeroU64::new(CODE).unwrap_or(NonZeroU64::MAX)))
    }

    /// Of an error that another function returned.
    #[cold]
    #[inline(never)]
    fn passed_on(error: solana_program_error::ProgramError) -> Self {
        Self::of(u64::from(error))
    }

    /// Of a number that is not zero.
    #[inline(always)]
    pub const fn of(code: u64) -> Self {
        match NonZeroU64::new(code) {
            Some(code) => Self(code),
            None => Self(NonZeroU64::MAX),
        }
    }

    /// The number that the runtime is given.
    #[inline(always)]
    pub const fn number(self) -> NonZeroU64 {
        self.0
    }
}

/// The number, of which the compiler no longer sees that it is a constant. One function for all, so that each denial is three
/// instructions.
#[cold]
#[inline(never)]
fn opaque(code: NonZeroU64) -> NonZeroU64 {
    core::hint::black_box(code)
}

/// Bit of [`access_table`] that is set if more accounts may follow the fixed ones.
const MORE_BIT: u32 = 8;
/// First bit of [`access_table`] about the accounts: two for each, signer and writable.
const FLAGS_BIT: u32 = 16;

/// What an instruction asks of its accounts, in one number for [`deny_accounts`]: how many are fixed, whether more may
/// follow, and who signs and is writable.
pub const fn access_table(spec: &InstructionSpec) -> u64 {
    let count = spec.accounts.len();
    assert!(count <= (64 - FLAGS_BIT as usize) / 2);
    let mut table = count as u64 | (spec.more_accounts.is_some() as u64) << MORE_BIT;
    let mut index = 0;
    while index < count {
        let account = &spec.accounts[index];
        let flags = account.signer as u64 | (account.writable as u64) << 1;
        table |= flags << (FLAGS_BIT as usize + 2 * index);
        index += 1;
    }
    table
}

/// Checks the accounts of an instruction against its [`access_table`]: their number first, then each in order, its
/// signature before its writability.
///
/// # Errors
/// `NotEnoughAccountKeys`, `InvalidArgument` (accounts that nothing would consume), `MissingRequiredSignature`,
/// `Immutable`.
#[cfg(feature = "cpi")]
#[inline(never)]
pub fn deny_accounts(accounts: &[pinocchio::AccountView], table: u64) -> Result<(), Denial> {
    use solana_program_error as sdk;
    match find_fault(accounts, table) {
        None => Ok(()),
        Some(AccessFault::TooFew) => Err(Denial::of(sdk::NOT_ENOUGH_ACCOUNT_KEYS)),
        Some(AccessFault::TooMany) => Err(Denial::of(sdk::INVALID_ARGUMENT)),
        Some(AccessFault::Unsigned) => Err(Denial::of(sdk::MISSING_REQUIRED_SIGNATURES)),
        Some(AccessFault::ReadOnly) => Err(Denial::of(sdk::IMMUTABLE)),
    }
}

/// What can be wrong with the accounts.
#[cfg(feature = "cpi")]
enum AccessFault {
    TooFew,
    TooMany,
    Unsigned,
    ReadOnly,
}

#[cfg(feature = "cpi")]
#[inline(always)]
fn find_fault(accounts: &[pinocchio::AccountView], table: u64) -> Option<AccessFault> {
    let count = usize::from(table.to_le_bytes()[0]);
    let Some((fixed, more)) = accounts.split_at_checked(count) else {
        return Some(AccessFault::TooFew);
    };
    if !more.is_empty() && table & (1 << MORE_BIT) == 0 {
        return Some(AccessFault::TooMany);
    }
    let mut flags = table >> FLAGS_BIT;
    for account in fixed {
        if flags & 1 != 0 && !account.is_signer() {
            return Some(AccessFault::Unsigned);
        }
        if flags & 2 != 0 && !account.is_writable() {
            return Some(AccessFault::ReadOnly);
        }
        flags >>= 2;
    }
    None
}
