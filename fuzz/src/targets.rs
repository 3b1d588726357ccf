//! What the fuzzer and the replay of its corpus run: each panics on an input that breaks a rule.
#![allow(dead_code)]

use cores::diff::calculate::Calculation;
use cores::diff::memory::Plain;
use cores::diff::optimize::optimize;
use cores::diff::wire;
use shared_layouts::diff::optimization_level;

/// The first byte is the length of a base that follows, and the rest is operations, well-formed or not.
pub fn wire(input: &[u8]) {
    let Some((length, rest)) = input.split_first() else { return };
    let (base, operations) = rest.split_at(usize::from(*length).min(rest.len()));
    let counted = wire::count(operations);
    let checked = wire::check(operations, base.len());
    assert!(checked.is_err() || checked == counted);

    let mut applied = base.to_vec();
    let result = wire::apply::<Plain>(operations, &mut applied);
    assert!(checked.is_err() || result.is_ok(), "what was accepted applies");
    let mut inverse = vec![0; operations.len()];
    assert_eq!(wire::invert::<Plain>(operations, base, &mut inverse).is_ok(), counted.is_ok());
    if checked.is_ok() {
        assert_eq!(wire::check_base::<Plain>(&inverse, base), Ok(()));
        let mut restored = applied.clone();
        wire::apply::<Plain>(&inverse, &mut restored).expect("the inverse applies");
        assert_eq!(restored, base);
    }
    for level in optimization_level::NONE..=optimization_level::AGGRESSIVE {
        let mut optimized = operations.to_vec();
        let mut scratch = vec![0; 2 * operations.len() + 8];
        let size = optimize::<Plain>(level, base, &mut optimized, &mut scratch);
        assert_eq!(size.is_ok(), counted.is_ok());
        let Ok(size) = size else { continue };
        assert!(size.bytes <= operations.len());
        if result.is_ok() {
            let mut again = base.to_vec();
            wire::apply::<Plain>(&optimized[..size.bytes], &mut again).expect("optimizing keeps operations in bounds");
            assert_eq!(again, applied, "level {level}");
        }
    }
}

/// The first byte is a level, the second splits the rest into a base and what it becomes.
pub fn apply(input: &[u8]) {
    let [level, split, rest @ ..] = input else { return };
    let (base, new) = rest.split_at(rest.len() * usize::from(*split) / 255);
    let mut out = vec![0; 9 * new.len() + 16];
    let calculation = Calculation { base, new, offset: 0, level: level % 3 };
    let size = calculation.write::<Plain>(&mut out).expect("there is room");
    let operations = &out[..size.bytes];
    assert_eq!(wire::check(operations, new.len()), Ok(size.operations));

    let mut data = base.to_vec();
    data.resize(base.len().max(new.len()), 0);
    let mut inverse = vec![0; operations.len()];
    wire::invert::<Plain>(operations, base, &mut inverse).expect("well-formed");
    let (first, second) = wire::split(operations, size.operations / 2).expect("well-formed");
    wire::apply::<Plain>(first, &mut data).expect("in bounds");
    wire::apply::<Plain>(second, &mut data).expect("in bounds");
    assert_eq!(&data[..new.len()], new);
    wire::apply::<Plain>(&inverse, &mut data).expect("in bounds");
    assert_eq!(&data[..base.len()], base);
    assert!(data[base.len()..].iter().all(|byte| *byte == 0));
}
