//! What became of a queue's entries since a backup, by replaying the queue's calls from the ledger.
//!
//! A dispatch names a slot and a generation, not a sequence number. Which slot an entry got follows from the list of free
//! slots, which is a stack: the backup has it, and each call says what it takes from it or puts back. Whatever the ledger
//! cannot say (whether a lease was the last attempt, which entries a counted purge removed) makes entries undecided, never
//! alive; and a dispatch that contradicts the replay makes everything undecided that was placed since the backup.

use crate::ledger::{Call, End};
use crate::set::Singleton;
use shared_layouts::Key;
use shared_layouts::processor::{execute, verify};
use shared_layouts::scheduler::reader::QueueReader;
use shared_layouts::scheduler::{
    BatchItem, EntryHandle, cancel, dead_letter, dispatch, dispatch_direct, enqueue, enqueue_batch, entry_flags, fail,
    grow_queue, hold, list, purge, queue_flags, reap, reason, redrive, release, reprioritize, restore, set_producer,
    update_queue,
};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// Difference between the time of a block and the clock that its programs saw, at most.
const CLOCK_SECONDS: i64 = 30;

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It waits: neither finished nor dead.
    Alive,
    /// It ran.
    Finished,
    /// It was taken out.
    Cancelled,
    /// It is a dead letter, or was one until it was purged.
    Dead,
    /// The ledger does not say.
    Undecided(&'static str),
}

/// An entry, as it can be queued again.
#[derive(Clone, Debug)]
pub struct Item {
    /// Key of its producer; none if it is not known.
    pub producer: Option<Key>,
    /// Its capability.
    pub capability: Key,
    /// What `Restore` takes; the place of the producer is that in the lost queue.
    pub request: enqueue::Data,
    /// Arguments, or what they are committed to, as `Restore` takes them.
    pub arguments: Vec<u8>,
    /// What became of it.
    pub fate: Fate,
    /// An operator held it when it was last seen.
    pub was_held: bool,
    /// From the start of its wait to its deadline, seconds; none without a deadline. A revival gives it as long again.
    lifetime: Option<i64>,
    max_attempts: u8,
    attempts: u8,
    /// Placed by the replay, not by the backup.
    is_replayed: bool,
}

/// The queue as the replay knows it.
pub struct Replay {
    /// Every entry of the backup and since.
    pub items: Vec<Item>,
    /// Calls that were replayed.
    pub calls: usize,
    /// Generation, and the item that lies there, by slot.
    slots: Vec<(u32, Option<usize>)>,
    /// Free slots, the next one last; none once that is not known any more.
    free: Option<Vec<u16>>,
    producers: Vec<Option<Key>>,
    used: BTreeMap<Key, (u64, u64)>,
    max_attempts: u8,
    max_deadline_seconds: u32,
    is_leased: bool,
    is_ordered: bool,
}

