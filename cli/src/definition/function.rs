//! Verification functions of a capability, as a file states them.

use super::{Address, Hex};
use serde::Deserialize;
use shared_layouts::processor::{Function as Record, function_flags, function_kind, number_kind, operator};

/// One function: which fields it may have follows from its kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    kind: Kind,
    operator: Option<Operator>,
    width: Option<u8>,
    number: Option<Number>,
    constant: Option<Constant>,
    key: Option<Address>,
    from: Option<i64>,
    until: Option<i64>,
    account: Option<u8>,
    second_account: Option<u8>,
    account_offset: Option<u32>,
    input_offset: Option<u32>,
    extra: Option<u32>,
    #[serde(default)]
    weight: u32,
    #[serde(default)]
    skippable_when_direct: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    AccountData,
    Input,
    CallerIs,
    SignerPresent,
    AccountKey,
    AccountOwner,
    Lamports,
    InputLength,
    InputToAccount,
    TimeWindow,
    SlotWindow,
    TokenBalance,
    InstructionPresent,
    Solo,
    External,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Operator {
    #[serde(rename = "==")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = "all_bits")]
    AllBits,
    #[serde(rename = "no_bits")]
    NoBits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Number {
    Unsigned,
    Signed,
    Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Constant {
    Number(i64),
    Bytes(Hex),
}

/// What a kind reads: its code, the fields that it must have, and those that it may have.
struct Uses(u8, &'static [&'static str], &'static [&'static str]);

impl Kind {
    const fn uses(self) -> Uses {
        match self {
            Self::AccountData => Uses(
                function_kind::ACCOUNT_DATA,
                &["account", "operator", "width", "constant"],
                &["account_offset", "number"],
            ),
            Self::Input => Uses(function_kind::INPUT, &["operator", "width", "constant"], &["input_offset", "number"]),
            Self::CallerIs => Uses(function_kind::CALLER_IS, &["account", "key"], &[]),
            Self::SignerPresent => Uses(function_kind::SIGNER_PRESENT, &["account"], &[]),
            // Without a key it compares with the one in the arguments.
            Self::AccountKey => Uses(function_kind::ACCOUNT_KEY, &["account", "operator"], &["key", "input_offset"]),
            Self::AccountOwner => Uses(function_kind::ACCOUNT_OWNER, &["account", "operator", "key"], &[]),
            Self::Lamports => Uses(function_kind::LAMPORTS, &["account", "operator", "constant"], &[]),
            Self::InputLength => Uses(function_kind::INPUT_LENGTH, &["operator", "constant"], &[]),
            Self::InputToAccount => Uses(
                function_kind::INPUT_TO_ACCOUNT,
                &["account", "operator", "width"],
                &["account_offset", "input_offset", "number", "extra"],
            ),
            Self::TimeWindow => Uses(function_kind::TIME_WINDOW, &["account", "from", "until"], &[]),
            Self::SlotWindow => Uses(function_kind::SLOT_WINDOW, &["account", "from", "until"], &[]),
            Self::TokenBalance => {
                Uses(function_kind::TOKEN_BALANCE, &["account", "second_account", "operator", "constant"], &[])
            }
            Self::InstructionPresent => Uses(function_kind::INSTRUCTION_PRESENT, &["key"], &["extra"]),
            Self::Solo => Uses(function_kind::SOLO, &["key"], &[]),
            Self::External => Uses(function_kind::EXTERNAL, &["account"], &["second_account", "extra"]),
        }
    }
}

impl Function {
    /// The first field that does not fit, and why; `positions` counts target and evidence accounts.
    pub fn fault(&self, positions: usize) -> Option<(&'static str, String)> {
        let Uses(_, needed, allowed) = self.kind.uses();
        for (name, given) in self.given() {
            if needed.contains(&name) && !given {
                return Some((name, "this kind of function needs it".into()));
            }
            if given && !needed.contains(&name) && !allowed.contains(&name) {
                return Some((name, "this kind of function does not have it".into()));
            }
        }
        for (name, account) in [("account", self.account), ("second_account", self.second_account)] {
            if let Some(account) = account.filter(|account| usize::from(*account) >= positions) {
                return Some((name, format!("{account} is not a position: there are {positions}")));
            }
        }
        let widths: &[u8] = if self.number() == Number::Bytes { &[1, 2, 4, 8, 16, 32] } else { &[1, 2, 4, 8] };
        if self.width.is_some_and(|width| !widths.contains(&width)) {
            return Some(("width", format!("one of {widths:?}")));
        }
        if self.kind == Kind::AccountKey && self.key.is_some() == self.input_offset.is_some() {
            return Some(("key", "either this or input_offset".into()));
        }
        self.constant_bytes().err().map(|fault| ("constant", fault))
    }

