//! Whole transactions in `LiteSVM`, and that both machines measure the same.

use crate::{LAMPORTS, funded_world, noop, panic_of, token_transfer};
use mollusk_tests::{
    features::{FeatureProfile, START_UNIX_SECONDS},
    programs::{NOOP, address, keypair},
    single::{Case, Runner},
    token,
    world::World,
};
use solana_signer::Signer;
use solana_system_interface::instruction as system;

#[test]
fn the_floor_is_the_same_in_both_machines() {
    for profile in FeatureProfile::BOTH {
        let runner = Runner::new(profile, &[NOOP]);
        let mut world = funded_world(profile);
        world.install(NOOP, None);
        let outcome = world.expect_ok(&[noop(3), noop(0), noop(3)], &keypair("payer"), &[]);
        let floor = runner.expect_ok(&Case::new(noop(3), [])).units();
        assert_eq!((outcome.units_of(0), outcome.units_of(2)), (floor, floor), "{profile:?}");
        assert_eq!(outcome.units_of(1), runner.expect_ok(&Case::new(noop(0), [])).units(), "{profile:?}");
        assert_eq!(outcome.units_of_program(2, &NOOP.address()), [floor]);
        assert!((30..60).contains(&floor), "an entrypoint that parses 3 accounts cost {floor}");
    }
}

#[test]
fn a_token_transfer_costs_the_same_in_both_machines() {
    for profile in FeatureProfile::BOTH {
        let case = token_transfer();
        let single = Runner::new(profile, &[]).expect_ok(&case);
        let destination = case.key(1);
        let mut world = funded_world(profile);
        for (key, account) in case.accounts {
            world.set_account(&key, account);
        }
        let outcome = world.expect_ok(&[case.instruction], &keypair("payer"), &[&keypair("owner")]);
        assert_eq!(token::balance(&world.account(&destination)), 40);
        assert_eq!(outcome.units_of(0), single.units(), "{profile:?}");
    }
}

#[test]
fn the_clock_is_what_a_test_sets() {
    let mut world = World::new(FeatureProfile::Mainnet);
    assert_eq!(world.unix_seconds(), START_UNIX_SECONDS);
    world.set_unix_seconds(START_UNIX_SECONDS + 60);
    world.next_slot();
    assert_eq!(world.unix_seconds(), START_UNIX_SECONDS + 60);
}

#[test]
fn the_same_transaction_is_sent_twice() {
    let mut world = funded_world(FeatureProfile::Mainnet);
    world.install(NOOP, None);
    for _ in 0..2 {
        let outcome = world.expect_ok(&[noop(3)], &keypair("payer"), &[]);
        assert_eq!((outcome.fee_lamports, outcome.invocations.len()), (5_000, 1));
    }
}

#[test]
fn a_failure_names_its_instruction_and_changes_nothing() {
    const INSUFFICIENT_LAMPORTS: u32 = 1;
    let mut world = funded_world(FeatureProfile::Mainnet);
    let (payer, friend) = (keypair("payer"), address("friend"));
    let instructions =
        [system::transfer(&payer.pubkey(), &friend, 1_000_000), system::transfer(&payer.pubkey(), &friend, LAMPORTS)];
    let failure = world.expect_error(&instructions, &payer, &[], 1, INSUFFICIENT_LAMPORTS);
    assert_eq!(failure.custom_code(), Some(INSUFFICIENT_LAMPORTS));
    let succeeded: Vec<_> = failure.outcome.invocations.iter().map(|run| run.succeeded).collect();
    assert_eq!(succeeded, [true, false]);
}

#[test]
fn a_clone_goes_its_own_way() {
    let mut world = funded_world(FeatureProfile::Mainnet);
    let friend = address("friend");
    let before = world.snapshot(&[friend]);
    let mut other = world.clone();
    let transfer = system::transfer(&address("payer"), &friend, 1_000_000);
    other.expect_ok(&[transfer], &keypair("payer"), &[]);
    assert_eq!(other.changes(&before), [(friend, "lamports 0 -> 1000000".to_owned())]);
    assert!(panic_of(|| other.assert_unchanged(&before)).is_some());
    world.assert_unchanged(&before);
    world.set_account(&friend, other.account(&friend));
    assert_eq!(world.changes(&before).len(), 1);
}

#[test]
fn a_wrong_expectation_fails() {
    let mut world = funded_world(FeatureProfile::Mainnet);
    let payer = keypair("payer");
    let transfer = |lamports| [system::transfer(&payer.pubkey(), &address("friend"), lamports)];
    let [fair, greedy] = [transfer(1_000_000), transfer(LAMPORTS)];
    assert!(panic_of(|| drop(world.expect_ok(&greedy, &payer, &[]))).is_some());
    assert!(panic_of(|| drop(world.expect_error(&fair, &payer, &[], 0, 1))).is_some());
    assert!(panic_of(|| drop(world.expect_error(&greedy, &payer, &[], 0, 2))).is_some());
    assert!(panic_of(|| drop(world.expect_error(&greedy, &payer, &[], 1, 1))).is_some());
}

#[test]
fn a_transaction_fits_a_packet_and_has_its_signers() {
    let mut world = funded_world(FeatureProfile::Mainnet);
    let mut large = noop(0);
    large.data = vec![0; 1_100];
    let text = panic_of(|| drop(world.send(&[large], &keypair("payer"), &[]))).unwrap();
    assert!(text.contains("exceeds 1232"), "{text}");
    let unsigned = token_transfer().instruction;
    let text = panic_of(|| drop(world.send(&[unsigned], &keypair("payer"), &[]))).unwrap();
    assert!(text.contains(&format!("no keypair for the signer {}", address("owner"))), "{text}");
}
