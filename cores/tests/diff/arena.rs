//! Arenas taken apart, and sealed batches that a protocol applies to its own account.

use crate::model::{self, Operations};
use bytemuck::Zeroable;
use cores::diff::arena::{ArenaMut, ArenaRef, capacity_bytes, operations_offset};
use cores::diff::memory::Plain;
use cores::diff::sealed::Sealed;
use cores::diff::wire;
use shared_layouts::account::AccountLayout;
use shared_layouts::diff::{Arena, BatchDigest, DiffError, Target, batch_stage};

const RING_SLOTS: u16 = 3;
const CAPACITY: usize = 128;
const ACCOUNT_BYTES: usize = Arena::BYTES + RING_SLOTS as usize * BatchDigest::BYTES + 2 * CAPACITY;

/// An arena's data, in words so that it is aligned; every byte behind the header is its own place, modulo 251.
fn account() -> Vec<u64> {
    let mut words = vec![0; ACCOUNT_BYTES / 8];
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = place_byte(place);
    }
    let mut header = Arena::zeroed();
    (header.header.discriminator, header.header.version) = (Arena::DISCRIMINATOR, Arena::VERSION);
    (header.number, header.ring_slots) = (77, RING_SLOTS);
    header.capacity_bytes = u32::try_from(CAPACITY).unwrap();
    bytes[..Arena::BYTES].copy_from_slice(bytemuck::bytes_of(&header));
    words
}

fn place_byte(place: usize) -> u8 {
    u8::try_from(place % 251).unwrap()
}

fn places(start: usize, end: usize) -> Vec<u8> {
    (start..end).map(place_byte).collect()
}

#[test]
fn the_capacity_is_the_largest_whole_number_of_words_that_fits_twice() {
    for ring_slots in [0, 1, 7] {
        let offset = operations_offset(ring_slots);
        assert_eq!(offset, Arena::BYTES + usize::from(ring_slots) * BatchDigest::BYTES);
        for account_bytes in 0..offset + 100 {
            let capacity = capacity_bytes(account_bytes, ring_slots);
            assert_eq!(capacity % 8, 0);
            if capacity > 0 {
                assert!(offset + 2 * capacity <= account_bytes, "it fits");
            }
            assert!(offset + 2 * (capacity + 8) > account_bytes, "no more would fit");
        }
    }
}

#[test]
fn an_arena_is_its_header_its_ring_and_its_two_regions() {
    let mut words = account();
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    let ring_end = operations_offset(RING_SLOTS);
    let ring = places(Arena::BYTES, ring_end);
    let (operations, inverse) = (places(ring_end, ring_end + CAPACITY), places(ring_end + CAPACITY, ACCOUNT_BYTES));
    {
        let arena = ArenaRef::load(bytes).expect("an arena");
        assert_eq!((arena.header.number, bytemuck::cast_slice(arena.ring)), (77, &ring[..]));
        assert_eq!((arena.operations, arena.inverse), (&operations[..], &inverse[..]));
    }
    let arena = ArenaMut::load(bytes).expect("an arena");
    assert_eq!((arena.header.number, bytemuck::cast_slice(arena.ring)), (77, &ring[..]));
    let (first, second) = ArenaMut::halves(arena.space);
    assert_eq!((&*first, &*second), (&operations[..], &inverse[..]));
}

#[test]
fn each_slot_of_the_ring_holds_a_digest_and_none_lies_behind() {
    let mut words = account();
    let arena = ArenaMut::load(bytemuck::cast_slice_mut(&mut words)).expect("an arena");
    for slot in 0..RING_SLOTS {
        let start = Arena::BYTES + usize::from(slot) * BatchDigest::BYTES;
        let digest = ArenaMut::digest(arena.ring, slot).expect("a slot of the ring");
        assert_eq!(bytemuck::bytes_of(digest), places(start, start + BatchDigest::BYTES));
    }
    assert!(ArenaMut::digest(arena.ring, RING_SLOTS).is_none());
}

#[test]
fn what_is_too_short_or_of_another_kind_is_no_arena() {
    let mut words = account();
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    for length in 0..ACCOUNT_BYTES {
        assert!(ArenaRef::load(&bytes[..length]).is_none() && ArenaMut::load(&mut bytes[..length]).is_none());
        assert_eq!(Sealed::load(&bytes[..length]).err(), Some(DiffError::NotAnArena));
    }
    bytes[0] ^= 1;
    assert!(ArenaRef::load(bytes).is_none() && ArenaMut::load(bytes).is_none());
    assert_eq!(Sealed::load(bytes).err(), Some(DiffError::NotAnArena));
}

/// A sealed batch over two accounts: the second is the one that tests apply, and a third place is not in use.
struct Batch {
    words: Vec<u64>,
    base: Vec<u8>,
    new: Vec<u8>,
}

const ACCOUNT: [u8; 32] = [2; 32];
const VERSION: u64 = 5;

