//! Looks at a transaction's accounts after a failure, which Mollusk's result hides.

use mollusk_svm::{InvocationInspectCallback, Mollusk};
use solana_account::{Account, ReadableAccount};
use solana_program_runtime::invoke_context::InvokeContext;
use solana_pubkey::Pubkey;
use solana_transaction_context::instruction_accounts::InstructionAccount;
use std::{cell::RefCell, rc::Rc};

/// The accounts of the last transaction, as its last instruction left them.
#[derive(Clone, Default)]
pub struct Observer {
    seen: Rc<RefCell<Vec<(Pubkey, Account)>>>,
}

impl Observer {
    /// Has `mollusk` report to this observer.
    pub fn attach(&self, mollusk: &mut Mollusk) {
        mollusk.invocation_inspect_callback = Box::new(self.clone());
    }

    /// The accounts seen last.
    pub fn take(&self) -> Vec<(Pubkey, Account)> {
        self.seen.take()
    }
}

impl InvocationInspectCallback for Observer {
    fn before_invocation(
        &self,
        _: &Mollusk,
        _: &Pubkey,
        _: &[u8],
        _: &[InstructionAccount],
        _: &mut InvokeContext,
        _: bool,
    ) {
    }

    fn after_invocation(&self, _: &Mollusk, context: &InvokeContext, _: bool) {
        let transaction = &context.transaction_context;
        let accounts = (0..transaction.get_number_of_accounts()).map(|index| {
            let key = transaction.get_key_of_account_at_index(index).expect("the index is in range");
            let account =
                transaction.accounts().try_borrow(index).expect("no instruction borrows an account after it ended");
            let account = Account {
                lamports: account.lamports(),
                data: account.data().to_vec(),
                owner: *account.owner(),
                executable: account.executable(),
                rent_epoch: account.rent_epoch(),
            };
            (*key, account)
        });
        self.seen.replace(accounts.collect());
    }
}