impl Replay {
    /// The queue as it is in a backup.
    pub fn new(reader: &QueueReader) -> Self {
        let header = &reader.header;
        let producers = header.producers.iter().map(|producer| (producer.key != [0; 32]).then_some(producer.key));
        let used = header.producers.iter().map(|one| (one.key, (one.last_sequence, one.sequence_window)));
        let mut replay = Self {
            items: Vec::new(),
            calls: 0,
            slots: reader.entries.iter().map(|entry| (entry.generation, None)).collect(),
            free: Some(reader.list(list::FREE).into_iter().rev().map(|(slot, _)| slot).collect()),
            producers: producers.collect(),
            used: used.collect(),
            max_attempts: header.max_attempts,
            max_deadline_seconds: header.max_deadline_seconds,
            is_leased: header.header.state & queue_flags::LEASED != 0,
            is_ordered: header.header.state & queue_flags::ORDERED != 0,
        };
        for (slot, entry) in reader.entries.iter().enumerate().filter(|(_, entry)| entry.list != list::FREE) {
            let committed = entry.flags & entry_flags::COMMITTED != 0;
            let held = if committed { 32 } else { usize::from(entry.arguments_bytes) };
            let arguments = &entry.arguments[..held.min(entry.arguments.len())];
            let length = if committed { entry.arguments_bytes.to_le_bytes().to_vec() } else { Vec::new() };
            let is_leased = entry.list == list::LEASED;
            let is_held = entry.list == list::HELD && entry.reason == reason::NONE;
            let is_dead = entry.list == list::DEAD || (entry.list == list::HELD && !is_held);
            replay.slots[slot].1 = Some(replay.items.len());
            replay.items.push(Item {
                producer: header.producers.get(usize::from(entry.producer)).map(|producer| producer.key),
                capability: entry.capability,
                request: enqueue::Data {
                    sequence: entry.sequence,
                    deadline_at: if entry.deadline_at == i64::MAX { 0 } else { entry.deadline_at },
                    not_before_at: if entry.list == list::DELAYED { entry.due_at } else { 0 },
                    tip_lamports: entry.tip_lamports,
                    interval_seconds: entry.interval_seconds,
                    runs: if entry.interval_seconds == 0 { 0 } else { entry.runs_left.saturating_add(1) },
                    producer_index: entry.producer,
                    level: entry.level,
                    flags: entry.flags,
                },
                arguments: [length, arguments.to_vec()].concat(),
                fate: if is_dead { Fate::Dead } else { Fate::Alive },
                was_held: is_held,
                lifetime: (entry.deadline_at != i64::MAX).then(|| entry.deadline_at - entry.waiting_since),
                max_attempts: entry.max_attempts,
                // A lease has added its attempt already, and its end is counted below.
                attempts: entry.attempts - u8::from(is_leased && entry.attempts > 0),
                is_replayed: false,
            });
        }
        replay
    }

    /// Replays the calls of a transaction that took effect, in their order.
    pub fn transaction(&mut self, queue: &Pubkey, calls: &[Call]) {
        for (place, call) in calls.iter().enumerate() {
            let is_of_queue = call.program == Singleton::Scheduler && call.account("queue") == Some(*queue);
            if call.end == End::Done && is_of_queue {
                self.calls += 1;
                self.call(call, calls.get(place + 1));
            }
        }
    }

    fn call(&mut self, call: &Call, next: Option<&Call>) {
        let (Some(discriminator), Some(data)) = (call.data.first(), call.data.get(1..)) else { return };
        match *discriminator {
            enqueue::DISCRIMINATOR | restore::DISCRIMINATOR => self.enqueue(call, data),
            enqueue_batch::DISCRIMINATOR => self.batch(call, data),
            dispatch::DISCRIMINATOR | dispatch_direct::DISCRIMINATOR => {
                if let Some((data, _)) = parse::<dispatch::Data>(data) {
                    self.dispatch((data.slot, data.generation), next, call.at);
                }
            }
            reap::DISCRIMINATOR => {
                let is_leased = self.is_leased;
                for handle in data.chunks_exact(EntryHandle::BYTES) {
                    let handle: EntryHandle = bytemuck::pod_read_unaligned(handle);
                    // Anyone may reap, and name what never was: such a handle contradicts nothing.
                    if self.slots.get(usize::from(handle.slot)).is_some_and(|slot| slot.0 == handle.generation) {
                        self.settle((handle.slot, handle.generation), |item| item.reaped(call.at, is_leased));
                    }
                }
            }
            grow_queue::DISCRIMINATOR => {
                if let Some((data, _)) = parse::<grow_queue::Data>(data) {
                    self.grow(data.slots);
                }
            }
            // A list that has changed: places are not those of the backup any more.
            set_producer::DISCRIMINATOR => self.producers.fill(None),
            update_queue::DISCRIMINATOR => {
                if let Some((data, _)) = parse::<update_queue::Data>(data) {
                    (self.max_attempts, self.max_deadline_seconds) = (data.max_attempts, data.max_deadline_seconds);
                    self.is_leased = data.flags & queue_flags::LEASED != 0;
                }
            }
            _ => self.verb(*discriminator, data, call.at),
        }
    }

