//! Operations that are queued from a file.

use super::{Definition, Hex, Step};
use crate::address::Named;
use serde::Deserialize;
use std::str::FromStr;

/// Operations in the order in which they are queued.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operations {
    /// At least one.
    pub operations: Vec<Operation>,
}

/// What is queued, and when it runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Capability to run.
    pub capability: CapabilityName,
    /// Arguments of the target call.
    #[serde(default)]
    pub arguments: Hex,
    /// Level; the queue's without it.
    pub level: Option<u8>,
    /// Deadline, counted from when it is queued.
    pub deadline_seconds: Option<u32>,
    /// First run, counted from when it is queued.
    pub not_before_seconds: Option<u32>,
    /// Tip for the worker.
    #[serde(default)]
    pub tip_lamports: u64,
    /// Runs again after so long.
    pub interval_seconds: Option<u32>,
    /// Runs in all; without end without it.
    pub runs: Option<u32>,
    /// Makes missed periods up.
    #[serde(default)]
    pub catch_up: bool,
    /// Queues only the digest of the arguments.
    #[serde(default)]
    pub committed: bool,
}

/// A capability in a file: a number, or an address in quotes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "NumberOrText")]
pub struct CapabilityName(pub Named);

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl TryFrom<NumberOrText> for CapabilityName {
    type Error = String;

    fn try_from(value: NumberOrText) -> Result<Self, String> {
        match value {
            NumberOrText::Number(number) => Ok(Self(Named::Number(number))),
            NumberOrText::Text(text) => Named::from_str(&text).map(Self),
        }
    }
}

impl Operation {
    /// The first field that does not fit the others, and why.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        if self.level.is_some_and(|level| level > 15) {
            return Some(("level", "levels are 0 to 15".into()));
        }
        if self.deadline_seconds == Some(0) {
            return Some(("deadline_seconds", "at least one second".into()));
        }
        if self.interval_seconds == Some(0) {
            return Some(("interval_seconds", "at least one second".into()));
        }
        if self.runs == Some(0) {
            return Some(("runs", "at least one".into()));
        }
        if self.interval_seconds.is_none() && self.runs.is_some_and(|runs| runs > 1) {
            return Some(("runs", "more than one run needs an interval".into()));
        }
        if self.interval_seconds.is_none() && self.catch_up {
            return Some(("catch_up", "without an interval there are no periods to make up".into()));
        }
        None
    }
}

impl Definition for Operations {
    fn fault(&self) -> Option<(Vec<Step>, String)> {
        if self.operations.is_empty() {
            return Some((vec![Step::Field("operations")], "there are none".into()));
        }
        self.operations.iter().enumerate().find_map(|(place, operation)| {
            let (field, fault) = operation.fault()?;
            Some((vec![Step::Field("operations"), Step::Place(place), Step::Field(field)], fault))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn read(text: &str) -> Result<Operations, String> {
        parse(text, false)
    }

    #[test]
    fn operations_name_their_capability_by_number_or_address() {
        let text = "[[operations]]\ncapability = 3\narguments = '0aff'\n[[operations]]\n\
                    capability = '11111111111111111111111111111112'\ninterval_seconds = 60\nruns = 2\n";
        let operations = read(text).unwrap().operations;
        assert_eq!(operations[0].capability.0, Named::Number(3));
        assert_eq!(operations[0].arguments, Hex(vec![10, 255]));
        assert!(matches!(operations[1].capability.0, Named::Address(_)));
    }

    #[test]
    fn what_does_not_fit_is_reported_with_line_and_field() {
        for (line, expected) in [
            ("level = 16", "3: operations[0].level: levels are 0 to 15"),
            ("runs = 2", "3: operations[0].runs: more than one run needs an interval"),
            ("catch_up = true", "3: operations[0].catch_up: without an interval there are no periods to make up"),
            ("deadline_seconds = 0", "3: operations[0].deadline_seconds: at least one second"),
        ] {
            let fault = read(&format!("[[operations]]\ncapability = 3\n{line}\n")).unwrap_err();
            assert_eq!(fault, expected);
        }
        assert_eq!(read("operations = []\n").unwrap_err(), "1: operations: there are none");
        let fault = read("[[operations]]\ncapability = 'x'\n").unwrap_err();
        assert!(fault.starts_with("2: operations[0].capability: `x` is neither a number nor an address"), "{fault}");
    }
}
