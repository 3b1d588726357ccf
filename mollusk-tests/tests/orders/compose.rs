//! `Compose` and `RotateEpoch`.

use super::{assert_checked, runner};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::people;
use mollusk_tests::orders::{Shared, before, compose, constraint, rotate_epoch};
use mollusk_tests::programs::{address, keypair};
use shared_layouts::scheduler::{
    ConstraintRecord, Epoch, Order, SchedulerError, compose::Position, composition_mode, constraint_kind,
    constraint_status, when_dead,
};

/// Marks an entry of a member as pending in the epoch at a place, as a queue would.
fn with_pending(order: &mut Order, place: usize, member: usize) {
    order.epochs[place].pending[member] = 1;
    order.epochs[place].pending_mask = 1 << member;
}

fn current(order: &Order) -> &Epoch {
    &order.epochs[(order.epoch & 1) as usize]
}

/// Writes the order's account as it stands.
fn write(shared: &mut Shared, order: &Order) {
    let mut account = shared.fixture.world.account(&shared.order);
    account.data = bytemuck::bytes_of(order).to_vec();
    shared.fixture.world.set_account(&shared.order, account);
}

#[test]
fn a_composition_closes_the_accepted_constraints_and_opens_the_next_epoch() {
    let mut shared = Shared::strict(1, 5);
    let cascade = ConstraintRecord { when_dead: when_dead::CASCADE, ..before(0, 1) };
    let after = constraint(constraint_kind::AFTER, 2, 1);
    let link = constraint(constraint_kind::SEQUENTIAL, 2, 3);
    let level = constraint(constraint_kind::PRIORITY, 4, 9);
    shared.set(0, &[cascade, after, link, constraint(constraint_kind::CONCURRENT, 4, 0), level]);
    let case = shared.fixture.case(shared.composition());
    let outcome = runner().expect_ok(&case);
    outcome.assert_only_changed(&[shared.order]);
    let order: Order = bytemuck::pod_read_unaligned(&outcome.account(&shared.order).data);
    let epoch = current(&order);
    assert_eq!((order.epoch, epoch.epoch, epoch.composition, order.compositions), (2, 2, 1, 1));
    assert_eq!(epoch.masks.predecessors[..5], [0, 0b1, 0b11, 0b111, 0]);
    assert_eq!(epoch.masks.cascade[..5], [0, 0b1, 0, 0, 0]);
    assert_eq!(epoch.masks.block[..5], [0, 0, 0b11, 0b111, 0]);
    assert_eq!(epoch.masks.chain[..5], [0, 0, 0b1100, 0b1100, 0]);
    assert_eq!(epoch.holding_mask, 0b111);
    assert_eq!(order.members[..5].iter().map(|member| member.level).collect::<Vec<_>>(), [255, 255, 255, 255, 9]);
    assert_eq!(order.composed_version, order.constraints_version);
}

#[test]
fn every_account_and_length_is_checked() {
    let mut shared = Shared::strict(2, 2);
    shared.set(0, &[before(0, 1)]);
    let case = shared.fixture.case(shared.composition());
    assert_checked(&runner(), &case, &[Position::order as usize]);
    let stranger = case.with_key(Position::owner as usize, address(people::STRANGER));
    runner().expect_error(&stranger, SchedulerError::NotShardOwner as u32);
    let other = compose(&shared.order, &shared.shards[1], shared.order().constraints_version);
    runner().expect_error(&shared.fixture.case(other), SchedulerError::WrongShard as u32);
    let rotate = shared.fixture.case(rotate_epoch(&shared.order));
    assert_checked_rotation(&shared, &rotate);
}

fn assert_checked_rotation(shared: &Shared, case: &mollusk_tests::single::Case) {
    use solana_program_error::ProgramError;
    runner().expect_ok(case).assert_only_changed(&[shared.order]);
    runner().expect_error(&case.clone().without_writable(0), ProgramError::Immutable);
    runner().expect_error(&case.clone().with_owner(0, address("another program")), ProgramError::InvalidAccountOwner);
    runner().expect_error(&case.clone().with_data_byte(0, 0, 0x24), ProgramError::InvalidAccountData);
    runner().expect_error(&case.clone().lengthened(), ProgramError::InvalidInstructionData);
    runner().expect_error(&case.clone().without_account(0), ProgramError::NotEnoughAccountKeys);
}

#[test]
fn the_composed_version_is_the_one_that_was_asked_for_and_a_new_one() {
    let mut shared = Shared::strict(1, 2);
    let version = shared.order().constraints_version;
    let stale = compose(&shared.order, &shared.shards[0], version - 1);
    runner().expect_error(&shared.fixture.case(stale), SchedulerError::ConstraintsChanged as u32);
    let composition = shared.composition();
    shared.fixture.send(std::slice::from_ref(&composition), &[people::OWNER]);
    runner().expect_error(&shared.fixture.case(composition), SchedulerError::AlreadyComposed as u32);
}

