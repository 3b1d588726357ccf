//! Registration, update and close of capabilities; compositions on chain.

use mollusk_tests::{
    capabilities::{check, close, update},
    features::FeatureProfile,
    fixture::*,
    lifecycle::Update,
    programs::*,
};
use proptest::prelude::*;
use shared_layouts::{
    processor::{self, Capability, CheckResult, Function, ProcessorError, composition, function_kind, operator},
    scheduler::Shard,
};
use solana_instruction::{Instruction, error::InstructionError};
use solana_pubkey::Pubkey;

const BLANK: Function = Function {
    kind: 0,
    operator: 0,
    width: 0,
    number: 0,
    flags: 0,
    account: 0,
    second_account: 0,
    reserved: 0,
    weight: 0,
    account_offset: 0,
    input_offset: 0,
    extra: 0,
    constant: [0; 32],
};

/// Holds if the argument byte at `offset` is 1.
fn byte_is_one(offset: u32, weight: u32) -> Function {
    let mut constant = [0; 32];
    constant[0] = 1;
    Function { kind: function_kind::INPUT, width: 1, input_offset: offset, weight, constant, ..BLANK }
}

fn setup() -> (Fixture, Pubkey) {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shard = fixture.shard();
    (fixture, shard)
}

#[track_caller]
fn refuse(fixture: &mut Fixture, instruction: Instruction, error: ProcessorError) {
    let signers: Vec<_> = people::ALL.iter().map(|name| keypair(name)).collect();
    let signers: Vec<_> = signers.iter().collect();
    fixture.world.expect_error(&[instruction], &keypair(people::PAYER), &signers, 0, error as u32);
}

#[test]
fn an_update_gives_the_next_version_and_moves_the_rent_both_ways() {
    let (mut fixture, shard) = setup();
    let small = Definition::new(&NOOP.address());
    let large = Definition::new(&NOOP.address())
        .targets([fixed(&address("account 0"), 0)])
        .functions([byte_is_one(0, 0), byte_is_one(1, 0)]);
    let capability = fixture.capability(&shard, &small);
    let registered = fixture.world.account(&capability);
    for (version, definition) in [(2, &large), (3, &small), (4, &large)] {
        fixture.send(&[update(&capability, &shard, people::OWNER, definition)], &[people::OWNER]);
        let header: Capability = fixture.fixed_part(&capability);
        let account = fixture.world.account(&capability);
        assert_eq!(header.capability_version, version);
        assert_eq!(account.data.len(), header.bytes_by_counts());
        assert_eq!(account.lamports, fixture.world.svm.minimum_balance_for_rent_exemption(account.data.len()));
    }
    fixture.send(&[update(&capability, &shard, people::OWNER, &small)], &[people::OWNER]);
    let mut expected = registered;
    expected.data[112] = 5;
    assert_eq!(mollusk_tests::compare::difference(&expected, &fixture.world.account(&capability)), None);
}

/// Within a transaction what was cut off is still in memory behind the account.
#[test]
fn a_capability_that_shrinks_and_grows_in_one_transaction_is_the_one_that_does_so_in_two() {
    let (mut fixture, shard) = setup();
    let large = Definition::new(&NOOP.address())
        .targets([fixed(&address("account 0"), 1)])
        .functions([byte_is_one(0, 0), byte_is_one(1, 0)])
        .prefix(&[9; 20]);
    let other = Definition::new(&NOOP.address()).targets([worker_chosen(0), worker_chosen(0), worker_chosen(0)]);
    let capability = fixture.capability(&shard, &large);
    let steps = [Definition::new(&NOOP.address()), other].map(|next| update(&capability, &shard, people::OWNER, &next));
    let mut at_once = fixture.clone();
    at_once.send(&steps, &[people::OWNER]);
    for step in steps {
        fixture.send(&[step], &[people::OWNER]);
    }
    let accounts = [&fixture, &at_once].map(|fixture| fixture.world.account(&capability));
    assert_eq!(mollusk_tests::compare::difference(&accounts[0], &accounts[1]), None);
}

