//! Rows of the lifecycle: configuration, authority, the guardian's pause, and the migration to a second version of a layout.

use super::{Row, row};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{
    Definition, Fixture, GUARDIAN_COOLDOWN_SECONDS, GUARDIAN_PAUSE_SECONDS, apply_inline, config, initialize_diff,
    initialize_processor, initialize_scheduler, key, pause, people, queue_policy, verify,
};
use mollusk_tests::lifecycle::{PROGRAMS, Update, accept, finalize, migrate, nominate};
use mollusk_tests::programs::{DIFF, NOOP, PROCESSOR, PROCESSOR_V2, Program, SCHEDULER, address, keypair};
use mollusk_tests::queues::Bench;
use shared_layouts::client;
use shared_layouts::lifecycle::{Lifecycle, config_fields, direction, migration};
use solana_account::Account;
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use std::mem::offset_of;

pub(super) fn rows() -> Vec<Row> {
    let of_each = PROGRAMS.into_iter().flat_map(of_program);
    let rows = vec![
        row("processor/migrate", |profile| {
            let mut fixture = Fixture::new(profile);
            let authority = address(people::AUTHORITY);
            fixture.world.install_at(PROCESSOR_V2, &PROCESSOR.address(), Some(&authority));
            let migrate = migrate(PROCESSOR, people::AUTHORITY, people::PAYER, direction::UP, None);
            fixture.send(&[migrate], &[people::AUTHORITY]).units_of(0)
        }),
        row("scheduler/migrate/refused", |profile| migrate_refused(profile, SCHEDULER)),
        row("diff/migrate/refused", |profile| migrate_refused(profile, DIFF)),
        row("processor/verify/guardian-pause-over", verify_after_a_pause),
        row("diff/apply_inline/guardian-pause-over", |profile| {
            let mut fixture = Fixture::new(profile);
            let state = fixture.state(1_024);
            fixture = paused_before(fixture, DIFF);
            fixture.send(&[apply_inline(&state, 0, &[(0, &[7; 8])])], &[people::OWNER]).units_of(0)
        }),
    ];
    of_each.chain(rows).collect()
}

/// The rows that each program has.
fn of_program(program: Program) -> Vec<Row> {
    let of = move |name: &str, units: fn(FeatureProfile, Program) -> u64| {
        let short = program.name.trim_start_matches("valence_");
        row(&format!("{short}/{name}"), move |profile| units(profile, program))
    };
    vec![
        of("initialize/worst", initialize_over_lamports),
        of("update_config", |profile, program| {
            let fields = config_fields::GUARDIAN
                | config_fields::GUARDIAN_PAUSE_SECONDS
                | config_fields::GUARDIAN_COOLDOWN_SECONDS;
            let update = Update::guardian(program, fields, key(people::OWNER), 60, 60);
            Fixture::new(profile).send(&[update.by(people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
        of("nominate_authority", |profile, program| {
            let nominate = nominate(program, people::AUTHORITY, Some(people::OWNER));
            Fixture::new(profile).send(&[nominate], &[people::AUTHORITY]).units_of(0)
        }),
        of("accept_authority", |profile, program| {
            let mut fixture = Fixture::new(profile);
            let nominate = nominate(program, people::AUTHORITY, Some(people::OWNER));
            fixture.send(&[nominate], &[people::AUTHORITY]);
            fixture.send(&[accept(program, people::OWNER)], &[people::OWNER]).units_of(0)
        }),
        of("pause/worst", |profile, program| {
            let mut fixture = paused_before(Fixture::new(profile), program);
            let now = fixture.world.unix_seconds();
            fixture.world.set_unix_seconds(now + i64::from(GUARDIAN_COOLDOWN_SECONDS));
            fixture.send(&[pause(program, people::GUARDIAN)], &[people::GUARDIAN]).units_of(0)
        }),
        of("finalize", |profile, program| {
            let mut fixture = Fixture::new(profile);
            let mut account = fixture.world.account(&config(program));
            account.data[offset_of!(Lifecycle, migration)] = migration::OPEN;
            fixture.world.set_account(&config(program), account);
            fixture.send(&[finalize(program, people::AUTHORITY)], &[people::AUTHORITY]).units_of(0)
        }),
    ]
}

/// Leaves a lamport at an address. Who creates an account there needs three calls for it instead of one.
pub(super) fn prefund(fixture: &mut Fixture, address: &Pubkey) {
    fixture.world.set_account(address, Account { lamports: 1, ..Account::default() });
}

/// Units of an initialization where somebody has sent lamports to each address that it creates.
fn initialize_over_lamports(profile: FeatureProfile, program: Program) -> u64 {
    let mut fixture = Fixture::installed(profile);
    let initialize = [initialize_processor(), initialize_scheduler(), initialize_diff()];
    let place = PROGRAMS.iter().position(|other| *other == program).expect("it is one of the three");
    for before in &initialize[..place] {
        fixture.send(std::slice::from_ref(before), &[people::AUTHORITY]);
    }
    prefund(&mut fixture, &config(program));
    prefund(&mut fixture, &client::registry_address(&program.address()));
    fixture.send(&initialize[place..=place], &[people::AUTHORITY]).units_of(0)
}

/// A guardian's pause that has ended by itself and that nobody cleared: who asks whether the program is paused asks for the
/// time.
fn paused_before(mut fixture: Fixture, program: Program) -> Fixture {
    fixture.send(&[pause(program, people::GUARDIAN)], &[people::GUARDIAN]);
    let now = fixture.world.unix_seconds();
    fixture.world.set_unix_seconds(now + i64::from(GUARDIAN_PAUSE_SECONDS) + 1);
    fixture
}

/// Units of a migration of a program that has one version of each layout, which refuses it.
fn migrate_refused(profile: FeatureProfile, program: Program) -> u64 {
    let mut fixture = Fixture::new(profile);
    let migrate = migrate(program, people::AUTHORITY, people::PAYER, direction::UP, None);
    let signers = [&keypair(people::AUTHORITY)];
    let refused = fixture.world.send(&[migrate], &keypair(people::PAYER), &signers).expect_err("nothing to migrate");
    refused.outcome.units_of(0)
}

/// Units of the verification of a call without accounts, as the first thing after a guardian's pause.
fn verify_after_a_pause(profile: FeatureProfile) -> u64 {
    let mut bench = Bench::new(profile, &queue_policy(), &Definition::new(&NOOP.address()));
    bench.fixture = paused_before(bench.fixture, PROCESSOR);
    let handle = bench.put(1, &[]);
    let dispatch = bench.dispatch(people::WORKER, handle);
    let target = Instruction::new_with_bytes(NOOP.address(), &[], Vec::new());
    let run = [dispatch, verify(&bench.capability, &[], &[]), target];
    bench.send(&run, &[people::WORKER]).units_of(1)
}
