//! Shares of a compute budget.
//!
//! The budget of a window is divided among the shards by weight, by the method of the largest remainder (Hamilton's): each
//! gets its exact share rounded down, and the units left over go, one each, to those that lost most by the rounding, the
//! earlier place first among equals. The shares add up to the budget exactly.

use core::num::NonZeroU64;

/// Most compute units in a window: 2^40. With weights below 2^16 no product exceeds 64 bits.
pub const MAX_BUDGET: u64 = 1 << 40;
/// Highest weight of a shard.
pub const MAX_WEIGHT: u32 = u16::MAX as u32;
/// Most shards among which a budget is divided.
pub const MAX_SHARES: usize = 256;

/// Divides `budget` by weight and writes the share of each place. Without any weight every share is zero.
///
/// Returns the sum of the shares: `budget`, or zero without any weight; `None`, and nothing is written, if the budget or a
/// weight exceeds its limit or there are more than 256 places.
#[inline(always)]
pub fn allocate(
    budget: u64,
    weights: impl ExactSizeIterator<Item = u32> + Clone,
    mut write: impl FnMut(usize, u64),
) -> Option<u64> {
    let places = weights.len();
    if budget > MAX_BUDGET || places > MAX_SHARES || weights.clone().any(|weight| weight > MAX_WEIGHT) {
        return None;
    }
    // At most 256 weights below 2^16.
    let total = weights.clone().fold(0, |sum: u64, weight| sum.wrapping_add(u64::from(weight)));
    let Some(total) = NonZeroU64::new(total) else {
        (0..places).for_each(|place| write(place, 0));
        return Some(0);
    };
    let mut remainders = [0u64; MAX_SHARES];
    // The rounded shares never exceed the budget, and each loses less than one unit.
    let mut left = budget;
    for (place, weight) in remainders.iter_mut().zip(weights.clone()) {
        let product = product(budget, weight);
        *place = product % total;
        left = left.wrapping_sub(product / total);
    }
    let remainders = remainders.get(..places)?;
    let threshold = threshold(remainders, left);
    let mut left_at_threshold = left.wrapping_sub(count_above(remainders, threshold));
    for (place, (remainder, weight)) in (0..).zip(remainders.iter().zip(weights)) {
        let is_equal = *remainder == threshold && left_at_threshold > 0;
        left_at_threshold = left_at_threshold.wrapping_sub(u64::from(is_equal));
        let bonus = u64::from(*remainder > threshold || is_equal);
        write(place, (product(budget, weight) / total).wrapping_add(bonus));
    }
    Some(budget)
}

/// Both are within their limits, so that the product fits 56 bits.
#[inline(always)]
const fn product(budget: u64, weight: u32) -> u64 {
    budget.wrapping_mul(weight as u64)
}

#[inline(never)]
fn count_above(remainders: &[u64], threshold: u64) -> u64 {
    remainders.iter().filter(|remainder| **remainder > threshold).count() as u64
}

/// The smallest number that at most `left` remainders exceed, by halving. Remainders are below the sum of the weights, and
/// that is below 2^24.
#[inline(always)]
fn threshold(remainders: &[u64], left: u64) -> u64 {
    let (mut low, mut high): (u64, u64) = (0, 1 << 24);
    while low < high {
        let middle = low.wrapping_add(high) / 2;
        if count_above(remainders, middle) <= left {
            high = middle;
        } else {
            low = middle.wrapping_add(1);
        }
    }
    low
}

/// What a queue may reserve in a window, compute units: its thousandths of its shard's share.
#[inline(always)]
pub const fn quota(share: u64, permille: u16) -> u64 {
    let share = if share > MAX_BUDGET { MAX_BUDGET } else { share };
    share.wrapping_mul(permille as u64) / 1_000
}

/// Reserves `units` in the window that contains `now`, and returns its start and what is reserved in it afterwards; `None`
/// if the quota does not allow it. A window begins with the first reservation after the last one ended.
#[inline(always)]
pub const fn reserve(window: (i64, u64), now: i64, seconds: u32, units: u32, quota: u64) -> Option<(i64, u64)> {
    let (started_at, reserved) = window;
    let is_over = now.saturating_sub(started_at) >= seconds as i64;
    let (started_at, reserved) = if is_over { (now, 0) } else { (started_at, reserved) };
    let after = reserved.saturating_add(units as u64);
    if after > quota { None } else { Some((started_at, after)) }
}
