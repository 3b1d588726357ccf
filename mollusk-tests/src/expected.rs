//! The error that a test states, compared exactly.

use shared_layouts::scheduler::SchedulerError;
use solana_instruction::error::InstructionError;
use solana_program_error::ProgramError;

/// An instruction's error, built from whichever form states it best.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected(pub InstructionError);

impl From<InstructionError> for Expected {
    /// An error of the runtime, or a callee's.
    fn from(error: InstructionError) -> Self {
        Self(error)
    }
}

impl From<ProgramError> for Expected {
    /// A generic fault that a program returned.
    fn from(error: ProgramError) -> Self {
        Self(u64::from(error).into())
    }
}

impl From<SchedulerError> for Expected {
    /// An error of the scheduler.
    fn from(error: SchedulerError) -> Self {
        Self::from(error as u32)
    }
}

impl From<u32> for Expected {
    /// A program's own error by its number.
    fn from(code: u32) -> Self {
        Self(InstructionError::Custom(code))
    }
}
