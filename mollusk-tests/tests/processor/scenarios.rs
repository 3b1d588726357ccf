//! A shard's token transfer, limited per operation, in a time window, and within a slippage of an oracle's number: as siblings
//! with a declared co-signer, by `Execute`, and by CPI from a protocol. Each forbidden variant fails with the right index.

use mollusk_tests::{
    features::{FeatureProfile, START_UNIX_SECONDS},
    fixture::*,
    programs::*,
    token,
};
use shared_layouts::processor::{
    Function, ProcessorError, account_flags, capability_flags, function_kind, number_kind, operator,
};
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;

const MOST_PER_OPERATION: u64 = 50;
const WINDOW_SECONDS: i64 = 600;
const ORACLE_NUMBER: u64 = 45;

fn constant(parts: &[&[u8]]) -> [u8; 32] {
    let mut constant = [0; 32];
    let bytes = parts.concat();
    constant[..bytes.len()].copy_from_slice(&bytes);
    constant
}

/// Index 0: the amount; 1: the window; 2: at most 1% above the oracle's number.
fn functions() -> [Function; 3] {
    let blank: Function = bytemuck::Zeroable::zeroed();
    let amount = Function { width: 8, number: number_kind::UNSIGNED, operator: operator::LESS_OR_EQUAL, ..blank };
    let until = START_UNIX_SECONDS + WINDOW_SECONDS;
    [
        Function { kind: function_kind::INPUT, constant: constant(&[&MOST_PER_OPERATION.to_le_bytes()]), ..amount },
        Function {
            kind: function_kind::TIME_WINDOW,
            account: 3,
            constant: constant(&[&START_UNIX_SECONDS.to_le_bytes(), &until.to_le_bytes()]),
            ..blank
        },
        Function { kind: function_kind::INPUT_TO_ACCOUNT, account: 4, extra: 10_100, ..amount },
    ]
}

/// How the capability is run.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Siblings,
    Execute,
    Protocol,
}

#[derive(Clone)]
struct Scenario {
    way: Way,
    fixture: Fixture,
    shard: Pubkey,
    queue: Pubkey,
    capability: Pubkey,
}

impl Scenario {
    fn new(way: Way) -> Self {
        let mut fixture = Fixture::new(FeatureProfile::Mainnet);
        let shard = fixture.shard();
        let queue = fixture.queue(&shard);
        let [mint, vault, destination, oracle] = ["mint", "vault", "destination", "oracle"].map(address);
        let authority = match way {
            Way::Siblings => fixed(&address(people::OWNER), account_flags::SIGNER),
            _ => capability_signs(),
        };
        let mut definition = Definition::new(&token::ID)
            .targets([fixed(&vault, account_flags::WRITABLE), fixed(&destination, account_flags::WRITABLE), authority])
            .evidence([fixed(&sysvar::clock::ID, 0), fixed(&oracle, 0)])
            .functions(functions())
            .prefix(&[3])
            .arguments(8);
        if way == Way::Protocol {
            definition = definition.flags(capability_flags::CALLABLE_DIRECTLY);
        }
        let capability = fixture.next_capability();
        let owner = if way == Way::Siblings { address(people::OWNER) } else { capability };
        fixture.world.set_account(&mint, token::mint(0, 1_000));
        fixture.world.set_account(&vault, token::token_account(&mint, &owner, 1_000));
        fixture.world.set_account(&destination, token::token_account(&mint, &address("anyone"), 0));
        assert_eq!(fixture.capability(&shard, &definition), capability);
        let mut scenario = Self { way, fixture, shard, queue, capability };
        scenario.set_oracle(ORACLE_NUMBER);
        scenario
    }

    fn set_oracle(&mut self, number: u64) {
        let account = Account { lamports: 10_000_000, data: number.to_le_bytes().to_vec(), ..Account::default() };
        self.fixture.world.set_account(&address("oracle"), account);
    }

    fn moved(&self) -> u64 {
        token::balance(&self.fixture.world.account(&address("destination")))
    }

