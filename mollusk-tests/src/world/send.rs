//! Sends transactions.

use super::{TxFailure, TxOutcome, World};
use crate::expected::Expected;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;

/// The largest transaction that a cluster takes, in bytes.
pub const PACKET_BYTES: usize = 1232;

const SIGNATURE_BYTES: usize = 64;

impl World {
    /// Signs and sends a transaction with a blockhash of its own, so that the same one can be sent again.
    ///
    /// A keypair in `signers` that the instructions do not ask for is left out.
    ///
    /// # Panics
    /// When an instruction asks for a signer that is neither `payer` nor among `signers`, or when the transaction is
    /// larger than [`PACKET_BYTES`].
    pub fn send(
        &mut self,
        instructions: &[Instruction],
        payer: &Keypair,
        signers: &[&Keypair],
    ) -> Result<TxOutcome, TxFailure> {
        self.svm.expire_blockhash();
        let blockhash = self.svm.latest_blockhash();
        let message = Message::new_with_blockhash(instructions, Some(&payer.pubkey()), &blockhash);
        let keypairs = required(&message, payer, signers);
        // One byte tells the number of signatures.
        let bytes = 1 + SIGNATURE_BYTES * keypairs.len() + message.serialize().len();
        assert!(bytes <= PACKET_BYTES, "a transaction of {bytes} bytes exceeds {PACKET_BYTES}");
        let transaction = VersionedTransaction::try_new(VersionedMessage::Legacy(message), &keypairs)
            .expect("each required signer was found");
        match self.svm.send_transaction(transaction) {
            Ok(meta) => Ok(TxOutcome::new(meta, bytes)),
            Err(failed) => Err(TxFailure::new(failed, bytes)),
        }
    }

    /// Sends a transaction that must succeed.
    #[track_caller]
    pub fn expect_ok(&mut self, instructions: &[Instruction], payer: &Keypair, signers: &[&Keypair]) -> TxOutcome {
        self.send(instructions, payer, signers)
            .unwrap_or_else(|failure| panic!("{:?}\n{}", failure.error, failure.outcome.logs.join("\n")))
    }

    /// Sends a transaction whose instruction at a position must be refused with exactly this error, and checks that no
    /// account which the transaction names has changed; of the payer's, only the fee is missing.
    #[track_caller]
    pub fn expect_error(
        &mut self,
        instructions: &[Instruction],
        payer: &Keypair,
        signers: &[&Keypair],
        instruction_index: usize,
        error: impl Into<Expected>,
    ) -> TxFailure {
        let named: Vec<Pubkey> = instructions
            .iter()
            .flat_map(|instruction| &instruction.accounts)
            .map(|meta| meta.pubkey)
            .chain([payer.pubkey()])
            .collect();
        let mut before = self.snapshot(&named);
        let failure = match self.send(instructions, payer, signers) {
            Ok(outcome) => panic!("it was accepted\n{}", outcome.logs.join("\n")),
            Err(failure) => failure,
        };
        failure.assert_error(instruction_index, error);
        before.charge(&payer.pubkey(), failure.outcome.fee_lamports);
        self.assert_unchanged(&before);
        failure
    }
}

/// The keypairs that the message asks for, in its order.
fn required<'a>(message: &Message, payer: &'a Keypair, signers: &[&'a Keypair]) -> Vec<&'a Keypair> {
    let count = usize::from(message.header.num_required_signatures);
    message.account_keys[..count]
        .iter()
        .map(|key| {
            signers
                .iter()
                .copied()
                .chain([payer])
                .find(|keypair| keypair.pubkey() == *key)
                .unwrap_or_else(|| panic!("no keypair for the signer {key}"))
        })
        .collect()
}
