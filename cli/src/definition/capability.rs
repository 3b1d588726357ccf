//! Definition of a capability.

use super::function::Function;
use super::{Address, Definition, Hex, Step};
use serde::Deserialize;
use shared_layouts::processor::{
    AccountRule, MAX_ARGUMENTS_BYTES, MAX_EVIDENCE_ACCOUNTS, MAX_FUNCTIONS, MAX_PREFIX_BYTES, MAX_TARGET_ACCOUNTS,
    account_flags, account_kind, capability_flags, composition, register_capability, update_capability,
};

/// A capability as a file states it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    target_program: Address,
    compute_limit: u32,
    /// Leading data of the target call.
    #[serde(default)]
    prefix: Hex,
    #[serde(default)]
    arguments_bytes_min: u16,
    arguments_bytes_max: u16,
    #[serde(default)]
    callable_directly: bool,
    #[serde(default)]
    direct_dispatch: bool,
    #[serde(default)]
    composition: Composition,
    /// Count or score that the composition asks for.
    threshold: Option<u32>,
    #[serde(default)]
    accounts: Vec<Account>,
    #[serde(default)]
    evidence: Vec<Account>,
    #[serde(default)]
    functions: Vec<Function>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Composition {
    #[default]
    All,
    Any,
    AtLeast,
    Weighted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AccountKind {
    Fixed,
    FromArguments,
    WorkerChosen,
    Capability,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    kind: AccountKind,
    /// The key, if it is fixed.
    key: Option<Address>,
    /// Where the key stands in the arguments, if it does.
    arguments_offset: Option<u16>,
    #[serde(default)]
    signer: bool,
    #[serde(default)]
    writable: bool,
}

impl Definition for Capability {
    fn fault(&self) -> Option<(Vec<Step>, String)> {
        let at = |name, fault: String| Some((vec![Step::Field(name)], fault));
        if self.prefix.0.len() > MAX_PREFIX_BYTES {
            return at("prefix", format!("at most {MAX_PREFIX_BYTES} bytes"));
        }
        if usize::from(self.arguments_bytes_max) > MAX_ARGUMENTS_BYTES {
            return at("arguments_bytes_max", format!("at most {MAX_ARGUMENTS_BYTES} bytes"));
        }
        if self.arguments_bytes_min > self.arguments_bytes_max {
            return at("arguments_bytes_min", "more than arguments_bytes_max".into());
        }
        let needs_threshold = matches!(self.composition, Composition::AtLeast | Composition::Weighted);
        if needs_threshold != self.threshold.is_some() {
            return at("threshold", "needed by the compositions at_least and weighted, and by no other".into());
        }
        for (name, count, most) in [
            ("accounts", self.accounts.len(), MAX_TARGET_ACCOUNTS),
            ("evidence", self.evidence.len(), MAX_EVIDENCE_ACCOUNTS),
            ("functions", self.functions.len(), MAX_FUNCTIONS),
        ] {
            if count > most {
                return at(name, format!("at most {most}"));
            }
        }
        let lists = [("accounts", &self.accounts), ("evidence", &self.evidence)];
        let account = lists.iter().find_map(|(list, accounts)| {
            let mut all = accounts.iter().enumerate();
            all.find_map(|(place, account)| {
                at_place(list, place, account.fault(*list == "evidence", self.arguments_bytes_min))
            })
        });
        account.or_else(|| {
            let positions = self.accounts.len() + self.evidence.len();
            let mut all = self.functions.iter().enumerate();
            all.find_map(|(place, function)| at_place("functions", place, function.fault(positions)))
        })
    }
}

fn at_place(list: &'static str, place: usize, fault: Option<(&'static str, String)>) -> Option<(Vec<Step>, String)> {
    fault.map(|(field, fault)| (vec![Step::Field(list), Step::Place(place), Step::Field(field)], fault))
}

impl Account {
    fn fault(&self, evidence: bool, arguments_bytes_min: u16) -> Option<(&'static str, String)> {
        if (self.kind == AccountKind::Fixed) != self.key.is_some() {
            return Some(("key", "needed by the kind fixed, and by no other".into()));
        }
        if (self.kind == AccountKind::FromArguments) != self.arguments_offset.is_some() {
            return Some(("arguments_offset", "needed by the kind from_arguments, and by no other".into()));
        }
        if self.arguments_offset.is_some_and(|offset| u32::from(offset) + 32 > u32::from(arguments_bytes_min)) {
            return Some(("arguments_offset", "the key would not be inside arguments_bytes_min bytes".into()));
        }
        if evidence && (self.signer || self.writable) {
            return Some((if self.signer { "signer" } else { "writable" }, "evidence is only read".into()));
        }
        if self.signer && !matches!(self.kind, AccountKind::Fixed | AccountKind::Capability) {
            return Some(("signer", "only an account that the capability itself names signs".into()));
        }
        None
    }

