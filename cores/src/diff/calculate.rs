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
//! joined, then looking at every sixth word of an all dirty range is enough. And nothing is compared that is known: where one
//! half is equal, the difference is in the other, and what ended a run is not looked at again.
//!
//! Each search is a function of its own over two pointers and a length, because no more than four registers outlive a call:
//! [`halve`] has all that it needs in them, and a step costs 11 or 12 units besides the comparison.

use super::memory::{Memory, copy};
use super::wire::{HEAD_BYTES, Size, number};
use core::hint::black_box;
use shared_layouts::diff::{DiffError, optimization_level};

/// Granularity of operations that are calculated.
const WORD_BYTES: usize = 8;
/// First range of a gallop; each further one is four times as long.
const FIRST_STEP_BYTES: usize = 1_024;
/// Ranges of a search where a difference is known to be, cut to what there is.
const LONG_STEP_BYTES: usize = 16_384;
/// Behind the first run, no more than so much is compared at once: often nothing else differs.
const LONE_RUN_BYTES: usize = 8_192;
/// Range in which words are compared one by one.
const LEAF_BYTES: usize = 64;

/// Longest range of equal bytes that the aggressive level takes into an operation. Sealing, applying and taking back one
/// more operation costs about 150 units and 8 bytes of head, and carrying five equal words along costs 32 bytes more and hardly
/// a unit. Wider gaps would let the diff of a sparse change grow for little.
pub const JOIN_BYTES: usize = 40;

/// Equal bytes that end a run where so much is joined: the shortest gap that is not.
const GAP_BYTES: usize = JOIN_BYTES + WORD_BYTES;

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
    pub fn write<M: Memory>(&self, mut out: &mut [u8]) -> Result<Size, DiffError> {
        let mut pair = Pair::new(self.base, self.new);
        let (common, room) = (pair.bytes(), out.len());
        let end = self.offset.wrapping_add(common);
        let gap = match self.level {
            optimization_level::NONE => 0,
            optimization_level::BASIC => WORD_BYTES,
            _ => GAP_BYTES,
        };
        let mut operations = 0usize;
        while pair.bytes() != 0 {
            if !pair.differs(0) {
                let left = pair.search::<M>(operations);
                if left == 0 {
                    break;
                }
                // SAFETY: a search returns a part of what it was given.
                pair = unsafe { pair.last(left) };
            }
            let left = match gap {
                0 => pair.bytes().saturating_sub(WORD_BYTES),
                WORD_BYTES => after_run::<M, WORD_BYTES>(pair.base, pair.new),
                _ => after_run::<M, GAP_BYTES>(pair.base, pair.new),
            };
            // SAFETY: what is left behind the run is a part of it.
            let run = unsafe { pair.first(pair.bytes().wrapping_sub(left)) };
            out = put::<M>(out, end.wrapping_sub(pair.bytes()), run.new)?;
            operations = operations.wrapping_add(1);
            // So much behind the run was compared to end it.
            if left <= gap {
                break;
            }
            // SAFETY: as above, and less.
            pair = unsafe { pair.last(left.wrapping_sub(gap)) };
        }
        // The tail comes last: it ends behind what both have.
        let tail = self.new.get(common..).unwrap_or_default();
        if !tail.is_empty() {
            out = put::<M>(out, end, tail)?;
            operations = operations.wrapping_add(1);
        }
        Ok(Size { bytes: room.wrapping_sub(out.len()), operations })
    }
}

/// Writes one operation to the beginning of `out`, and returns what is behind it.
#[inline(always)]
fn put<'a, M: Memory>(out: &'a mut [u8], offset: usize, payload: &[u8]) -> Result<&'a mut [u8], DiffError> {
    let (head, rest) = out.split_first_chunk_mut::<HEAD_BYTES>().ok_or(DiffError::ArenaFull)?;
    let (to, rest) = rest.split_at_mut_checked(payload.len()).ok_or(DiffError::ArenaFull)?;
    // Two stores: as one they would be put together in registers first.
    let (at, bytes) = head.split_at_mut(HEAD_BYTES / 2);
    at.copy_from_slice(&number(offset).to_ne_bytes());
    bytes.copy_from_slice(&number(payload.len()).to_ne_bytes());
    copy::<M>(to, payload);
    Ok(rest)
}

