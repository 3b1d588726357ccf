//! Each limit of a verb, reached and passed by one.

use bytemuck::Zeroable;
use cores::queue::{Handle, NewEntry, Pauses, Policy, QueueMut, Refusal, Report, clear_lists, is_plain};
use shared_layouts::account::AccountLayout;
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{
    Entry, INLINE_ARGUMENTS_BYTES, ProducerRecord, Queue, SchedulerError, enqueue, entry_flags, list, queue_flags,
    reason,
};

const PRODUCER: [u8; 32] = [1; 32];
const WORKER: [u8; 32] = [2; 32];
const CAPABILITY: [u8; 32] = [7; 32];
const NOW: i64 = 1_000;

const POLICY: Policy = Policy {
    max_dead: 100,
    max_deadline_seconds: 0,
    lease_seconds: 50,
    backoff_seconds: 0,
    backoff_cap_seconds: 0,
    max_attempts: 200,
    eligible_window: 2,
    lowest_level_every: 0,
    default_level: 5,
    flags: queue_flags::LEASED,
};

/// An empty queue of 100 slots, and a purse.
struct Fixture {
    words: Vec<u64>,
    capability: Capability,
    purse_lamports: u64,
    sequence: u64,
}

impl Fixture {
    fn new(policy: Policy) -> Self {
        let slots = 100u16;
        let mut words = vec![0u64; (Queue::BYTES + usize::from(slots) * Entry::BYTES) / 8];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        let header: &mut Queue = bytemuck::from_bytes_mut(&mut bytes[..Queue::BYTES]);
        (header.header.discriminator, header.header.version) = (Queue::DISCRIMINATOR, Queue::VERSION);
        header.slots = slots;
        clear_lists(header);
        policy.write(header);
        let capability = Capability {
            capability_version: 3,
            compute_limit: 1_000,
            arguments_bytes_min: 10,
            arguments_bytes_max: 90,
            ..Capability::zeroed()
        };
        let mut fixture = Self { words, capability, purse_lamports: 0, sequence: 0 };
        let mut queue = fixture.queue();
        queue.free_slots_from(0).expect("the queue is new");
        let record =
            ProducerRecord { key: PRODUCER, max_tip_lamports: 30, quota: 100, max_level: 15, reserved: [0; 5] };
        queue.set_producer(&record).expect("a place is free");
        queue.set_worker(&WORKER, true).expect("a place is free");
        fixture
    }

    fn queue(&mut self) -> QueueMut<'_> {
        QueueMut::load(bytemuck::cast_slice_mut(&mut self.words)).expect("the bytes are a queue")
    }

    fn put_with(&mut self, request: enqueue::Data, arguments: &[u8]) -> Result<Handle, u64> {
        self.sequence += 1;
        let request = enqueue::Data { sequence: self.sequence, ..request };
        let (capability, purse_lamports) = (self.capability, self.purse_lamports);
        let new = NewEntry {
            request: &request,
            capability_key: &CAPABILITY,
            capability: &capability,
            arguments,
            purse_lamports,
        };
        self.queue().enqueue(&PRODUCER, &new, NOW).map_err(Refusal::number)
    }

    fn put(&mut self, request: enqueue::Data) -> Handle {
        self.put_with(request, &[0; 20]).expect("it is accepted")
    }

    fn entry(&mut self, handle: Handle) -> Entry {
        self.queue().entries[usize::from(handle.slot)]
    }
}

fn error<T>(error: SchedulerError) -> Result<T, u64> {
    Err(error as u64)
}

#[test]
fn whatever_a_request_asks_for_beside_the_usual_it_is_not_plain() {
    assert!(is_plain(&enqueue::Data { level: 3, sequence: 9, deadline_at: 8, ..Default::default() }));
    for asked in 1..32u8 {
        let has = |bit: u8| asked >> bit & 1;
        let request = enqueue::Data {
            not_before_at: i64::from(has(0)),
            tip_lamports: u64::from(has(1)),
            interval_seconds: u32::from(has(2)),
            runs: u32::from(has(3)),
            flags: has(4),
            ..Default::default()
        };
        assert!(!is_plain(&request), "{request:?}");
    }
}

