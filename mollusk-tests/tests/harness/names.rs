//! Named addresses, built files, and the comparison of accounts.

use crate::panic_of;
use mollusk_tests::{
    compare,
    programs::{NOOP, Program, address, keypair},
};
use solana_account::Account;
use solana_sdk_ids::system_program;
use solana_signer::Signer;

#[test]
fn a_name_is_one_address() {
    assert_eq!(address("payer"), keypair("payer").pubkey());
    assert_ne!(address("payer"), address("payer2"));
    assert_eq!(NOOP.address(), NOOP.keypair().pubkey());
    assert_eq!(address("payer").to_string(), "BaR84nFJzYMpCJGSaG1LVH8tjdxdkgE1gMWy6mYL77ix");
}

#[test]
fn a_name_fits_a_key() {
    for name in [String::new(), "n".repeat(33)] {
        assert!(panic_of(|| drop(keypair(&name))).is_some_and(|text| text.contains("1 to 32 bytes")));
    }
}

#[test]
fn a_missing_program_says_how_to_build_it() {
    let text = panic_of(|| drop(Program::new("never_built").elf())).unwrap();
    assert!(text.contains("never_built.so"), "{text}");
    assert!(text.contains("run ./justw build"), "{text}");
}

#[test]
fn a_difference_is_found_in_each_field() {
    let account = Account::new(5, 3, &address("owner"));
    let spoiled = |change: fn(&mut Account)| {
        let mut other = account.clone();
        change(&mut other);
        compare::difference(&account, &other).unwrap_or_default()
    };
    assert_eq!(spoiled(|_| {}), "");
    assert_eq!(spoiled(|other| other.rent_epoch = 9), "");
    assert_eq!(spoiled(|other| other.lamports = 6), "lamports 5 -> 6");
    assert_eq!(spoiled(|other| other.executable = true), "executable false -> true");
    assert_eq!(spoiled(|other| other.data.truncate(1)), "length 3 -> 1");
    assert_eq!(spoiled(|other| other.data[2] = 7), "byte 2: 0 -> 7");
    assert!(spoiled(|other| other.owner = system_program::ID).starts_with("owner "));
}

#[test]
fn an_account_that_is_gone_has_changed() {
    let key = address("gone");
    let before = [(key, Account::new(5, 0, &system_program::ID))];
    assert_eq!(compare::changes(&before, &[]), [(key, "lamports 5 -> 0".to_owned())]);
    assert!(panic_of(|| compare::assert_same(&before, &[])).is_some_and(|text| text.contains(&key.to_string())));
}
