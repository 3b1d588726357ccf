//! `Initialize` of the three programs: who may, in which order, once, and into which accounts.

use mollusk_tests::{
    features::FeatureProfile,
    fixture::{self, Fixture, config, initialize_diff, initialize_processor, initialize_scheduler, people},
    program_data,
    programs::{DIFF, PROCESSOR, Program, SCHEDULER, address},
    single::{Case, Runner},
};
use shared_layouts::{
    client,
    diff::{self, DiffConfig},
    lifecycle::Fault,
    processor::{self, ProcessorConfig},
    scheduler::{self, Registry, SchedulerConfig},
};
use solana_account::Account;
use solana_instruction::{Instruction, error::InstructionError};
use solana_program_error::ProgramError;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;

/// Places of the accounts, the same in the three programs.
const CONFIG: usize = processor::initialize::Position::config as usize;
const PAYER: usize = processor::initialize::Position::payer as usize;
const UPGRADE_AUTHORITY: usize = processor::initialize::Position::upgrade_authority as usize;
const PROGRAM: usize = processor::initialize::Position::program as usize;
const PROGRAM_DATA: usize = processor::initialize::Position::program_data as usize;
const SYSTEM_PROGRAM: usize = processor::initialize::Position::system_program as usize;

/// Offsets of the configurable values in the data, which begins with the discriminator, the same in the three programs.
const AUTHORITY: usize = 1;
const GUARDIAN: usize = AUTHORITY + 32;
const GUARDIAN_PAUSE_SECONDS: usize = GUARDIAN + 32;

/// One of the three programs and the instruction that initializes it, in a world in which it can succeed.
struct Subject {
    program: Program,
    error_base: u32,
    case: Case,
}

impl Subject {
    fn fault(&self, fault: Fault) -> u32 {
        self.error_base + fault as u32
    }
}

/// The three programs, each in a world in which those before it are initialized.
fn subjects() -> [Subject; 3] {
    let mut fixture = Fixture::installed(FeatureProfile::Mainnet);
    [
        (PROCESSOR, processor::ProcessorError::BASE, initialize_processor()),
        (SCHEDULER, scheduler::SchedulerError::BASE, initialize_scheduler()),
        (DIFF, diff::DiffError::BASE, initialize_diff()),
    ]
    .map(|(program, error_base, instruction)| {
        let case = fixture.case(instruction.clone());
        fixture.send(&[instruction], &[people::AUTHORITY]);
        Subject { program, error_base, case }
    })
}

fn runner() -> Runner {
    Runner::new(FeatureProfile::Mainnet, &[PROCESSOR, SCHEDULER, DIFF])
}

/// The same case with other instruction data at an offset.
fn with_data(case: &Case, offset: usize, bytes: &[u8]) -> Case {
    let mut case = case.clone();
    case.instruction.data[offset..offset + bytes.len()].copy_from_slice(bytes);
    case
}

#[test]
fn the_upgrade_authority_initializes_and_only_the_new_accounts_and_the_payer_change() {
    let runner = runner();
    for subject in subjects() {
        let outcome = runner.expect_ok(&subject.case);
        let mut changed = vec![config(subject.program), address(people::PAYER)];
        if subject.program == SCHEDULER {
            changed.push(client::registry_address(&SCHEDULER.address()));
        }
        outcome.assert_only_changed(&changed);
    }
}

