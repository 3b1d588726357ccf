//! What a command prints: a record or a table for people, the same as JSON for machines.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value};
use shared_layouts::declare::LayoutSpec;
use solana_pubkey::Pubkey;

/// Named values in the order in which they are shown.
pub type Row = Vec<(&'static str, Value)>;

/// The result of a command.
#[derive(Debug)]
pub enum Output {
    /// One thing.
    Record(Row),
    /// Many things of one kind; the title is shown if there is none.
    Table(&'static str, Vec<Row>),
    /// Several things, each under its name.
    Sections(Vec<(&'static str, Row)>),
    /// Text that is printed as it is.
    Text(String),
    /// Something that is shown, and an exit status that tells a caller what it says.
    WithStatus(Box<Self>, u8),
}

impl Output {
    /// For people.
    pub fn text(&self) -> String {
        match self {
            Self::Record(row) => record(row),
            Self::Table(nothing, rows) if rows.is_empty() => (*nothing).to_owned(),
            Self::Table(_, rows) => table(rows),
            Self::Sections(sections) => {
                sections.iter().map(|(name, row)| format!("{name}\n{}", record(row))).collect::<Vec<_>>().join("\n\n")
            }
            Self::Text(text) => text.clone(),
            Self::WithStatus(output, _) => output.text(),
        }
    }

    /// For machines.
    pub fn json(&self) -> Value {
        match self {
            Self::Record(row) => object(row),
            Self::Table(_, rows) => rows.iter().map(object).collect(),
            Self::Sections(sections) => {
                Value::Object(sections.iter().map(|(name, row)| ((*name).to_owned(), object(row))).collect())
            }
            Self::Text(text) => Value::String(text.clone()),
            Self::WithStatus(output, _) => output.json(),
        }
    }

    /// The exit status.
    pub const fn status(&self) -> u8 {
        match self {
            Self::WithStatus(_, status) => *status,
            _ => 0,
        }
    }
}

fn object(row: &Row) -> Value {
    Value::Object(row.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Map<_, _>>())
}

fn record(row: &Row) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    for (name, value) in row {
        table.add_row([(*name).to_owned(), shown(value)]);
    }
    trimmed(&table)
}

fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(rows[0].iter().map(|(name, _)| *name));
    for row in rows {
        table.add_row(row.iter().map(|(_, value)| shown(value)));
    }
    for (index, (_, value)) in rows[0].iter().enumerate() {
        if let (true, Some(column)) = (value.is_number(), table.column_mut(index)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    trimmed(&table)
}

fn trimmed(table: &Table) -> String {
    table.to_string().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(_) => flat(value),
        Value::Array(items) if items.iter().all(Value::is_object) && !items.is_empty() => {
            items.iter().map(flat).collect::<Vec<_>>().join("\n")
        }
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn flat(value: &Value) -> String {
    let Value::Object(fields) = value else { return shown(value) };
    fields.iter().map(|(name, value)| format!("{name} {}", shown(value))).collect::<Vec<_>>().join(", ")
}

/// Every plain field of a declared record, in byte order; nested records and reserved bytes are left out.
///
/// # Panics
/// When `bytes` is shorter than the record.
pub fn fields(layout: &'static LayoutSpec, bytes: &[u8]) -> Row {
    let plain = layout.fields.iter().filter(|field| field.name != "reserved");
    plain
        .filter_map(|field| Some((field.name, plain_value(field.kind, &bytes[field.offset..][..field.bytes])?)))
        .collect()
}

fn plain_value(kind: &str, bytes: &[u8]) -> Option<Value> {
    let number = || {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    match kind {
        "Key" => Some(key(bytes.try_into().ok()?)),
        "i64" => Some(number().cast_signed().into()),
        "u8" | "u16" | "u32" | "u64" => Some(number().into()),
        _ => None,
    }
}

/// A key, or null for none.
pub fn key(bytes: &shared_layouts::Key) -> Value {
    if *bytes == shared_layouts::NO_KEY { Value::Null } else { Pubkey::new_from_array(*bytes).to_string().into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use shared_layouts::processor::AccountRule;

    #[test]
    fn a_record_shows_its_declared_fields_and_no_reserved_ones() {
        let mut bytes = [0; AccountRule::BYTES];
        bytes[32] = 2;
        bytes[34] = 1;
        bytes[35] = 1;
        let shown = Output::Record(fields(&AccountRule::LAYOUT, &bytes)).json();
        assert_eq!(shown, json!({ "key": null, "kind": 2, "flags": 0, "arguments_offset": 257 }));
    }

    #[test]
    fn an_empty_table_says_what_there_is_none_of() {
        assert_eq!(Output::Table("no shards", Vec::new()).text(), "no shards");
        assert_eq!(Output::Table("no shards", Vec::new()).json(), json!([]));
    }
}
