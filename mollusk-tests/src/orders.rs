//! Orders and the compute budget: builders of their instructions, and a world with shards that share an order.

use crate::{
    features::FeatureProfile,
    fixture::{self, Definition, Fixture, config, people},
    lifecycle::Update,
    programs::{NOOP, SCHEDULER, address},
    queues::Bench,
};
use shared_layouts::{
    client,
    scheduler::{
        self, ConstraintRecord, Order, OrderInvitation, ProducerRecord, Registry, Shard, WeightRecord,
        composition_mode, config_fields, constraint_kind, queue_flags, when_dead,
    },
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};

/// Patience of the orders here, seconds.
pub const PATIENCE_SECONDS: u32 = 100;

/// An invitation with equal limits for `shards` shards.
pub fn invitation(shard: &Pubkey, shards: u8) -> OrderInvitation {
    OrderInvitation {
        shard: shard.to_bytes(),
        weight: 1,
        max_constraints: 256 / u16::from(shards),
        max_members: 64 / shards,
        reserved: [0; 3],
    }
}

/// A constraint of weight 1 that blocks.
pub fn constraint(kind: u8, from: u8, to: u8) -> ConstraintRecord {
    ConstraintRecord { from, to, kind, when_dead: when_dead::BLOCK, weight: 1, reserved: [0; 2] }
}

/// `from` before `to`.
pub fn before(from: u8, to: u8) -> ConstraintRecord {
    constraint(constraint_kind::BEFORE, from, to)
}

/// `CreateOrder` by [`people::OWNER`], with [`PATIENCE_SECONDS`].
pub fn create_order(shard: &Pubkey, number: u64, mode: u8, invitations: &[OrderInvitation]) -> Instruction {
    let data = scheduler::create_order::Data { patience_seconds: PATIENCE_SECONDS, mode };
    create_order_with(shard, number, &data, invitations)
}

/// `CreateOrder` by [`people::OWNER`] with any data.
pub fn create_order_with(
    shard: &Pubkey,
    number: u64,
    data: &scheduler::create_order::Data,
    invitations: &[OrderInvitation],
) -> Instruction {
    scheduler::create_order(
        SCHEDULER.address(),
        scheduler::create_order::Accounts {
            shard: *shard,
            owner: address(people::OWNER),
            order: client::order_address(&SCHEDULER.address(), shard, number),
            payer: address(people::PAYER),
            system_program: system_program::ID,
        },
        &[],
        data,
        bytemuck::cast_slice(invitations),
    )
}

/// `SetConstraints` by [`people::OWNER`].
pub fn set_constraints(
    order: &Pubkey,
    shard: &Pubkey,
    new_members: &[Pubkey],
    records: &[ConstraintRecord],
) -> Instruction {
    let more: Vec<AccountMeta> = new_members.iter().map(|key| AccountMeta::new_readonly(*key, false)).collect();
    scheduler::set_constraints(
        SCHEDULER.address(),
        scheduler::set_constraints::Accounts {
            config: config(SCHEDULER),
            order: *order,
            shard: *shard,
            owner: address(people::OWNER),
        },
        &more,
        &scheduler::set_constraints::Data { new_members: u8::try_from(more.len()).expect("few members") },
        bytemuck::cast_slice(records),
    )
}

/// `AcceptConstraints` by [`people::OWNER`].
pub fn accept_constraints(order: &Pubkey, shard: &Pubkey, submitter: u8, version: u32, accept: u8) -> Instruction {
    scheduler::accept_constraints(
        SCHEDULER.address(),
        scheduler::accept_constraints::Accounts { order: *order, shard: *shard, owner: address(people::OWNER) },
        &[],
        &scheduler::accept_constraints::Data { version, submitter, accept },
        &[],
    )
}

/// `Compose` by [`people::OWNER`].
pub fn compose(order: &Pubkey, shard: &Pubkey, constraints_version: u32) -> Instruction {
    scheduler::compose(
        SCHEDULER.address(),
        scheduler::compose::Accounts { order: *order, shard: *shard, owner: address(people::OWNER) },
        &[],
        &scheduler::compose::Data { constraints_version },
        &[],
    )
}

/// `RotateEpoch`.
pub fn rotate_epoch(order: &Pubkey) -> Instruction {
    scheduler::rotate_epoch(
        SCHEDULER.address(),
        scheduler::rotate_epoch::Accounts { order: *order },
        &[],
        &scheduler::rotate_epoch::Data {},
        &[],
    )
}

/// `CloseOrder` by [`people::OWNER`], who gets the rent.
pub fn close_order(order: &Pubkey, shard: &Pubkey) -> Instruction {
    scheduler::close_order(
        SCHEDULER.address(),
        scheduler::close_order::Accounts {
            order: *order,
            shard: *shard,
            owner: address(people::OWNER),
            recipient: address(people::PAYER),
        },
        &[],
        &scheduler::close_order::Data {},
        &[],
    )
}

/// `AllocateResources` by [`people::AUTHORITY`].
pub fn allocate_resources(weights: &[WeightRecord]) -> Instruction {
    scheduler::allocate_resources(
        SCHEDULER.address(),
        scheduler::allocate_resources::Accounts {
            config: config(SCHEDULER),
            registry: client::registry_address(&SCHEDULER.address()),
            authority: address(people::AUTHORITY),
            clock: sysvar::clock::ID,
        },
        &[],
        &scheduler::allocate_resources::Data {},
        bytemuck::cast_slice(weights),
    )
}

