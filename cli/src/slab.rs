//! Entries of a queue, read from its account.

use crate::address::Handle;
use shared_layouts::client;
use shared_layouts::scheduler::reader::QueueReader;
use shared_layouts::scheduler::{Entry, Queue, list, queue_flags};
use solana_instruction::AccountMeta;
use solana_pubkey::Pubkey;

/// The header of a queue, bound to an order or not.
pub fn header(data: &[u8]) -> Option<Queue> {
    QueueReader::parse(data).ok().map(|reader| reader.header)
}

/// The account that a queue's verbs take behind their own, if it is bound to an order.
pub fn order(header: &Queue) -> Vec<AccountMeta> {
    let is_bound = header.header.state & queue_flags::ORDERED != 0;
    is_bound.then(|| AccountMeta::new(Pubkey::new_from_array(header.order), false)).into_iter().collect()
}

/// The accounts that a dispatch takes behind its own: the order, and where the queue has a quota the registry.
pub fn dispatch(header: &Queue, scheduler: &Pubkey) -> Vec<AccountMeta> {
    let mut accounts = order(header);
    if header.header.state & queue_flags::METERED != 0 {
        accounts.push(AccountMeta::new_readonly(client::registry_address(scheduler), false));
    }
    accounts
}

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