    /// What is done to an entry by its handle, at a time.
    fn verb(&mut self, discriminator: u8, data: &[u8], at: i64) {
        match discriminator {
            cancel::DISCRIMINATOR => {
                if let Some((data, _)) = parse::<cancel::Data>(data) {
                    self.leaves((data.slot, data.generation), Fate::Cancelled);
                }
            }
            purge::DISCRIMINATOR => {
                if let Some((data, _)) = parse::<purge::Data>(data) {
                    self.purge((data.slot, data.generation), data.count);
                }
            }
            dead_letter::DISCRIMINATOR => {
                if let Some((data, _)) = parse::<dead_letter::Data>(data) {
                    self.settle((data.slot, data.generation), Item::buried);
                }
            }
            fail::DISCRIMINATOR => {
                if let Some((data, _)) = parse::<fail::Data>(data) {
                    self.settle((data.slot, data.generation), |item| item.failed(data.permanent != 0));
                }
            }
            redrive::DISCRIMINATOR => {
                if let Some((data, _)) = parse::<redrive::Data>(data) {
                    self.redrive((data.slot, data.generation), data.count, at);
                }
            }
            reprioritize::DISCRIMINATOR => {
                if let Some((data, _)) = parse::<reprioritize::Data>(data) {
                    self.settle((data.slot, data.generation), |item| item.request.level = data.level);
                }
            }
            hold::DISCRIMINATOR => {
                if let Some((data, _)) = parse::<hold::Data>(data) {
                    self.settle((data.slot, data.generation), |item| item.was_held = true);
                }
            }
            release::DISCRIMINATOR => {
                if let Some((data, _)) = parse::<release::Data>(data) {
                    self.settle((data.slot, data.generation), |item| item.released(at));
                }
            }
            // Requeues and claims change neither slots nor what is alive.
            _ => {}
        }
    }

    fn enqueue(&mut self, call: &Call, data: &[u8]) {
        let Some((request, arguments)) = parse::<enqueue::Data>(data) else { return };
        let listed = self.producers.get(usize::from(request.producer_index)).copied().flatten();
        let producer = call.account("producer").map(|key| key.to_bytes()).or(listed);
        let capability = call.account("capability").unwrap_or_default().to_bytes();
        self.place((producer, capability), request, arguments.to_vec(), call.at);
    }

    fn batch(&mut self, call: &Call, mut data: &[u8]) {
        let fixed = call.instruction.map_or(0, |instruction| instruction.accounts.len());
        let producer = call.account("producer").map(|key| key.to_bytes());
        while let Some((item, rest)) = parse::<BatchItem>(data) {
            let Some((request, rest)) = parse::<enqueue::Data>(rest) else { return };
            let Some((arguments, rest)) = rest.split_at_checked(usize::from(item.arguments_bytes)) else { return };
            let capability = call.accounts.get(fixed + usize::from(item.capability)).copied().unwrap_or_default();
            self.place((producer, capability.to_bytes()), request, arguments.to_vec(), call.at);
            data = rest;
        }
    }

