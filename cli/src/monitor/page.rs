//! The status page: one file without a script, which asks for itself again.

use super::Shared;
use super::history::{Plot, shown};
use crate::address::Handle;
use crate::commands::queue::{failure_text, reason};
use crate::health::figures::SPECS;
use anyhow::Result;
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;
use serde_json::Value;
use shared_layouts::scheduler::list;

const TEMPLATE: &str = include_str!("page.html");

#[derive(Serialize)]
struct QueueRow {
    name: String,
    slots: u16,
    ready: u16,
    delayed: u16,
    leased: u16,
    held: u16,
    dead: u16,
    oldest_ready_seconds: String,
    dispatched: u64,
}

#[derive(Serialize)]
struct DeadRow {
    queue: String,
    handle: String,
    sequence: u64,
    attempts: u8,
    reason: Value,
    failure: Value,
}

#[derive(Serialize)]
struct FigureRow {
    name: &'static str,
    labels: String,
    value: String,
    source: &'static str,
}

/// The page.
pub fn html(shared: &Shared) -> Result<String> {
    let mut environment = Environment::new();
    // What comes from accounts and keepers is text, whatever it contains.
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", TEMPLATE)?;
    let queues = shared.view.as_ref().map(super::View::queues).unwrap_or_default();
    let rows: Vec<_> = queues
        .iter()
        .map(|queue| {
            let header = &queue.reader.header;
            let oldest = shared.figures.value("queue_oldest_ready_seconds", &[&queue.name]);
            QueueRow {
                name: queue.name.clone(),
                slots: header.slots,
                ready: header.ready_count,
                delayed: header.delayed_count,
                leased: header.leased_count,
                held: header.held_count,
                dead: header.dead_count,
                oldest_ready_seconds: oldest.map_or_else(String::new, shown),
                dispatched: header.dispatched,
            }
        })
        .collect();
    let mut dead = Vec::new();
    for queue in &queues {
        dead.extend(queue.reader.list(list::DEAD).into_iter().map(|(slot, entry)| DeadRow {
            queue: queue.name.clone(),
            handle: Handle { slot, generation: entry.generation }.to_string(),
            sequence: entry.sequence,
            attempts: entry.attempts,
            reason: reason(entry.reason),
            failure: failure_text(entry.failure_code),
        }));
    }
    let plots: Vec<Plot> = shared.history.plots();
    let figures = shared.figures.list.iter().map(|figure| FigureRow {
        name: figure.spec.name,
        labels: figure.label_text(),
        value: shown(figure.value),
        source: figure.spec.source.name(),
    });
    let page = environment.get_template("page")?.render(context! {
        url => shared.url,
        every => shared.every_seconds,
        healthy => shared.is_healthy(),
        failure => shared.last_failure,
        age => shared.last_success.map(|at| super::now().saturating_sub(at)),
        queues => rows,
        dead => dead,
        plots => plots,
        figures => figures.collect::<Vec<_>>(),
        declared => SPECS.len(),
    })?;
    Ok(page)
}
