use crate::load;
use cores::queue::Refusal;
use cores::refuse;
use pinocchio::error::ProgramError;
use program_common::Call;
use shared_layouts::account::keys_equal;
use shared_layouts::scheduler::Shard;
use shared_layouts::scheduler::update_shard::{Accounts, Data};

pub(crate) fn update_shard(call: Call) -> Result<(), Refusal> {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, _) = Accounts::parse_cold_or_deny(call.accounts)?;
    let now = load::now_outlined(accounts.clock)?;
    // SAFETY: the shard is the only account of this program here.
    let shard: &mut Shard = unsafe { load::write_cold(accounts.shard, program_id) }?;
    if !keys_equal(&shard.owner, accounts.owner.address().as_array()) {
        return Err(refuse!(NotShardOwner));
    }
    match (data.paused, shard.header.state) {
        (1, 0) => {
            shard.header.state = 1;
            shard.pause_count = shard.pause_count.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
            shard.pause_started_at = now;
            shard.pause_ends_at = i64::MAX;
            Ok(())
        }
        (0, 1) => {
            shard.header.state = 0;
            shard.pause_ends_at = now;
            Ok(())
        }
        (1, _) => Err(refuse!(ShardPaused)),
        (0, _) => Err(refuse!(ShardNotPaused)),
        _ => Err(ProgramError::InvalidInstructionData.into()),
    }
}