/// `UpdateConfig` by [`people::AUTHORITY`]: the compute budget of a window, and its length.
pub fn set_budget(window_compute_units: u64, window_seconds: u32) -> Instruction {
    let data = scheduler::update_config::Data {
        fields: config_fields::WINDOW_COMPUTE_UNITS | config_fields::WINDOW_SECONDS,
        window_compute_units,
        window_seconds,
        ..Default::default()
    };
    Update::Scheduler(data).by(people::AUTHORITY)
}

/// The weight of a shard, at its place in the registry.
pub fn weight(fixture: &Fixture, shard: &Pubkey, weight: u32) -> WeightRecord {
    let shard: Shard = fixture.fixed_part(shard);
    WeightRecord { shard_number: shard.number, weight, registry_index: shard.registry_index, reserved: [0; 2] }
}

/// The registry of shards.
pub fn registry(fixture: &Fixture) -> Registry {
    fixture.fixed_part(&client::registry_address(&SCHEDULER.address()))
}

/// Shards of [`people::OWNER`] that share an order, the first of them its opener.
#[derive(Clone)]
pub struct Shared {
    /// The world.
    pub fixture: Fixture,
    /// The shards.
    pub shards: Vec<Pubkey>,
    /// The order.
    pub order: Pubkey,
    /// Its members' capabilities; the index is the order bit.
    pub members: Vec<Pubkey>,
}

impl Shared {
    /// An order over `shards` shards, each with `members` members: those of the first shard get the first bits.
    pub fn new(profile: FeatureProfile, shards: u8, members: usize, mode: u8) -> Self {
        let mut fixture = Fixture::new(profile);
        let shards: Vec<Pubkey> = (0..shards).map(|_| fixture.shard()).collect();
        let count = u8::try_from(shards.len()).expect("few shards");
        let invitations: Vec<_> = shards.iter().map(|shard| invitation(shard, count)).collect();
        let create = create_order(&shards[0], 0, mode, &invitations);
        let order = create.accounts[scheduler::create_order::Position::order as usize].pubkey;
        fixture.send(&[create], &[people::OWNER]);
        let mut shared = Self { fixture, shards, order, members: Vec::new() };
        for index in 0..shared.shards.len() {
            shared.join(index, members);
        }
        shared
    }

    /// A strict order.
    pub fn strict(shards: u8, members: usize) -> Self {
        Self::new(FeatureProfile::Mainnet, shards, members, composition_mode::STRICT)
    }

    /// Brings so many new capabilities of a shard into the order. Its constraint set is empty then.
    pub fn join(&mut self, shard: usize, members: usize) {
        let key = self.shards[shard];
        let new: Vec<Pubkey> =
            (0..members).map(|_| self.fixture.capability(&key, &Definition::new(&NOOP.address()))).collect();
        self.fixture.send(&[set_constraints(&self.order, &key, &new, &[])], &[people::OWNER]);
        self.members.extend(new);
    }

    /// Replaces a shard's constraint set.
    pub fn set(&mut self, shard: usize, records: &[ConstraintRecord]) {
        let instruction = set_constraints(&self.order, &self.shards[shard], &[], records);
        self.fixture.send(&[instruction], &[people::OWNER]);
    }

    /// Has a shard accept what another one's set asks of it.
    pub fn accept(&mut self, shard: usize, submitter: usize) {
        let instruction = self.acceptance(shard, submitter);
        self.fixture.send(&[instruction], &[people::OWNER]);
    }

    /// A shard's acceptance of what another one's set, as it is, asks of it.
    pub fn acceptance(&self, shard: usize, submitter: usize) -> Instruction {
        let version = self.order().shards[submitter].version;
        let submitter = u8::try_from(submitter).expect("few shards");
        accept_constraints(&self.order, &self.shards[shard], submitter, version, 1)
    }

    /// The composition of the constraints as they are.
    pub fn composition(&self) -> Instruction {
        compose(&self.order, &self.shards[0], self.order().constraints_version)
    }

    /// Composes the constraints as they are.
    pub fn compose(&mut self) {
        let compose = self.composition();
        self.fixture.send(&[compose], &[people::OWNER]);
    }

    /// The creation of a shard's next queue, bound to the order, with [`people::PRODUCER`] as its producer.
    pub fn creation(&self, shard: usize, policy: &scheduler::create_queue::Data) -> Instruction {
        let policy = scheduler::create_queue::Data { flags: policy.flags | queue_flags::ORDERED, ..*policy };
        let producer = ProducerRecord { quota: 2_000, ..fixture::producer(people::PRODUCER) };
        let mut create = self.fixture.create_queue(&self.shards[shard], &policy, &[producer]);
        create.accounts.push(AccountMeta::new(self.order, false));
        create
    }

    /// A shard's new queue, bound to the order; if it is leased, [`people::WORKER`] is worker 0. The world goes with it.
    pub fn bench(mut self, shard: usize, policy: &scheduler::create_queue::Data) -> Bench {
        let create = self.creation(shard, policy);
        let queue = create.accounts[scheduler::create_queue::Position::queue as usize].pubkey;
        self.fixture.send(&[create], &[people::OWNER]);
        let (shard, capability) = (self.shards[shard], self.members[0]);
        let mut bench = Bench { fixture: self.fixture, shard, queue, capability, order: Some(self.order) };
        if policy.flags & queue_flags::LEASED != 0 {
            let listing = bench.set_worker(people::WORKER, true);
            bench.send(&[listing], &[people::OWNER]);
        }
        bench
    }

    /// The order's account.
    pub fn order(&self) -> Order {
        self.fixture.fixed_part(&self.order)
    }
}
