//! Rows of what shards' owners do with shards, queues and capabilities.

use super::lifecycle::prefund;
use super::{Row, row};
use mollusk_tests::capabilities::{close, update};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Definition, Fixture, config, fixed, key, people, producer, queue_policy};
use mollusk_tests::lifecycle::Update;
use mollusk_tests::orders::Shared;
use mollusk_tests::programs::{NOOP, SCHEDULER, address};
use mollusk_tests::queues::Bench;
use shared_layouts::declare::InstructionSpec;
use shared_layouts::processor::{Function, function_kind, register_capability};
use shared_layouts::scheduler::{
    self as wire, MAX_PRODUCERS, MAX_SHARDS, MAX_WORKERS, Producer, ProducerRecord, Queue, Registry, Worker,
    composition_mode, queue_flags, registration,
};
use shared_layouts::{Key, client};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

pub(super) fn rows() -> Vec<Row> {
    [capabilities(), shards(), created(), listed(), settings()].concat()
}

/// An instruction of the scheduler.
fn call(spec: &InstructionSpec, keys: &[Pubkey], data: &[u8]) -> Instruction {
    client::build(SCHEDULER.address(), spec, keys, &[], data, &[])
}

fn owner() -> Pubkey {
    address(people::OWNER)
}

/// The largest definition for registration: as many records as one transaction takes, and of each the kind that is checked
/// the longest, which is an external verifier at the last of the accounts.
fn largest() -> Definition {
    const ACCOUNTS: u8 = 11;
    let verifier = Function { kind: function_kind::EXTERNAL, account: ACCOUNTS - 1, ..bytemuck::Zeroable::zeroed() };
    let keys: Vec<Pubkey> = (0..ACCOUNTS).map(|index| address(&format!("evidence {index}"))).collect();
    Definition::new(&NOOP.address()).evidence(keys.iter().map(|key| fixed(key, 0))).functions(vec![verifier; 6])
}

fn small() -> Definition {
    Definition::new(&NOOP.address())
}

fn capabilities() -> Vec<Row> {
    let register = |name: &str, definition: fn() -> Definition, prefunded: bool| {
        row(name, move |profile| {
            let mut fixture = Fixture::new(profile);
            let shard = fixture.shard();
            let register = fixture.register_capability(&shard, &definition());
            if prefunded {
                prefund(&mut fixture, &register.accounts[register_capability::Position::capability as usize].pubkey);
            }
            fixture.send(&[register], &[people::OWNER]).units_of(0)
        })
    };
    let updated = |name: &str, from: fn() -> Definition, to: fn() -> Definition| {
        row(name, move |profile| {
            let mut fixture = Fixture::new(profile);
            let shard = fixture.shard();
            let capability = fixture.capability(&shard, &from());
            fixture.send(&[update(&capability, &shard, people::OWNER, &to())], &[people::OWNER]).units_of(0)
        })
    };
    vec![
        register("processor/register_capability", small, false),
        register("processor/register_capability/worst", largest, true),
        updated("processor/update_capability", small, small),
        updated("processor/update_capability/worst", small, largest),
        row("processor/close_capability/worst", |profile| {
            let mut fixture = Fixture::new(profile);
            let shard = fixture.shard();
            let capability = fixture.capability(&shard, &largest());
            fixture.send(&[close(&capability, &shard, people::OWNER)], &[people::OWNER]).units_of(0)
        }),
    ]
}

