//! Finds the words in which two ranges differ.
//!
//! ```text
//! gallop   |===1024====|==========4096==========|===============16384====x===========...  equal, equal, differs
//! halve                                         |========|====|==|x=|                      down to 64 bytes, by powers of two
//! words                                                          ....x                     8 bytes at a time
//! run                                                                xx.x..x|              until more than the gap is equal
//! ```
//!
//! Equal ranges are skipped by comparisons whose price hardly depends on their length, so the cost follows the number of
//! runs, not the size of the data. Inside a run nothing is compared that cannot end it: if gaps of up to five words are
//! joined, then looking at every sixth word of an all dirty range is enough.

use super::memory::{Memory, copy};
use super::wire::{HEAD_BYTES, Size, number};
use shared_layouts::diff::{DiffError, optimization_level};

/// Granularity of operations that are calculated.
const WORD_BYTES: usize = 8;
/// First range of a gallop; each further one is four times as long.
const FIRST_STEP_BYTES: usize = 1_024;
/// Ranges of a search where a difference is known to be, cut to what there is.
const LONG_STEP_BYTES: usize = 16_384;
/// Range in which words are compared one by one.
const LEAF_BYTES: usize = 64;

/// Longest range of equal bytes that the aggressive level takes into an operation. Sealing, applying and taking back one
/// more operation costs about 150 units and 8 bytes of head, and carrying five equal words along costs 32 bytes more and hardly
/// a unit. Wider gaps would let the diff of a sparse change grow for little.
pub const JOIN_BYTES: usize = 40;

/// Two ranges to compare.
#[derive(Clone, Copy, Debug)]
pub struct Calculation<'a> {
    /// What is there.
    pub base: &'a [u8],
    /// What shall be there. If it is longer, the tail is one more operation; if it is shorter, the diff says nothing of
    /// the rest of the base.
    pub new: &'a [u8],
    /// Added to the offset of each operation.
    pub offset: usize,
    /// One of [`optimization_level`]: one operation a word, or a run of words, or runs joined up to [`JOIN_BYTES`].
    pub level: u8,
}

impl Calculation<'_> {
    /// Whether there is nothing to do. One comparison tells, so ask before [`Calculation::write`].
    #[inline(always)]
    pub fn is_unchanged<M: Memory>(&self) -> bool {
        M::equal(self.base, self.new)
    }

    /// Writes the operations that turn `base` into `new` to the beginning of `out`: ascending, disjoint, none empty.
    ///
    /// # Errors
    /// `ArenaFull` if they do not fit.
    #[inline(never)]
    pub fn write<M: Memory>(&self, out: &mut [u8]) -> Result<Size, DiffError> {
        let pair = Pair::new(self.base, self.new);
        let common = pair.bytes;
        let mut size = Size::default();
        let mut at = 0;
        loop {
            let start = pair.first_difference::<M>(at, size.operations > 0);
            let end = if start < common {
                pair.run_end::<M>(start, self.level)
            } else if start == common && common < self.new.len() {
                // The tail comes last, and once: it ends behind what both have.
                self.new.len()
            } else {
                return Ok(size);
            };
            let payload = self.new.get(start..end).ok_or(DiffError::OutOfBounds)?;
            let bytes = payload.len().wrapping_add(HEAD_BYTES);
            let room = out.get_mut(size.bytes..).and_then(|rest| rest.get_mut(..bytes)).ok_or(DiffError::ArenaFull)?;
            let (head, to) = room.split_first_chunk_mut::<HEAD_BYTES>().ok_or(DiffError::ArenaFull)?;
            *head = bytemuck::cast([number(self.offset.wrapping_add(start)), number(payload.len())]);
            copy::<M>(to, payload);
            size.bytes = size.bytes.wrapping_add(bytes);
            size.operations = size.operations.wrapping_add(1);
            at = end;
        }
    }
}

/// What two ranges have in common in length. Positions are multiples of a word from their beginning; the last word may be
/// cut short.
///
/// These are the innermost loops of the program: the reads are unchecked, and sums of positions, which are below 2^32, are
/// not checked for overflow. The two searches are functions of their own, so that their positions stay in registers. `bench` has the rows that this pays for: with checked reads the all dirty one cost half as much again.
struct Pair<'a> {
    base: &'a [u8],
    new: &'a [u8],
    /// Length of both.
    bytes: usize,
    /// Where the last whole word ends.
    whole: usize,
}

impl<'a> Pair<'a> {
    #[inline(always)]
    fn new(base: &'a [u8], new: &'a [u8]) -> Self {
        let bytes = base.len().min(new.len());
        Self { base, new, bytes, whole: bytes & !(WORD_BYTES - 1) }
    }

    /// Whether the word at `at` differs; behind the end none does.
    #[inline(always)]
    fn differs(&self, at: usize) -> bool {
        if at >= self.whole {
            return self.rest_differs(at);
        }
        // SAFETY: `at` is a multiple of a word below `whole`, so the word ends inside both ranges.
        let base = unsafe { self.base.get_unchecked(at..at.wrapping_add(WORD_BYTES)) };
        // SAFETY: as above.
        let new = unsafe { self.new.get_unchecked(at..at.wrapping_add(WORD_BYTES)) };
        bytemuck::pod_read_unaligned::<u64>(base) != bytemuck::pod_read_unaligned::<u64>(new)
    }

