//! A queue account as a keeper reads it.

use anyhow::{Context, Result};
use shared_layouts::scheduler::{Entry, NO_SLOT, Queue};

/// The slot and the entry that a dispatch has to name next; `None` if nothing is ready.
pub fn next_ready(account: &[u8]) -> Result<Option<(u16, Entry)>> {
    let header: Queue =
        bytemuck::pod_read_unaligned(account.get(..Queue::BYTES).context("shorter than a queue's header")?);
    let slab = account.get(header.slab_offset()..).context("shorter than the queue's header says")?;
    let highest = header.ready.iter().rev().find(|list| list.head != NO_SLOT);
    let Some(list) = highest else { return Ok(None) };
    let bytes = slab.chunks_exact(Entry::BYTES).nth(usize::from(list.head)).context("a list names no slot")?;
    Ok(Some((list.head, bytemuck::pod_read_unaligned(bytes))))
}
