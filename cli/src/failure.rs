//! Why a command failed and what cures it: one line for people, one object for machines.

use serde_json::{Value, json};
use shared_layouts::client::error_of;
use solana_instruction::Instruction;
use solana_instruction::error::InstructionError;
use solana_pubkey::Pubkey;
use solana_rpc_client_api::client_error::{self, ErrorKind};
use solana_rpc_client_api::request::{RpcError, RpcResponseErrorData};
use solana_transaction_error::TransactionError;
use std::error::Error;

/// What every command returns.
pub type Outcome<T> = Result<T, Failure>;

/// A cause, and a cure where one is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    cause: String,
    cure: Option<String>,
    /// The program's error, if one of the three programs returned it.
    error: Option<(u32, &'static str)>,
    /// The server could not be reached.
    is_connection: bool,
}

impl Failure {
    /// A failure without a known cure.
    pub fn new(cause: impl Into<String>) -> Self {
        Self { cause: one_line(&cause.into()), cure: None, error: None, is_connection: false }
    }

    /// The same with a cure.
    #[must_use]
    pub fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(one_line(&cure.into()));
        self
    }

    /// The same with what was being done in front.
    #[must_use]
    pub fn while_doing(mut self, what: &str) -> Self {
        self.cause = format!("{what}: {}", self.cause);
        self
    }

    /// The code, if one of the three programs returned the error.
    pub fn code(&self) -> Option<u32> {
        self.error.map(|(code, _)| code)
    }

    /// Whether the server could not be reached: it says nothing about what was asked.
    pub const fn is_connection(&self) -> bool {
        self.is_connection
    }

    /// One line: the cause, then the cure.
    pub fn line(&self) -> String {
        match &self.cure {
            Some(cure) => format!("{}: {cure}", self.cause),
            None => self.cause.clone(),
        }
    }

    /// The same for machines.
    pub fn json(&self) -> Value {
        json!({
            "error": self.cause,
            "cure": self.cure,
            "code": self.error.map(|(code, _)| code),
            "name": self.error.map(|(_, name)| name),
        })
    }

    /// An RPC call failed. `instructions` are those of the transaction, if it was one; `payer` pays for it.
    pub fn of_rpc(
        url: &str,
        error: &client_error::Error,
        instructions: &[Instruction],
        payer: Option<&Pubkey>,
    ) -> Self {
        let logs = preflight_logs(error);
        if let Some(error) = error.get_transaction_error() {
            return Self::of_transaction(&error, &logs, instructions, payer);
        }
        match error.kind() {
            ErrorKind::Reqwest(error) if error.status().is_some() => {
                Self::new(format!("{url} answers {}", root(error)))
                    .cure("it is not a Solana RPC server, or it refuses this client; check --url")
            }
            ErrorKind::Reqwest(error) => unreachable_server(url, &root(error)),
            ErrorKind::Middleware(error) => unreachable_server(url, &error.root_cause().to_string()),
            ErrorKind::Io(error) => unreachable_server(url, &error.to_string()),
            ErrorKind::SerdeJson(error) => {
                Self::new(format!("{url} does not answer as a Solana RPC server ({error})")).cure("check --url")
            }
            other => Self::new(format!("{url} refused the request ({other})")),
        }
    }

    /// A transaction was refused.
    pub fn of_transaction(
        error: &TransactionError,
        logs: &[String],
        instructions: &[Instruction],
        payer: Option<&Pubkey>,
    ) -> Self {
        let payer = payer.map_or_else(|| "the payer".to_owned(), |key| format!("the payer {key}"));
        match error {
            TransactionError::AccountNotFound => Self::new(format!("{payer} has no lamports on this cluster"))
                .cure("send it some, or name another --keypair"),
            TransactionError::InsufficientFundsForFee | TransactionError::InsufficientFundsForRent { .. } => {
                Self::new(format!("{payer} has not enough lamports")).cure("send it some, or name another --keypair")
            }
            TransactionError::InstructionError(_, InstructionError::InsufficientFunds) => {
                Self::new(format!("{payer} has not enough lamports for what is created"))
                    .cure("send it some, or name another --keypair")
            }
            TransactionError::ProgramAccountNotFound => {
                Self::new("a program that the transaction calls is not deployed")
                    .cure("run `valence deploy`, or check --url")
            }
            TransactionError::BlockhashNotFound => {
                Self::new("the cluster does not know the transaction's blockhash any more")
                    .cure("run the command again")
            }
            TransactionError::InstructionError(index, error) => Self::of_instruction(*index, error, logs, instructions)
                .unwrap_or_else(|| match lamports_missing(logs) {
                    Some((has, needs)) => Self::new(format!("{payer} has not enough lamports: {has} of {needs}"))
                        .cure("send it some, or name another --keypair"),
                    None => Self::new(format!("instruction {index} failed ({error})")),
                }),
            other => Self::new(format!("the transaction was refused ({other})")),
        }
    }

    fn of_instruction(
        index: u8,
        error: &InstructionError,
        logs: &[String],
        instructions: &[Instruction],
    ) -> Option<Self> {
        let InstructionError::Custom(code) = error else {
            return lamports_missing(logs).is_none().then(|| {
                let program = instructions.get(usize::from(index)).map(|call| call.program_id.to_string());
                let reason =
                    if matches!(error, InstructionError::UnsupportedProgramId) { "is not deployed" } else { "failed" };
                Self::new(format!("program {} {reason} ({error})", program.unwrap_or_default()))
            });
        };
        let spec = error_of(*code)?;
        let meaning = spec.meaning.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        let cause = format!("{} ({code}): {}", spec.name, meaning.trim_end_matches('.'));
        Some(Self { cause, cure: None, error: Some((*code, spec.name)), is_connection: false })
    }
}

fn unreachable_server(url: &str, reason: &str) -> Failure {
    let failure = Failure::new(format!("cannot reach the RPC server at {url} ({reason})"));
    Failure { is_connection: true, ..failure.cure("start it, or name another --url") }
}

/// The innermost source of an error: the outer ones repeat the address.
fn root(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn preflight_logs(error: &client_error::Error) -> Vec<String> {
    match error.kind() {
        ErrorKind::RpcError(RpcError::RpcResponseError {
            data: RpcResponseErrorData::SendTransactionPreflightFailure(result),
            ..
        }) => result.logs.clone().unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// What the system program logs when a transfer is not covered.
fn lamports_missing(logs: &[String]) -> Option<(u64, u64)> {
    logs.iter().find_map(|line| {
        let (has, needs) = line.split_once("Transfer: insufficient lamports ")?.1.split_once(", need ")?;
        Some((has.parse().ok()?, needs.trim().parse().ok()?))
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_error_is_named_with_its_sentence() {
        let error = TransactionError::InstructionError(0, InstructionError::Custom(2107));
        let failure = Failure::of_transaction(&error, &[], &[], None);
        assert_eq!(failure.line(), "NotProducer (2107): The signer is not a listed producer of the queue");
        assert_eq!(failure.json()["code"], 2107);
    }

    #[test]
    fn missing_lamports_are_read_from_the_system_programs_log() {
        let logs = vec!["Transfer: insufficient lamports 5, need 70".to_owned()];
        let error = TransactionError::InstructionError(0, InstructionError::Custom(1));
        let failure = Failure::of_transaction(&error, &logs, &[], None);
        assert!(failure.line().starts_with("the payer has not enough lamports: 5 of 70"), "{failure:?}");
    }

    #[test]
    fn a_failure_is_one_line() {
        assert_eq!(Failure::new("a\n  b").cure("c\nd").line(), "a b: c d");
    }
}