#[test]
fn arguments_have_the_length_that_the_capability_takes() {
    let mut fixture = Fixture::new(POLICY);
    let tip = enqueue::Data { interval_seconds: 5, runs: 2, ..Default::default() };
    for request in [enqueue::Data::default(), tip] {
        for (bytes, is_taken) in [(9, false), (10, true), (90, true), (91, false)] {
            let result = fixture.put_with(request, &vec![1; bytes]);
            assert_eq!(result.is_ok(), is_taken, "{bytes} bytes");
            assert!(is_taken || result == error(SchedulerError::WrongArgumentsLength));
            if let Ok(handle) = result {
                let entry = fixture.entry(handle);
                assert_eq!(usize::from(entry.arguments_bytes), bytes);
                assert!(entry.arguments[..bytes].iter().all(|byte| *byte == 1));
            }
        }
        fixture.capability.arguments_bytes_max = u16::MAX;
        for (bytes, is_taken) in [(INLINE_ARGUMENTS_BYTES, true), (INLINE_ARGUMENTS_BYTES + 1, false)] {
            assert_eq!(fixture.put_with(request, &vec![1; bytes]).is_ok(), is_taken, "there is room for {bytes} bytes");
        }
        fixture.capability.arguments_bytes_max = 90;
    }
}

#[test]
fn committed_arguments_are_their_length_and_a_hash() {
    let mut fixture = Fixture::new(POLICY);
    let request = enqueue::Data { flags: entry_flags::COMMITTED, ..Default::default() };
    let committed = |stated: u16, hash_bytes: usize| [stated.to_le_bytes().to_vec(), vec![8; hash_bytes]].concat();
    for (stated, hash_bytes, is_taken) in
        [(9, 32, false), (10, 32, true), (90, 32, true), (91, 32, false), (20, 31, false), (20, 33, false)]
    {
        let result = fixture.put_with(request, &committed(stated, hash_bytes));
        assert_eq!(result.is_ok(), is_taken, "{stated} bytes, {hash_bytes} of hash");
        assert!(is_taken || result == error(SchedulerError::WrongArgumentsLength));
        if let Ok(handle) = result {
            let entry = fixture.entry(handle);
            assert_eq!((entry.arguments_bytes, &entry.arguments[..32]), (stated, &[8; 32][..]));
        }
    }
    assert_eq!(fixture.put_with(request, &[20]), error(SchedulerError::WrongArgumentsLength));
}

#[test]
fn an_entry_may_wait_for_136_years_and_no_longer() {
    let mut fixture = Fixture::new(POLICY);
    let latest = NOW + i64::from(u32::MAX);
    for (not_before_at, is_taken) in [(-1, false), (1, true), (latest, true), (latest + 1, false)] {
        let result = fixture.put_with(enqueue::Data { not_before_at, ..Default::default() }, &[0; 20]);
        assert_eq!(result.is_ok(), is_taken, "{not_before_at}");
        assert!(is_taken || result == error(SchedulerError::WrongTime));
    }
}

#[test]
fn flags_runs_and_intervals_have_to_agree() {
    let mut fixture = Fixture::new(POLICY);
    let recurring = enqueue::Data { interval_seconds: 5, runs: 1, ..Default::default() };
    for (request, expected) in [
        (recurring, None),
        (enqueue::Data { flags: entry_flags::CATCH_UP, ..recurring }, None),
        (enqueue::Data { runs: 0, ..recurring }, Some(SchedulerError::WrongTime)),
        (enqueue::Data { runs: 1, ..Default::default() }, None),
        (enqueue::Data { runs: 2, ..Default::default() }, Some(SchedulerError::WrongTime)),
        (enqueue::Data { flags: entry_flags::CATCH_UP, ..Default::default() }, Some(SchedulerError::WrongTime)),
        (enqueue::Data { flags: 1 << 7, ..recurring }, Some(SchedulerError::WrongFlags)),
    ] {
        let result = fixture.put_with(request, &[0; 20]);
        assert_eq!(result.err(), expected.map(|error| error as u64), "{request:?}");
    }
}

#[test]
fn a_tip_is_covered_by_the_purse_and_allowed_to_the_producer() {
    let mut fixture = Fixture::new(POLICY);
    fixture.purse_lamports = 40;
    let tip = |tip_lamports| enqueue::Data { tip_lamports, ..Default::default() };
    assert_eq!(fixture.put_with(tip(31), &[0; 20]), error(SchedulerError::TipNotCovered), "the producer's most is 30");
    fixture.put(tip(30));
    assert_eq!(fixture.put_with(tip(11), &[0; 20]), error(SchedulerError::TipNotCovered), "30 are promised");
    fixture.put(tip(10));
    assert_eq!(fixture.queue().header.reserved_tip_lamports, 40);
}

