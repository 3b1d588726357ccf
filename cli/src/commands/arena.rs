//! `valence arena`: where batches of diff operations are staged.

use crate::address::{Named, must_be};
use crate::cluster::{Cluster, fixed_part};
use crate::definition::hex;
use crate::failure::Outcome;
use crate::output::{Output, Row, fields, key};
use crate::set::{Programs, Singleton};
use serde_json::json;
use shared_layouts::client;
use shared_layouts::diff::{
    self, Arena, DEFAULT_LEVEL, DiffConfig, batch_stage, close_arena, create_arena, optimization_level,
};
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use solana_signer::Signer;

/// What to do with arenas.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Creates an arena of the keypair
    Create {
        /// Length of the account, at most 10,240
        #[arg(long, default_value_t = 10_240, value_parser = clap::value_parser!(u32).range(1_024..=10_240))]
        bytes: u32,
        /// Digests of committed batches to keep
        #[arg(long, value_name = "N", default_value_t = 0)]
        ring_slots: u16,
        /// Optimization level [default: the config's]
        #[arg(long, value_enum)]
        optimization: Option<Optimization>,
    },
    /// Shows an arena: its batch, its targets, its statistics
    Show {
        /// Number or address
        arena: Named,
    },
    /// Lists the arenas
    Ls {
        /// Only those of this owner
        #[arg(long, value_name = "KEY")]
        owner: Option<Pubkey>,
    },
    /// Closes an arena whose batch is not begun; its lamports go to the keypair, its owner
    Close {
        /// Number or address
        arena: Named,
    },
}

/// Optimization levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Optimization {
    /// Operations stay as they were staged
    None,
    /// Adjacent operations are merged
    Basic,
    /// Basic, and the last writer wins
    Aggressive,
}

impl Optimization {
    /// As accounts hold it.
    pub const fn code(self) -> u8 {
        match self {
            Self::None => optimization_level::NONE,
            Self::Basic => optimization_level::BASIC,
            Self::Aggressive => optimization_level::AGGRESSIVE,
        }
    }
}

/// Runs the command.
pub fn run(cluster: &Cluster, command: &Command) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let (config, _) = cluster.config::<DiffConfig>(&programs, Singleton::Diff)?;
    match command {
        Command::Create { bytes, ring_slots, optimization } => {
            let optimization_level = optimization.map_or(DEFAULT_LEVEL, Optimization::code);
            let data = create_arena::Data { account_bytes: *bytes, ring_slots: *ring_slots, optimization_level };
            create(cluster, &programs, &config, data)
        }
        Command::Show { arena } => {
            let (address, arena) = load(cluster, &programs, *arena)?;
            Ok(Output::Record(row(&address, &arena)))
        }
        Command::Ls { owner } => list(cluster, &programs, &config, *owner),
        Command::Close { arena } => close(cluster, &programs, *arena),
    }
}

fn load(cluster: &Cluster, programs: &Programs, arena: Named) -> Outcome<(Pubkey, Arena)> {
    let address = arena.address(|number| client::arena_address(&programs.diff, number));
    let (arena, _) = cluster.record("the arena", &programs.diff, &address)?;
    Ok((address, arena))
}

fn create(cluster: &Cluster, programs: &Programs, config: &DiffConfig, data: create_arena::Data) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let arena = client::arena_address(&programs.diff, config.arenas_created);
    let accounts = create_arena::Accounts {
        config: client::config_address(&programs.diff),
        arena,
        owner: signer.pubkey(),
        payer: signer.pubkey(),
        system_program: system_program::ID,
    };
    cluster.send(&[diff::create_arena(programs.diff, accounts, &[], &data, &[])], &signer)?;
    let (address, arena) = load(cluster, programs, Named::Address(arena))?;
    Ok(Output::Record(row(&address, &arena)))
}

fn list(cluster: &Cluster, programs: &Programs, config: &DiffConfig, owner: Option<Pubkey>) -> Outcome<Output> {
    let address = |number| client::arena_address(&programs.diff, number);
    let addresses: Vec<_> = (0..config.arenas_created).map(address).collect();
    let accounts = addresses.iter().zip(cluster.accounts(&addresses)?);
    let found = accounts.filter_map(|(address, account)| Some((address, fixed_part::<Arena>(&account?.data)?)));
    let rows =
        found.filter(|(_, arena)| owner.is_none_or(|owner| arena.owner == owner.to_bytes())).map(|(address, arena)| {
            vec![
                ("arena", arena.number.into()),
                ("address", address.to_string().into()),
                ("owner", key(&arena.owner)),
                ("stage", stage(&arena).into()),
                ("operations", arena.operations.into()),
                ("batches", arena.batches.into()),
                ("rejected", arena.rejected.into()),
                ("rolled_back", arena.rolled_back.into()),
            ]
        });
    Ok(Output::Table("no arenas", rows.collect()))
}

fn close(cluster: &Cluster, programs: &Programs, arena: Named) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let owner = signer.pubkey();
    let (address, arena) = load(cluster, programs, arena)?;
    must_be(&owner, &arena.owner, "the arena's owner")?;
    let accounts = close_arena::Accounts { arena: address, owner, receiver: owner };
    let call = diff::close_arena(programs.diff, accounts, &[], &close_arena::Data {}, &[]);
    let signature = cluster.send(&[call], &signer)?;
    Ok(Output::Record(vec![("closed", address.to_string().into()), ("signature", signature.into())]))
}

fn stage(arena: &Arena) -> &'static str {
    match arena.header.state {
        batch_stage::OPEN => "open",
        batch_stage::SEALED => "sealed",
        batch_stage::BEGUN => "begun",
        batch_stage::ROLLING_BACK => "rolling back",
        _ => "unknown",
    }
}

fn row(address: &Pubkey, arena: &Arena) -> Row {
    let mut row = vec![("address", address.to_string().into()), ("stage", stage(arena).into())];
    row.extend(fields(&Arena::LAYOUT, bytemuck::bytes_of(arena)));
    row.push(("digest", hex(&arena.digest).into()));
    let targets = arena.targets.iter().take(arena.targets_count.into());
    let targets = targets.map(|target| {
        json!({
            "state": key(&target.state),
            "base_version": target.base_version,
            "old_length": target.old_length,
            "new_length": target.new_length,
        })
    });
    row.push(("targets", targets.collect()));
    row
}
