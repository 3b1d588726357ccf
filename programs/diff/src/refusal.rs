//! Why an instruction is refused, as the number that it returns.
//!
//! It is a [`Denial`] in which an error that the cores return, whichever it is, is one conversion: a denial has a function for each.

use core::num::NonZeroU64;
use pinocchio::error::ProgramError;
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
}

/// The refusal by one of the program's errors, by its name: by a function of its own, so that no check has the number at hand before
/// it is needed. For the instructions whose units count.
macro_rules! refuse {
    ($error:ident) => {
        $crate::refusal::Refusal::from(shared_layouts::declare::Denial::from(shared_layouts::diff::DiffError::$error))
    };
}
pub(crate) use refuse;

impl From<DiffError> for Refusal {
    #[inline(always)]
    fn from(error: DiffError) -> Self {
        Denial::of(u64::from(error as u32)).into()
    }
}

impl From<Fault> for Refusal {
    #[inline(always)]
    fn from(fault: Fault) -> Self {
        Denial::of(u64::from(DiffError::BASE + fault as u32)).into()
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
