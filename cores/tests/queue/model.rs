//! The reference: entries in one plain vector. The order in a list is that of the stamps given when entries went there.

use cores::queue::{Handle, Pauses};
use shared_layouts::scheduler::{SchedulerError as E, entry_flags, list, reason};
use std::collections::BTreeSet;

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub handle: Handle,
    pub list: u8,
    pub stamp: u64,
    pub level: u8,
    pub producer: usize,
    pub sequence: u64,
    pub attempts: u32,
    pub max_attempts: u32,
    pub worker: usize,
    pub reason: u8,
    pub since: i64,
    pub due: i64,
    pub deadline: i64,
    pub lease_end: i64,
    pub lease_seconds: i64,
    pub backoff: u64,
    pub backoff_cap: u64,
    pub tip: u64,
    pub interval: i64,
    pub runs_left: u32,
    pub flags: u8,
    pub version: u32,
    pub pauses: (u32, u32),
    pub arguments: Vec<u8>,
}

/// Counters of the header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    pub enqueued: u64,
    pub dispatched: u64,
    pub failed: u64,
    pub retried: u64,
    pub expired: u64,
    pub died: u64,
    pub redriven: u64,
    pub cancelled: u64,
    pub purged: u64,
    pub waiting: u64,
    pub paid: u64,
    pub blocked: u64,
    pub claims: u64,
}

/// A producer.
#[derive(Clone, Debug, Default)]
pub struct Maker {
    pub key: u8,
    pub active: bool,
    pub quota: usize,
    pub max_level: u8,
    pub max_tip: u64,
    pub last: u64,
    pub used: BTreeSet<u64>,
    pub floor: u64,
}

/// A worker.
#[derive(Clone, Debug, Default)]
pub struct Hand {
    pub key: u8,
    pub active: bool,
}

/// Queue as the owner set it up.
#[derive(Clone, Debug)]
pub struct Rules {
    pub leased: bool,
    pub strict: bool,
    pub max_dead: usize,
    pub max_deadline: i64,
    pub lease_seconds: i64,
    pub backoff: u64,
    pub backoff_cap: u64,
    pub max_attempts: u32,
    pub window: usize,
    pub lowest_every: u64,
    pub default_level: u8,
}

/// The whole reference.
#[derive(Debug)]
pub struct Model {
    pub slots: usize,
    pub rules: Rules,
    pub items: Vec<Item>,
    pub makers: Vec<Maker>,
    pub hands: Vec<Hand>,
    pub floor: u64,
    pub count: Counters,
    pub purse: u64,
    stamp: u64,
}

/// What is asked of an enqueue.
#[derive(Clone, Debug)]
pub struct Ask {
    pub maker: usize,
    pub key: u8,
    pub sequence: u64,
    pub deadline: i64,
    pub start: i64,
    pub tip: u64,
    pub interval: u32,
    pub runs: u32,
    pub level: u8,
    pub flags: u8,
    pub arguments: Vec<u8>,
}

type Answer<T> = Result<T, E>;

impl Model {
    pub fn new(slots: usize, rules: Rules) -> Self {
        Self {
            slots,
            rules,
            items: Vec::new(),
            makers: vec![Maker::default(); 16],
            hands: vec![Hand::default(); 12],
            floor: 0,
            count: Counters::default(),
            purse: 500,
            stamp: 0,
        }
    }

    /// The items of a list in order; ready ones from the highest level on.
    pub fn ordered(&self, kind: u8) -> Vec<usize> {
        let mut found: Vec<usize> = (0..self.items.len()).filter(|index| self.items[*index].list == kind).collect();
        let level = |index: &usize| if kind == list::READY { 15 - self.items[*index].level } else { 0 };
        found.sort_by_key(|index| (level(index), self.items[*index].stamp));
        found
    }

    fn amount(&self, kind: u8) -> usize {
        self.items.iter().filter(|item| item.list == kind).count()
    }

    fn put(&mut self, index: usize, kind: u8) {
        self.stamp += 1;
        self.items[index].stamp = self.stamp;
        self.items[index].list = kind;
    }

    fn find(&self, handle: Handle) -> Answer<usize> {
        self.items.iter().position(|item| item.handle == handle).ok_or(E::StaleHandle)
    }

