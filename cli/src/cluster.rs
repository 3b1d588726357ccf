//! The cluster as commands see it: typed accounts, and transactions that are sent, confirmed and explained.

pub mod reading;

use crate::failure::{Failure, Outcome};
use crate::set::{Programs, Singleton};
use crate::settings::{self, Options, Settings};
use shared_layouts::{AccountLayout, client, lifecycle::Lifecycle};
use solana_account::Account;
use solana_commitment_config::CommitmentConfig;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{AddressLookupTableAccount, VersionedMessage, v0};
use solana_pubkey::Pubkey;
use solana_rpc_client::rpc_client::RpcClient;
use solana_rpc_client_api::client_error;
use solana_rpc_client_api::config::RpcSendTransactionConfig;
use solana_sdk_ids::sysvar;
use solana_signer::Signer;
use solana_transaction::Transaction;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use std::cell::OnceCell;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Genesis hash of mainnet-beta: a private RPC server shows itself by it, whatever its address.
const MAINNET_GENESIS: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
/// Accounts that one RPC request may ask for.
const ACCOUNTS_PER_REQUEST: usize = 100;
/// Longest wait for a transaction: a blockhash does not live longer.
const CONFIRMATION: Duration = Duration::from_mins(1);

/// Most bytes of a transaction: what fits one packet.
pub const MAX_TRANSACTION_BYTES: usize = 1_232;

/// What a simulation found.
pub struct Simulation {
    /// The error that the transaction would have.
    pub error: Option<TransactionError>,
    /// Compute units that it would take.
    pub units: u64,
    /// What the programs would log.
    pub logs: Vec<String>,
}

/// A connection, and what the user said about it.
pub struct Cluster {
    /// Where and who.
    pub settings: Settings,
    rpc: RpcClient,
    genesis: OnceCell<String>,
    mainnet_allowed: OnceCell<()>,
}

impl Cluster {
    /// The cluster that the options name. Nothing is sent yet.
    pub fn new(options: &Options) -> Outcome<Self> {
        let settings = Settings::new(options)?;
        let rpc = RpcClient::new_with_timeout_and_commitment(
            &settings.url,
            Duration::from_secs(30),
            CommitmentConfig::confirmed(),
        );
        Ok(Self { settings, rpc, genesis: OnceCell::new(), mainnet_allowed: OnceCell::new() })
    }

    /// The keypair that pays and signs.
    pub fn signer(&self) -> Outcome<Keypair> {
        settings::keypair(&self.settings.keypair)
    }

    /// Genesis hash of the ledger.
    pub fn genesis(&self) -> Outcome<&str> {
        if let Some(known) = self.genesis.get() {
            return Ok(known);
        }
        let hash = self.rpc.get_genesis_hash().map_err(|error| self.fault(&error))?.to_string();
        Ok(self.genesis.get_or_init(|| hash))
    }

    /// The set of programs, which must be one of this ledger.
    pub fn programs(&self) -> Outcome<Programs> {
        let folder = &self.settings.set;
        let programs = Programs::read(folder)?.ok_or_else(|| {
            Failure::new(format!(
                "no program is known on {}: {} has no programs.toml",
                self.settings.url,
                folder.display()
            ))
            .cure("run `valence deploy`, or name the set's folder by --set")
        })?;
        let genesis = self.genesis()?;
        if programs.genesis == genesis {
            return Ok(programs);
        }
        Err(Failure::new(format!(
            "wrong cluster: the set in {} belongs to the ledger {}, and {} is {genesis}",
            folder.display(),
            programs.genesis,
            self.settings.url
        ))
        .cure("check --url and --set"))
    }

    /// An account; `None` if it does not exist.
    pub fn account(&self, address: &Pubkey) -> Outcome<Option<Account>> {
        Ok(self.accounts(&[*address])?.pop().flatten())
    }

    /// Accounts in the order of their addresses; `None` for those that do not exist.
    pub fn accounts(&self, addresses: &[Pubkey]) -> Outcome<Vec<Option<Account>>> {
        let mut found = Vec::with_capacity(addresses.len());
        for chunk in addresses.chunks(ACCOUNTS_PER_REQUEST) {
            found.extend(self.rpc.get_multiple_accounts(chunk).map_err(|error| self.fault(&error))?);
        }
        Ok(found)
    }

