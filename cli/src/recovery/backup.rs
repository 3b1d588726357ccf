//! A backup: every account of a set at one moment, as files with digests.
//!
//! ```text
//! DIR/backup.json            what it is, and of each account address, owner, lamports, length and SHA-256
//! DIR/accounts/ADDRESS       the data
//! ```
//!
//! No request reads all accounts of three programs at one slot, so they are read until two readings in a row are equal:
//! counters never fall, so nothing has changed in between, and what was read is what there was at every slot from the end
//! of the first reading to the beginning of the second.

use crate::cluster::Cluster;
use crate::cluster::reading::Accounts;
use crate::definition::hex;
use crate::failure::{Failure, Outcome};
use crate::set::{Programs, Singleton};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shared_layouts::client;
use solana_account::Account;
use solana_pubkey::Pubkey;
use std::fs;
use std::path::{Path, PathBuf};

/// Version of the format.
const FORMAT: u32 = 1;
/// Readings until a busy set is given up.
const READINGS: usize = 20;

/// The list of a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Version of the format.
    pub format: u32,
    /// The set that it is of.
    pub programs: Programs,
    /// Slot at which everything was as it stands here.
    pub slot: u64,
    /// The cluster's time then, unix seconds.
    pub taken_at: i64,
    /// In the order of addresses.
    pub accounts: Vec<Entry>,
}

/// One account of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its address.
    pub address: String,
    /// Its owner.
    pub owner: String,
    /// Its lamports.
    pub lamports: u64,
    /// First byte: the kind of account.
    pub kind: u8,
    /// Second byte: the version of its layout.
    pub version: u8,
    /// Length of the data.
    pub bytes: usize,
    /// SHA-256 of the data, in hexadecimal.
    pub sha256: String,
}

impl Backup {
    /// Reads the set, and returns it with the data of each account.
    pub fn take(cluster: &Cluster) -> Outcome<(Self, Vec<Account>)> {
        let programs = cluster.programs()?;
        let mut former = Reading::new(cluster, &programs)?;
        for _ in 1..READINGS {
            let next = Reading::new(cluster, &programs)?;
            if next.accounts == former.accounts {
                let slot = former.last_slot;
                let (addresses, accounts): (Vec<_>, Vec<_>) = next.accounts.into_iter().unzip();
                let entries = addresses.iter().zip(&accounts).map(|(address, account)| Entry::new(address, account));
                let entries = entries.collect();
                let taken_at = cluster.now()?;
                return Ok((Self { format: FORMAT, programs, slot, taken_at, accounts: entries }, accounts));
            }
            former = next;
        }
        Err(Failure::new(format!("the set changes faster than it can be read: {READINGS} readings all differed"))
            .cure("pause it with `valence pause`, or stop the keepers, and run this again"))
    }

    /// Writes it into a folder that does not exist yet or is empty.
    pub fn write(&self, folder: &Path, accounts: &[Account]) -> Outcome<()> {
        let fault = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", folder.display()));
        if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(fault(&"there is something in this folder").cure("name another: a backup is never overwritten"));
        }
        fs::create_dir_all(folder.join("accounts")).map_err(|error| fault(&error))?;
        for (entry, account) in self.accounts.iter().zip(accounts) {
            fs::write(folder.join("accounts").join(&entry.address), &account.data).map_err(|error| fault(&error))?;
        }
        // Last, so that a backup that was interrupted is none.
        let text = serde_json::to_string_pretty(self).map_err(|error| fault(&error))?;
        fs::write(folder.join("backup.json"), text).map_err(|error| fault(&error))
    }

    /// Reads a backup from its folder. The data of accounts is read, and compared with its digest, by [`Self::data`].
    pub fn read(folder: &Path) -> Outcome<Self> {
        let path = folder.join("backup.json");
        let fault = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(&path)
            .map_err(|error| fault(&error).cure("name the folder that `valence backup` wrote"))?;
        let backup: Self = serde_json::from_str(&text).map_err(|error| fault(&error))?;
        if backup.format != FORMAT {
            return Err(fault(&format!("it has format {}, and {FORMAT} is read here", backup.format)));
        }
        Ok(backup)
    }

    /// The data of an account, compared with its digest; none if the backup has no such account.
    pub fn data(&self, folder: &Path, address: &Pubkey) -> Outcome<Option<Vec<u8>>> {
        let text = address.to_string();
        let Some(entry) = self.accounts.iter().find(|entry| entry.address == text) else { return Ok(None) };
        let path: PathBuf = folder.join("accounts").join(&text);
        let fault = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", path.display()));
        let data = fs::read(&path).map_err(|error| fault(&error))?;
        if digest(&data) != entry.sha256 {
            return Err(fault(&"the data is not what was backed up: its digest differs").cure("take another backup"));
        }
        Ok(Some(data))
    }

    /// Compares every account with its digest.
    pub fn check(&self, folder: &Path) -> Outcome<()> {
        for entry in &self.accounts {
            let address = entry.address.parse().map_err(|_| Failure::new(format!("no address: {}", entry.address)))?;
            self.data(folder, &address)?;
        }
        Ok(())
    }

    /// One digest of all accounts: of their addresses, lamports and digests.
    pub fn digest(&self) -> String {
        let lines = self.accounts.iter();
        let lines =
            lines.map(|entry| format!("{} {} {} {}\n", entry.address, entry.owner, entry.lamports, entry.sha256));
        digest(lines.collect::<Vec<_>>().concat().as_bytes())
    }
}

