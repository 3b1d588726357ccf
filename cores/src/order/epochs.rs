//! Counts of two epochs, and what queue verbs do to them.
//!
//! ```text
//!              enter            leave (dispatched, cancelled)
//!   (not counted) ---> pending ------------------------------> (not counted)
//!                       |  ^   give_up_held (held too long)          ^
//!                       |  |  -------------------------------------->|
//!                   die |  | redrive                                 |
//!                       v  |                                         |
//!                       dead --- bury (purged), give_up_dead ------->+
//! ```
//!
//! Pending is what is ready, leased, held or backing off. A dead entry is counted only where another member's edge looks at
//! it; elsewhere its death is final. Each entry carries a [`Stamp`]: its member's bit and the epoch that counts it.
//!
//! An entry waits, under the masks of its own epoch, for what is pending in its own epoch and in the older one. The epoch
//! after the current one is opened in the place of the older one, once that has drained. So at most two epochs have
//! entries, and nothing that is queued is ever read under another composition than its own.

use shared_layouts::scheduler::{Composition, Epoch, MAX_MEMBERS, Order, SchedulerError};

/// Which member an entry belongs to, and which epoch counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Order bit of the member.
    pub bit: u8,
    /// Epoch.
    pub epoch: u32,
}

/// Whether an entry may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Eligible,
    /// It waits for these members.
    Waits(u64),
    /// An entry of these members died, and it dies too.
    Doomed(u64),
    /// An entry of its chain is leased.
    ChainBusy,
}

/// What a death means for the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// No member looks at it: the entry is no longer counted.
    Final,
    /// It is counted as dead until it is put back, purged, or given up.
    Counted,
}

// As the scheduler's refusals: made by cold functions whose result the compiler does not know, so that no error is prepared before
// a check.

#[cold]
#[inline(never)]
fn corrupt() -> SchedulerError {
    core::hint::black_box(SchedulerError::CorruptOrder)
}

#[cold]
#[inline(never)]
fn full() -> SchedulerError {
    core::hint::black_box(SchedulerError::OrderFull)
}

/// The place of an epoch.
#[inline(always)]
const fn parity(epoch: u32) -> usize {
    (epoch & 1) as usize
}

#[inline(always)]
fn own(order: &Order, epoch: u32) -> Result<&Epoch, SchedulerError> {
    let place = &order.epochs[parity(epoch)];
    if place.epoch == epoch { Ok(place) } else { Err(corrupt()) }
}

#[inline(always)]
fn own_mut(order: &mut Order, epoch: u32) -> Result<&mut Epoch, SchedulerError> {
    let place = &mut order.epochs[parity(epoch)];
    if place.epoch == epoch { Ok(place) } else { Err(corrupt()) }
}

#[inline(never)]
fn add(count: &mut [u16; MAX_MEMBERS], mask: &mut u64, bit: u8) -> Result<(), SchedulerError> {
    let count = count.get_mut(usize::from(bit)).ok_or_else(corrupt)?;
    if *count == u16::MAX {
        return Err(full());
    }
    *count += 1;
    *mask |= 1 << bit;
    Ok(())
}

#[inline(never)]
fn subtract(count: &mut [u16; MAX_MEMBERS], mask: &mut u64, bit: u8) -> Result<(), SchedulerError> {
    let count = count.get_mut(usize::from(bit)).ok_or_else(corrupt)?;
    if *count == 0 {
        return Err(corrupt());
    }
    *count -= 1;
    if *count == 0 {
        *mask &= !(1 << bit);
    }
    Ok(())
}

/// Whether [`enter`] can count another entry of a member.
///
/// # Errors
/// `OrderFull`, `CorruptOrder` (also for a bit of no member).
#[inline(always)]
pub fn check_room(order: &Order, bit: u8) -> Result<(), SchedulerError> {
    if bit >= order.members_count {
        return Err(corrupt());
    }
    match own(order, order.epoch)?.pending.get(usize::from(bit)) {
        Some(&u16::MAX) => Err(full()),
        Some(_) => Ok(()),
        None => Err(corrupt()),
    }
}

/// Counts an entry of a member as pending in the current epoch.
///
/// # Errors
/// `OrderFull`, `CorruptOrder` (also for a bit of no member).
#[inline(always)]
pub fn enter(order: &mut Order, bit: u8) -> Result<Stamp, SchedulerError> {
    let epoch = order.epoch;
    if bit >= order.members_count {
        return Err(corrupt());
    }
    let place = own_mut(order, epoch)?;
    add(&mut place.pending, &mut place.pending_mask, bit)?;
    Ok(Stamp { bit, epoch })
}

