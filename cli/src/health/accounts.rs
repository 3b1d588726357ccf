//! Figures of accounts.

use super::figures::Figures;
use crate::cluster::reading::Accounts;
use crate::cluster::{Cluster, fixed_part};
use crate::commands::queue;
use crate::failure::Outcome;
use crate::set::{Programs, Singleton};
use shared_layouts::diff::{Arena, DiffConfig, State, batch_stage, lock_state};
use shared_layouts::lifecycle::{Lifecycle, UPGRADEABLE_LOADER, migration, pause_state};
use shared_layouts::processor::{Capability, ProcessorConfig};
use shared_layouts::scheduler::reader::QueueReader;
use shared_layouts::scheduler::{Entry, Order, Queue, Registry, SchedulerConfig, Shard, list, queue_flags, reason};
use shared_layouts::{AccountLayout, client};
use solana_account::Account;
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// Everything that the figures of accounts are made of.
pub struct View {
    /// The set.
    pub programs: Programs,
    /// The cluster's time, unix seconds.
    pub now: i64,
    /// Accounts of each program, in the order of `Singleton::ALL`.
    pub accounts: [Accounts; 3],
    deployed: [bool; 3],
}

/// A queue with the name that people use, SHARD/NUMBER.
pub struct NamedQueue {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: Pubkey,
    /// Its content.
    pub reader: QueueReader,
}

impl View {
    /// Reads them.
    pub fn read(cluster: &Cluster, programs: &Programs) -> Outcome<Self> {
        let addresses = Singleton::ALL.map(|program| programs.address(program));
        let found = cluster.accounts(&addresses)?;
        let mut deployed = [false; 3];
        for (deployed, account) in deployed.iter_mut().zip(found) {
            *deployed = account.is_some_and(|account| account.owner.to_bytes() == UPGRADEABLE_LOADER);
        }
        let mut accounts = [Accounts::new(), Accounts::new(), Accounts::new()];
        for (accounts, address) in accounts.iter_mut().zip(&addresses) {
            *accounts = cluster.program_accounts(address)?.1;
        }
        Ok(Self { programs: programs.clone(), now: cluster.now()?, accounts, deployed })
    }

    fn of(&self, program: Singleton) -> &Accounts {
        match program {
            Singleton::Processor => &self.accounts[0],
            Singleton::Scheduler => &self.accounts[1],
            Singleton::Diff => &self.accounts[2],
        }
    }

    fn config(&self, program: Singleton) -> Option<&Account> {
        self.of(program).get(&client::config_address(&self.programs.address(program)))
    }

    /// Every account of one kind.
    fn all<T: AccountLayout>(&self, program: Singleton) -> Vec<(Pubkey, T)> {
        let accounts = self.of(program).iter();
        accounts.filter_map(|(key, account)| Some((*key, fixed_part(&account.data)?))).collect()
    }

    /// Every queue, in the order of names.
    pub fn queues(&self) -> Vec<NamedQueue> {
        let shards: BTreeMap<_, _> =
            self.all::<Shard>(Singleton::Scheduler).into_iter().map(|(key, shard)| (key, shard.number)).collect();
        let mut queues: Vec<(u64, NamedQueue)> = Vec::new();
        for (address, account) in self.of(Singleton::Scheduler) {
            let Ok(reader) = QueueReader::parse(&account.data) else { continue };
            let shard = shards.get(&Pubkey::new_from_array(reader.header.shard)).copied().unwrap_or_default();
            let name = format!("{shard}/{}", reader.header.number);
            queues.push((shard, NamedQueue { name, address: *address, reader }));
        }
        queues.sort_by_key(|(shard, queue)| (*shard, queue.reader.header.number));
        queues.into_iter().map(|(_, queue)| queue).collect()
    }