fn shards() -> Vec<Row> {
    vec![
        row("scheduler/register_shard", |profile| {
            let mut fixture = Fixture::new(profile);
            fixture.send(&[fixture.register_shard(people::OWNER)], &[people::AUTHORITY]).units_of(0)
        }),
        row("scheduler/register_shard/worst", register_the_last_shard),
        row("scheduler/update_shard", |profile| {
            let mut bench = Bench::open(profile);
            let pause = bench.pause_shard(true);
            bench.send(&[pause], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/nominate_shard_owner", |profile| {
            let mut fixture = Fixture::new(profile);
            let nominate = nominate(&fixture.shard());
            fixture.send(&[nominate], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/accept_shard_owner", |profile| {
            let mut fixture = Fixture::new(profile);
            let shard = fixture.shard();
            fixture.send(&[nominate(&shard)], &[people::OWNER]);
            let accept = call(&wire::accept_shard_owner::SPEC, &[shard, address(people::STRANGER)], &[]);
            fixture.send(&[accept], &[people::STRANGER]).units_of(0)
        }),
        row("scheduler/deregister_shard", |profile| {
            let mut fixture = Fixture::new(profile);
            let shard = fixture.shard();
            let registry = client::registry_address(&SCHEDULER.address());
            let keys = [config(SCHEDULER), registry, shard, owner()];
            fixture.send(&[call(&wire::deregister_shard::SPEC, &keys, &[])], &[people::OWNER]).units_of(0)
        }),
    ]
}

fn nominate(shard: &Pubkey) -> Instruction {
    call(&wire::nominate_shard_owner::SPEC, &[*shard, owner()], &key(people::STRANGER))
}

/// Units of the registration that takes the last place of the registry, for a deposit, at an address that holds a lamport.
fn register_the_last_shard(profile: FeatureProfile) -> u64 {
    let mut fixture = Fixture::new(profile);
    let data = wire::update_config::Data {
        fields: wire::config_fields::MAX_SHARDS | wire::config_fields::REGISTRATION,
        max_shards: u16::try_from(MAX_SHARDS).expect("few shards"),
        registration: registration::OPEN,
        ..Default::default()
    };
    fixture.send(&[Update::Scheduler(data).by(people::AUTHORITY)], &[people::AUTHORITY]);
    let registry = client::registry_address(&SCHEDULER.address());
    let mut account = fixture.world.account(&registry);
    let taken: &mut Registry = bytemuck::from_bytes_mut(&mut account.data);
    for place in &mut taken.shards[..MAX_SHARDS - 1] {
        place.taken = 1;
    }
    fixture.world.set_account(&registry, account);
    let mut register = fixture.register_shard(people::OWNER);
    register.accounts[wire::register_shard::Position::registrar as usize].pubkey = owner();
    prefund(&mut fixture, &register.accounts[wire::register_shard::Position::shard as usize].pubkey);
    fixture.send(&[register], &[people::OWNER]).units_of(0)
}

/// Keys that differ in their last byte only, so that comparing two of them takes the longest.
fn alike(number: usize) -> Key {
    let mut key = [7; 32];
    key[31] = u8::try_from(number).expect("a small number");
    key
}

fn created() -> Vec<Row> {
    vec![
        row("scheduler/create_queue", |profile| {
            let mut fixture = Fixture::new(profile);
            let shard = fixture.shard();
            let create = fixture.create_queue(&shard, &queue_policy(), &[producer(people::PRODUCER)]);
            fixture.send(&[create], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/create_queue/worst", |profile| {
            let mut shared = Shared::new(profile, 1, 0, composition_mode::STRICT);
            // What fits 10,240 bytes beside the index of a queue that is bound to an order.
            let policy = wire::create_queue::Data { slots: 23, flags: queue_flags::ORDERED, ..queue_policy() };
            let producers: Vec<ProducerRecord> = (0..MAX_PRODUCERS)
                .map(|number| ProducerRecord { key: alike(number), ..producer(people::PRODUCER) })
                .collect();
            let mut create = shared.fixture.create_queue(&shared.shards[0], &policy, &producers);
            create.accounts.push(AccountMeta::new(shared.order, false));
            prefund(&mut shared.fixture, &create.accounts[wire::create_queue::Position::queue as usize].pubkey);
            shared.fixture.send(&[create], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/grow_queue", |profile| grow(profile, 1)),
        row("scheduler/grow_queue/worst", |profile| grow(profile, 40)),
        row("scheduler/close_queue", |profile| close_queue(Bench::open(profile))),
        row("scheduler/close_queue/worst", |profile| {
            let mut shared = Shared::new(profile, 1, 1, composition_mode::STRICT);
            shared.compose();
            let mut bench = shared.bench(0, &wire::create_queue::Data { slots: 20, ..queue_policy() });
            bench.grow_to(1_000);
            close_queue(bench)
        }),
    ]
}

/// Units of the last growth of a queue to 1,000 slots, by so many.
fn grow(profile: FeatureProfile, slots: u16) -> u64 {
    let mut bench = Bench::open(profile);
    bench.grow_to(1_000 - slots);
    let grow = bench.grow(slots);
    bench.send(&[grow], &[people::OWNER]).units_of(0)
}

fn close_queue(mut bench: Bench) -> u64 {
    let close = bench.close_queue(&address(people::STRANGER));
    bench.send(&[close], &[people::OWNER]).units_of(0)
}

fn listed() -> Vec<Row> {
    vec![
        row("scheduler/set_producer", |profile| {
            let mut bench = Bench::open(profile);
            let set = bench.set_producer(people::STRANGER, 7);
            bench.send(&[set], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/set_producer/worst", |profile| {
            let mut bench = Bench::open(profile);
            edit(&mut bench, |queue| {
                for (number, place) in queue.producers[..MAX_PRODUCERS - 1].iter_mut().enumerate() {
                    *place = Producer { key: alike(number), active: 1, ..bytemuck::Zeroable::zeroed() };
                }
            });
            let data = wire::set_producer::Data { key: alike(255), max_tip_lamports: 1, quota: 1, max_level: 15 };
            let set = call(&wire::set_producer::SPEC, &[bench.shard, owner(), bench.queue], bytemuck::bytes_of(&data));
            bench.send(&[set], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/set_worker", |profile| {
            let mut bench = Bench::open(profile);
            let set = bench.set_worker(people::WORKER, true);
            bench.send(&[set], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/set_worker/worst", |profile| {
            let mut bench = Bench::open(profile);
            edit(&mut bench, |queue| {
                for (number, place) in queue.workers[..MAX_WORKERS - 1].iter_mut().enumerate() {
                    *place = Worker { key: alike(number), active: 1, ..bytemuck::Zeroable::zeroed() };
                }
            });
            let data = wire::set_worker::Data { key: alike(255), active: 1 };
            let set = call(&wire::set_worker::SPEC, &[bench.shard, owner(), bench.queue], bytemuck::bytes_of(&data));
            bench.send(&[set], &[people::OWNER]).units_of(0)
        }),
    ]
}

/// Rewrites the header of a queue without a transaction.
pub(super) fn edit(bench: &mut Bench, change: impl FnOnce(&mut Queue)) {
    let queue = bench.queue;
    let mut account = bench.fixture.world.account(&queue);
    change(bytemuck::from_bytes_mut(&mut account.data[..Queue::BYTES]));
    bench.fixture.world.set_account(&queue, account);
}

/// What costs the same whatever a queue holds.
fn settings() -> Vec<Row> {
    vec![
        row("scheduler/update_queue", |profile| {
            let mut bench = Bench::open(profile);
            let data = wire::update_queue::Data {
                max_dead: 1,
                max_deadline_seconds: 60,
                max_attempts: 1,
                default_level: 3,
                ..Default::default()
            };
            let keys = [bench.shard, owner(), bench.queue];
            let update = call(&wire::update_queue::SPEC, &keys, bytemuck::bytes_of(&data));
            bench.send(&[update], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/withdraw_purse", |profile| {
            const LAMPORTS: u64 = 1_000_000;
            let mut bench = Bench::open(profile);
            let keys = [bench.shard, owner(), bench.queue, address(people::STRANGER)];
            bench.fixture.world.airdrop(&keys[2], LAMPORTS);
            let withdraw = call(&wire::withdraw_purse::SPEC, &keys, &LAMPORTS.to_le_bytes());
            bench.send(&[withdraw], &[people::OWNER]).units_of(0)
        }),
        row("scheduler/set_direct", |profile| {
            let keys = [config(SCHEDULER), address(people::AUTHORITY)];
            let set = call(&wire::set_direct::SPEC, &keys, &i64::MAX.to_le_bytes());
            Fixture::new(profile).send(&[set], &[people::AUTHORITY]).units_of(0)
        }),
    ]
}
