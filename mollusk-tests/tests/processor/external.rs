//! External verifiers: what they are asked, and whose answer counts.

use mollusk_tests::{
    capabilities::check,
    ed25519::{install, signed},
    features::FeatureProfile,
    fixture::*,
    programs::*,
};
use shared_layouts::processor::{CheckResult, Function, composition, function_kind};
use solana_instruction::{AccountMeta, Instruction, error::InstructionError};
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;

const ARGUMENTS: [u8; 2] = [1, 7];

/// A function that asks the verifier at evidence position 0 with the accounts that follow.
fn ask(extra: u32) -> Function {
    Function { kind: function_kind::EXTERNAL, second_account: 1, extra, ..bytemuck::Zeroable::zeroed() }
}

/// Holds if the first byte of the arguments is 1.
fn cheap() -> Function {
    let mut constant = [0; 32];
    constant[0] = 1;
    Function { kind: function_kind::INPUT, width: 1, constant, ..bytemuck::Zeroable::zeroed() }
}

/// A world with a capability for each composition, and the evidence accounts of both.
struct Asked {
    fixture: Fixture,
    accounts: Vec<AccountMeta>,
}

impl Asked {
    fn new(evidence: &[Pubkey]) -> Self {
        let mut fixture = Fixture::new(FeatureProfile::Mainnet);
        install(&mut fixture.world);
        let accounts = evidence.iter().map(|key| AccountMeta::new_readonly(*key, false)).collect();
        Self { fixture, accounts }
    }

    fn capability(&mut self, composition: u8, functions: impl IntoIterator<Item = Function>) -> Pubkey {
        let shard = self.fixture.shard();
        let rules = self.accounts.iter().map(|meta| fixed(&meta.pubkey, 0));
        let mut definition = Definition::new(&NOOP.address()).evidence(rules).functions(functions);
        definition.data.composition = composition;
        self.fixture.capability(&shard, &definition)
    }

    /// What `Check` says: whether it passed, which functions hold, and which were evaluated.
    fn check(&mut self, capability: &Pubkey, arguments: &[u8], before: &[Instruction]) -> (u8, u32, u32) {
        let run = [before, &[check(capability, &self.accounts, arguments)]].concat();
        let (program, data) = self.fixture.send(&run, &[]).return_data;
        assert_eq!(program, PROCESSOR.address());
        let result: CheckResult = bytemuck::pod_read_unaligned(&data);
        (result.passed, result.holds, result.evaluated)
    }
}

#[test]
fn an_external_verifier_answers_softly_and_is_asked_only_if_it_matters() {
    let mut asked = Asked::new(&[ED25519_VERIFIER.address(), sysvar::instructions::ID, address("oracle")]);
    let all = asked.capability(composition::ALL, [cheap(), ask(2)]);
    let any = asked.capability(composition::ANY, [cheap(), ask(2)]);
    let by_oracle = |message: &[u8]| [signed("oracle", message)];
    assert_eq!(asked.check(&all, &[1, 7], &by_oracle(&[1, 7])), (1, 0b11, 0b11));
    assert_eq!(asked.check(&all, &[1, 7], &by_oracle(&[1, 8])), (0, 0b01, 0b11));
    assert_eq!(asked.check(&all, &[1, 7], &[]), (0, 0b01, 0b11));
    assert_eq!(asked.check(&all, &[0, 7], &by_oracle(&[0, 7])), (0, 0b00, 0b01));
    assert_eq!(asked.check(&any, &[1, 7], &[]), (1, 0b01, 0b01));
    assert_eq!(asked.check(&any, &[0, 7], &by_oracle(&[0, 7])), (1, 0b10, 0b11));
    // Another key's signature is none.
    assert_eq!(asked.check(&all, &[1, 7], &[signed(people::STRANGER, &[1, 7])]), (0, 0b01, 0b11));
}

#[test]
fn a_forged_signature_does_not_get_as_far_as_the_verifier() {
    let mut asked = Asked::new(&[ED25519_VERIFIER.address(), sysvar::instructions::ID, address("oracle")]);
    let capability = asked.capability(composition::ALL, [ask(2)]);
    // The stranger's signature under the oracle's key.
    let mut forged = signed("oracle", &ARGUMENTS);
    forged.data[16..80].copy_from_slice(&signed(people::STRANGER, &ARGUMENTS).data[16..80]);
    let run = [forged, check(&capability, &asked.accounts, &ARGUMENTS)];
    let payer = keypair(people::PAYER);
    asked.fixture.world.expect_error(&run, &payer, &[], 0, InstructionError::InvalidInstructionData);
}

