//! `AllocateResources`.

use super::{assert_checked, fault, runner};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Fixture, people};
use mollusk_tests::orders::{allocate_resources, registry, set_budget, weight};
use mollusk_tests::programs::{SCHEDULER, address};
use shared_layouts::client;
use shared_layouts::lifecycle::Fault;
use shared_layouts::scheduler::allocate_resources::Position;
use shared_layouts::scheduler::{SchedulerError, WeightRecord};
use solana_program_error::ProgramError;
use solana_pubkey::Pubkey;

/// A world with so many shards, and a budget of 100 units in a minute.
fn world(shards: usize) -> (Fixture, Vec<Pubkey>) {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shards = (0..shards).map(|_| fixture.shard()).collect();
    fixture.send(&[set_budget(100, 60)], &[people::AUTHORITY]);
    (fixture, shards)
}

fn shares(fixture: &Fixture, count: usize) -> Vec<u64> {
    registry(fixture).shards[..count].iter().map(|place| place.share_compute_units).collect()
}

#[test]
fn the_budget_is_divided_by_weight_to_the_last_unit() {
    let (mut fixture, shards) = world(3);
    let weights: Vec<_> = shards.iter().map(|shard| weight(&fixture, shard, 1)).collect();
    let allocate = allocate_resources(&weights);
    let outcome = runner().expect_ok(&fixture.case(allocate.clone()));
    outcome.assert_only_changed(&[client::registry_address(&SCHEDULER.address())]);
    fixture.send(&[allocate], &[people::AUTHORITY]);
    assert_eq!(shares(&fixture, 3), [34, 33, 33]);
    let table = registry(&fixture);
    assert_eq!((table.allocated_compute_units, table.allocated_at), (100, fixture.world.unix_seconds()));
    // Weights stay until they are set again, and a new shard has none. So do shares until they are divided again.
    fixture.shard();
    fixture.send(&[set_budget(7, 1)], &[people::AUTHORITY]);
    assert_eq!(shares(&fixture, 4), [34, 33, 33, 0]);
    fixture.send(&[allocate_resources(&[weight(&fixture, &shards[1], 3)])], &[people::AUTHORITY]);
    assert_eq!(shares(&fixture, 4), [2, 4, 1, 0]);
    let none: Vec<_> = shards.iter().map(|shard| weight(&fixture, shard, 0)).collect();
    fixture.send(&[allocate_resources(&none)], &[people::AUTHORITY]);
    assert_eq!((shares(&fixture, 4), registry(&fixture).allocated_compute_units), (vec![0; 4], 0));
}

#[test]
fn random_weights_are_divided_to_the_last_unit() {
    let (mut fixture, shards) = world(12);
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..40 {
        let budget = random() % (1 << (1 + random() % 40));
        let weights: Vec<u64> = shards.iter().map(|_| random() % (1 << (random() % 17))).collect();
        let records: Vec<_> = shards
            .iter()
            .zip(&weights)
            .map(|(shard, units)| weight(&fixture, shard, u32::try_from(*units).expect("below 2^16")))
            .collect();
        fixture.send(&[set_budget(budget, 60), allocate_resources(&records)], &[people::AUTHORITY]);
        let (found, total) = (shares(&fixture, shards.len()), weights.iter().sum::<u64>());
        let expected = if total == 0 { 0 } else { budget };
        assert_eq!((found.iter().sum::<u64>(), registry(&fixture).allocated_compute_units), (expected, expected));
        for (share, units) in found.iter().zip(&weights).filter(|_| total > 0) {
            let exact = u128::from(budget) * u128::from(*units);
            let floor = exact / u128::from(total);
            let is_rounded =
                u128::from(*share) == floor || (u128::from(*share) == floor + 1 && exact % u128::from(total) > 0);
            assert!(is_rounded, "{share} of {budget} for {units} of {weights:?}");
        }
    }
}

#[test]
fn every_account_and_length_is_checked() {
    let (fixture, shards) = world(2);
    let case = fixture.case(allocate_resources(&[weight(&fixture, &shards[0], 1)]));
    assert_checked(&runner(), &case, &[Position::config as usize, Position::registry as usize]);
    let stranger = case.clone().with_key(Position::authority as usize, address(people::STRANGER));
    runner().expect_error(&stranger, fault(Fault::NotAuthority));
    let clock = case.with_key(Position::clock as usize, address("not the clock"));
    runner().expect_error(&clock, ProgramError::UnsupportedSysvar);
}

#[test]
fn weights_name_registered_shards_and_stay_within_their_limit() {
    let (fixture, shards) = world(2);
    let good = weight(&fixture, &shards[1], 65_535);
    runner().expect_ok(&fixture.case(allocate_resources(&[good])));
    for refused in [
        WeightRecord { weight: 65_536, ..good },
        WeightRecord { registry_index: 2, ..good },
        WeightRecord { registry_index: 256, ..good },
        WeightRecord { shard_number: 0, ..good },
        WeightRecord { reserved: [0, 1], ..good },
    ] {
        let case = fixture.case(allocate_resources(&[good, refused]));
        runner().expect_error(&case, SchedulerError::InvalidAllocation as u32);
    }
}

#[test]
fn a_budget_has_a_limit_and_a_window() {
    let (fixture, _) = world(0);
    runner().expect_ok(&fixture.case(set_budget(1 << 40, 1)));
    runner().expect_ok(&fixture.case(set_budget(0, 0)));
    for (units, seconds) in [((1 << 40) + 1, 1), (1, 0)] {
        runner().expect_error(&fixture.case(set_budget(units, seconds)), fault(Fault::InvalidConfig));
    }
}
