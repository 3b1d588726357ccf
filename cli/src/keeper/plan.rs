//! What there is to do in a queue, seen at one slot.

use crate::cluster::{Cluster, fixed_part, unix_time};
use crate::failure::{Failure, Outcome};
use crate::set::Programs;
use crate::slab;
use shared_layouts::client;
use shared_layouts::lifecycle::{Lifecycle, pause_state};
use shared_layouts::processor::ProcessorConfig;
use shared_layouts::scheduler::reader::QueueReader;
use shared_layouts::scheduler::{
    Entry, EntryHandle, NO_BIT, Order, SchedulerConfig, Shard, Turn, list, queue_flags, turn,
};
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;

/// Handles that one `Reap` takes here.
const REAPED_AT_ONCE: usize = 24;

/// A queue and what decides whether it may be served.
pub struct View {
    /// Address of the queue.
    pub queue: Pubkey,
    /// Address of its shard.
    pub shard: Pubkey,
    /// The queue.
    pub reader: QueueReader,
    /// The order that it is bound to, if it is.
    pub order: Option<Box<Order>>,
    /// Scheduler, processor or shard is paused: nothing is claimed or dispatched.
    pub is_paused: bool,
    /// The cluster's time, unix seconds.
    pub now: i64,
}

/// What to do next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Reap these.
    pub reap: Vec<EntryHandle>,
    /// Run these.
    pub run: Vec<EntryHandle>,
    /// Place of the worker in the list, if more can be claimed.
    pub claim: Option<u8>,
}

impl View {
    /// Reads everything in one request for the queue, and one before it for its shard.
    pub fn read(cluster: &Cluster, programs: &Programs, queue: &Pubkey) -> Outcome<Self> {
        let missing =
            |what: &str| Failure::new(format!("{what} does not exist on {}", cluster.settings.url)).cure("check --set");
        let account = cluster.account(queue)?.ok_or_else(|| missing(&format!("the queue {queue}")))?;
        let reader = QueueReader::parse(&account.data)
            .ok()
            .filter(|_| account.owner == programs.scheduler)
            .ok_or_else(|| Failure::new(format!("{queue} is not a queue of this set")))?;
        let shard = Pubkey::new_from_array(reader.header.shard);
        let [scheduler, processor] =
            [programs.scheduler, programs.processor].map(|program| client::config_address(&program));
        let mut addresses = vec![*queue, shard, scheduler, processor, sysvar::clock::ID];
        addresses.extend(slab::order(&reader.header).into_iter().map(|meta| meta.pubkey));
        let accounts = cluster.accounts(&addresses)?;
        let [Some(account), Some(shard_account), Some(scheduler), Some(processor), Some(clock), order @ ..] =
            &accounts[..]
        else {
            return Err(missing(&format!("the queue {queue}, its shard or a config")));
        };
        let reader = QueueReader::parse(&account.data).map_err(|_| Failure::new(format!("{queue} is not a queue")))?;
        let now = unix_time(clock)?;
        let shard_record: Shard = fixed_part(&shard_account.data).ok_or_else(|| missing("the shard"))?;
        let scheduler: SchedulerConfig =
            fixed_part(&scheduler.data).ok_or_else(|| missing("the scheduler's config"))?;
        let processor: ProcessorConfig =
            fixed_part(&processor.data).ok_or_else(|| missing("the processor's config"))?;
        let is_paused = shard_record.header.state != 0
            || is_paused(&scheduler.lifecycle, now)
            || is_paused(&processor.lifecycle, now);
        let order = order.first().map(|account| {
            let order = account.as_ref().and_then(|account| fixed_part(&account.data));
            order.map(Box::new).ok_or_else(|| missing("the queue's order"))
        });
        Ok(Self { queue: *queue, shard, reader, order: order.transpose()?, is_paused, now })
    }

