//! The figures: one table of names, which `valence health` shows and `valence monitor` exports as `valence_` and the name.

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The present state of accounts; its counters count from an account's creation.
    Accounts,
    /// Transactions within the window; in a monitor its counters count on from its start.
    Ledger,
    /// What keepers export: their simulations, which no ledger shows.
    Keepers,
    /// This tool itself.
    Tool,
}

impl Source {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Ledger => "ledger",
            Self::Keepers => "keepers",
            Self::Tool => "tool",
        }
    }
}

/// A declared figure.
#[derive(Debug)]
pub struct Spec {
    /// Its name; that of a counter ends in `_total`, and the unit stands before that.
    pub name: &'static str,
    /// What tells several of one name apart.
    pub labels: &'static [&'static str],
    /// Where it comes from.
    pub source: Source,
    /// What it says.
    pub help: &'static str,
}

impl Spec {
    /// Whether it only ever grows.
    pub fn is_counter(&self) -> bool {
        self.name.ends_with("_total")
    }
}

/// A figure with its value.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is.
    pub spec: &'static Spec,
    /// Values of the labels, in the order of their names.
    pub labels: Vec<String>,
    /// The value.
    pub value: f64,
}

impl Figure {
    /// Its labels as `name=value`, separated by spaces.
    pub fn label_text(&self) -> String {
        let pairs = self.spec.labels.iter().zip(&self.labels).map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join(" ")
    }
}

/// The figure of that name.
pub fn spec(name: &str) -> Option<&'static Spec> {
    SPECS.iter().find(|spec| spec.name == name)
}

/// Figures as they are gathered.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// In the order in which they were added.
    pub list: Vec<Figure>,
}

impl Figures {
    /// Adds one.
    ///
    /// # Panics
    /// When the name is not declared, or the number of labels is another.
    pub fn add(&mut self, name: &'static str, labels: &[&str], value: f64) {
        let spec = spec(name).unwrap_or_else(|| panic!("{name} is a declared figure"));
        assert_eq!(spec.labels.len(), labels.len(), "{name} has its declared labels");
        self.list.push(Figure { spec, labels: labels.iter().map(|label| (*label).to_owned()).collect(), value });
    }

    /// Adds a count. Above 2^53 the last digits are lost, as in every Prometheus sample.
    #[allow(clippy::cast_precision_loss)]
    pub fn count(&mut self, name: &'static str, labels: &[&str], value: u64) {
        self.add(name, labels, value as f64);
    }

    /// Adds `part / whole`, if there is a whole.
    #[allow(clippy::cast_precision_loss)] // As above.
    pub fn ratio(&mut self, name: &'static str, labels: &[&str], part: u64, whole: u64) {
        if whole > 0 {
            self.add(name, labels, part as f64 / whole as f64);
        }
    }

    /// The first value of that name and those labels.
    pub fn value(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let found = self.list.iter().find(|figure| figure.spec.name == name && figure.labels == labels);
        found.map(|figure| figure.value)
    }
}

macro_rules! specs {
    ($($source:ident { $($name:ident [$($label:ident),*] $help:literal)* })*) => {
        /// Every figure.
        pub const SPECS: &[Spec] = &[$($(
            Spec { name: stringify!($name), labels: &[$(stringify!($label)),*], source: Source::$source, help: $help },
        )*)*];
    };
}

