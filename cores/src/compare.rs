//! Comparison of a value found with a constant, as verification functions state it.

use shared_layouts::keys_equal;
use shared_layouts::processor::{number_kind, operator};

/// Most bytes of a value.
pub const MAX_WIDTH: usize = 32;

/// A comparison, as a verification function records it.
#[derive(Clone, Copy, Debug)]
pub struct Comparison<'a> {
    /// One of [`operator`].
    pub operator: u8,
    /// One of [`number_kind`].
    pub number: u8,
    /// Right-hand side; its length is the width of the comparison.
    pub constant: &'a [u8],
}

/// Whether a width can be compared as `number`: 1, 2, 4 or 8 bytes as a number; 16 and 32 as bytes, too.
pub const fn is_valid_width(number: u8, width: u8) -> bool {
    match number {
        number_kind::UNSIGNED | number_kind::SIGNED => matches!(width, 1 | 2 | 4 | 8),
        number_kind::BYTES => matches!(width, 1 | 2 | 4 | 8 | 16 | 32),
        _ => false,
    }
}

impl Comparison<'_> {
    /// Whether `found <operator> constant` holds. `found` has the length of the constant.
    ///
    /// An unknown operator or number kind never holds; registration refuses both.
    #[inline(always)]
    pub fn holds(&self, found: &[u8]) -> bool {
        debug_assert_eq!(found.len(), self.constant.len());
        match self.number {
            number_kind::UNSIGNED => unsigned_holds(self.operator, unsigned(found), unsigned(self.constant)),
            number_kind::SIGNED => signed_holds(self.operator, signed(found), signed(self.constant)),
            number_kind::BYTES => bytes_hold(self.operator, found, self.constant),
            _ => false,
        }
    }
}

/// `left <operator> right` of unsigned numbers.
#[inline(always)]
pub const fn unsigned_holds(operator: u8, left: u64, right: u64) -> bool {
    match operator {
        operator::EQUAL => left == right,
        operator::NOT_EQUAL => left != right,
        operator::LESS => left < right,
        operator::LESS_OR_EQUAL => left <= right,
        operator::GREATER => left > right,
        operator::GREATER_OR_EQUAL => left >= right,
        operator::ALL_BITS => left & right == right,
        operator::NO_BITS => left & right == 0,
        _ => false,
    }
}

/// `left <operator> right` of signed numbers.
#[inline(always)]
pub const fn signed_holds(operator: u8, left: i64, right: i64) -> bool {
    match operator {
        operator::LESS => left < right,
        operator::LESS_OR_EQUAL => left <= right,
        operator::GREATER => left > right,
        operator::GREATER_OR_EQUAL => left >= right,
        // Equality and bits do not depend on the sign.
        _ => unsigned_holds(operator, left.cast_unsigned(), right.cast_unsigned()),
    }
}

/// `left <operator> right` of bytes, ordered from the first one on. Keys are compared by words.
#[inline(always)]
fn bytes_hold(operator: u8, left: &[u8], right: &[u8]) -> bool {
    match operator {
        operator::EQUAL => bytes_equal(left, right),
        operator::NOT_EQUAL => !bytes_equal(left, right),
        operator::ALL_BITS | operator::NO_BITS => {
            let all = if operator == operator::ALL_BITS { u8::MAX } else { 0 };
            left.iter().zip(right).all(|(found, mask)| found & mask == mask & all)
        }
        // The order of the bytes is the order of -1, 0 and 1.
        _ => signed_holds(operator, left.cmp(right) as i64, 0),
    }
}

#[inline(always)]
fn bytes_equal(left: &[u8], right: &[u8]) -> bool {
    match (left.first_chunk::<MAX_WIDTH>(), right.first_chunk::<MAX_WIDTH>()) {
        (Some(left_key), Some(right_key)) if left.len() == MAX_WIDTH && right.len() == MAX_WIDTH => {
            keys_equal(left_key, right_key)
        }
        _ => left == right,
    }
}

/// Little-endian number of 1, 2, 4 or 8 bytes; zero for any other length, which registration refuses.
#[inline(always)]
pub fn unsigned(bytes: &[u8]) -> u64 {
    match bytes.len() {
        1 => bytes.first().map_or(0, |byte| u64::from(*byte)),
        2 => bytes.first_chunk().map_or(0, |bytes| u64::from(u16::from_le_bytes(*bytes))),
        4 => bytes.first_chunk().map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes))),
        8 => bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)),
        _ => 0,
    }
}

/// Two's complement little-endian number of 1, 2, 4 or 8 bytes; zero for any other length, which registration refuses.
#[inline(always)]
pub fn signed(bytes: &[u8]) -> i64 {
    let unused_bits = match bytes.len() {
        1 => 56,
        2 => 48,
        4 => 32,
        _ => 0,
    };
    (unsigned(bytes) << unused_bits).cast_signed() >> unused_bits
}

#[cfg(test)]
mod tests;