    fn find_in(&self, handle: Handle, kinds: &[u8]) -> Answer<usize> {
        let index = self.find(handle)?;
        if kinds.contains(&self.items[index].list) { Ok(index) } else { Err(E::WrongList) }
    }

    pub fn promised(&self) -> u64 {
        self.items.iter().map(|item| item.tip).sum()
    }

    /// Checks an enqueue; `place` then adds it under the handle that the queue gave it.
    pub fn enqueue(&self, ask: &Ask, now: i64) -> Answer<Item> {
        let maker = self.makers.get(ask.maker).ok_or(E::NotProducer)?;
        if !maker.active || maker.key != ask.key {
            return Err(E::NotProducer);
        }
        if self.items.iter().filter(|item| item.producer == ask.maker).count() >= maker.quota {
            return Err(E::ProducerQuota);
        }
        let level = if ask.level == 255 { self.rules.default_level.min(maker.max_level) } else { ask.level };
        if level > maker.max_level {
            return Err(E::LevelTooHigh);
        }
        if self.items.len() == self.slots {
            return Err(E::QueueFull);
        }
        if ask.flags > 3 {
            return Err(E::WrongFlags);
        }
        let recurs = ask.interval > 0;
        let runs_fit = if recurs { ask.runs >= 1 } else { ask.runs <= 1 };
        let makes_up = ask.flags & entry_flags::CATCH_UP != 0;
        if !runs_fit || (makes_up && !recurs) || ask.start < 0 || ask.start > now + i64::from(u32::MAX) {
            return Err(E::WrongTime);
        }
        let committed = ask.flags & entry_flags::COMMITTED != 0;
        let stated = if committed {
            usize::from(ask.arguments[0]) + usize::from(ask.arguments[1]) * 256
        } else {
            ask.arguments.len()
        };
        let room = if committed { ask.arguments.len() == 34 } else { stated <= 96 };
        if !(super::steps::ARGUMENTS.contains(&stated) && room) {
            return Err(E::WrongArgumentsLength);
        }
        if ask.tip > maker.max_tip || ask.tip + self.promised() > self.purse.max(self.promised()) {
            return Err(E::TipNotCovered);
        }
        let start = ask.start.max(now);
        let latest = if self.rules.max_deadline == 0 { i64::MAX } else { start + self.rules.max_deadline };
        let deadline = if ask.deadline == 0 { latest } else { ask.deadline };
        if ask.deadline != 0 && (ask.deadline <= start || ask.deadline > latest) {
            return Err(E::WrongDeadline);
        }
        let too_old = ask.sequence <= maker.floor || ask.sequence + 64 <= maker.last;
        if maker.used.contains(&ask.sequence) || too_old {
            return Err(E::SequenceUsed);
        }
        Ok(Item {
            handle: Handle { slot: 0, generation: 0 },
            list: if start > now { list::DELAYED } else { list::READY },
            stamp: 0,
            level,
            producer: ask.maker,
            sequence: ask.sequence,
            attempts: 0,
            max_attempts: self.rules.max_attempts,
            worker: 255,
            reason: reason::NONE,
            since: start,
            due: start,
            deadline,
            lease_end: 0,
            lease_seconds: self.rules.lease_seconds,
            backoff: self.rules.backoff,
            backoff_cap: self.rules.backoff_cap,
            tip: ask.tip,
            interval: i64::from(ask.interval),
            runs_left: if ask.runs == u32::MAX { u32::MAX } else { ask.runs.saturating_sub(1) },
            flags: ask.flags,
            version: super::steps::VERSION,
            pauses: (0, 0),
            arguments: if committed { ask.arguments[2..].to_vec() } else { ask.arguments.clone() },
        })
    }

    /// Adds what `enqueue` accepted.
    pub fn place(&mut self, mut item: Item, handle: Handle) {
        item.handle = handle;
        let maker = &mut self.makers[item.producer];
        maker.last = maker.last.max(item.sequence);
        maker.used.insert(item.sequence);
        self.count.enqueued += 1;
        let kind = item.list;
        self.items.push(item);
        self.put(self.items.len() - 1, kind);
    }