    /// An account of one of the programs: its fixed part and all of its bytes. `what` names it in messages.
    pub fn record<T: AccountLayout>(&self, what: &str, owner: &Pubkey, address: &Pubkey) -> Outcome<(T, Vec<u8>)> {
        let data = self.owned(what, owner, address)?;
        let fixed = fixed_part::<T>(&data).ok_or_else(|| Failure::new(format!("{address} is not {what}")))?;
        Ok((fixed, data))
    }

    /// The bytes of an account of one of the programs.
    pub fn owned(&self, what: &str, owner: &Pubkey, address: &Pubkey) -> Outcome<Vec<u8>> {
        let account = self.account(address)?.ok_or_else(|| {
            Failure::new(format!("{what} {address} does not exist on {}", self.settings.url))
                .cure("check the number or address")
        })?;
        if account.owner != *owner {
            return Err(Failure::new(format!("{address} is not {what} of this set: its owner is {}", account.owner)));
        }
        Ok(account.data)
    }

    /// The config of a program that has to be deployed and initialized.
    pub fn config<T: AccountLayout>(&self, programs: &Programs, program: Singleton) -> Outcome<(T, Vec<u8>)> {
        let (name, address) = (program.name(), programs.address(program));
        let config = client::config_address(&address);
        let mut found = self.accounts(&[address, config])?;
        match (found.pop().flatten(), found.pop().flatten()) {
            (_, None) => Err(Failure::new(format!("the {name} {address} is not deployed on {}", self.settings.url))
                .cure("run `valence deploy`, or check --url and --set")),
            (None, Some(_)) => {
                Err(Failure::new(format!("the {name} {address} is not initialized")).cure("run `valence init`"))
            }
            (Some(account), Some(_)) => {
                let fixed = fixed_part::<T>(&account.data).ok_or_else(|| {
                    Failure::new(format!("the {name}'s config {config} has another layout"))
                        .cure("use the `valence` of its version")
                })?;
                Ok((fixed, account.data))
            }
        }
    }

    /// The part of a program's config that all three share.
    pub fn lifecycle(&self, programs: &Programs, program: Singleton) -> Outcome<Lifecycle> {
        let data = match program {
            Singleton::Processor => self.config::<shared_layouts::processor::ProcessorConfig>(programs, program)?.1,
            Singleton::Scheduler => self.config::<shared_layouts::scheduler::SchedulerConfig>(programs, program)?.1,
            Singleton::Diff => self.config::<shared_layouts::diff::DiffConfig>(programs, program)?.1,
        };
        Ok(bytemuck::pod_read_unaligned(&data[..Lifecycle::BYTES]))
    }

    /// The cluster's time, unix seconds.
    pub fn now(&self) -> Outcome<i64> {
        unix_time(&self.account(&sysvar::clock::ID)?.ok_or_else(|| Failure::new("the cluster has no clock"))?)
    }

    /// Sends a transaction that `signer` pays for, and waits until it is confirmed.
    pub fn send(&self, instructions: &[Instruction], signer: &Keypair) -> Outcome<String> {
        self.ask_about_mainnet()?;
        let payer = signer.pubkey();
        let explain =
            |error: client_error::Error| Failure::of_rpc(&self.settings.url, &error, instructions, Some(&payer));
        let blockhash = self.rpc.get_latest_blockhash().map_err(explain)?;
        let transaction = Transaction::new_signed_with_payer(instructions, Some(&payer), &[signer], blockhash);
        Ok(self.rpc.send_and_confirm_transaction(&transaction).map_err(explain)?.to_string())
    }

    /// A recent blockhash.
    pub fn blockhash(&self) -> Outcome<Hash> {
        self.rpc.get_latest_blockhash().map_err(|error| self.fault(&error))
    }

    /// A recent slot.
    pub fn slot(&self) -> Outcome<u64> {
        self.rpc.get_slot().map_err(|error| self.fault(&error))
    }

    /// What recent transactions that wrote the account paid for a unit, micro-lamports: three in four paid at most this.
    pub fn recent_price(&self, account: &Pubkey) -> Outcome<u64> {
        let fees = self.rpc.get_recent_prioritization_fees(&[*account]).map_err(|error| self.fault(&error))?;
        let mut prices: Vec<_> = fees.into_iter().map(|fee| fee.prioritization_fee).collect();
        prices.sort_unstable();
        Ok(prices.get(prices.len() * 3 / 4).copied().unwrap_or(0))
    }

