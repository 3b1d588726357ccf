//! Queues that are bound to an order.
//!
//! ```text
//!  level 15   lane 0  head -> [ ] -> [ ] -> tail      a lane is a capability and an epoch: the order makes all of its
//!             lane 5  head -> [ ] -> tail             entries wait or none, so one verdict answers for it, and a
//!  level 14   lane 1  ...                             thousand blocked entries cost a claim as much as one
//! ```
//!
//! Among the lanes of a level that do not wait, the head with the lowest serial became ready first.
//!
//! **A lane is lent.** Verbs on single entries are those of every queue: [`OrderedMut::lend`] hands them the entry's lane as the
//! level's list, and [`OrderedMut::take_back`] compares the entry with what it was, and tells the order what became of it. In
//! between the account is of the kind of every queue; otherwise it is of a kind that they refuse.
//!
//! **Counting.** The order counts an entry from when it first becomes ready until it leaves its queue, waits for its next run,
//! or is given up. While it does, the entry carries its member's bit and the epoch; otherwise `NO_BIT`. Its class says at any
//! time which member it belongs to, so that it can be counted again.

use super::claim::{check_worker, highest_bit, serves_lowest};
use super::finish::{Finished, Ran, check_lease};
use super::links::{entry_mut, push_tail, unlink};
use super::{
    Claimed, EMPTY, EXPIRED_PER_CLAIM, Handle, LEVEL_MASK, NewEntry, PROMOTED_PER_CLAIM, Parts, Pauses, QueueMut,
    Refusal, TOLD, is_plain, kind_of, locate, split,
};
use crate::order::epochs::{self, Look, is_overdue};
use crate::order::{Death, Stamp};
use crate::refuse;
use shared_layouts::account::{AccountLayout, Key, keys_equal};
use shared_layouts::scheduler::SchedulerError::OrderFull;
use shared_layouts::scheduler::{
    Entry, LEVELS, MAX_MEMBERS, NO_BIT, NO_CLASS, NO_LEVEL, NO_SLOT, ORDER_CLASSES, ORDER_LANES, ORDERED_QUEUE, Order,
    OrderIndex, Queue, list, queue_flags, reason,
};

/// Ready entries that a dispatch from an open queue walks over to find out which place its own has.
const MAX_WALK: usize = 64;

/// A queue with its index, and the order that it is bound to.
#[derive(Debug)]
pub struct OrderedMut<'a> {
    /// Header.
    pub header: &'a mut Queue,
    /// Ready lists.
    pub index: &'a mut OrderIndex,
    /// Slots.
    pub entries: &'a mut [Entry],
    /// The order.
    pub order: &'a mut Order,
}

/// What an entry was when its queue was lent to a verb.
#[derive(Clone, Copy, Debug)]
pub struct Lent {
    /// Slot of the entry; `NO_SLOT` if the handle names none.
    slot: u16,
    /// `Queue::levels`.
    levels: u16,
    generation: u32,
    list: u8,
    level: u8,
    lane: u8,
    /// It is leased, and the order makes it wait.
    waits: bool,
}

/// Where the entries of a capability stand in the queue.
#[derive(Clone, Copy)]
struct Seat {
    /// Order bit of the capability.
    bit: u8,
    /// Its class, or one that is free.
    class: u8,
    /// Level of its entries that state none, or `NO_LEVEL`.
    level: u8,
}

/// What every lease of a claim has in common.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// Place of the worker in the list.
    pub worker_index: u8,
    /// Pauses so far.
    pub pauses: Pauses,
    /// Unix seconds.
    pub now: i64,
}

/// Bits of the lanes about which something is known, and what.
#[derive(Clone, Copy, Default)]
struct Lanes {
    known: u32,
    eligible: u32,
    doomed: u32,
}

impl Lanes {
    /// Finds out about those lanes of which nothing is known yet.
    #[inline(never)]
    fn learn(&mut self, lanes: u32, index: &OrderIndex, order: &Order) {
        let mut unknown = lanes & !self.known;
        self.known |= lanes;
        while unknown != 0 {
            let lane = lowest_lane(unknown);
            let bit = unknown & unknown.wrapping_neg();
            unknown ^= bit;
            let member = index.bit_of_class[lane / 2 % ORDER_CLASSES];
            let (place, other) = (&order.epochs[lane % 2], &order.epochs[(lane % 2) ^ 1]);
            match answer_of(epochs::look_from(order, place, other, usize::from(member)), false) {
                Answer::Runs => self.eligible |= bit,
                Answer::Dies => self.doomed |= bit,
                Answer::Waits => {}
            }
        }
    }
}

