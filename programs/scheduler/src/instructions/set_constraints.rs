use crate::load;
use crate::orders::{constraints_in_use, note_change, shared_order};
use cores::order::submitted;
use cores::queue::Refusal;
use cores::refuse;
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use program_common::{Call, accounts};
use shared_layouts::account::{Key, keys_equal};
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::set_constraints::{Accounts, Data};
use shared_layouts::scheduler::{
    Constraint, ConstraintRecord, MAX_CONSTRAINTS, MAX_MEMBERS, MAX_NEW_MEMBERS, NO_LEVEL, Order, OrderMember,
    SchedulerConfig, constraint_kind,
};

pub(crate) fn set_constraints(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, tail) = Data::parse(call.data)?;
    let (accounts, capabilities) = Accounts::parse_cold_or_deny(call.accounts)?;
    // SAFETY: config, shard and order are different kinds of account, so none is held twice.
    let config: &SchedulerConfig = unsafe { load::read_cold(accounts.config, program_id) }?;
    // SAFETY: as above.
    let (order, shard) = unsafe { shared_order(accounts.order, accounts.shard, accounts.owner, program_id) }?;
    let new_members = usize::from(data.new_members);
    if capabilities.len() < new_members {
        return Err(ProgramError::NotEnoughAccountKeys.into());
    }
    if capabilities.len() > MAX_NEW_MEMBERS || capabilities.len() != new_members {
        return Err(ProgramError::InvalidArgument.into());
    }
    let mut set = Set {
        program_id,
        processor_program: &config.processor_program,
        shard_key: accounts.shard.address().as_array(),
        shard,
        new_members: data.new_members,
        capabilities,
        records: tail,
        owners: [NO_SHARD; MAX_MEMBERS],
    };
    check_members(order, &set)?;
    set.note_owners(order);
    check_records(order, &set)?;

    add_members(order, &set);
    replace(order, &set);
    note_change(order)?;
    let place = order.shards.get_mut(usize::from(shard)).ok_or_else(|| refuse!(CorruptOrder))?;
    place.version = place.version.checked_add(1).ok_or_else(|| refuse!(CorruptOrder))?;
    Ok(())
}

/// The shard of a bit that no member has.
const NO_SHARD: u8 = u8::MAX;

/// What is submitted, and for which shard.
struct Set<'a> {
    program_id: &'a Address,
    processor_program: &'a Key,
    shard_key: &'a Key,
    /// Index in the order.
    shard: u8,
    new_members: u8,
    capabilities: &'a [AccountView],
    records: &'a [u8],
    /// The shard of each member, the new ones included.
    owners: [u8; MAX_MEMBERS],
}

impl Set<'_> {
    /// Whether the trusted processor made this capability for the shard.
    fn owns(&self, capability: &AccountView) -> bool {
        if !keys_equal(capability.owner().as_array(), self.processor_program) {
            return false;
        }
        // SAFETY: the account belongs to another program, which this one never writes.
        let capability: Result<&Capability, _> = unsafe { accounts::read_fixed_part(capability) };
        capability.is_ok_and(|capability| {
            keys_equal(&capability.shard, self.shard_key)
                && keys_equal(&capability.scheduler_program, self.program_id.as_array())
        })
    }

    fn note_owners(&mut self, order: &Order) {
        let count = usize::from(order.members_count);
        for (owner, member) in self.owners.iter_mut().zip(&order.members).take(count) {
            *owner = member.shard;
        }
        for owner in self.owners.iter_mut().skip(count).take(usize::from(self.new_members)) {
            *owner = self.shard;
        }
    }

    /// The constraint that a record stands for; `None` if the shard may not submit it.
    #[inline(never)]
    fn constraint(&self, record: &[u8]) -> Option<Constraint> {
        let owner = |member: u8| self.owners.get(usize::from(member)).copied().filter(|shard| *shard != NO_SHARD);
        submitted(bytemuck::pod_read_unaligned(record), self.shard, owner)
    }

    fn constraints(&self) -> impl Iterator<Item = Option<Constraint>> + '_ {
        self.records.chunks_exact(ConstraintRecord::BYTES).map(|record| self.constraint(record))
    }
}

