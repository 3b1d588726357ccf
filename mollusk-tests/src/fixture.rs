//! The three programs, initialized, with the people who use them: what nearly every test starts from.
//!
//! State is made by the instructions themselves, in a [`World`]; a test of a single instruction takes its accounts from
//! there.

use crate::{
    features::FeatureProfile,
    program_data,
    programs::{
        DIFF, ED25519_VERIFIER, FLAGS_VERIFIER, GROTH16_VERIFIER, NOOP, PROCESSOR, Program, RELAY, SAMPLE_PROTOCOL,
        SCHEDULER, address, keypair,
    },
    single::Case,
    token,
    world::{TxOutcome, World},
};
use shared_layouts::{
    Key, client,
    diff::{self, optimization_level},
    processor::{self, AccountRule, Function, account_flags, account_kind},
    scheduler::{self, ProducerRecord, registration},
};
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};

pub use crate::programs::config;

/// Names of the people: each is a keypair with lamports.
pub mod people {
    /// Upgrade authority of the three programs, and authority of their configs.
    pub const AUTHORITY: &str = "authority";
    /// Guardian of the three configs.
    pub const GUARDIAN: &str = "guardian";
    /// Owner of the shard.
    pub const OWNER: &str = "shard owner";
    /// Producer of the queue.
    pub const PRODUCER: &str = "producer";
    /// Runs entries.
    pub const WORKER: &str = "worker";
    /// Pays fees and rents.
    pub const PAYER: &str = "payer";
    /// Has no rights.
    pub const STRANGER: &str = "stranger";

    /// All of them.
    pub const ALL: [&str; 7] = [AUTHORITY, GUARDIAN, OWNER, PRODUCER, WORKER, PAYER, STRANGER];
}

/// Lamports that each person starts with.
pub const LAMPORTS: u64 = 1_000_000_000_000;
/// Longest pause by the guardian, seconds.
pub const GUARDIAN_PAUSE_SECONDS: u32 = 3_600;
/// Cool-down of the guardian, seconds.
pub const GUARDIAN_COOLDOWN_SECONDS: u32 = 7_200;
/// Latest deadline in the queue of [`Fixture::queue`], seconds.
pub const MAX_DEADLINE_SECONDS: u32 = 600;
/// Producer's quota in the queue of [`Fixture::queue`].
pub const QUOTA: u16 = 20;
/// Compute limit of the capabilities, compute units.
pub const COMPUTE_LIMIT: u32 = 50_000;

/// A capability's definition, with defaults for what a test does not care about.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Fixed part of the registration.
    pub data: processor::register_capability::Data,
    /// Rules of the target accounts, then of the evidence accounts.
    pub rules: Vec<AccountRule>,
    /// Verification functions.
    pub functions: Vec<Function>,
    /// Leading data of the target call.
    pub prefix: Vec<u8>,
}

impl Definition {
    /// A capability that calls `target` with up to 96 bytes of arguments and no account.
    pub fn new(target: &Pubkey) -> Self {
        Self {
            data: processor::register_capability::Data {
                target_program: target.to_bytes(),
                compute_limit: COMPUTE_LIMIT,
                arguments_bytes_max: 96,
                ..Default::default()
            },
            rules: Vec::new(),
            functions: Vec::new(),
            prefix: Vec::new(),
        }
    }

    /// The same with target accounts.
    #[must_use]
    pub fn targets(mut self, rules: impl IntoIterator<Item = AccountRule>) -> Self {
        self.rules.splice(..0, rules);
        self.data.target_accounts = u8::try_from(self.rules.len()).expect("few accounts") - self.data.evidence_accounts;
        self
    }

    /// The same with evidence accounts.
    #[must_use]
    pub fn evidence(mut self, rules: impl IntoIterator<Item = AccountRule>) -> Self {
        self.rules.extend(rules);
        self.data.evidence_accounts = u8::try_from(self.rules.len()).expect("few accounts") - self.data.target_accounts;
        self
    }

    /// The same with verification functions.
    #[must_use]
    pub fn functions(mut self, functions: impl IntoIterator<Item = Function>) -> Self {
        self.functions.extend(functions);
        self.data.functions = u8::try_from(self.functions.len()).expect("few functions");
        self
    }

    /// The same with leading data.
    #[must_use]
    pub fn prefix(mut self, prefix: &[u8]) -> Self {
        self.prefix = prefix.to_vec();
        self.data.prefix_bytes = u8::try_from(prefix.len()).expect("a short prefix");
        self
    }

