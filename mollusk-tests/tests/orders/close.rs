//! `CloseOrder`.

use super::{assert_checked, runner};
use mollusk_tests::fixture::people;
use mollusk_tests::orders::{Shared, close_order};
use mollusk_tests::programs::address;
use shared_layouts::scheduler::close_order::Position;
use shared_layouts::scheduler::{Order, SchedulerError, Shard};
use solana_program_error::ProgramError;

#[test]
fn an_unused_order_closes_and_gives_its_rent_back() {
    let shared = Shared::strict(2, 1);
    let case = shared.fixture.case(close_order(&shared.order, &shared.shards[0]));
    let outcome = runner().expect_ok(&case);
    let recipient = case.key(Position::recipient as usize);
    outcome.assert_only_changed(&[shared.order, shared.shards[0], recipient]);
    let closed = outcome.account(&shared.order);
    assert_eq!((closed.lamports, closed.data.len()), (0, 0));
    let rent = shared.fixture.world.account(&shared.order).lamports;
    let before = shared.fixture.world.account(&recipient).lamports;
    assert_eq!(outcome.account(&recipient).lamports, before + rent);
    let shard: Shard = bytemuck::pod_read_unaligned(&outcome.account(&shared.shards[0]).data);
    assert_eq!((shard.orders_active, shard.orders_created), (0, 1));
}

#[test]
fn every_account_and_length_is_checked() {
    let shared = Shared::strict(2, 1);
    let case = shared.fixture.case(close_order(&shared.order, &shared.shards[0]));
    assert_checked(&runner(), &case, &[Position::order as usize]);
    let stranger = case.clone().with_key(Position::owner as usize, address(people::STRANGER));
    runner().expect_error(&stranger, SchedulerError::NotShardOwner as u32);
    let other = shared.fixture.case(close_order(&shared.order, &shared.shards[1]));
    runner().expect_error(&other, SchedulerError::WrongShard as u32);
    let into_itself = case.with_key(Position::recipient as usize, shared.order);
    runner().expect_error(&into_itself, ProgramError::InvalidArgument);
}

#[test]
fn an_order_with_queues_or_entries_does_not_close() {
    let shared = Shared::strict(2, 1);
    let case = shared.fixture.case(close_order(&shared.order, &shared.shards[0]));
    let uses: [fn(&mut Order); 4] = [
        |order| order.shards[1].queues = 1,
        |order| order.leased_mask = 1,
        |order| order.epochs[0].pending_mask = 2,
        |order| order.epochs[1].dead_mask = 2,
    ];
    for use_it in uses {
        let mut order = shared.order();
        use_it(&mut order);
        let used = case.clone().with_data(Position::order as usize, bytemuck::bytes_of(&order).to_vec());
        runner().expect_error(&used, SchedulerError::OrderInUse as u32);
    }
}
