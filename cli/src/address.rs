//! How a user names an account: by number or by address.

use crate::failure::{Failure, Outcome};
use shared_layouts::client;
use solana_pubkey::Pubkey;
use std::str::FromStr;

/// A number that its parent gave it, or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    /// By number.
    Number(u64),
    /// By address.
    Address(Pubkey),
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Number(number));
        }
        let address = text.parse().map_err(|_| format!("`{text}` is neither a number nor an address"))?;
        Ok(Self::Address(address))
    }
}

impl Named {
    /// The address; `of_number` derives it.
    pub fn address(self, of_number: impl FnOnce(u64) -> Pubkey) -> Pubkey {
        match self {
            Self::Number(number) => of_number(number),
            Self::Address(address) => address,
        }
    }
}

/// A queue: `SHARD/NUMBER` or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedQueue {
    /// By its shard and its number there.
    Number(Named, u64),
    /// By address.
    Address(Pubkey),
}

impl FromStr for NamedQueue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((shard, number)) => {
                let number = number.parse().map_err(|_| format!("`{number}` is not a queue's number"))?;
                Ok(Self::Number(shard.parse()?, number))
            }
            None => {
                text.parse().map(Self::Address).map_err(|_| format!("`{text}` is neither SHARD/NUMBER nor an address"))
            }
        }
    }
}

impl NamedQueue {
    /// The address.
    pub fn address(self, scheduler: &Pubkey) -> Pubkey {
        match self {
            Self::Address(address) => address,
            Self::Number(shard, number) => {
                let shard = shard.address(|number| client::shard_address(scheduler, number));
                client::queue_address(scheduler, &shard, number)
            }
        }
    }
}

/// An order: `SHARD/NUMBER` or an address, as a queue is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedOrder(NamedQueue);

impl FromStr for NamedOrder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

impl NamedOrder {
    /// The address.
    pub fn address(self, scheduler: &Pubkey) -> Pubkey {
        match self.0 {
            NamedQueue::Address(address) => address,
            NamedQueue::Number(shard, number) => {
                let shard = shard.address(|number| client::shard_address(scheduler, number));
                client::order_address(scheduler, &shard, number)
            }
        }
    }
}

/// Slot and generation of an entry: `SLOT:GENERATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    /// Slot in the queue.
    pub slot: u16,
    /// Generation of the entry.
    pub generation: u32,
}

impl FromStr for Handle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("`{text}` is not a handle: SLOT:GENERATION, as `valence queue ls QUEUE` shows it");
        let (slot, generation) = text.split_once(':').ok_or_else(fault)?;
        Ok(Self { slot: slot.parse().map_err(|_| fault())?, generation: generation.parse().map_err(|_| fault())? })
    }
}

impl std::fmt::Display for Handle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.slot, self.generation)
    }
}

/// The key must be the one that may do this.
pub fn must_be(signer: &Pubkey, wanted: &shared_layouts::Key, role: &str) -> Outcome<()> {
    let wanted = Pubkey::new_from_array(*wanted);
    if *signer == wanted {
        return Ok(());
    }
    Err(Failure::new(format!("the keypair {signer} is not {role}: that is {wanted}"))
        .cure("name its file by --keypair"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_named_by_number_or_address() {
        let key = Pubkey::new_from_array([7; 32]);
        assert_eq!("3".parse(), Ok(Named::Number(3)));
        assert_eq!(key.to_string().parse(), Ok(Named::Address(key)));
        assert_eq!("2/5".parse(), Ok(NamedQueue::Number(Named::Number(2), 5)));
        assert_eq!(format!("{key}/5").parse(), Ok(NamedQueue::Number(Named::Address(key), 5)));
        for wrong in ["x", "2/x", "x/2", ""] {
            assert!(wrong.parse::<NamedQueue>().is_err(), "{wrong}");
        }
        assert_eq!("3:9".parse(), Ok(Handle { slot: 3, generation: 9 }));
        assert!("3".parse::<Handle>().is_err());
    }
}