    /// The same with exactly this many bytes of arguments.
    #[must_use]
    pub fn arguments(mut self, bytes: u16) -> Self {
        self.data.arguments_bytes_min = bytes;
        self.data.arguments_bytes_max = bytes;
        self
    }

    /// The same with flags.
    #[must_use]
    pub fn flags(mut self, flags: u8) -> Self {
        self.data.flags = flags;
        self
    }

    /// The records behind the fixed part.
    pub fn tail(&self) -> Vec<u8> {
        let rules = self.rules.iter().flat_map(|rule| bytemuck::bytes_of(rule).to_vec());
        let functions = self.functions.iter().flat_map(|function| bytemuck::bytes_of(function).to_vec());
        rules.chain(functions).chain(self.prefix.iter().copied()).collect()
    }
}

/// An account position that takes one key only.
pub fn fixed(key: &Pubkey, flags: u8) -> AccountRule {
    AccountRule { key: key.to_bytes(), kind: account_kind::FIXED, flags, arguments_offset: 0, reserved: [0; 4] }
}

/// An account position whose key stands in the arguments.
pub fn from_arguments(arguments_offset: u16, flags: u8) -> AccountRule {
    AccountRule { key: [0; 32], kind: account_kind::FROM_ARGUMENTS, flags, arguments_offset, reserved: [0; 4] }
}

/// An account position that the worker fills.
pub fn worker_chosen(flags: u8) -> AccountRule {
    AccountRule { key: [0; 32], kind: account_kind::WORKER_CHOSEN, flags, arguments_offset: 0, reserved: [0; 4] }
}

/// The position of the capability's own address, signing.
pub fn capability_signs() -> AccountRule {
    let flags = account_flags::SIGNER;
    AccountRule { key: [0; 32], kind: account_kind::CAPABILITY, flags, arguments_offset: 0, reserved: [0; 4] }
}

/// The three programs in a world.
#[derive(Clone)]
pub struct Fixture {
    /// Where they run.
    pub world: World,
}

impl Fixture {
    /// The programs installed under [`people::AUTHORITY`], not initialized; everyone has lamports.
    pub fn installed(profile: FeatureProfile) -> Self {
        let mut world = World::new(profile);
        for name in people::ALL {
            world.airdrop(&address(name), LAMPORTS);
        }
        for program in [PROCESSOR, SCHEDULER, DIFF, NOOP, RELAY, SAMPLE_PROTOCOL] {
            world.install(program, Some(&address(people::AUTHORITY)));
        }
        for program in [ED25519_VERIFIER, FLAGS_VERIFIER, GROTH16_VERIFIER] {
            world.install(program, Some(&address(people::AUTHORITY)));
        }
        Self { world }
    }

    /// The programs installed and initialized in order.
    pub fn new(profile: FeatureProfile) -> Self {
        let mut fixture = Self::installed(profile);
        for instruction in [initialize_processor(), initialize_scheduler(), initialize_diff()] {
            fixture.send(&[instruction], &[people::AUTHORITY]);
        }
        fixture
    }

    /// Sends a transaction that must succeed, signed by the named people and paid by [`people::PAYER`].
    #[track_caller]
    pub fn send(&mut self, instructions: &[Instruction], signers: &[&str]) -> TxOutcome {
        let signers: Vec<_> = signers.iter().map(|name| keypair(name)).collect();
        self.world.expect_ok(instructions, &keypair(people::PAYER), &signers.iter().collect::<Vec<_>>())
    }

    /// A case of one instruction whose accounts are those of the world now.
    pub fn case(&self, instruction: Instruction) -> Case {
        let keys: Vec<Pubkey> = instruction.accounts.iter().map(|meta| meta.pubkey).collect();
        // The runner knows sysvars and programs itself; what the world lacks does not exist there either.
        let accounts: Vec<(Pubkey, Account)> = keys
            .into_iter()
            .filter(|key| *key != sysvar::instructions::ID && *key != sysvar::clock::ID)
            .filter_map(|key| self.world.svm.get_account(&key).map(|account| (key, account)))
            .filter(|(_, account)| !account.executable)
            .collect();
        Case::new(instruction, accounts)
    }

    /// Registers a shard of [`people::OWNER`] and returns its address.
    pub fn shard(&mut self) -> Pubkey {
        let instruction = self.register_shard(people::OWNER);
        let shard = instruction.accounts[scheduler::register_shard::Position::shard as usize].pubkey;
        self.send(&[instruction], &[people::AUTHORITY]);
        shard
    }