    /// What a worker has to do here. `tried` are entries of an open queue that it leaves alone for a while.
    pub fn plan(&self, worker: &Pubkey, tried: impl Fn(&EntryHandle) -> bool) -> Plan {
        let mut plan = Plan { reap: self.due(), ..Plan::default() };
        if self.is_paused {
            return plan;
        }
        let header = &self.reader.header;
        if header.header.state & queue_flags::LEASED == 0 {
            let dispatchable = match &self.order {
                None => self.reader.dispatchable(self.now),
                Some(order) => self.reader.dispatchable_under(order, self.now),
            };
            plan.run = dispatchable.into_iter().filter(|handle| !tried(handle)).collect();
            return plan;
        }
        let is_me =
            |(_, found): &(u8, &shared_layouts::scheduler::Worker)| found.active == 1 && found.key == worker.to_bytes();
        let Some((place, _)) = (0u8..).zip(&header.workers).find(is_me) else { return plan };
        let own = self.handles(list::LEASED, |entry| {
            entry.worker == place && self.now <= entry.lease_ends_at.min(entry.deadline_at)
        });
        let claims = match &self.order {
            None => self.reader.next_claims(1, self.now),
            Some(order) => self.reader.next_claims_under(order, 1, self.now),
        };
        plan.claim = (own.is_empty() && !claims.is_empty()).then_some(place);
        plan.run = own;
        plan
    }

    /// Seconds until time makes something due, or an entry of its own can be run no longer; `None` if nothing waits for time.
    pub fn due_in(&self) -> Option<u64> {
        let at = |kind, time: &dyn Fn(&Entry) -> i64| {
            self.reader.list(kind).into_iter().map(|(_, entry)| time(entry)).min().unwrap_or(i64::MAX)
        };
        let next = at(list::LEASED, &|entry| entry.lease_ends_at.saturating_add(1))
            .min(at(list::DELAYED, &|entry| entry.due_at.min(entry.deadline_at.saturating_add(1))))
            .min(at(list::READY, &|entry| entry.deadline_at.saturating_add(1)))
            .min(at(list::HELD, &|entry| self.given_up_at(entry)))
            .min(at(list::DEAD, &|entry| self.given_up_at(entry)));
        (next != i64::MAX).then(|| u64::try_from(next.saturating_sub(self.now)).unwrap_or(0))
    }

    /// What time has made due: leases that ended, delayed entries whose time has come, entries past their deadline.
    fn due(&self) -> Vec<EntryHandle> {
        let now = self.now;
        let mut due = self.handles(list::LEASED, |entry| now > entry.lease_ends_at);
        due.extend(self.handles(list::DELAYED, |entry| now >= entry.due_at || now > entry.deadline_at));
        due.extend(self.handles(list::READY, |entry| now > entry.deadline_at || self.dies(entry)));
        due.extend(self.handles(list::HELD, |entry| self.is_given_up(entry)));
        due.extend(self.handles(list::DEAD, |entry| self.is_given_up(entry)));
        due.truncate(REAPED_AT_ONCE);
        due
    }

    /// Whether the order makes a ready entry wait.
    pub fn waits(&self) -> bool {
        let Some(order) = self.order.as_deref() else { return false };
        let ready = self.reader.list(list::READY);
        ready.iter().any(|(_, entry)| turn(order, entry.order_bit, entry.order_epoch, false) == Turn::Waits)
    }

    /// Whether it dies with an entry that comes before it.
    fn dies(&self, entry: &Entry) -> bool {
        let turn = |order: &Order| turn(order, entry.order_bit, entry.order_epoch, false);
        self.order.as_deref().is_some_and(|order| entry.order_bit != NO_BIT && turn(order) == Turn::Dies)
    }

    /// Whether others have waited for it as long as the order's patience.
    fn is_given_up(&self, entry: &Entry) -> bool {
        self.given_up_at(entry) <= self.now
    }

    /// When others will have waited for a held or dead entry as long as the order's patience, unix seconds.
    fn given_up_at(&self, entry: &Entry) -> i64 {
        match &self.order {
            Some(order) if entry.order_bit != NO_BIT => {
                entry.stuck_since.saturating_add(i64::from(order.patience_seconds))
            }
            _ => i64::MAX,
        }
    }

    fn handles(&self, kind: u8, wanted: impl Fn(&Entry) -> bool) -> Vec<EntryHandle> {
        let found = self.reader.list(kind).into_iter().filter(|(_, entry)| wanted(entry));
        found.filter_map(|(slot, _)| self.reader.handle(slot)).collect()
    }
}

