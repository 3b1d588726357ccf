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

/// Little-endian edges: the ends of each width's range with and without a sign, and neighbours of zero.
const EDGES: [[u8; 32]; 8] = {
    let mut edges = [[0; 32]; 8];
    edges[1] = [0xff; 32];
    edges[2][0] = 1;
    edges[3][31] = 0x80;
    edges[4] = [0x7f; 32];
    edges[5] = [0x80; 32];
    edges[6][0] = 3;
    edges[7][0] = 0xfe;
    edges
};

#[test]
fn every_operator_at_every_edge_is_what_wide_arithmetic_says() {
    for number in [number_kind::UNSIGNED, number_kind::SIGNED, number_kind::BYTES] {
        for width in (0..=32).filter(|width| is_valid_width(number, *width)).map(usize::from) {
            for operator in 0..=9 {
                for (found, constant) in EDGES.iter().flat_map(|found| EDGES.iter().map(move |other| (found, other))) {
                    // As words of the width, so that the sign stands where the width says.
                    let (mut found, mut constant) = (*found, *constant);
                    found[width - 1] = found[31].max(found[width - 1]);
                    constant[width - 1] = constant[31].max(constant[width - 1]);
                    let comparison = Comparison { operator, number, constant: &constant[..width] };
                    let holds = comparison.holds(&found[..width]);
                    assert_eq!(holds, model(&comparison, &found[..width]), "{comparison:?} {:?}", &found[..width]);
                }
            }
        }
    }
}

#[test]
fn numbers_have_four_widths_and_bytes_have_six() {
    for width in 0..=40 {
        let is_number = [1, 2, 4, 8].contains(&width);
        assert_eq!(is_valid_width(number_kind::UNSIGNED, width), is_number, "{width}");
        assert_eq!(is_valid_width(number_kind::SIGNED, width), is_number, "{width}");
        assert_eq!(is_valid_width(number_kind::BYTES, width), is_number || width == 16 || width == 32, "{width}");
        assert!(!is_valid_width(number_kind::BYTES + 1, width));
    }
}
