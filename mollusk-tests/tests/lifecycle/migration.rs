//! `Migrate` and `Finalize`, with a second build of the processor whose config has another layout.

use crate::{fixture, lifecycle, refused};
use mollusk_tests::{
    compare,
    fixture::{Definition, Fixture, config, dispatch, enqueue, execute, pause, people, resume, verify},
    lifecycle::{PROGRAMS, Update, error_base, finalize, migrate, nominate},
    programs::{NOOP, PROCESSOR, PROCESSOR_V2, Program, SCHEDULER, address, keypair},
};
use shared_layouts::{
    client,
    lifecycle::{
        Fault,
        direction::{DOWN, UP},
        migration,
    },
    processor::{ProcessorConfig, ProcessorError},
};
use solana_account::Account;
use solana_instruction::{Instruction, error::InstructionError};
use solana_pubkey::Pubkey;

const WRONG_VERSION: u32 = ProcessorError::BASE + Fault::WrongVersion as u32;
const ALREADY_CURRENT: u32 = ProcessorError::BASE + Fault::AlreadyCurrent as u32;
const NO_OPEN_MIGRATION: u32 = ProcessorError::BASE + Fault::NoOpenMigration as u32;

/// Replaces the processor by its second version through the loader, as a user does.
fn upgrade(fixture: &mut Fixture) {
    let (authority, payer) = (keypair(people::AUTHORITY), keypair(people::PAYER));
    fixture
        .world
        .upgrade_through_loader_v3(&PROCESSOR_V2.elf(), &PROCESSOR.address(), &authority, &payer)
        .expect("the upgrade is accepted");
}

/// The former binary again.
fn downgrade(fixture: &mut Fixture) {
    let (authority, payer) = (keypair(people::AUTHORITY), keypair(people::PAYER));
    fixture
        .world
        .upgrade_through_loader_v3(&PROCESSOR.elf(), &PROCESSOR.address(), &authority, &payer)
        .expect("the upgrade is accepted");
}

fn send_migrate(fixture: &mut Fixture, direction: u8) {
    let instruction = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, direction, None);
    fixture.send(&[instruction], &[people::AUTHORITY]);
}

#[track_caller]
fn refuse_migrate(fixture: &mut Fixture, direction: u8, other: Option<&Pubkey>, error: u32) {
    let instruction = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, direction, other);
    refused(fixture, instruction, people::AUTHORITY, error);
}

/// A processor with a queued entry, a capability, and a config of the first version that a pause has gone over.
fn with_entry() -> (Fixture, Pubkey, [Instruction; 2]) {
    let mut fixture = fixture();
    let shard = fixture.shard();
    let queue = fixture.queue(&shard);
    let capability = fixture.capability(&shard, &Definition::new(&NOOP.address()));
    fixture.send(&[enqueue(&queue, &capability, 1, 5, &[7; 8])], &[people::PRODUCER]);
    fixture.send(&[pause(PROCESSOR, people::GUARDIAN)], &[people::GUARDIAN]);
    fixture.send(&[resume(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    let run = [dispatch(&shard, &queue, 0, 1), execute(&capability, &NOOP.address(), &[], &[7; 8])];
    (fixture, capability, run)
}

#[test]
fn with_one_version_there_is_nothing_to_migrate_and_nothing_to_finalize() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        let fault = |fault: Fault| error_base(program) + fault as u32;
        for direction in [UP, DOWN] {
            let instruction = migrate(program, people::AUTHORITY, people::PAYER, direction, None);
            refused(&mut fixture, instruction, people::AUTHORITY, fault(Fault::AlreadyCurrent));
        }
        let last = finalize(program, people::AUTHORITY);
        refused(&mut fixture, last, people::AUTHORITY, fault(Fault::NoOpenMigration));
    }
    let registry = client::registry_address(&SCHEDULER.address());
    let instruction = migrate(SCHEDULER, people::AUTHORITY, people::PAYER, UP, Some(&registry));
    refused(&mut fixture, instruction, people::AUTHORITY, error_base(SCHEDULER) + Fault::AlreadyCurrent as u32);
}

#[test]
fn only_the_authority_migrates_and_finalizes() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        let not_authority = error_base(program) + Fault::NotAuthority as u32;
        for signer in [people::GUARDIAN, people::STRANGER] {
            refused(&mut fixture, migrate(program, signer, signer, UP, None), signer, not_authority);
            refused(&mut fixture, finalize(program, signer), signer, not_authority);
        }
    }
}

#[test]
fn a_config_that_was_not_migrated_is_refused_by_the_new_binary_with_its_own_error() {
    let (mut fixture, capability, run) = with_entry();
    upgrade(&mut fixture);
    let signers = [&keypair(people::WORKER)];
    fixture.world.expect_error(&run, &keypair(people::PAYER), &signers, 1, WRONG_VERSION);
    let target = Instruction::new_with_bytes(NOOP.address(), &[7; 8], Vec::new());
    let verified = [run[0].clone(), verify(&capability, &[], &[7; 8]), target];
    fixture.world.expect_error(&verified, &keypair(people::PAYER), &signers, 1, WRONG_VERSION);
    refused(&mut fixture, pause(PROCESSOR, people::AUTHORITY), people::AUTHORITY, WRONG_VERSION);
    refused(&mut fixture, resume(PROCESSOR, people::AUTHORITY), people::AUTHORITY, WRONG_VERSION);
    refused(&mut fixture, nominate(PROCESSOR, people::AUTHORITY, None), people::AUTHORITY, WRONG_VERSION);
    refused(&mut fixture, finalize(PROCESSOR, people::AUTHORITY), people::AUTHORITY, WRONG_VERSION);
    let update = Update::guardian(PROCESSOR, 0, [0; 32], 0, 0).by(people::AUTHORITY);
    refused(&mut fixture, update, people::AUTHORITY, WRONG_VERSION);
    send_migrate(&mut fixture, UP);
    fixture.send(&run, &[people::WORKER]);
}

