//! Any sequence of lifecycle calls, by anyone, with time passing, against a model of who may do what when.

use mollusk_tests::{
    features::{FeatureProfile, START_UNIX_SECONDS},
    fixture::{Fixture, GUARDIAN_COOLDOWN_SECONDS, GUARDIAN_PAUSE_SECONDS, config, key, pause, people, resume},
    lifecycle::{PROGRAMS, Update, accept, error_base, finalize, lifecycle_of, migrate, nominate},
    programs::Program,
    single::{Case, Runner},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use shared_layouts::lifecycle::{Fault, pause_state};
use solana_account::Account;
use solana_instruction::{Instruction, error::InstructionError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Who calls.
const WHO: [&str; 4] = [people::AUTHORITY, people::GUARDIAN, people::OWNER, people::STRANGER];
const SEQUENCES: u32 = 150;

#[derive(Clone, Debug)]
enum Action {
    Pause,
    Resume,
    Nominate(Option<usize>),
    Accept,
    SetGuardian(Option<usize>),
    SetTimes { pause: u32, cooldown: u32 },
    Migrate,
    Finalize,
    Wait(u32),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
    Running,
    Guardian { until: i64 },
    Authority,
}

/// The rules once more, in people instead of bytes.
struct Model {
    now: i64,
    authority: usize,
    nominee: Option<usize>,
    guardian: Option<usize>,
    standing: Standing,
    ready_at: i64,
    pause: u32,
    cooldown: u32,
    pauses: u32,
}

impl Model {
    fn new() -> Self {
        Self {
            now: START_UNIX_SECONDS,
            authority: 0,
            nominee: None,
            guardian: Some(1),
            standing: Standing::Running,
            ready_at: 0,
            pause: GUARDIAN_PAUSE_SECONDS,
            cooldown: GUARDIAN_COOLDOWN_SECONDS,
            pauses: 0,
        }
    }

    fn is_paused(&self) -> bool {
        match self.standing {
            Standing::Running => false,
            Standing::Guardian { until } => self.now < until,
            Standing::Authority => true,
        }
    }

    /// What must come of the action; the model changes if nothing speaks against it.
    fn act(&mut self, who: usize, action: &Action) -> Result<(), Fault> {
        let by_authority = if who == self.authority { Ok(()) } else { Err(Fault::NotAuthority) };
        match action {
            Action::Wait(seconds) => self.now += i64::from(*seconds),
            Action::Pause => return self.pause(who),
            Action::Resume => {
                by_authority?;
                if self.standing == Standing::Running {
                    return Err(Fault::NotPaused);
                }
                self.standing = Standing::Running;
            }
            Action::Nominate(nominee) => {
                by_authority?;
                if nominee.is_some() && *nominee == self.guardian {
                    return Err(Fault::InvalidConfig);
                }
                self.nominee = *nominee;
            }
            Action::Accept => {
                if self.nominee != Some(who) {
                    return Err(Fault::NotNominated);
                }
                if self.guardian == Some(who) {
                    return Err(Fault::InvalidConfig);
                }
                self.authority = who;
                self.nominee = None;
            }
            Action::SetGuardian(guardian) => {
                by_authority?;
                if guardian.is_some() && (*guardian == Some(self.authority) || self.pause == 0) {
                    return Err(Fault::InvalidConfig);
                }
                self.guardian = *guardian;
            }
            Action::SetTimes { pause, cooldown } => {
                by_authority?;
                if self.guardian.is_some() && *pause == 0 {
                    return Err(Fault::InvalidConfig);
                }
                (self.pause, self.cooldown) = (*pause, *cooldown);
            }
            Action::Migrate => {
                by_authority?;
                return Err(Fault::AlreadyCurrent);
            }
            Action::Finalize => {
                by_authority?;
                return Err(Fault::NoOpenMigration);
            }
        }
        Ok(())
    }

    fn pause(&mut self, who: usize) -> Result<(), Fault> {
        let was_paused = self.is_paused();
        if who == self.authority {
            if self.standing == Standing::Authority {
                return Err(Fault::AlreadyPaused);
            }
            self.standing = Standing::Authority;
        } else if self.guardian == Some(who) {
            if was_paused {
                return Err(Fault::AlreadyPaused);
            }
            if self.now < self.ready_at {
                return Err(Fault::GuardianCooldown);
            }
            let until = self.now + i64::from(self.pause);
            self.standing = Standing::Guardian { until };
            self.ready_at = until + i64::from(self.cooldown);
        } else {
            return Err(Fault::NotPauseAuthority);
        }
        self.pauses += u32::from(!was_paused);
        Ok(())
    }
}

/// The instruction of an action; none for waiting.
fn instruction(program: Program, who: usize, action: &Action) -> Option<Instruction> {
    let signer = WHO[who];
    Some(match action {
        Action::Pause => pause(program, signer),
        Action::Resume => resume(program, signer),
        Action::Nominate(nominee) => nominate(program, signer, nominee.map(|index| WHO[index])),
        Action::Accept => accept(program, signer),
        Action::SetGuardian(guardian) => {
            let key = guardian.map_or([0; 32], |index| key(WHO[index]));
            Update::guardian(program, 1, key, 0, 0).by(signer)
        }
        Action::SetTimes { pause, cooldown } => Update::guardian(program, 6, [0; 32], *pause, *cooldown).by(signer),
        Action::Migrate => migrate(program, signer, people::PAYER, 0, None),
        Action::Finalize => finalize(program, signer),
        Action::Wait(_) => return None,
    })
}

fn actions() -> impl Strategy<Value = Vec<(usize, Action)>> {
    let person = || prop::option::of(0..WHO.len());
    let action = prop_oneof![
        5 => Just(Action::Pause),
        3 => Just(Action::Resume),
        2 => person().prop_map(Action::Nominate),
        3 => Just(Action::Accept),
        2 => person().prop_map(Action::SetGuardian),
        1 => (0..5_000_u32, 0..5_000_u32).prop_map(|(pause, cooldown)| Action::SetTimes { pause, cooldown }),
        1 => Just(Action::Migrate),
        1 => Just(Action::Finalize),
        5 => prop_oneof![0..10_u32, Just(3_599), Just(3_600), Just(7_200), 0..20_000_u32].prop_map(Action::Wait),
    ];
    prop::collection::vec((0..WHO.len(), action), 1..60)
}

/// The config as the model has it.
fn assert_agrees(model: &Model, config: &Account) {
    let found = lifecycle_of(&config.data);
    let key_of = |who: Option<usize>| who.map_or([0; 32], |index| key(WHO[index]));
    let state = match model.standing {
        Standing::Running => pause_state::RUNNING,
        Standing::Guardian { until } => {
            assert_eq!(found.pause_ends_at, until);
            pause_state::BY_GUARDIAN
        }
        Standing::Authority => pause_state::BY_AUTHORITY,
    };
    assert_eq!(found.header.state, state);
    assert_eq!(found.authority, key_of(Some(model.authority)));
    assert_eq!(found.pending_authority, key_of(model.nominee));
    assert_eq!(found.guardian, key_of(model.guardian));
    assert_eq!((found.guardian_ready_at, found.pause_count), (model.ready_at, model.pauses));
}

#[test]
fn any_sequence_of_calls_agrees_with_the_model() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_nanos().to_le_bytes();
    let seed: [u8; 32] = [seed, seed].concat().try_into().expect("two halves");
    println!("seed {seed:?}");
    let settings = Config { cases: SEQUENCES, failure_persistence: None, ..Config::default() };
    let mut proptest = TestRunner::new_with_rng(settings, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));

    let fixture = Fixture::new(FeatureProfile::Mainnet);
    let runner = std::cell::RefCell::new(Runner::new(FeatureProfile::Mainnet, &PROGRAMS));
    proptest
        .run(&(0..PROGRAMS.len(), actions()), |(program, actions)| {
            play(&fixture, &mut runner.borrow_mut(), PROGRAMS[program], &actions);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("seed {seed:?}\n{failure}"));
}

fn play(fixture: &Fixture, runner: &mut Runner, program: Program, actions: &[(usize, Action)]) {
    let mut model = Model::new();
    let mut account = fixture.world.account(&config(program));
    for (who, action) in actions {
        let expected = model.act(*who, action);
        runner.set_unix_seconds(model.now);
        let Some(instruction) = instruction(program, *who, action) else { continue };
        let case: Case = fixture.case(instruction);
        let case = case.with_data(0, account.data.clone());
        match expected {
            Ok(()) => account = runner.expect_ok(&case).account(&config(program)).clone(),
            Err(fault) => {
                let code = error_base(program) + fault as u32;
                runner.expect_error(&case, InstructionError::Custom(code));
            }
        }
        assert_agrees(&model, &account);
    }
}
