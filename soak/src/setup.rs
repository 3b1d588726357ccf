//! The shards, their queues and capabilities, and the orders that some of the queues are bound to.

use crate::engine::Plan;
use crate::lane::{COSIGNER, Lane, Line};
use crate::orders::{Bound, CAST_MEMBERS, Counts};
use mollusk_tests::fixture::{self, Fixture, people};
use mollusk_tests::judge::Judge;
use mollusk_tests::orders::{create_order_with, invitation, set_constraints};
use mollusk_tests::programs::address;
use mollusk_tests::queues::Bench;
use mollusk_tests::token;
use shared_layouts::scheduler::{self as wire, OrderInvitation, ProducerRecord, composition_mode, queue_flags};
use solana_instruction::AccountMeta;
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// Tokens in each vault: more than all numbers together.
const VAULT_UNITS: u64 = 1 << 60;
/// Flags of the queues, in turn.
const KINDS: [u8; 4] = [queue_flags::LEASED, 0, queue_flags::LEASED | queue_flags::STRICT, queue_flags::LEASED];
/// Capabilities of each shard whose queue is bound to no order.
const FREE_MEMBERS: u8 = 2;
/// How each of the orders is composed.
const MODES: [u8; ORDERS] = [composition_mode::STRICT, composition_mode::WEIGHTED];
/// Orders; the first shards are theirs.
pub const ORDERS: usize = 2;
/// Workers on each list, in its order.
pub const WORKERS: [&str; 2] = [people::WORKER, people::STRANGER];
/// Leases that may fail before an operation is dead.
const MAX_ATTEMPTS: u8 = 3;
/// Latest deadline of an operation, seconds after it was queued.
pub const MAX_DEADLINE_SECONDS: u32 = 1_000_000;

/// What the queues have in common.
pub fn policy(flags: u8) -> wire::create_queue::Data {
    wire::create_queue::Data {
        flags,
        // A bound queue has its index in the 10,240 bytes that it can begin with.
        slots: 20,
        max_deadline_seconds: MAX_DEADLINE_SECONDS,
        max_attempts: MAX_ATTEMPTS,
        // Otherwise the lowest level of a queue that is never empty waits for ever, and no epoch drains.
        lowest_level_every: 3,
        ..fixture::queue_policy()
    }
}

/// A shard with its capabilities, each with a vault of its own; its queue is made by [`queue`].
fn shard(fixture: &mut Fixture, index: usize, members: u8, mint: &Pubkey) -> Lane {
    let shard = fixture.shard();
    let destination = address(&format!("destination {index}"));
    fixture.world.set_account(&destination, token::token_account(mint, &address(people::STRANGER), 0));
    let mut lines = Vec::new();
    for member in 0..members {
        let vault = address(&format!("vault {index} {member}"));
        // The last one of each shard can do without the capability's signature.
        let is_cosigned = member + 1 == members;
        let capability = fixture.next_capability();
        let line = Line { capability, vault, destination, is_cosigned, is_direct: is_cosigned, version: 1 };
        fixture.capability(&shard, &line.definition());
        let owner = if is_cosigned { address(COSIGNER) } else { capability };
        fixture.world.set_account(&vault, token::token_account(mint, &owner, VAULT_UNITS));
        lines.push(line);
    }
    Lane { shard, queue: Pubkey::default(), lines, destination, order: None, sequence: 0, lost: vec![], paused: false }
}

/// Makes a shard's queue, bound to its order if there is one, with its people and a purse.
fn queue(bench: &mut Bench, lane: &mut Lane, kind: u8, order: Option<Pubkey>) {
    let producer = ProducerRecord { quota: 2_000, ..fixture::producer(people::PRODUCER) };
    let flags = kind | if order.is_some() { queue_flags::ORDERED } else { 0 };
    let mut create = bench.fixture.create_queue(&lane.shard, &policy(flags), &[producer]);
    create.accounts.extend(order.map(|order| AccountMeta::new(order, false)));
    lane.queue = create.accounts[wire::create_queue::Position::queue as usize].pubkey;
    bench.send(&[create], &[people::OWNER]);
    bench.fixture.world.airdrop(&lane.queue, 1_000_000_000);
    (bench.shard, bench.queue) = (lane.shard, lane.queue);
    for worker in WORKERS {
        let list = bench.set_worker(worker, true);
        bench.send(&[list], &[people::OWNER]);
    }
}

/// Opens an order for some shards, and brings their capabilities in: those of the first shard get the first bits.
fn order(fixture: &mut Fixture, lanes: &[Lane], first: usize, mode: u8, patience_seconds: u32) -> Bound {
    let shards = u8::try_from(lanes.len()).expect("few shards");
    let weights: Vec<u16> = (1..).take(lanes.len()).collect();
    let shards_weights = lanes.iter().zip(&weights);
    let invitations: Vec<OrderInvitation> = shards_weights
        .map(|(lane, weight)| OrderInvitation { weight: *weight, ..invitation(&lane.shard, shards) })
        .collect();
    let data = wire::create_order::Data { patience_seconds, mode };
    let create = create_order_with(&lanes[0].shard, 0, &data, &invitations);
    let order = create.accounts[wire::create_order::Position::order as usize].pubkey;
    fixture.send(&[create], &[people::OWNER]);
    for lane in lanes {
        let members: Vec<Pubkey> = lane.lines.iter().map(|line| line.capability).collect();
        fixture.send(&[set_constraints(&order, &lane.shard, &members, &[])], &[people::OWNER]);
    }
    let judge = Judge::new(u32::from(MAX_ATTEMPTS), patience_seconds);
    let (levels, counts) = (BTreeMap::new(), Counts::default());
    Bound { order, mode, lanes: first..first + lanes.len(), weights, judge, drawn: None, levels, counts }
}

/// Makes everything that a plan asks for.
pub fn lanes(bench: &mut Bench, plan: &Plan) -> (Vec<Lane>, Vec<Bound>) {
    let mint = address("mint");
    bench.fixture.world.set_account(&mint, token::mint(0, VAULT_UNITS));
    let bound = ORDERS * plan.shards_of_order;
    let mut lanes: Vec<Lane> = (0..plan.shards)
        .map(|index| shard(&mut bench.fixture, index, if index < bound { CAST_MEMBERS } else { FREE_MEMBERS }, &mint))
        .collect();
    let mut orders = Vec::new();
    for (at, own) in lanes[..bound].chunks_mut(plan.shards_of_order).enumerate() {
        let made = order(&mut bench.fixture, own, at * plan.shards_of_order, MODES[at], plan.patience_seconds);
        for lane in own {
            lane.order = Some(at);
        }
        orders.push(made);
    }
    for (index, lane) in lanes.iter_mut().enumerate() {
        let order = lane.order.map(|at| orders[at].order);
        queue(bench, lane, KINDS[index % KINDS.len()], order);
    }
    (lanes, orders)
}
