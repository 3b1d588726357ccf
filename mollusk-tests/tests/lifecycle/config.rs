//! `UpdateConfig`.

use crate::{fixture, lifecycle, refused};
use mollusk_tests::programs::keypair;
use mollusk_tests::{
    fixture::{Definition, config, key, people},
    lifecycle::{PROGRAMS, Update, error_base},
    programs::{DIFF, NOOP, PROCESSOR, SCHEDULER},
};
use shared_layouts::{
    diff::{self, DiffConfig},
    lifecycle::Fault,
    processor::{self, ProcessorConfig},
    scheduler::{self, SchedulerConfig},
};
use solana_instruction::error::InstructionError;

#[test]
fn each_field_of_the_processor_is_set_alone_and_the_others_stay() {
    use processor::{config_fields as bit, update_config::Data};
    let mut fixture = fixture();
    let mut expected: ProcessorConfig = fixture.fixed_part(&config(PROCESSOR));
    let set = |data: Data| Update::Processor(data).by(people::AUTHORITY);
    let none = Data::default();
    let updates = [
        none,
        Data { fields: bit::MAX_COMPUTE_UNITS, max_compute_units: 2_000_000, ..none },
        Data { fields: bit::MAX_VERIFICATION_FUNCTIONS, max_verification_functions: 32, ..none },
        Data { fields: bit::GUARDIAN_PAUSE_SECONDS, guardian_pause_seconds: 60, ..none },
        Data { fields: bit::GUARDIAN_COOLDOWN_SECONDS, ..none },
        Data { fields: bit::GUARDIAN, guardian: key(people::STRANGER), ..none },
        Data { fields: bit::GUARDIAN, ..none },
    ];
    for (index, data) in updates.into_iter().enumerate() {
        fixture.send(&[set(data)], &[people::AUTHORITY]);
        match index {
            0 => {}
            1 => expected.max_compute_units = 2_000_000,
            2 => expected.max_verification_functions = 32,
            3 => expected.lifecycle.guardian_pause_seconds = 60,
            4 => expected.lifecycle.guardian_cooldown_seconds = 0,
            5 => expected.lifecycle.guardian = key(people::STRANGER),
            _ => expected.lifecycle.guardian = [0; 32],
        }
        assert_eq!(fixture.fixed_part::<ProcessorConfig>(&config(PROCESSOR)), expected, "update {index}");
    }
}

#[test]
fn all_fields_of_scheduler_and_diff_are_set_at_once() {
    let mut fixture = fixture();
    let scheduler = scheduler::update_config::Data {
        fields: scheduler::config_fields::ALL,
        guardian: key(people::STRANGER),
        guardian_pause_seconds: 1,
        guardian_cooldown_seconds: 2,
        shard_deposit_lamports: 3,
        window_compute_units: 4,
        window_seconds: 5,
        max_shards: 256,
        max_queue_size: 10_000,
        default_priority: 15,
        registration: scheduler::registration::OPEN,
    };
    let before: SchedulerConfig = fixture.fixed_part(&config(SCHEDULER));
    fixture.send(&[Update::Scheduler(scheduler).by(people::AUTHORITY)], &[people::AUTHORITY]);
    let mut expected = SchedulerConfig {
        shard_deposit_lamports: 3,
        window_compute_units: 4,
        window_seconds: 5,
        max_shards: 256,
        max_queue_size: 10_000,
        default_priority: 15,
        registration: scheduler::registration::OPEN,
        ..before
    };
    expected.lifecycle.guardian = key(people::STRANGER);
    expected.lifecycle.guardian_pause_seconds = 1;
    expected.lifecycle.guardian_cooldown_seconds = 2;
    assert_eq!(fixture.fixed_part::<SchedulerConfig>(&config(SCHEDULER)), expected);

    let diff = diff::update_config::Data {
        fields: diff::config_fields::MAX_BATCH_SIZE | diff::config_fields::OPTIMIZATION_LEVEL,
        max_batch_size: u16::MAX,
        optimization_level: diff::optimization_level::BASIC,
        ..Default::default()
    };
    let before: DiffConfig = fixture.fixed_part(&config(DIFF));
    fixture.send(&[Update::Diff(diff).by(people::AUTHORITY)], &[people::AUTHORITY]);
    let expected = DiffConfig { max_batch_size: u16::MAX, optimization_level: 1, ..before };
    assert_eq!(fixture.fixed_part::<DiffConfig>(&config(DIFF)), expected);
}

