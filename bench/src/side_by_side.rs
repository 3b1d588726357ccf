//! The programs beside the baselines of `bench/baselines`, from the rows of the same run.

use std::fmt::Write;

use crate::markdown::{row, thousands};
use crate::report::Report;

/// A task; the rows that it costs here, added up; the baseline's.
struct Pair {
    task: &'static str,
    ours: &'static [&'static str],
    baseline: &'static [&'static str],
}

const fn pair(task: &'static str, ours: &'static [&'static str], baseline: &'static [&'static str]) -> Pair {
    Pair { task, ours, baseline }
}

const PAIRS: [Pair; 14] = [
    pair("queue the 10th task", &["scheduler/enqueue/10th"], &["baseline/vec-queue/push-10"]),
    pair("queue the 100th task", &["scheduler/enqueue/100th"], &["baseline/vec-queue/push-100"]),
    pair("queue the 1,000th task", &["scheduler/enqueue/last-slot"], &["baseline/vec-queue/push-1000"]),
    pair("take the first of 10 tasks", &["scheduler/dispatch/of-10"], &["baseline/vec-queue/pop-10"]),
    pair("take the first of 100 tasks", &["scheduler/dispatch/of-100"], &["baseline/vec-queue/pop-100"]),
    pair("take the first of 1,000 tasks", &["scheduler/dispatch/of-1000"], &["baseline/vec-queue/pop-1000"]),
    pair("queue a task, whatever their number", &["scheduler/enqueue/100th"], &["baseline/pda-tasks/create"]),
    pair(
        "run a target of 3 accounts by CPI, whatever their number",
        &["scheduler/dispatch/of-100", "processor/execute/predicates-0"],
        &["baseline/pda-tasks/run"],
    ),
    pair("diff of 10 words, one dirty", &["diff/calculate/one-word-of-80"], &["baseline/word-diff/one-word-of-80"]),
    pair("diff of 100 words, one dirty", &["diff/calculate/one-word-of-800"], &["baseline/word-diff/one-word-of-800"]),
    pair(
        "diff of 1,000 words, one dirty",
        &["diff/calculate/one-word-of-8000"],
        &["baseline/word-diff/one-word-of-8000"],
    ),
    pair(
        "diff of 12,800 words, one dirty",
        &["diff/calculate/one-word-of-102400"],
        &["baseline/word-diff/one-word-of-102400"],
    ),
    pair("diff of 1,280 words, 16 dirty", &["diff/calculate/10k-16-words"], &["baseline/word-diff/10k-16-words"]),
    pair("diff of 1,280 words, all dirty", &["diff/calculate/10k-all"], &["baseline/word-diff/10k-all"]),
];

/// The section of the table; nothing where no baseline was measured.
pub(crate) fn write(text: &mut String, report: &Report) {
    if report.limits.is_empty() {
        return;
    }
    text.push_str(
        "\n## Side by side\n\n\
         What a protocol would otherwise write, in [bench/baselines](../baselines), built with the same toolchain: a borsh vector that is\n\
         sorted when a task is taken, a diff word by word, one derived account for each task. Tasks have 64 bytes of arguments. The\n\
         vector and the derived accounts check an owner and a signature; leases, deadlines, retries, quotas, replay protection and the\n\
         order among derived accounts are on one side only.\n\n\
         | task | here, CU | baseline, CU | ratio |\n|---|---:|---:|---:|\n",
    );
    let sum =
        |rows: &[&str]| rows.iter().map(|name| report.rows.get(*name).map(|units| units.mainnet)).sum::<Option<u64>>();
    for Pair { task, ours, baseline } in &PAIRS {
        let (Some(ours), Some(theirs)) = (sum(ours), sum(baseline)) else { continue };
        row(text, &[task, &thousands(ours), &thousands(theirs), &ratio(theirs, ours)]);
    }
    text.push_str(
        "\nThe largest size at which each baseline runs, with all heap and units that a transaction may ask for:\n\n",
    );
    text.push_str("| baseline | most |\n|---|---:|\n");
    for (name, most) in &report.limits {
        writeln!(text, "| {name} | {} |", thousands(*most)).expect("a string takes any text");
    }
}

/// `theirs / ours` with one digit behind the point.
fn ratio(theirs: u64, ours: u64) -> String {
    let tenths = (theirs * 10 + ours / 2) / ours.max(1);
    format!("{}.{}", thousands(tenths / 10), tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Units;
    use crate::toolchain::Toolchain;
    use std::collections::BTreeMap;

    #[test]
    fn a_ratio_is_rounded_to_tenths() {
        assert_eq!([ratio(10, 4), ratio(20, 3), ratio(12_345, 10)], ["2.5", "6.7", "1,234.5"]);
    }

    #[test]
    fn pairs_are_rendered_from_the_rows() {
        let rows = [("scheduler/enqueue/10th", 300), ("baseline/vec-queue/push-10", 4_500)];
        let report = Report {
            toolchain: Toolchain::default(),
            binaries: BTreeMap::new(),
            rows: rows.map(|(name, units)| (name.to_owned(), Units { mainnet: units, all_features: units })).into(),
            limits: BTreeMap::from([("vec-queue/push, tasks".to_owned(), 151)]),
        };
        let mut text = String::new();
        write(&mut text, &report);
        for line in ["| queue the 10th task | 300 | 4,500 | 15.0 |", "| vec-queue/push, tasks | 151 |"] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
