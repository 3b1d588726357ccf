//! Dispatch and direct dispatch in open queues.

use mollusk_tests::features::FeatureProfile::Mainnet;
use mollusk_tests::fixture::{Definition, execute, fixed, pause, people, queue_policy};
use mollusk_tests::lifecycle::migrate;
use mollusk_tests::programs::{NOOP, PROCESSOR, PROCESSOR_V2, RELAY, address, keypair};
use mollusk_tests::queues::{Bench, commitment, committed, plain};
use shared_layouts::lifecycle::{Fault, direction};
use shared_layouts::processor::capability_flags;
use shared_layouts::scheduler::{self as wire, EntryHandle, SchedulerError as E, enqueue::Data, list};
use solana_instruction::{AccountMeta, Instruction};
use solana_program_error::ProgramError;

#[test]
fn a_handle_is_stale_once_its_entry_ran() {
    let mut bench = Bench::open(Mainnet);
    let handle = bench.put(1, &[]);
    let run = bench.run(people::WORKER, handle, &[]);
    bench.send(&run, &[people::WORKER]);
    bench.refuse(&run, &[people::WORKER], 0, E::StaleHandle);
    bench.put(2, &[]);
    bench.refuse(&run, &[people::WORKER], 0, E::StaleHandle);
}

#[test]
fn only_the_first_eligible_entries_can_be_dispatched() {
    let mut bench = Bench::open(Mainnet);
    let handles: Vec<EntryHandle> = (1..=9).map(|sequence| bench.put(sequence, &[])).collect();
    let ninth = bench.run(people::WORKER, handles[8], &[]);
    bench.refuse(&ninth, &[people::WORKER], 0, E::NotEligible);
    let eighth = bench.run(people::WORKER, handles[7], &[]);
    bench.send(&eighth, &[people::WORKER]);
    bench.send(&ninth, &[people::WORKER]);
}

#[test]
fn the_next_instruction_is_this_entrys_run_to_the_byte() {
    let mut bench = Bench::open(Mainnet);
    let handle = bench.put(1, &[4, 5]);
    let other = bench.fixture.capability(&bench.shard.clone(), &Definition::new(&NOOP.address()));
    let dispatch = bench.dispatch(people::WORKER, handle);
    let run = |capability, arguments: &[u8]| execute(capability, &NOOP.address(), &[], arguments);
    let mut newer = run(&bench.capability, &[4, 5]);
    newer.data[1] = 2;
    let target = Instruction::new_with_bytes(NOOP.address(), &[4, 5], vec![]);
    let cases = [
        (run(&bench.capability, &[4, 6]), E::WrongArguments),
        (run(&bench.capability, &[4]), E::WrongArguments),
        (run(&other, &[4, 5]), E::WrongCapability),
        (newer, E::CapabilityChanged),
        (target, E::WrongSibling),
    ];
    for (next, error) in cases {
        bench.refuse(&[dispatch.clone(), next], &[people::WORKER], 0, error);
    }
    bench.refuse(&[dispatch], &[people::WORKER], 0, E::WrongSibling);
}

#[test]
fn committed_arguments_run_only_as_they_were_committed_to() {
    let mut bench = Bench::open(Mainnet);
    let arguments = [8; 90];
    let enqueue = bench.enqueue(&committed(1), &commitment(&arguments));
    bench.send(&[enqueue], &[people::PRODUCER]);
    let handle = bench.last();
    let wrong = bench.run(people::WORKER, handle, &[9; 90]);
    bench.refuse(&wrong, &[people::WORKER], 0, E::WrongArguments);
    let run = bench.run(people::WORKER, handle, &arguments);
    bench.send(&run, &[people::WORKER]);
}

