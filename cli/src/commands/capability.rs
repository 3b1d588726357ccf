//! `valence capability`: what a shard lets be executed.

use super::shard;
use crate::address::Named;
use crate::cluster::{Cluster, fixed_part};
use crate::definition::{self, hex};
use crate::failure::Outcome;
use crate::output::{Output, Row, fields, key};
use crate::set::{Programs, Singleton};
use serde_json::{Value, json};
use shared_layouts::client;
use shared_layouts::processor::{
    self, AccountRule, Capability, Function, ProcessorConfig, account_flags, account_kind, capability_flags,
    close_capability, register_capability, update_capability,
};
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use solana_signer::Signer;
use std::path::PathBuf;

/// What to do with capabilities.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Registers a capability of a shard from a definition; the keypair is the shard's owner
    Create {
        /// The shard: number or address
        #[arg(long)]
        shard: Named,
        /// Definition, TOML or JSON: target program, accounts, functions (see docs/cli.md)
        definition: PathBuf,
    },
    /// Replaces a capability's definition; entries that were queued under the old one have to be requeued
    Update {
        /// Number or address
        capability: Named,
        /// Definition, TOML or JSON
        definition: PathBuf,
    },
    /// Closes a capability; its lamports go to the keypair, the shard's owner
    Close {
        /// Number or address
        capability: Named,
    },
    /// Shows a capability with its accounts and functions
    Show {
        /// Number or address
        capability: Named,
    },
    /// Lists the capabilities
    Ls {
        /// Only those of this shard: number or address
        #[arg(long)]
        shard: Option<Named>,
    },
}

/// Runs the command.
pub fn run(cluster: &Cluster, command: &Command) -> Outcome<Output> {
    let programs = cluster.programs()?;
    match command {
        Command::Create { shard, definition } => create(cluster, &programs, *shard, definition),
        Command::Update { capability, definition } => update(cluster, &programs, *capability, definition),
        Command::Close { capability } => close(cluster, &programs, *capability),
        Command::Show { capability } => {
            let (address, capability, data) = load(cluster, &programs, *capability)?;
            Ok(Output::Record(row(&address, &capability, &data)))
        }
        Command::Ls { shard } => list(cluster, &programs, *shard),
    }
}

/// A capability: its address, header and bytes.
pub fn load(cluster: &Cluster, programs: &Programs, capability: Named) -> Outcome<(Pubkey, Capability, Vec<u8>)> {
    cluster.config::<ProcessorConfig>(programs, Singleton::Processor)?;
    let address = capability.address(|number| client::capability_address(&programs.processor, number));
    let (fixed, data) = cluster.record("the capability", &programs.processor, &address)?;
    Ok((address, fixed, data))
}

fn create(cluster: &Cluster, programs: &Programs, shard: Named, path: &std::path::Path) -> Outcome<Output> {
    let definition: definition::capability::Capability = definition::read(path)?;
    let signer = cluster.signer()?;
    let (config, _) = cluster.config::<ProcessorConfig>(programs, Singleton::Processor)?;
    let (shard, _) = shard::owned(cluster, programs, shard, &signer.pubkey())?;
    let address = client::capability_address(&programs.processor, config.capabilities_created);
    let instruction = processor::register_capability(
        programs.processor,
        register_capability::Accounts {
            config: client::config_address(&programs.processor),
            capability: address,
            shard,
            shard_owner: signer.pubkey(),
            payer: signer.pubkey(),
            system_program: system_program::ID,
        },
        &[],
        &definition.data(),
        &definition.tail(),
    );
    cluster.send(&[instruction], &signer)?;
    let (_, capability, data) = load(cluster, programs, Named::Address(address))?;
    Ok(Output::Record(row(&address, &capability, &data)))
}

fn update(cluster: &Cluster, programs: &Programs, capability: Named, path: &std::path::Path) -> Outcome<Output> {
    let definition: definition::capability::Capability = definition::read(path)?;
    let signer = cluster.signer()?;
    let (address, record, _) = load(cluster, programs, capability)?;
    let shard = shard::owned_parent(cluster, programs, &record.shard, &signer.pubkey())?;
    let accounts = update_capability::Accounts {
        config: client::config_address(&programs.processor),
        capability: address,
        shard,
        shard_owner: signer.pubkey(),
        payer: signer.pubkey(),
        system_program: system_program::ID,
    };
    let call =
        processor::update_capability(programs.processor, accounts, &[], &definition.update(), &definition.tail());
    cluster.send(&[call], &signer)?;
    let (_, capability, data) = load(cluster, programs, Named::Address(address))?;
    Ok(Output::Record(row(&address, &capability, &data)))
}

