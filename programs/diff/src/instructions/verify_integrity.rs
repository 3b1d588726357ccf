use crate::hash;
use crate::refusal::Outcome;
use cores::diff::arena::ArenaRef;
use pinocchio::error::ProgramError;
use program_common::Call;
use program_common::accounts::is_owned_by;
use program_common::hash::sha256;
use shared_layouts::account::{AccountLayout, keys_equal, load};
use shared_layouts::diff::verify_integrity::{Accounts, Data};
use shared_layouts::diff::{DiffError, State, batch_stage};

#[inline(never)]
pub(crate) fn verify_integrity(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, digests) = Data::parse(call.data)?;
    let (accounts, more) = Accounts::parse_cold_or_deny(call.accounts)?;
    if !is_owned_by(accounts.arena, program_id) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    // SAFETY: this instruction holds no account mutably.
    let bytes = unsafe { accounts.arena.borrow_unchecked() };
    let arena = ArenaRef::load(bytes).ok_or(DiffError::NotAnArena)?;
    let header = arena.header;
    let (batch, expected) = (data.batch, data.digest);
    let (digests, rest) = digests.as_chunks::<32>();
    if !rest.is_empty() || digests.len() != more.len() {
        return Err(ProgramError::InvalidInstructionData.into());
    }

    let found = if batch == header.batch && header.header.state != batch_stage::OPEN {
        let staged = arena.operations.get(..header.operations_bytes as usize).ok_or(DiffError::NotAnArena)?;
        hash::batch_digest(accounts.arena.address().as_array(), header, staged)
    } else {
        let slot = arena.ring.iter().find(|slot| slot.batch == batch && slot.digest != [0; 32]);
        slot.ok_or(DiffError::UnknownBatch)?.digest
    };
    if !keys_equal(&found, &expected) {
        return Err(DiffError::IntegrityMismatch.into());
    }
    for (account, expected) in more.iter().zip(digests) {
        // SAFETY: as above.
        let bytes = unsafe { account.borrow_unchecked() };
        let managed = is_owned_by(account, program_id) && bytes.first() == Some(&State::DISCRIMINATOR);
        let data = if managed {
            load::<State>(bytes)?;
            bytes.get(State::BYTES..).unwrap_or_default()
        } else {
            bytes
        };
        if sha256(&[data]) != *expected {
            return Err(DiffError::IntegrityMismatch.into());
        }
    }
    Ok(())
}