    fn bury(&mut self, index: usize, why: u8) {
        self.items[index].reason = why;
        self.items[index].list = list::FREE;
        if self.amount(list::DEAD) < self.rules.max_dead {
            self.count.died += 1;
            self.put(index, list::DEAD);
        } else {
            self.put(index, list::HELD);
        }
    }

    fn expire(&mut self, index: usize) {
        self.count.expired += 1;
        self.bury(index, reason::EXPIRED);
    }

    /// The next item in strict order, or that of the lowest level where it is its turn.
    fn next(&self) -> Option<usize> {
        let ready = self.ordered(list::READY);
        if self.lowest_turn() {
            let lowest = ready.iter().map(|index| self.items[*index].level).min()?;
            return ready.into_iter().find(|index| self.items[*index].level == lowest);
        }
        ready.first().copied()
    }

    fn lowest_turn(&self) -> bool {
        self.rules.lowest_every > 0 && (self.count.claims + 1).is_multiple_of(self.rules.lowest_every)
    }

    pub fn claim(&mut self, worker: usize, key: u8, wanted: u8, pauses: &Pauses, now: i64) -> Answer<u8> {
        let listed = self.hands.get(worker).is_some_and(|hand| hand.active && hand.key == key);
        if !listed || !self.rules.leased {
            return Err(E::NotWorker);
        }
        for _ in 0..self.amount(list::DELAYED).min(2) {
            let first = self.ordered(list::DELAYED)[0];
            if now > self.items[first].deadline {
                self.expire(first);
            } else {
                let kind = if self.items[first].due <= now { list::READY } else { list::DELAYED };
                self.put(first, kind);
            }
        }
        let mut wanted = wanted;
        if self.rules.strict {
            wanted = if self.amount(list::LEASED) == 0 { wanted.min(1) } else { 0 };
        }
        let (mut count, mut expired) = (0, 0);
        while count < wanted {
            let Some(index) = self.next() else { break };
            if now > self.items[index].deadline {
                if expired == 8 {
                    break;
                }
                expired += 1;
                self.expire(index);
                continue;
            }
            let item = &mut self.items[index];
            item.attempts += 1;
            item.worker = worker;
            item.lease_end = now + item.lease_seconds;
            item.pauses = (pauses.config_count, pauses.shard_count);
            self.put(index, list::LEASED);
            self.count.claims += 1;
            count += 1;
        }
        if count == 0 && self.amount(list::READY) > 0 {
            self.count.blocked += 1;
        }
        Ok(count)
    }

    pub fn dispatch(&mut self, handle: Handle, key: u8, now: i64) -> Answer<u64> {
        let index = self.find(handle)?;
        let item = self.items[index].clone();
        if now > item.deadline {
            return Err(E::DeadlinePassed);
        }
        match item.list {
            list::READY if self.rules.leased => return Err(E::LeaseRequired),
            list::READY => self.check_window(index, now)?,
            list::LEASED if self.hands[item.worker].key != key => return Err(E::NotLeaseHolder),
            list::LEASED if now > item.lease_end => return Err(E::LeaseEnded),
            list::LEASED => {}
            _ => return Err(E::WrongList),
        }
        if item.list == list::READY {
            self.count.claims += 1;
        }
        self.count.dispatched += 1;
        self.count.waiting += u64::try_from(now - item.since).unwrap_or(0);
        self.count.paid += item.tip;
        self.purse -= item.tip;
        if item.interval > 0 && item.runs_left > 0 {
            self.recur(index, now);
        } else {
            self.items.remove(index);
        }
        Ok(item.tip)
    }

    fn check_window(&self, index: usize, now: i64) -> Answer<()> {
        let ready = self.ordered(list::READY);
        let window = if self.rules.strict { 1 } else { self.rules.window };
        if ready[0] == index || (self.lowest_turn() && self.next() == Some(index)) {
            return Ok(());
        }
        let place = ready.iter().position(|other| *other == index).expect("it is ready");
        let before = ready[..place].iter().filter(|other| now <= self.items[**other].deadline).count();
        if before < window && place < 64 { Ok(()) } else { Err(E::NotEligible) }
    }

