//! What surrounds a run: who drives the capability, what is paused or metered, and a target that looks back.

use mollusk_tests::{
    capabilities::{check, relayed},
    features::FeatureProfile,
    fixture::*,
    program_data,
    programs::*,
    token,
    world::TxOutcome,
};
use shared_layouts::{
    client,
    lifecycle::Fault,
    processor::{ProcessorError, account_flags, capability_flags, execute as execute_wire, execute_flags, external},
    scheduler::SchedulerError,
};
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction, error::InstructionError};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};
use std::mem::offset_of;

const ARGUMENTS: [u8; 4] = [1, 2, 3, 4];

#[track_caller]
fn refuse(fixture: &mut Fixture, run: &[Instruction], index: usize, error: u32) {
    let signers: Vec<_> = people::ALL.iter().map(|name| keypair(name)).collect();
    let signers: Vec<_> = signers.iter().collect();
    fixture.world.expect_error(run, &keypair(people::PAYER), &signers, index, error);
}

/// Addresses that belong to one scheduler: its program, config, registry, program data, first shard and first queue.
fn scheduler_addresses(program: &Pubkey) -> [Pubkey; 6] {
    let shard = client::shard_address(program, 0);
    let [config, registry] = [client::config_address(program), client::registry_address(program)];
    [*program, config, registry, program_data::address(program), shard, client::queue_address(program, &shard, 0)]
}

/// The same instruction for the second scheduler.
fn mirrored(mut instruction: Instruction, second: &Pubkey) -> Instruction {
    let pairs = scheduler_addresses(&SCHEDULER.address()).into_iter().zip(scheduler_addresses(second));
    for (own, other) in pairs {
        let keys = instruction.accounts.iter_mut().map(|meta| &mut meta.pubkey);
        for key in keys.chain([&mut instruction.program_id]).filter(|key| **key == own) {
            *key = other;
        }
    }
    instruction
}

/// Two schedulers trust one processor. Each has a shard of the same owner, a queue, and a capability of its own.
#[test]
fn a_capability_is_driven_by_its_own_scheduler_only() {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let second = address("second scheduler");
    let mirrored = |instruction: Instruction| mirrored(instruction, &second);
    fixture.world.install_at(SCHEDULER, &second, Some(&address(people::AUTHORITY)));
    fixture.send(&[mirrored(initialize_scheduler())], &[people::AUTHORITY]);
    let register = mirrored(fixture.register_shard(people::OWNER));
    let shard = fixture.shard();
    let create = mirrored(fixture.create_queue(&shard, &queue_policy(), &[producer(people::PRODUCER)]));
    fixture.send(&[register, create], &[people::AUTHORITY, people::OWNER]);
    let queue = fixture.queue(&shard);
    let definition = Definition::new(&NOOP.address());
    let capability = fixture.capability(&shard, &definition);
    let of_second = fixture.capability(&client::shard_address(&second, 0), &definition);

    // Neither scheduler queues what the other drives.
    let unknown = SchedulerError::UnknownCapability as u32;
    refuse(&mut fixture, &[enqueue(&queue, &of_second, 1, 5, &ARGUMENTS)], 0, unknown);
    refuse(&mut fixture, &[mirrored(enqueue(&queue, &capability, 1, 5, &ARGUMENTS))], 0, unknown);
    let enqueues =
        [enqueue(&queue, &capability, 1, 5, &ARGUMENTS), mirrored(enqueue(&queue, &of_second, 1, 5, &ARGUMENTS))];
    fixture.send(&enqueues, &[people::PRODUCER]);

    // Nor does a dispatch of one serve the other's capability.
    let target = Instruction::new_with_bytes(NOOP.address(), &ARGUMENTS, vec![]);
    let run = |dispatch: &Instruction, capability: &Pubkey| {
        [dispatch.clone(), verify(capability, &[], &ARGUMENTS), target.clone()]
    };
    let dispatches = [dispatch(&shard, &queue, 0, 1), mirrored(dispatch(&shard, &queue, 0, 1))];
    let wrong = SchedulerError::WrongCapability as u32;
    refuse(&mut fixture, &run(&dispatches[0], &of_second), 0, wrong);
    refuse(&mut fixture, &run(&dispatches[1], &capability), 0, wrong);
    fixture.send(&run(&dispatches[0], &capability), &people::ALL);
    fixture.send(&run(&dispatches[1], &of_second), &people::ALL);
}

