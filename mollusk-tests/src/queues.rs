//! Builders of the scheduler's instructions for tests and bench: a queue with its shard, capability and people.

use crate::{
    expected::Expected,
    features::FeatureProfile,
    fixture::{self, Definition, Fixture, execute, key, people},
    programs::{NOOP, PROCESSOR, SCHEDULER, address},
    world::{TxFailure, TxOutcome},
};
use shared_layouts::scheduler::{
    self as wire, BatchItem, Entry, EntryHandle, Order, ProducerRecord, Queue, entry_flags, queue_flags,
    reader::QueueReader,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};

/// Fixed data of `CreateQueue`, with leases.
pub fn leased_policy() -> wire::create_queue::Data {
    wire::create_queue::Data { flags: queue_flags::LEASED, ..fixture::queue_policy() }
}

/// A queue in a fixture, with a capability that calls the no-op program.
#[derive(Clone)]
pub struct Bench {
    /// Programs and people.
    pub fixture: Fixture,
    /// Shard of [`people::OWNER`].
    pub shard: Pubkey,
    /// The queue.
    pub queue: Pubkey,
    /// A capability without accounts.
    pub capability: Pubkey,
    /// The order that the queue is bound to.
    pub order: Option<Pubkey>,
}

impl Bench {
    /// A queue with this policy, [`people::PRODUCER`] as its producer and, if it is leased, [`people::WORKER`] as worker 0.
    pub fn new(profile: FeatureProfile, policy: &wire::create_queue::Data, definition: &Definition) -> Self {
        let mut fixture = Fixture::new(profile);
        let shard = fixture.shard();
        let producer = ProducerRecord { quota: 2_000, ..fixture::producer(people::PRODUCER) };
        let create = fixture.create_queue(&shard, policy, &[producer]);
        let queue = create.accounts[wire::create_queue::Position::queue as usize].pubkey;
        fixture.send(&[create], &[people::OWNER]);
        let capability = fixture.capability(&shard, definition);
        let mut bench = Self { fixture, shard, queue, capability, order: None };
        if policy.flags & queue_flags::LEASED != 0 {
            let listing = bench.set_worker(people::WORKER, true);
            bench.fixture.send(&[listing], &[people::OWNER]);
        }
        bench
    }

    /// An open queue and a capability that takes any arguments.
    pub fn open(profile: FeatureProfile) -> Self {
        Self::new(profile, &fixture::queue_policy(), &Definition::new(&NOOP.address()))
    }

    /// A leased queue and a capability that takes any arguments.
    pub fn leased(profile: FeatureProfile) -> Self {
        Self::new(profile, &leased_policy(), &Definition::new(&NOOP.address()))
    }

    /// The order's account, as the queue's instructions take it behind their own.
    fn more(&self) -> Vec<AccountMeta> {
        self.order.iter().map(|order| AccountMeta::new(*order, false)).collect()
    }

    /// Sends a transaction that must succeed.
    #[track_caller]
    pub fn send(&mut self, instructions: &[Instruction], signers: &[&str]) -> TxOutcome {
        self.fixture.send(instructions, signers)
    }

    /// Sends a transaction whose instruction at a position must fail with exactly this error, and change nothing.
    #[track_caller]
    pub fn refuse(
        &mut self,
        instructions: &[Instruction],
        signers: &[&str],
        index: usize,
        error: impl Into<Expected>,
    ) -> TxFailure {
        let signers: Vec<_> = signers.iter().map(|name| crate::programs::keypair(name)).collect();
        let signers: Vec<_> = signers.iter().collect();
        let payer = crate::programs::keypair(people::PAYER);
        self.fixture.world.expect_error(instructions, &payer, &signers, index, error)
    }

    /// The order that the queue is bound to, as it is.
    ///
    /// # Panics
    /// When it is bound to none.
    pub fn read_order(&self) -> Order {
        self.fixture.fixed_part(&self.order.expect("the queue is bound to an order"))
    }

    /// The queue as it is.
    ///
    /// # Panics
    /// When the account is no queue.
    pub fn read(&self) -> QueueReader {
        QueueReader::parse(&self.fixture.world.account(&self.queue).data).expect("the account is a queue")
    }

