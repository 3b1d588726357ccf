//! A verifier that does what no built-in function can: it checks a zero-knowledge proof that stands in the arguments.

use mollusk_tests::{
    capabilities::check,
    features::FeatureProfile,
    fixture::*,
    groth16::{Keys, PROOF_BYTES, Proven, second_name},
    programs::*,
};
use shared_layouts::processor::{CheckResult, ProcessorError, capability_flags};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

/// Offset of the proof's last point.
const C: usize = 192;

struct Scene {
    fixture: Fixture,
    proven: Proven,
    capability: Pubkey,
}

impl Scene {
    fn new() -> Self {
        let mut fixture = Fixture::new(FeatureProfile::Mainnet);
        let shard = fixture.shard();
        let proven = Proven::new(&mut fixture.world);
        let definition = proven.definition().flags(capability_flags::CALLABLE_DIRECTLY);
        let capability = fixture.capability(&shard, &definition);
        Self { fixture, proven, capability }
    }

    fn check(&mut self, arguments: &[u8]) -> CheckResult {
        let run = [check(&self.capability, &self.proven.accounts(), arguments)];
        bytemuck::pod_read_unaligned(&self.fixture.send(&run, &[]).return_data.1)
    }

    /// `Verify` with the target call behind it, and `Execute`.
    fn runs(&self, arguments: &[u8]) -> [Vec<Instruction>; 2] {
        let accounts = self.proven.accounts();
        let target = Instruction::new_with_bytes(NOOP.address(), arguments, Vec::new());
        [
            vec![verify(&self.capability, &accounts, arguments), target],
            vec![execute(&self.capability, &NOOP.address(), &accounts, arguments)],
        ]
    }
}

#[test]
fn a_proof_that_holds_passes_in_check_verify_and_execute() {
    let mut scene = Scene::new();
    let arguments = scene.proven.arguments;
    let result = scene.check(&arguments);
    assert_eq!((result.passed, result.holds, result.evaluated, result.first_failing), (1, 1, 1, 255));
    for run in scene.runs(&arguments) {
        scene.fixture.send(&run, &[]);
    }
}

#[test]
fn what_is_no_proof_of_its_public_input_is_a_soft_no_and_an_error_with_its_index() {
    let mut scene = Scene::new();
    let valid = scene.proven.arguments;
    let changed = |change: &dyn Fn(&mut [u8])| {
        let mut arguments = valid;
        change(&mut arguments);
        arguments
    };
    let other = Keys::new().prove(4);
    let cases = [
        ("another public input", changed(&|bytes| bytes[PROOF_BYTES + 31] ^= 1)),
        (
            "the public input by its second name",
            changed(&|bytes| {
                let second = second_name(&bytes[PROOF_BYTES..]);
                bytes[PROOF_BYTES..].copy_from_slice(&second);
            }),
        ),
        ("a point of another proof", changed(&|bytes| bytes[C..PROOF_BYTES].copy_from_slice(&other[C..PROOF_BYTES]))),
        ("a coordinate that is no number of the field", changed(&|bytes| bytes[..32].fill(0xff))),
        ("a point off the curve", changed(&|bytes| bytes[63] ^= 1)),
        ("a second point off its curve", changed(&|bytes| bytes[C - 1] ^= 1)),
        ("nothing but zeros", changed(&|bytes| bytes.fill(0))),
    ];
    let before = scene.fixture.world.snapshot(&[scene.capability, config(PROCESSOR)]);
    for (name, arguments) in cases {
        assert_ne!(arguments, valid, "{name}");
        let result = scene.check(&arguments);
        assert_eq!((result.passed, result.holds, result.evaluated, result.first_failing), (0, 0, 1, 0), "{name}");
        for run in scene.runs(&arguments) {
            let error = ProcessorError::VerificationFailed as u32;
            scene.fixture.world.expect_error(&run, &keypair(people::PAYER), &[], 0, error);
        }
    }
    scene.fixture.world.assert_unchanged(&before);
}
