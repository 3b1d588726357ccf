//! `valence resources`: shares of the compute budget. `valence direct`: direct execution for a time.

use crate::address::must_be;
use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::set::{Programs, Singleton};
use serde_json::Value;
use shared_layouts::client;
use shared_layouts::scheduler::{self, Registry, SchedulerConfig, WeightRecord, allocate_resources, set_direct};
use solana_sdk_ids::sysvar::clock;
use solana_signer::Signer;
use std::str::FromStr;

/// What to do with the compute budget.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Shows budget, weights and shares
    Show,
    /// Divides the budget of the config (`window_compute_units`) among all shards by weight; the keypair is the
    /// scheduler's authority
    Allocate {
        /// Weights that change, for example `0=3`; the others stay, and a new shard has none
        #[arg(value_name = "SHARD=WEIGHT")]
        weights: Vec<Weight>,
    },
}

/// A shard's weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    shard: u64,
    weight: u16,
}

impl FromStr for Weight {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (shard, weight) = text.split_once('=').ok_or_else(|| format!("`{text}` is not SHARD=WEIGHT"))?;
        Ok(Self {
            shard: shard.parse().map_err(|_| format!("`{shard}` is not a shard's number"))?,
            weight: weight.parse().map_err(|_| format!("`{weight}` is not a weight: 0 to 65535"))?,
        })
    }
}

/// What to do with direct execution.
#[derive(clap::Subcommand, Debug)]
pub enum Direct {
    /// Lets capabilities flagged for it be dispatched without verification, for so many seconds
    Open {
        /// How long
        #[arg(value_name = "SECONDS")]
        seconds: u32,
    },
    /// Ends that
    Close,
}

/// Runs `resources`.
pub fn run(cluster: &Cluster, command: &Command) -> Outcome<Output> {
    let programs = cluster.programs()?;
    match command {
        Command::Show => show(cluster, &programs),
        Command::Allocate { weights } => allocate(cluster, &programs, weights),
    }
}

/// Runs `direct`.
pub fn direct(cluster: &Cluster, command: &Direct) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let (signer, authority) = authority(cluster, &programs)?;
    let until = match command {
        Direct::Open { seconds } => cluster.now()? + i64::from(*seconds),
        Direct::Close => 0,
    };
    let accounts = set_direct::Accounts { config: client::config_address(&programs.scheduler), authority };
    let data = set_direct::Data { direct_until: until };
    cluster.send(&[scheduler::set_direct(programs.scheduler, accounts, &[], &data, &[])], &signer)?;
    Ok(Output::Record(vec![("direct_until", if until == 0 { Value::Null } else { until.into() })]))
}

fn authority(cluster: &Cluster, programs: &Programs) -> Outcome<(solana_keypair::Keypair, solana_pubkey::Pubkey)> {
    let (config, _) = cluster.config::<SchedulerConfig>(programs, Singleton::Scheduler)?;
    let signer = cluster.signer()?;
    let key = signer.pubkey();
    must_be(&key, &config.lifecycle.authority, "the scheduler's authority")?;
    Ok((signer, key))
}

fn registry(cluster: &Cluster, programs: &Programs) -> Outcome<Registry> {
    let address = client::registry_address(&programs.scheduler);
    Ok(cluster.record("the registry", &programs.scheduler, &address)?.0)
}

fn show(cluster: &Cluster, programs: &Programs) -> Outcome<Output> {
    let (config, _) = cluster.config::<SchedulerConfig>(programs, Singleton::Scheduler)?;
    let registry = registry(cluster, programs)?;
    let shards = registry.shards.iter().filter(|entry| entry.taken == 1).map(|entry| {
        serde_json::json!({
            "shard": entry.shard_number, "weight": entry.weight, "share_compute_units": entry.share_compute_units,
        })
    });
    Ok(Output::Record(vec![
        ("window_compute_units", config.window_compute_units.into()),
        ("window_seconds", config.window_seconds.into()),
        ("allocated_compute_units", registry.allocated_compute_units.into()),
        ("allocated_at", if registry.allocated_at == 0 { Value::Null } else { registry.allocated_at.into() }),
        ("shards", shards.collect()),
    ]))
}

fn allocate(cluster: &Cluster, programs: &Programs, weights: &[Weight]) -> Outcome<Output> {
    let (signer, authority) = authority(cluster, programs)?;
    let registry = registry(cluster, programs)?;
    let record = |given: &Weight| {
        let mut places = (0u16..).zip(&registry.shards);
        let place = places.find(|(_, entry)| entry.taken == 1 && entry.shard_number == given.shard);
        let (registry_index, _) = place
            .ok_or_else(|| Failure::new(format!("there is no shard {}", given.shard)).cure("see `valence shard ls`"))?;
        Ok(WeightRecord { shard_number: given.shard, weight: given.weight.into(), registry_index, reserved: [0; 2] })
    };
    let records = weights.iter().map(record).collect::<Outcome<Vec<_>>>()?;
    let accounts = allocate_resources::Accounts {
        config: client::config_address(&programs.scheduler),
        registry: client::registry_address(&programs.scheduler),
        authority,
        clock: clock::ID,
    };
    let data = allocate_resources::Data {};
    let tail = bytemuck::cast_slice(&records);
    cluster.send(&[scheduler::allocate_resources(programs.scheduler, accounts, &[], &data, tail)], &signer)?;
    show(cluster, programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_given_by_shard() {
        assert_eq!("3=65535".parse(), Ok(Weight { shard: 3, weight: 65_535 }));
        for wrong in ["3", "x=1", "1=65536"] {
            assert!(wrong.parse::<Weight>().is_err(), "{wrong}");
        }
    }
}
