//! Producers and workers of a queue.

use super::{QueueMut, Refusal};
use crate::refuse;
use core::hint::black_box;
use shared_layouts::account::{Key, NO_KEY, keys_equal};
use shared_layouts::scheduler::{LEVELS, Producer, ProducerRecord, Queue, Worker};

/// A list of which the compiler does not see how long it is: it would write out each look at each place.
fn opaque<T>(list: &mut [T]) -> &mut [T] {
    black_box(list)
}

impl QueueMut<'_> {
    /// Lists a producer, changes what it may do, or, with a quota of zero, removes it.
    ///
    /// A removed producer's record stays until its entries are gone. Whoever takes over a place starts above every sequence
    /// number that was used there, so that none comes alive again.
    ///
    /// # Errors
    /// `InvalidProducer`, `NoPlace`, `NotProducer` (one that is to be removed and is not listed).
    pub fn set_producer(&mut self, record: &ProducerRecord) -> Result<(), Refusal> {
        let is_sound = record.key != NO_KEY && usize::from(record.max_level) < LEVELS && record.reserved == [0; 5];
        if !is_sound {
            return Err(refuse!(InvalidProducer));
        }
        let Queue { producers, sequence_floor, .. } = &mut *self.header;
        let producers = opaque(producers);
        let is_removed = record.quota == 0;
        if let Some(listed) = producers.iter_mut().find(|producer| keys_equal(&producer.key, &record.key)) {
            if is_removed && listed.active == 0 {
                return Err(refuse!(NotProducer));
            }
            listed.active = u8::from(!is_removed);
            listed.quota = record.quota;
            listed.max_level = record.max_level;
            listed.max_tip_lamports = record.max_tip_lamports;
            return Ok(());
        }
        if is_removed {
            return Err(refuse!(NotProducer));
        }
        let is_free = |producer: &&mut Producer| producer.active == 0 && producer.used == 0;
        let place = producers.iter_mut().find(is_free).ok_or_else(|| refuse!(NoPlace))?;
        *sequence_floor = (*sequence_floor).max(place.last_sequence);
        *place = Producer {
            key: record.key,
            quota: record.quota,
            used: 0,
            max_level: record.max_level,
            active: 1,
            reserved: [0; 2],
            max_tip_lamports: record.max_tip_lamports,
            last_sequence: *sequence_floor,
            // Every number up to the floor counts as used.
            sequence_window: u64::MAX,
        };
        Ok(())
    }

    /// Puts a worker on the allow-list, or takes it off. What it has leased stays leased until the lease ends.
    ///
    /// # Errors
    /// `NoPlace`, `NotWorker` (one that is to be removed and is not listed, or the zero key).
    pub fn set_worker(&mut self, key: &Key, is_active: bool) -> Result<(), Refusal> {
        if *key == NO_KEY {
            return Err(refuse!(NotWorker));
        }
        let workers = opaque(&mut self.header.workers);
        if let Some(listed) = workers.iter_mut().find(|worker| keys_equal(&worker.key, key)) {
            if !is_active && listed.active == 0 {
                return Err(refuse!(NotWorker));
            }
            listed.active = u8::from(is_active);
            return Ok(());
        }
        if !is_active {
            return Err(refuse!(NotWorker));
        }
        let is_free = |worker: &&mut Worker| worker.active == 0 && worker.leases == 0;
        let place = workers.iter_mut().find(is_free).ok_or_else(|| refuse!(NoPlace))?;
        *place = Worker { key: *key, leases: 0, active: 1, reserved: [0; 5] };
        Ok(())
    }
}