    /// Simulates a transaction.
    pub fn simulate(&self, transaction: &VersionedTransaction) -> Outcome<Simulation> {
        let result = self.rpc.simulate_transaction(transaction).map_err(|error| self.fault(&error))?.value;
        Ok(Simulation {
            error: result.err.map(Into::into),
            units: result.units_consumed.unwrap_or(0),
            logs: result.logs.unwrap_or_default(),
        })
    }

    /// Sends a transaction that was simulated, and waits until it is confirmed; returns the error that it had.
    pub fn send_unchecked(&self, transaction: &VersionedTransaction) -> Outcome<Option<TransactionError>> {
        self.ask_about_mainnet()?;
        let config = RpcSendTransactionConfig { skip_preflight: true, ..RpcSendTransactionConfig::default() };
        let signature =
            self.rpc.send_transaction_with_config(transaction, config).map_err(|error| self.fault(&error))?;
        let until = Instant::now() + CONFIRMATION;
        while Instant::now() < until {
            let status = self.rpc.get_signature_status(&signature).map_err(|error| self.fault(&error))?;
            if let Some(result) = status {
                return Ok(result.err());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(Failure::new(format!(
            "the transaction {signature} was not confirmed within {} seconds",
            CONFIRMATION.as_secs()
        )))
    }

    /// Nothing is sent to mainnet unless the user said so, by the option or now.
    pub fn ask_about_mainnet(&self) -> Outcome<()> {
        if self.genesis()? != MAINNET_GENESIS || self.settings.confirm_mainnet || self.mainnet_allowed.get().is_some() {
            return Ok(());
        }
        if io::stdin().is_terminal() {
            eprint!("{} is mainnet-beta. Type mainnet-beta to send transactions to it: ", self.settings.url);
            let mut answer = String::new();
            let read = io::stderr().flush().and_then(|()| io::stdin().read_line(&mut answer));
            if read.is_ok() && answer.trim() == "mainnet-beta" {
                self.mainnet_allowed.get_or_init(|| ());
                return Ok(());
            }
        }
        Err(Failure::new(format!("{} is mainnet-beta, and nothing was sent", self.settings.url))
            .cure("confirm with --confirm-mainnet, or check --url"))
    }

    fn fault(&self, error: &client_error::Error) -> Failure {
        Failure::of_rpc(&self.settings.url, error, &[], None)
    }
}

/// A transaction of the newest form, signed by its payer and whoever else signs, with accounts of the tables taken from
/// there.
pub fn versioned(
    instructions: &[Instruction],
    signers: &[&Keypair],
    tables: &[AddressLookupTableAccount],
    blockhash: Hash,
) -> Outcome<VersionedTransaction> {
    let fault = |error: &dyn std::fmt::Display| Failure::new(format!("the transaction cannot be made ({error})"));
    let payer = signers.first().ok_or_else(|| Failure::new("nobody pays for the transaction"))?.pubkey();
    let message = v0::Message::try_compile(&payer, instructions, tables, blockhash).map_err(|error| fault(&error))?;
    let transaction =
        VersionedTransaction::try_new(VersionedMessage::V0(message), signers).map_err(|error| fault(&error))?;
    let bytes = 1 + 64 * transaction.signatures.len() + transaction.message.serialize().len();
    if bytes > MAX_TRANSACTION_BYTES {
        return Err(Failure::new(format!("the transaction has {bytes} bytes of {MAX_TRANSACTION_BYTES} allowed"))
            .cure("name a table that holds its accounts by --lookup-table; `valence lookup-table create` makes one"));
    }
    Ok(transaction)
}

/// The time of the Clock sysvar's account, unix seconds.
pub fn unix_time(clock: &Account) -> Outcome<i64> {
    let at = std::mem::offset_of!(solana_clock::Clock, unix_timestamp);
    let bytes = clock.data.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
    bytes.map(i64::from_le_bytes).ok_or_else(|| Failure::new("the cluster's clock is too short"))
}

/// The fixed part of an account, if its discriminator, version and length are right.
pub fn fixed_part<T: AccountLayout>(data: &[u8]) -> Option<T> {
    let fixed = data.get(..size_of::<T>())?;
    (fixed[0] == T::DISCRIMINATOR && fixed[1] == T::VERSION).then(|| bytemuck::pod_read_unaligned(fixed))
}