    /// The number of a capability, for names.
    pub fn capability_numbers(&self) -> BTreeMap<Pubkey, u64> {
        let all = self.all::<Capability>(Singleton::Processor).into_iter();
        all.map(|(key, capability)| (key, capability.number)).collect()
    }

    /// All figures.
    pub fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        for (program, deployed) in Singleton::ALL.into_iter().zip(self.deployed) {
            self.program(&mut figures, program, deployed);
        }
        self.processor(&mut figures);
        self.scheduler(&mut figures);
        for queue in self.queues() {
            self.queue(&mut figures, &queue);
        }
        self.diff(&mut figures);
        figures
    }

    fn program(&self, figures: &mut Figures, program: Singleton, deployed: bool) {
        let name = [program.name()];
        let config = self.config(program).filter(|config| config.data.len() >= Lifecycle::BYTES);
        figures.count("program_deployed", &name, deployed.into());
        figures.count("program_initialized", &name, config.is_some().into());
        let unreadable = self.of(program).values().filter(|account| !is_known(program, &account.data)).count();
        figures.count("accounts_unreadable", &name, unreadable as u64);
        let Some(config) = config else { return };
        figures.count("program_readable", &name, is_known(program, &config.data).into());
        let lifecycle: Lifecycle = bytemuck::pod_read_unaligned(&config.data[..Lifecycle::BYTES]);
        let paused = match lifecycle.header.state {
            pause_state::RUNNING => false,
            pause_state::BY_GUARDIAN => self.now < lifecycle.pause_ends_at,
            _ => true,
        };
        figures.count("program_paused", &name, paused.into());
        let lasted = if paused { self.now - lifecycle.pause_started_at } else { 0 };
        figures.count("program_pause_seconds", &name, lasted.try_into().unwrap_or_default());
        figures.count("program_migration_open", &name, (lifecycle.migration == migration::OPEN).into());
    }

    fn processor(&self, figures: &mut Figures) {
        let capabilities = self.all::<Capability>(Singleton::Processor);
        figures.count("capabilities", &[], capabilities.len() as u64);
        for (_, capability) in capabilities {
            let number = capability.number.to_string();
            figures.count("capability_compute_units_limit", &[&number], capability.compute_limit.into());
        }
    }

    fn scheduler(&self, figures: &mut Figures) {
        let shards = self.all::<Shard>(Singleton::Scheduler);
        figures.count("shards", &[], shards.len() as u64);
        if let Some(config) = self.config(Singleton::Scheduler).and_then(|config| fixed_part(&config.data)) {
            let config: SchedulerConfig = config;
            figures.count("shards_limit", &[], config.max_shards.into());
        }
        for (_, shard) in &shards {
            figures.count("shard_paused", &[&shard.number.to_string()], u64::from(shard.header.state != 0));
        }
        let numbers: BTreeMap<_, _> = shards.iter().map(|(key, shard)| (key.to_bytes(), shard.number)).collect();
        for (_, order) in self.all::<Order>(Singleton::Scheduler) {
            let shard = numbers.get(&order.shard).copied().unwrap_or_default();
            orders(figures, &format!("{shard}/{}", order.number), &order);
        }
    }

    fn queue(&self, figures: &mut Figures, queue: &NamedQueue) {
        let NamedQueue { name, reader, .. } = queue;
        let header = &reader.header;
        let name: [&str; 1] = [name];
        let lists = [
            ("ready", header.ready_count),
            ("delayed", header.delayed_count),
            ("leased", header.leased_count),
            ("held", header.held_count),
            ("dead", header.dead_count),
        ];
        for (list, count) in lists {
            figures.count("queue_entries", &[name[0], list], count.into());
        }
        let used: u64 = lists.iter().map(|(_, count)| u64::from(*count)).sum();
        figures.count("queue_slots", &name, header.slots.into());
        figures.count("queue_free_slots", &name, u64::from(header.slots).saturating_sub(used));
        let dead = reader.list(list::DEAD);
        for kind in [reason::PERMANENT, reason::ATTEMPTS, reason::EXPIRED, reason::OPERATOR, reason::CASCADE] {
            let count = dead.iter().filter(|(_, entry)| entry.reason == kind).count();
            figures.count(
                "queue_dead_letters",
                &[name[0], queue::reason(kind).as_str().unwrap_or_default()],
                count as u64,
            );
        }
        figures.count("queue_dead_letters_limit", &name, header.max_dead.into());
        let ready = reader.entries.iter().filter(|entry| entry.list == list::READY);
        let oldest = ready.map(|entry| self.now - entry.waiting_since).max();
        figures.count("queue_oldest_ready_seconds", &name, oldest.unwrap_or(0).try_into().unwrap_or_default());
        figures.count("queue_overdue_entries", &name, self.overdue(reader));
        counters(figures, name, header);
        self.quota(figures, name, header);
        for producer in header.producers.iter().filter(|producer| producer.active == 1) {
            let key = Pubkey::new_from_array(producer.key).to_string();
            figures.count("producer_entries", &[name[0], &key], producer.used.into());
            figures.count("producer_quota", &[name[0], &key], producer.quota.into());
        }
    }

    fn overdue(&self, reader: &QueueReader) -> u64 {
        let now = self.now;
        // By the entries themselves: an ordered queue has its ready ones in other lists.
        let count = |kind, is_due: &dyn Fn(&Entry) -> bool| {
            reader.entries.iter().filter(|entry| entry.list == kind && is_due(entry)).count() as u64
        };
        count(list::LEASED, &|entry| now > entry.lease_ends_at)
            + count(list::DELAYED, &|entry| now >= entry.due_at || now > entry.deadline_at)
            + count(list::READY, &|entry| now > entry.deadline_at)
    }

    /// Only a metered queue has a quota: its thousandths of the shard's share.
    fn quota(&self, figures: &mut Figures, name: [&str; 1], header: &Queue) {
        if header.header.state & queue_flags::METERED == 0 {
            return;
        }
        let shard: Option<Shard> = self
            .of(Singleton::Scheduler)
            .get(&Pubkey::new_from_array(header.shard))
            .and_then(|account| fixed_part(&account.data));
        let registry: Option<Registry> = self
            .of(Singleton::Scheduler)
            .get(&client::registry_address(&self.programs.scheduler))
            .and_then(|account| fixed_part(&account.data));
        let share = shard.zip(registry).and_then(|(shard, registry)| {
            registry.shards.get(usize::from(shard.registry_index)).map(|entry| entry.share_compute_units)
        });
        let quota = share.unwrap_or_default() / 1_000 * u64::from(header.quota_permille);
        figures.count("queue_window_compute_units", &name, header.window_compute_units);
        figures.count("queue_quota_compute_units", &name, quota);
        figures.ratio("queue_quota_used_ratio", &name, header.window_compute_units, quota);
    }

    fn diff(&self, figures: &mut Figures) {
        if let Some(config) = self.config(Singleton::Diff).and_then(|config| fixed_part(&config.data)) {
            let config: DiffConfig = config;
            figures.count("diff_max_batch_size", &[], config.max_batch_size.into());
            figures.count("diff_optimization_level", &[], config.optimization_level.into());
        }
        let states = self.all::<State>(Singleton::Diff);
        let locked = states.iter().filter(|(_, state)| state.header.state == lock_state::LOCKED).count();
        figures.count("states", &[], states.len() as u64);
        figures.count("states_locked", &[], locked as u64);
        for (_, arena) in self.all::<Arena>(Singleton::Diff) {
            let number = arena.number.to_string();
            let name: [&str; 1] = [&number];
            let stage = arena.header.state;
            figures.count("arena_stage", &name, stage.into());
            figures.count("arena_optimization_level", &name, arena.optimization_level.into());
            let is_begun = stage == batch_stage::BEGUN || stage == batch_stage::ROLLING_BACK;
            let overdue = if is_begun { (self.now - arena.deadline_at).max(0) } else { 0 };
            figures.count("arena_overdue_seconds", &name, overdue.try_into().unwrap_or_default());
            figures.ratio("arena_fill_ratio", &name, arena.operations_bytes.into(), arena.capacity_bytes.into());
            figures.count("arena_batches_total", &name, arena.batches);
            figures.count("arena_operations_staged_total", &name, arena.operations_in);
            figures.count("arena_operations_sealed_total", &name, arena.operations_out);
            figures.count("arena_staged_bytes_total", &name, arena.bytes_in);
            figures.count("arena_sealed_bytes_total", &name, arena.bytes_out);
            figures.count("arena_rejected_total", &name, arena.rejected);
            figures.count("arena_rolled_back_total", &name, arena.rolled_back);
            figures.ratio("arena_optimization_ratio", &name, arena.bytes_out, arena.bytes_in);
        }
    }
}

