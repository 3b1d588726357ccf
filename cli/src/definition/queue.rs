//! Definition of a queue.

use super::{Address, Definition, Step};
use crate::address::NamedOrder;
use serde::Deserialize;
use shared_layouts::Key;
use shared_layouts::scheduler::{MAX_PRODUCERS, MAX_WORKERS, ProducerRecord, create_queue, queue_flags, update_queue};

/// A queue's policy and producers, as a file states them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    slots: u16,
    max_dead: Option<u16>,
    #[serde(default)]
    max_deadline_seconds: u32,
    #[serde(default = "lease_seconds")]
    lease_seconds: u32,
    #[serde(default = "backoff_seconds")]
    backoff_seconds: u32,
    #[serde(default = "backoff_cap_seconds")]
    backoff_cap_seconds: u32,
    #[serde(default = "max_attempts")]
    max_attempts: u8,
    #[serde(default)]
    eligible_window: u8,
    #[serde(default)]
    lowest_level_every: u8,
    /// Entries are leased by the workers listed; otherwise anyone runs them.
    #[serde(default)]
    leased: bool,
    /// One lease at a time, or only the very first entry.
    #[serde(default)]
    strict: bool,
    /// Order that its entries are bound to.
    order: Option<OrderName>,
    producers: Vec<Producer>,
    #[serde(default)]
    workers: Vec<Address>,
}

/// An order in a file: `SHARD/NUMBER` or address.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct OrderName(NamedOrder);

impl TryFrom<String> for OrderName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Producer {
    key: Address,
    quota: u16,
    #[serde(default = "max_level")]
    max_level: u8,
    #[serde(default)]
    max_tip_lamports: u64,
}

const fn lease_seconds() -> u32 {
    60
}

const fn backoff_seconds() -> u32 {
    1
}

const fn backoff_cap_seconds() -> u32 {
    300
}

const fn max_attempts() -> u8 {
    3
}

const fn max_level() -> u8 {
    15
}

impl Definition for Queue {
    fn fault(&self) -> Option<(Vec<Step>, String)> {
        let at = |name, fault: &str| Some((vec![Step::Field(name)], fault.to_owned()));
        if self.slots == 0 {
            return at("slots", "a queue has at least one slot");
        }
        if self.max_dead.is_some_and(|dead| dead > self.slots) {
            return at("max_dead", "there cannot be more dead entries than slots");
        }
        if self.backoff_cap_seconds < self.backoff_seconds {
            return at("backoff_cap_seconds", "the longest back-off is shorter than the first");
        }
        if !self.leased && self.max_deadline_seconds == 0 {
            return at(
                "max_deadline_seconds",
                "an open queue needs one, so that an entry that cannot run does not stay for ever",
            );
        }
        if self.leased && self.lease_seconds == 0 {
            return at("lease_seconds", "a leased queue needs leases of at least one second");
        }
        if self.leased == self.workers.is_empty() {
            return at("workers", "needed where leased is true, and only there");
        }
        if self.workers.len() > MAX_WORKERS {
            return at("workers", &format!("at most {MAX_WORKERS}"));
        }
        if self.producers.is_empty() || self.producers.len() > MAX_PRODUCERS {
            return at("producers", &format!("a queue has 1 to {MAX_PRODUCERS} producers"));
        }
        self.producers.iter().enumerate().find_map(|(place, producer)| {
            let at = |name, fault: &str| {
                Some((vec![Step::Field("producers"), Step::Place(place), Step::Field(name)], fault.to_owned()))
            };
            if producer.max_level > 15 {
                return at("max_level", "levels are 0 to 15");
            }
            if producer.quota == 0 {
                return at("quota", "a producer needs a quota of at least one entry");
            }
            let before = &self.producers[..place];
            if before.iter().any(|other| other.key == producer.key) {
                at("key", "this producer is listed twice")
            } else {
                None
            }
        })
    }
}

impl Queue {
    /// Slots that it shall have.
    pub const fn slots(&self) -> u16 {
        self.slots
    }

    /// The order that its entries are bound to.
    pub fn order(&self) -> Option<NamedOrder> {
        self.order.map(|order| order.0)
    }

    /// Keys of its workers.
    pub fn workers(&self) -> impl Iterator<Item = Key> {
        self.workers.iter().map(|worker| worker.key())
    }

    /// The instruction's fixed data, with so many slots to begin with.
    pub fn data(&self, slots: u16) -> create_queue::Data {
        let flag = |set, flag| if set { flag } else { 0 };
        create_queue::Data {
            slots,
            max_dead: self.max_dead().min(slots),
            max_deadline_seconds: self.max_deadline_seconds,
            lease_seconds: self.lease_seconds,
            backoff_seconds: self.backoff_seconds,
            backoff_cap_seconds: self.backoff_cap_seconds,
            max_attempts: self.max_attempts,
            eligible_window: self.eligible_window,
            lowest_level_every: self.lowest_level_every,
            flags: flag(self.leased, queue_flags::LEASED)
                | flag(self.strict, queue_flags::STRICT)
                | flag(self.order.is_some(), queue_flags::ORDERED),
        }
    }

