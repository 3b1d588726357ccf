//! Comparison of a value found with a constant, as verification functions state it.

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
    /// An unknown operator, number kind or width never holds; registration refuses all three.
    #[inline(always)]
    pub fn holds(&self, found: &[u8]) -> bool {
        debug_assert_eq!(found.len(), self.constant.len());
        if self.number == number_kind::BYTES {
            return bytes_hold(self.operator, found, self.constant);
        }
        match (number(self.number, found), number(self.number, self.constant)) {
            (Some(found), Some(constant)) => numbers_hold(self.operator, self.number, found, constant),
            _ => false,
        }
    }
}

/// `left <operator> right` of two numbers of a kind, as [`number`] reads them.
#[inline(never)]
pub const fn numbers_hold(operator: u8, kind: u8, left: u64, right: u64) -> bool {
    // With the sign bit turned, signed numbers are ordered as unsigned ones. Equality and bits do not depend on the sign.
    let is_order = operator >= operator::LESS && operator <= operator::GREATER_OR_EQUAL;
    let bias = if kind == number_kind::SIGNED && is_order { 1 << 63 } else { 0 };
    unsigned_holds(operator, left ^ bias, right ^ bias)
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

/// `left <operator> right` of bytes, ordered from the first one on.
#[inline(always)]
fn bytes_hold(operator: u8, left: &[u8], right: &[u8]) -> bool {
    if matches!(operator, operator::ALL_BITS | operator::NO_BITS) {
        let all = if operator == operator::ALL_BITS { u8::MAX } else { 0 };
        return left.iter().zip(right).all(|(found, mask)| found & mask == mask & all);
    }
    // The order of the bytes is the order of 0, 1 and 2.
    numbers_hold(operator, number_kind::UNSIGNED, (left.cmp(right) as i64 + 1).cast_unsigned(), 1)
}

/// Little-endian number of 1, 2, 4 or 8 bytes, in two's complement with its sign extended if it is signed; `None` for any other
/// kind or length, which registration refuses.
#[inline(never)]
pub fn number(kind: u8, bytes: &[u8]) -> Option<u64> {
    let (number, unused_bits) = match bytes.len() {
        1 => (u64::from(*bytes.first()?), 56),
        2 => (u64::from(u16::from_le_bytes(*bytes.first_chunk()?)), 48),
        4 => (u64::from(u32::from_le_bytes(*bytes.first_chunk()?)), 32),
        8 => (u64::from_le_bytes(*bytes.first_chunk()?), 0),
        _ => return None,
    };
    match kind {
        number_kind::UNSIGNED => Some(number),
        number_kind::SIGNED => Some(((number << unused_bits).cast_signed() >> unused_bits).cast_unsigned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
