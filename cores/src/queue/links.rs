//! The lists: every slot is in exactly one, and its `list` says which.

use super::{LEVEL_MASK, QueueMut, Refusal};
use crate::refuse;
use shared_layouts::scheduler::{Entry, List, NO_SLOT, Queue, list};

impl QueueMut<'_> {
    /// A slot by its index.
    ///
    /// # Errors
    /// `CorruptQueue`: only links and indices that the queue itself keeps come here.
    #[inline(always)]
    pub(super) fn at(&mut self, slot: u16) -> Result<&mut Entry, Refusal> {
        entry_mut(self.entries, slot)
    }

    /// Puts a slot that is in no list at the tail of one.
    #[inline(never)]
    pub(super) fn attach(&mut self, slot: u16, kind: u8) -> Result<(), Refusal> {
        self.attach_to(slot, kind)
    }

    /// Takes a slot out of its list.
    #[inline(never)]
    pub(super) fn detach(&mut self, slot: u16) -> Result<(), Refusal> {
        let kind = self.at(slot)?.list;
        self.detach_from(slot, kind)
    }

    /// Takes a slot out of its list, which is most often a ready one.
    #[inline(always)]
    pub(super) fn detach_any(&mut self, slot: u16) -> Result<(), Refusal> {
        if self.at(slot)?.list == list::READY { self.detach_from(slot, list::READY) } else { self.detach(slot) }
    }

    /// [`Self::attach`], unfolded where the list is known.
    #[inline(always)]
    pub(super) fn attach_to(&mut self, slot: u16, kind: u8) -> Result<(), Refusal> {
        let entry = entry_mut(self.entries, slot)?;
        entry.list = kind;
        entry.next = NO_SLOT;
        let level = entry.level & LEVEL_MASK;
        let (list, count) = list_mut(self.header, kind, level).ok_or_else(|| refuse!(CorruptQueue))?;
        *count = count.wrapping_add(1);
        push_tail(list, self.entries, slot)?;
        if kind == list::READY {
            self.header.levels |= 1 << level;
        }
        Ok(())
    }

    /// Makes the slot behind a level's head its head; the former one is still to be counted out.
    #[inline(always)]
    pub(super) fn behead(&mut self, level: usize, following: u16) -> Result<(), Refusal> {
        let list = &mut self.header.ready[level];
        list.head = following;
        if following == NO_SLOT {
            list.tail = NO_SLOT;
            self.header.levels &= !(1 << level);
        } else {
            entry_mut(self.entries, following)?.previous = NO_SLOT;
        }
        Ok(())
    }

    /// [`Self::detach`], unfolded where the list is known.
    #[inline(always)]
    pub(super) fn detach_from(&mut self, slot: u16, kind: u8) -> Result<(), Refusal> {
        let level = entry_mut(self.entries, slot)?.level & LEVEL_MASK;
        let (list, count) = list_mut(self.header, kind, level).ok_or_else(|| refuse!(CorruptQueue))?;
        // A list that has this slot is not empty.
        *count = count.wrapping_sub(1);
        unlink(list, self.entries, slot)?;
        if kind == list::READY && list.head == NO_SLOT {
            self.header.levels &= !(1 << level);
        }
        Ok(())
    }
}

/// A list and its count.
#[inline(always)]
fn list_mut(header: &mut Queue, kind: u8, level: u8) -> Option<(&mut List, &mut u16)> {
    match kind {
        list::READY => Some((&mut header.ready[usize::from(level & LEVEL_MASK)], &mut header.ready_count)),
        list::DELAYED => Some((&mut header.delayed, &mut header.delayed_count)),
        list::LEASED => Some((&mut header.leased, &mut header.leased_count)),
        list::HELD => Some((&mut header.held, &mut header.held_count)),
        list::DEAD => Some((&mut header.dead, &mut header.dead_count)),
        _ => None,
    }
}

#[inline(always)]
pub(super) fn entry_mut(entries: &mut [Entry], slot: u16) -> Result<&mut Entry, Refusal> {
    entries.get_mut(usize::from(slot)).ok_or_else(|| refuse!(CorruptQueue))
}

/// The slot's own `next` is set by the caller.
#[inline(always)]
pub(super) fn push_tail(list: &mut List, entries: &mut [Entry], slot: u16) -> Result<(), Refusal> {
    entry_mut(entries, slot)?.previous = list.tail;
    if list.tail == NO_SLOT {
        list.head = slot;
    } else {
        entry_mut(entries, list.tail)?.next = slot;
    }
    list.tail = slot;
    Ok(())
}

/// The free list is a stack: which free slot comes next does not matter, so it needs neither `previous` nor a tail.
#[inline(always)]
pub(super) fn push_free(free: &mut List, entries: &mut [Entry], slot: u16) -> Result<(), Refusal> {
    let entry = entry_mut(entries, slot)?;
    entry.list = list::FREE;
    entry.next = free.head;
    free.head = slot;
    Ok(())
}

#[inline(always)]
pub(super) fn unlink(list: &mut List, entries: &mut [Entry], slot: u16) -> Result<(), Refusal> {
    let entry = entry_mut(entries, slot)?;
    let (previous, next) = (entry.previous, entry.next);
    if previous == NO_SLOT {
        list.head = next;
    } else {
        entry_mut(entries, previous)?.next = next;
    }
    if next == NO_SLOT {
        list.tail = previous;
    } else {
        entry_mut(entries, next)?.previous = previous;
    }
    Ok(())
}
