//! `SetConstraints` and `AcceptConstraints`.

use super::{assert_checked, runner};
use mollusk_tests::fixture::{Definition, people};
use mollusk_tests::orders::{Shared, accept_constraints, before, constraint, set_constraints};
use mollusk_tests::programs::{NOOP, address};
use shared_layouts::scheduler::{
    ConstraintRecord, SchedulerError, accept_constraints::Position as AcceptPosition, constraint_kind,
    constraint_status, set_constraints::Position,
};
use solana_program_error::ProgramError;

#[test]
fn a_set_replaces_the_shards_former_one_and_leaves_the_others() {
    let mut shared = Shared::strict(3, 2);
    shared.set(0, &[before(0, 1), before(2, 0)]);
    shared.set(1, &[before(0, 2), before(2, 3), before(3, 4)]);
    shared.set(2, &[before(4, 5)]);
    shared.set(1, &[before(1, 3)]);
    let order = shared.order();
    let kept: Vec<_> = order.constraints[..usize::from(order.constraints_count)]
        .iter()
        .map(|one| (one.shard, one.from, one.to))
        .collect();
    assert_eq!(kept, [(0, 0, 1), (0, 2, 0), (2, 4, 5), (1, 1, 3)]);
    assert!(order.constraints[4..].iter().all(|place| *place == bytemuck::Zeroable::zeroed()));
    assert_eq!([0, 1, 2].map(|shard| order.shards[shard].constraints), [2, 1, 1]);
    assert_eq!([0, 1, 2].map(|shard| order.shards[shard].version), [2, 3, 2]);
    assert_eq!((order.constraints_version, order.members_count), (7, 6));
    let capabilities: Vec<_> = order.members[..6].iter().map(|member| member.capability).collect();
    assert_eq!(capabilities, shared.members.iter().map(solana_pubkey::Pubkey::to_bytes).collect::<Vec<_>>());
    assert_eq!(order.members[..6].iter().map(|member| member.shard).collect::<Vec<_>>(), [0, 0, 1, 1, 2, 2]);
}

#[test]
fn every_account_and_length_is_checked() {
    let shared = Shared::strict(2, 1);
    let case = shared.fixture.case(set_constraints(&shared.order, &shared.shards[0], &[], &[before(1, 0)]));
    let owned = [Position::config, Position::order, Position::shard].map(|at| at as usize);
    assert_checked(&runner(), &case, &owned);
    let stranger = case.with_key(Position::owner as usize, address(people::STRANGER));
    runner().expect_error(&stranger, SchedulerError::NotShardOwner as u32);
}

#[test]
fn a_shard_that_is_not_invited_takes_no_part() {
    let mut shared = Shared::strict(2, 1);
    let outsider = shared.fixture.shard();
    let set = set_constraints(&shared.order, &outsider, &[], &[]);
    runner().expect_error(&shared.fixture.case(set), SchedulerError::NotInOrder as u32);
    let accept = accept_constraints(&shared.order, &outsider, 0, 1, 1);
    runner().expect_error(&shared.fixture.case(accept), SchedulerError::NotInOrder as u32);
}

#[test]
fn only_capabilities_of_the_shard_become_members_and_each_once() {
    let mut shared = Shared::strict(2, 1);
    let [first, second] = [shared.shards[0], shared.shards[1]];
    let [one, two] = [(); 2].map(|()| shared.fixture.capability(&first, &Definition::new(&NOOP.address())));
    let foreign = shared.fixture.capability(&second, &Definition::new(&NOOP.address()));
    let set = |new: &[_]| shared.fixture.case(set_constraints(&shared.order, &first, new, &[]));
    runner().expect_ok(&set(&[one, two]));
    for (new, error) in [
        (vec![one, foreign], SchedulerError::UnknownCapability),
        (vec![shared.order], SchedulerError::UnknownCapability),
        (vec![one, one], SchedulerError::AlreadyMember),
        (vec![one, shared.members[0]], SchedulerError::AlreadyMember),
    ] {
        runner().expect_error(&set(&new), error as u32);
    }
    let mut miscounted = set(&[one, two]);
    miscounted.instruction.data[1] = 3;
    runner().expect_error(&miscounted, ProgramError::NotEnoughAccountKeys);
    miscounted.instruction.data[1] = 1;
    runner().expect_error(&miscounted, ProgramError::InvalidArgument);
    let seventeen: Vec<_> = std::iter::repeat_n(one, 17).collect();
    runner().expect_error(&set(&seventeen), ProgramError::InvalidArgument);
}

