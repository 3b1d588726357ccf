//! Reads a transaction's log: which program ran at which depth, and what it consumed.

use solana_pubkey::Pubkey;

/// One run of a program, at top level or called by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The position of the transaction's instruction under which it ran.
    pub instruction_index: usize,
    /// 1 at top level, one more for each call.
    pub depth: usize,
    /// The program.
    pub program: Pubkey,
    /// Units consumed, callees included. The log does not say for a builtin program.
    pub units: Option<u64>,
    /// Whether it returned without an error.
    pub succeeded: bool,
}

/// Every run of a program that the log tells, in the order in which they began.
///
/// A line that a program writes itself begins with `Program log:` or the like, and is not mistaken for the runtime's.
pub fn invocations(logs: &[String]) -> Vec<Invocation> {
    let mut all: Vec<Invocation> = Vec::new();
    // Positions in `all` of the programs that have begun and not ended, outermost first.
    let mut running: Vec<usize> = Vec::new();
    let mut top_level = 0;
    for line in logs {
        let words: Vec<&str> = line.split(' ').collect();
        let ["Program", id, rest @ ..] = words.as_slice() else {
            continue;
        };
        let Ok(program) = id.parse::<Pubkey>() else {
            continue;
        };
        match rest {
            ["invoke", _] => {
                if running.is_empty() {
                    top_level += 1;
                }
                running.push(all.len());
                all.push(Invocation {
                    instruction_index: top_level - 1,
                    depth: running.len(),
                    program,
                    units: None,
                    succeeded: false,
                });
            }
            ["consumed", units, "of", ..] => {
                if let Some(current) = running.last() {
                    all[*current].units = units.parse().ok();
                }
            }
            ["success"] => {
                if let Some(current) = running.pop() {
                    all[current].succeeded = true;
                }
            }
            ["failed:", ..] => {
                running.pop();
            }
            _ => {}
        }
    }
    all
}