    #[cold]
    #[inline(never)]
    fn rest_differs(&self, at: usize) -> bool {
        self.base.get(at..self.bytes) != self.new.get(at..self.bytes)
    }

    /// Whether the ranges are equal from `start` to `end`, which is not behind `bytes`.
    #[inline(always)]
    fn equal<M: Memory>(&self, start: usize, end: usize) -> bool {
        debug_assert!(start <= end && end <= self.bytes);
        // SAFETY: the callers keep `start <= end <= bytes`: they take `end` from `bytes` and halves of what is below it.
        let base = unsafe { self.base.get_unchecked(start..end) };
        // SAFETY: as above.
        let new = unsafe { self.new.get_unchecked(start..end) };
        M::equal(base, new)
    }

    /// The first word from `from` on that differs, or `bytes`, or `from` if that is behind.
    ///
    /// `doubt` says that there may be none; otherwise one is looked for at once.
    #[inline(never)]
    fn first_difference<M: Memory>(&self, from: usize, doubt: bool) -> usize {
        if from >= self.bytes || self.differs(from) {
            return from;
        }
        match self.window::<M>(from, doubt) {
            Ok((low, step)) => self.halve::<M>(low, step),
            Err(found) => found,
        }
    }

    /// A range with a difference, and none between `from` and it: where it begins, and its length, which is [`LEAF_BYTES`]
    /// doubled any number of times. Or what was found at once.
    #[inline(always)]
    fn window<M: Memory>(&self, from: usize, doubt: bool) -> Result<(usize, usize), usize> {
        let mut low = from;
        let mut step = if doubt { FIRST_STEP_BYTES } else { LONG_STEP_BYTES };
        if doubt {
            loop {
                // What is left goes along with the last step, where it is not longer than that.
                if self.bytes.wrapping_sub(low) <= step << 1 {
                    if self.equal::<M>(low, self.bytes) {
                        return Err(self.bytes);
                    }
                    break;
                }
                let high = low.wrapping_add(step);
                if !self.equal::<M>(low, high) {
                    return Ok((low, step));
                }
                low = high;
                step <<= 2;
            }
        }
        // There is a difference. The longest step that still fits, again and again, until it lies in one.
        loop {
            let left = self.whole.saturating_sub(low);
            if left < LEAF_BYTES {
                while !self.differs(low) && low < self.bytes {
                    low = low.wrapping_add(WORD_BYTES);
                }
                return Err(low.min(self.bytes));
            }
            while step > left {
                step >>= 1;
            }
            let high = low.wrapping_add(step);
            if !self.equal::<M>(low, high) {
                return Ok((low, step));
            }
            low = high;
        }
    }

    /// The first word that differs in what [`Pair::window`] has found.
    #[inline(always)]
    fn halve<M: Memory>(&self, mut low: usize, mut step: usize) -> usize {
        while step > LEAF_BYTES {
            step >>= 1;
            let middle = low.wrapping_add(step);
            if self.equal::<M>(low, middle) {
                low = middle;
            }
        }
        let end = low.wrapping_add(LEAF_BYTES);
        debug_assert!(end <= self.whole);
        // SAFETY: a window ends inside, and so does each half of it.
        let base = unsafe { self.base.get_unchecked(low..end) };
        // SAFETY: as above.
        let new = unsafe { self.new.get_unchecked(low..end) };
        let words = base.chunks_exact(WORD_BYTES).zip(new.chunks_exact(WORD_BYTES));
        for (base, new) in words {
            if bytemuck::pod_read_unaligned::<u64>(base) != bytemuck::pod_read_unaligned::<u64>(new) {
                break;
            }
            low = low.wrapping_add(WORD_BYTES);
        }
        low
    }

    /// The end of the run that begins with the differing word at `start`.
    #[inline(never)]
    fn run_end<M: Memory>(&self, start: usize, level: u8) -> usize {
        let reach = match level {
            optimization_level::NONE => return start.wrapping_add(WORD_BYTES).min(self.bytes),
            optimization_level::BASIC => WORD_BYTES,
            _ => JOIN_BYTES + WORD_BYTES,
        };
        let mut end = start.wrapping_add(WORD_BYTES);
        loop {
            // The farthest word of a dense run: one comparison for all that it takes in.
            let mut probe = end.wrapping_add(reach);
            while probe <= self.whole && self.differs(probe.wrapping_sub(WORD_BYTES)) {
                end = probe;
                probe = probe.wrapping_add(reach);
            }
            // Most runs end here.
            let high = probe.min(self.bytes);
            if end >= high || self.equal::<M>(end, high) {
                return end.min(self.bytes);
            }
            // The farthest one that differs, of those that are left.
            while !self.differs(probe.wrapping_sub(WORD_BYTES)) {
                probe = probe.wrapping_sub(WORD_BYTES);
            }
            end = probe;
        }
    }
}

const _: () = assert!(JOIN_BYTES.is_multiple_of(WORD_BYTES), "runs are made of words");
