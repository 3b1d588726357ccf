//! Random and structured states, and changes of them.

use std::{env, panic};

/// Cases of each property: five properties make the 50,000.
const CASES: u64 = 10_000;

/// Splitmix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`, or zero.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { usize::try_from(self.next() % end as u64).unwrap() }
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(count);
        bytes
    }
}

/// Runs a property for every seed, and names the seed of the case that fails.
pub fn for_each_seed(name: &str, property: impl Fn(&mut Random) + panic::RefUnwindSafe) {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("DIFF_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("DIFF_CASES").unwrap_or(CASES),
    };
    println!("{name}: seeds {seeds:?}");
    for seed in seeds {
        let result = panic::catch_unwind(|| property(&mut Random::new(seed)));
        if let Err(cause) = result {
            eprintln!("{name}: failed with DIFF_SEED={seed}");
            panic::resume_unwind(cause);
        }
    }
}

/// A length from 0 to 64 KiB, mostly short.
pub fn length(random: &mut Random) -> usize {
    let most = match random.below(100) {
        0..40 => 64,
        40..85 => 1_024,
        85..97 => 8_192,
        _ => 65_536,
    };
    random.below(most + 1)
}

/// A state: counters, price levels of an order book, token accounts, noise, or nothing but zeros.
pub fn state(random: &mut Random) -> Vec<u8> {
    let bytes = length(random);
    match random.below(5) {
        0 => vec![0; bytes],
        1 => random.bytes(bytes),
        2 => records(random, bytes, 8, |random| (random.next() % 1_000).to_le_bytes().to_vec()),
        3 => records(random, bytes, 32, |random| {
            let price = 10_000 + random.next() % 100;
            [price, random.next() % 50, random.next(), 0].iter().flat_map(|word| word.to_le_bytes()).collect()
        }),
        _ => records(random, bytes, 165, |random| {
            let mut account = [random.bytes(64), (random.next() % 1_000_000).to_le_bytes().to_vec()].concat();
            account.resize(165, 0);
            account
        }),
    }
}

fn records(random: &mut Random, bytes: usize, each: usize, record: impl Fn(&mut Random) -> Vec<u8>) -> Vec<u8> {
    let mut state: Vec<u8> = (0..bytes.div_ceil(each)).flat_map(|_| record(random)).collect();
    state.truncate(bytes);
    state
}

/// What a state may become: unchanged, sparse, dense, all different, longer or shorter.
pub fn changed(random: &mut Random, base: &[u8]) -> Vec<u8> {
    let mut new = base.to_vec();
    if random.one_in(4) {
        new.resize(length(random).min(base.len() + 10_240), 0);
        if new.len() > base.len() {
            let tail = random.bytes(new.len() - base.len());
            new[base.len()..].copy_from_slice(&tail);
        }
    }
    let changes = match random.below(5) {
        0 => 0,
        1 => 1,
        2 => random.below(20),
        3 => new.len() / 8,
        _ => {
            for byte in &mut new {
                *byte = !*byte;
            }
            0
        }
    };
    for _ in 0..changes {
        let at = random.below(new.len());
        let bytes = 1 + random.below(40);
        for byte in new.iter_mut().skip(at).take(bytes) {
            *byte = byte.wrapping_add(1);
        }
    }
    new
}

/// Operations in any order, overlapping or not, inside data of so many bytes.
pub fn operations(random: &mut Random, base: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let count = if random.one_in(20) { random.below(300) } else { random.below(12) };
    let ascending = random.one_in(3);
    let mut at = 0;
    let mut operations = Vec::new();
    for _ in 0..count {
        let offset = if ascending { at + random.below(24) } else { random.below(base.len() + 1) };
        let bytes = random.below(40).min(base.len().saturating_sub(offset));
        if offset + bytes > base.len() {
            break;
        }
        // Some write what is there already.
        let payload = if random.one_in(4) { base[offset..offset + bytes].to_vec() } else { random.bytes(bytes) };
        operations.push((offset, payload));
        at = offset + bytes;
    }
    operations
}