fn close(cluster: &Cluster, programs: &Programs, capability: Named) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let (address, record, _) = load(cluster, programs, capability)?;
    let shard = shard::owned_parent(cluster, programs, &record.shard, &signer.pubkey())?;
    let accounts = close_capability::Accounts {
        config: client::config_address(&programs.processor),
        capability: address,
        shard,
        shard_owner: signer.pubkey(),
        recipient: signer.pubkey(),
    };
    let call = processor::close_capability(programs.processor, accounts, &[], &close_capability::Data {}, &[]);
    let signature = cluster.send(&[call], &signer)?;
    Ok(Output::Record(vec![("closed", address.to_string().into()), ("signature", signature.into())]))
}

fn list(cluster: &Cluster, programs: &Programs, shard: Option<Named>) -> Outcome<Output> {
    let (config, _) = cluster.config::<ProcessorConfig>(programs, Singleton::Processor)?;
    let shard = shard.map(|named| named.address(|number| client::shard_address(&programs.scheduler, number)));
    let address = |number| client::capability_address(&programs.processor, number);
    let addresses: Vec<_> = (0..config.capabilities_created).map(address).collect();
    let accounts = addresses.iter().zip(cluster.accounts(&addresses)?);
    let found = accounts.filter_map(|(address, account)| Some((address, fixed_part::<Capability>(&account?.data)?)));
    let rows = found.filter(|(_, capability)| shard.is_none_or(|shard| capability.shard == shard.to_bytes())).map(
        |(address, capability)| {
            vec![
                ("capability", capability.number.into()),
                ("address", address.to_string().into()),
                ("shard", key(&capability.shard)),
                ("target_program", key(&capability.target_program)),
                ("version", capability.capability_version.into()),
                ("accounts", capability.target_accounts.into()),
                ("functions", capability.functions.into()),
            ]
        },
    );
    Ok(Output::Table("no capabilities", rows.collect()))
}

fn row(address: &Pubkey, capability: &Capability, data: &[u8]) -> Row {
    let has = |flag| Value::from(capability.header.state & flag != 0);
    let mut row = vec![
        ("address", address.to_string().into()),
        ("callable_directly", has(capability_flags::CALLABLE_DIRECTLY)),
        ("direct_dispatch", has(capability_flags::DIRECT_DISPATCH)),
    ];
    row.extend(fields(&Capability::LAYOUT, bytemuck::bytes_of(capability)));
    let prefix = capability.prefix.get(..usize::from(capability.prefix_bytes)).unwrap_or_default();
    row.push(("prefix", hex(prefix).into()));
    let (accounts, evidence) = rules(capability, data);
    row.push(("accounts", accounts.iter().map(rule).collect()));
    row.push(("evidence", evidence.iter().map(rule).collect()));
    let functions = data.get(Capability::BYTES + AccountRule::BYTES * (accounts.len() + evidence.len())..);
    let functions = functions.unwrap_or_default().chunks_exact(Function::BYTES).take(capability.functions.into());
    let functions = functions.map(|bytes| {
        let width = usize::from(bytemuck::pod_read_unaligned::<Function>(bytes).width).min(32);
        let mut fields: serde_json::Map<_, _> =
            fields(&Function::LAYOUT, bytes).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let constant = bytemuck::pod_read_unaligned::<Function>(bytes).constant;
        fields.insert("constant".to_owned(), hex(&constant[..width]).into());
        Value::Object(fields)
    });
    row.push(("functions", functions.collect()));
    row
}

/// Rules of the target accounts, and of the evidence accounts.
pub fn rules(capability: &Capability, data: &[u8]) -> (Vec<AccountRule>, Vec<AccountRule>) {
    let records = data.get(Capability::BYTES..).unwrap_or_default().chunks_exact(AccountRule::BYTES);
    let mut records = records.map(bytemuck::pod_read_unaligned);
    let targets = records.by_ref().take(capability.target_accounts.into()).collect();
    (targets, records.take(capability.evidence_accounts.into()).collect())
}

fn rule(rule: &AccountRule) -> Value {
    let flag = |flag| rule.flags & flag != 0;
    let kind = match rule.kind {
        account_kind::FIXED => "fixed",
        account_kind::FROM_ARGUMENTS => "from_arguments",
        account_kind::WORKER_CHOSEN => "worker_chosen",
        account_kind::CAPABILITY => "capability",
        _ => "unknown",
    };
    json!({
        "kind": kind,
        "key": key(&rule.key),
        "arguments_offset": rule.arguments_offset,
        "signer": flag(account_flags::SIGNER),
        "writable": flag(account_flags::WRITABLE),
    })
}
