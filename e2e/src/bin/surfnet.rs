//! A cluster in a process of its own: a JSON-RPC and websocket server, offline, on free ports.
//!
//! `surfnet [ADDRESS…]` gives each address lamports, prints one line `{"rpc":"http://…","ws":"ws://…"}`, and runs until
//! its standard input is closed, so that it never outlives the test that started it.

use anyhow::{Context, Result};
use surfpool_sdk::{BlockProductionMode, Pubkey, Surfnet};

/// Lamports that each address starts with.
const LAMPORTS: u64 = 1_000_000_000_000;
/// Length of a slot, milliseconds: the clock goes on without transactions, as on a real cluster.
const SLOT_MILLISECONDS: u64 = 100;

#[tokio::main]
async fn main() -> Result<()> {
    let addresses = std::env::args().skip(1).map(|text| text.parse::<Pubkey>().context(text));
    let addresses = addresses.collect::<Result<Vec<_>>>()?;
    let surfnet = Surfnet::builder()
        .offline(true)
        .block_production_mode(BlockProductionMode::Clock)
        .slot_time_ms(SLOT_MILLISECONDS)
        .airdrop_addresses(addresses)
        .airdrop_sol(LAMPORTS)
        .start()
        .await?;
    println!("{}", serde_json::json!({ "rpc": surfnet.rpc_url(), "ws": surfnet.ws_url() }));
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    Ok(())
}
