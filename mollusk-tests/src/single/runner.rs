//! Runs cases.

use super::{Case, Outcome, Verdict, observer::Observer};
use crate::{
    compare,
    expected::Expected,
    features::{FeatureProfile, mollusk},
    program_data,
    programs::Program,
};
use mollusk_svm::{
    Mollusk,
    program::{create_keyed_account_for_builtin_program, keyed_account_for_system_program, loader_keys::LOADER_V3},
};
use solana_account::Account;
use solana_instruction::error::InstructionError;
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar};

/// Runs cases under one feature profile, and refused ones a second time under observation.
pub struct Runner {
    measured: Mollusk,
    observed: Mollusk,
    observer: Observer,
}

impl Runner {
    /// A runner that knows `programs` and SPL Token.
    pub fn new(profile: FeatureProfile, programs: &[Program]) -> Self {
        let mut observed = mollusk(FeatureProfile::AllFeatures, programs);
        let observer = Observer::default();
        observer.attach(&mut observed);
        Self { measured: mollusk(profile, programs), observed, observer }
    }

    /// Changes sysvars, or adds a program, for both runs of a case.
    pub fn configure(&mut self, change: impl Fn(&mut Mollusk)) {
        change(&mut self.measured);
        change(&mut self.observed);
    }

    /// Sets the clock, in unix seconds.
    pub fn set_unix_seconds(&mut self, unix_seconds: i64) {
        self.configure(|mollusk| mollusk.sysvars.clock.unix_timestamp = unix_seconds);
    }

    /// Runs the case, whatever its result.
    pub fn run(&self, case: &Case) -> Outcome {
        process(&self.measured, case)
    }

    /// Runs a case that must succeed.
    #[track_caller]
    pub fn expect_ok(&self, case: &Case) -> Outcome {
        let outcome = self.run(case);
        assert_eq!(outcome.result.raw_result, Ok(()), "the instruction failed");
        outcome
    }

    /// Runs a case that must be refused with exactly this error, before anything was written to any account.
    #[track_caller]
    pub fn expect_error(&self, case: &Case, error: impl Into<Expected>) -> Outcome {
        let error = error.into();
        let outcome = self.expect_late_error(case, error.clone());
        let (result, written) = self.observe(case);
        assert_eq!(result, Err(error.0), "the error with all features");
        assert!(written.is_empty(), "accounts changed: {written:#?}");
        outcome
    }

    /// Runs a case that may be accepted or refused, and says which. A refused one is run again under observation.
    ///
    /// # Panics
    /// When the two runs end differently.
    #[track_caller]
    pub fn verdict(&self, case: &Case) -> Verdict {
        let Err(error) = self.run(case).result.raw_result else {
            return Verdict::Accepted;
        };
        let (result, written) = self.observe(case);
        assert_eq!(result.as_ref(), Err(&error), "the error with all features");
        Verdict::Refused { error, written }
    }

    /// Runs the case with all features, and returns how it ended and which accounts it had written by then.
    fn observe(&self, case: &Case) -> (Result<(), InstructionError>, Vec<(Pubkey, String)>) {
        let observed = process(&self.observed, case);
        let left = self.observer.take();
        // A spoiled case may list accounts that its instruction no longer names.
        let mut named = observed.before;
        named.retain(|(key, _)| left.iter().any(|(other, _)| other == key));
        (observed.result.raw_result, compare::changes(&named, &left))
    }

    /// Runs a case that must fail with exactly this error, which a callee or the runtime raises after the program has
    /// already written. The runtime takes such writes back; only the error is asserted.
    #[track_caller]
    pub fn expect_late_error(&self, case: &Case, error: impl Into<Expected>) -> Outcome {
        let outcome = self.run(case);
        assert_eq!(outcome.result.raw_result, Err(error.into().0), "the error");
        outcome
    }
}

fn process(mollusk: &Mollusk, case: &Case) -> Outcome {
    let before = completed(mollusk, case);
    let result = mollusk.process_instruction(&case.instruction, &before);
    Outcome { before, result }
}

/// The case's accounts, and those that its instruction names beside them.
fn completed(mollusk: &Mollusk, case: &Case) -> Vec<(Pubkey, Account)> {
    let mut accounts = case.accounts.clone();
    for meta in &case.instruction.accounts {
        let known = accounts.iter().any(|(key, _)| *key == meta.pubkey);
        // Mollusk builds the instructions sysvar itself, for each run.
        if !known && meta.pubkey != sysvar::instructions::ID {
            accounts.push((meta.pubkey, unlisted(mollusk, &meta.pubkey)));
        }
    }
    accounts
}

/// The account that stands at an address which a case does not list.
fn unlisted(mollusk: &Mollusk, key: &Pubkey) -> Account {
    if *key == sysvar::clock::ID {
        return mollusk.sysvars.keyed_account_for_clock_sysvar().1;
    }
    if *key == sysvar::rent::ID {
        return mollusk.sysvars.keyed_account_for_rent_sysvar().1;
    }
    if *key == system_program::ID {
        return keyed_account_for_system_program().1;
    }
    match mollusk.program_cache.load_program(key) {
        Some(entry) if entry.account_owner() == LOADER_V3 => program_data::program(key),
        Some(_) => create_keyed_account_for_builtin_program(key, "builtin").1,
        None => Account::default(),
    }
}
