//! The world that the scheduler's cases share.
//!
//! Beside the shard, queue and capability that a case is about there are another shard of the same owner, whose queue
//! holds the same entry, and an empty queue and another capability of the same shard: whatever stands in the wrong place
//! is then of the right kind, and must be refused for what it is.

use mollusk_tests::{
    features::FeatureProfile,
    fixture::{Definition, Fixture, people, producer, queue_policy},
    programs::NOOP,
    queues::{Bench, leased_policy},
};
use shared_layouts::{
    processor::capability_flags,
    scheduler::{EntryHandle, create_queue},
};
use solana_pubkey::Pubkey;
use std::ops::{Deref, DerefMut};

/// Arguments of every entry.
pub const ARGUMENTS: [u8; 8] = [7; 8];
/// Slots of every queue.
const SLOTS: u16 = 4;

/// A queue with one ready entry, and its neighbours.
#[derive(Clone)]
pub struct Scene {
    /// The shard, its queue and its capability, in their world.
    pub bench: Bench,
    /// Another shard of the same owner.
    pub other_shard: Pubkey,
    /// An empty queue of the same shard, which lists nobody.
    pub spare_queue: Pubkey,
    /// Another capability of the same shard.
    pub spare_capability: Pubkey,
    /// The ready entry.
    pub handle: EntryHandle,
}

impl Deref for Scene {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
}

impl DerefMut for Scene {
    fn deref_mut(&mut self) -> &mut Bench {
        &mut self.bench
    }
}

impl Scene {
    /// The scene with open queues.
    pub fn open() -> Self {
        Self::new(&queue_policy())
    }

    /// The scene with leased queues, in which [`people::WORKER`] is worker 0.
    pub fn leased() -> Self {
        let mut scene = Self::new(&leased_policy());
        let listing = scene.set_worker(people::WORKER, true);
        scene.send(&[listing], &[people::OWNER]);
        scene
    }

    fn new(policy: &create_queue::Data) -> Self {
        let policy = create_queue::Data { slots: SLOTS, max_dead: SLOTS / 2, ..*policy };
        let other = furnished(Fixture::new(FeatureProfile::Mainnet), &policy);
        let mut bench = furnished(other.fixture, &policy);
        let handle = bench.last();
        let spare_capability = bench.fixture.capability(&bench.shard, &definition());
        let create = bench.fixture.create_queue(&bench.shard, &policy, &[]);
        let spare_queue = create.accounts[create_queue::Position::queue as usize].pubkey;
        bench.send(&[create], &[people::OWNER]);
        Self { bench, other_shard: other.shard, spare_queue, spare_capability, handle }
    }

    /// The same with the entry leased to [`people::WORKER`].
    pub fn claimed(&self) -> Self {
        let mut scene = self.clone();
        let claim = scene.claim(people::WORKER, 0, 1);
        scene.send(&[claim], &[people::WORKER]);
        scene
    }
}

fn definition() -> Definition {
    Definition::new(&NOOP.address()).flags(capability_flags::DIRECT_DISPATCH)
}

/// A shard with a capability, and a queue with an entry.
fn furnished(mut fixture: Fixture, policy: &create_queue::Data) -> Bench {
    let shard = fixture.shard();
    let create = fixture.create_queue(&shard, policy, &[producer(people::PRODUCER)]);
    let queue = create.accounts[create_queue::Position::queue as usize].pubkey;
    fixture.send(&[create], &[people::OWNER]);
    let capability = fixture.capability(&shard, &definition());
    let mut bench = Bench { fixture, shard, queue, capability, order: None };
    bench.put(1, &ARGUMENTS);
    bench
}
