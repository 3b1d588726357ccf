//! Definitions in files: TOML, or JSON by the ending `.json`. A fault is reported with file, line and field.

pub mod capability;
mod function;
pub mod operations;
pub mod order;
pub mod queue;

use crate::failure::{Failure, Outcome};
use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_path_to_error::{Path as FieldPath, Segment};
use shared_layouts::Key;
use solana_pubkey::Pubkey;
use std::fs;
use std::path::Path;

/// A definition that can say what is wrong with it beyond the types of its fields.
pub trait Definition: DeserializeOwned {
    /// The first field that does not fit the others, by its path, and why.
    fn fault(&self) -> Option<(Vec<Step>, String)>;
}

/// A step on the way to a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A field of a record.
    Field(&'static str),
    /// A place in a list.
    Place(usize),
}

/// Reads and checks a definition.
pub fn read<T: Definition>(path: &Path) -> Outcome<T> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    parse(&text, path.extension().is_some_and(|ending| ending == "json"))
        .map_err(|fault| Failure::new(format!("{shown}:{fault}")))
}

fn parse<T: Definition>(text: &str, json: bool) -> Result<T, String> {
    let definition: T = if json {
        let mut reader = serde_json::Deserializer::from_str(text);
        let definition = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| message(line_of_json(error.inner()), error.path(), &error.inner().to_string()))?;
        reader.end().map_err(|error| format!("{}: {error}", line_of_json(&error)))?;
        definition
    } else {
        let reader = toml::Deserializer::parse(text)
            .map_err(|error| format!("{}: {}", line_of(text, &error), error.message()))?;
        serde_path_to_error::deserialize(reader)
            .map_err(|error| message(line_of(text, error.inner()), error.path(), error.inner().message()))?
    };
    let Some((steps, fault)) = definition.fault() else { return Ok(definition) };
    let line = line_of_field(text, json, &steps);
    Err(format!("{line}: {}: {fault}", shown(&steps)))
}

fn message(line: usize, path: &FieldPath, fault: &str) -> String {
    // serde_json ends its messages with the place, which stands in front here.
    let fault = fault.split(" at line ").next().unwrap_or(fault).trim();
    let named = path.iter().any(|segment| !matches!(segment, Segment::Unknown));
    if named { format!("{line}: {path}: {fault}") } else { format!("{line}: {fault}") }
}

fn line_of_json(error: &serde_json::Error) -> usize {
    error.line().max(1)
}

fn line_of(text: &str, error: &toml::de::Error) -> usize {
    let before = error.span().map_or(0, |span| span.start).min(text.len());
    text.char_indices().take_while(|(at, _)| *at < before).filter(|(_, mark)| *mark == '\n').count() + 1
}

fn shown(steps: &[Step]) -> String {
    let parts = steps.iter().map(|step| match step {
        Step::Field(name) => format!(".{name}"),
        Step::Place(place) => format!("[{place}]"),
    });
    parts.collect::<String>().trim_start_matches('.').to_owned()
}

/// The line of a field. Both readers know where they are when a visitor fails, so this one fails on purpose as soon as
/// it has arrived; a field that is not there has the line of the deepest record on the way to it.
fn line_of_field(text: &str, json: bool, steps: &[Step]) -> usize {
    (1..=steps.len())
        .rev()
        .find_map(|length| {
            let walk = Walk(&steps[..length]);
            if json {
                let mut reader = serde_json::Deserializer::from_str(text);
                walk.deserialize(&mut reader).err().map(|error| line_of_json(&error))
            } else {
                let reader = toml::Deserializer::parse(text).ok()?;
                walk.deserialize(reader).err().map(|error| line_of(text, &error))
            }
        })
        .unwrap_or(1)
}

struct Walk<'a>(&'a [Step]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("the field")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.0.split_first() else { return Err(A::Error::custom("here")) };
        while let Some(name) = map.next_key::<String>()? {
            if *step == Step::Field(leaked(&name, step)) {
                map.next_value_seed(Walk(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.0.split_first() else { return Err(A::Error::custom("here")) };
        let mut place = 0;
        while *step != Step::Place(place) {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
            place += 1;
        }
        list.next_element_seed(Walk(rest))?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Err(E::custom("here"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Err(E::custom("here"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Err(E::custom("here"))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom("here"))
    }
}

/// The step's own name if it is `name`, and one that no field has otherwise.
fn leaked(name: &str, step: &Step) -> &'static str {
    match step {
        Step::Field(own) if *own == name => own,
        _ => "",
    }
}

/// A key in base58.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Address(#[serde(with = "crate::set::base58")] pub Pubkey);

impl Address {
    /// As it lies in account data.
    pub const fn key(self) -> Key {
        self.0.to_bytes()
    }
}

/// Bytes in hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Hex(pub Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for Hex {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let fault = || format!("`{text}` is not hexadecimal: two digits for each byte");
        if !digits.len().is_multiple_of(2) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(fault());
        }
        let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
        bytes.collect::<Result<_, _>>().map(Self).map_err(|_| fault())
    }
}

/// Writes bytes as [`Hex`] reads them.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_documentation_are_accepted() {
        let page = include_str!("../../../docs/cli.md");
        let examples: Vec<_> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        let [queue, capability, order, constraints, operations] = examples[..] else {
            panic!("{} examples", examples.len())
        };
        parse::<queue::Queue>(queue, false).unwrap();
        parse::<capability::Capability>(capability, false).unwrap();
        parse::<order::Order>(order, false).unwrap();
        parse::<order::Constraints>(constraints, false).unwrap();
        parse::<operations::Operations>(operations, false).unwrap();
    }

    #[test]
    fn hexadecimal_is_read_as_it_is_written() {
        assert_eq!("0x00ff10".parse(), Ok(Hex(vec![0, 255, 16])));
        assert_eq!(hex(&[0, 255, 16]), "00ff10");
        for wrong in ["0", "zz", "+1", "é1"] {
            assert!(wrong.parse::<Hex>().is_err(), "{wrong}");
        }
    }
}
