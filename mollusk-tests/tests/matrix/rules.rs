//! What is accepted in every instruction, and why that is right.

use crate::change::{Kind, Mutation};

/// What a rule covers.
type Covers = fn(&Mutation) -> bool;

/// Rules with their reasons. A case lists its own exceptions beside it.
const RULES: &[(&str, Covers)] = &[
    ("a signer is recognised by its key, and its account is not read", |mutation| {
        mutation.is_declared_signer
            && !mutation.is_ours
            && matches!(mutation.kind, Kind::Owner | Kind::Discriminator | Kind::Version)
    }),
    ("anyone who signs may pay", |mutation| {
        mutation.account == "payer" && matches!(mutation.kind, Kind::Copy | Kind::Other | Kind::Twin)
    }),
    (
        "no two accounts of one of the programs are copies: it alone makes them, each at the address that its seeds give",
        |mutation| mutation.is_ours && mutation.kind == Kind::Copy,
    ),
    ("what a target's accounts hold is for the target to check", |mutation| {
        mutation.is_more
            && !mutation.is_ours
            && matches!(mutation.kind, Kind::Owner | Kind::Discriminator | Kind::Version)
    }),
];

/// Whether a rule excuses that the mutation was accepted. None excuses a late refusal.
pub fn excuses(mutation: &Mutation, late: bool) -> bool {
    !late && RULES.iter().any(|(_, covers)| covers(mutation))
}
