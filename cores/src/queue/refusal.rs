//! Why an instruction is refused, as the number that it returns.
//!
//! A refusal fits a register, and each is made by a cold function of its own. Were it an enum or a constant, the compiler
//! would merge the failing branches and set the number before each check: two instructions for every check that holds.

use core::num::NonZeroU64;
use shared_layouts::declare::Denial;
use shared_layouts::scheduler::SchedulerError;
use solana_program_error::ProgramError;

/// The error number of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(NonZeroU64);

impl Refusal {
    /// The refusal of a number, by a cold function of its own.
    #[inline(always)]
    pub fn of<const CODE: u64>() -> Self {
        Self(Denial::cold::<CODE>().number())
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
    #[inline(always)]
    fn from(error: ProgramError) -> Self {
        Denial::from(error).into()
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
