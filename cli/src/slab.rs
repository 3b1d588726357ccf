//! Entries of a queue, read from its account.

use crate::address::Handle;
use shared_layouts::scheduler::reader::QueueReader;
use shared_layouts::scheduler::{Entry, list};

/// Every entry, list by list in the order of each list; ready ones from the highest level on.
pub fn entries(data: &[u8]) -> Vec<(Handle, Entry)> {
    let Ok(reader) = QueueReader::parse(data) else { return Vec::new() };
    let kinds = [list::READY, list::DELAYED, list::LEASED, list::HELD, list::DEAD];
    let all = kinds.iter().flat_map(|kind| reader.list(*kind));
    all.map(|(slot, entry)| (Handle { slot, generation: entry.generation }, *entry)).collect()
}

/// The arguments that an entry holds.
pub fn arguments(entry: &Entry) -> &[u8] {
    &entry.arguments[..usize::from(entry.arguments_bytes).min(entry.arguments.len())]
}