    /// The handle of the entry that was queued last.
    pub fn last(&self) -> EntryHandle {
        let header: Queue = self.fixture.fixed_part(&self.queue);
        EntryHandle { generation: header.last_generation, slot: header.last_slot, reserved: [0; 2] }
    }

    /// Adds slots until the queue has so many.
    pub fn grow_to(&mut self, slots: u16) {
        loop {
            let missing = slots - self.read().header.slots;
            if missing == 0 {
                return;
            }
            let grow = self.grow(missing.min(40));
            self.send(&[grow], &[people::OWNER]);
        }
    }

    /// `GrowQueue`.
    pub fn grow(&self, slots: u16) -> Instruction {
        let accounts = wire::grow_queue::Accounts {
            config: fixture::config(SCHEDULER),
            shard: self.shard,
            owner: address(people::OWNER),
            queue: self.queue,
            payer: address(people::PAYER),
            system_program: system_program::ID,
        };
        wire::grow_queue(SCHEDULER.address(), accounts, &[], &wire::grow_queue::Data { slots }, &[])
    }

    /// `Enqueue` by [`people::PRODUCER`] with any data.
    pub fn enqueue(&self, data: &wire::enqueue::Data, arguments: &[u8]) -> Instruction {
        let accounts = wire::enqueue::Accounts {
            queue: self.queue,
            producer: address(people::PRODUCER),
            capability: self.capability,
            clock: sysvar::clock::ID,
        };
        wire::enqueue(SCHEDULER.address(), accounts, &self.more(), data, arguments)
    }

    /// Queues an entry at level 5 and returns its handle.
    pub fn put(&mut self, sequence: u64, arguments: &[u8]) -> EntryHandle {
        let enqueue = self.enqueue(&plain(sequence), arguments);
        self.send(&[enqueue], &[people::PRODUCER]);
        self.last()
    }

    /// `EnqueueBatch` of plain entries.
    pub fn enqueue_batch(&self, first_sequence: u64, count: u64, arguments: &[u8]) -> Instruction {
        let accounts = wire::enqueue_batch::Accounts {
            queue: self.queue,
            producer: address(people::PRODUCER),
            clock: sysvar::clock::ID,
        };
        let arguments_bytes = u16::try_from(arguments.len()).expect("short arguments");
        let item = BatchItem { arguments_bytes, capability: 0, reserved: 0 };
        let items = (0..count).flat_map(|index| {
            let request = plain(first_sequence + index);
            [bytemuck::bytes_of(&item), bytemuck::bytes_of(&request), arguments].concat()
        });
        let more = [self.more(), vec![AccountMeta::new_readonly(self.capability, false)]].concat();
        let items: Vec<u8> = items.collect();
        wire::enqueue_batch(SCHEDULER.address(), accounts, &more, &wire::enqueue_batch::Data {}, &items)
    }

    /// `Claim` by the worker at a place of the list.
    pub fn claim(&self, worker: &str, worker_index: u8, count: u8) -> Instruction {
        let accounts = wire::claim::Accounts {
            config: fixture::config(SCHEDULER),
            shard: self.shard,
            queue: self.queue,
            worker: address(worker),
            clock: sysvar::clock::ID,
        };
        wire::claim(SCHEDULER.address(), accounts, &self.more(), &wire::claim::Data { worker_index, count }, &[])
    }

    /// `Dispatch` by a worker.
    pub fn dispatch(&self, worker: &str, handle: EntryHandle) -> Instruction {
        let accounts = wire::dispatch::Accounts {
            config: fixture::config(SCHEDULER),
            shard: self.shard,
            queue: self.queue,
            worker: address(worker),
            instructions: sysvar::instructions::ID,
            clock: sysvar::clock::ID,
        };
        let data = wire::dispatch::Data { generation: handle.generation, slot: handle.slot };
        wire::dispatch(SCHEDULER.address(), accounts, &self.more(), &data, &[])
    }

