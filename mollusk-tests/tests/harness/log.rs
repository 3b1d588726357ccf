//! Reading the log.

use mollusk_tests::{programs::address, world::invocations};
use solana_sdk_ids::system_program;

#[test]
fn units_are_told_by_depth() {
    let [outer, inner] = ["outer", "inner"].map(address);
    let log = [
        format!("Program {} invoke [1]", system_program::ID),
        format!("Program {} success", system_program::ID),
        format!("Program {outer} invoke [1]"),
        format!("Program log: Program {outer} consumed 1 of 2 compute units"),
        format!("Program {inner} invoke [2]"),
        format!("Program {inner} consumed 20 of 180 compute units"),
        format!("Program {inner} success"),
        format!("Program {inner} invoke [2]"),
        format!("Program {inner} consumed 30 of 160 compute units"),
        format!("Program return: {inner} AAAA"),
        format!("Program {inner} success"),
        format!("Program {outer} consumed 100 of 200 compute units"),
        format!("Program {outer} failed: custom program error: 0x7"),
    ];
    let runs: Vec<_> = invocations(&log)
        .into_iter()
        .map(|run| (run.instruction_index, run.depth, run.program, run.units, run.succeeded))
        .collect();
    let expected = [
        (0, 1, system_program::ID, None, true),
        (1, 1, outer, Some(100), false),
        (1, 2, inner, Some(20), true),
        (1, 2, inner, Some(30), true),
    ];
    assert_eq!(runs, expected);
}
