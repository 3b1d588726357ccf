//! The scheduler: every refusal by its own error, and whole lives of entries.

mod dispatching;
mod end_to_end;
mod leases;
mod management;
mod metering;
mod ordered;
mod ordered_end_to_end;
mod producing;
mod reading;
mod reentry;
