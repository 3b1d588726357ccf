//! Cases of the instructions by which a shard's owner looks after entries.

use super::scene::Scene;
use crate::case::ValidCase;
use mollusk_tests::{fixture::people, programs::address};
use shared_layouts::scheduler::{dead_letter, hold, purge, redrive, release, reprioritize};

/// `Redrive`'s and `Purge`'s count: the entry of the handle.
const BY_HANDLE: [u8; 2] = [0; 2];
/// The same: all dead letters.
const ALL: [u8; 2] = u16::MAX.to_le_bytes();
const NO_DEAD: &str = "it is a queue of the same shard; all of its dead letters are none";

pub fn cases(ready: &Scene) -> Vec<ValidCase> {
    let hold = ready.operate(&hold::SPEC, ready.handle, &[]);
    let mut held = ready.clone();
    held.send(std::slice::from_ref(&hold), &[people::OWNER]);
    let dead_letter = ready.operate(&dead_letter::SPEC, ready.handle, &[]);
    let mut dead = ready.clone();
    dead.send(std::slice::from_ref(&dead_letter), &[people::OWNER]);
    vec![
        ValidCase::new("Reprioritize", &ready.fixture, ready.operate(&reprioritize::SPEC, ready.handle, &[9])),
        ValidCase::new("Hold", &ready.fixture, hold),
        ValidCase::new("Release", &held.fixture, ready.operate(&release::SPEC, ready.handle, &[])),
        ValidCase::new("Requeue", &ready.fixture, ready.requeue(ready.handle)),
        ValidCase::new("Requeue", &held.fixture, ready.requeue(ready.handle)),
        cancel(ready, people::OWNER).key("signer", address(people::PRODUCER), "the producer may cancel as well"),
        cancel(ready, people::PRODUCER).key("signer", address(people::OWNER), "the owner may cancel as well"),
        ValidCase::new("Cancel", &held.fixture, ready.cancel(people::OWNER, ready.handle)).key(
            "signer",
            address(people::PRODUCER),
            "the producer may cancel as well",
        ),
        ValidCase::new("DeadLetter", &held.fixture, dead_letter.clone()),
        ValidCase::new("DeadLetter", &ready.fixture, dead_letter),
        ValidCase::new("Redrive", &dead.fixture, ready.operate(&redrive::SPEC, ready.handle, &BY_HANDLE)),
        ValidCase::new("Redrive", &dead.fixture, ready.operate(&redrive::SPEC, ready.handle, &ALL)).key(
            "queue",
            ready.spare_queue,
            NO_DEAD,
        ),
        ValidCase::new("Purge", &dead.fixture, ready.operate(&purge::SPEC, ready.handle, &BY_HANDLE)),
        ValidCase::new("Purge", &dead.fixture, ready.operate(&purge::SPEC, ready.handle, &ALL)).key(
            "queue",
            ready.spare_queue,
            NO_DEAD,
        ),
    ]
}

fn cancel(scene: &Scene, signer: &str) -> ValidCase {
    ValidCase::new("Cancel", &scene.fixture, scene.cancel(signer, scene.handle))
}