/// Two ranges of one length, which is not a multiple of a word where the last word is cut short.
///
/// These are the innermost loops of the program: reads are unchecked, and sums of positions, which are below 2^32, are not
/// checked for overflow. `bench` has the rows that this pays for. No read depends on what [`Memory::equal`] answers.
#[derive(Clone, Copy)]
struct Pair<'a> {
    base: &'a [u8],
    new: &'a [u8],
}

impl<'a> Pair<'a> {
    /// What two ranges have in common in length.
    #[inline(always)]
    fn new(base: &'a [u8], new: &'a [u8]) -> Self {
        let bytes = base.len().min(new.len());
        Self { base: base.get(..bytes).unwrap_or_default(), new: new.get(..bytes).unwrap_or_default() }
    }

    /// What a function of this file was given as two slices, for as one value it would go through memory. The second
    /// length is not looked at, and so not even passed.
    ///
    /// # Safety
    /// Both have one length.
    #[inline(always)]
    unsafe fn of(base: &'a [u8], new: &'a [u8]) -> Self {
        debug_assert_eq!(base.len(), new.len());
        // SAFETY: the caller's contract.
        Self { base, new: unsafe { new.get_unchecked(..base.len()) } }
    }

    #[inline(always)]
    fn bytes(self) -> usize {
        self.base.len()
    }

    /// The first so many bytes.
    ///
    /// # Safety
    /// There are as many.
    #[inline(always)]
    unsafe fn first(self, bytes: usize) -> Self {
        debug_assert!(bytes <= self.bytes());
        // SAFETY: the caller's contract.
        let base = unsafe { self.base.get_unchecked(..bytes) };
        // SAFETY: as above, and both have one length.
        let new = unsafe { self.new.get_unchecked(..bytes) };
        Self { base, new }
    }

    /// What is behind so many bytes.
    ///
    /// # Safety
    /// As [`Pair::first`].
    #[inline(always)]
    unsafe fn skip(self, bytes: usize) -> Self {
        debug_assert!(bytes <= self.bytes());
        // SAFETY: the caller's contract.
        let base = unsafe { self.base.get_unchecked(bytes..) };
        // SAFETY: as above, and both have one length.
        let new = unsafe { self.new.get_unchecked(bytes..) };
        Self { base, new }
    }

    /// The last so many bytes.
    ///
    /// # Safety
    /// As [`Pair::first`].
    #[inline(always)]
    unsafe fn last(self, bytes: usize) -> Self {
        // SAFETY: the caller's contract.
        unsafe { self.skip(self.bytes().wrapping_sub(bytes)) }
    }

    #[inline(always)]
    fn equal<M: Memory>(self) -> bool {
        // SAFETY: it is a pair; the compiler has lost sight of that.
        let pair = unsafe { Self::of(self.base, self.new) };
        M::equal(pair.base, pair.new)
    }

    /// Whether the word at `at` differs; behind the end none does.
    #[inline(always)]
    fn differs(self, at: usize) -> bool {
        if at.wrapping_add(WORD_BYTES) > self.bytes() {
            return rest_differs(self.base, self.new, at);
        }
        // SAFETY: the word's end was just compared with the length.
        unsafe { self.differs_unchecked(at) }
    }

    /// Whether the word at `at` differs.
    ///
    /// # Safety
    /// It ends inside.
    #[inline(always)]
    unsafe fn differs_unchecked(self, at: usize) -> bool {
        // SAFETY: the caller's contract.
        let rest = unsafe { self.skip(at) };
        // SAFETY: as above.
        let word = unsafe { rest.first(WORD_BYTES) };
        bytemuck::pod_read_unaligned::<u64>(word.base) != bytemuck::pod_read_unaligned::<u64>(word.new)
    }

