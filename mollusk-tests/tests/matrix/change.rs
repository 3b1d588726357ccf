//! Every single mutation of a valid case.

use crate::case::ValidCase;
use mollusk_tests::{
    fixture::people,
    programs::{DIFF, PROCESSOR, SCHEDULER, address},
};
use shared_layouts::declare::InstructionSpec;
use solana_account::Account;
use solana_instruction::AccountMeta;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;

/// Bytes of data tried beyond those of the valid case.
const MORE_BYTES: usize = 16;

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The account does not sign.
    Signer,
    /// The account is read-only.
    Writable,
    /// The account is left out; those behind it move up.
    Missing,
    /// Another program owns the account.
    Owner,
    /// The account's first byte is another.
    Discriminator,
    /// The account's second byte is another.
    Version,
    /// A copy of the account at an address of its own.
    Copy,
    /// Another account of the world in its place.
    Other,
    /// The account of another position in its place.
    Twin,
    /// The data is shorter, or longer by zeros.
    Length,
    /// An account more than the instruction takes.
    Extra,
}

/// The instruction as it is run: what a mutation changes.
#[derive(Clone)]
pub struct Subject {
    /// Accounts.
    pub metas: Vec<AccountMeta>,
    /// Data.
    pub data: Vec<u8>,
    /// An account that stands otherwise than in the case's world.
    pub replaced: Option<(Pubkey, Account)>,
}

/// One mutation.
pub struct Mutation {
    /// What is changed.
    pub kind: Kind,
    /// Name of the account that is changed; empty if it is the data.
    pub account: String,
    /// Name of the account that stands in two positions.
    pub twin: String,
    /// The address that stands in the account's place.
    pub key: Option<Pubkey>,
    /// The account is one of the instruction's fixed ones, and signs.
    pub is_declared_signer: bool,
    /// The account follows the instruction's fixed ones.
    pub is_more: bool,
    /// One of the three programs owns the account.
    pub is_ours: bool,
    /// The changed instruction.
    pub subject: Subject,
}

impl Mutation {
    /// The mutation in words.
    pub fn describe(&self) -> String {
        match self.kind {
            Kind::Length => format!("data of {} bytes", self.subject.data.len()),
            Kind::Twin => format!("{} is {}", self.account, self.twin),
            Kind::Other => {
                let person = people::ALL.into_iter().find(|name| Some(address(name)) == self.key);
                let key = self.key.unwrap_or_default().to_string();
                format!("{} is another account of the world, {}", self.account, person.unwrap_or(&key))
            }
            kind => format!("{}: {kind:?}", self.account),
        }
    }
}

/// Every single mutation of the case.
pub fn mutations(spec: &InstructionSpec, case: &ValidCase) -> Vec<Mutation> {
    let subject = case.subject();
    let mut all = Vec::new();
    for index in 0..subject.metas.len() {
        let position = Position { spec, case, subject: &subject, index };
        position.flags(&mut all);
        position.contents(&mut all);
        position.keys(&mut all);
    }
    let whole = |kind, subject| Mutation {
        kind,
        account: String::new(),
        twin: String::new(),
        key: None,
        is_declared_signer: false,
        is_more: false,
        is_ours: false,
        subject,
    };
    let full = subject.data.len();
    for length in (0..=full + MORE_BYTES).filter(|length| *length != full) {
        let mut changed = subject.clone();
        changed.data.resize(length, 0);
        all.push(whole(Kind::Length, changed));
    }
    let mut changed = subject;
    changed.metas.push(AccountMeta::new_readonly(address("matrix: extra"), false));
    all.push(whole(Kind::Extra, changed));
    all
}

/// One account of the instruction.
struct Position<'a> {
    spec: &'a InstructionSpec,
    case: &'a ValidCase,
    subject: &'a Subject,
    index: usize,
}

