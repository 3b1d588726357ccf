//! `valence shard`: tenancies in the scheduler.

use crate::address::{Named, must_be};
use crate::cluster::{Cluster, fixed_part};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, Row, fields, key};
use crate::set::{Programs, Singleton};
use shared_layouts::scheduler::{
    self, Registry, SchedulerConfig, Shard, accept_shard_owner, deregister_shard, nominate_shard_owner, register_shard,
    registration, update_shard,
};
use shared_layouts::{Key, NO_KEY, client};
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use solana_sdk_ids::sysvar::clock;
use solana_signer::Signer;

/// What to do with shards.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Registers a shard; the keypair is the scheduler's authority, or the owner where registration is open
    Create {
        /// Owner of the shard [default: the keypair]
        #[arg(long, value_name = "KEY")]
        owner: Option<Pubkey>,
    },
    /// Shows a shard
    Show {
        /// Number or address
        shard: Named,
    },
    /// Pauses a shard: nothing of it is claimed or dispatched; the keypair is its owner
    Pause {
        /// Number or address
        shard: Named,
    },
    /// Resumes a shard; the keypair is its owner
    Resume {
        /// Number or address
        shard: Named,
    },
    /// Nominates the shard's next owner; nothing changes until it accepts. The keypair is the owner
    Nominate {
        /// Number or address
        shard: Named,
        /// The nominee
        #[arg(required_unless_present = "none")]
        key: Option<Pubkey>,
        /// Takes the nomination back
        #[arg(long, conflicts_with = "key")]
        none: bool,
    },
    /// Accepts a nomination; the keypair is the nominee's
    Accept {
        /// Number or address
        shard: Named,
    },
    /// Removes a shard without queues and orders; rent and deposit go to the keypair, its owner
    Close {
        /// Number or address
        shard: Named,
    },
    /// Lists the active shards
    Ls,
}

/// Runs the command.
pub fn run(cluster: &Cluster, command: &Command) -> Outcome<Output> {
    let programs = cluster.programs()?;
    match command {
        Command::Create { owner } => create(cluster, &programs, *owner),
        Command::Show { shard } => {
            let (address, shard, _) = load(cluster, &programs, *shard)?;
            Ok(Output::Record(row(&address, &shard)))
        }
        Command::Pause { shard } => update(cluster, &programs, *shard, true),
        Command::Resume { shard } => update(cluster, &programs, *shard, false),
        Command::Nominate { shard, key, .. } => nominate(cluster, &programs, *shard, *key),
        Command::Accept { shard } => accept(cluster, &programs, *shard),
        Command::Close { shard } => close(cluster, &programs, *shard),
        Command::Ls => list(cluster, &programs),
    }
}

/// A shard: its address, fixed part and bytes.
pub fn load(cluster: &Cluster, programs: &Programs, shard: Named) -> Outcome<(Pubkey, Shard, Vec<u8>)> {
    cluster.config::<SchedulerConfig>(programs, Singleton::Scheduler)?;
    let address = shard.address(|number| client::shard_address(&programs.scheduler, number));
    let (fixed, data) = cluster.record("the shard", &programs.scheduler, &address)?;
    Ok((address, fixed, data))
}

/// A shard, by its owner: its address and fixed part.
pub fn owned(cluster: &Cluster, programs: &Programs, shard: Named, owner: &Pubkey) -> Outcome<(Pubkey, Shard)> {
    let (address, record, _) = load(cluster, programs, shard)?;
    must_be(owner, &record.owner, "the shard's owner")?;
    Ok((address, record))
}

/// The address of a shard that the record of another account names, by its owner.
pub fn owned_parent(cluster: &Cluster, programs: &Programs, shard: &Key, owner: &Pubkey) -> Outcome<Pubkey> {
    Ok(owned(cluster, programs, Named::Address(Pubkey::new_from_array(*shard)), owner)?.0)
}

fn create(cluster: &Cluster, programs: &Programs, owner: Option<Pubkey>) -> Outcome<Output> {
    let (config, _) = cluster.config::<SchedulerConfig>(programs, Singleton::Scheduler)?;
    let signer = cluster.signer()?;
    let registrar = signer.pubkey();
    if config.registration == registration::CLOSED && config.lifecycle.authority != registrar.to_bytes() {
        let authority = Pubkey::new_from_array(config.lifecycle.authority);
        let fault =
            format!("registration is closed, and the keypair {registrar} is not the scheduler's authority {authority}");
        return Err(Failure::new(fault).cure("let the authority register the shard with --owner"));
    }
    let address = client::shard_address(&programs.scheduler, config.shards_created);
    let instruction = scheduler::register_shard(
        programs.scheduler,
        register_shard::Accounts {
            config: client::config_address(&programs.scheduler),
            registry: client::registry_address(&programs.scheduler),
            shard: address,
            registrar,
            payer: registrar,
            system_program: system_program::ID,
        },
        &[],
        &register_shard::Data { owner: owner.unwrap_or(registrar).to_bytes() },
        &[],
    );
    cluster.send(&[instruction], &signer)?;
    let (_, shard, _) = load(cluster, programs, Named::Address(address))?;
    Ok(Output::Record(row(&address, &shard)))
}