    /// The registration of a shard for `owner` by the authority.
    pub fn register_shard(&self, owner: &str) -> Instruction {
        let config: scheduler::SchedulerConfig = self.fixed_part(&config(SCHEDULER));
        scheduler::register_shard(
            SCHEDULER.address(),
            scheduler::register_shard::Accounts {
                config: self::config(SCHEDULER),
                registry: client::registry_address(&SCHEDULER.address()),
                shard: client::shard_address(&SCHEDULER.address(), config.shards_created),
                registrar: address(people::AUTHORITY),
                payer: address(people::PAYER),
                system_program: system_program::ID,
            },
            &[],
            &scheduler::register_shard::Data { owner: address(owner).to_bytes() },
            &[],
        )
    }

    /// Creates an open queue of 30 slots with one producer, [`people::PRODUCER`], and returns its address.
    pub fn queue(&mut self, shard: &Pubkey) -> Pubkey {
        let instruction = self.create_queue(shard, &queue_policy(), &[producer(people::PRODUCER)]);
        let queue = instruction.accounts[scheduler::create_queue::Position::queue as usize].pubkey;
        self.send(&[instruction], &[people::OWNER]);
        queue
    }

    /// The creation of a shard's next queue.
    pub fn create_queue(
        &self,
        shard: &Pubkey,
        policy: &scheduler::create_queue::Data,
        producers: &[ProducerRecord],
    ) -> Instruction {
        let shard_account: scheduler::Shard = self.fixed_part(shard);
        scheduler::create_queue(
            SCHEDULER.address(),
            scheduler::create_queue::Accounts {
                config: config(SCHEDULER),
                shard: *shard,
                owner: address(people::OWNER),
                queue: client::queue_address(&SCHEDULER.address(), shard, shard_account.queues_created),
                payer: address(people::PAYER),
                system_program: system_program::ID,
            },
            &[],
            policy,
            bytemuck::cast_slice(producers),
        )
    }

    /// Registers a capability of the shard and returns its address.
    pub fn capability(&mut self, shard: &Pubkey, definition: &Definition) -> Pubkey {
        let instruction = self.register_capability(shard, definition);
        let capability = instruction.accounts[processor::register_capability::Position::capability as usize].pubkey;
        self.send(&[instruction], &[people::OWNER]);
        capability
    }

    /// The address that the next capability will have.
    pub fn next_capability(&self) -> Pubkey {
        let config: processor::ProcessorConfig = self.fixed_part(&config(PROCESSOR));
        client::capability_address(&PROCESSOR.address(), config.capabilities_created)
    }

    /// The registration of a capability by the shard's owner.
    pub fn register_capability(&self, shard: &Pubkey, definition: &Definition) -> Instruction {
        processor::register_capability(
            PROCESSOR.address(),
            processor::register_capability::Accounts {
                config: config(PROCESSOR),
                capability: self.next_capability(),
                shard: *shard,
                shard_owner: address(people::OWNER),
                payer: address(people::PAYER),
                system_program: system_program::ID,
            },
            &[],
            &definition.data,
            &definition.tail(),
        )
    }

    /// Creates a state account of [`people::OWNER`] with so many bytes and returns its address.
    pub fn state(&mut self, data_bytes: u32) -> Pubkey {
        let instruction = self.create_state(data_bytes);
        let state = instruction.accounts[diff::create_state::Position::state as usize].pubkey;
        self.send(&[instruction], &[people::OWNER]);
        state
    }

    /// The creation of the next state account.
    pub fn create_state(&self, data_bytes: u32) -> Instruction {
        let config: diff::DiffConfig = self.fixed_part(&config(DIFF));
        diff::create_state(
            DIFF.address(),
            diff::create_state::Accounts {
                config: self::config(DIFF),
                state: client::state_address(&DIFF.address(), config.states_created),
                owner: address(people::OWNER),
                payer: address(people::PAYER),
                system_program: system_program::ID,
            },
            &[],
            &diff::create_state::Data { data_bytes },
            &[],
        )
    }

    /// The fixed part of an account, as its layout.
    ///
    /// # Panics
    /// When the account is shorter.
    pub fn fixed_part<T: bytemuck::Pod>(&self, address: &Pubkey) -> T {
        bytemuck::pod_read_unaligned(&self.world.account(address).data[..size_of::<T>()])
    }
}