    /// `Dispatch` by a worker that can take a tip, and `Execute`.
    pub fn run(&self, worker: &str, handle: EntryHandle, arguments: &[u8]) -> [Instruction; 2] {
        let mut dispatch = self.dispatch(worker, handle);
        dispatch.accounts[wire::dispatch::Position::worker as usize].is_writable = true;
        [dispatch, execute(&self.capability, &NOOP.address(), &[], arguments)]
    }

    /// `DispatchDirect` by [`people::WORKER`].
    pub fn dispatch_direct(&self, handle: EntryHandle) -> Instruction {
        let accounts = wire::dispatch_direct::Accounts {
            config: fixture::config(SCHEDULER),
            shard: self.shard,
            queue: self.queue,
            worker: address(people::WORKER),
            instructions: sysvar::instructions::ID,
            clock: sysvar::clock::ID,
            capability: self.capability,
            processor_config: fixture::config(PROCESSOR),
        };
        let data = wire::dispatch_direct::Data { generation: handle.generation, slot: handle.slot };
        wire::dispatch_direct(SCHEDULER.address(), accounts, &self.more(), &data, &[])
    }

    /// `Fail` by a worker.
    pub fn fail(&self, worker: &str, handle: EntryHandle, permanent: bool) -> Instruction {
        let accounts = wire::fail::Accounts {
            config: fixture::config(SCHEDULER),
            shard: self.shard,
            queue: self.queue,
            worker: address(worker),
            clock: sysvar::clock::ID,
        };
        let data = wire::fail::Data {
            generation: handle.generation,
            code: 7,
            slot: handle.slot,
            permanent: u8::from(permanent),
        };
        wire::fail(SCHEDULER.address(), accounts, &self.more(), &data, &[])
    }

    /// `Reap`.
    pub fn reap(&self, handles: &[EntryHandle]) -> Instruction {
        let accounts = wire::reap::Accounts {
            config: fixture::config(SCHEDULER),
            shard: self.shard,
            queue: self.queue,
            clock: sysvar::clock::ID,
        };
        wire::reap(SCHEDULER.address(), accounts, &self.more(), &wire::reap::Data {}, bytemuck::cast_slice(handles))
    }

    /// An instruction of the shard's owner on one entry: data is the handle and what follows it, accounts are shard, owner,
    /// queue and, where the instruction has it, the clock.
    pub fn operate(
        &self,
        spec: &shared_layouts::declare::InstructionSpec,
        handle: EntryHandle,
        more: &[u8],
    ) -> Instruction {
        let names = [self.shard, address(people::OWNER), self.queue, sysvar::clock::ID];
        let data = [&handle.generation.to_le_bytes()[..], &handle.slot.to_le_bytes()[..], more].concat();
        shared_layouts::client::build(
            SCHEDULER.address(),
            spec,
            &names[..spec.accounts.len()],
            &self.more(),
            &data,
            &[],
        )
    }

    /// `Requeue` of an entry of the capability.
    pub fn requeue(&self, handle: EntryHandle) -> Instruction {
        let accounts = wire::requeue::Accounts {
            shard: self.shard,
            owner: address(people::OWNER),
            queue: self.queue,
            capability: self.capability,
            clock: sysvar::clock::ID,
        };
        let data = wire::requeue::Data { generation: handle.generation, slot: handle.slot };
        wire::requeue(SCHEDULER.address(), accounts, &self.more(), &data, &[])
    }

    /// `Restore` of what [`people::PRODUCER`] had queued with any data.
    pub fn restore(&self, data: &wire::enqueue::Data, arguments: &[u8]) -> Instruction {
        let accounts = wire::restore::Accounts {
            config: fixture::config(SCHEDULER),
            shard: self.shard,
            owner: address(people::OWNER),
            queue: self.queue,
            capability: self.capability,
            clock: sysvar::clock::ID,
        };
        let data = bytemuck::from_bytes(bytemuck::bytes_of(data));
        wire::restore(SCHEDULER.address(), accounts, &self.more(), data, arguments)
    }

