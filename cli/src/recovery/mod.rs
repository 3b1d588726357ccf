//! Backups of a set, and the recovery of a queue's entries from a backup and the ledger.

pub mod backup;
#[cfg(test)]
mod model;
pub mod replay;
pub mod restore;
