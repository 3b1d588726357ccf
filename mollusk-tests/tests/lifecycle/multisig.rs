//! `Initialize` by CPI, signed by a program that holds the upgrade authority.

use mollusk_tests::{
    features::FeatureProfile,
    fixture::{Fixture, LAMPORTS, config, initialize_diff, initialize_processor, initialize_scheduler, people},
    lifecycle::PROGRAMS,
    programs::{MULTISIG, keypair},
};
use shared_layouts::lifecycle::Fault;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

/// Place of the upgrade authority in the three `Initialize`s.
const UPGRADE_AUTHORITY: usize = 2;

fn vault() -> Pubkey {
    Pubkey::find_program_address(&[b"vault"], &MULTISIG.address()).0
}

/// The same instruction, called by the multisig, with its vault as upgrade authority.
fn through_multisig(mut instruction: Instruction) -> Instruction {
    instruction.accounts[UPGRADE_AUTHORITY] = AccountMeta::new_readonly(vault(), false);
    let mut accounts = vec![AccountMeta::new_readonly(instruction.program_id, false)];
    accounts.append(&mut instruction.accounts);
    Instruction { program_id: MULTISIG.address(), accounts, data: instruction.data }
}

/// The three programs, deployed by the vault.
fn deployed_by_multisig() -> Fixture {
    let mut fixture = Fixture::installed(FeatureProfile::Mainnet);
    fixture.world.install(MULTISIG, None);
    for program in PROGRAMS {
        fixture.world.install(program, Some(&vault()));
    }
    fixture.world.airdrop(&vault(), LAMPORTS);
    fixture
}

#[test]
fn a_multisig_initializes_by_cpi() {
    let mut fixture = deployed_by_multisig();
    for instruction in [initialize_processor(), initialize_scheduler(), initialize_diff()] {
        fixture.send(&[through_multisig(instruction)], &[]);
    }
    for program in PROGRAMS {
        assert_eq!(fixture.world.account(&config(program)).owner, program.address());
    }
}

#[test]
fn a_member_of_the_multisig_alone_does_not() {
    let mut fixture = deployed_by_multisig();
    let error = 1_000 + Fault::NotUpgradeAuthority as u32;
    let (payer, member) = (keypair(people::PAYER), keypair(people::AUTHORITY));
    fixture.world.expect_error(&[initialize_processor()], &payer, &[&member], 0, error);
}
