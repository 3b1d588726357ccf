//! What the three levels make of an order book's changes: operations, bytes and units, as a table and a plot.
//!
//! The book has 10,240 bytes: 320 price levels of 32 bytes (price, quantity, orders, nothing). An order changes quantity and
//! number of orders of one level, 16 bytes. Each batch runs through the built program: calculated, sealed, begun, applied,
//! committed.

use mollusk_tests::diffs;
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Fixture, people};
use std::{fmt::Write, fs, path::Path};

const BOOK_BYTES: usize = 10_240;
const LEVEL_BYTES: usize = 32;
/// Orders of each batch.
const ORDERS: [usize; 10] = [1, 2, 3, 5, 8, 16, 32, 64, 128, 320];
const LEVELS: [(u8, &str, &str); 3] = [(0, "none", "#888"), (1, "basic", "#06c"), (2, "aggressive", "#c30")];

/// One batch.
struct Measured {
    orders: usize,
    level: &'static str,
    operations: u32,
    bytes: u32,
    calculate: u64,
    rest: u64,
}

fn main() {
    let measured: Vec<Measured> =
        ORDERS.iter().flat_map(|orders| LEVELS.map(|(level, name, _)| measure(*orders, level, name))).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    fs::write(folder.join("diff_levels.md"), table(&measured)).expect("the results can be written");
    fs::write(folder.join("diff_levels.svg"), plot(&measured)).expect("the results can be written");
    print!("{}", table(&measured));
}

/// The book, and what so many orders at scattered prices make of it.
fn books(orders: usize) -> (Vec<u8>, Vec<u8>) {
    let levels = BOOK_BYTES / LEVEL_BYTES;
    let word = |value: usize| u64::try_from(value).expect("a small number").to_le_bytes();
    let book: Vec<u8> =
        (0..levels).flat_map(|index| [word(10_000 + index), word(50), word(3), word(0)].concat()).collect();
    let mut new = book.clone();
    for order in 0..orders {
        // 7 and 320 have no common factor, so each order is at another price, and few are neighbours.
        let at = order * 7 % levels * LEVEL_BYTES;
        new[at + 8..at + 16].copy_from_slice(&word(60 + order));
        new[at + 16..at + 24].copy_from_slice(&word(4));
    }
    (book, new)
}

fn measure(orders: usize, level: u8, name: &'static str) -> Measured {
    const SIGN: &[&str] = &[people::OWNER];
    let (book, new) = books(orders);
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let arena = fixture.arena_at(level);
    let state = fixture.state(10_000);
    fixture.send(&[diffs::resize_state(&state, u32::try_from(BOOK_BYTES).expect("10 KiB"))], SIGN);
    for _ in 0..2 {
        fixture.send(&[diffs::grow_arena(&arena, 10_240)], SIGN);
    }
    fixture.set_state_data(&state, &book);
    let source = fixture.bytes_account("book", new.clone());
    let calculate = fixture.send(&[diffs::calculate(&arena, &state, 1, &source, 0)], SIGN).units_of(0);
    let header = fixture.arena_header(&arena);
    let mut rest = fixture.send(&[diffs::seal(&arena, &[state])], SIGN).units_of(0);
    rest += fixture.send(&[diffs::begin(&arena, &[state])], SIGN).units_of(0);
    while fixture.arena_header(&arena).applied_operations < header.operations {
        rest += fixture.send(&[diffs::apply(&arena, &[state], u16::MAX)], SIGN).units_of(0);
    }
    rest += fixture.send(&[diffs::commit(&arena, &[state])], SIGN).units_of(0);
    assert_eq!(fixture.state_data(&state), new);
    Measured { orders, level: name, operations: header.operations, bytes: header.operations_bytes, calculate, rest }
}

fn table(measured: &[Measured]) -> String {
    let mut text = String::from(
        "# An order book's changes at the three levels\n\nA book of 10,240 bytes: 320 price levels of 32 bytes. Each order \
         changes 16 bytes of one level. CU of `Calculate`, and of `Seal`,\n`Begin`, every `Apply` and `Commit` together. \
         Reproduce with `./justw diff-levels`.\n\n| orders | dirty bytes | level | operations | bytes in wire form | of the \
         book | CU to calculate | CU of the rest | CU in all |\n|---:|---:|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in measured {
        let tenths = row.bytes * 1_000 / 10_240;
        let (calculate, rest) = (row.calculate, row.rest);
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {}.{}% | {calculate} | {rest} | {} |",
            row.orders,
            row.orders * 16,
            row.level,
            row.operations,
            row.bytes,
            tenths / 10,
            tenths % 10,
            calculate + rest,
        )
        .expect("a string can be written to");
    }
    text.push_str("\n![CU against dirty bytes](diff_levels.svg)\n");
    text
}

/// Units of whole batches against dirty bytes, both axes linear.
#[allow(clippy::cast_precision_loss)]
fn plot(measured: &[Measured]) -> String {
    const WIDTH: f64 = 640.0;
    const HEIGHT: f64 = 400.0;
    const MARGIN: f64 = 60.0;
    let most_bytes = 16.0 * ORDERS[ORDERS.len() - 1] as f64;
    let most_units = measured.iter().map(|row| row.calculate + row.rest).max().unwrap_or(1) as f64;
    let x = |bytes: f64| MARGIN + bytes / most_bytes * (WIDTH - 2.0 * MARGIN);
    let y = |units: f64| HEIGHT - MARGIN - units / most_units * (HEIGHT - 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for step in 0..=4 {
        let part = f64::from(step) / 4.0;
        let (bytes, units) = (most_bytes * part, most_units * part);
        write!(
            svg,
            "<path d=\"M{MARGIN} {line:.1}H{right}\" stroke=\"#ddd\"/>\n<text x=\"{left}\" y=\"{line:.1}\" \
             text-anchor=\"end\">{units:.0}</text>\n<text x=\"{column:.1}\" y=\"{below}\" text-anchor=\"middle\">{bytes:.0}</text>\n",
            line = y(units),
            right = WIDTH - MARGIN,
            left = MARGIN - 6.0,
            column = x(bytes),
            below = HEIGHT - MARGIN + 18.0,
        )
        .expect("a string can be written to");
    }
    for (index, (_, name, color)) in LEVELS.iter().enumerate() {
        let points: Vec<String> = measured
            .iter()
            .filter(|row| row.level == *name)
            .map(|row| format!("{:.1},{:.1}", x(row.orders as f64 * 16.0), y((row.calculate + row.rest) as f64)))
            .collect();
        write!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>\n<text x=\"{}\" y=\"{}\" \
             fill=\"{color}\">{name}</text>\n",
            points.join(" "),
            MARGIN + 12.0,
            MARGIN + 16.0 * index as f64,
        )
        .expect("a string can be written to");
    }
    svg + &format!(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">dirty bytes of 10,240</text>\n<text x=\"{MARGIN}\" y=\"{}\">CU of the whole \
         batch</text>\n</svg>\n",
        WIDTH / 2.0,
        HEIGHT - 12.0,
        MARGIN - 24.0,
    )
}
