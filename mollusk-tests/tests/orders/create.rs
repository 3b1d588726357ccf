//! `CreateOrder`.

use super::{assert_checked, fault, runner};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Fixture, people};
use mollusk_tests::orders::{PATIENCE_SECONDS, create_order, invitation};
use mollusk_tests::programs::{SCHEDULER, address};
use mollusk_tests::single::Case;
use shared_layouts::lifecycle::Fault;
use shared_layouts::scheduler::create_order::Position;
use shared_layouts::scheduler::{
    MAX_PATIENCE_SECONDS, Order, OrderInvitation, SchedulerError, Shard, composition_mode,
};
use solana_pubkey::Pubkey;

struct World {
    fixture: Fixture,
    shards: Vec<Pubkey>,
}

impl World {
    fn new() -> Self {
        let mut fixture = Fixture::new(FeatureProfile::Mainnet);
        let shards = (0..3).map(|_| fixture.shard()).collect();
        Self { fixture, shards }
    }

    fn invitations(&self) -> Vec<OrderInvitation> {
        self.shards.iter().map(|shard| invitation(shard, 3)).collect()
    }

    fn case(&self, invitations: &[OrderInvitation]) -> Case {
        self.fixture.case(create_order(&self.shards[0], 0, composition_mode::WEIGHTED, invitations))
    }
}

#[test]
fn an_order_begins_with_its_invited_shards_and_an_empty_first_epoch() {
    let world = World::new();
    let case = world.case(&world.invitations());
    let outcome = runner().expect_ok(&case);
    let [order, shard, payer] = [Position::order, Position::shard, Position::payer].map(|at| case.key(at as usize));
    outcome.assert_only_changed(&[order, shard, payer]);
    let account = outcome.account(&order);
    assert_eq!((account.owner, account.data.len()), (SCHEDULER.address(), Order::BYTES));
    let order: Order = bytemuck::pod_read_unaligned(&account.data);
    assert_eq!((order.shard, order.number, order.epoch), (shard.to_bytes(), 0, 1));
    assert_eq!((order.patience_seconds, order.mode), (PATIENCE_SECONDS, composition_mode::WEIGHTED));
    assert_eq!((order.shards_count, order.members_count, order.constraints_count), (3, 0, 0));
    assert_eq!(order.epochs.map(|epoch| epoch.epoch), [0, 1]);
    for (place, shard) in order.shards.iter().zip(&world.shards) {
        assert_eq!((place.shard, place.max_members, place.max_constraints), (shard.to_bytes(), 21, 85));
    }
    let opener: Shard = bytemuck::pod_read_unaligned(&outcome.account(&shard).data);
    assert_eq!((opener.orders_created, opener.orders_active), (1, 1));
}

#[test]
fn every_account_and_length_is_checked() {
    let world = World::new();
    let case = world.case(&world.invitations());
    assert_checked(&runner(), &case, &[Position::shard as usize]);
    let stranger = case.clone().with_key(Position::owner as usize, address(people::STRANGER));
    runner().expect_error(&stranger, SchedulerError::NotShardOwner as u32);
    let elsewhere = case.with_key(Position::order as usize, address("elsewhere"));
    runner().expect_error(&elsewhere, fault(Fault::WrongAddress));
}

#[test]
fn invitations_name_each_shard_once_the_opener_first_and_promise_no_more_than_there_is() {
    let world = World::new();
    let good = world.invitations();
    let invalid = |change: &dyn Fn(&mut Vec<OrderInvitation>)| {
        let mut invitations = good.clone();
        change(&mut invitations);
        runner().expect_error(&world.case(&invitations), SchedulerError::InvalidInvitation as u32);
    };
    invalid(&|all| all.clear());
    invalid(&|all| all.swap(0, 1));
    invalid(&|all| all[2].shard = all[1].shard);
    invalid(&|all| all[1].shard = [0; 32]);
    invalid(&|all| all[1].weight = 0);
    invalid(&|all| all[1].reserved[2] = 1);
    invalid(&|all| all[1].max_members += 2);
    invalid(&|all| all[1].max_constraints += 2);
    let other = OrderInvitation { max_members: 0, max_constraints: 0, ..good[1] };
    invalid(&|all| all.extend((0..14).map(|index| OrderInvitation { shard: [index + 1; 32], ..other })));
}

#[test]
fn patience_and_mode_have_limits() {
    let world = World::new();
    let case = world.case(&world.invitations());
    for (offset, bytes) in
        [(1, 0u32.to_le_bytes().to_vec()), (1, (MAX_PATIENCE_SECONDS + 1).to_le_bytes().to_vec()), (5, vec![2])]
    {
        let mut case = case.clone();
        case.instruction.data[offset..offset + bytes.len()].copy_from_slice(&bytes);
        runner().expect_error(&case, SchedulerError::InvalidOrderPolicy as u32);
    }
}

#[test]
fn the_number_of_an_order_never_repeats() {
    let mut world = World::new();
    let invitations = world.invitations();
    let create = |number| create_order(&world.shards[0], number, composition_mode::STRICT, &invitations);
    world.fixture.send(&[create(0)], &[people::OWNER]);
    runner().expect_error(&world.fixture.case(create(0)), fault(Fault::WrongAddress));
    runner().expect_ok(&world.fixture.case(create(1)));
}
