//! Tells a keeper that something has changed: by a websocket subscription, and by signals of the operating system.
//!
//! A notice carries no data: the keeper reads the queue by RPC, so that a notice that was lost or came late costs time and
//! nothing else.

use crate::failure::{Failure, Outcome};
use futures_util::stream::{StreamExt, select_all};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use solana_account_decoder_client_types::{UiAccountEncoding, UiDataSliceConfig};
use solana_commitment_config::CommitmentConfig;
use solana_pubkey::Pubkey;
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;
use solana_rpc_client_api::config::RpcAccountInfoConfig;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Longest wait for the websocket server's answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Longest pause before the next attempt to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a keeper is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A watched account has changed.
    Changed,
    /// The subscriptions stand.
    Connected,
    /// They do not, for this reason.
    Lost(String),
    /// SIGINT or SIGTERM.
    Stop,
}

/// Receives notices, and knows the last word about connection and stop.
pub struct Watch {
    notices: Receiver<Notice>,
    /// The subscriptions stand.
    pub is_connected: bool,
    /// A signal came.
    pub stop: Arc<AtomicBool>,
}

impl Watch {
    /// Watches accounts through the websocket server, if there is one, and the signals.
    pub fn start(websocket: Option<String>, accounts: Vec<Pubkey>) -> Outcome<Self> {
        let (sender, notices) = channel();
        let signals = Signals::new([SIGINT, SIGTERM]);
        let mut signals = signals.map_err(|error| Failure::new(format!("signals cannot be handled ({error})")))?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopping, teller) = (Arc::clone(&stop), sender.clone());
        std::thread::spawn(move || {
            for _ in signals.forever() {
                stopping.store(true, Ordering::Relaxed);
                // Nobody listens any more: then it has stopped.
                let _ = teller.send(Notice::Stop);
            }
        });
        if let Some(websocket) = websocket {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime =
                runtime.map_err(|error| Failure::new(format!("the subscription cannot be started ({error})")))?;
            // Both threads end with the process.
            std::thread::spawn(move || runtime.block_on(stay_connected(&websocket, &accounts, &sender)));
        }
        Ok(Self { notices, is_connected: false, stop })
    }

    /// Waits until one of the notices that `ends` knows, a signal, or the time; takes whatever else has come along, and
    /// returns what the connection's notices were.
    pub fn wait(&mut self, time: Duration, ends: impl Fn(&Notice) -> bool) -> Vec<Notice> {
        let until = Instant::now() + time;
        let mut connection = Vec::new();
        while !self.is_stopped() {
            let left = until.saturating_duration_since(Instant::now());
            let notice = match self.notices.recv_timeout(left) {
                Ok(notice) => notice,
                Err(RecvTimeoutError::Timeout) => break,
                // Without senders there is only time to wait for.
                Err(RecvTimeoutError::Disconnected) => {
                    std::thread::sleep(left);
                    break;
                }
            };
            let ended = ends(&notice);
            self.note(notice, &mut connection);
            if ended {
                break;
            }
        }
        self.take(&mut connection);
        connection
    }

    /// Whether a signal came.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Takes what has come, without waiting.
    pub fn take(&mut self, connection: &mut Vec<Notice>) {
        while let Ok(notice) = self.notices.try_recv() {
            self.note(notice, connection);
        }
    }

    fn note(&mut self, notice: Notice, connection: &mut Vec<Notice>) {
        match notice {
            Notice::Changed => {}
            Notice::Stop => self.stop.store(true, Ordering::Relaxed),
            Notice::Connected | Notice::Lost(_) => {
                self.is_connected = notice == Notice::Connected;
                connection.push(notice);
            }
        }
    }
}

/// Connects again whenever the connection is lost, after a growing pause with jitter; ends when nobody listens any more.
async fn stay_connected(websocket: &str, accounts: &[Pubkey], notices: &Sender<Notice>) {
    let mut failures = 0;
    loop {
        let started = Instant::now();
        let reason = match subscribed(websocket, accounts, notices).await {
            Ok(()) => return,
            Err(reason) => reason,
        };
        // One that stood for a while was a good one.
        failures = if started.elapsed() > LONGEST_PAUSE { 1 } else { failures + 1 };
        if notices.send(Notice::Lost(reason)).is_err() {
            return;
        }
        let pause = LONGEST_PAUSE.min(Duration::from_millis(250 << failures.min(8)));
        tokio::time::sleep(super::jitter(pause)).await;
    }
}

/// Passes changes on until the connection is lost; `Ok` when nobody listens.
async fn subscribed(websocket: &str, accounts: &[Pubkey], notices: &Sender<Notice>) -> Result<(), String> {
    let late = |_| format!("{websocket} does not answer");
    let client = tokio::time::timeout(ANSWER, PubsubClient::new(websocket)).await.map_err(late)?;
    let client = client.map_err(|error| format!("{websocket}: {error}"))?;
    // A few bytes of each account are enough to learn that it changed.
    let config = RpcAccountInfoConfig {
        encoding: Some(UiAccountEncoding::Base64),
        data_slice: Some(UiDataSliceConfig { offset: 0, length: 8 }),
        commitment: Some(CommitmentConfig::confirmed()),
        min_context_slot: None,
    };
    let mut streams = Vec::with_capacity(accounts.len());
    for account in accounts {
        let subscribing = client.account_subscribe(account, Some(config.clone()));
        let subscription = tokio::time::timeout(ANSWER, subscribing).await.map_err(late)?;
        let (stream, _) = subscription.map_err(|error| format!("{websocket}: {error}"))?;
        streams.push(stream);
    }
    if notices.send(Notice::Connected).is_err() {
        return Ok(());
    }
    let mut changes = select_all(streams);
    while changes.next().await.is_some() {
        if notices.send(Notice::Changed).is_err() {
            return Ok(());
        }
    }
    Err(format!("{websocket} has closed the connection"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> (Watch, Sender<Notice>) {
        let (sender, notices) = channel();
        (Watch { notices, is_connected: false, stop: Arc::default() }, sender)
    }

    #[test]
    fn a_change_ends_the_wait_and_those_behind_it_are_taken_along() {
        let (mut watch, sender) = watch();
        for notice in [Notice::Connected, Notice::Changed, Notice::Changed, Notice::Changed] {
            sender.send(notice).unwrap();
        }
        assert_eq!(watch.wait(Duration::from_hours(1), |notice| *notice == Notice::Changed), [Notice::Connected]);
        assert!(watch.is_connected && !watch.is_stopped());
        assert_eq!(watch.notices.try_recv().ok(), None);
    }

    #[test]
    fn a_signal_ends_every_wait() {
        let (mut watch, sender) = watch();
        sender.send(Notice::Stop).unwrap();
        watch.wait(Duration::from_hours(1), |_| false);
        watch.wait(Duration::from_hours(1), |_| false);
        assert!(watch.is_stopped());
    }

    #[test]
    fn a_lost_connection_is_known_as_lost() {
        let (mut watch, sender) = watch();
        let lost = Notice::Lost("it was closed".to_owned());
        sender.send(Notice::Connected).unwrap();
        sender.send(lost.clone()).unwrap();
        assert_eq!(watch.wait(Duration::ZERO, |_| false), [Notice::Connected, lost]);
        assert!(!watch.is_connected);
    }
}