#[test]
fn the_configs_hold_what_was_asked_for_and_trust_those_before_them() {
    let fixture = Fixture::new(FeatureProfile::Mainnet);
    let processor: ProcessorConfig = fixture.fixed_part(&config(PROCESSOR));
    let scheduler: SchedulerConfig = fixture.fixed_part(&config(SCHEDULER));
    let diff: DiffConfig = fixture.fixed_part(&config(DIFF));
    for lifecycle in [processor.lifecycle, scheduler.lifecycle, diff.lifecycle] {
        assert_eq!(lifecycle.authority, fixture::key(people::AUTHORITY));
        assert_eq!(lifecycle.guardian, fixture::key(people::GUARDIAN));
        assert_eq!(lifecycle.guardian_pause_seconds, fixture::GUARDIAN_PAUSE_SECONDS);
        assert_eq!(lifecycle.guardian_cooldown_seconds, fixture::GUARDIAN_COOLDOWN_SECONDS);
        assert_eq!((lifecycle.header.version, lifecycle.header.state, lifecycle.pause_count), (1, 0, 0));
    }
    assert_eq!((processor.max_verification_functions, processor.max_compute_units), (10, 1_000_000));
    assert_eq!((scheduler.max_shards, scheduler.max_queue_size, scheduler.default_priority), (100, 1_000, 5));
    assert_eq!((diff.max_batch_size, diff.optimization_level), (50, diff::optimization_level::AGGRESSIVE));
    assert_eq!(scheduler.processor_program, PROCESSOR.address().to_bytes());
    assert_eq!(scheduler.processor_config, config(PROCESSOR).to_bytes());
    assert_eq!(diff.processor_program, PROCESSOR.address().to_bytes());
    assert_eq!(diff.scheduler_program, SCHEDULER.address().to_bytes());
    let registry = fixture.world.account(&client::registry_address(&SCHEDULER.address()));
    assert_eq!((registry.owner, registry.data.len()), (SCHEDULER.address(), Registry::BYTES));
}

#[test]
fn the_stored_bump_is_the_canonical_one() {
    let fixture = Fixture::new(FeatureProfile::Mainnet);
    for program in [PROCESSOR, SCHEDULER, DIFF] {
        let (address, bump) = Pubkey::find_program_address(&[b"config"], &program.address());
        assert_eq!(
            (fixture.world.account(&address).owner, fixture.world.account(&address).data[2]),
            (program.address(), bump)
        );
    }
}

#[test]
fn nobody_but_the_upgrade_authority_initializes() {
    let runner = runner();
    for subject in subjects() {
        let stranger = subject.case.clone().with_key(UPGRADE_AUTHORITY, address(people::STRANGER));
        runner.expect_error(&stranger, subject.fault(Fault::NotUpgradeAuthority));
        let unsigned = subject.case.without_signer(UPGRADE_AUTHORITY);
        runner.expect_error(&unsigned, ProgramError::MissingRequiredSignature);
    }
}

#[test]
fn an_immutable_program_that_was_never_initialized_gets_its_own_error() {
    let runner = runner();
    for subject in subjects() {
        let elf = subject.program.elf();
        let authority = address(people::AUTHORITY);
        for data in [program_data::program_data(&elf, None), program_data::revoked_program_data(&elf, &authority)] {
            let mut case = subject.case.clone();
            *case.account_mut(PROGRAM_DATA) = data;
            runner.expect_error(&case, subject.fault(Fault::ImmutableProgram));
        }
    }
}

#[test]
fn the_scheduler_needs_the_processor_and_the_diff_needs_both() {
    let fixture = Fixture::installed(FeatureProfile::Mainnet);
    let runner = runner();
    let missing = Fault::DependencyNotInitialized as u32;
    runner.expect_error(&fixture.case(initialize_scheduler()), scheduler::SchedulerError::BASE + missing);
    runner.expect_error(&fixture.case(initialize_diff()), diff::DiffError::BASE + missing);
    let mut fixture = fixture;
    fixture.send(&[initialize_processor()], &[people::AUTHORITY]);
    runner.expect_error(&fixture.case(initialize_diff()), diff::DiffError::BASE + missing);
}

#[test]
fn a_config_at_another_address_or_of_another_kind_is_no_dependency() {
    let runner = runner();
    let [_, scheduler, diff] = subjects();
    let processor_config = scheduler::initialize::Position::processor_config as usize;
    let scheduler_config = diff::initialize::Position::scheduler_config as usize;
    let missing = scheduler.fault(Fault::DependencyNotInitialized);
    let elsewhere = scheduler.case.clone().with_key(processor_config, address("elsewhere"));
    runner.expect_error(&elsewhere, missing);
    runner.expect_error(&scheduler.case.clone().with_data_byte(processor_config, 0, 0x12), missing);
    runner.expect_error(&scheduler.case.clone().with_data_byte(processor_config, 1, 2), missing);
    // The address follows from the owner: under another owner it is another program's config address.
    runner.expect_error(&scheduler.case.with_owner(processor_config, address("another program")), missing);
    let missing = diff.fault(Fault::DependencyNotInitialized);
    let other = diff.case.clone().with_key(scheduler_config, config(PROCESSOR));
    runner.expect_error(&other, missing);
    // A scheduler that trusts another processor.
    let byte = core::mem::offset_of!(SchedulerConfig, processor_config);
    runner.expect_error(&diff.case.with_data_byte(scheduler_config, byte, 0xEE), missing);
}