/// A program that owns an account with a shard's bytes drives what is registered under that account, and nothing else.
#[test]
fn a_false_scheduler_drives_no_capability_of_a_true_one() {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shard = fixture.shard();
    let queue = fixture.queue(&shard);
    let false_shard = address("false shard");
    let mut copy = fixture.world.account(&shard);
    copy.owner = NOOP.address();
    fixture.world.set_account(&false_shard, copy);
    let definition = Definition::new(&RELAY.address()).targets([fixed(&NOOP.address(), 0)]);
    let metas = [AccountMeta::new_readonly(NOOP.address(), false)];
    let capability = fixture.capability(&shard, &definition);
    let own = fixture.capability(&false_shard, &definition);
    refuse(&mut fixture, &[enqueue(&queue, &own, 1, 5, &ARGUMENTS)], 0, SchedulerError::UnknownCapability as u32);

    // The no-op program accepts whatever looks like a dispatch.
    let says_yes = Instruction { program_id: NOOP.address(), ..dispatch(&shard, &queue, 0, 1) };
    let not_dispatched = ProcessorError::NotDispatched as u32;
    for (driven, is_driven) in [(&own, true), (&capability, false)] {
        let execute = execute(driven, &RELAY.address(), &metas, &ARGUMENTS);
        let target = Instruction::new_with_bytes(RELAY.address(), &ARGUMENTS, metas.to_vec());
        for run in [vec![says_yes.clone(), execute], vec![says_yes.clone(), verify(driven, &metas, &ARGUMENTS), target]]
        {
            if is_driven {
                fixture.send(&run, &people::ALL);
            } else {
                refuse(&mut fixture, &run, 1, not_dispatched);
            }
        }
    }
}

