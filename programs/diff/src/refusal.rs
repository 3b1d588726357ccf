//! Why an instruction is refused, as the number that it returns.
//!
//! A number fits a register. A `ProgramError` is written to memory, and read, compared and copied by every `?` on its way out.

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

    /// Of a number that is not zero.
    #[inline(always)]
    const fn of(number: u64) -> Self {
        match NonZeroU64::new(number) {
            Some(number) => Self(number),
            None => Self(NonZeroU64::MAX),
        }
    }
}

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
    #[cold]
    #[inline(never)]
    fn from(error: ProgramError) -> Self {
        Self::of(u64::from(error))
    }
}

impl From<Denial> for Refusal {
    #[inline(always)]
    fn from(denial: Denial) -> Self {
        Self(denial.number())
    }
}
