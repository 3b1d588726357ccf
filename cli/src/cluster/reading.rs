//! What is read in bulk: all accounts of a program, and the ledger's transactions.

use super::Cluster;
use crate::failure::{Failure, Outcome};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_account::Account;
use solana_pubkey::Pubkey;
use solana_rpc_client_api::request::RpcRequest;
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

    /// A transaction with its meta data, as the server shows it; null if it has none of that signature.
    pub fn transaction(&self, signature: &str) -> Outcome<Value> {
        let options = json!({ "encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0 });
        self.rpc.send(RpcRequest::GetTransaction, json!([signature, options])).map_err(|error| self.fault(&error))
    }
}
