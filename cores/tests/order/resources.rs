//! Shares of a budget.

use crate::rng::{Rng, cases};
use cores::resources::{MAX_BUDGET, MAX_WEIGHT, allocate, quota, reserve};

fn shares(budget: u64, weights: &[u32]) -> Option<Vec<u64>> {
    let mut shares = vec![u64::MAX; weights.len()];
    let sum = allocate(budget, weights.iter().copied(), |place, share| shares[place] = share)?;
    assert_eq!(sum, shares.iter().sum::<u64>());
    Some(shares)
}

#[test]
fn the_largest_remainder_divides_exactly() {
    let mut rng = Rng::new("resources");
    for _ in 0..cases() {
        let places = 1 + rng.below(256);
        let budget = (rng.next() % (MAX_BUDGET + 1)) >> rng.below(41);
        let highest = 1 + rng.below(MAX_WEIGHT as usize);
        let weights: Vec<u32> = (0..places)
            .map(|_| if rng.one_in(4) { 0 } else { u32::try_from(rng.below(highest)).expect("small") })
            .collect();
        let shares = shares(budget, &weights).expect("within the limits");
        let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
        if total == 0 {
            assert!(shares.iter().all(|share| *share == 0));
            continue;
        }
        assert_eq!(shares.iter().sum::<u64>(), budget, "the shares add up to the budget");
        // The units left over went to the largest remainders, the earlier place first among equals.
        let exact = |place: usize| u128::from(budget) * u128::from(weights[place]);
        let left = budget - (0..places).map(|place| u64::try_from(exact(place) / total).expect("small")).sum::<u64>();
        let mut ranked: Vec<usize> = (0..places).collect();
        ranked.sort_by_key(|place| (std::cmp::Reverse(exact(*place) % total), *place));
        for (rank, place) in ranked.into_iter().enumerate() {
            let bonus = u128::from((rank as u64) < left);
            assert_eq!(u128::from(shares[place]), exact(place) / total + bonus, "place {place} of {weights:?}");
        }
    }
}

#[test]
fn a_budget_or_weight_above_its_limit_is_refused() {
    assert_eq!(shares(MAX_BUDGET + 1, &[1]), None);
    assert_eq!(shares(1, &[1, MAX_WEIGHT + 1]), None);
    assert_eq!(shares(1, &[1; 257]), None);
    assert_eq!(shares(MAX_BUDGET, &[MAX_WEIGHT; 256]), Some(vec![MAX_BUDGET / 256; 256]));
}

#[test]
fn a_window_grants_its_quota_and_never_more() {
    let mut rng = Rng::new("windows");
    for _ in 0..cases() / 10 {
        let (seconds, quota) = (1 + u32::try_from(rng.below(20)).expect("small"), rng.next() % 10_000);
        let (mut window, mut now) = ((0, 0), 0);
        // The start of each window, and what was granted in it.
        let mut granted: Vec<(i64, u64)> = Vec::new();
        for _ in 0..200 {
            now += i64::try_from(rng.below(4)).expect("small");
            let units = u32::try_from(rng.below(2_000)).expect("small");
            let in_window = granted.last().filter(|last| now - last.0 < i64::from(seconds)).map_or(0, |last| last.1);
            // Now and then exactly what is left.
            let left = quota - in_window;
            let units = if rng.one_in(8) { u32::try_from(left).expect("small") } else { units };
            let result = reserve(window, now, seconds, units, quota);
            assert_eq!(result.is_some(), u64::from(units) <= left, "what fits is granted, and nothing else");
            if let Some(next) = result {
                assert!(now - next.0 < i64::from(seconds) && next.0 <= now);
                match granted.last_mut() {
                    Some(last) if last.0 == next.0 => last.1 += u64::from(units),
                    _ => granted.push((next.0, u64::from(units))),
                }
                window = next;
            }
        }
        let is_apart = |pair: &[(i64, u64)]| pair[1].0 - pair[0].0 >= i64::from(seconds);
        assert!(granted.windows(2).all(is_apart) && granted.iter().all(|window| window.1 <= quota), "{granted:?}");
    }
    assert_eq!(quota(1_000_000, 250), 250_000);
    assert_eq!(quota(3, 333), 0);
    for share in [MAX_BUDGET, MAX_BUDGET + 1, u64::MAX] {
        assert_eq!(quota(share, 1_000), MAX_BUDGET, "no share exceeds the highest budget");
    }
}