fn orders(figures: &mut Figures, name: &str, order: &Order) {
    let name: [&str; 1] = [name];
    let pending = |epoch: u32| {
        let found = order.epochs.iter().find(|found| found.epoch == epoch && epoch > 0);
        found.map_or(0, |epoch| epoch.pending.iter().map(|count| u64::from(*count)).sum())
    };
    figures.count("order_pending_entries", &[name[0], "current"], pending(order.epoch));
    figures.count("order_pending_entries", &[name[0], "older"], pending(order.epoch.wrapping_sub(1)));
    figures.count("order_uncomposed", &name, (order.constraints_version != order.composed_version).into());
    figures.count("order_constraints", &name, order.constraints_count.into());
    figures.count("order_constraints_dropped", &name, order.dropped_count.into());
}

fn counters(figures: &mut Figures, name: [&str; 1], header: &Queue) {
    for (figure, value) in [
        ("queue_wait_seconds_total", header.waiting_seconds),
        ("queue_enqueued_total", header.enqueued),
        ("queue_dispatched_total", header.dispatched),
        ("queue_failed_total", header.failed),
        ("queue_retried_total", header.retried),
        ("queue_expired_total", header.expired),
        ("queue_died_total", header.died),
        ("queue_redriven_total", header.redriven),
        ("queue_cancelled_total", header.cancelled),
        ("queue_purged_total", header.purged),
        ("queue_claims_total", header.claims.into()),
        ("queue_claims_blocked_total", header.claims_blocked),
        ("queue_reserved_compute_units_total", header.reserved_compute_units),
        ("queue_paid_tip_lamports_total", header.paid_tip_lamports),
        ("queue_reserved_tip_lamports", header.reserved_tip_lamports),
    ] {
        figures.count(figure, &name, value);
    }
    figures.ratio("queue_mean_wait_seconds", &name, header.waiting_seconds, header.dispatched);
    let claims = u64::from(header.claims) + header.claims_blocked;
    figures.ratio("queue_claims_blocked_ratio", &name, header.claims_blocked, claims);
}

/// Whether an account of a program is one that this tool can read.
pub fn is_known(program: Singleton, data: &[u8]) -> bool {
    match program {
        Singleton::Processor => {
            begins_with::<ProcessorConfig>(data)
                || fixed_part::<Capability>(data).is_some_and(|found| usize::from(found.account_bytes) == data.len())
        }
        Singleton::Scheduler => {
            begins_with::<SchedulerConfig>(data)
                || begins_with::<Registry>(data)
                || begins_with::<Shard>(data)
                || begins_with::<Order>(data)
                || QueueReader::parse(data).is_ok()
        }
        Singleton::Diff => begins_with::<DiffConfig>(data) || begins_with::<State>(data) || begins_with::<Arena>(data),
    }
}

fn begins_with<T: AccountLayout>(data: &[u8]) -> bool {
    fixed_part::<T>(data).is_some()
}
