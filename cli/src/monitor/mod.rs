//! What the monitor serves: `/metrics` for Prometheus, `/healthz` for a supervisor, and `/`, a status page for people.

mod history;
pub mod metrics;
mod page;
#[cfg(test)]
mod shipped;

use crate::failure::Outcome;
use crate::health::accounts::View;
use crate::health::figures::Figures;
use history::History;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};
use tiny_http::{Header, Response, Server};

/// Looks without success after which `/healthz` says so.
const MISSED_LOOKS: u64 = 4;

/// What the looking side leaves for the serving side.
pub struct Shared {
    url: String,
    every_seconds: u64,
    figures: Figures,
    view: Option<View>,
    history: History,
    /// Unix seconds; none before the first success.
    last_success: Option<u64>,
    failures: u64,
    last_failure: Option<String>,
}

impl Shared {
    /// Nothing was seen yet.
    pub fn new(url: &str, every_seconds: u64) -> Self {
        Self {
            url: url.to_owned(),
            every_seconds,
            figures: Figures::default(),
            view: None,
            history: History::default(),
            last_success: None,
            failures: 0,
            last_failure: None,
        }
    }

    /// Takes what a look has found. After a failure the former figures stay, and their age tells.
    pub fn add(&mut self, gathered: Outcome<(Figures, View)>) {
        match gathered {
            Ok((figures, view)) => {
                self.history.add(view.now, &figures);
                (self.figures, self.view) = (figures, Some(view));
                (self.last_success, self.last_failure) = (Some(now()), None);
            }
            Err(failure) => {
                self.failures += 1;
                self.last_failure = Some(failure.line());
            }
        }
    }

    /// The figures, and what the monitor says about itself.
    fn exported(&self) -> Figures {
        let mut figures = self.figures.clone();
        figures.count("monitor_last_success_seconds", &[], self.last_success.unwrap_or_default());
        figures.count("monitor_failures_total", &[], self.failures);
        figures
    }

    fn is_healthy(&self) -> bool {
        self.last_success.is_some_and(|at| now().saturating_sub(at) <= MISSED_LOOKS * self.every_seconds)
    }
}

/// Unix seconds of this machine.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Answers requests until the server is unblocked.
pub fn serve(server: &Server, shared: &Mutex<Shared>) {
    for request in server.incoming_requests() {
        let (status, kind, body) = match shared.lock() {
            Ok(shared) => answer(&shared, request.url()),
            Err(_) => (500, TEXT, "the monitor has panicked\n".to_owned()),
        };
        let response = Response::from_string(body).with_status_code(status);
        let response = match Header::from_bytes("Content-Type", kind) {
            Ok(header) => response.with_header(header),
            Err(()) => response,
        };
        // Whoever asked may be gone.
        let _ = request.respond(response);
    }
}

const TEXT: &str = "text/plain; charset=utf-8";

/// Status, type and body.
fn answer(shared: &Shared, url: &str) -> (u16, &'static str, String) {
    match url.split('?').next().unwrap_or_default() {
        "/metrics" => match metrics::text(&shared.exported()) {
            Ok(text) => (200, metrics::CONTENT_TYPE, text),
            Err(error) => (500, TEXT, format!("{error}\n")),
        },
        "/healthz" if shared.is_healthy() => (200, TEXT, "ok\n".to_owned()),
        "/healthz" => {
            let reason = shared.last_failure.as_deref().unwrap_or("nothing was gathered yet");
            (503, TEXT, format!("{reason}\n"))
        }
        "/" => match page::html(shared) {
            Ok(page) => (200, "text/html; charset=utf-8", page),
            Err(error) => (500, TEXT, format!("{error:#}\n")),
        },
        _ => (404, TEXT, "there are /, /metrics and /healthz\n".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    #[test]
    fn before_the_first_look_and_after_a_failure_it_is_not_healthy() {
        let mut shared = Shared::new("http://h", 15);
        assert_eq!(answer(&shared, "/healthz").0, 503);
        shared.add(Err(Failure::new("no server")));
        assert_eq!(answer(&shared, "/healthz").2, "no server\n");
        let (status, _, text) = answer(&shared, "/metrics");
        assert_eq!(status, 200);
        assert!(text.contains("\nvalence_monitor_failures_total 1\n"), "{text}");
        shared.last_success = Some(now());
        assert_eq!(answer(&shared, "/healthz?x").0, 200);
        assert_eq!(answer(&shared, "/other").0, 404);
    }
}
