//! The ceilings in `bench/budgets.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Ceilings by name: of rows in compute units, of programs in bytes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// Program to its size in bytes, at most.
    pub binaries: BTreeMap<String, Budget>,
    /// Row to its compute units with mainnet's features, at most.
    pub rows: BTreeMap<String, Budget>,
}

/// What the file may say of one row or program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Budget {
    /// `"recorded"`: in the table, without a ceiling.
    Recorded(Recorded),
    /// `320`: at most this much.
    AtMost(u64),
    /// `{ over = "floor/cpi-3-accounts", plus = 350 }`: at most this much more than another row of the same run.
    Over(Over),
}

/// The word `recorded`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum Recorded {
    /// See [`Budget::Recorded`].
    #[serde(rename = "recorded")]
    Recorded,
}

/// A ceiling that moves with another row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Over {
    /// The other row.
    pub over: String,
    /// The distance from it.
    pub plus: u64,
}

impl Budget {
    /// The ceiling, if there is one. `Err` names the row that it rests on and that was not measured.
    pub fn ceiling(&self, measured: impl Fn(&str) -> Option<u64>) -> Result<Option<u64>, &str> {
        match self {
            Self::Recorded(_) => Ok(None),
            Self::AtMost(ceiling) => Ok(Some(*ceiling)),
            Self::Over(Over { over, plus }) => match measured(over) {
                Some(base) => Ok(Some(base.saturating_add(*plus))),
                None => Err(over),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Budget, toml::de::Error> {
        toml::from_str::<Budgets>(&format!("[binaries]\n[rows]\n\"a/b\" = {value}\n"))
            .map(|budgets| budgets.rows["a/b"].clone())
    }

    #[test]
    fn a_budget_is_a_number_a_distance_or_the_word_recorded() {
        assert_eq!(parse("320").unwrap(), Budget::AtMost(320));
        assert_eq!(parse("\"recorded\"").unwrap(), Budget::Recorded(Recorded::Recorded));
        let over = Over { over: "floor/cpi".into(), plus: 350 };
        assert_eq!(parse("{ over = \"floor/cpi\", plus = 350 }").unwrap(), Budget::Over(over));
    }

    #[test]
    fn nothing_else_is() {
        for value in ["-1", "3.5", "\"record\"", "{ over = \"floor/cpi\" }", "{ over = \"a\", plus = 1, minus = 1 }"] {
            assert!(parse(value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_ceiling_over_a_row_follows_that_row() {
        let budget = Budget::Over(Over { over: "floor/cpi".into(), plus: 350 });
        assert_eq!(budget.ceiling(|name| (name == "floor/cpi").then_some(1_000)), Ok(Some(1_350)));
        assert_eq!(budget.ceiling(|_| None), Err("floor/cpi"));
    }
}