#[test]
fn an_entry_is_requeued_under_its_own_capability_if_that_takes_its_arguments() {
    let mut fixture = Fixture::new(POLICY);
    let handle = fixture.put(enqueue::Data::default());
    let newer = Capability { capability_version: 9, compute_limit: 77, ..fixture.capability };
    let mut requeue = |key: [u8; 32], arguments_bytes_min, arguments_bytes_max| {
        let capability = Capability { arguments_bytes_min, arguments_bytes_max, ..newer };
        fixture.queue().requeue(handle, &key, &capability, NOW).map_err(Refusal::number)
    };
    assert_eq!(requeue([8; 32], 0, 90), error(SchedulerError::UnknownCapability));
    assert_eq!(requeue(CAPABILITY, 21, 90), error(SchedulerError::WrongArgumentsLength));
    assert_eq!(requeue(CAPABILITY, 0, 19), error(SchedulerError::WrongArgumentsLength));
    assert_eq!(requeue(CAPABILITY, 20, 20), Ok(()));
    let entry = fixture.entry(handle);
    assert_eq!((entry.capability_version, entry.compute_limit, entry.attempts), (9, 77, 0));
}

#[test]
fn an_entry_without_attempts_left_gets_them_back_when_it_is_requeued() {
    for (attempts, expected) in [(2, 2), (3, 0)] {
        let mut fixture = Fixture::new(Policy { max_attempts: 3, ..POLICY });
        let handle = fixture.put(enqueue::Data::default());
        fixture.queue().entries[usize::from(handle.slot)].attempts = attempts;
        let capability = fixture.capability;
        fixture.queue().requeue(handle, &CAPABILITY, &capability, NOW).expect("it is ready");
        assert_eq!(fixture.entry(handle).attempts, expected);
    }
}

#[test]
fn a_back_off_doubles_up_to_its_cap_whatever_the_numbers() {
    for (base, cap, attempts, expected) in [
        (3, 1_000, 1, 3),
        (3, 1_000, 2, 6),
        (3, 1_000, 5, 48),
        (3, 40, 5, 40),
        (1, u32::MAX, 32, 1 << 31),
        (1, u32::MAX, 33, u32::MAX),
        (1, 7, 34, 7),
        (1, 7, 199, 7),
        (0, 7, 33, 0),
        (0, 7, 199, 0),
        (u32::MAX, u32::MAX, 2, u32::MAX),
    ] {
        let mut fixture = Fixture::new(Policy { backoff_seconds: base, backoff_cap_seconds: cap, ..POLICY });
        let handle = fixture.put(enqueue::Data::default());
        fixture.queue().claim(0, &WORKER, 1, &Pauses::default(), NOW).expect("the worker is listed");
        fixture.queue().entries[usize::from(handle.slot)].attempts = attempts;
        let report = Report { code: 5, is_permanent: false };
        fixture.queue().fail(handle, &WORKER, report, &Pauses::default(), NOW).expect("it is leased");
        let entry = fixture.entry(handle);
        let kind = if expected == 0 { list::READY } else { list::DELAYED };
        assert_eq!((entry.list, entry.due_at), (kind, NOW + i64::from(expected)), "{base}, {cap}, {attempts}");
        assert_eq!((entry.failure_code, entry.attempts), (5, attempts));
    }
}

#[test]
fn a_dispatch_walks_over_63_expired_entries_and_no_more() {
    for (expired, expected) in [(63, Ok(())), (64, error(SchedulerError::NotEligible))] {
        let mut fixture = Fixture::new(Policy { flags: 0, max_deadline_seconds: 100, ..POLICY });
        for _ in 0..expired {
            fixture.put(enqueue::Data { deadline_at: NOW + 1, ..Default::default() });
        }
        let handle = fixture.put(enqueue::Data::default());
        let queue = fixture.queue();
        let found = queue.dispatchable(handle, &WORKER, NOW + 2).map(|_| ()).map_err(Refusal::number);
        assert_eq!(found, expected, "behind {expired}");
    }
}

#[test]
fn an_entry_that_could_not_die_starts_anew_when_it_is_let_go() {
    let mut fixture = Fixture::new(Policy { max_dead: 0, max_deadline_seconds: 60, ..POLICY });
    let handle = fixture.put(enqueue::Data { not_before_at: NOW + 5, ..Default::default() });
    fixture.queue().dead_letter(handle, NOW).expect("it is delayed");
    let entry = fixture.entry(handle);
    assert_eq!((entry.list, entry.reason, entry.stuck_since), (list::HELD, reason::OPERATOR, NOW));
    fixture.queue().release_held(handle, NOW + 2).expect("it is held");
    let entry = fixture.entry(handle);
    assert_eq!((entry.list, entry.reason), (list::READY, reason::NONE));
    assert_eq!((entry.waiting_since, entry.due_at, entry.deadline_at), (NOW + 2, NOW + 2, NOW + 62));
}