    fn place(
        &mut self,
        (producer, capability): (Option<Key>, Key),
        mut request: enqueue::Data,
        arguments: Vec<u8>,
        at: i64,
    ) {
        let sequence = request.sequence;
        // The slot of the backup may hold it already: then the sequence is used there.
        if producer.is_some_and(|key| self.used.get(&key).is_some_and(|used| is_used(*used, sequence))) {
            return;
        }
        let start_at = at.max(request.not_before_at);
        if request.deadline_at == 0 && self.max_deadline_seconds != 0 {
            request.deadline_at = start_at.saturating_add(self.max_deadline_seconds.into());
        }
        let deadline_at = request.deadline_at;
        let place = self.items.len();
        let slot = self.free.as_mut().and_then(Vec::pop);
        if self.free.is_some() && slot.is_none() {
            self.contradicted();
        }
        let slot = slot.and_then(|slot| self.slots.get_mut(usize::from(slot)));
        let fate = if slot.is_some() { Fate::Alive } else { Fate::Undecided(NO_SLOT_KNOWN) };
        if let Some(slot) = slot {
            *slot = (slot.0.wrapping_add(1), Some(place));
        }
        self.items.push(Item {
            producer,
            capability,
            request,
            arguments,
            fate,
            was_held: false,
            lifetime: (deadline_at != 0).then(|| deadline_at - start_at),
            max_attempts: self.max_attempts,
            attempts: 0,
            is_replayed: true,
        });
    }

    /// The item of a handle. One of an earlier generation is older than the backup; a later one contradicts the replay.
    fn find(&mut self, (slot, generation): (u16, u32)) -> Option<usize> {
        let (known, item) = self.slots.get(usize::from(slot)).copied()?;
        if generation == known && item.is_some() {
            return item;
        }
        if generation > known && self.free.is_some() {
            self.contradicted();
        }
        None
    }

    fn settle(&mut self, handle: (u16, u32), change: impl FnOnce(&mut Item)) {
        if let Some(place) = self.find(handle) {
            change(&mut self.items[place]);
        }
    }

    fn leaves(&mut self, handle: (u16, u32), fate: Fate) {
        if let Some(place) = self.find(handle) {
            self.items[place].fate = fate;
            self.slots[usize::from(handle.0)].1 = None;
            if let Some(free) = &mut self.free {
                free.push(handle.0);
            }
        }
    }

    fn dispatch(&mut self, handle: (u16, u32), next: Option<&Call>, at: i64) {
        let Some(place) = self.find(handle) else { return };
        let item = &mut self.items[place];
        if next.is_some_and(|next| !item.is_run_by(next)) {
            self.contradicted();
            return;
        }
        if item.request.interval_seconds == 0 || item.request.runs <= 1 {
            self.leaves(handle, Fate::Finished);
            return;
        }
        // A recurring entry goes on under a new generation, an interval later at the latest.
        item.request.runs = if item.request.runs == u32::MAX { u32::MAX } else { item.request.runs - 1 };
        let next_at = at.saturating_add(item.request.interval_seconds.into());
        item.request.not_before_at = next_at;
        item.request.deadline_at = item.lifetime.map_or(0, |seconds| next_at.saturating_add(seconds));
        item.attempts = 0;
        self.slots[usize::from(handle.0)].0 += 1;
    }

    fn purge(&mut self, handle: (u16, u32), count: u16) {
        if count == 0 {
            self.leaves(handle, Fate::Dead);
            return;
        }
        // Which ones, and in which order their slots became free, is known only to the queue.
        self.free = None;
    }

    fn redrive(&mut self, handle: (u16, u32), count: u16, at: i64) {
        if count == 0 {
            self.settle(handle, |item| item.revived(at));
            return;
        }
        for item in self.items.iter_mut().filter(|item| item.fate == Fate::Dead || item.may_be_late(at)) {
            item.fate = Fate::Undecided("a counted redrive may have put it back");
        }
    }

    fn grow(&mut self, slots: u16) {
        let Ok(first) = u16::try_from(self.slots.len()) else { return };
        self.slots.extend(std::iter::repeat_n((0, None), slots.into()));
        // The queue frees them so that the first new slot is taken first.
        if let Some(free) = &mut self.free {
            free.extend((first..first.saturating_add(slots)).rev());
        }
    }

