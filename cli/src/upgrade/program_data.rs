//! A program's data and an upload's buffer, as the upgradeable loader keeps them.

use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use shared_layouts::client;
use solana_pubkey::Pubkey;

/// Bytes before the program: tag, slot, and an optional authority.
pub const PROGRAM_DATA_HEADER_BYTES: usize = 45;
/// Bytes before the program in a buffer: tag and an optional authority.
const BUFFER_HEADER_BYTES: usize = 37;

/// A deployed program.
#[derive(Clone, Debug)]
pub struct ProgramData {
    /// Slot of its last deployment.
    pub slot: u64,
    /// Who may replace it; none if it is immutable.
    pub authority: Option<Pubkey>,
    /// The program, with the zeroes behind it.
    pub bytes: Vec<u8>,
}

/// An upload that is not a program yet.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// Who may write it and turn it into a program.
    pub authority: Option<Pubkey>,
    /// What was written.
    pub bytes: Vec<u8>,
}

impl ProgramData {
    /// Reads it.
    pub fn read(cluster: &Cluster, program: &Pubkey) -> Outcome<Self> {
        let account = cluster.account(&client::program_data_address(program))?;
        let account = account.ok_or_else(|| {
            Failure::new(format!("the program {program} is not deployed on {}", cluster.settings.url))
                .cure("run `valence deploy`, or check --url and --set")
        })?;
        Self::parse(&account.data).ok_or_else(|| Failure::new(format!("the program data of {program} is too short")))
    }

    fn parse(data: &[u8]) -> Option<Self> {
        let slot = u64::from_le_bytes(data.get(4..12)?.try_into().ok()?);
        let bytes = data.get(PROGRAM_DATA_HEADER_BYTES..)?.to_vec();
        Some(Self { slot, authority: key(data.get(12..PROGRAM_DATA_HEADER_BYTES)?), bytes })
    }

    /// Whether it is that program, with nothing but zeroes behind it.
    pub fn is(&self, elf: &[u8]) -> bool {
        self.bytes.starts_with(elf) && self.bytes[elf.len()..].iter().all(|byte| *byte == 0)
    }
}

impl Buffer {
    /// Reads it; none if there is none.
    pub fn read(cluster: &Cluster, buffer: &Pubkey) -> Outcome<Option<Self>> {
        let account = cluster.account(buffer)?;
        Ok(account.and_then(|account| {
            let bytes = account.data.get(BUFFER_HEADER_BYTES..)?.to_vec();
            Some(Self { authority: key(account.data.get(4..BUFFER_HEADER_BYTES)?), bytes })
        }))
    }
}

/// An optional key: one byte, and the key if that is one.
fn key(bytes: &[u8]) -> Option<Pubkey> {
    match bytes {
        [1, key @ ..] => Pubkey::try_from(key).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeroes_behind_a_program_are_not_part_of_it() {
        let mut data = vec![0; PROGRAM_DATA_HEADER_BYTES];
        (data[4], data[12], data[13]) = (9, 1, 7);
        data.extend([1, 2, 0, 0]);
        let found = ProgramData::parse(&data).unwrap();
        assert_eq!((found.slot, found.authority.map(|key| key.to_bytes()[0])), (9, Some(7)));
        assert!(found.is(&[1, 2]) && found.is(&[1, 2, 0]) && !found.is(&[1]) && !found.is(&[1, 2, 0, 0, 0]));
        data[12] = 0;
        assert_eq!(ProgramData::parse(&data).unwrap().authority, None);
        assert!(ProgramData::parse(&data[..20]).is_none());
    }
}
