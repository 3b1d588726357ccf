use crate::generate::Random;
use crate::model;
use cores::diff::calculate::Calculation;
use cores::diff::memory::Plain;
use cores::diff::optimize::optimize;
use cores::diff::wire;
use shared_layouts::diff::{DiffError, optimization_level};

#[test]
fn a_wire_that_ends_inside_an_operation_is_malformed() {
    let whole = model::encode(&[(0, vec![1; 8]), (32, vec![2; 3])]);
    for bytes in 0..=whole.len() {
        let wire = &whole[..bytes];
        let expected = match bytes {
            0 => Ok(0),
            16 => Ok(1),
            27 => Ok(2),
            _ => Err(DiffError::MalformedOperations),
        };
        assert_eq!(wire::check(wire, 100), expected);
        assert_eq!(wire::count(wire), expected);
        let scratch = &mut [0; 100];
        let optimized = optimize::<Plain>(optimization_level::AGGRESSIVE, &[0; 100], &mut wire.to_vec(), scratch);
        assert_eq!(optimized.map(|size| size.operations), expected);
    }
    assert_eq!(wire::validate(&[], 100), Err(DiffError::MalformedOperations));
}

#[test]
fn an_operation_of_no_bytes_and_one_out_of_bounds_are_refused() {
    assert_eq!(wire::check(&model::encode(&[(3, vec![])]), 100), Err(DiffError::EmptyOperation));
    assert_eq!(wire::check(&model::encode(&[(93, vec![1; 8])]), 100), Err(DiffError::OutOfBounds));
    assert_eq!(wire::check(&model::encode(&[(92, vec![1; 8])]), 100), Ok(1));
    let far = [[255; 4], [1, 0, 0, 0]].concat();
    assert_eq!(wire::check(&[far, vec![9]].concat(), 100), Err(DiffError::OutOfBounds));
}

#[test]
fn a_full_arena_is_an_error_and_leaves_the_operations() {
    let (base, new) = ([0; 64], [1; 64]);
    let calculation = Calculation { base: &base, new: &new, offset: 0, level: optimization_level::BASIC };
    assert_eq!(calculation.write::<Plain>(&mut [0; 71]), Err(DiffError::ArenaFull));
    assert_eq!(calculation.write::<Plain>(&mut [0; 72]).map(|size| size.bytes), Ok(72));

    let wire = model::encode(&[(32, vec![1; 8]), (0, vec![2; 8])]);
    for scratch in 0..wire.len() + 16 {
        let mut optimized = wire.clone();
        let scratch = &mut vec![0; scratch];
        let result = optimize::<Plain>(optimization_level::AGGRESSIVE, &base, &mut optimized, scratch);
        assert_eq!(result, Err(DiffError::ArenaFull));
        assert_eq!(optimized, wire);
    }
}

#[test]
fn noise_never_panics() {
    let mut random = Random::new(1);
    for _ in 0..20_000 {
        let bytes = random.below(200);
        let mut wire = random.bytes(bytes);
        // Small numbers in the heads lead deeper than noise does.
        for (index, byte) in wire.iter_mut().enumerate() {
            if index % 4 != 0 && random.below(8) > 0 {
                *byte = 0;
            } else {
                *byte &= 31;
            }
        }
        let base = random.bytes(64);
        let checked = wire::check(&wire, base.len());
        let mut data = base.clone();
        let applied = wire::apply::<Plain>(&wire, &mut data);
        assert!(checked.is_err() || applied.is_ok());
        let mut scratch = vec![0; 512];
        for level in 0..=2 {
            let mut optimized = wire.clone();
            let size = optimize::<Plain>(level, &base, &mut optimized, &mut scratch);
            assert_eq!(size.is_ok(), wire::count(&wire).is_ok());
        }
        let mut inverse = vec![0; wire.len()];
        assert_eq!(wire::invert::<Plain>(&wire, &base, &mut inverse).is_ok(), wire::count(&wire).is_ok());
    }
}

#[test]
fn where_an_operation_reaches_behind_the_end_the_rest_of_the_base_is_compared() {
    let base = [7; 12];
    let operations = model::encode(&[(8, vec![1; 12])]);
    let mut inverse = vec![0; operations.len()];
    wire::invert::<Plain>(&operations, &base, &mut inverse).unwrap();
    assert_eq!(model::decode(&inverse), [(8, [[7; 4].as_slice(), &[0; 8]].concat())]);
    assert_eq!(wire::check_base::<Plain>(&inverse, &base), Ok(()));
    // Zeros behind the end are what a state has that has grown already.
    for zeros in 0..12 {
        let longer = [base.as_slice(), &vec![0; zeros]].concat();
        assert_eq!(wire::check_base::<Plain>(&inverse, &longer), Ok(()), "{zeros} zeros");
        for place in 8..longer.len().min(20) {
            let mut changed = longer.clone();
            changed[place] ^= 1;
            assert_eq!(wire::check_base::<Plain>(&inverse, &changed), Err(DiffError::StaleBase), "byte {place}");
        }
    }
    for short in 0..12 {
        assert_eq!(wire::check_base::<Plain>(&inverse, &base[..short]), Err(DiffError::StaleBase), "{short} bytes");
    }
}