#[test]
fn twice_is_refused() {
    let fixture = Fixture::new(FeatureProfile::Mainnet);
    let runner = runner();
    for (instruction, error_base) in [
        (initialize_processor(), processor::ProcessorError::BASE),
        (initialize_scheduler(), scheduler::SchedulerError::BASE),
        (initialize_diff(), diff::DiffError::BASE),
    ] {
        runner.expect_error(&fixture.case(instruction), error_base + Fault::AlreadyInitialized as u32);
    }
}

#[test]
fn lamports_sent_to_the_address_before_do_not_block_it() {
    let runner = runner();
    for subject in subjects() {
        // One lamport, some that are less than the rent, and more than the rent.
        for lamports in [1, 900_000, 1_000_000_000] {
            let mut case = subject.case.clone();
            *case.account_mut(CONFIG) = Account { lamports, ..Account::default() };
            let outcome = runner.expect_ok(&case);
            let account = outcome.account(&case.key(CONFIG));
            assert_eq!(account.owner, subject.program.address());
            assert!(account.lamports >= lamports);
        }
    }
}

#[test]
fn an_account_that_exists_is_not_overwritten() {
    let runner = runner();
    for subject in subjects() {
        let mut taken = subject.case.clone();
        *taken.account_mut(CONFIG) = Account { lamports: 10_000_000, data: vec![0; 8], ..Account::default() };
        runner.expect_error(&taken, subject.fault(Fault::AlreadyInitialized));
        let mut foreign = subject.case.clone();
        let owner = address("another program");
        *foreign.account_mut(CONFIG) = Account { lamports: 10_000_000, owner, ..Account::default() };
        runner.expect_error(&foreign, subject.fault(Fault::AlreadyInitialized));
    }
}

#[test]
fn the_config_has_one_address() {
    let runner = runner();
    for subject in subjects() {
        let elsewhere = subject.case.with_key(CONFIG, address("elsewhere"));
        runner.expect_error(&elsewhere, subject.error_base + Fault::WrongAddress as u32);
    }
}

#[test]
fn program_and_program_data_must_be_the_running_programs_own() {
    let runner = runner();
    let [processor, scheduler, diff] = subjects();
    for (subject, other) in [(processor, DIFF), (scheduler, PROCESSOR), (diff, SCHEDULER)] {
        let wrong = subject.error_base + Fault::WrongProgramData as u32;
        let other_data = program_data::address(&other.address());
        let elf = other.elf();
        let mut case = subject.case.clone();
        case.instruction.accounts[PROGRAM].pubkey = other.address();
        runner.expect_error(&case, wrong);
        let mut case = subject.case.clone();
        case.instruction.accounts[PROGRAM_DATA].pubkey = other_data;
        case.accounts.push((other_data, program_data::program_data(&elf, Some(&address(people::AUTHORITY)))));
        runner.expect_error(&case, wrong);
        let owner = address("another loader");
        runner.expect_error(&subject.case.clone().with_owner(PROGRAM_DATA, owner), wrong);
        // Not the tag of program data, and an account that ends before its header does.
        runner.expect_error(&subject.case.clone().with_data_byte(PROGRAM_DATA, 0, 1), wrong);
        let mut short = subject.case.clone();
        short.account_mut(PROGRAM_DATA).data.truncate(44);
        runner.expect_error(&short, wrong);
    }
}