#[test]
fn a_migrated_config_keeps_every_value_and_is_refused_by_the_former_binary() {
    let (mut fixture, _, run) = with_entry();
    let before: ProcessorConfig = fixture.fixed_part(&config(PROCESSOR));
    upgrade(&mut fixture);
    send_migrate(&mut fixture, UP);
    let data = fixture.world.account(&config(PROCESSOR)).data;
    assert_eq!(data.len(), 208);
    let mut expected = before.lifecycle;
    expected.header.version = 2;
    expected.migration = migration::OPEN;
    assert_eq!(lifecycle(&fixture, PROCESSOR), expected);
    // The second version has these two the other way round.
    assert_eq!(data[168..172], before.max_compute_units.to_le_bytes());
    assert_eq!(data[172..176], before.capabilities_active.to_le_bytes());
    assert_eq!(data[160..168], before.capabilities_created.to_le_bytes());
    assert_eq!(data[176..178], before.max_verification_functions.to_le_bytes());
    assert!(data[178..].iter().all(|byte| *byte == 0));

    downgrade(&mut fixture);
    fixture.world.expect_error(&run, &keypair(people::PAYER), &[&keypair(people::WORKER)], 1, WRONG_VERSION);
}

#[test]
fn an_aborted_upgrade_leaves_every_account_as_it_was() {
    let (mut fixture, _, run) = with_entry();
    let programs = [PROCESSOR, SCHEDULER].map(Program::address);
    let accounts = |fixture: &Fixture| -> Vec<(Pubkey, Account)> {
        programs.iter().flat_map(|program| fixture.world.svm.get_program_accounts(program)).collect()
    };
    let before = accounts(&fixture);
    let payer = address(people::OWNER);
    let lamports = fixture.world.account(&payer).lamports;
    upgrade(&mut fixture);
    for direction in [UP, DOWN] {
        let instruction = migrate(PROCESSOR, people::AUTHORITY, people::OWNER, direction, None);
        fixture.send(&[instruction], &[people::AUTHORITY, people::OWNER]);
    }
    downgrade(&mut fixture);
    compare::assert_same(&before, &accounts(&fixture));
    // The rent went back to who paid it.
    assert_eq!(fixture.world.account(&payer).lamports, lamports);
    fixture.send(&run, &[people::WORKER]);
}

#[test]
fn down_and_up_again_is_possible_until_finalize_and_never_after() {
    let (mut fixture, ..) = with_entry();
    upgrade(&mut fixture);
    refuse_migrate(&mut fixture, DOWN, None, ALREADY_CURRENT);
    for _ in 0..2 {
        send_migrate(&mut fixture, UP);
        refuse_migrate(&mut fixture, UP, None, ALREADY_CURRENT);
        send_migrate(&mut fixture, DOWN);
        assert_eq!(lifecycle(&fixture, PROCESSOR).migration, migration::FINAL);
    }
    send_migrate(&mut fixture, UP);
    fixture.send(&[finalize(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    refused(&mut fixture, finalize(PROCESSOR, people::AUTHORITY), people::AUTHORITY, NO_OPEN_MIGRATION);
    refuse_migrate(&mut fixture, DOWN, None, NO_OPEN_MIGRATION);
    refuse_migrate(&mut fixture, UP, None, ALREADY_CURRENT);
}

#[test]
fn other_accounts_are_migrated_one_by_one_and_the_config_is_not_one_of_them() {
    let (mut fixture, capability, _) = with_entry();
    upgrade(&mut fixture);
    let authority = keypair(people::AUTHORITY);
    let payer = keypair(people::PAYER);
    // Capabilities have one version in both builds.
    refuse_migrate(&mut fixture, UP, Some(&capability), ALREADY_CURRENT);
    let as_other = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, UP, Some(&config(PROCESSOR)));
    fixture.world.expect_error(&[as_other], &payer, &[&authority], 0, InstructionError::InvalidArgument);
    let foreign = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, UP, Some(&config(SCHEDULER)));
    fixture.world.expect_error(&[foreign], &payer, &[&authority], 0, InstructionError::InvalidAccountOwner);
    let mut read_only = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, UP, Some(&capability));
    read_only.accounts[4].is_writable = false;
    fixture.world.expect_error(&[read_only], &payer, &[&authority], 0, InstructionError::Immutable);
    let mut two = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, UP, Some(&capability));
    two.accounts.push(two.accounts[4].clone());
    fixture.world.expect_error(&[two], &payer, &[&authority], 0, InstructionError::InvalidArgument);
}

#[test]
fn an_unknown_direction_is_refused() {
    let mut fixture = fixture();
    let instruction = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, 2, None);
    let error = InstructionError::InvalidInstructionData;
    fixture.world.expect_error(&[instruction], &keypair(people::PAYER), &[&keypair(people::AUTHORITY)], 0, error);
}