/// [`enter`] where [`check_room`] has just said that it can.
#[inline(always)]
pub fn take_room(order: &mut Order, bit: u8) -> Stamp {
    let epoch = order.epoch;
    let place = &mut order.epochs[parity(epoch)];
    let pending = &mut place.pending[usize::from(bit) % MAX_MEMBERS];
    *pending = pending.wrapping_add(1);
    place.pending_mask |= 1 << (bit & 63);
    Stamp { bit, epoch }
}

/// A pending entry has left its queue for good: it was dispatched or cancelled.
///
/// # Errors
/// `CorruptOrder`.
#[inline(always)]
pub fn leave(order: &mut Order, stamp: Stamp) -> Result<(), SchedulerError> {
    let place = own_mut(order, stamp.epoch)?;
    subtract(&mut place.pending, &mut place.pending_mask, stamp.bit)
}

/// A pending entry has become a dead letter.
///
/// # Errors
/// `OrderFull`, `CorruptOrder`.
#[inline(always)]
pub fn die(order: &mut Order, stamp: Stamp) -> Result<Death, SchedulerError> {
    // Members of the current epoch look at the older one's entries under their own masks.
    let current = order.epochs[parity(order.epoch)].holding_mask;
    let place = own_mut(order, stamp.epoch)?;
    if stamp.bit >= 64 || (place.holding_mask | current) >> stamp.bit & 1 == 0 {
        subtract(&mut place.pending, &mut place.pending_mask, stamp.bit)?;
        return Ok(Death::Final);
    }
    add(&mut place.dead, &mut place.dead_mask, stamp.bit)?;
    subtract(&mut place.pending, &mut place.pending_mask, stamp.bit)?;
    Ok(Death::Counted)
}

/// A counted dead entry is put back: it is pending again, in the epoch that it was queued in.
///
/// # Errors
/// `OrderFull`, `CorruptOrder`.
#[inline(always)]
pub fn redrive(order: &mut Order, stamp: Stamp) -> Result<(), SchedulerError> {
    let place = own_mut(order, stamp.epoch)?;
    add(&mut place.pending, &mut place.pending_mask, stamp.bit)?;
    subtract(&mut place.dead, &mut place.dead_mask, stamp.bit)
}

/// A counted dead entry was purged.
///
/// # Errors
/// `CorruptOrder`.
#[inline(always)]
pub fn bury(order: &mut Order, stamp: Stamp) -> Result<(), SchedulerError> {
    let place = own_mut(order, stamp.epoch)?;
    subtract(&mut place.dead, &mut place.dead_mask, stamp.bit)
}

/// A counted dead entry has been dead for longer than the order's patience: block reads as skip, cascade stays. The entry
/// stays in its queue and is no longer counted.
///
/// # Errors
/// `CorruptOrder`.
#[inline(always)]
pub fn give_up_dead(order: &mut Order, stamp: Stamp) -> Result<(), SchedulerError> {
    bury(order, stamp)?;
    give_up(order, stamp)
}

/// A pending entry has been held for longer than the order's patience: it is treated as a dead one that was given up. The
/// entry stays in its queue and is no longer counted.
///
/// # Errors
/// `CorruptOrder`.
#[inline(always)]
pub fn give_up_held(order: &mut Order, stamp: Stamp) -> Result<(), SchedulerError> {
    leave(order, stamp)?;
    give_up(order, stamp)
}

#[inline(always)]
fn give_up(order: &mut Order, stamp: Stamp) -> Result<(), SchedulerError> {
    own_mut(order, stamp.epoch)?.given_up_mask |= 1 << stamp.bit;
    Ok(())
}

/// Whether an entry that is held or dead since `since` may be given up at `now`, both unix seconds.
#[inline(always)]
pub fn is_overdue(order: &Order, since: i64, now: i64) -> bool {
    now.saturating_sub(since) >= i64::from(order.patience_seconds)
}

/// A pending entry of the member was leased.
///
/// # Errors
/// `OrderFull`, `CorruptOrder`.
#[inline(always)]
pub fn lease(order: &mut Order, bit: u8) -> Result<(), SchedulerError> {
    add(&mut order.leased, &mut order.leased_mask, bit)
}

/// A lease of an entry of the member ended.
///
/// # Errors
/// `CorruptOrder`.
#[inline(always)]
pub fn end_lease(order: &mut Order, bit: u8) -> Result<(), SchedulerError> {
    subtract(&mut order.leased, &mut order.leased_mask, bit)
}

/// Whether a pending entry may run, as far as other members' entries are concerned.
///
/// What it waits for comes first: an entry dies by another's death only when nothing else holds it up, so that a dead
/// predecessor that is put back in time kills nothing.
///
/// # Errors
/// `CorruptOrder`.
#[inline(always)]
pub fn verdict(order: &Order, stamp: Stamp) -> Result<Verdict, SchedulerError> {
    let look = look(order, stamp).ok_or_else(corrupt)?;
    if look.waits != 0 {
        return Ok(Verdict::Waits(look.waits));
    }
    if look.doomed == 0 { Ok(Verdict::Eligible) } else { Ok(Verdict::Doomed(look.doomed)) }
}

