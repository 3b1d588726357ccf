//! Random numbers from a seed that is printed, so that a failure can be repeated with `ORDER_SEED`.

/// Cases of each property, where `ORDER_CASES` does not say how many; those that are long take a tenth.
const CASES: usize = 10_000;

/// Cases of each property.
pub fn cases() -> usize {
    std::env::var("ORDER_CASES").map_or(CASES, |cases| cases.parse().expect("ORDER_CASES is a number"))
}

/// Steele, Lea and Flood's generator of 2014.
pub struct Rng(u64);

impl Rng {
    /// The seed in `ORDER_SEED`, or one from the clock.
    pub fn new(test: &str) -> Self {
        let clock =
            || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos();
        let given = std::env::var("ORDER_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::try_from(clock() % 1_000_000_007).expect("a small number"));
        println!("{test}: ORDER_SEED={seed}");
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ word >> 31
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    /// A small number below `end`.
    pub fn small(&mut self, end: u8) -> u8 {
        u8::try_from(self.below(end.into())).expect("below a byte")
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}