#[test]
fn check_stops_while_paused_and_goes_on_after_it() {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shard = fixture.shard();
    let capability = fixture.capability(&shard, &Definition::new(&NOOP.address()));
    let check = check(&capability, &[], &ARGUMENTS);
    let paused = ProcessorError::BASE + Fault::Paused as u32;
    fixture.send(&[pause(PROCESSOR, people::GUARDIAN)], &[people::GUARDIAN]);
    refuse(&mut fixture, std::slice::from_ref(&check), 0, paused);
    refuse(&mut fixture, &[relayed(&check)], 0, paused);
    let now = fixture.world.unix_seconds();
    fixture.world.set_unix_seconds(now + i64::from(GUARDIAN_PAUSE_SECONDS));
    fixture.send(std::slice::from_ref(&check), &[]);
    fixture.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    refuse(&mut fixture, std::slice::from_ref(&check), 0, paused);
    fixture.send(&[resume(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    fixture.send(&[check], &[]);
}

/// The units left that the log tells, in order.
fn units_left(outcome: &TxOutcome) -> Vec<u64> {
    let lines = outcome.logs.iter().filter_map(|line| line.strip_prefix("Program consumption: "));
    lines.map(|line| line.split(' ').next().expect("a word").parse().expect("a number")).collect()
}

#[test]
fn metering_logs_the_units_around_the_target_and_leaves_its_return_data() {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shard = fixture.shard();
    // The verifier answers whoever calls it.
    let target = ED25519_VERIFIER.address();
    let keys = [sysvar::instructions::ID, address("oracle")];
    let definition = Definition::new(&target)
        .targets(keys.map(|key| fixed(&key, 0)))
        .prefix(&[0; external::HEAD_BYTES])
        .flags(capability_flags::CALLABLE_DIRECTLY);
    let capability = fixture.capability(&shard, &definition);
    let run = execute(&capability, &target, &keys.map(|key| AccountMeta::new_readonly(key, false)), &ARGUMENTS);
    let with_flags = |flags: u8| {
        let mut run = run.clone();
        run.data[1 + offset_of!(execute_wire::Data, flags)] = flags;
        run
    };
    let plain = fixture.send(std::slice::from_ref(&run), &[]);
    let metered = fixture.send(&[with_flags(execute_flags::METERED)], &[]);
    assert_eq!(units_left(&plain), [0; 0]);
    let left = units_left(&metered);
    let [own] = metered.units_of_program(0, &target)[..] else { panic!("the target runs once") };
    assert_eq!(left.len(), 2);
    assert!(left[0] - left[1] > own, "{left:?} around {own}");
    for outcome in [&plain, &metered] {
        assert_eq!(outcome.return_data, (target, vec![0]));
    }
    let payer = keypair(people::PAYER);
    let unknown = with_flags(execute_flags::ALL + 1);
    fixture.world.expect_error(&[unknown], &payer, &[], 0, InstructionError::InvalidInstructionData);
}

/// `is_verified_sibling` in a target that anyone may call.
#[test]
fn a_target_that_looks_back_runs_only_behind_its_verification() {
    const NOT_VERIFIED: u32 = 1;
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    fixture.world.install(GUARDED_TARGET, None);
    let shard = fixture.shard();
    let state = address("guarded state");
    let keys = [state, sysvar::instructions::ID];
    let metas = [AccountMeta::new(state, false), AccountMeta::new_readonly(sysvar::instructions::ID, false)];
    let definition = Definition::new(&GUARDED_TARGET.address())
        .targets([fixed(&keys[0], account_flags::WRITABLE), fixed(&keys[1], 0)])
        .flags(capability_flags::CALLABLE_DIRECTLY);
    let capability = fixture.capability(&shard, &definition);
    let other = fixture.capability(&shard, &definition);
    let data = [PROCESSOR.address().as_ref(), capability.as_ref(), &[0; 8]].concat();
    let account = Account { lamports: 10_000_000, data, owner: GUARDED_TARGET.address(), ..Account::default() };
    fixture.world.set_account(&state, account);

    let target = Instruction::new_with_bytes(GUARDED_TARGET.address(), &ARGUMENTS, metas.to_vec());
    let good = verify(&capability, &metas, &ARGUMENTS);
    let between = Instruction::new_with_bytes(NOOP.address(), &[], vec![]);
    let soft = check(&capability, &metas, &ARGUMENTS);
    let by_another_program = Instruction { program_id: NOOP.address(), ..good.clone() };
    let of_another_capability = verify(&other, &metas, &ARGUMENTS);
    for run in [
        vec![target.clone()],
        vec![between, target.clone()],
        vec![soft, target.clone()],
        vec![by_another_program, target.clone()],
        vec![of_another_capability, target.clone()],
        vec![good.clone(), target.clone(), target.clone()],
    ] {
        refuse(&mut fixture, &run, run.len() - 1, NOT_VERIFIED);
    }
    let execute = execute(&capability, &GUARDED_TARGET.address(), &metas, &ARGUMENTS);
    refuse(&mut fixture, &[execute], 0, NOT_VERIFIED);
    fixture.send(&[good, target], &[]);
    assert_eq!(fixture.world.account(&state).data[64..], 1u64.to_le_bytes());
}

/// The owner of the tokens signs the transaction, and everything is writable in it.
#[test]
fn execute_forwards_no_flag_that_the_capability_does_not_state() {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shard = fixture.shard();
    let [mint, vault, destination, owner] = ["mint", "vault", "destination", people::OWNER].map(address);
    fixture.world.set_account(&mint, token::mint(0, 1_000));
    fixture.world.set_account(&vault, token::token_account(&mint, &owner, 1_000));
    fixture.world.set_account(&destination, token::token_account(&mint, &address("anyone"), 0));
    let metas = [AccountMeta::new(vault, false), AccountMeta::new(destination, false), AccountMeta::new(owner, true)];
    let amount = 7u64.to_le_bytes();
    let mut run = |writable: u8, signer: u8| {
        let rules = [fixed(&vault, account_flags::WRITABLE), fixed(&destination, writable), fixed(&owner, signer)];
        let definition = Definition::new(&token::ID)
            .targets(rules)
            .prefix(&[3])
            .arguments(8)
            .flags(capability_flags::CALLABLE_DIRECTLY);
        let capability = fixture.capability(&shard, &definition);
        let run = execute(&capability, &token::ID, &metas, &amount);
        let result = fixture.world.send(&[run], &keypair(people::PAYER), &[&keypair(people::OWNER)]);
        (result, token::balance(&fixture.world.account(&destination)))
    };
    let (result, moved) = run(account_flags::WRITABLE, 0);
    result.expect_err("nobody signs").assert_error(0, InstructionError::MissingRequiredSignature);
    assert_eq!(moved, 0);
    let (result, moved) = run(0, account_flags::SIGNER);
    result.expect_err("it is read-only").assert_error(0, InstructionError::ReadonlyDataModified);
    assert_eq!(moved, 0);
    let (result, moved) = run(account_flags::WRITABLE, account_flags::SIGNER);
    result.expect("the flags are those that the transfer needs");
    assert_eq!(moved, 7);
}

/// The target has an account given lamports, a length and an owner, all of which `Execute` holds as they were before.
#[test]
fn what_the_target_changes_stands_after_execute() {
    const LAMPORTS: u64 = 5_000_000;
    const BYTES: u64 = 77;
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shard = fixture.shard();
    let [payer, new] = [people::OWNER, "made by the target"].map(address);
    let both = account_flags::SIGNER | account_flags::WRITABLE;
    let definition = Definition::new(&RELAY.address())
        .targets([fixed(&system_program::ID, 0), fixed(&payer, both), fixed(&new, both)])
        .flags(capability_flags::CALLABLE_DIRECTLY);
    let capability = fixture.capability(&shard, &definition);
    let owner = address("owner of what is made");
    let create = solana_system_interface::instruction::create_account(&payer, &new, LAMPORTS, BYTES, &owner);
    let metas = [&[AccountMeta::new_readonly(system_program::ID, false)], &create.accounts[..]].concat();
    let before = fixture.world.account(&payer).lamports;
    for flags in [0, execute_flags::METERED] {
        let mut fixture = fixture.clone();
        let mut run = execute(&capability, &RELAY.address(), &metas, &create.data);
        run.data[1 + offset_of!(execute_wire::Data, flags)] = flags;
        fixture.send(&[run], &[people::OWNER, "made by the target"]);
        let made = fixture.world.account(&new);
        assert_eq!((made.lamports, made.data, made.owner), (LAMPORTS, vec![0; 77], owner));
        assert_eq!(fixture.world.account(&payer).lamports, before - LAMPORTS);
    }
}
