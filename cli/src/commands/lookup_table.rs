//! `valence lookup-table`: tables of accounts that transactions name by one byte instead of 32.

use super::{capability, queue};
use crate::address::{Named, NamedQueue};
use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::set::Programs;
use serde_json::Value;
use shared_layouts::client;
use shared_layouts::processor::account_kind;
use solana_address_lookup_table_interface::instruction::{create_lookup_table, extend_lookup_table};
use solana_address_lookup_table_interface::program;
use solana_address_lookup_table_interface::state::AddressLookupTable;
use solana_message::AddressLookupTableAccount;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;
use solana_signer::Signer;

/// What to do with tables.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Creates a table of what running entries of these queues and capabilities names; the keypair may add to it later
    Create(Contents),
    /// Adds to a table what is not in it yet; the keypair is the one that created it
    Extend {
        /// Address of the table
        table: Pubkey,
        #[command(flatten)]
        contents: Contents,
    },
    /// Shows a table's accounts
    Show {
        /// Address of the table
        table: Pubkey,
    },
}

/// What a table shall hold.
#[derive(clap::Args, Debug)]
pub struct Contents {
    /// Queue whose entries are run: SHARD/NUMBER or address
    #[arg(long = "queue", value_name = "QUEUE")]
    queues: Vec<NamedQueue>,
    /// Capability that is run: its accounts that do not depend on arguments. Number or address
    #[arg(long = "capability", value_name = "CAPABILITY")]
    capabilities: Vec<Named>,
    /// Any other account
    #[arg(long = "account", value_name = "KEY")]
    accounts: Vec<Pubkey>,
}

/// Accounts that one instruction adds: more do not fit a transaction.
const ADDED_AT_ONCE: usize = 20;

/// Runs the command.
pub fn run(cluster: &Cluster, command: &Command) -> Outcome<Output> {
    match command {
        Command::Create(contents) => create(cluster, contents),
        Command::Extend { table, contents } => {
            let known = one(cluster, table)?;
            let wanted = contents.addresses(cluster, &cluster.programs()?)?;
            let added: Vec<_> = wanted.into_iter().filter(|key| !known.addresses.contains(key)).collect();
            extend(cluster, table, &added)?;
            show(cluster, table)
        }
        Command::Show { table } => show(cluster, table),
    }
}

/// Tables as transactions take them.
pub fn load(cluster: &Cluster, tables: &[Pubkey]) -> Outcome<Vec<AddressLookupTableAccount>> {
    tables.iter().map(|table| one(cluster, table)).collect()
}

fn one(cluster: &Cluster, table: &Pubkey) -> Outcome<AddressLookupTableAccount> {
    let account = cluster.account(table)?.filter(|account| account.owner == program::ID);
    let found = account.as_ref().and_then(|account| AddressLookupTable::deserialize(&account.data).ok());
    let found = found.ok_or_else(|| {
        Failure::new(format!("{table} is not an address lookup table on {}", cluster.settings.url))
            .cure("make one with `valence lookup-table create`, or check --url")
    })?;
    Ok(AddressLookupTableAccount { key: *table, addresses: found.addresses.to_vec() })
}

fn create(cluster: &Cluster, contents: &Contents) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let addresses = contents.addresses(cluster, &programs)?;
    let signer = cluster.signer()?;
    let key = signer.pubkey();
    // The slot must be one whose hash the cluster has kept: the newest confirmed one may not be that yet.
    let (call, table) = create_lookup_table(key, key, cluster.slot()?.saturating_sub(1));
    cluster.send(&[call], &signer)?;
    extend(cluster, &table, &addresses)
        .map_err(|failure| failure.while_doing(&format!("the table {table} was created")))?;
    show(cluster, &table)
}

fn extend(cluster: &Cluster, table: &Pubkey, addresses: &[Pubkey]) -> Outcome<()> {
    let signer = cluster.signer()?;
    let key = signer.pubkey();
    for chunk in addresses.chunks(ADDED_AT_ONCE) {
        cluster.send(&[extend_lookup_table(*table, key, Some(key), chunk.to_vec())], &signer)?;
    }
    Ok(())
}

fn show(cluster: &Cluster, table: &Pubkey) -> Outcome<Output> {
    let found = one(cluster, table)?;
    let addresses: Vec<Value> = found.addresses.iter().map(|key| key.to_string().into()).collect();
    Ok(Output::Record(vec![
        ("table", table.to_string().into()),
        ("accounts", addresses.len().into()),
        ("addresses", addresses.into()),
    ]))
}

impl Contents {
    /// Every account once: what all transactions of a keeper name, then queues and shards, then capabilities.
    fn addresses(&self, cluster: &Cluster, programs: &Programs) -> Outcome<Vec<Pubkey>> {
        let mut all = vec![
            client::config_address(&programs.scheduler),
            client::config_address(&programs.processor),
            sysvar::instructions::ID,
            sysvar::clock::ID,
        ];
        for named in &self.queues {
            let (address, header, _) = queue::load(cluster, programs, *named)?;
            all.extend([address, Pubkey::new_from_array(header.shard)]);
        }
        for named in &self.capabilities {
            let (address, header, data) = capability::load(cluster, programs, *named)?;
            let (targets, evidence) = capability::rules(&header, &data);
            all.extend([address, Pubkey::new_from_array(header.target_program)]);
            let fixed = targets.iter().chain(&evidence).filter(|rule| rule.kind == account_kind::FIXED);
            all.extend(fixed.map(|rule| Pubkey::new_from_array(rule.key)));
        }
        all.extend(&self.accounts);
        let mut once = Vec::with_capacity(all.len());
        for key in all {
            if !once.contains(&key) {
                once.push(key);
            }
        }
        Ok(once)
    }
}
