//! Valid cases of the processor.

use crate::{case::ValidCase, change::Kind};
use mollusk_tests::{
    capabilities::{check, close, update},
    ed25519,
    features::FeatureProfile,
    fixture::{
        Definition, Fixture, capability_signs, dispatch, enqueue, execute, fixed, from_arguments, initialize_processor,
        people, verify, worker_chosen,
    },
    programs::{ED25519_VERIFIER, NOOP, PROCESSOR, address},
};
use shared_layouts::processor::{
    AccountRule, Function, account_flags, capability_flags, execute as wire, execute_flags, function_kind,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;
use std::mem::offset_of;

const ANY_SCHEDULER: &str =
    "the program that owns the shard's account becomes the capability's scheduler, whichever it is";
const LAMPORTS: &str = "lamports go wherever the owner sends them";
const SAME_OWNER: &str = "the owner of a shard manages all its capabilities";
const FLAGS_OF_THE_CALL: &str = "the flags that count are those of the target call";
const CHOSEN: &str = "whoever runs the capability chooses this account";

pub fn cases() -> Vec<ValidCase> {
    let mut cases = crate::lifecycle::cases(PROCESSOR);
    cases.push(initialize());
    cases.push(register_capability());
    cases.extend(managed());
    cases.extend(running());
    cases.extend(with_evidence());
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
    ValidCase::new("RegisterCapability", &fixture, register).accepts("shard", Kind::Owner, ANY_SCHEDULER)
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
            .accepts("more 0", Kind::Writable, FLAGS_OF_THE_CALL)
            .accepts(
                "config",
                Kind::Owner,
                "the capability recorded its address, where only the processor has an account",
            ),
        ValidCase::among("Execute", &fixture, vec![dispatch, run], 1),
        ValidCase::new("Execute", &fixture, execute(&direct, &NOOP.address(), &accounts, &ARGUMENTS)),
    ]
}

/// What the external verifier of [`evidence`] has to find signed: the key of a target account, and a number.
fn signed_arguments() -> Vec<u8> {
    [address("matrix: named").as_ref(), &[7; 8]].concat()
}

/// An account that the arguments name, and one that is chosen.
fn free_targets() -> Vec<AccountRule> {
    vec![from_arguments(0, 0), worker_chosen(account_flags::WRITABLE)]
}

/// With an external verifier, which is asked because the function before it says yes.
fn evidence(targets: Vec<AccountRule>) -> Definition {
    let mut constant = [0; 32];
    constant[0] = 7;
    let blank: Function = bytemuck::Zeroable::zeroed();
    let rules = [ED25519_VERIFIER.address(), sysvar::instructions::ID, address("oracle")].map(|key| fixed(&key, 0));
    let first = u8::try_from(targets.len()).expect("few accounts");
    let mut definition = Definition::new(&NOOP.address()).targets(targets).evidence(rules).prefix(&[1]).functions([
        Function { kind: function_kind::INPUT, width: 1, input_offset: 32, constant, ..blank },
        Function { kind: function_kind::EXTERNAL, account: first, second_account: first + 1, extra: 2, ..blank },
    ]);
    definition.data.arguments_bytes_min = 40;
    definition
}

/// Accounts of [`free_targets`], of others, and of the evidence.
fn evidence_accounts(more_targets: &[AccountMeta]) -> Vec<AccountMeta> {
    let free = [
        AccountMeta::new_readonly(address("matrix: named"), false),
        AccountMeta::new(address("matrix: chosen"), false),
    ];
    let evidence = [ED25519_VERIFIER.address(), sysvar::instructions::ID, address("oracle")];
    let evidence = evidence.map(|key| AccountMeta::new_readonly(key, false));
    free.into_iter().chain(more_targets.iter().cloned()).chain(evidence).collect()
}

