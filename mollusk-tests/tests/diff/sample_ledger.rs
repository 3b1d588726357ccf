//! A protocol that keeps its own account applies a sealed arena to it through the core.

use crate::{fixture, refuse};
use mollusk_tests::diffs::*;
use mollusk_tests::fixture::{Fixture, people, wire};
use mollusk_tests::programs::{DIFF, Program, address, keypair};
use shared_layouts::diff::{self, DiffError};
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction};
use solana_program_error::ProgramError;
use solana_pubkey::Pubkey;

const SAMPLE_LEDGER: Program = Program::new("sample_ledger");
const HEADER_BYTES: usize = 72;
const SIGN: &[&str] = &[people::OWNER];

fn ledger(fixture: &mut Fixture) -> Pubkey {
    fixture.world.install(SAMPLE_LEDGER, None);
    let header = [address(people::OWNER).to_bytes(), DIFF.address().to_bytes()].concat();
    let data = [header, 5u64.to_le_bytes().to_vec(), vec![1; 100]].concat();
    let key = address("ledger");
    let account = Account { lamports: 10_000_000, data, owner: SAMPLE_LEDGER.address(), ..Account::default() };
    fixture.world.set_account(&key, account);
    key
}

fn stage_for(arena: &Pubkey, ledger: &Pubkey, base_version: u64, operations: Operations) -> Instruction {
    let data_offset = u32::try_from(HEADER_BYTES).unwrap();
    stage_wire(arena, ledger, &diff::stage::Data { base_version, new_length: 100, data_offset }, &wire(operations))
}

fn apply_to(ledger: &Pubkey, arena: &Pubkey) -> Instruction {
    let accounts = vec![
        AccountMeta::new(*ledger, false),
        AccountMeta::new_readonly(*arena, false),
        AccountMeta::new_readonly(address(people::OWNER), true),
    ];
    Instruction { program_id: SAMPLE_LEDGER.address(), accounts, data: Vec::new() }
}

#[test]
fn a_protocol_applies_a_sealed_arena_to_its_own_account_once() {
    let mut fixture = fixture();
    let arena = fixture.arena();
    let ledger = ledger(&mut fixture);
    fixture.send(&[stage_for(&arena, &ledger, 5, &[(10, &[7; 8]), (50, &[8; 20])])], SIGN);
    refuse(&mut fixture, apply_to(&ledger, &arena), SIGN, DiffError::WrongStage);
    fixture.send(&[seal(&arena, &[ledger])], SIGN);
    refuse(&mut fixture, begin(&arena, &[ledger]), SIGN, DiffError::ExternalTarget);
    fixture.send(&[apply_to(&ledger, &arena)], SIGN);
    let data = fixture.world.account(&ledger).data;
    assert_eq!(data[64..72], 6u64.to_le_bytes());
    assert_eq!(data[72..], [&[1; 10][..], &[7; 8], &[1; 32], &[8; 20], &[1; 30]].concat());
    refuse(&mut fixture, apply_to(&ledger, &arena), SIGN, DiffError::StaleBase);
    fixture.send(&[discard(&arena)], SIGN);
}

#[test]
fn a_changed_ledger_and_a_foreign_arena_are_refused() {
    let mut fixture = fixture();
    let arena = fixture.arena();
    let ledger = ledger(&mut fixture);
    fixture.send(&[stage_for(&arena, &ledger, 5, &[(10, &[7; 8])]), seal(&arena, &[ledger])], SIGN);
    let good = fixture.world.account(&ledger);
    let mut changed = good.clone();
    changed.data[HEADER_BYTES + 11] = 9;
    fixture.world.set_account(&ledger, changed);
    refuse(&mut fixture, apply_to(&ledger, &arena), SIGN, DiffError::StaleBase);
    fixture.world.set_account(&ledger, good);

    let mut forged = fixture.world.account(&arena);
    forged.owner = address("forger");
    fixture.world.set_account(&address("forged"), forged);
    let forged = apply_to(&ledger, &address("forged"));
    let (payer, owner) = (keypair(people::PAYER), keypair(people::OWNER));
    fixture.world.expect_error(&[forged], &payer, &[&owner], 0, ProgramError::InvalidAccountOwner);
    fixture.send(&[apply_to(&ledger, &arena)], SIGN);
}
