//! Where the cluster is, who signs, and which set of programs is meant: from options, then from Solana's own config file.

use crate::failure::{Failure, Outcome};
use clap::Args;
use solana_keypair::{Keypair, read_keypair_file};
use std::fs;
use std::path::{Path, PathBuf};

/// Options that every command takes.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// RPC server: an address, or localhost, devnet, testnet, mainnet-beta [default: from Solana's config file]
    #[arg(short, long, global = true, value_name = "URL", env = "VALENCE_URL")]
    pub url: Option<String>,
    /// Keypair that pays and signs [default: from Solana's config file]
    #[arg(short, long, global = true, value_name = "FILE", env = "VALENCE_KEYPAIR")]
    pub keypair: Option<PathBuf>,
    /// Solana's config file
    #[arg(short = 'C', long, global = true, value_name = "FILE", env = "SOLANA_CONFIG_FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the program set: addresses, and keypairs of programs deployed from here [default: ~/.config/valence/CLUSTER]
    #[arg(long, global = true, value_name = "DIR", env = "VALENCE_SET")]
    pub set: Option<PathBuf>,
    /// Prints JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Allows this command to send transactions to mainnet-beta without asking
    #[arg(long, global = true)]
    pub confirm_mainnet: bool,
}

/// Options with their defaults filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address of the RPC server.
    pub url: String,
    /// Address of its websocket server.
    pub websocket: String,
    /// Keypair file of the signer.
    pub keypair: PathBuf,
    /// Folder of the program set.
    pub set: PathBuf,
    /// Whether the user has allowed transactions on mainnet.
    pub confirm_mainnet: bool,
}

const MONIKERS: [(&str, &str); 4] = [
    ("localhost", "http://localhost:8899"),
    ("devnet", "https://api.devnet.solana.com"),
    ("testnet", "https://api.testnet.solana.com"),
    ("mainnet-beta", "https://api.mainnet-beta.solana.com"),
];

impl Settings {
    /// Reads Solana's config file for what the options leave open.
    pub fn new(options: &Options) -> Outcome<Self> {
        let file = match &options.config {
            Some(path) => fs::read_to_string(path).map_err(|error| {
                Failure::new(format!("{}: {error}", path.display())).cure("name Solana's config file by --config")
            })?,
            // Without one there are still defaults, as for the Agave CLI.
            None => fs::read_to_string(home().join(".config/solana/cli/config.yml")).unwrap_or_default(),
        };
        let url = options.url.clone().or_else(|| entry(&file, "json_rpc_url")).unwrap_or_else(|| "mainnet-beta".into());
        let url = address_of(&url)?;
        // The file's websocket server is that of the file's RPC server.
        let websocket = if options.url.is_none() { entry(&file, "websocket_url") } else { None };
        let keypair = options.keypair.clone().or_else(|| entry(&file, "keypair_path").map(PathBuf::from));
        Ok(Self {
            set: options.set.clone().unwrap_or_else(|| home().join(".config/valence").join(name_of(&url))),
            keypair: keypair.unwrap_or_else(|| home().join(".config/solana/id.json")),
            websocket: websocket.unwrap_or_else(|| websocket_of(&url)),
            url,
            confirm_mainnet: options.confirm_mainnet,
        })
    }
}

/// A value of the flat `key: value` lines that Solana's config file consists of.
fn entry(file: &str, name: &str) -> Option<String> {
    let value = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

fn address_of(url: &str) -> Outcome<String> {
    let known =
        MONIKERS.iter().find(|(name, _)| *name == url || name.chars().next().map(String::from).as_deref() == Some(url));
    match known {
        Some((_, address)) => Ok((*address).to_owned()),
        None if url.starts_with("http://") || url.starts_with("https://") => Ok(url.trim_end_matches('/').to_owned()),
        None => Err(Failure::new(format!("{url} is not an RPC server"))
            .cure("give an http address, or localhost, devnet, testnet or mainnet-beta")),
    }
}

/// Where an RPC server's websocket server is by custom: at the next port, or at the same address where none is named.
fn websocket_of(url: &str) -> String {
    let Ok(mut address) = url::Url::parse(url) else { return url.to_owned() };
    let next = address.port().and_then(|port| port.checked_add(1));
    let scheme = if address.scheme() == "https" { "wss" } else { "ws" };
    // Both only fail for addresses that are none of a server's.
    if address.set_scheme(scheme).is_ok() && (next.is_none() || address.set_port(next).is_ok()) {
        return address.to_string();
    }
    url.to_owned()
}

/// The name that a cluster's folder has.
fn name_of(url: &str) -> String {
    let local = url.replace("127.0.0.1", "localhost");
    match MONIKERS.iter().find(|(_, address)| *address == local) {
        Some((name, _)) => (*name).to_owned(),
        None => url
            .split("://")
            .last()
            .unwrap_or(url)
            .replace(|mark: char| !mark.is_ascii_alphanumeric() && mark != '.', "-"),
    }
}

/// The user's home folder, or this one.
pub fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_else(|| PathBuf::from("."))
}

/// Reads a keypair file, as `solana-keygen` writes it.
pub fn keypair(path: &Path) -> Outcome<Keypair> {
    read_keypair_file(path).map_err(|error| {
        Failure::new(format!("the keypair {} cannot be read ({error})", path.display()))
            .cure("name one by --keypair, or make one with solana-keygen new")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monikers_and_their_first_letters_stand_for_addresses() {
        assert_eq!(address_of("localhost").unwrap(), "http://localhost:8899");
        assert_eq!(address_of("d").unwrap(), "https://api.devnet.solana.com");
        assert_eq!(address_of("http://10.0.0.1:80/").unwrap(), "http://10.0.0.1:80");
        assert!(address_of("nowhere").is_err());
    }

    #[test]
    fn a_websocket_server_is_expected_at_the_next_port() {
        assert_eq!(websocket_of("http://localhost:8899"), "ws://localhost:8900/");
        assert_eq!(websocket_of("https://api.devnet.solana.com"), "wss://api.devnet.solana.com/");
        assert_eq!(websocket_of("https://rpc.example.com/key?a=b"), "wss://rpc.example.com/key?a=b");
    }

    #[test]
    fn a_folder_is_named_after_its_cluster() {
        assert_eq!(name_of("http://127.0.0.1:8899"), "localhost");
        assert_eq!(name_of("https://rpc.example.com/key?a=b"), "rpc.example.com-key-a-b");
    }

    #[test]
    fn solanas_config_file_is_read_line_by_line() {
        let file = "---\njson_rpc_url: \"http://h:1\"\nwebsocket_url: ''\nkeypair_path: /k.json\n";
        assert_eq!(entry(file, "json_rpc_url").as_deref(), Some("http://h:1"));
        assert_eq!(entry(file, "keypair_path").as_deref(), Some("/k.json"));
        assert_eq!(entry(file, "websocket_url"), None);
    }
}
