//! Runs a case: alone in Mollusk, or among its siblings in `LiteSVM`.

use crate::{case::ValidCase, change::Subject};
use litesvm::LiteSVM;
use mollusk_svm::program::loader_keys::LOADER_V3;
use mollusk_tests::{
    features::FeatureProfile,
    fixture::people,
    programs::{DIFF, ED25519_VERIFIER, NOOP, PROCESSOR, PROCESSOR_V2, Program, RELAY, SCHEDULER, address},
    single::{Case, Runner, Verdict},
};
use solana_account::Account;
use solana_instruction::{Instruction, error::InstructionError};
use solana_message::{Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;
use solana_transaction::{TransactionError, versioned::VersionedTransaction};
use std::cell::RefCell;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It succeeded.
    Accepted,
    /// It was refused and had written nothing.
    Refused,
    /// It was refused after it had written.
    RefusedLate(String),
    /// The virtual machine or the runtime stopped it: the program did not notice.
    Faulted(InstructionError),
}

impl Ending {
    /// Whether it was refused after it had written.
    pub fn is_late(&self) -> bool {
        matches!(self, Self::RefusedLate(_))
    }
}

/// Whether the runtime raised the error because the program did something that it must not.
fn is_fault(error: &InstructionError) -> bool {
    matches!(
        error,
        InstructionError::ProgramFailedToComplete
            | InstructionError::ProgramEnvironmentSetupFailure
            | InstructionError::ComputationalBudgetExceeded
            | InstructionError::ReadonlyDataModified
            | InstructionError::ReadonlyLamportChange
            | InstructionError::ExternalAccountDataModified
            | InstructionError::ExternalAccountLamportSpend
            | InstructionError::ModifiedProgramId
            | InstructionError::UnbalancedInstruction
            | InstructionError::AccountBorrowFailed
    )
}

/// What runs the cases of one program.
pub struct Machine {
    runner: RefCell<Runner>,
    second_version: RefCell<Runner>,
}

impl Machine {
    /// A machine with every program.
    pub fn new() -> Self {
        let programs = [PROCESSOR, SCHEDULER, DIFF, NOOP, RELAY, ED25519_VERIFIER];
        let runner = || Runner::new(FeatureProfile::Mainnet, &programs);
        let mut second_version = runner();
        let elf = PROCESSOR_V2.elf();
        second_version.configure(|mollusk| {
            mollusk.add_program_with_loader_and_elf(&PROCESSOR.address(), &LOADER_V3, &elf);
        });
        Self { runner: RefCell::new(runner()), second_version: RefCell::new(second_version) }
    }

    /// Whether the program refuses this data without any account, by an error of its own.
    pub fn refuses_data(&self, program: Program, data: &[u8]) -> bool {
        let instruction = Instruction::new_with_bytes(program.address(), data, Vec::new());
        let verdict = self.runner.borrow().verdict(&Case::new(instruction, []));
        matches!(verdict, Verdict::Refused { error: InstructionError::InvalidInstructionData, .. })
    }

    /// Prepares to run a case and its mutations.
    pub fn session<'a>(&'a self, case: &'a ValidCase) -> Session<'a> {
        let runner = if case.by_second_version { &self.second_version } else { &self.runner };
        runner.borrow_mut().set_unix_seconds(case.world.unix_seconds());
        let svm = case.world.svm.clone().with_sigverify(false).with_blockhash_check(false);
        Session { runner, case, svm }
    }
}

/// One case in the machine.
pub struct Session<'a> {
    runner: &'a RefCell<Runner>,
    case: &'a ValidCase,
    svm: LiteSVM,
}

impl Session<'_> {
    /// Runs the case's instruction as `subject` has it.
    pub fn run(&mut self, subject: &Subject) -> Ending {
        if self.case.transaction.len() == 1 { self.alone(subject) } else { self.among_siblings(subject) }
    }

    fn instruction(&self, subject: &Subject) -> Instruction {
        let program_id = self.case.transaction[self.case.index].program_id;
        Instruction { program_id, accounts: subject.metas.clone(), data: subject.data.clone() }
    }

    fn alone(&self, subject: &Subject) -> Ending {
        let replaced = subject.replaced.iter().map(|(key, account)| (*key, account.clone()));
        let mut accounts: Vec<(Pubkey, Account)> = replaced.collect();
        for meta in &subject.metas {
            let key = meta.pubkey;
            // The runner knows sysvars and programs itself; what the world lacks does not exist there either.
            if key == sysvar::instructions::ID || key == sysvar::clock::ID || accounts.iter().any(|(k, _)| *k == key) {
                continue;
            }
            if let Some(account) = self.case.world.svm.get_account(&key).filter(|account| !account.executable) {
                accounts.push((key, account));
            }
        }
        match self.runner.borrow().verdict(&Case::new(self.instruction(subject), accounts)) {
            Verdict::Accepted => Ending::Accepted,
            Verdict::Refused { error, .. } if is_fault(&error) => Ending::Faulted(error),
            Verdict::Refused { written, .. } if written.is_empty() => Ending::Refused,
            Verdict::Refused { error, written } => Ending::RefusedLate(format!("{error:?} after {written:?}")),
        }
    }

    /// The signatures are not checked here, and none are made: a signer's flag in the message stands for its signature.
    fn among_siblings(&mut self, subject: &Subject) -> Ending {
        let mut transaction = self.case.transaction.clone();
        transaction[self.case.index] = self.instruction(subject);
        let message = Message::new(&transaction, Some(&address(people::PAYER)));
        let count = usize::from(message.header.num_required_signatures);
        let transaction = VersionedTransaction {
            signatures: vec![[0; 64].into(); count],
            message: VersionedMessage::Legacy(message),
        };
        if let Some((key, account)) = &subject.replaced {
            self.put(key, account.clone());
        }
        let result = self.svm.simulate_transaction(transaction);
        if let Some((key, _)) = &subject.replaced {
            self.put(key, self.case.account(key));
        }
        match result.map_err(|failed| failed.err) {
            Ok(_) => Ending::Accepted,
            Err(TransactionError::InstructionError(_, error)) if is_fault(&error) => Ending::Faulted(error),
            Err(_) => Ending::Refused,
        }
    }

    fn put(&mut self, key: &Pubkey, account: Account) {
        self.svm.set_account(*key, account).expect("neither a sysvar nor a program");
    }
}