    /// The replay went wrong: what it placed may be anything.
    fn contradicted(&mut self) {
        self.free = None;
        for item in self.items.iter_mut().filter(|item| item.is_replayed) {
            item.fate = Fate::Undecided("the ledger contradicts the slots that follow from the backup");
        }
    }

    /// What is known at a time (unix seconds) of the cluster.
    pub fn end(&mut self, now: i64) {
        for item in self.items.iter_mut().filter(|item| item.fate == Fate::Alive) {
            // Past its deadline an entry never runs, whether somebody has buried it or not.
            if item.request.deadline_at != 0 && now > item.request.deadline_at {
                item.fate = Fate::Dead;
            } else if self.is_ordered {
                item.fate = Fate::Undecided("its order may have let it die");
            } else if item.producer.is_none() {
                item.fate = Fate::Undecided("its producer is not known: the list has changed since the backup");
            }
        }
    }
}

const NO_SLOT_KNOWN: &str = "which slot it got does not follow from the backup any more";

impl Item {
    /// Whether a call that follows the entry's dispatch runs this entry, as far as it can be told.
    fn is_run_by(&self, call: &Call) -> bool {
        let fixed = match call.data.first() {
            Some(&execute::DISCRIMINATOR) if call.program == Singleton::Processor => 1 + execute::Data::BYTES,
            Some(&verify::DISCRIMINATOR) if call.program == Singleton::Processor => 1 + verify::Data::BYTES,
            _ => return true,
        };
        let is_committed = self.request.flags & entry_flags::COMMITTED != 0;
        let has_arguments = is_committed || call.data.get(fixed..) == Some(&self.arguments[..]);
        call.account("capability") == Some(Pubkey::new_from_array(self.capability)) && has_arguments
    }

    /// It is waiting, and its deadline may have passed at that time.
    fn may_be_late(&self, at: i64) -> bool {
        let deadline = self.request.deadline_at;
        self.fate == Fate::Alive && deadline != 0 && at > deadline - CLOCK_SECONDS
    }

    /// What an operator held goes on as it was; what was held because the dead letters were full is revived.
    fn released(&mut self, at: i64) {
        if self.was_held {
            self.was_held = false;
        } else {
            self.revived(at);
        }
    }

    fn buried(&mut self) {
        (self.fate, self.was_held) = (Fate::Dead, false);
    }

    fn failed(&mut self, is_permanent: bool) {
        self.attempts = self.attempts.saturating_add(1);
        if is_permanent {
            self.fate = Fate::Dead;
        } else if self.attempts >= self.max_attempts {
            // A pause during the lease would have spared the attempt.
            self.fate = Fate::Undecided("it may have used its last attempt");
        }
    }

    fn reaped(&mut self, at: i64, is_leased: bool) {
        let deadline = self.request.deadline_at;
        // A held or dead entry is left alone whatever the time, and of an undecided one not even the deadline is known.
        if self.was_held || self.fate != Fate::Alive {
            return;
        }
        if deadline != 0 && at > deadline + CLOCK_SECONDS {
            self.fate = Fate::Dead;
        } else if is_leased {
            // A lease that has ended, or a delay that is over.
            self.failed(false);
        }
    }

    fn revived(&mut self, at: i64) {
        (self.fate, self.attempts) = (Fate::Alive, 0);
        self.request.not_before_at = 0;
        self.request.deadline_at = self.lifetime.map_or(0, |seconds| at.saturating_add(seconds));
    }
}

/// The highest number used, and a window of 64 below it.
const fn is_used((last, window): (u64, u64), sequence: u64) -> bool {
    match last.checked_sub(sequence) {
        None => false,
        Some(below @ 0..64) => window >> below & 1 == 1,
        Some(_) => true,
    }
}

fn parse<T: bytemuck::Pod>(data: &[u8]) -> Option<(T, &[u8])> {
    let (fixed, rest) = data.split_at_checked(size_of::<T>())?;
    Some((bytemuck::pod_read_unaligned(fixed), rest))
}
