//! Deployment through loader v3, and program data that looks as if it had happened.

use crate::{funded_world, noop};
use mollusk_svm::program::loader_keys::LOADER_V3;
use mollusk_tests::{
    compare,
    features::FeatureProfile,
    program_data,
    programs::{NOOP, address, keypair},
    token,
    world::World,
};
use solana_account::Account;
use solana_instruction::error::InstructionError;
use solana_signer::Signer;

const SLOT: core::ops::Range<usize> = 4..12;
const INVALID_INSTRUCTION: u32 = 12;

/// The program data of the no-op program, but for the slot of its deployment.
fn program_data_without_slot(world: &World) -> Account {
    let mut account = world.account(&program_data::address(&NOOP.address()));
    account.data[SLOT].fill(0);
    account
}

#[test]
fn program_data_is_what_the_loader_writes() {
    for profile in FeatureProfile::BOTH {
        let mut world = funded_world(profile);
        let (elf, payer, authority) = (NOOP.elf(), keypair("payer"), keypair("authority"));
        let deployed = world.deploy_through_loader_v3(&elf, &NOOP.keypair(), &authority, &payer).unwrap();
        let [(program, account), (data_address, data)] =
            program_data::pair(&NOOP.address(), &elf, Some(&authority.pubkey()));
        assert_eq!(deployed.program_data, data_address);
        compare::assert_same(&[(program, account)], &[(program, world.account(&program))]);
        compare::assert_same(&[(data_address, data)], &[(data_address, program_data_without_slot(&world))]);
        world.expect_ok(&[noop(3)], &payer, &[]);
    }
}

#[test]
fn an_authority_given_up_leaves_its_bytes_and_no_right() {
    let mut world = funded_world(FeatureProfile::Mainnet);
    let (elf, payer, authority) = (NOOP.elf(), keypair("payer"), keypair("authority"));
    world.deploy_through_loader_v3(&elf, &NOOP.keypair(), &authority, &payer).unwrap();
    world.set_upgrade_authority(&NOOP.address(), &authority, None, &payer).unwrap();
    let revoked = program_data::revoked_program_data(&elf, &authority.pubkey());
    assert_eq!(compare::difference(&revoked, &program_data_without_slot(&world)), None);
    world
        .upgrade_through_loader_v3(&elf, &NOOP.address(), &authority, &payer)
        .unwrap_err()
        .assert_error(0, InstructionError::Immutable);
}

#[test]
fn an_upgrade_replaces_the_program() {
    let mut world = funded_world(FeatureProfile::Mainnet);
    let (payer, authority) = (keypair("payer"), keypair("authority"));
    let first = world.deploy_through_loader_v3(&NOOP.elf(), &NOOP.keypair(), &authority, &payer).unwrap();
    world.expect_ok(&[noop(3)], &payer, &[]);
    // The token program needs more space, and refuses what the no-op program took.
    let second = world.upgrade_through_loader_v3(token::ELF, &NOOP.address(), &authority, &payer).unwrap();
    assert!(second.transactions > first.transactions);
    world.expect_error(&[noop(3)], &payer, &[], 0, INVALID_INSTRUCTION);
}

#[test]
fn an_upgrade_by_a_stranger_is_refused() {
    let mut world = funded_world(FeatureProfile::Mainnet);
    let (payer, authority) = (keypair("payer"), keypair("authority"));
    world.deploy_through_loader_v3(&NOOP.elf(), &NOOP.keypair(), &authority, &payer).unwrap();
    world
        .upgrade_through_loader_v3(&NOOP.elf(), &NOOP.address(), &keypair("stranger"), &payer)
        .unwrap_err()
        .assert_error(0, InstructionError::IncorrectAuthority);
}

#[test]
fn an_installed_program_has_the_stated_authority() {
    let mut world = World::new(FeatureProfile::Mainnet);
    world.install(NOOP, Some(&address("authority")));
    assert_eq!(world.account(&NOOP.address()).owner, LOADER_V3);
    let data = world.account(&program_data::address(&NOOP.address())).data;
    assert_eq!((data[12], &data[13..45]), (1, address("authority").as_ref()));
    assert_eq!(data[45..], NOOP.elf());
}