    /// What is left from the first word that differs on, or nothing, behind so many runs. The first word is equal.
    ///
    /// Before the first run a difference is looked for where it must be; if there is none after all, none is found.
    #[inline(always)]
    fn search<M: Memory>(self, runs: usize) -> usize {
        if runs == 0 {
            within::<M>(self.base, self.new, LONG_STEP_BYTES)
        } else if runs > 1 || self.bytes() > LONE_RUN_BYTES {
            gallop::<M>(self.base, self.new)
        } else if self.equal::<M>() {
            0
        } else {
            within::<M>(self.base, self.new, LONE_RUN_BYTES / 2)
        }
    }
}

/// Whether anything from `at` on differs; behind the end nothing does.
#[cold]
#[inline(never)]
fn rest_differs(base: &[u8], new: &[u8], at: usize) -> bool {
    // SAFETY: every caller takes them from a pair.
    let pair = unsafe { Pair::of(base, new) };
    pair.base.get(at..) != pair.new.get(at..)
}

/// What is left from the first word that differs on, or nothing.
#[inline(never)]
fn gallop<M: Memory>(base: &[u8], new: &[u8]) -> usize {
    // SAFETY: every caller takes them from a pair.
    let mut pair = unsafe { Pair::of(base, new) };
    let mut step = FIRST_STEP_BYTES;
    while pair.bytes() > step << 1 {
        // SAFETY: twice as much was just compared with the length.
        let low = unsafe { pair.first(step) };
        if !low.equal::<M>() {
            return pair.bytes().wrapping_sub(halve::<M>(pair.base, pair.new, step >> 1));
        }
        // SAFETY: as above.
        pair = unsafe { pair.skip(step) };
        step <<= 2;
    }
    // What is left goes along with the last step, where it is not longer than that.
    if pair.equal::<M>() { 0 } else { within::<M>(pair.base, pair.new, step) }
}

/// As [`gallop`], where a difference must be.
///
/// `step` is [`LEAF_BYTES`] doubled any number of times; ranges that are longer than two are gone through step by step.
#[inline(never)]
fn within<M: Memory>(base: &[u8], new: &[u8], mut step: usize) -> usize {
    // SAFETY: every caller takes them from a pair.
    let mut pair = unsafe { Pair::of(base, new) };
    let mut words = pair.bytes() & !(WORD_BYTES - 1);
    if words < LEAF_BYTES {
        while pair.bytes() >= WORD_BYTES && !pair.differs(0) {
            // SAFETY: the length was just compared.
            pair = unsafe { pair.skip(WORD_BYTES) };
        }
    } else {
        // The second comparison alone would do. It costs more than this one, which few ranges get beyond.
        if words > 2 * LONG_STEP_BYTES {
            while words > step << 1 {
                // SAFETY: twice as much was just compared with the words, which are no more than the bytes.
                let low = unsafe { pair.first(step) };
                if !low.equal::<M>() {
                    return pair.bytes().wrapping_sub(halve::<M>(pair.base, pair.new, step >> 1));
                }
                // SAFETY: as above.
                pair = unsafe { pair.skip(step) };
                words = words.wrapping_sub(step);
            }
        }
        while step > words {
            step >>= 1;
        }
        // What is over a power of two: if it is equal, the difference is in the rest, and needs no comparison.
        let over = words.wrapping_sub(step);
        if over != 0 {
            // SAFETY: it is a part of the words.
            let low = unsafe { pair.first(over) };
            if low.equal::<M>() {
                // SAFETY: as above.
                pair = unsafe { pair.skip(over) };
            } else {
                while step >> 1 >= over && step > LEAF_BYTES {
                    step >>= 1;
                }
            }
        }
        let equal = halve::<M>(pair.base, pair.new, step >> 1);
        // SAFETY: that is no more than `step`, which is no more than the words that are left.
        pair = unsafe { pair.skip(equal) };
    }
    let left = pair.bytes();
    // What a word is cut short to is compared last, and only if all words are equal.
    if left < WORD_BYTES && left != 0 && !rest_differs(pair.base, pair.new, 0) { 0 } else { left }
}

