//! Why an instruction is refused, as the number that it returns.
//!
//! A number fits a register. A `ProgramError` is written to memory, and read, compared and copied by every `?` on its way out.

use core::hint::black_box;
use core::num::NonZeroU64;
use pinocchio::error::ProgramError;
use pinocchio::error::{IMMUTABLE, INVALID_ACCOUNT_DATA, INVALID_ARGUMENT, INVALID_INSTRUCTION_DATA, MISSING_REQUIRED_SIGNATURES, NOT_ENOUGH_ACCOUNT_KEYS};
use shared_layouts::declare::Denial;
use shared_layouts::diff::DiffError;
use shared_layouts::lifecycle::Fault;

/// The error number of an instruction.
#[derive(Clone, Copy)]
pub(crate) struct Refusal(NonZeroU64);

/// What a handler returns.
pub(crate) type Outcome<T = ()> = Result<T, Refusal>;

impl Refusal {
    /// The number that the runtime is given.
    #[inline(always)]
    pub(crate) const fn number(self) -> u64 {
        self.0.get()
    }

    /// Of a number that is not zero.
    #[inline(always)]
    const fn of(number: u64) -> Self {
        match NonZeroU64::new(number) {
            Some(number) => Self(number),
            None => Self(NonZeroU64::MAX),
        }
    }
}

impl Refusal {
    /// The refusal by an error's number, by a function of its own for each, whose result the compiler does not know: otherwise it
    /// has the number at hand before the check. For the instructions whose units count.
    #[cold]
    #[inline(never)]
    pub(crate) fn by<const ERROR: u32>() -> Self {
        Self(opaque(Self::of(u64::from(ERROR)).0))
    }
}

/// The number, of which the compiler no longer sees that it is a constant. One function for all, so that each refusal is
/// three instructions.
#[cold]
#[inline(never)]
fn opaque(number: NonZeroU64) -> NonZeroU64 {
    black_box(number)
}

impl Refusal {
    /// [`Refusal::by`] an error of the SDK.
    #[cold]
    #[inline(never)]
    fn sdk<const NUMBER: u64>() -> Self {
        Self(opaque(Self::of(NUMBER).0))
    }

    #[cold]
    #[inline(never)]
    fn other(error: ProgramError) -> Self {
        Self::of(u64::from(error))
    }
}

/// [`Refusal::by`] one of the program's errors, by its name.
macro_rules! refuse {
    ($error:ident) => {
        $crate::refusal::Refusal::by::<{ shared_layouts::diff::DiffError::$error as u32 }>()
    };
}
pub(crate) use refuse;

impl From<DiffError> for Refusal {
    #[inline(always)]
    fn from(error: DiffError) -> Self {
        Self::of(u64::from(error as u32))
    }
}

impl From<Fault> for Refusal {
    #[inline(always)]
    fn from(fault: Fault) -> Self {
        Self::of(u64::from(DiffError::BASE + fault as u32))
    }
}

impl From<ProgramError> for Refusal {
    /// What the checks of accounts and data return gets a cold function each; anything else shares one.
    #[inline(always)]
    fn from(error: ProgramError) -> Self {
        match error {
            ProgramError::InvalidArgument => Self::sdk::<INVALID_ARGUMENT>(),
            ProgramError::InvalidInstructionData => Self::sdk::<INVALID_INSTRUCTION_DATA>(),
            ProgramError::InvalidAccountData => Self::sdk::<INVALID_ACCOUNT_DATA>(),
            ProgramError::NotEnoughAccountKeys => Self::sdk::<NOT_ENOUGH_ACCOUNT_KEYS>(),
            ProgramError::MissingRequiredSignature => Self::sdk::<MISSING_REQUIRED_SIGNATURES>(),
            ProgramError::Immutable => Self::sdk::<IMMUTABLE>(),
            error => Self::other(error),
        }
    }
}

impl From<Denial> for Refusal {
    #[inline(always)]
    fn from(denial: Denial) -> Self {
        Self(denial.number())
    }
}
