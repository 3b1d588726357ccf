//! `Pause` and `Resume`.

use crate::{fixture, lifecycle, refused};
use mollusk_tests::{
    features::START_UNIX_SECONDS,
    fixture::{
        Definition, Fixture, GUARDIAN_COOLDOWN_SECONDS, GUARDIAN_PAUSE_SECONDS, apply_inline, dispatch, enqueue,
        execute, key, pause, people, resume,
    },
    lifecycle::{PROGRAMS, Update, error_base},
    programs::{DIFF, NOOP, PROCESSOR, SCHEDULER, keypair},
};
use shared_layouts::lifecycle::{Fault, pause_state};

const PAUSE: i64 = GUARDIAN_PAUSE_SECONDS as i64;
const COOLDOWN: i64 = GUARDIAN_COOLDOWN_SECONDS as i64;

fn at(fixture: &mut Fixture, seconds: i64) {
    fixture.world.set_unix_seconds(START_UNIX_SECONDS + seconds);
}

#[test]
fn a_guardians_pause_ends_by_itself_and_the_next_one_has_to_wait() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        at(&mut fixture, 0);
        let by_guardian = || pause(program, people::GUARDIAN);
        let fault = |fault: Fault| error_base(program) + fault as u32;
        fixture.send(&[by_guardian()], &[people::GUARDIAN]);
        let paused = lifecycle(&fixture, program);
        assert_eq!(paused.header.state, pause_state::BY_GUARDIAN);
        assert_eq!((paused.pause_started_at, paused.pause_count), (START_UNIX_SECONDS, 1));
        assert_eq!(paused.pause_ends_at, START_UNIX_SECONDS + PAUSE);
        assert_eq!(paused.guardian_ready_at, START_UNIX_SECONDS + PAUSE + COOLDOWN);

        at(&mut fixture, PAUSE - 1);
        refused(&mut fixture, by_guardian(), people::GUARDIAN, fault(Fault::AlreadyPaused));
        at(&mut fixture, PAUSE);
        refused(&mut fixture, by_guardian(), people::GUARDIAN, fault(Fault::GuardianCooldown));
        at(&mut fixture, PAUSE + COOLDOWN - 1);
        refused(&mut fixture, by_guardian(), people::GUARDIAN, fault(Fault::GuardianCooldown));
        at(&mut fixture, PAUSE + COOLDOWN);
        fixture.send(&[by_guardian()], &[people::GUARDIAN]);
        assert_eq!(lifecycle(&fixture, program).pause_count, 2);
    }
}

#[test]
fn a_guardian_cannot_resume_not_even_its_own_pause() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        fixture.send(&[pause(program, people::GUARDIAN)], &[people::GUARDIAN]);
        let not_authority = error_base(program) + Fault::NotAuthority as u32;
        refused(&mut fixture, resume(program, people::GUARDIAN), people::GUARDIAN, not_authority);
    }
}

#[test]
fn resuming_early_does_not_shorten_the_cooldown() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        at(&mut fixture, 0);
        fixture.send(&[pause(program, people::GUARDIAN)], &[people::GUARDIAN]);
        at(&mut fixture, 10);
        fixture.send(&[resume(program, people::AUTHORITY)], &[people::AUTHORITY]);
        assert_eq!(lifecycle(&fixture, program).pause_ends_at, START_UNIX_SECONDS + 10);
        let cooldown = error_base(program) + Fault::GuardianCooldown as u32;
        refused(&mut fixture, pause(program, people::GUARDIAN), people::GUARDIAN, cooldown);
        at(&mut fixture, PAUSE + COOLDOWN);
        fixture.send(&[pause(program, people::GUARDIAN)], &[people::GUARDIAN]);
    }
}

#[test]
fn a_new_guardian_does_not_escape_the_cooldown() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        at(&mut fixture, 0);
        fixture.send(&[pause(program, people::GUARDIAN)], &[people::GUARDIAN]);
        let change = Update::guardian(program, 5, key(people::STRANGER), 0, 0).by(people::AUTHORITY);
        fixture.send(&[change], &[people::AUTHORITY]);
        at(&mut fixture, PAUSE);
        let fault = |fault: Fault| error_base(program) + fault as u32;
        refused(&mut fixture, pause(program, people::STRANGER), people::STRANGER, fault(Fault::GuardianCooldown));
        refused(&mut fixture, pause(program, people::GUARDIAN), people::GUARDIAN, fault(Fault::NotPauseAuthority));
        at(&mut fixture, PAUSE + COOLDOWN);
        fixture.send(&[pause(program, people::STRANGER)], &[people::STRANGER]);
    }
}

