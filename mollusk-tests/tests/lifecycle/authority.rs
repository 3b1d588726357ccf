//! `NominateAuthority` and `AcceptAuthority`.

use crate::{fixture, lifecycle, refused};
use mollusk_tests::{
    fixture::{key, pause, people, resume},
    lifecycle::{PROGRAMS, Update, accept, error_base, nominate},
};
use shared_layouts::lifecycle::Fault;

#[test]
fn authority_moves_in_two_steps_and_the_former_one_has_no_power_left() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        let not_authority = error_base(program) + Fault::NotAuthority as u32;
        let before = lifecycle(&fixture, program);
        fixture.send(&[nominate(program, people::AUTHORITY, Some(people::OWNER))], &[people::AUTHORITY]);
        // Until the nominee accepts, nothing has moved.
        refused(&mut fixture, nominate(program, people::OWNER, None), people::OWNER, not_authority);
        fixture.send(&[accept(program, people::OWNER)], &[people::OWNER]);
        let expected = shared_layouts::lifecycle::Lifecycle { authority: key(people::OWNER), ..before };
        assert_eq!(lifecycle(&fixture, program), expected);

        refused(&mut fixture, nominate(program, people::AUTHORITY, None), people::AUTHORITY, not_authority);
        let pause_by_former = pause(program, people::AUTHORITY);
        let not_pause = error_base(program) + Fault::NotPauseAuthority as u32;
        refused(&mut fixture, pause_by_former, people::AUTHORITY, not_pause);
        fixture.send(&[pause(program, people::OWNER)], &[people::OWNER]);
        refused(&mut fixture, resume(program, people::AUTHORITY), people::AUTHORITY, not_authority);
        fixture.send(&[resume(program, people::OWNER)], &[people::OWNER]);
    }
}

#[test]
fn nobody_but_the_nominee_accepts_and_only_once() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        let not_nominated = error_base(program) + Fault::NotNominated as u32;
        refused(&mut fixture, accept(program, people::STRANGER), people::STRANGER, not_nominated);
        fixture.send(&[nominate(program, people::AUTHORITY, Some(people::OWNER))], &[people::AUTHORITY]);
        for signer in [people::STRANGER, people::AUTHORITY, people::GUARDIAN] {
            refused(&mut fixture, accept(program, signer), signer, not_nominated);
        }
        fixture.send(&[accept(program, people::OWNER)], &[people::OWNER]);
        refused(&mut fixture, accept(program, people::OWNER), people::OWNER, not_nominated);
    }
}

#[test]
fn a_nomination_is_replaced_and_taken_back() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        let not_nominated = error_base(program) + Fault::NotNominated as u32;
        for nominee in [Some(people::OWNER), Some(people::STRANGER), None] {
            fixture.send(&[nominate(program, people::AUTHORITY, nominee)], &[people::AUTHORITY]);
        }
        refused(&mut fixture, accept(program, people::OWNER), people::OWNER, not_nominated);
        refused(&mut fixture, accept(program, people::STRANGER), people::STRANGER, not_nominated);
    }
}

#[test]
fn authority_and_guardian_stay_two_keys() {
    let mut fixture = fixture();
    for program in PROGRAMS {
        let invalid = error_base(program) + Fault::InvalidConfig as u32;
        let by_nomination = nominate(program, people::AUTHORITY, Some(people::GUARDIAN));
        refused(&mut fixture, by_nomination, people::AUTHORITY, invalid);
        fixture.send(&[nominate(program, people::AUTHORITY, Some(people::OWNER))], &[people::AUTHORITY]);
        let guardian = Update::guardian(program, 1, key(people::OWNER), 0, 0).by(people::AUTHORITY);
        fixture.send(&[guardian], &[people::AUTHORITY]);
        refused(&mut fixture, accept(program, people::OWNER), people::OWNER, invalid);
    }
}