    /// `Cancel` by a named signer.
    pub fn cancel(&self, signer: &str, handle: EntryHandle) -> Instruction {
        let accounts = wire::cancel::Accounts { shard: self.shard, signer: address(signer), queue: self.queue };
        let data = wire::cancel::Data { generation: handle.generation, slot: handle.slot };
        wire::cancel(SCHEDULER.address(), accounts, &self.more(), &data, &[])
    }

    /// `SetWorker`.
    pub fn set_worker(&self, worker: &str, active: bool) -> Instruction {
        let data = wire::set_worker::Data { key: key(worker), active: u8::from(active) };
        let accounts =
            wire::set_worker::Accounts { shard: self.shard, owner: address(people::OWNER), queue: self.queue };
        wire::set_worker(SCHEDULER.address(), accounts, &[], &data, &[])
    }

    /// `SetProducer`.
    pub fn set_producer(&self, producer: &str, quota: u16) -> Instruction {
        let data = wire::set_producer::Data { key: key(producer), max_tip_lamports: 1_000, quota, max_level: 15 };
        let accounts =
            wire::set_producer::Accounts { shard: self.shard, owner: address(people::OWNER), queue: self.queue };
        wire::set_producer(SCHEDULER.address(), accounts, &[], &data, &[])
    }

    /// `SetQuota`.
    pub fn set_quota(&self, quota_permille: u16) -> Instruction {
        let accounts =
            wire::set_quota::Accounts { shard: self.shard, owner: address(people::OWNER), queue: self.queue };
        wire::set_quota(SCHEDULER.address(), accounts, &[], &wire::set_quota::Data { quota_permille }, &[])
    }

    /// `UpdateShard`: pauses or resumes the shard.
    pub fn pause_shard(&self, paused: bool) -> Instruction {
        let accounts =
            wire::update_shard::Accounts { shard: self.shard, owner: address(people::OWNER), clock: sysvar::clock::ID };
        wire::update_shard(
            SCHEDULER.address(),
            accounts,
            &[],
            &wire::update_shard::Data { paused: u8::from(paused) },
            &[],
        )
    }

    /// `CloseQueue`.
    pub fn close_queue(&self, recipient: &Pubkey) -> Instruction {
        let accounts = wire::close_queue::Accounts {
            shard: self.shard,
            owner: address(people::OWNER),
            queue: self.queue,
            recipient: *recipient,
        };
        wire::close_queue(SCHEDULER.address(), accounts, &self.more(), &wire::close_queue::Data {}, &[])
    }

    /// The entry that a handle names.
    ///
    /// # Panics
    /// When it names none.
    pub fn entry(&self, handle: EntryHandle) -> Entry {
        *self.read().entry(handle).expect("the handle names an entry")
    }

    /// Moves the clock on.
    pub fn wait(&mut self, seconds: i64) {
        let now = self.fixture.world.unix_seconds();
        self.fixture.world.set_unix_seconds(now + seconds);
    }
}

/// A dispatch with the registry behind its accounts, as a queue with a quota wants it.
pub fn with_registry(mut dispatch: Instruction) -> Instruction {
    let registry = shared_layouts::client::registry_address(&SCHEDULER.address());
    dispatch.accounts.push(AccountMeta::new_readonly(registry, false));
    dispatch
}

/// `Enqueue`'s data of an entry at level 5 that runs once, at once.
pub fn plain(sequence: u64) -> wire::enqueue::Data {
    wire::enqueue::Data { sequence, level: 5, ..Default::default() }
}

/// What a committed entry is queued with: the length and the hash of its arguments.
///
/// # Panics
/// When they are longer than 65,535 bytes.
pub fn commitment(arguments: &[u8]) -> Vec<u8> {
    let bytes = u16::try_from(arguments.len()).expect("short arguments");
    let hash = solana_sha256_hasher::hash(arguments).to_bytes();
    [&bytes.to_le_bytes()[..], &hash[..]].concat()
}

/// The same as [`plain`], committed.
pub fn committed(sequence: u64) -> wire::enqueue::Data {
    wire::enqueue::Data { flags: entry_flags::COMMITTED, ..plain(sequence) }
}