/// Whether an entry may run, as far as the order is concerned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Runs,
    Waits,
    Dies,
}

/// [`answer`], not unfolded.
#[inline(never)]
fn ask(order: &Order, stamp: Stamp, is_leased: bool) -> Result<Answer, Refusal> {
    answer(order, stamp, is_leased)
}

/// Asks the order about an entry, leased or not.
#[inline(always)]
fn answer(order: &Order, stamp: Stamp, is_leased: bool) -> Result<Answer, Refusal> {
    let look = epochs::look(order, stamp).ok_or_else(|| refuse!(CorruptOrder))?;
    Ok(answer_of(look, is_leased))
}

#[inline(always)]
const fn answer_of(look: Look, is_leased: bool) -> Answer {
    let Look { waits, doomed, busy } = look;
    if waits != 0 {
        Answer::Waits
    } else if doomed != 0 {
        Answer::Dies
    } else if busy != 0 && !is_leased {
        Answer::Waits
    } else {
        // The chain is busy with its own lease, or with one that began before the chain did.
        Answer::Runs
    }
}

/// Whether the order lets an entry run: a first look that says yes or nothing.
#[inline(always)]
fn runs(order: &Order, stamp: Stamp, is_leased: bool) -> bool {
    let look = epochs::look(order, stamp);
    look.is_some_and(|look| look.waits | look.doomed | if is_leased { 0 } else { look.busy } == 0)
}

/// What time or the order does to an entry without being asked.
#[derive(Clone, Copy)]
enum Move {
    /// The first delayed entry is looked at.
    Promote,
    /// It is past its deadline.
    Expire,
    /// It dies with one that comes before it.
    Cascade,
}

/// Position of the lowest bit of a number that is not zero.
#[inline(always)]
fn lowest_lane(bits: u32) -> usize {
    let lowest = bits & bits.wrapping_neg();
    usize::from(POSITIONS[(lowest.wrapping_mul(DE_BRUIJN) >> 27) as usize])
}

/// Every five bits of this number in a row are different ones, so that the upper five of its product with a power of two tell
/// which power it is.
const DE_BRUIJN: u32 = 0x077C_B531;
/// Position of the bit that the upper five bits tell.
const POSITIONS: [u8; 32] = {
    let mut positions = [0; 32];
    let mut position = 0u8;
    while position < 32 {
        let tells = ((DE_BRUIJN << position) >> 27) as usize;
        assert!(positions[tells] == 0, "every position has a place of its own");
        positions[tells] = position;
        position += 1;
    }
    positions
};

/// Level and lane of an entry that the order counts.
#[inline(always)]
fn place(entry: &Entry) -> (u8, u8) {
    (entry.level & LEVEL_MASK, lane_of(entry.order_class, entry.order_epoch))
}

/// The lane of a class and an epoch.
#[inline(always)]
fn lane_of(class: u8, epoch: u32) -> u8 {
    (class & 15) << 1 | epoch.to_le_bytes()[0] & 1
}

/// Index of a lane's list.
#[inline(always)]
fn list_at(level: u8, lane: u8) -> usize {
    usize::from(level & LEVEL_MASK) * ORDER_LANES + usize::from(lane) % ORDER_LANES
}

/// Puts an entry that the order counts at the end of the lane that [`place`] says.
#[inline(always)]
fn line_up(
    header: &mut Queue,
    index: &mut OrderIndex,
    entries: &mut [Entry],
    slot: u16,
    (level, lane): (u8, u8),
) -> Result<(), Refusal> {
    let entry = entry_mut(entries, slot)?;
    entry.order_serial = index.next_serial;
    // It does not reach its end.
    index.next_serial = index.next_serial.wrapping_add(1);
    entry.next = NO_SLOT;
    push_tail(&mut index.ready[list_at(level, lane)], entries, slot)?;
    index.level_lanes[usize::from(level & LEVEL_MASK)] |= 1 << lane;
    header.levels |= 1 << (level & LEVEL_MASK);
    Ok(())
}

#[inline(always)]
const fn stamp(entry: &Entry) -> Stamp {
    Stamp { bit: entry.order_bit, epoch: entry.order_epoch }
}

