//! Against arithmetic in 128 bits and the standard library's order of slices.

use super::{Comparison, is_valid_width};
use proptest::prelude::*;
use shared_layouts::processor::{number_kind, operator};

/// What a comparison says, by way of one wide integer or of slices.
fn model(comparison: &Comparison, found: &[u8]) -> bool {
    let wide = |bytes: &[u8]| -> i128 {
        let negative = comparison.number == number_kind::SIGNED && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let magnitude = bytes.iter().rev().fold(0i128, |sum, byte| sum << 8 | i128::from(*byte));
        if negative { magnitude - (1i128 << (8 * bytes.len())) } else { magnitude }
    };
    let order = if comparison.number == number_kind::BYTES {
        found.cmp(comparison.constant)
    } else {
        wide(found).cmp(&wide(comparison.constant))
    };
    let mut bits = found.iter().zip(comparison.constant);
    match comparison.operator {
        operator::EQUAL => order.is_eq(),
        operator::NOT_EQUAL => order.is_ne(),
        operator::LESS => order.is_lt(),
        operator::LESS_OR_EQUAL => order.is_le(),
        operator::GREATER => order.is_gt(),
        operator::GREATER_OR_EQUAL => order.is_ge(),
        operator::ALL_BITS => bits.all(|(found, mask)| found & mask == *mask),
        operator::NO_BITS => bits.all(|(found, mask)| found & mask == 0),
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_comparison_is_what_wide_arithmetic_says(
        number in 0u8..3, operator in 0u8..9, width in prop::sample::select(&[1u8, 2, 4, 8, 16, 32][..]),
        found in any::<[u8; 32]>(), constant in any::<[u8; 32]>(), near in any::<bool>(),
    ) {
        prop_assume!(is_valid_width(number, width));
        let width = usize::from(width);
        // Random values are hardly ever equal.
        let mut constant = if near { found } else { constant };
        if near { constant[0] = constant[0].wrapping_add(found[31] % 3).wrapping_sub(1); }
        let comparison = Comparison { operator, number, constant: &constant[..width] };
        prop_assert_eq!(comparison.holds(&found[..width]), model(&comparison, &found[..width]));
    }
}