#[test]
fn an_invitation_bounds_members_and_constraints() {
    let mut shared = Shared::strict(16, 4);
    let shard = shared.shards[3];
    let extra = shared.fixture.capability(&shard, &Definition::new(&NOOP.address()));
    let set = |new: &[_], count| {
        shared.fixture.case(set_constraints(&shared.order, &shard, new, &vec![before(12, 13); count]))
    };
    runner().expect_ok(&set(&[], 16));
    runner().expect_error(&set(&[], 17), SchedulerError::TooManyConstraints as u32);
    runner().expect_error(&set(&[extra], 0), SchedulerError::TooManyMembers as u32);
}

#[test]
fn a_constraint_that_means_nothing_or_is_out_of_turn_is_refused() {
    let shared = Shared::strict(2, 2);
    let sound = before(0, 1);
    let level = |member, level| constraint(constraint_kind::PRIORITY, member, level);
    for records in [
        vec![ConstraintRecord { to: 0, ..sound }],
        vec![ConstraintRecord { from: 4, ..sound }],
        vec![ConstraintRecord { to: 4, ..sound }],
        vec![ConstraintRecord { kind: 0, ..sound }],
        vec![ConstraintRecord { when_dead: 3, ..sound }],
        vec![ConstraintRecord { weight: 0, ..sound }],
        vec![ConstraintRecord { reserved: [1, 0], ..sound }],
        vec![level(0, 16)],
        vec![level(2, 3)],
        vec![level(1, 3), level(0, 3), level(1, 4)],
        vec![sound, ConstraintRecord { weight: 2, ..sound }],
    ] {
        let case = shared.fixture.case(set_constraints(&shared.order, &shared.shards[0], &[], &records));
        runner().expect_error(&case, SchedulerError::InvalidConstraint as u32);
    }
}

#[test]
fn an_edge_that_makes_another_shards_wait_needs_that_shards_acceptance() {
    let mut shared = Shared::strict(3, 1);
    // Shard 0 puts shard 1's member behind its own.
    shared.set(0, &[before(0, 1)]);
    let before_of = |shared: &Shared| shared.order().epochs[(shared.order().epoch & 1) as usize].masks.predecessors[1];
    shared.fixture.send(&[shared.composition()], &[people::OWNER]);
    assert_eq!(before_of(&shared), 0, "composed without it");
    shared.accept(1, 0);
    shared.fixture.send(&[shared.composition()], &[people::OWNER]);
    assert_eq!(before_of(&shared), 1);
    // No longer accepted: gone with the next composition. And a new version is not accepted either.
    let version = shared.order().shards[0].version;
    let revoke = accept_constraints(&shared.order, &shared.shards[1], 0, version, 0);
    shared.fixture.send(&[revoke], &[people::OWNER]);
    shared.fixture.send(&[shared.composition()], &[people::OWNER]);
    assert_eq!(before_of(&shared), 0);
    shared.accept(1, 0);
    shared.set(0, &[before(0, 1)]);
    let status = shared.order().constraints[0].status;
    assert_eq!(status, constraint_status::FROM_ACCEPTED);
}

#[test]
fn an_answer_is_about_one_version_and_about_something() {
    let mut shared = Shared::strict(3, 1);
    shared.set(0, &[before(0, 1)]);
    let version = shared.order().shards[0].version;
    let answer = |shard: usize, submitter, version, accept| {
        shared.fixture.case(accept_constraints(&shared.order, &shared.shards[shard], submitter, version, accept))
    };
    let good = answer(1, 0, version, 1);
    let outcome = runner().expect_ok(&good);
    outcome.assert_only_changed(&[shared.order]);
    assert_checked(&runner(), &good, &[AcceptPosition::order as usize, AcceptPosition::shard as usize]);
    let stranger = good.with_key(AcceptPosition::owner as usize, address(people::STRANGER));
    runner().expect_error(&stranger, SchedulerError::NotShardOwner as u32);
    runner().expect_error(&answer(1, 0, version - 1, 1), SchedulerError::ConstraintsChanged as u32);
    runner().expect_error(&answer(1, 3, version, 1), SchedulerError::NotInOrder as u32);
    runner().expect_error(&answer(1, 16, version, 1), SchedulerError::NotInOrder as u32);
    runner().expect_error(&answer(1, 0, version, 2), ProgramError::InvalidInstructionData);
    // Not accepted yet, of another shard, and one's own.
    runner().expect_error(&answer(1, 0, version, 0), SchedulerError::NothingToAccept as u32);
    runner().expect_error(&answer(2, 0, version, 1), SchedulerError::NothingToAccept as u32);
    runner().expect_error(&answer(0, 0, version, 1), SchedulerError::NothingToAccept as u32);
}