#[test]
fn a_tip_is_promised_out_of_the_purse_and_paid_to_the_worker() {
    let mut bench = Bench::open(Mainnet);
    let queue = bench.queue;
    bench.fixture.world.airdrop(&queue, 1_500_000);
    let tipped = |sequence, tip_lamports| Data { tip_lamports, ..plain(sequence) };
    let enqueue = bench.enqueue(&tipped(1, 1_000_000), &[]);
    bench.send(&[enqueue], &[people::PRODUCER]);
    let handle = bench.last();
    for tip in [500_001, 1_000_001] {
        let enqueue = bench.enqueue(&tipped(2, tip), &[]);
        bench.refuse(&[enqueue], &[people::PRODUCER], 0, E::TipNotCovered);
    }
    let before = bench.fixture.world.account(&address(people::WORKER)).lamports;
    let run = bench.run(people::WORKER, handle, &[]);
    bench.send(&run, &[people::WORKER]);
    assert_eq!(bench.fixture.world.account(&address(people::WORKER)).lamports, before + 1_000_000);
    let enqueue = bench.enqueue(&tipped(2, 500_000), &[]);
    bench.send(&[enqueue], &[people::PRODUCER]);
    // Cancelling releases it.
    let handle = bench.last();
    let cancel = bench.cancel(people::PRODUCER, handle);
    bench.send(&[cancel], &[people::PRODUCER]);
    assert_eq!(bench.read().header.reserved_tip_lamports, 0);
}

#[test]
fn a_recurring_entry_waits_under_a_new_generation_and_skips_missed_periods() {
    let mut bench = Bench::open(Mainnet);
    let start = bench.fixture.world.unix_seconds();
    let enqueue = bench.enqueue(&Data { interval_seconds: 10, runs: 2, ..plain(1) }, &[]);
    bench.send(&[enqueue], &[people::PRODUCER]);
    let first = bench.last();
    bench.wait(35);
    let run = bench.run(people::WORKER, first, &[]);
    bench.send(&run, &[people::WORKER]);
    let second = EntryHandle { generation: first.generation + 1, ..first };
    let entry = bench.entry(second);
    assert_eq!((entry.list, entry.due_at), (list::DELAYED, start + 40));
    bench.refuse(&run, &[people::WORKER], 0, E::StaleHandle);
    bench.wait(5);
    let reap = bench.reap(&[second]);
    bench.send(&[reap], &[]);
    let run = bench.run(people::WORKER, second, &[]);
    bench.send(&run, &[people::WORKER]);
    assert!(bench.read().entry(second).is_none());
}

/// A queue with one entry of a capability for direct dispatch with two accounts.
fn direct(flags: u8) -> (Bench, EntryHandle, Instruction) {
    let keys = [address("account 0"), address("account 1")];
    let definition = Definition::new(&NOOP.address()).targets([fixed(&keys[0], 2), fixed(&keys[1], 0)]).flags(flags);
    let mut bench = Bench::new(Mainnet, &queue_policy(), &definition);
    let handle = bench.put(1, &[6, 7]);
    let accounts = vec![AccountMeta::new(keys[0], false), AccountMeta::new_readonly(keys[1], false)];
    (bench, handle, Instruction::new_with_bytes(NOOP.address(), &[6, 7], accounts))
}

#[test]
fn direct_dispatch_needs_a_pause_by_the_processors_authority() {
    let (mut bench, handle, target) = direct(capability_flags::DIRECT_DISPATCH);
    let run = [bench.dispatch_direct(handle), target];
    bench.refuse(&run, &[people::WORKER], 0, E::DirectClosed);
    bench.send(&[pause(PROCESSOR, people::GUARDIAN)], &[people::GUARDIAN]);
    bench.refuse(&run, &[people::WORKER], 0, E::DirectClosed);
    bench.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    bench.send(&run, &[people::WORKER]);
    assert_eq!(bench.read().header.dispatched, 1);
}