impl Position<'_> {
    fn key(&self) -> Pubkey {
        self.subject.metas[self.index].pubkey
    }

    fn name(&self, index: usize) -> String {
        let fixed = self.spec.accounts.len();
        self.spec.accounts.get(index).map_or_else(|| format!("more {}", index - fixed), |spec| spec.name.to_owned())
    }

    fn mutation(&self, kind: Kind, change: impl FnOnce(&mut Subject)) -> Mutation {
        let mut subject = self.subject.clone();
        change(&mut subject);
        Mutation {
            kind,
            account: self.name(self.index),
            twin: String::new(),
            key: None,
            is_declared_signer: self.spec.accounts.get(self.index).is_some_and(|spec| spec.signer),
            is_more: self.index >= self.spec.accounts.len(),
            is_ours: is_ours(&self.case.account(&self.key())),
            subject,
        }
    }

    fn flags(&self, all: &mut Vec<Mutation>) {
        let meta = &self.subject.metas[self.index];
        if meta.is_signer {
            all.push(self.mutation(Kind::Signer, |subject| subject.metas[self.index].is_signer = false));
        }
        if meta.is_writable {
            all.push(self.mutation(Kind::Writable, |subject| subject.metas[self.index].is_writable = false));
        }
        all.push(self.mutation(Kind::Missing, |subject| {
            subject.metas.remove(self.index);
        }));
    }

    /// What the account is. Sysvars and programs are left alone: the runtime writes them.
    fn contents(&self, all: &mut Vec<Mutation>) {
        let key = self.key();
        let account = self.case.account(&key);
        if account.owner == sysvar::ID || account.executable || key == sysvar::instructions::ID {
            return;
        }
        let mut changed = |kind, change: &dyn Fn(&mut Account)| {
            let mut account = account.clone();
            change(&mut account);
            all.push(self.mutation(kind, |subject| subject.replaced = Some((key, account))));
        };
        changed(Kind::Owner, &|account| {
            account.owner = address("matrix: other program");
            account.lamports = account.lamports.max(1_000_000_000);
        });
        if account.data.len() > 1 {
            changed(Kind::Discriminator, &|account| account.data[0] ^= 0x40);
            changed(Kind::Version, &|account| account.data[1] = account.data[1].wrapping_add(1));
        }
    }

    fn keys(&self, all: &mut Vec<Mutation>) {
        let key = self.key();
        let copy = address("matrix: copy");
        let account = self.case.account(&key);
        let set = |subject: &mut Subject, key| subject.metas[self.index].pubkey = key;
        all.push(self.mutation(Kind::Copy, |subject| {
            set(subject, copy);
            if !account.executable && account.owner != sysvar::ID {
                subject.replaced = Some((copy, account));
            }
        }));
        let keys: Vec<Pubkey> = self.subject.metas.iter().map(|meta| meta.pubkey).collect();
        for (index, twin) in keys.iter().enumerate() {
            if *twin != key && keys[..index].iter().all(|other| other != twin) {
                let mut mutation = self.mutation(Kind::Twin, |subject| set(subject, *twin));
                mutation.twin = self.name(index);
                mutation.key = Some(*twin);
                all.push(mutation);
            }
        }
        for other in everyone(self.case).into_iter().filter(|other| !keys.contains(other)) {
            let mut mutation = self.mutation(Kind::Other, |subject| set(subject, other));
            mutation.key = Some(other);
            all.push(mutation);
        }
    }
}

/// Every account of the three programs in the case's world, and every person.
fn everyone(case: &ValidCase) -> Vec<Pubkey> {
    let ours = [PROCESSOR, SCHEDULER, DIFF]
        .into_iter()
        .flat_map(|program| case.world.svm.get_program_accounts(&program.address()))
        .map(|(key, _)| key);
    let mut keys: Vec<Pubkey> = ours.chain(people::ALL.map(address)).collect();
    keys.sort_unstable();
    keys
}

fn is_ours(account: &Account) -> bool {
    [PROCESSOR, SCHEDULER, DIFF].iter().any(|program| account.owner == program.address())
}
