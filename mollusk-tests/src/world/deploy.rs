//! Deploys and upgrades programs through loader v3, transaction by transaction, as a user does.

use super::{TxFailure, World};
use crate::{program_data, programs};
use solana_keypair::Keypair;
use solana_loader_v3_interface::{instruction as loader, state::UpgradeableLoaderState};
use solana_pubkey::Pubkey;
use solana_signer::Signer;

/// The bytes of the program that one transaction carries; two signatures and four keys leave room for 916.
const CHUNK_BYTES: usize = 900;

/// The least that the loader adds to a program's space.
const LEAST_EXTENSION_BYTES: usize = 10_240;

/// What a deployment or an upgrade took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The address of the program data.
    pub program_data: Pubkey,
    /// Transactions sent.
    pub transactions: usize,
}

impl World {
    /// Deploys a program: creates a buffer, writes it in chunks, and turns it into a program that `upgrade_authority` may
    /// replace. `payer` pays for everything. The world then moves to the next slot, where the program runs.
    pub fn deploy_through_loader_v3(
        &mut self,
        so_bytes: &[u8],
        program: &Keypair,
        upgrade_authority: &Keypair,
        payer: &Keypair,
    ) -> Result<Deployment, TxFailure> {
        let (buffer, writes) = self.write_buffer(so_bytes, upgrade_authority, payer)?;
        let program_lamports = self.svm.minimum_balance_for_rent_exemption(UpgradeableLoaderState::size_of_program());
        let instructions = loader::deploy_with_max_program_len(
            &payer.pubkey(),
            &program.pubkey(),
            &buffer,
            &upgrade_authority.pubkey(),
            program_lamports,
            so_bytes.len(),
            true,
        )
        .expect("building the instructions cannot fail");
        self.send(&instructions, payer, &[program, upgrade_authority])?;
        self.next_slot();
        Ok(Deployment { program_data: program_data::address(&program.pubkey()), transactions: writes + 1 })
    }

    /// Replaces a deployed program, extending its space first when the new one is larger. The world then moves to the
    /// next slot, where the new program runs.
    pub fn upgrade_through_loader_v3(
        &mut self,
        so_bytes: &[u8],
        program: &Pubkey,
        upgrade_authority: &Keypair,
        payer: &Keypair,
    ) -> Result<Deployment, TxFailure> {
        let program_data = program_data::address(program);
        let mut transactions = 0;
        let space = self.account(&program_data).data.len();
        let needed = UpgradeableLoaderState::size_of_programdata(so_bytes.len());
        if needed > space {
            let additional = (needed - space).max(LEAST_EXTENSION_BYTES);
            let additional = u32::try_from(additional).expect("a program has at most 10 MiB");
            let extend = loader::extend_program(program, Some(&payer.pubkey()), additional);
            self.send(&[extend], payer, &[])?;
            self.next_slot();
            transactions += 1;
        }
        let (buffer, writes) = self.write_buffer(so_bytes, upgrade_authority, payer)?;
        let upgrade = loader::upgrade(program, &buffer, &upgrade_authority.pubkey(), &payer.pubkey(), true);
        self.send(&[upgrade], payer, &[upgrade_authority])?;
        self.next_slot();
        Ok(Deployment { program_data, transactions: transactions + writes + 1 })
    }

    /// Hands a program's upgrade authority on, or gives it up, which makes the program immutable.
    pub fn set_upgrade_authority(
        &mut self,
        program: &Pubkey,
        current: &Keypair,
        new: Option<&Pubkey>,
        payer: &Keypair,
    ) -> Result<(), TxFailure> {
        let instruction = loader::set_upgrade_authority(program, &current.pubkey(), new);
        self.send(&[instruction], payer, &[current]).map(|_| ())
    }

    /// Writes a program into a new buffer; returns the buffer's address and the number of transactions.
    fn write_buffer(
        &mut self,
        so_bytes: &[u8],
        authority: &Keypair,
        payer: &Keypair,
    ) -> Result<(Pubkey, usize), TxFailure> {
        let buffer = programs::keypair(&format!("loader/buffer/{}", self.buffers));
        self.buffers += 1;
        let space = UpgradeableLoaderState::size_of_buffer(so_bytes.len());
        let create = loader::create_buffer(
            &payer.pubkey(),
            &buffer.pubkey(),
            &authority.pubkey(),
            self.svm.minimum_balance_for_rent_exemption(space),
            so_bytes.len(),
        )
        .expect("building the instructions cannot fail");
        self.send(&create, payer, &[&buffer])?;
        let mut offset = 0;
        for chunk in so_bytes.chunks(CHUNK_BYTES) {
            let write = loader::write(&buffer.pubkey(), &authority.pubkey(), offset, chunk.to_vec());
            self.send(&[write], payer, &[authority])?;
            offset += u32::try_from(chunk.len()).expect("a chunk is short");
        }
        Ok((buffer.pubkey(), 1 + so_bytes.len().div_ceil(CHUNK_BYTES)))
    }
}
