//! Dispatches from queues with a quota: what each may take of its shard's share of the compute budget.
//!
//! The registry, which holds the shares, follows the accounts of the dispatch. The reservation comes first, and then the dispatch runs
//! as if there were no quota; if it is refused, the reservation is taken back.

use crate::entrypoint::apart;
use crate::{instructions, load, ordered};
use cores::queue::Refusal;
use cores::refuse;
use cores::resources::{quota, reserve};
use pinocchio::error::ProgramError;
use program_common::{Call, accounts};
use shared_layouts::account::AccountLayout;
use shared_layouts::scheduler::{Registry, SchedulerConfig, dispatch, dispatch_direct, queue_flags};

/// Runs a dispatch whose last account is the registry: `None` if it is none. In its plain form it was refused before anything
/// was read, because it has an account more.
pub(crate) fn process(call: &mut Call) -> Option<Result<(), Refusal>> {
    let number = *call.data.first()?;
    if !matches!(number, dispatch::DISCRIMINATOR | dispatch_direct::DISCRIMINATOR) || !names_registry(call) {
        return None;
    }
    let (registry, accounts) = core::mem::take(&mut call.accounts).split_last_mut()?;
    // SAFETY: nobody holds the registry.
    let registry: &Registry = unsafe { accounts::fixed_part(registry) }?;
    let mut rest = Call { program_id: call.program_id, accounts, data: call.data };
    let result = run(number, &mut rest, registry);
    call.accounts = rest.accounts;
    Some(result)
}

/// Runs a dispatch within the queue's quota.
fn run(number: u8, call: &mut Call, registry: &Registry) -> Result<(), Refusal> {
    let former = enter(call, registry)?;
    let Call { program_id, data, .. } = *call;
    // `enter` has read a handle behind the first byte.
    let handle = data.get(1..).unwrap_or(&[]);
    let result = if number == dispatch::DISCRIMINATOR {
        if call.accounts.len() == dispatch::SPEC.accounts.len() + 1 {
            apart(instructions::dispatch_ordered, program_id, call.accounts, handle)
        } else {
            instructions::dispatch_cold(Call { program_id, accounts: call.accounts, data: handle })
        }
    } else if call.accounts.len() == dispatch_direct::SPEC.accounts.len() {
        apart(instructions::dispatch_direct, program_id, call.accounts, handle)
    } else {
        let result = ordered::process(&mut Call { program_id, accounts: call.accounts, data });
        result.unwrap_or_else(|| Err(ProgramError::InvalidArgument.into()))
    };
    leave(call, former, result)
}

/// Whether the last account is the registry.
fn names_registry(call: &Call) -> bool {
    // One byte first: what stands here is an order more often.
    let Some(last) = call.accounts.last() else { return false };
    // SAFETY: nobody holds the account.
    if unsafe { last.borrow_unchecked() }.first() != Some(&Registry::DISCRIMINATOR) {
        return false;
    }
    // SAFETY: as above.
    accounts::is_owned_by(last, call.program_id) && unsafe { accounts::fixed_part::<Registry>(last) }.is_some()
}

/// Puts the queue's flag back, and the window as well if the dispatch was refused.
#[inline(never)]
fn leave(call: &mut Call, former: (i64, u64), result: Result<(), Refusal>) -> Result<(), Refusal> {
    let queue = call.accounts.get_mut(QUEUE).ok_or(ProgramError::NotEnoughAccountKeys)?;
    // SAFETY: the dispatch has ended, and it holds nothing any more.
    let queue = unsafe { load::any_queue(queue, call.program_id) }?.header;
    queue.header.state |= queue_flags::METERED;
    if result.is_err() {
        (queue.window_started_at, queue.window_compute_units) = former;
    }
    result
}

const QUEUE: usize = dispatch::Position::queue as usize;
const _: () = assert!(dispatch::Position::config as usize == 0 && dispatch_direct::Position::config as usize == 0);
const _: () = assert!(dispatch::Position::shard as usize == 1 && dispatch_direct::Position::shard as usize == 1);
const _: () = assert!(dispatch::Data::BYTES == dispatch_direct::Data::BYTES);
const _: () = assert!(QUEUE == 2 && dispatch_direct::Position::queue as usize == 2);
const _: () = assert!(dispatch::Position::clock as usize == 5 && dispatch_direct::Position::clock as usize == 5);

/// Reserves the entry's compute limit and takes the queue's flag away, until the dispatch has run. Returns the window as it was.
#[inline(never)]
fn enter(call: &mut Call, registry: &Registry) -> Result<(i64, u64), Refusal> {
    let (data, _) = dispatch::Data::parse(call.data.get(1..).unwrap_or(&[]))?;
    let [config, shard, queue, _, _, clock, ..] = &mut *call.accounts else {
        return Err(ProgramError::NotEnoughAccountKeys.into());
    };
    if !queue.is_writable() {
        return Err(ProgramError::Immutable.into());
    }
    let now = load::now_outlined(clock)?;
    // SAFETY: config, shard and queue are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read_cold(config, call.program_id) }?;
    // SAFETY: as above.
    let queue = unsafe { load::any_queue(queue, call.program_id) }?;
    let header = queue.header;
    let shard = load::shard_of_outlined(shard, header, call.program_id)?;
    if header.header.state & queue_flags::METERED == 0 {
        return Err(ProgramError::InvalidArgument.into());
    }
    // The place is the shard's own for as long as its account exists.
    let place = registry.shards.get(usize::from(shard.registry_index)).ok_or(ProgramError::InvalidAccountData)?;
    let entry = queue.entries.get(usize::from(data.slot)).ok_or_else(|| refuse!(StaleHandle))?;
    // Without a window, shares that are left over from a former budget count for nothing.
    let quota = if config.window_seconds == 0 { 0 } else { quota(place.share_compute_units, header.quota_permille) };
    let former = (header.window_started_at, header.window_compute_units);
    let window = reserve(former, now, config.window_seconds, entry.compute_limit, quota);
    (header.window_started_at, header.window_compute_units) = window.ok_or_else(|| refuse!(QuotaUsedUp))?;
    header.header.state &= !queue_flags::METERED;
    Ok(former)
}
