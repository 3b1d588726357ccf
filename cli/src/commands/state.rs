//! `valence state`: managed state accounts of the diff program.

use crate::address::{Named, must_be};
use crate::cluster::{Cluster, fixed_part};
use crate::definition::{Hex, hex};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, Row, fields, key};
use crate::set::{Programs, Singleton};
use shared_layouts::client;
use shared_layouts::diff::{
    self, DiffConfig, OperationHead, State, apply_inline, close_state, create_state, lock_state,
};
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use solana_signer::Signer;

/// What to do with states.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Creates a state account of the keypair
    Create {
        /// Bytes of data, all zero
        #[arg(long)]
        bytes: u32,
    },
    /// Shows a state account
    Show {
        /// Number or address
        state: Named,
        /// Shows its data too, in hexadecimal
        #[arg(long)]
        data: bool,
    },
    /// Writes bytes into a state account of the keypair, if it still has the version that was read
    Write {
        /// Number or address
        state: Named,
        /// Where the bytes begin in the data
        #[arg(long)]
        offset: u32,
        /// The bytes, in hexadecimal
        #[arg(value_name = "HEX")]
        bytes: Hex,
    },
    /// Closes a state account; its lamports go to the keypair, its owner
    Close {
        /// Number or address
        state: Named,
    },
    /// Lists the state accounts
    Ls {
        /// Only those of this owner
        #[arg(long, value_name = "KEY")]
        owner: Option<Pubkey>,
    },
}

/// Runs the command.
pub fn run(cluster: &Cluster, command: &Command) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let (config, _) = cluster.config::<DiffConfig>(&programs, Singleton::Diff)?;
    match command {
        Command::Create { bytes } => create(cluster, &programs, &config, *bytes),
        Command::Show { state, data: show_data } => {
            let address = state.address(|number| client::state_address(&programs.diff, number));
            let (state, data): (State, _) = cluster.record("the state", &programs.diff, &address)?;
            let mut row = row(&address, &state, data.len());
            if *show_data {
                row.push(("data", hex(&data[State::BYTES..]).into()));
            }
            Ok(Output::Record(row))
        }
        Command::Write { state, offset, bytes } => write(cluster, &programs, *state, *offset, &bytes.0),
        Command::Close { state } => close(cluster, &programs, *state),
        Command::Ls { owner } => list(cluster, &programs, &config, *owner),
    }
}

fn create(cluster: &Cluster, programs: &Programs, config: &DiffConfig, data_bytes: u32) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let address = client::state_address(&programs.diff, config.states_created);
    let instruction = diff::create_state(
        programs.diff,
        create_state::Accounts {
            config: client::config_address(&programs.diff),
            state: address,
            owner: signer.pubkey(),
            payer: signer.pubkey(),
            system_program: system_program::ID,
        },
        &[],
        &create_state::Data { data_bytes },
        &[],
    );
    cluster.send(&[instruction], &signer)?;
    let (state, data): (State, _) = cluster.record("the state", &programs.diff, &address)?;
    Ok(Output::Record(row(&address, &state, data.len())))
}

fn write(cluster: &Cluster, programs: &Programs, state: Named, offset: u32, bytes: &[u8]) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let address = state.address(|number| client::state_address(&programs.diff, number));
    let (state, _): (State, _) = cluster.record("the state", &programs.diff, &address)?;
    must_be(&signer.pubkey(), &state.owner, "the state's owner")?;
    let length = u32::try_from(bytes.len()).map_err(|_| Failure::new("these are more bytes than a state holds"))?;
    let mut operation = bytemuck::bytes_of(&OperationHead { offset, bytes: length }).to_vec();
    operation.extend_from_slice(bytes);
    let config = client::config_address(&programs.diff);
    let accounts = apply_inline::Accounts { config, state: address, owner: signer.pubkey() };
    let data = apply_inline::Data { base_version: state.state_version };
    cluster.send(&[diff::apply_inline(programs.diff, accounts, &[], &data, &operation)], &signer)?;
    let (state, data): (State, _) = cluster.record("the state", &programs.diff, &address)?;
    Ok(Output::Record(row(&address, &state, data.len())))
}

fn close(cluster: &Cluster, programs: &Programs, state: Named) -> Outcome<Output> {
    let signer = cluster.signer()?;
    let owner = signer.pubkey();
    let address = state.address(|number| client::state_address(&programs.diff, number));
    let (state, _): (State, _) = cluster.record("the state", &programs.diff, &address)?;
    must_be(&owner, &state.owner, "the state's owner")?;
    let accounts = close_state::Accounts { state: address, owner, receiver: owner };
    let call = diff::close_state(programs.diff, accounts, &[], &close_state::Data {}, &[]);
    let signature = cluster.send(&[call], &signer)?;
    Ok(Output::Record(vec![("closed", address.to_string().into()), ("signature", signature.into())]))
}

fn list(cluster: &Cluster, programs: &Programs, config: &DiffConfig, owner: Option<Pubkey>) -> Outcome<Output> {
    let address = |number| client::state_address(&programs.diff, number);
    let addresses: Vec<_> = (0..config.states_created).map(address).collect();
    let accounts = addresses.iter().zip(cluster.accounts(&addresses)?);
    let found = accounts.filter_map(|(address, account)| {
        let account = account?;
        Some((address, fixed_part::<State>(&account.data)?, account.data.len() - State::BYTES))
    });
    let rows = found.filter(|(_, state, _)| owner.is_none_or(|owner| state.owner == owner.to_bytes()));
    let rows = rows.map(|(address, state, bytes)| {
        vec![
            ("state", state.number.into()),
            ("address", address.to_string().into()),
            ("owner", key(&state.owner)),
            ("version", state.state_version.into()),
            ("bytes", bytes.into()),
            ("locked", (state.header.state == lock_state::LOCKED).into()),
        ]
    });
    Ok(Output::Table("no states", rows.collect()))
}

fn row(address: &Pubkey, state: &State, account_bytes: usize) -> Row {
    let mut row = vec![
        ("address", address.to_string().into()),
        ("locked", (state.header.state == lock_state::LOCKED).into()),
        ("data_bytes", (account_bytes - State::BYTES).into()),
    ];
    row.extend(fields(&State::LAYOUT, bytemuck::bytes_of(state)));
    row
}