#[test]
fn a_raised_limit_takes_effect() {
    let mut fixture = fixture();
    let shard = fixture.shard();
    let mut definition = Definition::new(&NOOP.address());
    definition.data.compute_limit = 2_000_000;
    let register = fixture.register_capability(&shard, &definition);
    refused(&mut fixture, register, people::OWNER, processor::ProcessorError::AboveConfigLimit as u32);
    let data = processor::update_config::Data {
        fields: processor::config_fields::MAX_COMPUTE_UNITS,
        max_compute_units: 2_000_000,
        ..Default::default()
    };
    fixture.send(&[Update::Processor(data).by(people::AUTHORITY)], &[people::AUTHORITY]);
    fixture.capability(&shard, &definition);
}

#[test]
fn values_outside_their_limits_are_refused() {
    use scheduler::config_fields as bit;
    let mut fixture = fixture();
    for program in PROGRAMS {
        let invalid = error_base(program) + Fault::InvalidConfig as u32;
        let mut guardian = |fields, key, pause, cooldown| {
            let update = Update::guardian(program, fields, key, pause, cooldown);
            refused(&mut fixture, update.by(people::AUTHORITY), people::AUTHORITY, invalid);
        };
        guardian(1, key(people::AUTHORITY), 0, 0);
        guardian(2, [0; 32], 0, 0);
        guardian(2, [0; 32], 30 * 24 * 3_600 + 1, 0);
        guardian(4, [0; 32], 0, 30 * 24 * 3_600 + 1);
    }
    let processor = |fields, max_compute_units, max_verification_functions| {
        Update::Processor(processor::update_config::Data {
            fields,
            max_compute_units,
            max_verification_functions,
            ..Default::default()
        })
    };
    let scheduler = |fields, max_shards, max_queue_size, default_priority, registration| {
        Update::Scheduler(scheduler::update_config::Data {
            fields,
            max_shards,
            max_queue_size,
            default_priority,
            registration,
            ..Default::default()
        })
    };
    let diff = |fields, max_batch_size, optimization_level| {
        Update::Diff(diff::update_config::Data { fields, max_batch_size, optimization_level, ..Default::default() })
    };
    let updates = [
        (1_000, processor(1 << 3, 0, 0)),
        (1_000, processor(1 << 3, 100_000_001, 0)),
        (1_000, processor(1 << 4, 0, 0)),
        (1_000, processor(1 << 4, 0, 33)),
        (2_000, scheduler(bit::MAX_SHARDS, 0, 0, 0, 0)),
        (2_000, scheduler(bit::MAX_SHARDS, 257, 0, 0, 0)),
        (2_000, scheduler(bit::MAX_QUEUE_SIZE, 0, 0, 0, 0)),
        (2_000, scheduler(bit::MAX_QUEUE_SIZE, 0, 10_001, 0, 0)),
        (2_000, scheduler(bit::DEFAULT_PRIORITY, 0, 0, 16, 0)),
        (2_000, scheduler(bit::REGISTRATION, 0, 0, 0, 2)),
        (3_000, diff(1 << 3, 0, 0)),
        (3_000, diff(1 << 4, 0, 3)),
    ];
    for (base, update) in updates {
        refused(&mut fixture, update.by(people::AUTHORITY), people::AUTHORITY, base + Fault::InvalidConfig as u32);
    }
}

#[test]
fn a_value_without_its_bit_and_an_unknown_bit_are_refused() {
    let mut fixture = fixture();
    let authority = keypair(people::AUTHORITY);
    for program in PROGRAMS {
        let updates = [
            Update::guardian(program, 0, key(people::STRANGER), 0, 0),
            Update::guardian(program, 0, [0; 32], 1, 0),
            Update::guardian(program, 2, [0; 32], 1, 1),
            Update::guardian(program, 1 << 15, [0; 32], 0, 0),
        ];
        for update in updates {
            let instruction = update.by(people::AUTHORITY);
            let error = InstructionError::InvalidInstructionData;
            fixture.world.expect_error(&[instruction], &keypair(people::PAYER), &[&authority], 0, error);
        }
    }
}

#[test]
fn only_the_authority_configures() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        for signer in [people::GUARDIAN, people::OWNER, people::STRANGER] {
            let update = Update::guardian(program, 0, [0; 32], 0, 0).by(signer);
            refused(&mut fixture, update, signer, error_base(program) + Fault::NotAuthority as u32);
        }
    }
    assert_eq!(lifecycle(&fixture, PROCESSOR).guardian, key(people::GUARDIAN));
}