/// Counts an entry out of its class, which is free when it was the last.
#[inline(always)]
fn give_back(index: &mut OrderIndex, class: u8) {
    let class = usize::from(class) % ORDER_CLASSES;
    let used = index.class_used[class].wrapping_sub(1);
    index.class_used[class] = used;
    if used == 0 {
        index.class_of_bit[usize::from(index.bit_of_class[class]) % MAX_MEMBERS] = NO_CLASS;
    }
}

/// Makes every list of a new index empty, and every class free.
pub fn clear_index(index: &mut OrderIndex) {
    index.ready = [EMPTY; LEVELS * ORDER_LANES];
    index.class_of_bit = [NO_CLASS; MAX_MEMBERS];
    index.bit_of_class = [NO_BIT; ORDER_CLASSES];
}

impl<'a> OrderedMut<'a> {
    /// Splits the bytes of a queue's account, which begin at a multiple of eight.
    ///
    /// # Errors
    /// `InvalidAccountData`, `CorruptQueue`; `WrongOrder` if the queue is bound to none.
    ///
    /// # Safety
    /// The bytes must begin at a multiple of eight.
    #[inline(always)]
    #[allow(clippy::cast_ptr_alignment)]
    pub unsafe fn load_aligned(bytes: &'a mut [u8], order: &'a mut Order) -> Result<Self, Refusal> {
        // SAFETY: the caller's contract.
        let Parts { header, behind, entries } = unsafe { split::<TOLD, 0>(bytes, kind_of(bytes)) }?;
        // Not the kind: the queue may be lent.
        if header.header.state & queue_flags::ORDERED == 0 {
            return Err(refuse!(WrongOrder));
        }
        // SAFETY: the account's length proved that an index follows the header, which ends at a multiple of the alignment; any
        // bytes are an index, and it does not overlap header or slab.
        let index = unsafe { &mut *behind.cast::<OrderIndex>() };
        Ok(Self { header, index, entries, order })
    }

    /// [`Self::load_aligned`] of a queue that is not lent, without any of the flags in `REFUSED`.
    ///
    /// # Errors
    /// As there; `RegistryMissing` for a queue with a quota where that flag is refused.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    #[allow(clippy::cast_ptr_alignment)]
    pub unsafe fn load_bound<const REFUSED: u8>(bytes: &'a mut [u8], order: &'a mut Order) -> Result<Self, Refusal> {
        // SAFETY: the caller's contract.
        let parts = unsafe { split::<{ Queue::BYTES + OrderIndex::BYTES }, REFUSED>(bytes, ORDERED_QUEUE) }?;
        // SAFETY: as in `load_aligned`.
        let index = unsafe { &mut *parts.behind.cast::<OrderIndex>() };
        Ok(Self { header: parts.header, index, entries: parts.entries, order })
    }