    fn record(&self) -> AccountRule {
        AccountRule {
            key: self.key.map(Address::key).unwrap_or_default(),
            kind: match self.kind {
                AccountKind::Fixed => account_kind::FIXED,
                AccountKind::FromArguments => account_kind::FROM_ARGUMENTS,
                AccountKind::WorkerChosen => account_kind::WORKER_CHOSEN,
                AccountKind::Capability => account_kind::CAPABILITY,
            },
            flags: flag(self.signer, account_flags::SIGNER) | flag(self.writable, account_flags::WRITABLE),
            arguments_offset: self.arguments_offset.unwrap_or_default(),
            reserved: [0; 4],
        }
    }
}

const fn flag(set: bool, flag: u8) -> u8 {
    if set { flag } else { 0 }
}

impl Capability {
    /// The instruction's fixed data.
    pub fn data(&self) -> register_capability::Data {
        let count = |length: usize| u8::try_from(length).unwrap_or(u8::MAX);
        register_capability::Data {
            target_program: self.target_program.key(),
            compute_limit: self.compute_limit,
            threshold: self.threshold.unwrap_or_default(),
            arguments_bytes_min: self.arguments_bytes_min,
            arguments_bytes_max: self.arguments_bytes_max,
            flags: flag(self.callable_directly, capability_flags::CALLABLE_DIRECTLY)
                | flag(self.direct_dispatch, capability_flags::DIRECT_DISPATCH),
            composition: match self.composition {
                Composition::All => composition::ALL,
                Composition::Any => composition::ANY,
                Composition::AtLeast => composition::AT_LEAST,
                Composition::Weighted => composition::WEIGHTED,
            },
            target_accounts: count(self.accounts.len()),
            evidence_accounts: count(self.evidence.len()),
            functions: count(self.functions.len()),
            prefix_bytes: count(self.prefix.0.len()),
        }
    }

    /// The same for `UpdateCapability`.
    pub fn update(&self) -> update_capability::Data {
        // The two are declared alike.
        bytemuck::cast(self.data())
    }

    /// The records and the leading data that follow it.
    pub fn tail(&self) -> Vec<u8> {
        let rules = self.accounts.iter().chain(&self.evidence).map(Account::record);
        let rules = rules.flat_map(|rule| bytemuck::bytes_of(&rule).to_vec());
        let functions = self.functions.iter().map(Function::record);
        let functions = functions.flat_map(|function| bytemuck::bytes_of(&function).to_vec());
        rules.chain(functions).chain(self.prefix.0.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use shared_layouts::processor::{Function as FunctionRecord, operator};

    const TRANSFER: &str = "target_program = '11111111111111111111111111111111'
compute_limit = 50000
prefix = '02000000'
arguments_bytes_min = 8
arguments_bytes_max = 8
[[accounts]]
kind = 'capability'
signer = true
writable = true
[[functions]]
kind = 'input'
operator = '<='
width = 8
constant = 1000
";

    fn read(text: &str) -> Result<Capability, String> {
        parse(text, false)
    }

    #[test]
    fn a_definition_becomes_the_instructions_records() {
        let capability = read(TRANSFER).unwrap();
        assert_eq!({ capability.data().arguments_bytes_min }, 8);
        let tail = capability.tail();
        assert_eq!(tail.len(), AccountRule::BYTES + FunctionRecord::BYTES + 4);
        let function: FunctionRecord =
            bytemuck::pod_read_unaligned(&tail[AccountRule::BYTES..][..FunctionRecord::BYTES]);
        assert_eq!((function.operator, function.constant[0], function.constant[1]), (operator::LESS_OR_EQUAL, 232, 3));
    }

    #[test]
    fn what_does_not_fit_is_reported_with_line_and_field() {
        for (from, to, expected) in [
            ("width = 8", "width = 3", "13: functions[0].width: one of [1, 2, 4, 8]"),
            ("constant = 1000", "constant = -1", "14: functions[0].constant: an unsigned number cannot be negative"),
            (
                "width = 8\nconstant = 1000",
                "width = 1\nconstant = 256",
                "14: functions[0].constant: 256 does not fit 1 bytes",
            ),
            ("'input'", "'account_data'\naccount = 1", "12: functions[0].account: 1 is not a position: there are 1"),
            (
                "'capability'",
                "'worker_chosen'",
                "8: accounts[0].signer: only an account that the capability itself names signs",
            ),
            (
                "arguments_bytes_min = 8",
                "arguments_bytes_min = 9",
                "4: arguments_bytes_min: more than arguments_bytes_max",
            ),
        ] {
            assert!(TRANSFER.contains(from), "{from}");
            assert_eq!(read(&TRANSFER.replacen(from, to, 1)).unwrap_err(), expected);
        }
        let fault = read(&TRANSFER.replace("'<='", "'=<'")).unwrap_err();
        assert!(fault.starts_with("12: functions[0].operator: unknown variant `=<`"), "{fault}");
    }
}
