//! What the runtime takes at least: an entrypoint, a call, a token transfer.

use super::{Row, row};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Fixture, people};
use mollusk_tests::programs::{NOOP, RELAY, address};
use mollusk_tests::token;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("floor/entrypoint-3-accounts", |profile| {
            cost(profile, &Instruction::new_with_bytes(NOOP.address(), &[], three_accounts()))
        }),
        row("floor/cpi-3-accounts", |profile| {
            let mut accounts = vec![AccountMeta::new_readonly(NOOP.address(), false)];
            accounts.extend(three_accounts());
            cost(profile, &Instruction::new_with_bytes(RELAY.address(), &[], accounts))
        }),
        row("floor/p-token-transfer", p_token_transfer),
    ]
}

/// Three accounts without data, as the target calls of the processor's rows take them.
pub(super) fn three_accounts() -> Vec<AccountMeta> {
    keys().iter().map(|key| AccountMeta::new_readonly(*key, false)).collect()
}

/// The keys of [`three_accounts`].
pub(super) fn keys() -> [Pubkey; 3] {
    ["account 0", "account 1", "account 2"].map(address)
}

fn cost(profile: FeatureProfile, instruction: &Instruction) -> u64 {
    Fixture::installed(profile).send(std::slice::from_ref(instruction), &[]).units_of(0)
}

fn p_token_transfer(profile: FeatureProfile) -> u64 {
    let mut fixture = Fixture::installed(profile);
    let [mint, source, destination] = ["mint", "source", "destination"].map(address);
    let owner = address(people::OWNER);
    fixture.world.set_account(&mint, token::mint(0, 100));
    fixture.world.set_account(&source, token::token_account(&mint, &owner, 100));
    fixture.world.set_account(&destination, token::token_account(&mint, &address(people::STRANGER), 0));
    fixture.send(&[token::transfer(&source, &destination, &owner, 40)], &[people::OWNER]).units_of(0)
}