fn update(cluster: &Cluster, programs: &Programs, shard: Named, paused: bool) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let (address, _) = owned(cluster, programs, shard, &signer.pubkey())?;
    let accounts = update_shard::Accounts { shard: address, owner: signer.pubkey(), clock: clock::ID };
    let data = update_shard::Data { paused: paused.into() };
    cluster.send(&[scheduler::update_shard(programs.scheduler, accounts, &[], &data, &[])], &signer)?;
    let (_, record, _) = load(cluster, programs, shard)?;
    Ok(Output::Record(row(&address, &record)))
}

fn nominate(cluster: &Cluster, programs: &Programs, shard: Named, key: Option<Pubkey>) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let (address, _) = owned(cluster, programs, shard, &signer.pubkey())?;
    let accounts = nominate_shard_owner::Accounts { shard: address, owner: signer.pubkey() };
    let data = nominate_shard_owner::Data { nominee: key.map_or(NO_KEY, |key| key.to_bytes()) };
    cluster.send(&[scheduler::nominate_shard_owner(programs.scheduler, accounts, &[], &data, &[])], &signer)?;
    let (_, record, _) = load(cluster, programs, shard)?;
    Ok(Output::Record(row(&address, &record)))
}

fn accept(cluster: &Cluster, programs: &Programs, shard: Named) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let (address, record, _) = load(cluster, programs, shard)?;
    if record.pending_owner == NO_KEY {
        return Err(Failure::new(format!("nobody is nominated as owner of the shard {address}"))
            .cure("let the owner nominate the key first"));
    }
    must_be(&signer.pubkey(), &record.pending_owner, "the shard's nominee")?;
    let accounts = accept_shard_owner::Accounts { shard: address, nominee: signer.pubkey() };
    let call = scheduler::accept_shard_owner(programs.scheduler, accounts, &[], &accept_shard_owner::Data {}, &[]);
    cluster.send(&[call], &signer)?;
    let (_, record, _) = load(cluster, programs, shard)?;
    Ok(Output::Record(row(&address, &record)))
}

fn close(cluster: &Cluster, programs: &Programs, shard: Named) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let (address, _) = owned(cluster, programs, shard, &signer.pubkey())?;
    let accounts = deregister_shard::Accounts {
        config: client::config_address(&programs.scheduler),
        registry: client::registry_address(&programs.scheduler),
        shard: address,
        owner: signer.pubkey(),
    };
    let call = scheduler::deregister_shard(programs.scheduler, accounts, &[], &deregister_shard::Data {}, &[]);
    let signature = cluster.send(&[call], &signer)?;
    Ok(Output::Record(vec![("closed", address.to_string().into()), ("signature", signature.into())]))
}

fn list(cluster: &Cluster, programs: &Programs) -> Outcome<Output> {
    let rows = active(cluster, programs)?.into_iter().map(|(address, shard)| {
        vec![
            ("shard", shard.number.into()),
            ("address", address.to_string().into()),
            ("owner", key(&shard.owner)),
            ("paused", (shard.header.state != 0).into()),
            ("queues", shard.queues_active.into()),
            ("orders", shard.orders_active.into()),
        ]
    });
    Ok(Output::Table("no shards", rows.collect()))
}

/// The active shards, by number.
pub fn active(cluster: &Cluster, programs: &Programs) -> Outcome<Vec<(Pubkey, Shard)>> {
    cluster.config::<SchedulerConfig>(programs, Singleton::Scheduler)?;
    let registry = client::registry_address(&programs.scheduler);
    let (registry, _): (Registry, _) = cluster.record("the registry", &programs.scheduler, &registry)?;
    let mut numbers: Vec<u64> =
        registry.shards.iter().filter(|entry| entry.taken == 1).map(|entry| entry.shard_number).collect();
    numbers.sort_unstable();
    let addresses: Vec<_> = numbers.iter().map(|number| client::shard_address(&programs.scheduler, *number)).collect();
    let accounts = cluster.accounts(&addresses)?;
    let shards = addresses.into_iter().zip(accounts);
    Ok(shards.filter_map(|(address, account)| Some((address, fixed_part(&account?.data)?))).collect())
}

fn row(address: &Pubkey, shard: &Shard) -> Row {
    let mut row = vec![("address", address.to_string().into()), ("paused", (shard.header.state != 0).into())];
    row.extend(fields(&Shard::LAYOUT, bytemuck::bytes_of(shard)));
    row
}