/// Policy of [`Fixture::queue`].
pub fn queue_policy() -> scheduler::create_queue::Data {
    scheduler::create_queue::Data {
        slots: 30,
        max_dead: 10,
        max_deadline_seconds: MAX_DEADLINE_SECONDS,
        lease_seconds: 60,
        backoff_seconds: 1,
        backoff_cap_seconds: 60,
        max_attempts: 3,
        ..Default::default()
    }
}

/// A producer that may ask for any level.
pub fn producer(name: &str) -> ProducerRecord {
    ProducerRecord { key: key(name), max_tip_lamports: 1_000_000, quota: QUOTA, max_level: 15, reserved: [0; 5] }
}

/// The key that a name stands for.
pub fn key(name: &str) -> Key {
    address(name).to_bytes()
}

/// `Initialize` of the processor, by its upgrade authority.
pub fn initialize_processor() -> Instruction {
    processor::initialize(
        PROCESSOR.address(),
        processor::initialize::Accounts {
            config: config(PROCESSOR),
            payer: address(people::PAYER),
            upgrade_authority: address(people::AUTHORITY),
            program: PROCESSOR.address(),
            program_data: program_data::address(&PROCESSOR.address()),
            system_program: system_program::ID,
        },
        &[],
        &processor::initialize::Data {
            authority: key(people::AUTHORITY),
            guardian: key(people::GUARDIAN),
            guardian_pause_seconds: GUARDIAN_PAUSE_SECONDS,
            guardian_cooldown_seconds: GUARDIAN_COOLDOWN_SECONDS,
            max_compute_units: processor::DEFAULT_MAX_COMPUTE_UNITS,
            max_verification_functions: processor::DEFAULT_MAX_VERIFICATION_FUNCTIONS,
        },
        &[],
    )
}

/// `Initialize` of the scheduler, by its upgrade authority.
pub fn initialize_scheduler() -> Instruction {
    scheduler::initialize(
        SCHEDULER.address(),
        scheduler::initialize::Accounts {
            config: config(SCHEDULER),
            payer: address(people::PAYER),
            upgrade_authority: address(people::AUTHORITY),
            program: SCHEDULER.address(),
            program_data: program_data::address(&SCHEDULER.address()),
            system_program: system_program::ID,
            registry: client::registry_address(&SCHEDULER.address()),
            processor_config: config(PROCESSOR),
        },
        &[],
        &scheduler::initialize::Data {
            authority: key(people::AUTHORITY),
            guardian: key(people::GUARDIAN),
            guardian_pause_seconds: GUARDIAN_PAUSE_SECONDS,
            guardian_cooldown_seconds: GUARDIAN_COOLDOWN_SECONDS,
            shard_deposit_lamports: 10_000_000,
            max_shards: scheduler::DEFAULT_MAX_SHARDS,
            max_queue_size: scheduler::DEFAULT_MAX_QUEUE_SIZE,
            default_priority: scheduler::DEFAULT_PRIORITY,
            registration: registration::CLOSED,
        },
        &[],
    )
}

/// `Initialize` of the diff program, by its upgrade authority.
pub fn initialize_diff() -> Instruction {
    diff::initialize(
        DIFF.address(),
        diff::initialize::Accounts {
            config: config(DIFF),
            payer: address(people::PAYER),
            upgrade_authority: address(people::AUTHORITY),
            program: DIFF.address(),
            program_data: program_data::address(&DIFF.address()),
            system_program: system_program::ID,
            processor_config: config(PROCESSOR),
            scheduler_config: config(SCHEDULER),
        },
        &[],
        &diff::initialize::Data {
            authority: key(people::AUTHORITY),
            guardian: key(people::GUARDIAN),
            guardian_pause_seconds: GUARDIAN_PAUSE_SECONDS,
            guardian_cooldown_seconds: GUARDIAN_COOLDOWN_SECONDS,
            max_batch_size: diff::DEFAULT_MAX_BATCH_SIZE,
            optimization_level: optimization_level::AGGRESSIVE,
        },
        &[],
    )
}

/// `Pause` of one program, by the named signer.
pub fn pause(program: Program, signer: &str) -> Instruction {
    lifecycle_call(program, processor::pause::DISCRIMINATOR, signer)
}

/// `Resume` of one program, by the named signer.
pub fn resume(program: Program, signer: &str) -> Instruction {
    lifecycle_call(program, processor::resume::DISCRIMINATOR, signer)
}

