//! Cases of the instructions on shards, and of direct execution.

use super::scene::Scene;
use crate::case::ValidCase;
use mollusk_tests::{
    fixture::{config, key, people, set_direct},
    lifecycle::Update,
    programs::{SCHEDULER, address},
};
use shared_layouts::{
    client,
    scheduler::{self as wire, register_shard},
};
use solana_instruction::Instruction;

const OTHER_SHARD: &str = "it is the same owner's";

pub fn cases(open: &Scene) -> Vec<ValidCase> {
    let mut paused = open.clone();
    let pause = open.pause_shard(true);
    paused.send(std::slice::from_ref(&pause), &[people::OWNER]);
    let nominate = nominate(open);
    let mut nominated = open.clone();
    nominated.send(std::slice::from_ref(&nominate), &[people::OWNER]);
    vec![
        ValidCase::new("RegisterShard", &open.fixture, open.fixture.register_shard(people::OWNER)),
        ValidCase::new("UpdateShard", &open.fixture, pause).key("shard", open.other_shard, OTHER_SHARD),
        ValidCase::new("UpdateShard", &paused.fixture, open.pause_shard(false)),
        ValidCase::new("NominateShardOwner", &open.fixture, nominate).key("shard", open.other_shard, OTHER_SHARD),
        ValidCase::new("AcceptShardOwner", &nominated.fixture, accept(open)),
        deregister(open),
        ValidCase::new("SetDirect", &open.fixture, set_direct(i64::MAX)),
        register_by_owner(open),
    ]
}

/// Where registration is open, the owner registers its shard and pays the deposit.
fn register_by_owner(open: &Scene) -> ValidCase {
    let mut fixture = open.fixture.clone();
    let update = Update::Scheduler(wire::update_config::Data {
        fields: wire::config_fields::REGISTRATION,
        registration: wire::registration::OPEN,
        ..Default::default()
    });
    fixture.send(&[update.by(people::AUTHORITY)], &[people::AUTHORITY]);
    let mut register = fixture.register_shard(people::OWNER);
    register.accounts[register_shard::Position::registrar as usize].pubkey = address(people::OWNER);
    ValidCase::new("RegisterShard", &fixture, register).key(
        "registrar",
        address(people::AUTHORITY),
        "the authority may register it as well",
    )
}

fn nominate(scene: &Scene) -> Instruction {
    let accounts = wire::nominate_shard_owner::Accounts { shard: scene.shard, owner: address(people::OWNER) };
    let data = wire::nominate_shard_owner::Data { nominee: key(people::STRANGER) };
    wire::nominate_shard_owner(SCHEDULER.address(), accounts, &[], &data, &[])
}

fn accept(scene: &Scene) -> Instruction {
    let accounts = wire::accept_shard_owner::Accounts { shard: scene.shard, nominee: address(people::STRANGER) };
    wire::accept_shard_owner(SCHEDULER.address(), accounts, &[], &wire::accept_shard_owner::Data {}, &[])
}

/// A third shard, without queues.
fn deregister(open: &Scene) -> ValidCase {
    let mut fixture = open.fixture.clone();
    let register = fixture.register_shard(people::OWNER);
    let shard = register.accounts[register_shard::Position::shard as usize].pubkey;
    fixture.send(&[register], &[people::AUTHORITY]);
    let accounts = wire::deregister_shard::Accounts {
        config: config(SCHEDULER),
        registry: client::registry_address(&SCHEDULER.address()),
        shard,
        owner: address(people::OWNER),
    };
    let data = wire::deregister_shard::Data {};
    ValidCase::new("DeregisterShard", &fixture, wire::deregister_shard(SCHEDULER.address(), accounts, &[], &data, &[]))
}
