//! Comparison of a value found with a constant, as verification functions state it.

use core::cmp::Ordering;
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
        match self.operator {
            operator::EQUAL => found == self.constant,
            operator::NOT_EQUAL => found != self.constant,
            operator::ALL_BITS => bits(found, self.constant, |found, mask| found & mask == mask),
            operator::NO_BITS => bits(found, self.constant, |found, mask| found & mask == 0),
            operator::LESS => self.ordering(found) == Some(Ordering::Less),
            operator::LESS_OR_EQUAL => matches!(self.ordering(found), Some(Ordering::Less | Ordering::Equal)),
            operator::GREATER => self.ordering(found) == Some(Ordering::Greater),
            operator::GREATER_OR_EQUAL => matches!(self.ordering(found), Some(Ordering::Greater | Ordering::Equal)),
            _ => false,
        }
    }

    #[inline(always)]
    fn ordering(&self, found: &[u8]) -> Option<Ordering> {
        match self.number {
            number_kind::UNSIGNED => Some(unsigned(found).cmp(&unsigned(self.constant))),
            number_kind::SIGNED => Some(signed(found).cmp(&signed(self.constant))),
            number_kind::BYTES => Some(found.cmp(self.constant)),
            _ => None,
        }
    }
}

fn bits(found: &[u8], mask: &[u8], holds: impl Fn(u8, u8) -> bool) -> bool {
    found.iter().zip(mask).all(|(found, mask)| holds(*found, *mask))
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
    match bytes.len() {
        1 => bytes.first_chunk().map_or(0, |bytes| i64::from(i8::from_le_bytes(*bytes))),
        2 => bytes.first_chunk().map_or(0, |bytes| i64::from(i16::from_le_bytes(*bytes))),
        4 => bytes.first_chunk().map_or(0, |bytes| i64::from(i32::from_le_bytes(*bytes))),
        8 => bytes.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes)),
        _ => 0,
    }
}