/// How many bytes before the first word that differs are equal, of twice `half` bytes; all of these, if none does.
///
/// `half` is [`LEAF_BYTES`] doubled any number of times, or half of it, and there are twice as many bytes or more.
#[inline(never)]
fn halve<M: Memory>(base: &[u8], new: &[u8], mut half: usize) -> usize {
    debug_assert!(half.is_power_of_two() && half >= LEAF_BYTES / 2 && base.len() >= half << 1);
    // SAFETY: every caller takes them from a pair.
    let mut pair = unsafe { Pair::of(base, new) };
    if half >= LEAF_BYTES {
        loop {
            // SAFETY: there are two halves: at first the callers have compared that, then one is kept and halved.
            let low = unsafe { pair.first(half) };
            if low.equal::<M>() {
                // SAFETY: as above.
                pair = unsafe { pair.skip(half) };
                // Keeps this a branch. The compiler prefers to add a zero, which is three units more.
                black_box(());
            }
            if half == LEAF_BYTES {
                break;
            }
            half >>= 1;
        }
    }
    let skipped = pair.base.as_ptr().addr().wrapping_sub(base.as_ptr().addr());
    let mut equal = 0;
    // SAFETY: a leaf is there, which is one half of the last two, or all; the word ends in it.
    while equal < LEAF_BYTES && !unsafe { pair.differs_unchecked(equal) } {
        equal += WORD_BYTES;
    }
    skipped.wrapping_add(equal)
}

/// What is left behind the run that begins with the first word, which differs. `GAP` equal bytes end it, or the end.
#[inline(never)]
fn after_run<M: Memory, const GAP: usize>(base: &[u8], new: &[u8]) -> usize {
    // SAFETY: every caller takes them from a pair.
    let mut pair = unsafe { Pair::of(base, new) };
    if pair.bytes() <= WORD_BYTES {
        return 0;
    }
    // SAFETY: the length was just compared.
    pair = unsafe { pair.skip(WORD_BYTES) };
    // Runs of two words are common.
    if GAP > WORD_BYTES && pair.bytes() >= WORD_BYTES && pair.differs(0) {
        // SAFETY: the length was just compared.
        pair = unsafe { pair.skip(WORD_BYTES) };
    }
    loop {
        // The farthest word of a dense run: one comparison for all that it takes in.
        while pair.bytes() >= GAP && pair.differs(GAP - WORD_BYTES) {
            // SAFETY: the length was just compared.
            pair = unsafe { pair.skip(GAP) };
        }
        let high = pair.bytes().min(GAP);
        // SAFETY: it is no more than the length.
        let gap = unsafe { pair.first(high) };
        // Most runs end here.
        if high == 0 || gap.equal::<M>() {
            return pair.bytes();
        }
        // The farthest one that differs, of those that are left.
        let mut end = high.next_multiple_of(WORD_BYTES);
        while end > WORD_BYTES && !pair.differs(end.wrapping_sub(WORD_BYTES)) {
            end = end.wrapping_sub(WORD_BYTES);
        }
        // SAFETY: it is no more than the length.
        pair = unsafe { pair.skip(end.min(pair.bytes())) };
    }
}

const _: () = assert!(JOIN_BYTES.is_multiple_of(WORD_BYTES), "runs are made of words");
const _: () = {
    let steps = [FIRST_STEP_BYTES, LONG_STEP_BYTES, LONE_RUN_BYTES / 2];
    let mut at = 0;
    while at < steps.len() {
        assert!(steps[at].is_power_of_two() && steps[at] >= LEAF_BYTES, "a step is halved down to a leaf");
        at += 1;
    }
};