    fn recur(&mut self, index: usize, now: i64) {
        self.items[index].tip = 0;
        let others = self.promised();
        let purse = self.purse;
        let item = &mut self.items[index];
        let mut next = item.since + item.interval;
        while next <= now && item.flags & entry_flags::CATCH_UP == 0 {
            next += item.interval;
        }
        if item.deadline != i64::MAX {
            item.deadline += next - item.since;
        }
        let _ = (others, purse);
        item.since = next;
        item.due = next;
        item.attempts = 0;
        item.handle.generation += 1;
        if item.runs_left != u32::MAX {
            item.runs_left -= 1;
        }
        self.put(index, if next > now { list::DELAYED } else { list::READY });
    }

    /// The tip of a next run, if the purse still covers it beside what is promised to others.
    pub fn promise(&mut self, handle: Handle, tip: u64) {
        let others = self.promised();
        let index = self.find(handle).expect("it recurs");
        self.items[index].tip = if others + tip <= self.purse { tip } else { 0 };
    }

    pub fn fail(&mut self, handle: Handle, key: u8, permanent: bool, pauses: &Pauses, now: i64) -> Answer<()> {
        let index = self.find_in(handle, &[list::LEASED])?;
        if self.hands[self.items[index].worker].key != key {
            return Err(E::NotLeaseHolder);
        }
        self.settle(index, permanent, pauses, now);
        Ok(())
    }

    fn settle(&mut self, index: usize, permanent: bool, pauses: &Pauses, now: i64) {
        self.count.failed += 1;
        let item = &mut self.items[index];
        let during = |count: u32, before: u32, start: i64| {
            count > before + 1 || (count == before + 1 && start <= item.lease_end)
        };
        let free = during(pauses.config_count, item.pauses.0, pauses.config_started_at)
            || during(pauses.shard_count, item.pauses.1, pauses.shard_started_at);
        if free {
            item.attempts -= 1;
        }
        let item = item.clone();
        if permanent {
            return self.bury(index, reason::PERMANENT);
        }
        if now > item.deadline {
            return self.expire(index);
        }
        if item.attempts >= item.max_attempts {
            return self.bury(index, reason::ATTEMPTS);
        }
        let mut wait = 0;
        if !free {
            wait = item.backoff;
            for _ in 1..item.attempts {
                wait = (wait * 2).min(item.backoff_cap);
            }
            wait = wait.min(item.backoff_cap);
        }
        self.items[index].due = now + i64::try_from(wait).expect("a back-off is short");
        self.count.retried += 1;
        self.put(index, if wait == 0 { list::READY } else { list::DELAYED });
    }

    pub fn reap(&mut self, handle: Handle, pauses: &Pauses, now: i64) -> bool {
        let Ok(index) = self.find(handle) else { return false };
        let item = self.items[index].clone();
        match item.list {
            list::LEASED if now > item.lease_end => self.settle(index, false, pauses, now),
            list::READY | list::DELAYED if now > item.deadline => self.expire(index),
            list::DELAYED if now >= item.due => self.put(index, list::READY),
            _ => return false,
        }
        true
    }

    pub fn reprioritize(&mut self, handle: Handle, level: u8) -> Answer<()> {
        let index = self.find(handle)?;
        if level > 15 {
            return Err(E::LevelTooHigh);
        }
        self.items[index].level = level;
        if self.items[index].list == list::READY {
            self.put(index, list::READY);
        }
        Ok(())
    }

    pub fn hold(&mut self, handle: Handle) -> Answer<()> {
        let index = self.find_in(handle, &[list::READY, list::DELAYED])?;
        self.items[index].reason = reason::NONE;
        self.put(index, list::HELD);
        Ok(())
    }

    fn due_list(&self, index: usize, now: i64) -> u8 {
        if self.items[index].due > now { list::DELAYED } else { list::READY }
    }

    pub fn release(&mut self, handle: Handle, now: i64) -> Answer<()> {
        let index = self.find_in(handle, &[list::HELD])?;
        if self.items[index].reason == reason::NONE {
            self.put(index, self.due_list(index, now));
        } else {
            self.revive(index, now);
        }
        Ok(())
    }