fn is_paused(lifecycle: &Lifecycle, now: i64) -> bool {
    match lifecycle.header.state {
        pause_state::RUNNING => false,
        pause_state::BY_GUARDIAN => now < lifecycle.pause_ends_at,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytemuck::Zeroable;
    use shared_layouts::scheduler::{List, NO_SLOT, Queue};

    const NOBODY: fn(&EntryHandle) -> bool = |_| false;

    /// A leased queue with two workers: slot 0 ready, 1 leased by the first until 100, 2 by the second, 3 delayed until 200.
    fn view(now: i64) -> (View, Pubkey) {
        let worker = Pubkey::new_from_array([1; 32]);
        let mut header = Queue::zeroed();
        let none = List { head: NO_SLOT, tail: NO_SLOT };
        header.header.state = queue_flags::LEASED;
        header.slots = 4;
        header.ready = [none; 16];
        header.ready[5] = List { head: 0, tail: 0 };
        header.leased = List { head: 1, tail: 2 };
        header.delayed = List { head: 3, tail: 3 };
        (header.dead, header.held) = (none, none);
        for (place, key) in [[1; 32], [2; 32]].into_iter().enumerate() {
            header.workers[place].key = key;
            header.workers[place].active = 1;
        }
        let mut entries = vec![Entry::zeroed(); 4];
        for (slot, kind, next) in
            [(0, list::READY, NO_SLOT), (1, list::LEASED, 2), (2, list::LEASED, NO_SLOT), (3, list::DELAYED, NO_SLOT)]
        {
            let entry: &mut Entry = &mut entries[slot];
            (entry.list, entry.next, entry.deadline_at, entry.generation) = (kind, next, 1_000, 7);
        }
        (entries[1].worker, entries[1].lease_ends_at) = (0, 100);
        (entries[2].worker, entries[2].lease_ends_at) = (1, 300);
        entries[3].due_at = 200;
        let reader = QueueReader { header, index: None, entries };
        (View { queue: worker, shard: worker, reader, order: None, is_paused: false, now }, worker)
    }

    fn slots(handles: &[EntryHandle]) -> Vec<u16> {
        handles.iter().map(|handle| handle.slot).collect()
    }

    #[test]
    fn a_keeper_runs_its_own_leases_before_it_claims_more() {
        let (view, worker) = view(100);
        let plan = view.plan(&worker, NOBODY);
        assert_eq!((slots(&plan.run), plan.claim, plan.reap), (vec![1], None, vec![]));
    }

    #[test]
    fn a_lease_that_ended_is_reaped_and_not_run() {
        let (view, worker) = view(101);
        let plan = view.plan(&worker, NOBODY);
        assert_eq!((slots(&plan.reap), slots(&plan.run), plan.claim), (vec![1], vec![], Some(0)));
    }

    #[test]
    fn a_stranger_only_reaps() {
        let (view, _) = view(200);
        let plan = view.plan(&Pubkey::new_from_array([9; 32]), NOBODY);
        assert_eq!((slots(&plan.reap), slots(&plan.run), plan.claim), (vec![1, 3], vec![], None));
    }

    #[test]
    fn while_paused_time_still_passes_and_nothing_runs() {
        let (mut view, worker) = view(1_001);
        view.is_paused = true;
        let plan = view.plan(&worker, NOBODY);
        assert_eq!((slots(&plan.reap), slots(&plan.run), plan.claim), (vec![1, 2, 3, 0], vec![], None));
    }

    #[test]
    fn the_next_thing_that_time_makes_due_is_known() {
        assert_eq!(view(90).0.due_in(), Some(11));
        assert_eq!(view(150).0.due_in(), Some(0));
        let (mut view, _) = view(90);
        view.reader.entries.clear();
        assert_eq!(view.due_in(), None);
    }

    #[test]
    fn an_open_queue_is_run_from_the_front_but_for_what_was_just_tried() {
        let (mut view, worker) = view(50);
        view.reader.header.header.state = 0;
        view.reader.header.eligible_window = 8;
        assert_eq!(slots(&view.plan(&worker, NOBODY).run), [0]);
        assert_eq!(slots(&view.plan(&worker, |handle| handle.slot == 0).run), Vec::<u16>::new());
    }
}