    fn max_dead(&self) -> u16 {
        self.max_dead.unwrap_or(self.slots / 4)
    }

    /// The policy of the queue once it has all of its slots.
    pub fn policy(&self, default_level: u8) -> update_queue::Data {
        let data = self.data(self.slots);
        update_queue::Data {
            max_dead: self.max_dead(),
            max_deadline_seconds: data.max_deadline_seconds,
            lease_seconds: data.lease_seconds,
            backoff_seconds: data.backoff_seconds,
            backoff_cap_seconds: data.backoff_cap_seconds,
            max_attempts: data.max_attempts,
            eligible_window: data.eligible_window,
            lowest_level_every: data.lowest_level_every,
            flags: data.flags,
            default_level,
        }
    }

    /// The records that follow it.
    pub fn tail(&self) -> Vec<u8> {
        let records = self.producers.iter().map(|producer| ProducerRecord {
            key: producer.key.key(),
            max_tip_lamports: producer.max_tip_lamports,
            quota: producer.quota,
            max_level: producer.max_level,
            reserved: [0; 5],
        });
        records.flat_map(|record| bytemuck::bytes_of(&record).to_vec()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    const KEY: &str = "11111111111111111111111111111112";

    fn toml(text: &str) -> Result<Queue, String> {
        parse(&text.replace("KEY", KEY), false)
    }

    fn json(text: &str) -> Result<Queue, String> {
        parse(&text.replace("KEY", KEY), true)
    }

    #[test]
    fn a_definition_of_an_open_queue_needs_slots_a_deadline_and_producers() {
        let queue = toml("slots = 30\nmax_deadline_seconds = 9\n[[producers]]\nkey = 'KEY'\nquota = 20\n").unwrap();
        let data = queue.data(30);
        assert_eq!({ data.slots }, 30);
        assert_eq!({ data.max_dead }, 7);
        assert_eq!(queue.tail().len(), ProducerRecord::BYTES);
    }

    #[test]
    fn a_wrong_type_is_reported_with_line_and_field() {
        let fault = toml("slots = 30\n[[producers]]\nkey = 'KEY'\nquota = 'many'\n").unwrap_err();
        assert!(fault.starts_with("4: producers[0].quota: invalid type: string"), "{fault}");
        let fault = json("{\n\"slots\": 30,\n\"producers\": [{\"key\": \"KEY\",\n\"quota\": \"many\"}]}").unwrap_err();
        assert!(fault.starts_with("4: producers[0].quota: invalid type: string"), "{fault}");
    }

    #[test]
    fn a_key_that_is_none_is_reported_with_line_and_field() {
        let fault = toml("slots = 30\n[[producers]]\nkey = 'nobody'\nquota = 2\n").unwrap_err();
        assert!(fault.starts_with("3: producers[0].key: `nobody` is not an address"), "{fault}");
    }

    #[test]
    fn a_field_that_does_not_fit_is_reported_with_its_line() {
        let fault = toml("slots = 3\n\nmax_dead = 4\nproducers = []\n").unwrap_err();
        assert_eq!(fault, "3: max_dead: there cannot be more dead entries than slots");
        let fault = json(
            "{\"slots\": 3, \"max_deadline_seconds\": 9,\n\"producers\": [\n{\"key\": \"KEY\", \"quota\": 2},\n{\"key\": \"KEY\",\n\"quota\": 0}]}",
        );
        assert_eq!(fault.unwrap_err(), "5: producers[1].quota: a producer needs a quota of at least one entry");
    }

    #[test]
    fn leases_and_workers_come_together() {
        let fault = toml("slots = 3\nleased = true\nproducers = []\n").unwrap_err();
        assert!(fault.ends_with("workers: needed where leased is true, and only there"), "{fault}");
        let fault = toml("slots = 3\nmax_deadline_seconds = 9\nworkers = ['KEY']\nproducers = []\n").unwrap_err();
        assert_eq!(fault, "3: workers: needed where leased is true, and only there");
        let fault = toml("slots = 3\nproducers = []\n").unwrap_err();
        assert!(fault.contains("max_deadline_seconds: an open queue needs one"), "{fault}");
    }

    #[test]
    fn an_unknown_field_and_a_broken_file_are_reported_with_line() {
        let fault = toml("slots = 3\nslot = 4\nproducers = []\n").unwrap_err();
        assert!(fault.starts_with("2: slot: unknown field `slot`"), "{fault}");
        assert!(
            toml("slots = 3\nproducers = [\n").unwrap_err().starts_with("2: ")
                || toml("slots = \n").unwrap_err().starts_with("1: ")
        );
        let fault = json("{\n\"slots\": 3,\n").unwrap_err();
        assert!(fault.starts_with("3: EOF") || fault.starts_with("2: EOF"), "{fault}");
    }
}