#[test]
fn a_contradiction_is_an_error_that_names_the_capabilities_on_it() {
    let beside = constraint(constraint_kind::CONCURRENT, 0, 2);
    for (records, named) in [
        (vec![before(3, 4), before(0, 1), before(1, 2), before(2, 0)], vec![0, 1, 2]),
        (vec![before(3, 4), before(0, 1), before(1, 2), beside], vec![0, 1, 2]),
        (vec![before(3, 0), before(0, 3)], vec![0, 3]),
    ] {
        let mut shared = Shared::strict(1, 5);
        shared.set(0, &records);
        let composition = shared.composition();
        let case = shared.fixture.case(composition.clone());
        runner().expect_error(&case, SchedulerError::ContradictoryOrder as u32);
        let people = [people::PAYER, people::OWNER].map(keypair);
        let failure = shared.fixture.world.send(&[composition], &people[0], &[&people[1]]).expect_err("it is refused");
        let logs = failure.outcome.logs.join("\n");
        for (member, capability) in shared.members.iter().enumerate() {
            assert_eq!(logs.contains(&capability.to_string()), named.contains(&member), "member {member} in\n{logs}");
        }
    }
}

#[test]
fn a_weighted_composition_drops_the_lightest_and_says_which() {
    let weigh = |record, weight| ConstraintRecord { weight, ..record };
    let mut shared = Shared::new(FeatureProfile::Mainnet, 1, 3, composition_mode::WEIGHTED);
    shared.set(0, &[weigh(before(0, 1), 9), weigh(before(2, 0), 5), weigh(before(1, 2), 4), weigh(before(0, 2), 1)]);
    shared.fixture.send(&[shared.composition()], &[people::OWNER]);
    let order = shared.order();
    let dropped = order.constraints[..4].iter().map(|one| one.status & constraint_status::DROPPED != 0);
    assert_eq!(dropped.collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!((order.dropped_count, current(&order).masks.predecessors[..3].to_vec()), (2, vec![0b100, 0b101, 0]));
    // What was dropped is forgotten with the next composition.
    shared.set(0, &[weigh(before(0, 1), 9)]);
    shared.fixture.send(&[shared.composition()], &[people::OWNER]);
    assert_eq!((shared.order().dropped_count, shared.order().constraints[0].status & 4), (0, 0));
}

#[test]
fn until_the_older_epoch_has_drained_the_current_stays_in_force() {
    let mut shared = Shared::strict(1, 2);
    shared.set(0, &[before(0, 1)]);
    let rotation = rotate_epoch(&shared.order);
    // Pending in the current epoch, 1: the next one opens, and then none does.
    let mut order = shared.order();
    with_pending(&mut order, 1, 0);
    write(&mut shared, &order);
    runner().expect_ok(&shared.fixture.case(rotation.clone()));
    shared.fixture.send(&[shared.composition()], &[people::OWNER]);
    shared.set(0, &[before(1, 0)]);
    for refused in [rotation.clone(), shared.composition()] {
        runner().expect_error(&shared.fixture.case(refused), SchedulerError::OlderEpochPending as u32);
    }
    // A dead entry that others look at holds it up as well.
    let mut order = shared.order();
    order.epochs[1].pending[0] = 0;
    order.epochs[1].pending_mask = 0;
    order.epochs[1].dead_mask = 1;
    write(&mut shared, &order);
    runner().expect_error(&shared.fixture.case(rotation), SchedulerError::OlderEpochPending as u32);
    order.epochs[1].dead_mask = 0;
    write(&mut shared, &order);
    shared.fixture.send(&[shared.composition()], &[people::OWNER]);
    assert_eq!((shared.order().epoch, current(&shared.order()).masks.predecessors[..2].to_vec()), (3, vec![0b10, 0]));
}

#[test]
fn a_rotation_keeps_the_composition_and_forgets_what_was_given_up_two_epochs_ago() {
    let mut shared = Shared::strict(1, 2);
    shared.set(0, &[before(0, 1)]);
    shared.fixture.send(&[shared.composition()], &[people::OWNER]);
    let mut order = shared.order();
    order.epochs[1].given_up_mask = 0b11;
    write(&mut shared, &order);
    shared.fixture.send(&[rotate_epoch(&shared.order)], &[]);
    let after = shared.order();
    let [even, odd] = after.epochs;
    assert_eq!((after.epoch, odd.epoch, even.epoch), (3, 3, 2));
    assert!(odd.masks == even.masks && odd.composition == even.composition && odd.holding_mask == even.holding_mask);
    assert_eq!(odd.given_up_mask, 0);
}
