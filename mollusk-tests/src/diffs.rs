//! Instructions of the diff program, and batches that are somewhere in the middle of their life.

use crate::fixture::{Fixture, config, people, wire};
use crate::programs::{DIFF, address};
use shared_layouts::{client, diff};
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};

/// Operations of a batch for one target.
pub type Operations<'a> = &'a [(u32, &'a [u8])];

/// Bytes of arenas that tests make, before they grow.
pub const ARENA_BYTES: u32 = 10_240;
/// Time that [`begin`] gives a batch, seconds.
pub const LOCK_SECONDS: u32 = 600;

impl Fixture {
    /// The creation of the next arena.
    pub fn create_arena(&self, account_bytes: u32, ring_slots: u16, optimization_level: u8) -> Instruction {
        let config: diff::DiffConfig = self.fixed_part(&config(DIFF));
        diff::create_arena(
            DIFF.address(),
            diff::create_arena::Accounts {
                config: self::config(DIFF),
                arena: client::arena_address(&DIFF.address(), config.arenas_created),
                owner: address(people::OWNER),
                payer: address(people::PAYER),
                system_program: system_program::ID,
            },
            &[],
            &diff::create_arena::Data { account_bytes, ring_slots, optimization_level },
            &[],
        )
    }

    /// An arena of [`people::OWNER`] with a ring of two digests, at a level.
    pub fn arena_at(&mut self, optimization_level: u8) -> Pubkey {
        let instruction = self.create_arena(ARENA_BYTES, 2, optimization_level);
        let arena = instruction.accounts[diff::create_arena::Position::arena as usize].pubkey;
        self.send(&[instruction], &[people::OWNER]);
        arena
    }

    /// An arena at the config's level.
    pub fn arena(&mut self) -> Pubkey {
        self.arena_at(diff::DEFAULT_LEVEL)
    }

    /// The fixed part of an arena.
    pub fn arena_header(&self, arena: &Pubkey) -> diff::Arena {
        self.fixed_part(arena)
    }

    /// The fixed part of a state.
    pub fn state_header(&self, state: &Pubkey) -> diff::State {
        self.fixed_part(state)
    }

    /// The data of a state.
    pub fn state_data(&self, state: &Pubkey) -> Vec<u8> {
        self.world.account(state).data[diff::State::BYTES..].to_vec()
    }

    /// Writes the data of a state as it stands, without a transaction.
    pub fn set_state_data(&mut self, state: &Pubkey, data: &[u8]) {
        let mut account = self.world.account(state);
        account.data[diff::State::BYTES..].copy_from_slice(data);
        self.world.set_account(state, account);
    }

    /// An account of no program in particular that holds these bytes.
    pub fn bytes_account(&mut self, name: &str, data: Vec<u8>) -> Pubkey {
        let key = address(name);
        let account = Account { lamports: 1_000_000_000, data, owner: address("bytes"), ..Account::default() };
        self.world.set_account(&key, account);
        key
    }

    /// A sealed batch of operations for each of the states.
    pub fn sealed(&mut self, arena: &Pubkey, targets: &[(Pubkey, Operations)]) {
        for (state, operations) in targets {
            let header = self.state_header(state);
            let length = u32::try_from(self.state_data(state).len()).expect("a short state");
            self.send(&[stage(arena, state, header.state_version, length, operations)], &[people::OWNER]);
        }
        let states: Vec<Pubkey> = targets.iter().map(|(state, _)| *state).collect();
        self.send(&[seal(arena, &states)], &[people::OWNER]);
        assert_eq!(self.arena_header(arena).header.state, diff::batch_stage::SEALED);
    }

    /// The same, begun.
    pub fn begun(&mut self, arena: &Pubkey, targets: &[(Pubkey, Operations)]) {
        self.sealed(arena, targets);
        let states: Vec<Pubkey> = targets.iter().map(|(state, _)| *state).collect();
        self.send(&[begin(arena, &states)], &[people::OWNER]);
    }
}

fn owner() -> Pubkey {
    address(people::OWNER)
}

fn writable(keys: &[Pubkey]) -> Vec<AccountMeta> {
    keys.iter().map(|key| AccountMeta::new(*key, false)).collect()
}

fn readable(keys: &[Pubkey]) -> Vec<AccountMeta> {
    keys.iter().map(|key| AccountMeta::new_readonly(*key, false)).collect()
}

/// `GrowArena`.
pub fn grow_arena(arena: &Pubkey, more_bytes: u32) -> Instruction {
    let accounts = diff::grow_arena::Accounts {
        config: config(DIFF),
        arena: *arena,
        owner: owner(),
        payer: address(people::PAYER),
        system_program: system_program::ID,
    };
    diff::grow_arena(DIFF.address(), accounts, &[], &diff::grow_arena::Data { more_bytes }, &[])
}

/// `CloseArena`, to the owner.
pub fn close_arena(arena: &Pubkey) -> Instruction {
    let accounts = diff::close_arena::Accounts { arena: *arena, owner: owner(), receiver: address(people::PAYER) };
    diff::close_arena(DIFF.address(), accounts, &[], &diff::close_arena::Data {}, &[])
}

/// `ResizeState`.
pub fn resize_state(state: &Pubkey, data_bytes: u32) -> Instruction {
    let accounts = diff::resize_state::Accounts {
        config: config(DIFF),
        state: *state,
        owner: owner(),
        payer: address(people::PAYER),
        system_program: system_program::ID,
    };
    diff::resize_state(DIFF.address(), accounts, &[], &diff::resize_state::Data { data_bytes }, &[])
}

/// `CloseState`, to the payer.
pub fn close_state(state: &Pubkey) -> Instruction {
    let accounts = diff::close_state::Accounts { state: *state, owner: owner(), receiver: address(people::PAYER) };
    diff::close_state(DIFF.address(), accounts, &[], &diff::close_state::Data {}, &[])
}

/// `Calculate` of what makes the data of a state that of another account, from `source_offset` on to its end.
pub fn calculate(
    arena: &Pubkey,
    state: &Pubkey,
    base_version: u64,
    source: &Pubkey,
    source_offset: u32,
) -> Instruction {
    let data = diff::calculate::Data {
        base_version,
        target_offset: 0,
        source_offset,
        range_bytes: diff::TO_THE_END,
        data_offset: 0,
    };
    calculate_range(arena, state, source, &data)
}

/// `Calculate` of a range.
pub fn calculate_range(arena: &Pubkey, target: &Pubkey, source: &Pubkey, data: &diff::calculate::Data) -> Instruction {
    let accounts = diff::calculate::Accounts { arena: *arena, owner: owner(), target: *target, source: *source };
    diff::calculate(DIFF.address(), accounts, &[], data, &[])
}

/// `Stage`.
pub fn stage(
    arena: &Pubkey,
    state: &Pubkey,
    base_version: u64,
    new_length: u32,
    operations: Operations,
) -> Instruction {
    stage_wire(arena, state, &diff::stage::Data { base_version, new_length, data_offset: 0 }, &wire(operations))
}

/// `Stage` of bytes.
pub fn stage_wire(arena: &Pubkey, target: &Pubkey, data: &diff::stage::Data, wire: &[u8]) -> Instruction {
    let accounts = diff::stage::Accounts { arena: *arena, owner: owner(), target: *target };
    diff::stage(DIFF.address(), accounts, &[], data, wire)
}

/// `Optimize`.
pub fn optimize(arena: &Pubkey, targets: &[Pubkey], level: u8) -> Instruction {
    let accounts = diff::optimize::Accounts { arena: *arena, owner: owner() };
    diff::optimize(DIFF.address(), accounts, &readable(targets), &diff::optimize::Data { level }, &[])
}

/// `Seal`.
pub fn seal(arena: &Pubkey, targets: &[Pubkey]) -> Instruction {
    let accounts = diff::seal::Accounts { arena: *arena, owner: owner() };
    diff::seal(DIFF.address(), accounts, &readable(targets), &diff::seal::Data {}, &[])
}

/// `Begin`, for [`LOCK_SECONDS`], of states that [`people::OWNER`] owns.
pub fn begin(arena: &Pubkey, states: &[Pubkey]) -> Instruction {
    let pairs: Vec<AccountMeta> = states
        .iter()
        .flat_map(|state| [AccountMeta::new(*state, false), AccountMeta::new_readonly(owner(), true)])
        .collect();
    let accounts =
        diff::begin::Accounts { config: config(DIFF), arena: *arena, owner: owner(), clock: sysvar::clock::ID };
    diff::begin(DIFF.address(), accounts, &pairs, &diff::begin::Data { lock_seconds: LOCK_SECONDS }, &[])
}

/// `Apply`.
pub fn apply(arena: &Pubkey, states: &[Pubkey], operations_most: u16) -> Instruction {
    let accounts =
        diff::apply::Accounts { config: config(DIFF), arena: *arena, owner: owner(), clock: sysvar::clock::ID };
    diff::apply(DIFF.address(), accounts, &writable(states), &diff::apply::Data { operations_most }, &[])
}

/// `Rollback` by the named signer.
pub fn rollback(arena: &Pubkey, states: &[Pubkey], operations_most: u16, signer: &str) -> Instruction {
    let accounts = diff::rollback::Accounts { arena: *arena, signer: address(signer), clock: sysvar::clock::ID };
    diff::rollback(DIFF.address(), accounts, &writable(states), &diff::rollback::Data { operations_most }, &[])
}

/// `Commit`.
pub fn commit(arena: &Pubkey, states: &[Pubkey]) -> Instruction {
    let accounts =
        diff::commit::Accounts { config: config(DIFF), arena: *arena, owner: owner(), clock: sysvar::clock::ID };
    diff::commit(DIFF.address(), accounts, &writable(states), &diff::commit::Data {}, &[])
}

/// `VerifyIntegrity`.
pub fn verify_integrity(arena: &Pubkey, batch: u64, digest: [u8; 32], results: &[(Pubkey, [u8; 32])]) -> Instruction {
    let keys: Vec<Pubkey> = results.iter().map(|(key, _)| *key).collect();
    let digests: Vec<u8> = results.iter().flat_map(|(_, digest)| *digest).collect();
    let accounts = diff::verify_integrity::Accounts { arena: *arena };
    let data = diff::verify_integrity::Data { batch, digest };
    diff::verify_integrity(DIFF.address(), accounts, &readable(&keys), &data, &digests)
}

/// `Discard`.
pub fn discard(arena: &Pubkey) -> Instruction {
    let accounts = diff::discard::Accounts { arena: *arena, owner: owner() };
    diff::discard(DIFF.address(), accounts, &[], &diff::discard::Data {}, &[])
}