impl Batch {
    /// Operations that turn `base` into something of `new_length` bytes.
    fn new(base: &[u8], operations: &Operations, new_length: usize) -> Self {
        let other = model::encode(&[(0, vec![9; 8])]);
        let wire = model::encode(operations);
        let mut inverse = vec![0; wire.len()];
        wire::invert::<Plain>(&wire, base, &mut inverse).expect("well-formed");
        let small = |number: usize| u32::try_from(number).unwrap();
        let target = |state, offset, bytes| Target {
            state,
            base_version: VERSION,
            old_length: small(base.len()),
            new_length: small(new_length),
            operations_offset: small(offset),
            operations_bytes: small(bytes),
            ..Zeroable::zeroed()
        };
        let mut batch = Self { words: account(), base: base.to_vec(), new: model::apply(operations, base, new_length) };
        let arena = batch.arena();
        arena.header.header.state = batch_stage::SEALED;
        arena.header.targets_count = 2;
        arena.header.targets[0] = target([1; 32], 0, other.len());
        arena.header.targets[1] = target(ACCOUNT, other.len(), wire.len());
        arena.header.targets[2] = target([3; 32], 0, other.len());
        let (first, second) = ArenaMut::halves(arena.space);
        first[..other.len()].copy_from_slice(&other);
        first[other.len()..other.len() + wire.len()].copy_from_slice(&wire);
        second[other.len()..other.len() + wire.len()].copy_from_slice(&inverse);
        batch
    }

    fn arena(&mut self) -> ArenaMut<'_> {
        ArenaMut::load(bytemuck::cast_slice_mut(&mut self.words)).expect("an arena")
    }

    fn sealed(&self) -> Result<Sealed<'_>, DiffError> {
        Sealed::load(bytemuck::cast_slice(&self.words))
    }

    /// The account's data as its program holds it: grown already, not yet cut.
    fn data(&self) -> Vec<u8> {
        let mut data = self.base.clone();
        data.resize(self.base.len().max(self.new.len()), 0);
        data
    }

    /// Applies the batch; a refusal leaves the data alone.
    fn apply(&self, account: &[u8; 32], version: u64, data: &mut [u8]) -> Result<usize, DiffError> {
        let before = data.to_vec();
        let result = self.sealed()?.apply::<Plain>(account, version, data);
        assert!(result.is_ok() || data == before, "a refusal changes nothing");
        result
    }
}

fn batches() -> [Batch; 3] {
    let operations = vec![(8, vec![1; 8]), (24, vec![2; 3])];
    let growing = vec![(8, vec![1; 8]), (32, vec![2; 9])];
    [Batch::new(&[7; 32], &operations, 32), Batch::new(&[7; 32], &growing, 41), Batch::new(&[7; 48], &operations, 32)]
}

#[test]
fn a_sealed_batch_changes_the_account_as_its_operations_say() {
    for batch in batches() {
        let mut data = batch.data();
        assert_eq!(batch.sealed().map(|sealed| sealed.header().number), Ok(77));
        assert_eq!(batch.apply(&ACCOUNT, VERSION, &mut data), Ok(2));
        assert_eq!(data[..batch.new.len()], batch.new);
    }
}

#[test]
fn a_batch_that_is_not_sealed_or_not_about_the_account_is_refused() {
    let [mut batch, ..] = batches();
    for state in [[3; 32], [4; 32], [0; 32]] {
        assert_eq!(batch.apply(&state, VERSION, &mut batch.data()), Err(DiffError::WrongTarget));
    }
    for stage in [batch_stage::OPEN, batch_stage::BEGUN, batch_stage::ROLLING_BACK] {
        batch.arena().header.header.state = stage;
        assert_eq!(batch.sealed().err(), Some(DiffError::WrongStage));
    }
}

#[test]
fn another_version_length_or_content_is_a_stale_base() {
    for batch in batches() {
        let data = batch.data();
        for version in [VERSION - 1, VERSION + 1] {
            assert_eq!(batch.apply(&ACCOUNT, version, &mut data.clone()), Err(DiffError::StaleBase));
        }
        for length in [data.len() - 1, data.len() + 1] {
            let mut data = data.clone();
            data.resize(length, 0);
            assert_eq!(batch.apply(&ACCOUNT, VERSION, &mut data), Err(DiffError::StaleBase));
        }
        let mut changed = data.clone();
        changed[8] ^= 1;
        assert_eq!(batch.apply(&ACCOUNT, VERSION, &mut changed), Err(DiffError::StaleBase));
    }
}

#[test]
fn operations_that_do_not_lie_in_the_arena_or_that_nobody_checked_are_refused() {
    let [mut batch, ..] = batches();
    batch.arena().header.targets[1].operations_offset = u32::try_from(CAPACITY).unwrap() - 1;
    assert_eq!(batch.apply(&ACCOUNT, VERSION, &mut batch.data()), Err(DiffError::MalformedOperations));
    batch.arena().header.targets[1].operations_offset = u32::MAX;
    assert_eq!(batch.apply(&ACCOUNT, VERSION, &mut batch.data()), Err(DiffError::MalformedOperations));

    let [mut batch, ..] = batches();
    // The first operation now reaches into the second.
    batch.arena().space[16] = 17;
    assert_eq!(batch.apply(&ACCOUNT, VERSION, &mut batch.data()), Err(DiffError::OverlappingOperations));
}