/// The three programs number and shape these instructions alike.
fn lifecycle_call(program: Program, discriminator: u8, signer: &str) -> Instruction {
    let accounts = vec![
        AccountMeta::new(config(program), false),
        AccountMeta::new_readonly(address(signer), true),
        AccountMeta::new_readonly(sysvar::clock::ID, false),
    ];
    Instruction { program_id: program.address(), accounts, data: vec![discriminator] }
}

/// `Enqueue` by the named producer at place 0.
pub fn enqueue(queue: &Pubkey, capability: &Pubkey, sequence: u64, level: u8, arguments: &[u8]) -> Instruction {
    scheduler::enqueue(
        SCHEDULER.address(),
        scheduler::enqueue::Accounts {
            queue: *queue,
            producer: address(people::PRODUCER),
            capability: *capability,
            clock: sysvar::clock::ID,
        },
        &[],
        &scheduler::enqueue::Data { sequence, level, ..Default::default() },
        arguments,
    )
}

/// `Dispatch` by [`people::WORKER`].
pub fn dispatch(shard: &Pubkey, queue: &Pubkey, slot: u16, generation: u32) -> Instruction {
    scheduler::dispatch(
        SCHEDULER.address(),
        scheduler::dispatch::Accounts {
            config: config(SCHEDULER),
            shard: *shard,
            queue: *queue,
            worker: address(people::WORKER),
            instructions: sysvar::instructions::ID,
            clock: sysvar::clock::ID,
        },
        &[],
        &scheduler::dispatch::Data { generation, slot },
        &[],
    )
}

/// `Verify` of a capability at version 1.
pub fn verify(capability: &Pubkey, accounts: &[AccountMeta], arguments: &[u8]) -> Instruction {
    processor::verify(
        PROCESSOR.address(),
        processor::verify::Accounts {
            capability: *capability,
            config: config(PROCESSOR),
            instructions: sysvar::instructions::ID,
        },
        accounts,
        &processor::verify::Data { capability_version: 1, flags: 0 },
        arguments,
    )
}

/// `Execute` of a capability at version 1.
pub fn execute(capability: &Pubkey, target: &Pubkey, accounts: &[AccountMeta], arguments: &[u8]) -> Instruction {
    processor::execute(
        PROCESSOR.address(),
        processor::execute::Accounts {
            capability: *capability,
            config: config(PROCESSOR),
            instructions: sysvar::instructions::ID,
            target_program: *target,
        },
        accounts,
        &processor::execute::Data { capability_version: 1, flags: 0 },
        arguments,
    )
}

/// `Verify` or `Execute` of a capability at another version.
pub fn at_version(mut call: Instruction, capability_version: u32) -> Instruction {
    // The version follows the discriminator.
    call.data[1..5].copy_from_slice(&capability_version.to_le_bytes());
    call
}

/// `SetDirect` by [`people::AUTHORITY`].
pub fn set_direct(direct_until: i64) -> Instruction {
    scheduler::set_direct(
        SCHEDULER.address(),
        scheduler::set_direct::Accounts { config: config(SCHEDULER), authority: address(people::AUTHORITY) },
        &[],
        &scheduler::set_direct::Data { direct_until },
        &[],
    )
}

/// `ApplyInline` by [`people::OWNER`].
pub fn apply_inline(state: &Pubkey, base_version: u64, operations: &[(u32, &[u8])]) -> Instruction {
    diff::apply_inline(
        DIFF.address(),
        diff::apply_inline::Accounts { config: config(DIFF), state: *state, owner: address(people::OWNER) },
        &[],
        &diff::apply_inline::Data { base_version },
        &wire(operations),
    )
}

/// Operations in wire form.
pub fn wire(operations: &[(u32, &[u8])]) -> Vec<u8> {
    let mut wire = Vec::new();
    for (offset, payload) in operations {
        wire.extend_from_slice(&offset.to_le_bytes());
        wire.extend_from_slice(&u32::try_from(payload.len()).expect("a short payload").to_le_bytes());
        wire.extend_from_slice(payload);
    }
    wire
}

/// A capability that transfers SPL tokens out of `vault`, which the capability owns: the arguments are the amount.
pub fn vault_transfer(vault: &Pubkey, destination: &Pubkey) -> Definition {
    Definition::new(&token::ID)
        .targets([
            fixed(vault, account_flags::WRITABLE),
            fixed(destination, account_flags::WRITABLE),
            capability_signs(),
        ])
        .prefix(&[3])
        .arguments(8)
}