#[test]
fn direct_dispatch_goes_on_while_the_processors_config_has_another_version() {
    let (mut bench, handle, target) = direct(capability_flags::DIRECT_DISPATCH);
    bench.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    bench.fixture.world.install_at(PROCESSOR_V2, &PROCESSOR.address(), Some(&address(people::AUTHORITY)));
    let up = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, direction::UP, None);
    bench.send(&[up], &[people::AUTHORITY]);
    bench.send(&[bench.dispatch_direct(handle), target], &[people::WORKER]);
    assert_eq!(bench.read().header.dispatched, 1);
}

#[test]
fn an_entry_that_names_the_workers_key_as_signer_is_refused() {
    let worker = address(people::WORKER);
    let definition =
        Definition::new(&NOOP.address()).targets([fixed(&worker, 1)]).flags(capability_flags::DIRECT_DISPATCH);
    let mut bench = Bench::new(Mainnet, &queue_policy(), &definition);
    let handle = bench.put(1, &[]);
    bench.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    let accounts = vec![AccountMeta::new_readonly(worker, true)];
    let run = [bench.dispatch_direct(handle), Instruction::new_with_bytes(NOOP.address(), &[], accounts)];
    bench.refuse(&run, &[people::WORKER], 0, E::WrongTargetCall);
}

#[test]
fn a_dispatch_by_another_program_is_refused() {
    let mut bench = Bench::open(Mainnet);
    let handle = bench.put(1, &[]);
    let [dispatch, execute] = bench.run(people::WORKER, handle, &[]);
    let mut accounts = vec![AccountMeta::new_readonly(dispatch.program_id, false)];
    accounts.extend(dispatch.accounts.clone());
    let relay = Instruction { program_id: RELAY.address(), accounts, data: dispatch.data.clone() };
    let payer = keypair(people::PAYER);
    let worker = keypair(people::WORKER);
    let not_top_level = E::BASE + Fault::NotTopLevel as u32;
    bench.fixture.world.expect_error(&[relay, execute.clone()], &payer, &[&worker], 0, not_top_level);
    let mut other_sysvar = dispatch;
    other_sysvar.accounts[wire::dispatch::Position::instructions as usize].pubkey = bench.queue;
    // The queue passed twice: no two accounts of a dispatch can be the same.
    let twice = ProgramError::InvalidArgument;
    bench.fixture.world.expect_error(&[other_sysvar.clone(), execute.clone()], &payer, &[&worker], 0, twice);
    other_sysvar.accounts[wire::dispatch::Position::instructions as usize].pubkey = bench.capability;
    bench.refuse(&[other_sysvar, execute], &[people::WORKER], 0, E::WrongInstructionsSysvar);
}

#[test]
fn direct_dispatch_needs_a_capability_flagged_for_it() {
    let (mut bench, handle, target) = direct(0);
    bench.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    let run = [bench.dispatch_direct(handle), target];
    bench.refuse(&run, &[people::WORKER], 0, E::NotDirect);
}

#[test]
fn direct_dispatch_compares_the_target_call_with_the_template() {
    let (mut bench, handle, target) = direct(capability_flags::DIRECT_DISPATCH);
    bench.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
    let dispatch = bench.dispatch_direct(handle);
    let mut spoiled = vec![target.clone(); 5];
    spoiled[0].accounts[1].pubkey = address("account 2");
    spoiled[1].accounts[0].is_writable = false;
    spoiled[2].accounts.pop();
    spoiled[3].program_id = PROCESSOR.address();
    spoiled[4].accounts[1] = AccountMeta::new_readonly(address(people::WORKER), true);
    for next in spoiled {
        bench.refuse(&[dispatch.clone(), next], &[people::WORKER], 0, E::WrongTargetCall);
    }
    let mut other_arguments = target.clone();
    other_arguments.data[1] = 0;
    bench.refuse(&[dispatch.clone(), other_arguments], &[people::WORKER], 0, E::WrongArguments);
    bench.send(&[dispatch, target], &[people::WORKER]);
}