    /// The transaction that transfers so much, and the position at which it is verified. An entry is queued for it where
    /// there is a queue in the way.
    fn transfer(&mut self, amount: u64) -> (Vec<Instruction>, usize) {
        let authority = match self.way {
            Way::Siblings => AccountMeta::new_readonly(address(people::OWNER), true),
            _ => AccountMeta::new_readonly(self.capability, false),
        };
        let targets =
            vec![AccountMeta::new(address("vault"), false), AccountMeta::new(address("destination"), false), authority];
        let mut accounts = targets.clone();
        accounts.extend([sysvar::clock::ID, address("oracle")].map(|key| AccountMeta::new_readonly(key, false)));
        let arguments = amount.to_le_bytes();
        if self.way == Way::Protocol {
            return (vec![self.withdraw(accounts, &arguments)], 0);
        }
        let enqueue = enqueue(&self.queue, &self.capability, 1, 5, &arguments);
        self.fixture.send(&[enqueue], &[people::PRODUCER]);
        let dispatch = dispatch(&self.shard, &self.queue, 0, 1);
        if self.way == Way::Execute {
            return (vec![dispatch, execute(&self.capability, &token::ID, &accounts, &arguments)], 1);
        }
        let data = [&[3][..], &arguments].concat();
        let target = Instruction { program_id: token::ID, accounts: targets, data };
        (vec![dispatch, verify(&self.capability, &accounts, &arguments), target], 1)
    }

    /// The sample protocol's `Withdraw`.
    fn withdraw(&self, more: Vec<AccountMeta>, arguments: &[u8]) -> Instruction {
        let first = [PROCESSOR.address(), self.capability, config(PROCESSOR), sysvar::instructions::ID, token::ID];
        let accounts = first.map(|key| AccountMeta::new_readonly(key, false)).into_iter().chain(more).collect();
        let data = [&1u32.to_le_bytes()[..], arguments].concat();
        Instruction { program_id: SAMPLE_PROTOCOL.address(), accounts, data }
    }

    /// Each attempt starts from the same queue, in a world of its own.
    #[track_caller]
    fn passes(&self, amount: u64) {
        let mut trial = self.clone();
        let (run, _) = trial.transfer(amount);
        let processor = trial.fixture.world.snapshot(&[self.capability, config(PROCESSOR)]);
        trial.fixture.send(&run, &people::ALL);
        assert_eq!(trial.moved(), amount);
        trial.fixture.world.assert_unchanged(&processor);
    }

    #[track_caller]
    fn fails(&self, amount: u64, index: u32) {
        let mut trial = self.clone();
        let (run, position) = trial.transfer(amount);
        // The protocol asks first and refuses with its own error.
        let error = if self.way == Way::Protocol { 1 } else { ProcessorError::VerificationFailed as u32 + index };
        let signers: Vec<_> = people::ALL.iter().map(|name| keypair(name)).collect();
        let signers: Vec<_> = signers.iter().collect();
        let failure = trial.fixture.world.expect_error(&run, &keypair(people::PAYER), &signers, position, error);
        assert_eq!(trial.moved(), 0);
        if self.way != Way::Protocol {
            let line = format!("Program log: {error:#x}, {index:#x}, 0x8,");
            assert!(
                failure.outcome.logs.iter().any(|log| log.starts_with(&line)),
                "{line}: {:#?}",
                failure.outcome.logs
            );
        }
    }

    fn run(way: Way) {
        let mut scenario = Self::new(way);
        scenario.passes(45);
        scenario.fails(MOST_PER_OPERATION + 1, 0);
        scenario.fails(46, 2);
        scenario.set_oracle(100);
        scenario.passes(MOST_PER_OPERATION);
        scenario.fixture.world.set_unix_seconds(START_UNIX_SECONDS - 1);
        scenario.fails(10, 1);
        scenario.fixture.world.set_unix_seconds(START_UNIX_SECONDS + 500);
        scenario.passes(10);
        scenario.fixture.world.set_unix_seconds(START_UNIX_SECONDS + WINDOW_SECONDS);
        scenario.fails(10, 1);
    }
}

#[test]
fn as_siblings_with_a_declared_co_signer() {
    Scenario::run(Way::Siblings);
}

#[test]
fn by_execute() {
    Scenario::run(Way::Execute);
}

#[test]
fn by_cpi_from_the_sample_protocol() {
    Scenario::run(Way::Protocol);
}
