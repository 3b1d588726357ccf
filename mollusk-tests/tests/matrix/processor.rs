//! Valid cases of the processor.

use crate::{case::ValidCase, change::Kind};
use mollusk_tests::{
    features::FeatureProfile,
    fixture::{Definition, Fixture, dispatch, enqueue, execute, fixed, initialize_processor, people, verify},
    programs::{NOOP, PROCESSOR, address},
};
use shared_layouts::processor::{account_flags, capability_flags};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

pub fn cases() -> Vec<ValidCase> {
    let mut cases = crate::lifecycle::cases(PROCESSOR);
    cases.push(initialize());
    cases.push(register_capability());
    cases.extend(running());
    cases
}

fn initialize() -> ValidCase {
    let fixture = Fixture::installed(FeatureProfile::Mainnet);
    ValidCase::new("Initialize", &fixture, initialize_processor())
}

/// Keys of two accounts of the target, of which the first is written.
fn targets() -> [Pubkey; 2] {
    ["matrix: target 0", "matrix: target 1"].map(address)
}

fn definition() -> Definition {
    let [first, second] = targets();
    Definition::new(&NOOP.address())
        .targets([fixed(&first, account_flags::WRITABLE), fixed(&second, 0)])
        .prefix(&[1, 2, 3])
        .arguments(8)
}

fn register_capability() -> ValidCase {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shard = fixture.shard();
    let register = fixture.register_capability(&shard, &definition());
    ValidCase::new("RegisterCapability", &fixture, register).accepts(
        "shard",
        Kind::Owner,
        "the program that owns the shard's account becomes the capability's scheduler, whichever it is",
    )
}

/// Instructions that run a capability.
fn running() -> Vec<ValidCase> {
    const ARGUMENTS: [u8; 8] = [7; 8];
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let shard = fixture.shard();
    let queue = fixture.queue(&shard);
    let capability = fixture.capability(&shard, &definition());
    let direct = fixture.capability(&shard, &definition().flags(capability_flags::CALLABLE_DIRECTLY));
    fixture.send(&[enqueue(&queue, &capability, 1, 5, &ARGUMENTS)], &[people::PRODUCER]);

    let [first, second] = targets();
    let accounts = [AccountMeta::new(first, false), AccountMeta::new_readonly(second, false)];
    let target = Instruction::new_with_bytes(NOOP.address(), &[&[1, 2, 3], &ARGUMENTS[..]].concat(), accounts.to_vec());
    let dispatch = dispatch(&shard, &queue, 0, 1);
    let verify = verify(&capability, &accounts, &ARGUMENTS);
    let run = execute(&capability, &NOOP.address(), &accounts, &ARGUMENTS);
    vec![
        ValidCase::among("Verify", &fixture, vec![dispatch.clone(), verify, target], 1)
            .accepts("more 0", Kind::Writable, "the flags that count are those of the target call")
            .accepts(
                "config",
                Kind::Owner,
                "the capability recorded its address, where only the processor has an account",
            ),
        ValidCase::among("Execute", &fixture, vec![dispatch, run], 1),
        ValidCase::new("Execute", &fixture, execute(&direct, &NOOP.address(), &accounts, &ARGUMENTS)),
    ]
}