/// Update and close: beside the capability stand another one of its shard, and one of another shard of the same owner.
fn managed() -> Vec<ValidCase> {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    let other_shard = fixture.shard();
    fixture.capability(&other_shard, &definition());
    let shard = fixture.shard();
    let [small, large] = [definition(), evidence(free_targets())];
    let capability = fixture.capability(&shard, &small);
    let sibling = fixture.capability(&shard, &large);
    let register = ValidCase::new("RegisterCapability", &fixture, fixture.register_capability(&shard, &large));
    let to_large = ValidCase::new("UpdateCapability", &fixture, update(&capability, &shard, people::OWNER, &large));
    let to_small = ValidCase::new("UpdateCapability", &fixture, update(&sibling, &shard, people::OWNER, &small));
    let closed = ValidCase::new("CloseCapability", &fixture, close(&capability, &shard, people::OWNER));
    vec![
        register.accepts("shard", Kind::Owner, ANY_SCHEDULER).key("shard", other_shard, "it belongs to the same owner"),
        to_large.key("capability", sibling, SAME_OWNER),
        to_small
            .key("capability", capability, SAME_OWNER)
            .any_key("system_program", "the account becomes shorter, so the system program is not called"),
        closed.key("capability", sibling, SAME_OWNER).any_key("recipient", LAMPORTS).accepts(
            "recipient",
            Kind::Owner,
            LAMPORTS,
        ),
    ]
}

/// Capabilities with positions that are named by arguments, chosen, or signed for, and with an external verifier.
fn with_evidence() -> Vec<ValidCase> {
    let mut fixture = Fixture::new(FeatureProfile::Mainnet);
    ed25519::install(&mut fixture.world);
    let shard = fixture.shard();
    let queue = fixture.queue(&shard);
    let soft = fixture.capability(&shard, &evidence(free_targets()));
    let signing = evidence([free_targets(), vec![capability_signs()]].concat());
    let signing = fixture.capability(&shard, &signing);
    let arguments = signed_arguments();
    let entries = [&soft, &signing].into_iter().zip(1..);
    let entries: Vec<_> = entries.map(|(key, sequence)| enqueue(&queue, key, sequence, 5, &arguments)).collect();
    fixture.send(&entries, &[people::PRODUCER]);

    let signed = ed25519::signed("oracle", &arguments);
    let accounts = evidence_accounts(&[]);
    let target = Instruction::new_with_bytes(NOOP.address(), &[&[1], &arguments[..]].concat(), accounts[..2].to_vec());
    let verify = vec![signed.clone(), dispatch(&shard, &queue, 0, 1), verify(&soft, &accounts, &arguments), target];
    let with_signer = evidence_accounts(&[AccountMeta::new_readonly(signing, false)]);
    let mut run = execute(&signing, &NOOP.address(), &with_signer, &arguments);
    run.data[1 + offset_of!(wire::Data, flags)] = execute_flags::METERED;
    let execute = vec![signed, dispatch(&shard, &queue, 1, 1), run];

    let asked = check(&soft, &accounts, &arguments);
    let fixed_bytes = asked.data.len() - arguments.len();
    vec![
        chosen(ValidCase::new("Check", &fixture, asked))
            .accepts("more 1", Kind::Writable, "no target is called")
            .lengths(fixed_bytes + 40..=fixed_bytes + 96, "the capability takes 40 to 96 bytes of arguments"),
        ValidCase::among("Verify", &fixture, verify, 2).accepts("more 1", Kind::Writable, FLAGS_OF_THE_CALL),
        chosen(ValidCase::among("Execute", &fixture, execute, 2)).same_key("more 1", "target_program", CHOSEN),
    ]
}

/// The account at the second position may be any that neither signs nor stands at another position of the capability.
fn chosen(case: ValidCase) -> ValidCase {
    case.accepts("more 1", Kind::Copy, CHOSEN)
        .accepts("more 1", Kind::Other, CHOSEN)
        .same_key("more 1", "config", CHOSEN)
}
