//! The lifecycle's instructions, which all three programs number and shape alike.

use crate::{
    fixture::config,
    programs::{DIFF, PROCESSOR, Program, SCHEDULER, address},
};
use shared_layouts::{Key, declare::InstructionSpec, diff, lifecycle::Lifecycle, processor, scheduler};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// The three programs, in the order in which they are initialized.
pub const PROGRAMS: [Program; 3] = [PROCESSOR, SCHEDULER, DIFF];

/// First code of a program's error range.
///
/// # Panics
/// When the program is none of the three.
pub fn error_base(program: Program) -> u32 {
    match PROGRAMS.iter().position(|other| *other == program) {
        Some(0) => processor::ProcessorError::BASE,
        Some(1) => scheduler::SchedulerError::BASE,
        Some(2) => diff::DiffError::BASE,
        _ => panic!("{} is none of the three programs", program.name),
    }
}

/// `NominateAuthority` by the named signer; without a nominee it takes the nomination back.
pub fn nominate(program: Program, signer: &str, nominee: Option<&str>) -> Instruction {
    let nominee: Key = nominee.map_or([0; 32], |name| address(name).to_bytes());
    call(program, &processor::nominate_authority::SPEC, &[address(signer)], &nominee)
}

/// `AcceptAuthority` by the named signer.
pub fn accept(program: Program, signer: &str) -> Instruction {
    call(program, &processor::accept_authority::SPEC, &[address(signer)], &[])
}

/// `Finalize` by the named signer.
pub fn finalize(program: Program, signer: &str) -> Instruction {
    call(program, &processor::finalize::SPEC, &[address(signer)], &[])
}

/// `Migrate` by the named signer, of the config or of another account.
pub fn migrate(program: Program, signer: &str, payer: &str, direction: u8, other: Option<&Pubkey>) -> Instruction {
    let keys = [address(signer), address(payer), system_program::ID];
    let mut instruction = call(program, &processor::migrate::SPEC, &keys, &[direction]);
    instruction.accounts.extend(other.map(|key| AccountMeta::new(*key, false)));
    instruction
}

/// `UpdateConfig` of one program by the named signer: which of the fields, and the values of all of them.
#[derive(Clone, Copy, Debug)]
pub enum Update {
    /// Of the processor.
    Processor(processor::update_config::Data),
    /// Of the scheduler.
    Scheduler(scheduler::update_config::Data),
    /// Of the diff program.
    Diff(diff::update_config::Data),
}

impl Update {
    /// An update of the fields that all three programs share.
    ///
    /// # Panics
    /// When the program is none of the three.
    pub fn guardian(program: Program, fields: u16, guardian: Key, pause_seconds: u32, cooldown_seconds: u32) -> Self {
        macro_rules! common {
            ($variant:ident, $program:ident) => {
                Self::$variant($program::update_config::Data {
                    fields,
                    guardian,
                    guardian_pause_seconds: pause_seconds,
                    guardian_cooldown_seconds: cooldown_seconds,
                    ..Default::default()
                })
            };
        }
        match error_base(program) {
            processor::ProcessorError::BASE => common!(Processor, processor),
            scheduler::SchedulerError::BASE => common!(Scheduler, scheduler),
            _ => common!(Diff, diff),
        }
    }

    /// The instruction.
    pub fn by(&self, signer: &str) -> Instruction {
        let keys = [address(signer)];
        match self {
            Self::Processor(data) => call(PROCESSOR, &processor::update_config::SPEC, &keys, bytemuck::bytes_of(data)),
            Self::Scheduler(data) => call(SCHEDULER, &scheduler::update_config::SPEC, &keys, bytemuck::bytes_of(data)),
            Self::Diff(data) => call(DIFF, &diff::update_config::SPEC, &keys, bytemuck::bytes_of(data)),
        }
    }
}

/// The common part of a config's data.
///
/// # Panics
/// When the data is shorter.
pub fn lifecycle_of(data: &[u8]) -> Lifecycle {
    bytemuck::pod_read_unaligned(&data[..Lifecycle::BYTES])
}

/// An instruction whose first account is the program's config.
fn call(program: Program, spec: &InstructionSpec, keys: &[Pubkey], data: &[u8]) -> Instruction {
    let all: Vec<Pubkey> = [config(program)].into_iter().chain(keys.iter().copied()).collect();
    shared_layouts::client::build(program.address(), spec, &all, &[], data, &[])
}