#[test]
fn the_authoritys_pause_has_no_end_and_takes_over_the_guardians() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        at(&mut fixture, 0);
        fixture.send(&[pause(program, people::GUARDIAN)], &[people::GUARDIAN]);
        at(&mut fixture, PAUSE - 1);
        fixture.send(&[pause(program, people::AUTHORITY)], &[people::AUTHORITY]);
        let paused = lifecycle(&fixture, program);
        assert_eq!((paused.header.state, paused.pause_ends_at), (pause_state::BY_AUTHORITY, i64::MAX));
        // It is one pause: a lease that overlaps it is spared once.
        assert_eq!((paused.pause_started_at, paused.pause_count), (START_UNIX_SECONDS, 1));
        at(&mut fixture, 100 * (PAUSE + COOLDOWN));
        let already = error_base(program) + Fault::AlreadyPaused as u32;
        for signer in [people::AUTHORITY, people::GUARDIAN] {
            refused(&mut fixture, pause(program, signer), signer, already);
        }
        fixture.send(&[resume(program, people::AUTHORITY)], &[people::AUTHORITY]);
        let not_paused = error_base(program) + Fault::NotPaused as u32;
        refused(&mut fixture, resume(program, people::AUTHORITY), people::AUTHORITY, not_paused);
    }
}

#[test]
fn a_pause_by_the_authority_after_the_guardians_has_ended_is_another_one() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        at(&mut fixture, 0);
        fixture.send(&[pause(program, people::GUARDIAN)], &[people::GUARDIAN]);
        at(&mut fixture, PAUSE);
        fixture.send(&[pause(program, people::AUTHORITY)], &[people::AUTHORITY]);
        let paused = lifecycle(&fixture, program);
        assert_eq!((paused.pause_started_at, paused.pause_count), (START_UNIX_SECONDS + PAUSE, 2));
    }
}

#[test]
fn work_stops_while_a_guardians_pause_lasts_and_goes_on_after_it() {
    let mut fixture = fixture();
    let state = fixture.state(64);
    let apply = || apply_inline(&state, 0, &[(0, &[7; 8])]);
    fixture.send(&[pause(DIFF, people::GUARDIAN)], &[people::GUARDIAN]);
    at(&mut fixture, PAUSE - 1);
    refused(&mut fixture, apply(), people::OWNER, error_base(DIFF) + Fault::Paused as u32);
    at(&mut fixture, PAUSE);
    fixture.send(&[apply()], &[people::OWNER]);
}

#[test]
fn dispatch_and_execute_stop_while_a_guardians_pause_lasts_and_enqueue_goes_on() {
    let mut fixture = fixture();
    let shard = fixture.shard();
    let queue = fixture.queue(&shard);
    let capability = fixture.capability(&shard, &Definition::new(&NOOP.address()));
    let run = |slot| [dispatch(&shard, &queue, slot, 1), execute(&capability, &NOOP.address(), &[], &[7; 8])];
    let (payer, worker) = (keypair(people::PAYER), keypair(people::WORKER));
    // The position of the instruction that each program's pause refuses.
    for (sequence, (program, index)) in (1..).zip([(PROCESSOR, 1), (SCHEDULER, 0)]) {
        at(&mut fixture, 0);
        fixture.send(&[pause(program, people::GUARDIAN)], &[people::GUARDIAN]);
        fixture.send(&[enqueue(&queue, &capability, sequence, 5, &[7; 8])], &[people::PRODUCER]);
        at(&mut fixture, 300);
        let paused = error_base(program) + Fault::Paused as u32;
        fixture.world.expect_error(&run(0), &payer, &[&worker], index, paused);
        fixture.send(&[resume(program, people::AUTHORITY)], &[people::AUTHORITY]);
        let generation = u32::try_from(sequence).expect("a small number");
        let again = [dispatch(&shard, &queue, 0, generation), run(0)[1].clone()];
        fixture.send(&again, &[people::WORKER]);
    }
}