    /// The queue without its order.
    #[inline(always)]
    pub fn plain(&mut self) -> QueueMut<'_> {
        QueueMut { header: self.header, entries: self.entries }
    }

    /// Lends the queue to a verb on one entry: its lane is the list of its level until it is taken back. A handle that names no
    /// entry is the verb's to refuse.
    ///
    /// # Errors
    /// `CorruptOrder`.
    #[inline(never)]
    pub fn lend(&mut self, handle: Handle) -> Result<Lent, Refusal> {
        let header = &mut *self.header;
        header.header.discriminator = Queue::DISCRIMINATOR;
        let mut lent = Lent {
            slot: NO_SLOT,
            levels: header.levels,
            generation: handle.generation,
            list: list::FREE,
            level: 0,
            lane: 0,
            waits: false,
        };
        let Some(entry) = self.entries.get_mut(usize::from(handle.slot)) else { return Ok(lent) };
        if entry.generation != handle.generation || entry.list == list::FREE {
            return Ok(lent);
        }
        lent.slot = handle.slot;
        lent.list = entry.list;
        (lent.level, lent.lane) = place(entry);
        if entry.list == list::READY {
            header.ready[usize::from(lent.level & LEVEL_MASK)] = self.index.ready[list_at(lent.level, lent.lane)];
            // The turn of an entry is for the order to say.
            header.levels = 1 << lent.level;
        } else if entry.list == list::LEASED && ask(self.order, stamp(entry), true)? != Answer::Runs {
            // The lease is treated as one that several pauses overlap: nobody could have run the entry.
            lent.waits = true;
            entry.config_pauses = entry.config_pauses.wrapping_sub(2);
        }
        Ok(lent)
    }

    /// Takes the queue back from a verb that was refused.
    #[inline(never)]
    pub fn undo(&mut self, lent: &Lent) {
        self.header.header.discriminator = ORDERED_QUEUE;
        self.header.levels = lent.levels;
        if lent.list == list::READY {
            self.header.ready[usize::from(lent.level & LEVEL_MASK)] = EMPTY;
        }
        if let Some(entry) = self.entries.get_mut(usize::from(lent.slot))
            && lent.waits
        {
            entry.config_pauses = entry.config_pauses.wrapping_add(2);
        }
    }

    /// Takes the queue back from a verb, puts the entry into a lane if it is ready, and tells the order what became of it.
    ///
    /// # Errors
    /// `OrderFull`, `CorruptOrder`, `CorruptQueue`.
    #[inline(never)]
    pub fn take_back(&mut self, lent: &Lent) -> Result<(), Refusal> {
        let header = &mut *self.header;
        header.header.discriminator = ORDERED_QUEUE;
        header.levels = lent.levels;
        if lent.slot == NO_SLOT {
            return Ok(());
        }
        let entry = entry_mut(self.entries, lent.slot)?;
        let (kind, level) = (entry.list, usize::from(entry.level & LEVEL_MASK));
        if kind == list::LEASED {
            // Only a lease can end differently for it.
            self.undo(lent);
            return Ok(());
        }
        if kind == list::READY {
            unlink(&mut header.ready[level], self.entries, lent.slot)?;
        }
        if lent.list == list::READY {
            let lane = core::mem::replace(&mut header.ready[usize::from(lent.level & LEVEL_MASK)], EMPTY);
            self.index.ready[list_at(lent.level, lent.lane)] = lane;
            if lane.head == NO_SLOT {
                self.clear_lane(lent.level, lent.lane);
            }
        }
        self.count(lent)?;
        if kind == list::READY { self.line_up(lent.slot) } else { Ok(()) }
    }

    /// Tells the order what became of an entry.
    #[inline(always)]
    fn count(&mut self, lent: &Lent) -> Result<(), Refusal> {
        let Self { index, order, .. } = self;
        let entry = entry_mut(self.entries, lent.slot)?;
        let stamp = stamp(entry);
        let has_left = entry.list == list::FREE;
        if lent.list == list::LEASED {
            epochs::end_lease(order, stamp.bit)?;
        }
        let (was_dead, is_dead) = (lent.list == list::DEAD, entry.list == list::DEAD);
        if stamp.bit != NO_BIT {
            if has_left || entry.generation != lent.generation {
                // It is gone, or was run and recurs.
                if was_dead {
                    epochs::bury(order, stamp)?;
                } else {
                    epochs::leave(order, stamp)?;
                }
                entry.order_bit = NO_BIT;
            } else if is_dead && !was_dead {
                if epochs::die(order, stamp)? == Death::Final {
                    entry.order_bit = NO_BIT;
                }
            } else if was_dead && !is_dead {
                epochs::redrive(order, stamp)?;
            }
        }
        if has_left {
            give_back(index, entry.order_class);
        }
        Ok(())
    }

    /// Moves an entry of the queue's own choice.
    #[inline(never)]
    fn make(&mut self, which: Move, slot: u16, now: i64) -> Result<(), Refusal> {
        let entry = entry_mut(self.entries, slot)?;
        let generation = entry.generation;
        // What the order cannot count any more goes to the end of its list, and does not hold up the claim.
        let member = self.index.bit_of_class[usize::from(entry.order_class) % ORDER_CLASSES];
        let has_room = entry.order_bit != NO_BIT || epochs::check_room(self.order, member) != Err(OrderFull);
        let lent = self.lend(Handle { slot, generation })?;
        let mut queue = self.plain();
        match which {
            Move::Promote => queue.promote_next(has_room, now)?,
            Move::Expire => queue.expire(slot, now)?,
            Move::Cascade => {
                queue.detach(slot)?;
                queue.bury(slot, reason::CASCADE, now)?;
            }
        }
        self.take_back(&lent)
    }

    /// Takes a ready entry out of its lane.
    #[inline(always)]
    fn leave_lane(&mut self, slot: u16) -> Result<(), Refusal> {
        let (level, lane) = place(entry_mut(self.entries, slot)?);
        let list = &mut self.index.ready[list_at(level, lane)];
        unlink(list, self.entries, slot)?;
        if list.head == NO_SLOT {
            self.clear_lane(level, lane);
        }
        Ok(())
    }

    #[inline(always)]
    fn clear_lane(&mut self, level: u8, lane: u8) {
        let lanes = &mut self.index.level_lanes[usize::from(level & LEVEL_MASK)];
        *lanes &= !(1 << lane);
        if *lanes == 0 {
            self.header.levels &= !(1 << level);
        }
    }

    /// Puts a ready entry that is in no list at the end of its lane; the order counts it from now on, if it did not already.
    #[inline(never)]
    fn line_up(&mut self, slot: u16) -> Result<(), Refusal> {
        let Self { header, index, order, entries } = self;
        let entry = entry_mut(entries, slot)?;
        if entry.order_bit == NO_BIT {
            let stamp = epochs::enter(order, index.bit_of_class[usize::from(entry.order_class) % ORDER_CLASSES])?;
            entry.order_bit = stamp.bit;
            entry.order_epoch = stamp.epoch;
        }
        let place = place(entry);
        line_up(header, index, entries, slot, place)
    }

    /// Queues an entry: see [`QueueMut::enqueue`].
    ///
    /// # Errors
    /// As there, and `NotMember`, `TooManyClasses`, `OrderFull`, `CorruptOrder`; nothing has changed then.
    pub fn enqueue(&mut self, producer: &Key, new: &NewEntry, now: i64) -> Result<Handle, Refusal> {
        if is_plain(new.request) {
            self.enqueue_plain(producer, new, now)
        } else {
            self.enqueue_any(Some(producer), new, now)
        }
    }

    /// [`Self::enqueue`] of any entry. Without a producer's key the caller has checked that the shard's owner restores it.
    ///
    /// # Errors
    /// As there.
    #[inline(never)]
    pub fn enqueue_any(&mut self, producer: Option<&Key>, new: &NewEntry, now: i64) -> Result<Handle, Refusal> {
        let seat = self.seat(new.capability_key)?;
        let default_level = self.header.default_level;
        if seat.level != NO_LEVEL {
            self.header.default_level = seat.level;
        }
        let result = self.plain().enqueue_any(producer, new, now);
        self.header.default_level = default_level;
        let handle = result?;
        self.take_class(&seat);
        let entry = entry_mut(self.entries, handle.slot)?;
        entry.order_bit = NO_BIT;
        entry.order_class = seat.class;
        if entry.list == list::READY {
            let level = entry.level & LEVEL_MASK;
            // It is alone in the level's list.
            self.header.ready[usize::from(level)] = EMPTY;
            self.enter(handle.slot, level, &seat)?;
        }
        Ok(handle)
    }

    /// [`Self::enqueue`] of an entry that [`is_plain`] says to be plain.
    ///
    /// # Errors
    /// As there.
    #[inline(always)]
    pub fn enqueue_plain(&mut self, producer: &Key, new: &NewEntry, now: i64) -> Result<Handle, Refusal> {
        let seat = self.seat(new.capability_key)?;
        let mut queue = self.plain();
        let (handle, level) = queue.write_plain(producer, new, seat.level, now)?;
        queue.count_plain(handle.slot)?;
        self.take_class(&seat);
        self.enter(handle.slot, level, &seat)?;
        Ok(handle)
    }

    /// The seat of a capability, for an entry that is to be queued.
    #[inline(always)]
    fn seat(&self, capability: &Key) -> Result<Seat, Refusal> {
        let members = self.order.members.get(..usize::from(self.order.members_count));
        let mut bit = 0u8;
        for member in members.ok_or_else(|| refuse!(CorruptOrder))? {
            if keys_equal(&member.capability, capability) {
                epochs::check_room(self.order, bit)?;
                let class = self.index.class_of_bit[usize::from(bit) % MAX_MEMBERS];
                let class = if class == NO_CLASS { self.free_class()? } else { class };
                return Ok(Seat { bit, class, level: member.level });
            }
            bit = bit.wrapping_add(1);
        }
        Err(refuse!(NotMember))
    }

    /// A class of which the queue has no entries.
    #[inline(always)]
    fn free_class(&self) -> Result<u8, Refusal> {
        let mut class = 0u8;
        for used in &self.index.class_used {
            if *used == 0 {
                return Ok(class);
            }
            class = class.wrapping_add(1);
        }
        Err(refuse!(TooManyClasses))
    }

    /// Counts another entry of a capability's class.
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "by value it is packed into one register, and taken apart again"
    )]
    #[inline(always)]
    fn take_class(&mut self, seat: &Seat) {
        let class = usize::from(seat.class) % ORDER_CLASSES;
        self.index.class_of_bit[usize::from(seat.bit) % MAX_MEMBERS] = seat.class;
        self.index.bit_of_class[class] = seat.bit;
        // There are at most as many as slots.
        self.index.class_used[class] = self.index.class_used[class].wrapping_add(1);
    }

    /// Puts an entry that was just queued in line, and has the order count it, which has room for it.
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "by value it is packed into one register, and taken apart again"
    )]
    #[inline(always)]
    fn enter(&mut self, slot: u16, level: u8, seat: &Seat) -> Result<(), Refusal> {
        let Self { header, index, order, entries } = self;
        let Stamp { epoch, .. } = epochs::take_room(order, seat.bit);
        let entry = entry_mut(entries, slot)?;
        entry.order_bit = seat.bit;
        entry.order_class = seat.class;
        entry.order_epoch = epoch;
        line_up(header, index, entries, slot, (level, lane_of(seat.class, epoch)))
    }

    /// Leases the first `wanted` entries that the order does not make wait: see [`QueueMut::claim`]. Entries that die with
    /// one before them are taken out of the way like expired ones.
    ///
    /// # Errors
    /// `NotWorker`, `OrderFull`, `CorruptOrder`. Finding nothing is no error.
    #[inline(never)]
    pub fn claim(&mut self, signer: &Key, wanted: u8, lease: &Lease) -> Result<Claimed, Refusal> {
        check_worker(self.header, lease.worker_index, signer)?;
        for _ in 0..PROMOTED_PER_CLAIM.min(usize::from(self.header.delayed_count)) {
            self.make(Move::Promote, self.header.delayed.head, lease.now)?;
        }
        let mut wanted = wanted;
        if self.header.header.state & queue_flags::STRICT != 0 {
            // One lease at a time.
            wanted = u8::from(wanted > 0 && self.header.leased_count == 0);
        }
        let mut lanes = Lanes::default();
        let (mut count, mut removed) = (0u8, 0);
        while count < wanted {
            let slot = self.next(&mut lanes, count);
            let Some(entry) = self.entries.get(usize::from(slot)) else { break };
            let is_doomed = lanes.doomed >> place(entry).1 & 1 == 1;
            if is_doomed || lease.now > entry.deadline_at {
                if removed == EXPIRED_PER_CLAIM {
                    break;
                }
                removed += 1;
                self.make(if is_doomed { Move::Cascade } else { Move::Expire }, slot, lease.now)?;
                // A death changes what others wait for.
                lanes = Lanes::default();
                continue;
            }
            if self.lease(slot, lease)? {
                lanes = Lanes::default();
            }
            count = count.wrapping_add(1);
        }
        self.plain().count_leases(lease.worker_index, count);
        Ok(Claimed { count })
    }

    /// Leases the head of a lane. Returns whether that makes others wait, because it is in a chain.
    #[inline(always)]
    fn lease(&mut self, slot: u16, lease: &Lease) -> Result<bool, Refusal> {
        let entry = entry_mut(self.entries, slot)?;
        let bit = entry.order_bit;
        self.leave_lane(slot)?;
        let entry = entry_mut(self.entries, slot)?;
        entry.next = NO_SLOT;
        entry.worker = lease.worker_index;
        entry.attempts = entry.attempts.wrapping_add(1);
        entry.lease_ends_at = lease.now.wrapping_add(i64::from(entry.lease_seconds));
        entry.config_pauses = lease.pauses.config_count;
        entry.shard_pauses = lease.pauses.shard_count;
        entry.list = list::LEASED;
        push_tail(&mut self.header.leased, self.entries, slot)?;
        epochs::lease(self.order, bit)?;
        let [even, odd] = &self.order.epochs;
        let bit = usize::from(bit) % MAX_MEMBERS;
        Ok(even.masks.chain[bit] | odd.masks.chain[bit] != 0)
    }

    /// The entry to claim next, after so many leases of the same claim: of the highest level that has one which does not wait,
    /// or the lowest where that has its turn, the oldest. `NO_SLOT` if all wait.
    #[inline(always)]
    fn next(&self, lanes: &mut Lanes, count: u8) -> u16 {
        let from_lowest = serves_lowest(self.header, count);
        let mut levels = u32::from(self.header.levels);
        while levels != 0 {
            let level = highest_bit(if from_lowest { levels & levels.wrapping_neg() } else { levels }) % LEVELS;
            levels &= !(1 << level);
            let filled = self.index.level_lanes[level];
            if filled & !lanes.known != 0 {
                lanes.learn(filled, self.index, self.order);
            }
            let slot = self.oldest(level, filled & (lanes.eligible | lanes.doomed));
            if slot != NO_SLOT {
                return slot;
            }
        }
        NO_SLOT
    }

    /// The entry with the lowest serial among the heads of some lanes of a level.
    #[inline(always)]
    fn oldest(&self, level: usize, mut lanes: u32) -> u16 {
        let (mut found, mut lowest) = (NO_SLOT, u64::MAX);
        while lanes != 0 {
            let head = self.index.ready[level * ORDER_LANES + lowest_lane(lanes)].head;
            lanes &= lanes.wrapping_sub(1);
            if let Some(entry) = self.entries.get(usize::from(head))
                && entry.order_serial < lowest
            {
                (found, lowest) = (head, entry.order_serial);
            }
        }
        found
    }

    /// The entry that `worker` may dispatch under this handle now: see [`QueueMut::dispatchable`].
    ///
    /// # Errors
    /// As there, and those of [`Self::check_turn`].
    #[inline(always)]
    pub fn dispatchable(&self, handle: Handle, worker: &Key, now: i64) -> Result<&Entry, Refusal> {
        let entry = locate(self.entries, handle)?;
        if now > entry.deadline_at {
            return Err(refuse!(DeadlinePassed));
        }
        if entry.list == list::READY {
            if self.header.header.state & queue_flags::LEASED != 0 {
                return Err(refuse!(LeaseRequired));
            }
            if !runs(self.order, stamp(entry), false) || !self.is_alone(entry) {
                self.check_turn(handle, now)?;
            }
            return Ok(entry);
        }
        if entry.list != list::LEASED {
            return Err(refuse!(WrongList));
        }
        if !runs(self.order, stamp(entry), true) {
            self.check_turn(handle, now)?;
        }
        check_lease(self.header, entry, worker, now)?;
        Ok(entry)
    }

    /// Takes an entry that [`Self::dispatchable`] found out of the queue and of the order's counts, or has it wait for its next
    /// run.
    ///
    /// # Errors
    /// `CorruptQueue`, `CorruptOrder`.
    #[inline(always)]
    pub fn finish(&mut self, handle: Handle, now: i64) -> Result<Finished, Refusal> {
        let slot = handle.slot;
        let entry = entry_mut(self.entries, slot)?;
        let ran = Ran::of(entry, now);
        if ran.recurs {
            return self.finish_run(handle, now);
        }
        let (stamp, class) = (stamp(entry), entry.order_class);
        entry.order_bit = NO_BIT;
        if entry.list == list::LEASED {
            self.plain().end_lease(slot)?;
            epochs::end_lease(self.order, stamp.bit)?;
        } else {
            self.leave_lane(slot)?;
            self.header.ready_count = self.header.ready_count.wrapping_sub(1);
            self.header.claims = self.header.claims.wrapping_add(1);
        }
        if stamp.bit != NO_BIT {
            epochs::leave(self.order, stamp)?;
        }
        give_back(self.index, class);
        let mut queue = self.plain();
        queue.count_run(&ran);
        queue.vacate(slot, ran.producer)?;
        Ok(Finished { tip_lamports: ran.tip_lamports, recurs: false })
    }

    /// [`Self::finish`] of an entry that has another run.
    #[inline(never)]
    fn finish_run(&mut self, handle: Handle, now: i64) -> Result<Finished, Refusal> {
        let lent = self.lend(handle)?;
        let finished = self.plain().finish_outlined(handle.slot, now)?;
        self.take_back(&lent)?;
        Ok(finished)
    }

    /// Checks that the order lets an entry run, and in an open queue that its turn has come. Whether the handle names an entry
    /// that may be dispatched at all is for [`QueueMut::dispatchable`] to say.
    ///
    /// # Errors
    /// `OrderWaits`, `OrderDoomed`, `NotEligible`, `CorruptOrder`.
    #[inline(never)]
    pub fn check_turn(&self, handle: Handle, now: i64) -> Result<(), Refusal> {
        let Some(entry) = self.entries.get(usize::from(handle.slot)) else { return Ok(()) };
        let is_open = self.header.header.state & queue_flags::LEASED == 0;
        let kind = if is_open { list::READY } else { list::LEASED };
        if entry.generation != handle.generation || entry.list != kind || now > entry.deadline_at {
            return Ok(());
        }
        match ask(self.order, stamp(entry), !is_open)? {
            Answer::Runs => {}
            Answer::Waits => return Err(refuse!(OrderWaits)),
            Answer::Dies => return Err(refuse!(OrderDoomed)),
        }
        if !is_open || self.is_alone(entry) || self.is_in_window(handle.slot, now) {
            return Ok(());
        }
        Err(refuse!(NotEligible))
    }

    /// Whether an entry is the first of the only lane of the highest level.
    #[inline(always)]
    fn is_alone(&self, entry: &Entry) -> bool {
        let (level, lane) = place(entry);
        let is_only_lane = self.index.level_lanes[usize::from(level)] == 1 << lane;
        entry.previous == NO_SLOT && self.header.levels >> level == 1 && is_only_lane
    }

    /// Whether a ready entry of an open queue is among the first that may run and have not expired, as many as the queue's
    /// window has; in a strict queue it has to be the very first. Where the lowest level has its turn, its first is eligible
    /// as well.
    #[inline(never)]
    fn is_in_window(&self, slot: u16, now: i64) -> bool {
        let Some(entry) = self.entries.get(usize::from(slot)) else { return false };
        let mut lanes = Lanes::default();
        if serves_lowest(self.header, 0) {
            for level in 0..LEVELS {
                let filled = self.index.level_lanes[level];
                lanes.learn(filled, self.index, self.order);
                let first = self.oldest(level, filled & lanes.eligible);
                if first == slot {
                    return true;
                }
                if first != NO_SLOT {
                    break;
                }
            }
        }
        let is_strict = self.header.header.state & queue_flags::STRICT != 0;
        let window = if is_strict { 1 } else { usize::from(self.header.eligible_window) };
        let (mut walked, mut alive) = (0, 0);
        for level in usize::from(entry.level & LEVEL_MASK)..LEVELS {
            let filled = self.index.level_lanes[level];
            lanes.learn(filled, self.index, self.order);
            let mut open = filled & lanes.eligible;
            while open != 0 {
                let mut at = self.index.ready[level * ORDER_LANES + lowest_lane(open)].head;
                open &= open.wrapping_sub(1);
                while let Some(other) = self.entries.get(usize::from(at)) {
                    if other.level == entry.level && other.order_serial >= entry.order_serial {
                        break;
                    }
                    walked += 1;
                    alive += usize::from(now <= other.deadline_at);
                    if alive == window || walked == MAX_WALK {
                        return false;
                    }
                    at = other.next;
                }
            }
        }
        true
    }

    /// Does what the order has made due for an entry: one that dies with another is dead, and one that is held or dead for too
    /// long is given up. Returns whether there was anything to do.
    ///
    /// # Errors
    /// `OrderFull`, `CorruptOrder`.
    #[inline(never)]
    pub fn reap(&mut self, handle: Handle, now: i64) -> Result<bool, Refusal> {
        let slot = handle.slot;
        let Some(entry) = self.entries.get(usize::from(slot)) else { return Ok(false) };
        let (stamp, since) = (stamp(entry), entry.stuck_since);
        if entry.generation != handle.generation || stamp.bit == NO_BIT {
            return Ok(false);
        }
        let is_overdue = is_overdue(self.order, since, now);
        match entry.list {
            list::READY if ask(self.order, stamp, false)? == Answer::Dies => {
                self.make(Move::Cascade, slot, now)?;
                return Ok(true);
            }
            list::HELD if is_overdue => epochs::give_up_held(self.order, stamp)?,
            list::DEAD if is_overdue => epochs::give_up_dead(self.order, stamp)?,
            _ => return Ok(false),
        }
        entry_mut(self.entries, slot)?.order_bit = NO_BIT;
        Ok(true)
    }
}