specs! {
    Accounts {
        program_deployed [program] "1 if the program is deployed under the upgradeable loader."
        program_initialized [program] "1 if the program's config exists and belongs to it."
        program_readable [program] "1 if the config has the layout that this tool knows."
        program_paused [program] "1 while the program is paused."
        program_pause_seconds [program] "How long the present pause has lasted; 0 while running."
        program_migration_open [program] "1 from a migration until it is finalized or taken back."
        accounts_unreadable [program] "Accounts whose kind, version or length this tool does not know."
        shards [] "Shards that exist."
        shards_limit [] "Most shards that the config allows."
        shard_paused [shard] "1 while the shard's owner has paused it."
        queue_entries [queue, list] "Entries of each list."
        queue_slots [queue] "Slots of the queue."
        queue_free_slots [queue] "Slots without an entry."
        queue_dead_letters [queue, reason] "Dead letters by reason."
        queue_dead_letters_limit [queue] "Dead letters that the queue keeps; one more is held instead."
        queue_oldest_ready_seconds [queue] "How long the entry has waited that has been ready longest; 0 without one."
        queue_overdue_entries [queue] "Entries that wait for a reap: ended leases, due delays, passed deadlines."
        queue_mean_wait_seconds [queue] "From enqueue, or from due, to dispatch: mean over all that were dispatched."
        queue_wait_seconds_total [queue] "Seconds from enqueue to dispatch, summed over dispatched entries."
        queue_enqueued_total [queue] "Entries enqueued."
        queue_dispatched_total [queue] "Entries dispatched."
        queue_failed_total [queue] "Failures reported and leases that ended."
        queue_retried_total [queue] "Failures that were put back for another attempt."
        queue_expired_total [queue] "Entries whose deadline passed."
        queue_died_total [queue] "Entries that became dead letters."
        queue_redriven_total [queue] "Dead letters put back."
        queue_cancelled_total [queue] "Entries cancelled."
        queue_purged_total [queue] "Dead letters removed."
        queue_claims_total [queue] "Entries claimed or dispatched."
        queue_claims_blocked_total [queue] "Claims that found everything blocked by an order."
        queue_claims_blocked_ratio [queue] "Claims that found everything blocked, of those and the entries claimed."
        queue_reserved_compute_units_total [queue] "Compute limits of dispatched entries, summed."
        queue_window_compute_units [queue] "Compute units that a metered queue has reserved in its present window."
        queue_quota_compute_units [queue] "Compute units that a metered queue may reserve in a window."
        queue_quota_used_ratio [queue] "Reserved compute units of a metered queue, of its quota."
        queue_reserved_tip_lamports [queue] "Tips promised to queued entries."
        queue_paid_tip_lamports_total [queue] "Tips paid."
        producer_entries [queue, producer] "Entries of a producer in the queue, dead ones included."
        producer_quota [queue, producer] "Entries that the producer may have there."
        order_pending_entries [order, epoch] "Entries that an order counts: of its current epoch, and of the older one."
        order_uncomposed [order] "1 if constraints or acceptances have changed since the order was composed."
        order_constraints [order] "Constraints that the shards have submitted."
        order_constraints_dropped [order] "Constraints that the last composition dropped."
        capabilities [] "Capabilities that exist."
        capability_compute_units_limit [capability] "Compute limit of a capability."
        diff_max_batch_size [] "Most operations that one instruction of the diff program applies."
        diff_optimization_level [] "Level of new arenas: 0 none, 1 basic, 2 aggressive."
        states [] "Managed states."
        states_locked [] "Managed states that a batch holds."
        arena_stage [arena] "Stage of the batch: 0 open, 1 sealed, 2 begun, 3 rolling back."
        arena_optimization_level [arena] "Level of the arena: 0 none, 1 basic, 2 aggressive."
        arena_overdue_seconds [arena] "How long ago the deadline of a begun batch passed; 0 before."
        arena_fill_ratio [arena] "Staged bytes, of the arena's capacity."
        arena_batches_total [arena] "Batches committed."
        arena_operations_staged_total [arena] "Operations staged."
        arena_operations_sealed_total [arena] "Operations left after optimization, at sealing."
        arena_staged_bytes_total [arena] "Bytes staged, in wire form."
        arena_sealed_bytes_total [arena] "Bytes left after optimization, at sealing."
        arena_rejected_total [arena] "Batches that sealing rejected."
        arena_rolled_back_total [arena] "Batches rolled back."
        arena_optimization_ratio [arena] "Sealed bytes, of staged ones: what optimization leaves."
    }
    Ledger {
        ledger_window_seconds [] "Length of the window."
        ledger_transactions_total [] "Transactions read."
        ledger_cut [] "1 if the window holds more transactions than are read at once."
        instructions_total [program, instruction, result] "Calls: done, failed, or reverted with their transaction."
        errors_total [program, error] "Calls that failed, by error."
        errors_in_window [program, error] "Calls that failed in the window, by error."
        verifications_total [result] "Verify and Execute that landed: passed, or rejected by a function."
        instruction_compute_units_total [program, instruction] "Compute units of calls that were done, CPI included."
        instruction_compute_units_mean [program, instruction] "Compute units of one such call, mean over the window."
        instruction_compute_units_peak [program, instruction] "Compute units of the dearest such call in the window."
        capability_compute_units_peak [capability] "Compute units of the dearest execution of a capability in the window."
        verification_success_ratio [] "Verifications passed, of those that landed in the window."
        queue_dispatches_per_second [queue] "Entries dispatched in the window, per second of it."
        diff_operations_applied_total [] "Operations that ApplyInline applied."
        diff_applied_bytes_total [] "Bytes that ApplyInline replaced."
        diff_batches_per_second [] "Batches committed in the window, per second of it."
        diff_operations_per_second [] "Operations that ApplyInline applied in the window, per second of it."
        diff_bytes_per_second [] "Bytes that ApplyInline replaced in the window, per second of it."
    }
    Keepers {
        keeper_up [keeper] "1 if the keeper wrote its counters within the last minute and has not stopped."
        keeper_dispatched_total [keeper] "Entries that the keeper ran."
        keeper_lost_races_total [keeper] "Entries that somebody else was quicker to run."
        keeper_connection_errors_total [keeper] "Requests that the keeper's RPC server did not answer as it should."
        keeper_simulations_total [keeper, result] "Simulations: passed, rejected by a function, or failed otherwise."
        keeper_rejections_total [keeper, predicate] "Simulations rejected, by index of the verification function."
        simulated_verification_success_ratio [keeper] "Simulations in which verification passed, of those that it decided."
    }
    Tool {
        monitor_last_success_seconds [] "When the figures were last gathered completely, unix seconds."
        monitor_failures_total [] "Times that they could not be gathered."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_follow_the_conventions() {
        for (place, spec) in SPECS.iter().enumerate() {
            assert!(SPECS[..place].iter().all(|other| other.name != spec.name), "{} twice", spec.name);
            assert!(spec.help.ends_with('.'), "{}", spec.name);
            let is_plain = |name: &str| name.chars().all(|mark| mark.is_ascii_lowercase() || mark == '_');
            assert!(is_plain(spec.name) && spec.labels.iter().all(|label| is_plain(label)), "{}", spec.name);
        }
    }
}