/// The relay sets no return data itself: what stands there was set by the program that it called.
#[test]
fn an_answer_that_another_program_set_is_a_no() {
    let signature = [signed("oracle", &ARGUMENTS)];
    let evidence = [ED25519_VERIFIER.address(), sysvar::instructions::ID, address("oracle")];
    let mut direct = Asked::new(&evidence);
    let capability = direct.capability(composition::ALL, [ask(2)]);
    assert_eq!(direct.check(&capability, &ARGUMENTS, &signature), (1, 1, 1));

    let mut through = Asked::new(&[&[RELAY.address()], &evidence[..]].concat());
    let capability = through.capability(composition::ALL, [ask(3)]);
    let run = [signature[0].clone(), check(&capability, &through.accounts, &ARGUMENTS)];
    let outcome = through.fixture.send(&run, &[]);
    // The verifier did answer yes, to the relay.
    let runs = outcome.invocations.iter().filter(|run| run.program == ED25519_VERIFIER.address());
    assert_eq!(runs.map(|run| run.depth).collect::<Vec<_>>(), [3]);
    let line = format!("Program return: {} ", ED25519_VERIFIER.address());
    assert!(outcome.logs.iter().any(|log| *log == format!("{line}AQ==")), "{:#?}", outcome.logs);
    let result: CheckResult = bytemuck::pod_read_unaligned(&outcome.return_data.1);
    assert_eq!((result.passed, result.evaluated, result.first_failing, result.found_bytes), (0, 1, 0, 0));
}

/// The transaction's flags of the same accounts are writable and signing.
#[test]
fn a_verifiers_accounts_arrive_read_only_and_unsigned() {
    let keys = [FLAGS_VERIFIER.address(), address(people::OWNER), address(people::PRODUCER)];
    let mut asked = Asked::new(&keys);
    let capability = asked.capability(composition::ALL, [ask(2)]);
    let flagged = [(false, false), (true, false), (true, true)];
    let metas = keys.into_iter().zip(flagged);
    asked.accounts =
        metas.map(|(pubkey, (is_signer, is_writable))| AccountMeta { pubkey, is_signer, is_writable }).collect();
    let run = [check(&capability, &asked.accounts, &ARGUMENTS)];
    let outcome = asked.fixture.send(&run, &[people::OWNER, people::PRODUCER]);
    let result: CheckResult = bytemuck::pod_read_unaligned(&outcome.return_data.1);
    assert_eq!((result.passed, result.evaluated), (1, 1));

    // The verifier would have seen the flags: asked without the processor it does.
    let direct = Instruction::new_with_bytes(FLAGS_VERIFIER.address(), &[], asked.accounts[1..].to_vec());
    let outcome = asked.fixture.send(&[direct], &[people::OWNER, people::PRODUCER]);
    assert_eq!(outcome.return_data, (FLAGS_VERIFIER.address(), vec![0, 2]));
}

#[test]
fn no_answer_is_a_no() {
    let mut asked = Asked::new(&[NOOP.address()]);
    let capability = asked.capability(composition::ALL, [ask(0)]);
    assert_eq!(asked.check(&capability, &ARGUMENTS, &[]), (0, 0, 1));
}

/// The same program is asked twice, and another one after it: no answer counts for a later question.
#[test]
fn each_answer_is_that_of_its_own_call() {
    let keys =
        [ED25519_VERIFIER.address(), NOOP.address(), sysvar::instructions::ID, address("oracle"), address("nobody")];
    let mut asked = Asked::new(&keys);
    // The instructions sysvar stands before both keys, of which one has signed.
    asked.accounts.insert(4, AccountMeta::new_readonly(sysvar::instructions::ID, false));
    let question = |verifier: u8, second_account: u8, extra: u32| Function {
        kind: function_kind::EXTERNAL,
        account: verifier,
        second_account,
        extra,
        ..bytemuck::Zeroable::zeroed()
    };
    let (yes, no, silent) = (question(0, 2, 2), question(0, 4, 2), question(1, 2, 0));
    let signature = [signed("oracle", &ARGUMENTS)];
    for (functions, holds) in [
        ([yes, no, silent], 0b001_u32),
        ([no, yes, silent], 0b010),
        ([silent, no, yes], 0b100),
        ([yes, silent, no], 0b001),
        ([yes, silent, yes], 0b101),
    ] {
        // One more than that would hold if an answer stayed.
        let mut capability = |threshold: u32| {
            let shard = asked.fixture.shard();
            let rules = asked.accounts.iter().map(|meta| fixed(&meta.pubkey, 0));
            let mut definition = Definition::new(&NOOP.address()).evidence(rules).functions(functions);
            (definition.data.composition, definition.data.threshold) = (composition::AT_LEAST, threshold);
            asked.fixture.capability(&shard, &definition)
        };
        let count = holds.count_ones();
        let capabilities = [capability(count), capability(count + 1)];
        assert_eq!(asked.check(&capabilities[0], &ARGUMENTS, &signature).0, 1, "{holds:03b}");
        let (passed, found, _) = asked.check(&capabilities[1], &ARGUMENTS, &signature);
        assert_eq!((passed, found), (0, found & holds), "{holds:03b}");
    }
}
