//! Siblings: what runs is what was committed to. Each forbidden shape is sent as a whole transaction and must be refused with
//! its own error, and nothing may have changed.

use mollusk_tests::{
    capabilities::{check, relayed},
    features::FeatureProfile,
    fixture::*,
    programs::*,
};
use shared_layouts::{
    lifecycle::Fault,
    processor::{ProcessorError, account_flags, capability_flags},
    scheduler::SchedulerError,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

/// An entry ready to be run, and the three instructions that run it as siblings.
struct Run {
    fixture: Fixture,
    capability: Pubkey,
    dispatch: Instruction,
    verify: Instruction,
    target: Instruction,
}

const ARGUMENTS: [u8; 4] = [1, 2, 3, 4];

fn keys() -> [Pubkey; 3] {
    ["account 0", "account 1", "account 2"].map(address)
}

/// One read-only, one writable, one more read-only account.
fn metas() -> Vec<AccountMeta> {
    let [a, b, c] = keys();
    vec![AccountMeta::new_readonly(a, false), AccountMeta::new(b, false), AccountMeta::new_readonly(c, false)]
}

fn definition() -> Definition {
    let [a, b, c] = keys();
    Definition::new(&NOOP.address())
        .targets([fixed(&a, 0), fixed(&b, account_flags::WRITABLE), fixed(&c, 0)])
        .prefix(&[9])
}

impl Run {
    fn new(definition: &Definition, metas: &[AccountMeta]) -> Self {
        let mut fixture = Fixture::new(FeatureProfile::Mainnet);
        let shard = fixture.shard();
        let queue = fixture.queue(&shard);
        let capability = fixture.capability(&shard, definition);
        fixture.send(&[enqueue(&queue, &capability, 1, 5, &ARGUMENTS)], &[people::PRODUCER]);
        let data = [&definition.prefix[..], &ARGUMENTS].concat();
        Self {
            fixture,
            capability,
            dispatch: dispatch(&shard, &queue, 0, 1),
            verify: verify(&capability, metas, &ARGUMENTS),
            target: Instruction::new_with_bytes(NOOP.address(), &data, metas.to_vec()),
        }
    }

    fn usual() -> Self {
        Self::new(&definition(), &metas())
    }

    #[track_caller]
    fn refuse(&mut self, run: &[Instruction], index: usize, error: u32) {
        let signers: Vec<_> = people::ALL.iter().map(|name| keypair(name)).collect();
        let signers: Vec<_> = signers.iter().collect();
        self.fixture.world.expect_error(run, &keypair(people::PAYER), &signers, index, error);
    }

    #[track_caller]
    fn refuse_target(&mut self, target: Instruction) {
        let run = [self.dispatch.clone(), self.verify.clone(), target];
        self.refuse(&run, 1, ProcessorError::WrongTargetCall as u32);
    }

    #[track_caller]
    fn accept(&mut self) {
        let run = [self.dispatch.clone(), self.verify.clone(), self.target.clone()];
        self.fixture.send(&run, &people::ALL);
    }
}

#[test]
fn dispatch_verify_target_runs() {
    Run::usual().accept();
}

#[test]
fn verify_without_a_dispatch_before_it_is_refused() {
    let mut run = Run::usual();
    let error = ProcessorError::NotDispatched as u32;
    run.refuse(&[run.verify.clone(), run.target.clone()], 0, error);
    // Nor does any other instruction of the scheduler do.
    let other = pause(SCHEDULER, people::AUTHORITY);
    run.refuse(&[other, run.verify.clone(), run.target.clone()], 1, error);
    // Nor another program's that looks like a dispatch.
    let fake = Instruction { program_id: NOOP.address(), ..run.dispatch.clone() };
    run.refuse(&[fake, run.verify.clone(), run.target.clone()], 1, error);
}

#[test]
fn a_dispatch_that_is_not_adjacent_is_refused() {
    let mut run = Run::usual();
    let between = Instruction::new_with_bytes(NOOP.address(), &[], vec![]);
    let shape = [run.dispatch.clone(), between, run.verify.clone(), run.target.clone()];
    run.refuse(&shape, 0, SchedulerError::WrongSibling as u32);
}

#[test]
fn one_dispatch_does_not_serve_two_verifications() {
    let mut run = Run::usual();
    let shape = [run.dispatch.clone(), run.verify.clone(), run.target.clone(), run.verify.clone(), run.target.clone()];
    run.refuse(&shape, 3, ProcessorError::NotDispatched as u32);
}

#[test]
fn a_soft_check_never_satisfies_a_dispatch() {
    let mut run = Run::usual();
    let soft = check(&run.capability, &metas(), &ARGUMENTS);
    let shape = [run.dispatch.clone(), soft, run.target.clone()];
    run.refuse(&shape, 0, SchedulerError::WrongSibling as u32);
}

#[test]
fn verify_without_its_target_after_it_is_refused() {
    let mut run = Run::usual();
    let error = ProcessorError::WrongTargetCall as u32;
    run.refuse(&[run.dispatch.clone(), run.verify.clone()], 1, error);
    let between = Instruction::new_with_bytes(NOOP.address(), &[], vec![]);
    let shape = [run.dispatch.clone(), run.verify.clone(), between, run.target.clone()];
    run.refuse(&shape, 1, error);
}

#[test]
fn a_target_of_another_program_or_with_other_data_is_refused() {
    let mut run = Run::usual();
    let good = run.target.clone();
    let with_data = |data: &[u8]| Instruction { data: data.to_vec(), ..good.clone() };
    run.refuse_target(Instruction { program_id: RELAY.address(), ..good.clone() });
    run.refuse_target(with_data(&[9, 1, 2, 3]));
    run.refuse_target(with_data(&[9, 1, 2, 3, 4, 0]));
    run.refuse_target(with_data(&[9, 1, 2, 3, 5]));
    run.refuse_target(with_data(&[8, 1, 2, 3, 4]));
    run.refuse_target(with_data(&[]));
    run.accept();
}

#[test]
fn a_target_with_other_accounts_is_refused() {
    let mut run = Run::usual();
    let good = run.target.clone();
    let with = |change: fn(&mut Vec<AccountMeta>)| {
        let mut target = good.clone();
        change(&mut target.accounts);
        target
    };
    run.refuse_target(with(|accounts| {
        accounts.pop();
    }));
    run.refuse_target(with(|accounts| accounts.push(accounts[0].clone())));
    run.refuse_target(with(|accounts| accounts.swap(0, 2)));
    run.refuse_target(with(|accounts| accounts[2].pubkey = address("stranger")));
    run.refuse_target(with(|accounts| accounts[2] = accounts[0].clone()));
    run.accept();
}

#[test]
fn a_signer_that_the_capability_does_not_state_is_refused() {
    let key = address(people::STRANGER);
    let definition = Definition::new(&NOOP.address()).targets([fixed(&key, 0)]).prefix(&[9]);
    let mut run = Run::new(&definition, &[AccountMeta::new_readonly(key, true)]);
    run.verify.accounts[3].is_signer = false;
    run.refuse_target(run.target.clone());
}

#[test]
fn a_signer_or_writable_flag_that_the_capability_states_cannot_be_missing() {
    let key = address(people::STRANGER);
    let definition = Definition::new(&NOOP.address()).targets([fixed(&key, account_flags::SIGNER)]).prefix(&[9]);
    let mut run = Run::new(&definition, &[AccountMeta::new_readonly(key, false)]);
    run.refuse_target(run.target.clone());
    let mut run = Run::new(&definition, &[AccountMeta::new_readonly(key, true)]);
    run.accept();

    let mut metas = metas();
    metas[1].is_writable = false;
    let mut run = Run::new(&self::definition(), &metas);
    run.refuse_target(run.target.clone());
}

#[test]
fn an_account_that_another_instruction_writes_does_not_block_the_target() {
    let mut run = Run::usual();
    let writer = Instruction::new_with_bytes(NOOP.address(), &[], vec![AccountMeta::new(keys()[0], false)]);
    let shape = [writer, run.dispatch.clone(), run.verify.clone(), run.target.clone()];
    run.fixture.send(&shape, &people::ALL);
}

#[test]
fn an_account_passed_to_verify_must_be_the_one_of_the_capability() {
    let mut metas = metas();
    metas[0].pubkey = address("another");
    let mut run = Run::new(&definition(), &metas);
    let shape = [run.dispatch.clone(), run.verify.clone(), run.target.clone()];
    run.refuse(&shape, 1, ProcessorError::WrongAccount as u32);
}

#[test]
fn an_entry_that_names_the_workers_key_as_signer_is_refused() {
    let worker = address(people::WORKER);
    let definition = Definition::new(&NOOP.address()).targets([fixed(&worker, account_flags::SIGNER)]).prefix(&[9]);
    let metas = [AccountMeta::new_readonly(worker, true)];
    let mut run = Run::new(&definition, &metas);
    let error = ProcessorError::WorkerIsNamed as u32;
    run.refuse(&[run.dispatch.clone(), run.verify.clone(), run.target.clone()], 1, error);
    let execute = execute(&run.capability, &NOOP.address(), &metas, &ARGUMENTS);
    run.refuse(&[run.dispatch.clone(), execute], 1, error);
}

#[test]
fn a_position_bound_to_arguments_takes_no_other_key() {
    // The arguments are four bytes too few to hold a key, so this capability has its own.
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shard = fixture.shard();
    let definition = Definition::new(&NOOP.address()).targets([from_arguments(1, 0)]).arguments(33);
    let capability = fixture.capability(&shard, &definition);
    let arguments = [&[7][..], keys()[0].as_ref()].concat();
    let named = [AccountMeta::new_readonly(keys()[0], false)];
    fixture.send(&[check(&capability, &named, &arguments)], &[]);
    let other = [AccountMeta::new_readonly(keys()[1], false)];
    let payer = keypair(people::PAYER);
    let error = ProcessorError::WrongAccount as u32;
    fixture.world.expect_error(&[check(&capability, &other, &arguments)], &payer, &[], 0, error);
}

#[test]
fn a_chosen_account_is_no_signer_not_the_capability_and_in_no_other_position() {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shard = fixture.shard();
    let definition = Definition::new(&NOOP.address()).targets([worker_chosen(0), fixed(&keys()[1], 0)]);
    let capability = fixture.capability(&shard, &definition);
    let payer = keypair(people::PAYER);
    let with = |key: Pubkey, signer: bool| {
        let metas = [AccountMeta::new_readonly(key, signer), AccountMeta::new_readonly(keys()[1], false)];
        check(&capability, &metas, &[])
    };
    fixture.send(&[with(keys()[0], false)], &[]);
    let error = ProcessorError::WrongChosenAccount as u32;
    for bad in [with(keys()[1], false), with(capability, false), with(address(people::PAYER), true)] {
        fixture.world.expect_error(&[bad], &payer, &[], 0, error);
    }
}

#[test]
fn verify_and_execute_prove_that_they_stand_at_the_top_level() {
    let mut run = Run::usual();
    let error = Fault::NotTopLevel as u32 + ProcessorError::BASE;
    run.refuse(&[relayed(&run.verify), run.target.clone()], 0, error);
    let execute = execute(&run.capability, &NOOP.address(), &metas(), &ARGUMENTS);
    run.refuse(&[relayed(&execute)], 0, error);
}

#[test]
fn only_a_capability_that_says_so_is_called_directly() {
    let mut run = Run::new(&definition().flags(capability_flags::CALLABLE_DIRECTLY), &metas());
    let execute = execute(&run.capability, &NOOP.address(), &metas(), &ARGUMENTS);
    run.fixture.send(std::slice::from_ref(&execute), &[]);
    run.fixture.send(&[relayed(&execute)], &[]);
    let mut run = Run::usual();
    run.refuse(&[execute], 0, ProcessorError::NotDispatched as u32);
}

#[test]
fn an_entry_queued_under_an_older_version_is_refused() {
    let mut run = Run::usual();
    let mut other = run.verify.clone();
    other.data[1] = 2;
    let shape = [run.dispatch.clone(), other, run.target.clone()];
    run.refuse(&shape, 0, SchedulerError::CapabilityChanged as u32);
}

#[test]
fn execute_refuses_a_transaction_whose_limit_is_below_the_capabilitys() {
    let mut run = Run::usual();
    let execute = execute(&run.capability, &NOOP.address(), &metas(), &ARGUMENTS);
    let limit = |units: u32| {
        let data = [&[2][..], &units.to_le_bytes()].concat();
        Instruction::new_with_bytes(solana_sdk_ids::compute_budget::ID, &data, vec![])
    };
    let shape = [limit(COMPUTE_LIMIT - 1), run.dispatch.clone(), execute.clone()];
    run.refuse(&shape, 2, ProcessorError::ComputeLimit as u32);
    run.fixture.send(&[limit(COMPUTE_LIMIT), run.dispatch.clone(), execute], &people::ALL);
}
