//! Keys and proofs for the Groth16 verifier of the test programs.
//!
//! The circuit: somebody knows an x with x³ + x + 5 = y; y is the public input. Key and proof are made from fixed seeds, so that
//! every run has the same.

use crate::{
    fixture::{Definition, LAMPORTS, fixed},
    programs::{GROTH16_VERIFIER, NOOP, address},
    world::World,
};
use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ff::{BigInteger, PrimeField};
use ark_groth16::{Groth16, ProvingKey};
use ark_relations::{
    lc,
    r1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError, Variable},
};
use ark_std::rand::{SeedableRng, rngs::StdRng};
use shared_layouts::processor::{Function, function_kind};
use solana_account::Account;
use solana_instruction::AccountMeta;

/// Name of the account with the verifying key.
const VERIFYING_KEY: &str = "verifying key";

/// Bytes of a proof: A, B, C.
pub const PROOF_BYTES: usize = 256;
/// Bytes of a public input.
pub const INPUT_BYTES: usize = 32;

/// x³ + x + 5 = y, of which y is public.
struct Cubic {
    x: Option<Fr>,
}

impl ConstraintSynthesizer<Fr> for Cubic {
    fn generate_constraints(self, system: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let value = |value: Option<Fr>| move || value.ok_or(SynthesisError::AssignmentMissing);
        let (x_value, five) = (self.x, Fr::from(5));
        let y = system.new_input_variable(value(x_value.map(|x| x * x * x + x + five)))?;
        let x = system.new_witness_variable(value(x_value))?;
        let square = system.new_witness_variable(value(x_value.map(|x| x * x)))?;
        let cube = system.new_witness_variable(value(x_value.map(|x| x * x * x)))?;
        system.enforce_constraint(lc!() + x, lc!() + x, lc!() + square)?;
        system.enforce_constraint(lc!() + square, lc!() + x, lc!() + cube)?;
        system.enforce_constraint(lc!() + cube + x + (five, Variable::One), lc!() + Variable::One, lc!() + y)
    }
}

/// The circuit's keys.
pub struct Keys {
    proving: ProvingKey<Bn254>,
}

impl Keys {
    /// Keys from a fixed seed: who knows it can forge, so for tests only.
    ///
    /// # Panics
    /// When the circuit is not sound.
    pub fn new() -> Self {
        let mut random = StdRng::seed_from_u64(1);
        let proving = Groth16::<Bn254>::generate_random_parameters_with_reduction(Cubic { x: None }, &mut random);
        Self { proving: proving.expect("a sound circuit") }
    }

    /// The verifying key as the verifier's account holds it.
    pub fn account_data(&self) -> Vec<u8> {
        let key = &self.proving.vk;
        let negated = [-key.beta_g2, -key.gamma_g2, -key.delta_g2];
        let first = g1(&key.alpha_g1).into_iter().chain(negated.iter().flat_map(g2));
        first.chain(key.gamma_abc_g1.iter().flat_map(g1)).collect()
    }

    /// A proof that somebody knows `x`, and the public input that belongs to it.
    ///
    /// # Panics
    /// When the circuit is not sound.
    pub fn prove(&self, x: u64) -> [u8; PROOF_BYTES + INPUT_BYTES] {
        let x = Fr::from(x);
        let mut random = StdRng::seed_from_u64(2);
        let proof =
            Groth16::<Bn254>::create_random_proof_with_reduction(Cubic { x: Some(x) }, &self.proving, &mut random)
                .expect("a solution");
        let input = (x * x * x + x + Fr::from(5)).into_bigint().to_bytes_be();
        let parts = [g1(&proof.a), g2(&proof.b), g1(&proof.c), input];
        parts.concat().try_into().expect("three points and a number")
    }
}

/// The same public input by a larger number: both leave the same rest, so arithmetic alone cannot tell them apart.
///
/// # Panics
/// When the input has another length.
pub fn second_name(input: &[u8]) -> [u8; INPUT_BYTES] {
    let mut sum = Fr::from_be_bytes_mod_order(input).into_bigint();
    sum.add_with_carry(&Fr::MODULUS);
    sum.to_bytes_be().try_into().expect("32 bytes")
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

/// A capability whose arguments are a proof, and a proof.
pub struct Proven {
    /// A proof that somebody knows an x for the y behind it.
    pub arguments: [u8; PROOF_BYTES + INPUT_BYTES],
}

impl Proven {
    /// Puts the verifying key into a world.
    pub fn new(world: &mut World) -> Self {
        let keys = Keys::new();
        let owner = GROTH16_VERIFIER.address();
        let account = Account { lamports: LAMPORTS, data: keys.account_data(), owner, ..Account::default() };
        world.set_account(&address(VERIFYING_KEY), account);
        Self { arguments: keys.prove(3) }
    }

    /// Verifier and verifying key, the capability's only accounts.
    pub fn accounts(&self) -> [AccountMeta; 2] {
        [GROTH16_VERIFIER.address(), address(VERIFYING_KEY)].map(|key| AccountMeta::new_readonly(key, false))
    }

    /// Runs the no-op program with arguments that are a proof.
    pub fn definition(&self) -> Definition {
        let ask =
            Function { kind: function_kind::EXTERNAL, second_account: 1, extra: 1, ..bytemuck::Zeroable::zeroed() };
        let bytes = u16::try_from(self.arguments.len()).expect("a short proof");
        let evidence = self.accounts().map(|meta| fixed(&meta.pubkey, 0));
        Definition::new(&NOOP.address()).evidence(evidence).functions([ask]).arguments(bytes)
    }
}

/// A point of the first group: x, y.
fn g1(point: &G1Affine) -> Vec<u8> {
    [point.x, point.y].iter().flat_map(number).collect()
}

/// A point of the second group: x, y, of each the imaginary part first.
fn g2(point: &G2Affine) -> Vec<u8> {
    [point.x, point.y].iter().flat_map(|Fq2 { c0, c1, .. }| [number(c1), number(c0)].concat()).collect()
}

/// A coordinate, big-endian.
fn number(coordinate: &Fq) -> Vec<u8> {
    coordinate.into_bigint().to_bytes_be()
}
