//! An instruction with the accounts that it starts from, and the ways to spoil it.

use solana_account::Account;
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

/// An instruction and the accounts that it starts from.
///
/// Each `with…` and `without…` takes the case and returns it spoiled in one place; a test clones the good case first.
/// A position `index` is that of the instruction's account list.
#[derive(Clone, Debug)]
pub struct Case {
    /// The instruction.
    pub instruction: Instruction,
    /// The accounts by address. What the instruction names and this lacks is filled in by the runner: known programs,
    /// the clock, the rent, and otherwise an account that does not exist.
    pub accounts: Vec<(Pubkey, Account)>,
}

impl Case {
    /// A case of `instruction` that starts from `accounts`.
    pub fn new(instruction: Instruction, accounts: impl IntoIterator<Item = (Pubkey, Account)>) -> Self {
        Self { instruction, accounts: accounts.into_iter().collect() }
    }

    /// The address at a position.
    pub fn key(&self, index: usize) -> Pubkey {
        self.instruction.accounts[index].pubkey
    }

    /// The account at a position, made empty first if it did not exist.
    pub fn account_mut(&mut self, index: usize) -> &mut Account {
        let key = self.key(index);
        let known = self.accounts.iter().position(|(other, _)| *other == key);
        let at = known.unwrap_or_else(|| {
            self.accounts.push((key, Account::default()));
            self.accounts.len() - 1
        });
        &mut self.accounts[at].1
    }

    /// The account does not sign.
    #[must_use]
    pub fn without_signer(mut self, index: usize) -> Self {
        self.instruction.accounts[index].is_signer = false;
        self
    }

    /// The account is read-only.
    #[must_use]
    pub fn without_writable(mut self, index: usize) -> Self {
        self.instruction.accounts[index].is_writable = false;
        self
    }

    /// The position is left out, and the ones after it move up.
    #[must_use]
    pub fn without_account(mut self, index: usize) -> Self {
        self.instruction.accounts.remove(index);
        self
    }

    /// The position takes another address; what stands there, unless the case has it, is a copy of the account.
    ///
    /// With the address of another position this makes a duplicate.
    #[must_use]
    pub fn with_key(mut self, index: usize, key: Pubkey) -> Self {
        let copy = self.account_mut(index).clone();
        if self.accounts.iter().all(|(other, _)| *other != key) {
            self.accounts.push((key, copy));
        }
        self.instruction.accounts[index].pubkey = key;
        self
    }

    /// The account belongs to another program.
    #[must_use]
    pub fn with_owner(mut self, index: usize, owner: Pubkey) -> Self {
        self.account_mut(index).owner = owner;
        self
    }

    /// The account holds another balance.
    #[must_use]
    pub fn with_lamports(mut self, index: usize, lamports: u64) -> Self {
        self.account_mut(index).lamports = lamports;
        self
    }

    /// The account holds other data.
    #[must_use]
    pub fn with_data(mut self, index: usize, data: Vec<u8>) -> Self {
        self.account_mut(index).data = data;
        self
    }

    /// One byte of the account's data is another.
    #[must_use]
    pub fn with_data_byte(mut self, index: usize, offset: usize, byte: u8) -> Self {
        self.account_mut(index).data[offset] = byte;
        self
    }

    /// One byte of the instruction's data is another.
    #[must_use]
    pub fn with_instruction_byte(mut self, offset: usize, byte: u8) -> Self {
        self.instruction.data[offset] = byte;
        self
    }

    /// The instruction's data ends one byte early.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        self.instruction.data.pop();
        self
    }

    /// The instruction's data has a zero byte too many.
    #[must_use]
    pub fn lengthened(mut self) -> Self {
        self.instruction.data.push(0);
        self
    }
}
