//! A valid case, and what about it may be changed without being refused.

use crate::change::{Kind, Mutation, Subject};
use mollusk_tests::{fixture::Fixture, world::World};
use solana_account::Account;
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use std::ops::RangeInclusive;

/// An instruction in a state of the world in which it succeeds.
pub struct ValidCase {
    /// Name of the instruction, as it is declared.
    pub name: &'static str,
    /// The state that it starts from.
    pub world: World,
    /// The instruction with its siblings.
    pub transaction: Vec<Instruction>,
    /// Where it stands among them.
    pub index: usize,
    /// What may be accepted, or refused late.
    pub allowed: Vec<Allowed>,
    /// Why it is refused as it stands, if it is.
    pub refused: Option<&'static str>,
    /// The processor's second version runs it.
    pub by_second_version: bool,
}

/// One exception.
#[derive(Debug)]
pub struct Allowed {
    /// What is changed.
    what: What,
    /// Why that is right.
    #[expect(dead_code, reason = "shown by Debug when the exception excuses nothing")]
    reason: &'static str,
    /// The change is refused after something was written, which the runtime takes back.
    late: bool,
}

#[derive(Debug)]
enum What {
    Account(&'static str, Kind),
    AnyKey(&'static str),
    Key(&'static str, Pubkey),
    SameKey(&'static str, &'static str),
    Lengths(RangeInclusive<usize>),
}

impl Allowed {
    /// Whether the exception covers what was changed and when that was refused.
    pub fn excuses(&self, mutation: &Mutation, late: bool) -> bool {
        let account = mutation.account.as_str();
        let what = match &self.what {
            What::Account(name, kind) => account == *name && mutation.kind == *kind,
            What::AnyKey(name) => account == *name && matches!(mutation.kind, Kind::Copy | Kind::Other | Kind::Twin),
            What::Key(name, key) => {
                account == *name && mutation.key == Some(*key) && matches!(mutation.kind, Kind::Other | Kind::Twin)
            }
            What::SameKey(one, two) => {
                let pair = [account, mutation.twin.as_str()];
                mutation.kind == Kind::Twin && (pair == [*one, *two] || pair == [*two, *one])
            }
            What::Lengths(lengths) => mutation.kind == Kind::Length && lengths.contains(&mutation.subject.data.len()),
        };
        what && self.late == late
    }
}

impl ValidCase {
    /// The instruction as the only one of its transaction.
    pub fn new(name: &'static str, fixture: &Fixture, instruction: Instruction) -> Self {
        Self::among(name, fixture, vec![instruction], 0)
    }

    /// The instruction at `index` of a transaction.
    pub fn among(name: &'static str, fixture: &Fixture, transaction: Vec<Instruction>, index: usize) -> Self {
        let world = fixture.world.clone();
        Self { name, world, transaction, index, allowed: Vec::new(), refused: None, by_second_version: false }
    }

    /// It is refused as it stands, and so must be every mutation of it.
    #[must_use]
    pub fn never_succeeds(mut self, reason: &'static str) -> Self {
        self.refused = Some(reason);
        self
    }

    /// The processor's second version runs it.
    #[must_use]
    pub fn by_second_version(mut self) -> Self {
        self.by_second_version = true;
        self
    }

    /// Any key will do for this account.
    #[must_use]
    pub fn any_key(self, account: &'static str, reason: &'static str) -> Self {
        self.allowing(What::AnyKey(account), reason, false)
    }

    /// This other key will do for this account, too.
    #[must_use]
    pub fn key(self, account: &'static str, key: Pubkey, reason: &'static str) -> Self {
        self.allowing(What::Key(account, key), reason, false)
    }

    /// One key will do for both of these accounts.
    #[must_use]
    pub fn same_key(self, one: &'static str, two: &'static str, reason: &'static str) -> Self {
        self.allowing(What::SameKey(one, two), reason, false)
    }

    /// The data may have these lengths, in bytes with the discriminator.
    #[must_use]
    pub fn lengths(self, lengths: RangeInclusive<usize>, reason: &'static str) -> Self {
        self.allowing(What::Lengths(lengths), reason, false)
    }

    /// A change of this kind to this account is accepted. Accounts that follow the declared ones are called `more 0`,
    /// `more 1` and so on.
    #[must_use]
    pub fn accepts(self, account: &'static str, kind: Kind, reason: &'static str) -> Self {
        self.allowing(What::Account(account, kind), reason, false)
    }

    /// A change of this kind to this account is refused after something was written.
    #[allow(dead_code, reason = "for the cases to come")]
    #[must_use]
    pub fn refuses_late(self, account: &'static str, kind: Kind, reason: &'static str) -> Self {
        self.allowing(What::Account(account, kind), reason, true)
    }

    fn allowing(mut self, what: What, reason: &'static str, late: bool) -> Self {
        self.allowed.push(Allowed { what, reason, late });
        self
    }

    /// The instruction unchanged.
    pub fn subject(&self) -> Subject {
        let Instruction { accounts, data, .. } = self.transaction[self.index].clone();
        Subject { metas: accounts, data, replaced: None }
    }

    /// An account of the world as it stands.
    pub fn account(&self, key: &Pubkey) -> Account {
        self.world.account(key)
    }
}
