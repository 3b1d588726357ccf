use crate::orders::check_owner;
use crate::{Scheduler, load};
use cores::queue::Refusal;
use cores::refuse;
use pinocchio::error::ProgramError;
use program_common::accounts::NewAccount;
use program_common::{Call, accounts};
use shared_layouts::account::{AccountHeader, AccountLayout, Key, NO_KEY, keys_equal};
use shared_layouts::scheduler::create_order::{Accounts, Data};
use shared_layouts::scheduler::{
    MAX_CONSTRAINTS, MAX_MEMBERS, MAX_ORDER_SHARDS, MAX_PATIENCE_SECONDS, ORDER_SEED, Order, OrderInvitation,
    OrderShard, Shard, composition_mode,
};

/// Number of the first epoch. The one before it never had an entry.
const FIRST_EPOCH: u32 = 1;

pub(crate) fn create_order(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, tail) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let number = check_owner(accounts.shard, accounts.owner, program_id)?;
    let shard_key = *accounts.shard.address().as_array();
    let shards_count = check_invitations(tail, &shard_key)?;
    let is_sound = (1..=MAX_PATIENCE_SECONDS).contains(&{ data.patience_seconds })
        && matches!(data.mode, composition_mode::STRICT | composition_mode::WEIGHTED);
    if !is_sound {
        return Err(refuse!(InvalidOrderPolicy));
    }

    let bump = NewAccount {
        account: accounts.order,
        payer: accounts.payer,
        program: program_id,
        seeds: &[ORDER_SEED, &shard_key, &number.to_le_bytes()],
        bytes: Order::BYTES,
    }
    .create::<Scheduler>()
    .map_err(Refusal::passed_on)?;
    // SAFETY: nobody holds the shard.
    let shard: &mut Shard = unsafe { load::write_cold(accounts.shard, program_id) }?;
    shard.orders_created = number.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    shard.orders_active = shard.orders_active.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;

    let mut bytes = accounts.order.try_borrow_mut().map_err(Refusal::passed_on)?;
    let order: &mut Order = accounts::fresh(&mut bytes).map_err(Refusal::passed_on)?;
    order.header = AccountHeader {
        discriminator: Order::DISCRIMINATOR,
        version: Order::VERSION,
        bump,
        ..bytemuck::Zeroable::zeroed()
    };
    order.shard = shard_key;
    order.number = number;
    order.patience_seconds = data.patience_seconds;
    order.mode = data.mode;
    order.epoch = FIRST_EPOCH;
    order.epochs[(FIRST_EPOCH & 1) as usize].epoch = FIRST_EPOCH;
    order.shards_count = shards_count;
    for (place, invitation) in order.shards.iter_mut().zip(invitations(tail)) {
        *place = OrderShard {
            shard: invitation.shard,
            weight: invitation.weight,
            max_constraints: invitation.max_constraints,
            max_members: invitation.max_members,
            ..bytemuck::Zeroable::zeroed()
        };
    }
    Ok(())
}

fn invitations(tail: &[u8]) -> impl Iterator<Item = OrderInvitation> + '_ {
    tail.chunks_exact(OrderInvitation::BYTES).map(bytemuck::pod_read_unaligned)
}

/// Checks the invited shards and returns their number. What they are promised has to fit the order, so that none can take
/// another's place.
#[inline(never)]
fn check_invitations(tail: &[u8], opener: &Key) -> Result<u8, Refusal> {
    if !tail.len().is_multiple_of(OrderInvitation::BYTES) {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    if tail.is_empty() || tail.len() > MAX_ORDER_SHARDS * OrderInvitation::BYTES {
        return Err(refuse!(InvalidInvitation));
    }
    let (mut members, mut constraints, mut count) = (0usize, 0usize, 0u8);
    for invitation in invitations(tail) {
        let is_new =
            invitations(tail).take(usize::from(count)).all(|other| !keys_equal(&other.shard, &invitation.shard));
        let is_sound = is_new
            && (count > 0 || keys_equal(&invitation.shard, opener))
            && !keys_equal(&invitation.shard, &NO_KEY)
            && invitation.weight > 0
            && invitation.reserved == [0; 3];
        if !is_sound {
            return Err(refuse!(InvalidInvitation));
        }
        // At most 16 of each.
        members = usize::from(invitation.max_members).wrapping_add(members);
        constraints = usize::from(invitation.max_constraints).wrapping_add(constraints);
        count = count.wrapping_add(1);
    }
    if members > MAX_MEMBERS || constraints > MAX_CONSTRAINTS { Err(refuse!(InvalidInvitation)) } else { Ok(count) }
}
