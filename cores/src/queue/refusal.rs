//! Why an instruction is refused, as the number that it returns.
//!
//! A refusal fits a register, and each is made by a cold function of its own. Were it an enum or a constant, the compiler
//! would merge the failing branches and set the number before each check: two instructions for every check that holds.

use core::hint::black_box;
use core::num::NonZeroU64;
use shared_layouts::declare::Denial;
use shared_layouts::scheduler::SchedulerError;
use solana_program_error::ProgramError;

/// The error number of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(NonZeroU64);

impl Refusal {
    /// The refusal of a number. Instantiated once for each, by [`refuse`](crate::refuse).
    #[cold]
    #[inline(never)]
    pub fn of<const CODE: u64>() -> Self {
        const { assert!(CODE != 0) };
        Self(opaque(NonZeroU64::new(CODE).unwrap_or(NonZeroU64::MAX)))
    }

    /// The number that the runtime is given.
    pub fn number(self) -> u64 {
        self.0.get()
    }

    /// The refusal of an error that another function returned. `From` looks at every error that it could be, which only
    /// vanishes where the compiler knows which one it is.
    #[cold]
    #[inline(never)]
    pub fn passed_on<E>(error: E) -> Self
    where
        u64: From<E>,
    {
        Self(NonZeroU64::new(u64::from(error)).unwrap_or(NonZeroU64::MAX))
    }
}

/// The number, of which the compiler no longer sees that it is a constant. One function for all, so that each refusal is
/// three instructions.
#[cold]
#[inline(never)]
fn opaque(code: NonZeroU64) -> NonZeroU64 {
    black_box(code)
}

/// The refusal by one of the scheduler's errors, by name; with `fault:` by one that all three programs have.
#[macro_export]
macro_rules! refuse {
    (fault: $fault:ident) => {
        $crate::queue::Refusal::of::<
            {
                shared_layouts::scheduler::SchedulerError::BASE as u64 + shared_layouts::lifecycle::Fault::$fault as u64
            },
        >()
    };
    ($error:ident) => {
        $crate::queue::Refusal::of::<{ shared_layouts::scheduler::SchedulerError::$error as u64 }>()
    };
}

impl From<SchedulerError> for Refusal {
    #[cold]
    #[inline(never)]
    fn from(error: SchedulerError) -> Self {
        Self(NonZeroU64::new(u64::from(error as u32)).unwrap_or(NonZeroU64::MAX))
    }
}

impl From<ProgramError> for Refusal {
    /// What the checks of accounts and data return gets a cold function each; anything else shares one.
    #[inline(always)]
    fn from(error: ProgramError) -> Self {
        use solana_program_error as sdk;
        match error {
            ProgramError::InvalidArgument => Self::of::<{ sdk::INVALID_ARGUMENT }>(),
            ProgramError::InvalidInstructionData => Self::of::<{ sdk::INVALID_INSTRUCTION_DATA }>(),
            ProgramError::InvalidAccountData => Self::of::<{ sdk::INVALID_ACCOUNT_DATA }>(),
            ProgramError::InvalidAccountOwner => Self::of::<{ sdk::INVALID_ACCOUNT_OWNER }>(),
            ProgramError::NotEnoughAccountKeys => Self::of::<{ sdk::NOT_ENOUGH_ACCOUNT_KEYS }>(),
            ProgramError::MissingRequiredSignature => Self::of::<{ sdk::MISSING_REQUIRED_SIGNATURES }>(),
            ProgramError::Immutable => Self::of::<{ sdk::IMMUTABLE }>(),
            ProgramError::UnsupportedSysvar => Self::of::<{ sdk::UNSUPPORTED_SYSVAR }>(),
            error => Self::passed_on(error),
        }
    }
}

impl From<Denial> for Refusal {
    #[inline(always)]
    fn from(denial: Denial) -> Self {
        Self(denial.number())
    }
}

impl From<Refusal> for ProgramError {
    #[cold]
    #[inline(never)]
    fn from(refusal: Refusal) -> Self {
        Self::from(refusal.0.get())
    }
}
