//! How the results of verification functions are put together.
//!
//! Results arrive one by one, and after each the composition says whether it is decided: what comes later, cheap or
//! external, need not be evaluated then.

use shared_layouts::processor::composition;

/// The results so far.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    kind: u8,
    /// Score that is enough.
    needed: u32,
    /// Score that can still come.
    open: u32,
    /// Score so far: weights, or one for each function that holds.
    pub score: u32,
    /// Bit per function: it holds.
    pub holds: u32,
    /// Bit per function: it was evaluated.
    pub evaluated: u32,
}

impl Tally {
    /// A tally of functions whose weights sum up to `total`; without weights each counts one.
    ///
    /// `threshold` counts only for `AT_LEAST` and `WEIGHTED`.
    pub const fn new(kind: u8, threshold: u32, total: u32) -> Self {
        let needed = match kind {
            composition::ALL => total,
            composition::ANY => 1,
            _ => threshold,
        };
        Self { kind, needed, open: total, score: 0, holds: 0, evaluated: 0 }
    }

    /// What a function counts under a composition.
    pub const fn worth(kind: u8, weight: u32) -> u32 {
        if kind == composition::WEIGHTED { weight } else { 1 }
    }

    /// Takes the result of the function at `index`, below 32, which was not taken before.
    pub const fn record(&mut self, index: u32, weight: u32, holds: bool) {
        let worth = Self::worth(self.kind, weight);
        let bit = 1u32.wrapping_shl(index);
        self.evaluated |= bit;
        self.open = self.open.saturating_sub(worth);
        if holds {
            self.holds |= bit;
            self.score = self.score.saturating_add(worth);
        }
    }

    /// The verdict, once no open result can change it. Without any function all of them hold.
    pub const fn verdict(&self) -> Option<bool> {
        if self.score >= self.needed {
            Some(true)
        } else if self.score.saturating_add(self.open) < self.needed {
            Some(false)
        } else {
            None
        }
    }
}

/// Whether a capability may state this: `weights` are those of its functions.
pub fn is_valid(kind: u8, threshold: u32, weights: impl ExactSizeIterator<Item = u32>) -> bool {
    let functions = weights.len();
    let mut total = Some(0u32);
    let mut weighed = 0;
    for weight in weights {
        total = total.and_then(|total| total.checked_add(weight));
        weighed += usize::from(weight != 0);
    }
    match kind {
        composition::ALL => threshold == 0 && weighed == 0,
        composition::ANY => threshold == 0 && weighed == 0 && functions > 0,
        composition::AT_LEAST => weighed == 0 && threshold > 0 && threshold as usize <= functions,
        composition::WEIGHTED => weighed == functions && threshold > 0 && total.is_some_and(|total| threshold <= total),
        _ => false,
    }
}

/// `number` times so many basis points, rounded down; `None` above 64 bits.
pub fn scaled(number: u64, basis_points: u32) -> Option<u64> {
    const ONE: u64 = shared_layouts::processor::ONE_BASIS_POINTS as u64;
    let whole = number / ONE;
    let rest = number % ONE;
    // 64-bit products are made of 32-bit halves: the target has no 128-bit arithmetic.
    let points = u64::from(basis_points);
    let high = (whole >> 32).wrapping_mul(points);
    if high >> 32 != 0 {
        return None;
    }
    let low = (whole & u64::from(u32::MAX)).wrapping_mul(points);
    // Below 10,000 times 2^32.
    let fraction = rest.wrapping_mul(points) / ONE;
    (high << 32).checked_add(low)?.checked_add(fraction)
}

#[cfg(test)]
mod tests;