    fn revive(&mut self, index: usize, now: i64) {
        if self.items[index].list == list::DEAD {
            self.count.redriven += 1;
        }
        let item = &mut self.items[index];
        item.attempts = 0;
        item.reason = reason::NONE;
        if item.deadline != i64::MAX {
            item.deadline = now + item.deadline - item.since;
        }
        item.since = now;
        item.due = now;
        self.put(index, list::READY);
    }

    pub fn requeue(&mut self, handle: Handle, version: u32, now: i64) -> Answer<()> {
        let index = self.find_in(handle, &[list::READY, list::DELAYED, list::HELD])?;
        let item = &mut self.items[index];
        item.version = version;
        item.reason = reason::NONE;
        if item.attempts >= item.max_attempts {
            item.attempts = 0;
        }
        self.put(index, self.due_list(index, now));
        Ok(())
    }

    pub fn cancel(&mut self, handle: Handle, key: u8, is_owner: bool) -> Answer<()> {
        let index = self.find(handle)?;
        if !is_owner && self.makers[self.items[index].producer].key != key {
            return Err(E::NotProducer);
        }
        self.find_in(handle, &[list::READY, list::DELAYED, list::HELD])?;
        self.items.remove(index);
        self.count.cancelled += 1;
        Ok(())
    }

    pub fn dead_letter(&mut self, handle: Handle) -> Answer<()> {
        let index = self.find_in(handle, &[list::READY, list::DELAYED, list::HELD])?;
        self.bury(index, reason::OPERATOR);
        Ok(())
    }

    pub fn redrive(&mut self, handle: Handle, now: i64) -> Answer<()> {
        let index = self.find_in(handle, &[list::DEAD])?;
        self.revive(index, now);
        Ok(())
    }

    pub fn redrive_oldest(&mut self, count: u16, now: i64) {
        for index in self.ordered(list::DEAD).into_iter().take(usize::from(count)) {
            self.revive(index, now);
        }
    }

    pub fn purge(&mut self, handle: Handle) -> Answer<()> {
        let index = self.find_in(handle, &[list::DEAD])?;
        self.items.remove(index);
        self.count.purged += 1;
        Ok(())
    }

    pub fn purge_oldest(&mut self, count: u16) {
        for _ in 0..count {
            let Some(index) = self.ordered(list::DEAD).first().copied() else { break };
            self.items.remove(index);
            self.count.purged += 1;
        }
    }

    pub fn set_maker(&mut self, wish: &Maker) -> Answer<()> {
        if wish.key == 0 || wish.max_level > 15 {
            return Err(E::InvalidProducer);
        }
        let removes = wish.quota == 0;
        if let Some(known) = self.makers.iter_mut().find(|maker| maker.key == wish.key) {
            if removes && !known.active {
                return Err(E::NotProducer);
            }
            (known.active, known.quota) = (!removes, wish.quota);
            (known.max_level, known.max_tip) = (wish.max_level, wish.max_tip);
            return Ok(());
        }
        if removes {
            return Err(E::NotProducer);
        }
        let free = |index: &usize| !self.makers[*index].active && self.items.iter().all(|item| item.producer != *index);
        let index = (0..16).find(free).ok_or(E::NoPlace)?;
        self.floor = self.floor.max(self.makers[index].last);
        let (last, floor) = (self.floor, self.floor);
        self.makers[index] = Maker { active: true, last, floor, used: BTreeSet::new(), ..wish.clone() };
        Ok(())
    }

    pub fn set_hand(&mut self, key: u8, active: bool) -> Answer<()> {
        if key == 0 {
            return Err(E::NotWorker);
        }
        if let Some(known) = self.hands.iter_mut().find(|hand| hand.key == key) {
            if !active && !known.active {
                return Err(E::NotWorker);
            }
            known.active = active;
            return Ok(());
        }
        if !active {
            return Err(E::NotWorker);
        }
        let leases = |index: usize| self.items.iter().any(|item| item.list == list::LEASED && item.worker == index);
        let free = |index: &usize| !self.hands[*index].active && !leases(*index);
        let index = (0..12).find(free).ok_or(E::NoPlace)?;
        self.hands[index] = Hand { key, active: true };
        Ok(())
    }
}