impl Entry {
    fn new(address: &Pubkey, account: &Account) -> Self {
        Self {
            address: address.to_string(),
            owner: account.owner.to_string(),
            lamports: account.lamports,
            kind: account.data.first().copied().unwrap_or_default(),
            version: account.data.get(1).copied().unwrap_or_default(),
            bytes: account.data.len(),
            sha256: digest(&account.data),
        }
    }
}

fn digest(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

/// One reading of everything: the programs' accounts and the programs themselves.
struct Reading {
    accounts: Accounts,
    /// Slot of the last request.
    last_slot: u64,
}

impl Reading {
    fn new(cluster: &Cluster, programs: &Programs) -> Outcome<Self> {
        let mut accounts = Accounts::new();
        // The programs themselves first, so that the last slot is that of a request that tells it.
        let addresses: Vec<_> = Singleton::ALL
            .iter()
            .flat_map(|program| {
                let address = programs.address(*program);
                [address, client::program_data_address(&address)]
            })
            .collect();
        for (address, account) in addresses.iter().zip(cluster.accounts(&addresses)?) {
            accounts.extend(account.map(|mut account| {
                account.rent_epoch = u64::MAX;
                (*address, account)
            }));
        }
        let mut last_slot = 0;
        for program in Singleton::ALL {
            let (slot, found) = cluster.program_accounts(&programs.address(program))?;
            accounts.extend(found);
            last_slot = slot;
        }
        Ok(Self { accounts, last_slot })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup() -> (Backup, Vec<Account>) {
        let key = |byte| Pubkey::new_from_array([byte; 32]);
        let programs = Programs { genesis: "g".into(), processor: key(1), scheduler: key(2), diff: key(3) };
        let account = Account { lamports: 5, data: vec![0x24, 1, 9], owner: key(2), executable: false, rent_epoch: 0 };
        let entries = vec![Entry::new(&key(7), &account)];
        (Backup { format: FORMAT, programs, slot: 3, taken_at: 4, accounts: entries }, vec![account])
    }

    #[test]
    fn a_backup_is_read_as_it_was_written_and_a_changed_one_is_refused() {
        let folder = std::env::temp_dir().join(format!("valence-backup-{}", std::process::id()));
        let (written, accounts) = backup();
        written.write(&folder, &accounts).unwrap();
        let read = Backup::read(&folder).unwrap();
        assert_eq!((read.slot, read.digest()), (3, written.digest()));
        let address = Pubkey::new_from_array([7; 32]);
        assert_eq!(read.data(&folder, &address).unwrap(), Some(vec![0x24, 1, 9]));
        assert_eq!(read.data(&folder, &Pubkey::default()).unwrap(), None);
        assert!(written.write(&folder, &accounts).unwrap_err().line().contains("never overwritten"));
        fs::write(folder.join("accounts").join(address.to_string()), [0x24, 1, 8]).unwrap();
        assert!(read.check(&folder).unwrap_err().line().contains("its digest differs"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_digest_covers_every_account() {
        let (mut changed, _) = backup();
        let before = changed.digest();
        changed.accounts[0].lamports += 1;
        assert_ne!(changed.digest(), before);
    }
}