#[inline(never)]
fn check_members(order: &Order, set: &Set) -> Result<(), Refusal> {
    let place = order.shards.get(usize::from(set.shard)).ok_or_else(|| refuse!(CorruptOrder))?;
    let members = order.members.get(..usize::from(order.members_count)).ok_or_else(|| refuse!(CorruptOrder))?;
    // At most 16 capabilities, as was checked.
    let with_new = |members: usize| members.wrapping_add(set.capabilities.len());
    let has_places = with_new(usize::from(place.members)) <= usize::from(place.max_members)
        && with_new(members.len()) <= MAX_MEMBERS;
    if !has_places {
        return Err(refuse!(TooManyMembers));
    }
    let mut former = set.capabilities;
    while let [rest @ .., capability] = former {
        former = rest;
        if !set.owns(capability) {
            return Err(refuse!(UnknownCapability));
        }
        let key = capability.address().as_array();
        let is_member = members.iter().any(|member| keys_equal(&member.capability, key))
            || former.iter().any(|other| keys_equal(other.address().as_array(), key));
        if is_member {
            return Err(refuse!(AlreadyMember));
        }
    }
    Ok(())
}

#[inline(never)]
fn check_records(order: &Order, set: &Set) -> Result<(), Refusal> {
    let tail = set.records;
    if !tail.len().is_multiple_of(ConstraintRecord::BYTES) {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    let place = order.shards.get(usize::from(set.shard)).ok_or_else(|| refuse!(CorruptOrder))?;
    let others = usize::from(order.constraints_count).saturating_sub(usize::from(place.constraints));
    let records = tail.len() / ConstraintRecord::BYTES;
    // A transaction is far shorter than what would overflow.
    if records > usize::from(place.max_constraints) || others.wrapping_add(records) > MAX_CONSTRAINTS {
        return Err(refuse!(TooManyConstraints));
    }
    let mut with_level = 0u64;
    let mut lightest = u16::MAX;
    for constraint in set.constraints() {
        let constraint = constraint.ok_or_else(|| refuse!(InvalidConstraint))?;
        // A weighted composition merges the sets by weight.
        if constraint.weight > lightest {
            return Err(refuse!(InvalidConstraint));
        }
        lightest = constraint.weight;
        if constraint.kind == constraint_kind::PRIORITY {
            let bit = 1u64 << (constraint.from % 64);
            // One level for each member: a second one would contradict the first.
            if with_level & bit != 0 {
                return Err(refuse!(InvalidConstraint));
            }
            with_level |= bit;
        }
    }
    Ok(())
}

fn add_members(order: &mut Order, set: &Set) {
    for capability in set.capabilities {
        if let Some(place) = order.members.get_mut(usize::from(order.members_count)) {
            let capability = *capability.address().as_array();
            *place = OrderMember { capability, shard: set.shard, level: NO_LEVEL, reserved: [0; 2] };
            order.members_count = order.members_count.wrapping_add(1);
        }
    }
    if let Some(place) = order.shards.get_mut(usize::from(set.shard)) {
        // At most `max_members`, as was checked.
        place.members = place.members.saturating_add(set.new_members);
    }
}

/// Closes the gap that the shard's old set leaves, and puts the new one behind the others'.
#[inline(never)]
fn replace(order: &mut Order, set: &Set) {
    let before = constraints_in_use(order);
    // No more than 256 are counted, as was checked.
    let mut count = 0u16;
    for index in 0..before {
        let constraint = order.constraints[index % MAX_CONSTRAINTS];
        if constraint.shard != set.shard {
            order.constraints[usize::from(count) % MAX_CONSTRAINTS] = constraint;
            count = count.wrapping_add(1);
        }
    }
    let others = count;
    for constraint in set.constraints().flatten() {
        order.constraints[usize::from(count) % MAX_CONSTRAINTS] = constraint;
        count = count.wrapping_add(1);
    }
    for place in order.constraints.iter_mut().take(before).skip(usize::from(count)) {
        *place = bytemuck::Zeroable::zeroed();
    }
    order.constraints_count = count;
    if let Some(place) = order.shards.get_mut(usize::from(set.shard)) {
        place.constraints = count.wrapping_sub(others);
    }
}
