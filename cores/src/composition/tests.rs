//! Against a naive evaluator that looks at all results at once.

#![allow(clippy::cast_possible_truncation, reason = "there are at most 32 results")]

use super::{Tally, is_valid, scaled};
use proptest::prelude::*;
use shared_layouts::processor::composition;

extern crate std;
use std::vec::Vec;

/// What the composition says of a complete list of (weight, result).
fn naive(kind: u8, threshold: u32, results: &[(u32, bool)]) -> bool {
    match kind {
        composition::ALL => results.iter().all(|(_, holds)| *holds),
        composition::ANY => results.iter().any(|(_, holds)| *holds),
        composition::AT_LEAST => results.iter().filter(|(_, holds)| *holds).count() >= threshold as usize,
        _ => {
            results.iter().filter(|(_, holds)| *holds).map(|(weight, _)| u64::from(*weight)).sum::<u64>()
                >= u64::from(threshold)
        }
    }
}

/// A valid composition with results.
fn case() -> impl Strategy<Value = (u8, u32, Vec<(u32, bool)>)> {
    (0u8..4, prop::collection::vec((1u32..100, any::<bool>()), 1..=32), any::<prop::sample::Index>()).prop_map(
        |(kind, mut results, index)| {
            if kind != composition::WEIGHTED {
                for (weight, _) in &mut results {
                    *weight = 0;
                }
            }
            let most: u32 = match kind {
                composition::AT_LEAST => results.len() as u32,
                composition::WEIGHTED => results.iter().map(|(weight, _)| weight).sum(),
                _ => 0,
            };
            let threshold = if most == 0 { 0 } else { 1 + index.index(most as usize) as u32 };
            (kind, threshold, results)
        },
    )
}

fn tally(kind: u8, threshold: u32, results: &[(u32, bool)]) -> Tally {
    Tally::new(kind, threshold, results.iter().map(|(weight, _)| Tally::worth(kind, *weight)).sum())
}

proptest! {
    /// Recording in order: as soon as there is a verdict it is the naive one, whatever the results that are left out.
    #[test]
    fn a_verdict_is_what_all_results_together_say((kind, threshold, results) in case()) {
        prop_assert!(is_valid(kind, threshold, results.iter().map(|(weight, _)| *weight)));
        let expected = naive(kind, threshold, &results);
        let mut tally = tally(kind, threshold, &results);
        for (index, (weight, holds)) in results.iter().enumerate() {
            if let Some(verdict) = tally.verdict() {
                prop_assert_eq!(verdict, expected);
            }
            tally.record(index as u32, *weight, *holds);
        }
        prop_assert_eq!(tally.verdict(), Some(expected));
    }

    /// While there is no verdict both are still possible: nothing was evaluated without need.
    #[test]
    fn without_a_verdict_the_rest_decides((kind, threshold, results) in case(), seen in 0usize..32) {
        let seen = seen.min(results.len());
        let mut tally = tally(kind, threshold, &results);
        for (index, (weight, holds)) in results[..seen].iter().enumerate() {
            tally.record(index as u32, *weight, *holds);
        }
        let completed = |rest: bool| {
            let mut all = results.clone();
            all[seen..].iter_mut().for_each(|(_, holds)| *holds = rest);
            naive(kind, threshold, &all)
        };
        let possible = tally.verdict().map_or((true, false), |verdict| (verdict, verdict));
        prop_assert_eq!((completed(true), completed(false)), possible);
    }

    #[test]
    fn the_maps_show_what_was_recorded(results in prop::collection::vec(any::<bool>(), 0..=32)) {
        let mut tally = Tally::new(composition::ALL, 0, results.len() as u32);
        for (index, holds) in results.iter().enumerate() {
            tally.record(index as u32, 0, *holds);
        }
        for index in 0..32 {
            prop_assert_eq!(tally.evaluated >> index & 1 == 1, index < results.len());
            prop_assert_eq!(tally.holds >> index & 1 == 1, results.get(index) == Some(&true));
        }
        prop_assert_eq!(tally.score as usize, results.iter().filter(|holds| **holds).count());
    }

    #[test]
    fn scaling_is_exact_and_refuses_what_does_not_fit(number in any::<u64>(), shift in 0u32..64, points in any::<u32>()) {
        let number = number >> shift;
        let exact = u128::from(number) * u128::from(points) / 10_000;
        prop_assert_eq!(scaled(number, points), u64::try_from(exact).ok());
    }
}

#[test]
fn a_composition_that_cannot_hold_is_refused() {
    let weights = |weights: &'static [u32]| weights.iter().copied();
    assert!(is_valid(composition::ALL, 0, weights(&[])));
    assert!(!is_valid(composition::ANY, 0, weights(&[])));
    assert!(!is_valid(composition::ALL, 1, weights(&[0])));
    assert!(!is_valid(composition::AT_LEAST, 0, weights(&[0])));
    assert!(!is_valid(composition::AT_LEAST, 2, weights(&[0])));
    assert!(!is_valid(composition::WEIGHTED, 3, weights(&[1, 1])));
    assert!(!is_valid(composition::WEIGHTED, 1, weights(&[1, 0])));
    assert!(!is_valid(composition::WEIGHTED, 1, weights(&[u32::MAX, 1])));
    assert!(!is_valid(4, 0, weights(&[])));
}

#[test]
fn a_threshold_of_nothing_is_refused_where_there_is_one_at_all() {
    for kind in [composition::AT_LEAST, composition::WEIGHTED] {
        let weight = u32::from(kind == composition::WEIGHTED);
        let valid = |threshold| is_valid(kind, threshold, [weight; 3].into_iter());
        assert_eq!([0, 1, 3, 4].map(valid), [false, true, true, false], "kind {kind}");
    }
}