#[test]
fn each_signer_and_each_writable_account_is_checked() {
    let runner = runner();
    for subject in subjects() {
        let case = &subject.case;
        runner.expect_error(&case.clone().without_signer(PAYER), ProgramError::MissingRequiredSignature);
        runner.expect_error(&case.clone().without_writable(PAYER), ProgramError::Immutable);
        runner.expect_error(&case.clone().without_writable(CONFIG), ProgramError::Immutable);
        let last = case.instruction.accounts.len() - 1;
        runner.expect_error(&case.clone().without_account(last), ProgramError::NotEnoughAccountKeys);
        let mut more = case.clone();
        let extra = more.instruction.accounts[last].clone();
        more.instruction.accounts.push(extra);
        runner.expect_error(&more, ProgramError::InvalidArgument);
    }
}

#[test]
fn without_the_system_program_nothing_is_created() {
    let runner = runner();
    for subject in subjects() {
        let case = subject.case.with_key(SYSTEM_PROGRAM, address("not the system program"));
        assert_ne!(case.key(SYSTEM_PROGRAM), system_program::ID);
        runner.expect_error(&case, InstructionError::MissingAccount);
    }
}

#[test]
fn a_payer_without_lamports_is_told_so() {
    let runner = runner();
    for subject in subjects() {
        let case = subject.case.with_lamports(PAYER, 1_000);
        runner.expect_error(&case, ProgramError::InsufficientFunds);
    }
}

#[test]
fn data_of_another_length_is_refused() {
    let runner = runner();
    for subject in subjects() {
        runner.expect_error(&subject.case.clone().shortened(), ProgramError::InvalidInstructionData);
        runner.expect_error(&subject.case.lengthened(), ProgramError::InvalidInstructionData);
    }
}

#[test]
fn an_unknown_instruction_is_refused() {
    let runner = runner();
    for program in [PROCESSOR, SCHEDULER, DIFF] {
        for data in [&[][..], &[0xFF], &[8]] {
            let case = Case::new(Instruction::new_with_bytes(program.address(), data, vec![]), []);
            runner.expect_error(&case, ProgramError::InvalidInstructionData);
        }
    }
}

#[test]
fn values_outside_their_limits_are_refused() {
    let runner = runner();
    let [processor, scheduler, diff] = subjects();
    for subject in [&processor, &scheduler, &diff] {
        let invalid = subject.fault(Fault::InvalidConfig);
        let authority = fixture::key(people::AUTHORITY);
        for case in [
            with_data(&subject.case, AUTHORITY, &[0; 32]),
            with_data(&subject.case, GUARDIAN, &authority),
            with_data(&subject.case, GUARDIAN_PAUSE_SECONDS, &0u32.to_le_bytes()),
            with_data(&subject.case, GUARDIAN_PAUSE_SECONDS, &2_592_001u32.to_le_bytes()),
            with_data(&subject.case, GUARDIAN_PAUSE_SECONDS + 4, &2_592_001u32.to_le_bytes()),
        ] {
            runner.expect_error(&case, invalid);
        }
        runner.expect_ok(&with_data(&subject.case, GUARDIAN, &[0; 32]));
    }
    let values = GUARDIAN_PAUSE_SECONDS + 8;
    for (subject, offset, bytes) in [
        (&processor, 0, 0u32.to_le_bytes().to_vec()),
        (&processor, 0, 100_000_001u32.to_le_bytes().to_vec()),
        (&processor, 4, 0u16.to_le_bytes().to_vec()),
        (&processor, 4, 33u16.to_le_bytes().to_vec()),
        (&scheduler, 8, 0u16.to_le_bytes().to_vec()),
        (&scheduler, 8, 257u16.to_le_bytes().to_vec()),
        (&scheduler, 10, 0u16.to_le_bytes().to_vec()),
        (&scheduler, 10, 10_001u16.to_le_bytes().to_vec()),
        (&scheduler, 12, vec![16]),
        (&scheduler, 13, vec![2]),
        (&diff, 0, 0u16.to_le_bytes().to_vec()),
        (&diff, 2, vec![3]),
    ] {
        let case = with_data(&subject.case, values + offset, &bytes);
        runner.expect_error(&case, subject.fault(Fault::InvalidConfig));
    }
}
