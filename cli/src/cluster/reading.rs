//! What is read in bulk: all accounts of a program, and the ledger's transactions.

use super::Cluster;
use crate::failure::{Failure, Outcome};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_account::Account;
use solana_instruction::Instruction;
use solana_message::Message;
use solana_pubkey::Pubkey;
use solana_rpc_client_api::config::RpcSimulateTransactionConfig;
use solana_rpc_client_api::request::RpcRequest;
use solana_transaction::Transaction;
use solana_transaction_error::TransactionError;
use std::collections::BTreeMap;

/// Signatures that one request returns.
const SIGNATURES_PER_REQUEST: usize = 1_000;

/// Accounts with their addresses.
pub type Accounts = BTreeMap<Pubkey, Account>;

/// A transaction in the list of an address.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    /// In base58.
    #[serde(rename = "signature")]
    pub text: String,
    /// Slot that it is in.
    pub slot: u64,
    /// Time of its block, unix seconds.
    #[serde(default)]
    pub block_time: Option<i64>,
}

#[derive(Deserialize)]
struct WithContext<T> {
    context: Context,
    value: T,
}

#[derive(Deserialize)]
struct Context {
    slot: u64,
}

#[derive(Deserialize)]
struct Keyed {
    pubkey: String,
    account: Encoded,
}

#[derive(Deserialize)]
struct Encoded {
    lamports: u64,
    owner: String,
    data: (String, String),
    executable: bool,
}

impl Cluster {
    /// All accounts that a program owns, and the slot at which the server read them.
    pub fn program_accounts(&self, program: &Pubkey) -> Outcome<(u64, Accounts)> {
        let options = json!({ "encoding": "base64", "commitment": "confirmed", "withContext": true });
        let found: WithContext<Vec<Keyed>> = self
            .rpc
            .send(RpcRequest::GetProgramAccounts, json!([program.to_string(), options]))
            .map_err(|error| self.fault(&error))?;
        let accounts = found.value.into_iter().map(|keyed| self.decoded(&keyed)).collect::<Outcome<_>>()?;
        Ok((found.context.slot, accounts))
    }

    fn decoded(&self, keyed: &Keyed) -> Outcome<(Pubkey, Account)> {
        let Encoded { lamports, owner, data, executable } = &keyed.account;
        let broken =
            |what: &str| Failure::new(format!("{} answers with {what}", self.settings.url)).cure("check --url");
        let address = keyed.pubkey.parse().map_err(|_| broken("an account without an address"))?;
        let owner = owner.parse().map_err(|_| broken("an account without an owner"))?;
        let data = BASE64_STANDARD.decode(&data.0).map_err(|_| broken("an account whose data is not base64"))?;
        Ok((address, Account { lamports: *lamports, data, owner, executable: *executable, rent_epoch: u64::MAX }))
    }

    /// The transactions that name an address, the newest first: those after `until`, at most `most` of them.
    pub fn signatures(&self, address: &Pubkey, until: Option<&str>, most: usize) -> Outcome<Vec<Signature>> {
        let mut found: Vec<Signature> = Vec::new();
        loop {
            let limit = SIGNATURES_PER_REQUEST.min(most - found.len());
            let before = found.last().map(|last| last.text.clone());
            let mut options = json!({ "commitment": "confirmed", "limit": limit });
            for (name, value) in [("until", until.map(str::to_owned)), ("before", before)] {
                if let Some(value) = value {
                    options[name] = value.into();
                }
            }
            let page: Vec<Signature> = self
                .rpc
                .send(RpcRequest::GetSignaturesForAddress, json!([address.to_string(), options]))
                .map_err(|error| self.fault(&error))?;
            let last = page.len() < limit;
            found.extend(page);
            if last || found.len() >= most {
                return Ok(found);
            }
        }
    }

    /// The server's ledger must reach back to a slot: what is not in it cannot be told from what never happened.
    pub fn check_ledger_since(&self, slot: u64) -> Outcome<()> {
        let first = self.rpc.get_first_available_block().map_err(|error| self.fault(&error))?;
        if first <= slot {
            return Ok(());
        }
        Err(Failure::new(format!("the ledger of {} begins in slot {first}, after slot {slot}", self.settings.url))
            .cure("name a server by --url that keeps the whole ledger"))
    }

    /// Lamports that an account of so many bytes must hold.
    pub fn rent(&self, bytes: usize) -> Outcome<u64> {
        self.rpc.get_minimum_balance_for_rent_exemption(bytes).map_err(|error| self.fault(&error))
    }

    /// Simulates instructions without any signature; returns the error that they would have.
    pub fn simulate_unsigned(&self, calls: &[Instruction], payer: &Pubkey) -> Outcome<Option<TransactionError>> {
        let transaction = Transaction::new_unsigned(Message::new(calls, Some(payer)));
        let config = RpcSimulateTransactionConfig {
            sig_verify: false,
            replace_recent_blockhash: true,
            ..RpcSimulateTransactionConfig::default()
        };
        let result = self.rpc.simulate_transaction_with_config(&transaction, config);
        Ok(result.map_err(|error| self.fault(&error))?.value.err.map(Into::into))
    }

    /// A transaction with its meta data, as the server shows it; null if it has none of that signature.
    pub fn transaction(&self, signature: &str) -> Outcome<Value> {
        let options = json!({ "encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0 });
        self.rpc.send(RpcRequest::GetTransaction, json!([signature, options])).map_err(|error| self.fault(&error))
    }
}