    fn given(&self) -> [(&'static str, bool); 12] {
        [
            ("operator", self.operator.is_some()),
            ("width", self.width.is_some()),
            ("number", self.number.is_some()),
            ("constant", self.constant.is_some()),
            ("key", self.key.is_some()),
            ("from", self.from.is_some()),
            ("until", self.until.is_some()),
            ("account", self.account.is_some()),
            ("second_account", self.second_account.is_some()),
            ("account_offset", self.account_offset.is_some()),
            ("input_offset", self.input_offset.is_some()),
            ("extra", self.extra.is_some()),
        ]
    }

    fn number(&self) -> Number {
        match self.kind {
            Kind::AccountKey | Kind::AccountOwner => Number::Bytes,
            _ => self.number.unwrap_or(Number::Unsigned),
        }
    }

    fn width(&self) -> u8 {
        match self.kind {
            Kind::AccountKey | Kind::AccountOwner => 32,
            Kind::Lamports | Kind::InputLength | Kind::TokenBalance => 8,
            _ => self.width.unwrap_or_default(),
        }
    }

    /// The constant, little-endian, zero behind its width.
    fn constant_bytes(&self) -> Result<[u8; 32], String> {
        let mut bytes = [0; 32];
        if let Some(key) = self.key {
            return Ok(key.key());
        }
        if let (Some(from), Some(until)) = (self.from, self.until) {
            bytes[..8].copy_from_slice(&from.to_le_bytes());
            bytes[8..16].copy_from_slice(&until.to_le_bytes());
            return Ok(bytes);
        }
        let width = usize::from(self.width());
        match &self.constant {
            None => {}
            Some(Constant::Bytes(Hex(given))) if given.len() == width => bytes[..width].copy_from_slice(given),
            Some(Constant::Bytes(Hex(given))) => {
                return Err(format!("{} bytes where the width is {width}", given.len()));
            }
            Some(Constant::Number(_)) if self.number() == Number::Bytes => return Err("bytes in hexadecimal".into()),
            Some(Constant::Number(number)) => {
                if *number < 0 && self.number() == Number::Unsigned {
                    return Err("an unsigned number cannot be negative".into());
                }
                let bits = 8 * width - usize::from(self.number() == Number::Signed);
                let magnitude = if *number < 0 { !number } else { *number };
                if bits < 63 && magnitude >> bits != 0 {
                    return Err(format!("{number} does not fit {width} bytes"));
                }
                bytes[..width].copy_from_slice(&number.to_le_bytes()[..width]);
            }
        }
        Ok(bytes)
    }

    /// As the instruction takes it.
    pub fn record(&self) -> Record {
        let Uses(kind, ..) = self.kind.uses();
        let by_arguments = self.kind == Kind::AccountKey && self.key.is_none();
        let compares = self.operator.is_some();
        Record {
            kind,
            operator: self.operator.map_or(0, Operator::code),
            width: self.width(),
            number: match self.number() {
                Number::Signed if compares => number_kind::SIGNED,
                Number::Bytes if compares => number_kind::BYTES,
                _ => number_kind::UNSIGNED,
            },
            flags: if self.skippable_when_direct { function_flags::SKIPPABLE_WHEN_DIRECT } else { 0 },
            account: self.account.unwrap_or_default(),
            second_account: self.second_account.unwrap_or_default(),
            reserved: 0,
            weight: self.weight,
            account_offset: self.account_offset.unwrap_or_default(),
            input_offset: self.input_offset.unwrap_or_default(),
            extra: if by_arguments { 1 } else { self.extra.unwrap_or_default() },
            // `fault` has tried it.
            constant: self.constant_bytes().unwrap_or_default(),
        }
    }
}

impl Operator {
    const fn code(self) -> u8 {
        match self {
            Self::Equal => operator::EQUAL,
            Self::NotEqual => operator::NOT_EQUAL,
            Self::Less => operator::LESS,
            Self::LessOrEqual => operator::LESS_OR_EQUAL,
            Self::Greater => operator::GREATER,
            Self::GreaterOrEqual => operator::GREATER_OR_EQUAL,
            Self::AllBits => operator::ALL_BITS,
            Self::NoBits => operator::NO_BITS,
        }
    }
}