#[test]
fn only_the_owner_of_the_capabilitys_shard_updates_and_closes_it() {
    let (mut fixture, shard) = setup();
    let definition = Definition::new(&NOOP.address());
    let capability = fixture.capability(&shard, &definition);
    let other = fixture.shard();
    refuse(&mut fixture, update(&capability, &shard, people::STRANGER, &definition), ProcessorError::NotShardOwner);
    refuse(&mut fixture, update(&capability, &other, people::OWNER, &definition), ProcessorError::WrongShard);
    refuse(&mut fixture, close(&capability, &shard, people::STRANGER), ProcessorError::NotShardOwner);
    refuse(&mut fixture, close(&capability, &other, people::OWNER), ProcessorError::WrongShard);
    // A shard is one because a scheduler owns it: the same bytes under another program are not.
    let mut copy = fixture.world.account(&shard);
    copy.owner = NOOP.address();
    assert_eq!(copy.data.len(), Shard::BYTES);
    fixture.world.set_account(&shard, copy);
    refuse(&mut fixture, close(&capability, &shard, people::OWNER), ProcessorError::WrongShard);
}

#[test]
fn a_closed_capability_gives_its_rent_back_and_its_number_never_returns() {
    let (mut fixture, shard) = setup();
    let definition = Definition::new(&NOOP.address());
    let capability = fixture.capability(&shard, &definition);
    let rent = fixture.world.account(&capability).lamports;
    // Lamports that come in the same transaction, behind the close, revive nothing.
    let revive = solana_system_interface::instruction::transfer(&address(people::PAYER), &capability, rent);
    fixture.send(&[close(&capability, &shard, people::OWNER), revive], &[people::OWNER]);
    assert_eq!(fixture.world.account(&address("recipient")).lamports, rent);
    let left = fixture.world.account(&capability);
    assert!(left.data.is_empty() && left.owner == solana_sdk_ids::system_program::ID);
    let signers = [keypair(people::OWNER)];
    let error = InstructionError::InvalidAccountOwner;
    let again = update(&capability, &shard, people::OWNER, &definition);
    fixture.world.expect_error(&[again], &keypair(people::PAYER), &[&signers[0]], 0, error.clone());
    fixture.world.expect_error(&[check(&capability, &[], &[])], &keypair(people::PAYER), &[], 0, error);
    let next = fixture.capability(&shard, &definition);
    assert_ne!(next, capability);
    let config: processor::ProcessorConfig = fixture.fixed_part(&config(PROCESSOR));
    assert_eq!((config.capabilities_created, config.capabilities_active), (2, 1));
}

#[test]
fn our_own_programs_are_refused_as_target_and_as_verifier() {
    let (mut fixture, shard) = setup();
    for own in [PROCESSOR.address(), SCHEDULER.address()] {
        let target = fixture.register_capability(&shard, &Definition::new(&own));
        refuse(&mut fixture, target, ProcessorError::ForbiddenProgram);
        let external = Function { kind: function_kind::EXTERNAL, ..BLANK };
        let verifier = Definition::new(&NOOP.address()).evidence([fixed(&own, 0)]).functions([external]);
        let verifier = fixture.register_capability(&shard, &verifier);
        refuse(&mut fixture, verifier, ProcessorError::ForbiddenProgram);
    }
}

#[test]
fn a_verifier_is_named_by_the_owner_and_stands_behind_the_cheap_functions() {
    let (mut fixture, shard) = setup();
    let external = Function { kind: function_kind::EXTERNAL, ..BLANK };
    let chosen = Definition::new(&NOOP.address()).evidence([worker_chosen(0)]).functions([external]);
    let verifier = [fixed(&NOOP.address(), 0)];
    let before = Definition::new(&NOOP.address()).evidence(verifier).functions([external, byte_is_one(0, 0)]);
    for definition in [chosen, before] {
        let instruction = fixture.register_capability(&shard, &definition);
        refuse(&mut fixture, instruction, ProcessorError::InvalidCapability);
    }
}

#[test]
fn a_field_that_its_kind_does_not_use_must_be_zero() {
    let (mut fixture, shard) = setup();
    let bad = [
        Function { kind: 0, ..BLANK },
        Function { kind: 16, ..BLANK },
        Function { account: 1, ..byte_is_one(0, 0) },
        Function { weight: 1, ..byte_is_one(0, 0) },
        Function { width: 3, ..byte_is_one(0, 0) },
        Function { operator: operator::NO_BITS + 1, ..byte_is_one(0, 0) },
        Function { flags: 2, ..byte_is_one(0, 0) },
        Function { account_offset: 1, ..byte_is_one(0, 0) },
        Function { constant: [1; 32], ..byte_is_one(0, 0) },
        Function { kind: function_kind::SIGNER_PRESENT, ..BLANK },
    ];
    for function in bad {
        let instruction = fixture.register_capability(&shard, &Definition::new(&NOOP.address()).functions([function]));
        refuse(&mut fixture, instruction, ProcessorError::InvalidCapability);
    }
}