/// [`verdict`] for an entry that is not leased: of its chain, no entry may be. A chain of either epoch counts, so that none
/// is broken while a composition replaces it.
///
/// # Errors
/// `CorruptOrder`.
#[inline(always)]
pub fn verdict_unleased(order: &Order, stamp: Stamp) -> Result<Verdict, SchedulerError> {
    let verdict = verdict(order, stamp)?;
    let is_busy = verdict == Verdict::Eligible && look(order, stamp).is_some_and(|look| look.busy != 0);
    if is_busy { Ok(Verdict::ChainBusy) } else { Ok(verdict) }
}

/// What a pending entry's verdict is made of, as members.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Those that it waits for.
    pub waits: u64,
    /// Those that died, and it with them unless it waits. A dead entry in `block` is waited for.
    pub doomed: u64,
    /// Those of its chain that are leased, itself included.
    pub busy: u64,
}

/// Looks at what stands before a pending entry: `None` where [`verdict`] would say `CorruptOrder`.
#[inline(always)]
pub fn look(order: &Order, stamp: Stamp) -> Option<Look> {
    let bit = usize::from(stamp.bit);
    let [even, odd] = &order.epochs;
    let (place, other) = if parity(stamp.epoch) == 0 { (even, odd) } else { (odd, even) };
    if place.epoch != stamp.epoch || bit >= MAX_MEMBERS {
        return None;
    }
    Some(look_from(order, place, other, bit))
}

/// [`look`] from one of the order's two epochs, for the entries of a member that it counts.
#[inline(always)]
pub fn look_from(order: &Order, place: &Epoch, other: &Epoch, bit: usize) -> Look {
    let bit = bit % MAX_MEMBERS;
    let (mut pending, mut dead, mut given_up) = (place.pending_mask, place.dead_mask, place.given_up_mask);
    if place.epoch == order.epoch {
        pending |= other.pending_mask;
        dead |= other.dead_mask;
        given_up |= other.given_up_mask;
    }
    let masks = &place.masks;
    Look {
        waits: masks.predecessors[bit] & pending | masks.block[bit] & dead,
        doomed: masks.cascade[bit] & (dead | given_up),
        busy: (masks.chain[bit] | other.masks.chain[bit]) & order.leased_mask,
    }
}

/// Whether the older epoch has no entries any more, so that the next one can be opened.
#[inline(always)]
pub fn is_drained(order: &Order) -> bool {
    let older = &order.epochs[parity(order.epoch) ^ 1];
    older.pending_mask | older.dead_mask == 0
}

/// Opens the next epoch under the composition in force.
///
/// # Errors
/// `OlderEpochPending`, `CorruptOrder` (after 2^32 epochs); nothing has changed then.
#[inline(always)]
pub fn rotate(order: &mut Order) -> Result<(), SchedulerError> {
    let next = next_epoch(order)?;
    let [even, odd] = &mut order.epochs;
    let (current, place) = if parity(next) == 0 { (odd, even) } else { (even, odd) };
    place.masks = current.masks;
    place.holding_mask = current.holding_mask;
    place.composition = current.composition;
    begin(place, next);
    order.epoch = next;
    Ok(())
}

/// Opens the next epoch under another composition.
///
/// # Errors
/// As [`rotate`].
#[inline(always)]
pub fn recompose(order: &mut Order, composition: &Composition) -> Result<(), SchedulerError> {
    let next = next_epoch(order)?;
    let number = order.compositions.checked_add(1).ok_or_else(corrupt)?;
    let place = &mut order.epochs[parity(next)];
    place.masks = *composition;
    place.holding_mask = 0;
    let members = usize::from(order.members_count);
    let block = composition.block.get(..members).unwrap_or(&composition.block);
    for (block, cascade) in block.iter().zip(&composition.cascade) {
        place.holding_mask |= block | cascade;
    }
    place.composition = number;
    begin(place, next);
    order.compositions = number;
    order.epoch = next;
    Ok(())
}

#[inline(always)]
fn next_epoch(order: &Order) -> Result<u32, SchedulerError> {
    if !is_drained(order) {
        return Err(SchedulerError::OlderEpochPending);
    }
    order.epoch.checked_add(1).ok_or_else(corrupt)
}

/// A drained epoch has no counts: only its sticky mask and its number are left over.
#[inline(always)]
fn begin(place: &mut Epoch, epoch: u32) {
    place.given_up_mask = 0;
    place.epoch = epoch;
}
