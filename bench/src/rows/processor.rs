//! Rows of the processor.

use super::{Row, floor, row};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{
    Definition, Fixture, config, dispatch, enqueue, execute, fixed, initialize_processor, pause, people, resume, verify,
};
use mollusk_tests::programs::{NOOP, PROCESSOR, SAMPLE_PROTOCOL};
use mollusk_tests::{capabilities, groth16};
use shared_layouts::processor::{self, Function, capability_flags, execute_flags, function_kind, operator};
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("processor/initialize", |profile| {
            Fixture::installed(profile).send(&[initialize_processor()], &[people::AUTHORITY]).units_of(0)
        }),
        row("processor/pause", |profile| {
            Fixture::new(profile).send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        row("processor/resume", |profile| {
            let mut fixture = Fixture::new(profile);
            fixture.send(&[pause(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]);
            fixture.send(&[resume(PROCESSOR, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        row("processor/verify/predicates-0", |profile| Queued::new(profile, &three_fixed()).verify()),
        row("processor/verify/predicates-1", |profile| Queued::new(profile, &checked(1)).verify()),
        row("processor/verify/predicates-10", |profile| Queued::new(profile, &checked(10)).verify()),
        row("processor/verify/time-1", |profile| {
            let clock = AccountMeta::new_readonly(sysvar::clock::ID, false);
            let definition = three_fixed().evidence([fixed(&sysvar::clock::ID, 0)]).functions([always()]);
            Queued::new(profile, &definition).with(clock).verify()
        }),
        row("processor/check/predicates-1", |profile| {
            let mut queued = Queued::new(profile, &checked(1));
            let check = check(&queued.capability, &floor::three_accounts());
            queued.fixture.send(&[check], &[]).units_of(0)
        }),
        row("processor/check/external-1", |profile| {
            let external = Function { kind: function_kind::EXTERNAL, account: 3, ..bytemuck::Zeroable::zeroed() };
            let definition = three_fixed().evidence([fixed(&NOOP.address(), 0)]).functions([external]);
            let mut queued = Queued::new(profile, &definition);
            let mut accounts = floor::three_accounts();
            accounts.push(AccountMeta::new_readonly(NOOP.address(), false));
            let check = check(&queued.capability, &accounts);
            queued.fixture.send(&[check], &[]).units_of(0)
        }),
        row("processor/check/external-groth16", check_groth16),
        row("processor/execute/predicates-3", |profile| Queued::new(profile, &checked(3)).execute(0)),
        row("processor/execute/metered", |profile| {
            Queued::new(profile, &three_fixed()).execute(execute_flags::METERED)
        }),
        row("processor/execute/cpi-from-protocol", |profile| {
            let definition = three_fixed().flags(capability_flags::CALLABLE_DIRECTLY);
            let mut queued = Queued::new(profile, &definition);
            let execute = queued.withdraw();
            queued.fixture.send(&[execute], &[]).units_of(0)
        }),
        row("processor/execute/predicates-0", |profile| Queued::new(profile, &three_fixed()).execute(0)),
    ]
}

/// A capability that calls the no-op program with [`floor::three_accounts`].
fn three_fixed() -> Definition {
    Definition::new(&NOOP.address()).targets(floor::keys().map(|key| fixed(&key, 0)))
}

/// The same with functions that compare eight bytes of the first account's data.
fn checked(functions: usize) -> Definition {
    let function = Function {
        kind: function_kind::ACCOUNT_DATA,
        operator: operator::GREATER_OR_EQUAL,
        width: 8,
        ..bytemuck::Zeroable::zeroed()
    };
    three_fixed().functions(vec![function; functions])
}

/// Holds at any time; reads the clock behind the target accounts.
fn always() -> Function {
    let mut constant = [0; 32];
    constant[8..16].copy_from_slice(&i64::MAX.to_le_bytes());
    Function { kind: function_kind::TIME_WINDOW, account: 3, constant, ..bytemuck::Zeroable::zeroed() }
}

fn check(capability: &Pubkey, accounts: &[AccountMeta]) -> Instruction {
    let fixed = processor::check::Accounts {
        capability: *capability,
        config: config(PROCESSOR),
        instructions: sysvar::instructions::ID,
    };
    let data = processor::check::Data { capability_version: 1, flags: 0 };
    processor::check(PROCESSOR.address(), fixed, accounts, &data, &[])
}

/// `Check` with a proof as arguments, the verifier and the pairing included.
fn check_groth16(profile: FeatureProfile) -> u64 {
    let mut fixture = Fixture::new(profile);
    let shard = fixture.shard();
    let proven = groth16::Proven::new(&mut fixture.world);
    let capability = fixture.capability(&shard, &proven.definition());
    let check = capabilities::check(&capability, &proven.accounts(), &proven.arguments);
    fixture.send(&[check], &[]).units_of(0)
}

/// An entry in a queue, ready to be run.
struct Queued {
    fixture: Fixture,
    capability: Pubkey,
    dispatch: Instruction,
    evidence: Vec<AccountMeta>,
}

impl Queued {
    fn new(profile: FeatureProfile, definition: &Definition) -> Self {
        let mut fixture = Fixture::new(profile);
        if !definition.functions.is_empty() {
            let account = Account { lamports: 10_000_000, data: vec![0; 8], ..Account::default() };
            fixture.world.set_account(&floor::keys()[0], account);
        }
        let shard = fixture.shard();
        let queue = fixture.queue(&shard);
        let capability = fixture.capability(&shard, definition);
        fixture.send(&[enqueue(&queue, &capability, 1, 5, &[])], &[people::PRODUCER]);
        Self { fixture, capability, dispatch: dispatch(&shard, &queue, 0, 1), evidence: Vec::new() }
    }

    fn with(mut self, evidence: AccountMeta) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// Units of `Verify` between the dispatch and the target call.
    fn verify(mut self) -> u64 {
        let accounts = floor::three_accounts();
        let target = Instruction::new_with_bytes(NOOP.address(), &[], accounts.clone());
        let verified = [accounts, self.evidence].concat();
        let run = [self.dispatch, verify(&self.capability, &verified, &[]), target];
        self.fixture.send(&run, &[people::WORKER]).units_of(1)
    }

    /// Units of `Execute` behind the dispatch, the target's included.
    fn execute(mut self, flags: u8) -> u64 {
        let mut execute = execute(&self.capability, &NOOP.address(), &floor::three_accounts(), &[]);
        execute.data[1 + core::mem::offset_of!(processor::execute::Data, flags)] = flags;
        self.fixture.send(&[self.dispatch, execute], &[people::WORKER]).units_of(1)
    }

    /// The sample protocol's instruction, which calls `Check` and `Execute`.
    fn withdraw(&self) -> Instruction {
        let first = [PROCESSOR.address(), self.capability, config(PROCESSOR), sysvar::instructions::ID, NOOP.address()];
        let first = first.map(|key| AccountMeta::new_readonly(key, false));
        let accounts = first.into_iter().chain(floor::three_accounts()).collect();
        Instruction::new_with_bytes(SAMPLE_PROTOCOL.address(), &1u32.to_le_bytes(), accounts)
    }
}
