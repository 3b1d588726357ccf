//! What may run beside what.

use shared_layouts::scheduler::MAX_MEMBERS;

/// Level of each member: members of one level do not wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// Level of each member: one more than the highest of its predecessors, 0 without predecessors.
    pub level: [u8; MAX_MEMBERS],
    /// Number of levels.
    pub count: u8,
}

/// Levels of the first `members` members, from their transitively closed predecessors.
pub fn levels(predecessors: &[u64; MAX_MEMBERS], members: usize) -> Levels {
    let mut levels = Levels { level: [0; MAX_MEMBERS], count: 0 };
    let sequence = extension(predecessors, members);
    for member in sequence.iter().take(members).map(|member| usize::from(*member) % MAX_MEMBERS) {
        let highest = (0..MAX_MEMBERS)
            .filter(|before| predecessors[member] >> before & 1 == 1)
            .map(|before| levels.level[before] + 1)
            .max()
            .unwrap_or(0);
        levels.level[member] = highest;
        levels.count = levels.count.max(highest + 1);
    }
    levels
}

/// One sequence of the first `members` members in which each comes after its predecessors; the rest is zero.
///
/// In a closed order a member has more predecessors than each of its predecessors has, so their number is enough to sort by.
pub fn extension(predecessors: &[u64; MAX_MEMBERS], members: usize) -> [u8; MAX_MEMBERS] {
    let mut sequence = [0u8; MAX_MEMBERS];
    let mut at = 0;
    for number in 0..MAX_MEMBERS {
        for (member, before) in (0..).zip(predecessors).take(members) {
            if before.count_ones() as usize == number
                && let Some(place) = sequence.get_mut(at)
            {
                *place = member;
                at += 1;
            }
        }
    }
    sequence
}