fn result(fixture: &mut Fixture, instruction: Instruction) -> CheckResult {
    bytemuck::pod_read_unaligned(&fixture.send(&[instruction], &[]).return_data.1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// On chain, against sums over the whole list: the map, the score and the verdict.
    #[test]
    fn a_composition_on_chain_is_what_all_results_together_say(
        kind in 0u8..4, results in prop::collection::vec((1u32..50, any::<bool>()), 1..=10), at in any::<prop::sample::Index>(),
    ) {
        let (mut fixture, shard) = setup();
        let weighted = kind == composition::WEIGHTED;
        let worth: Vec<u32> = results.iter().map(|(weight, _)| if weighted { *weight } else { 1 }).collect();
        let total: u32 = worth.iter().sum();
        let threshold = if kind >= composition::AT_LEAST { (1..=total).nth(at.index(total as usize)).expect("it is in range") } else { 0 };
        let functions = results.iter().zip(0..).map(|((weight, _), index)| byte_is_one(index, if weighted { *weight } else { 0 }));
        let mut definition = Definition::new(&NOOP.address()).functions(functions);
        definition.data.composition = kind;
        definition.data.threshold = threshold;
        let capability = fixture.capability(&shard, &definition);
        let arguments: Vec<u8> = results.iter().map(|(_, holds)| u8::from(*holds)).collect();
        let result = result(&mut fixture, check(&capability, &[], &arguments));

        let score: u32 = worth.iter().zip(&results).filter(|(_, (_, holds))| *holds).map(|(worth, _)| worth).sum();
        let needed = match kind { composition::ALL => total, composition::ANY => 1, _ => threshold };
        let map = results.iter().rev().fold(0, |map, (_, holds)| map << 1 | u32::from(*holds));
        prop_assert_eq!(result.score, score);
        prop_assert_eq!(result.holds, map);
        prop_assert_eq!(result.passed == 1, score >= needed);
        let first = results.iter().position(|(_, holds)| !holds).map_or(255, |index| u8::try_from(index).expect("few functions"));
        prop_assert_eq!(result.first_failing, first);
    }
}

#[test]
fn what_is_above_a_limit_of_the_config_is_refused_until_it_is_raised() {
    let (mut fixture, shard) = setup();
    let most = processor::DEFAULT_MAX_VERIFICATION_FUNCTIONS;
    let with = |functions: u16, compute_limit: u32| {
        let mut definition =
            Definition::new(&NOOP.address()).functions((0..functions).map(|index| byte_is_one(index.into(), 0)));
        definition.data.compute_limit = compute_limit;
        definition
    };
    let units = processor::DEFAULT_MAX_COMPUTE_UNITS;
    let capability = fixture.capability(&shard, &with(most, units));
    let above = [with(most + 1, units), with(most, units + 1)];
    for definition in &above {
        let register = fixture.register_capability(&shard, definition);
        refuse(&mut fixture, register, ProcessorError::AboveConfigLimit);
        let update = update(&capability, &shard, people::OWNER, definition);
        refuse(&mut fixture, update, ProcessorError::AboveConfigLimit);
    }
    let fields = processor::config_fields::MAX_COMPUTE_UNITS | processor::config_fields::MAX_VERIFICATION_FUNCTIONS;
    let raised = processor::update_config::Data {
        fields,
        max_compute_units: 2 * units,
        max_verification_functions: most + 1,
        ..Default::default()
    };
    fixture.send(&[Update::Processor(raised).by(people::AUTHORITY)], &[people::AUTHORITY]);
    for definition in &above {
        fixture.capability(&shard, definition);
    }
}

#[test]
fn the_payer_of_an_update_is_a_system_account() {
    let (mut fixture, shard) = setup();
    let small = Definition::new(&NOOP.address());
    let large = small.clone().functions([byte_is_one(0, 0)]);
    let capability = fixture.capability(&shard, &large);
    let mut account = fixture.world.account(&address(people::PAYER));
    account.owner = NOOP.address();
    fixture.world.set_account(&address(people::PRODUCER), account);
    for definition in [small, large.functions([byte_is_one(1, 0)])] {
        let mut update = update(&capability, &shard, people::OWNER, &definition);
        update.accounts[processor::update_capability::Position::payer as usize].pubkey = address(people::PRODUCER);
        let signers: Vec<_> = people::ALL.iter().map(|name| keypair(name)).collect();
        let signers: Vec<_> = signers.iter().collect();
        let error = InstructionError::InvalidAccountOwner;
        fixture.world.expect_error(&[update], &keypair(people::PAYER), &signers, 0, error);
    }
}