#[test]
fn an_entry_lives_at_its_deadline_and_not_a_second_longer() {
    let report = Report { code: 0, is_permanent: false };
    for (now, expected) in [(NOW + 10, list::READY), (NOW + 11, list::DEAD)] {
        let deadline = enqueue::Data { deadline_at: NOW + 10, ..Default::default() };
        let mut fixture = Fixture::new(POLICY);
        let handle = fixture.put(deadline);
        fixture.queue().claim(0, &WORKER, 1, &Pauses::default(), NOW).expect("the worker is listed");
        fixture.queue().fail(handle, &WORKER, report, &Pauses::default(), now).expect("it is leased");
        assert_eq!(fixture.entry(handle).list, expected, "a lease that fails at {now}");

        let mut fixture = Fixture::new(POLICY);
        let handle = fixture.put(deadline);
        let reaped = fixture.queue().reap(handle, &Pauses::default(), now).expect("the queue is sound");
        assert_eq!((reaped, fixture.entry(handle).list), (expected == list::DEAD, expected), "reaped at {now}");

        let mut fixture = Fixture::new(POLICY);
        let handle = fixture.put(deadline);
        let claimed = fixture.queue().claim(0, &WORKER, 1, &Pauses::default(), now).expect("the worker is listed");
        let is_alive = expected == list::READY;
        assert_eq!(claimed.count, u8::from(is_alive), "claimed at {now}");
        let dispatched = fixture.queue().dispatchable(handle, &WORKER, now).map(|_| ()).map_err(Refusal::number);
        assert_eq!(dispatched, if is_alive { Ok(()) } else { error(SchedulerError::DeadlinePassed) });
    }
}

#[test]
fn a_lease_holds_to_its_last_second_and_a_delay_ends_at_its_time() {
    for (now, is_held) in [(NOW + 50, true), (NOW + 51, false)] {
        let mut fixture = Fixture::new(POLICY);
        let handle = fixture.put(enqueue::Data::default());
        fixture.queue().claim(0, &WORKER, 1, &Pauses::default(), NOW).expect("the worker is listed");
        let found = fixture.queue().dispatchable(handle, &WORKER, now).map(|_| ()).map_err(Refusal::number);
        assert_eq!(found, if is_held { Ok(()) } else { error(SchedulerError::LeaseEnded) }, "at {now}");
        let reaped = fixture.queue().reap(handle, &Pauses::default(), now).expect("the queue is sound");
        assert_eq!(reaped, !is_held);
    }
    for (now, is_due) in [(NOW + 4, false), (NOW + 5, true)] {
        let mut fixture = Fixture::new(POLICY);
        let handle = fixture.put(enqueue::Data { not_before_at: NOW + 5, ..Default::default() });
        let reaped = fixture.queue().reap(handle, &Pauses::default(), now).expect("the queue is sound");
        assert_eq!((reaped, fixture.entry(handle).list == list::READY), (is_due, is_due), "at {now}");
    }
}

#[test]
fn the_next_run_keeps_its_tip_if_the_purse_just_covers_it() {
    for (purse_lamports, expected) in [(35, 10), (36, 10), (34, 0)] {
        let mut fixture = Fixture::new(POLICY);
        fixture.purse_lamports = 100;
        fixture.put(enqueue::Data { tip_lamports: 25, ..Default::default() });
        let recurring = enqueue::Data { tip_lamports: 10, interval_seconds: 5, runs: 2, ..Default::default() };
        let handle = fixture.put(recurring);
        fixture.queue().claim(0, &WORKER, 2, &Pauses::default(), NOW).expect("the worker is listed");
        let finished = fixture.queue().finish(handle.slot, NOW).expect("it is leased");
        assert_eq!((finished.tip_lamports, finished.recurs), (10, true));
        fixture.queue().promise_tip(handle.slot, purse_lamports).expect("it is there");
        assert_eq!(fixture.entry(handle).tip_lamports, expected, "25 of {purse_lamports} are promised to another");
        assert_eq!(fixture.queue().header.reserved_tip_lamports, 25 + expected);
    }
}
