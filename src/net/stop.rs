//! Stopping: what was accepted is answered, everybody is told, and then it ends.
//!
//! ```text
//! stop accepting -> stop reading -> refuse what was read -> the journal answers -> farewell ->
//! flush until drained or the grace ends
//! ```

use super::connection::Link;
use super::server::{Server, Stopping, connection_lost};
use super::service;
use crate::chat::{Input, Now};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::Arc;

impl Server {
    /// Whether a signal has come that means the end; for who asks something before the loop runs.
    pub fn was_asked_to_stop(&mut self) -> bool {
        let has_terminal = self.identity.has_terminal;
        self.signals
            .pending()
            .any(|signal| matches!(signal, SIGTERM | SIGINT) || signal == SIGHUP && has_terminal)
    }

    /// Does what the signals that came ask for.
    pub(super) fn heed_signals(&mut self, now: Now) {
        let signals: Vec<_> = self.signals.pending().collect();
        let is_asked_again = signals
            .iter()
            .any(|signal| matches!(*signal, SIGTERM | SIGINT));
        if let Some(stopping) = self.stopping.as_mut().filter(|_| is_asked_again) {
            log::info!("stopping at once, as asked again");
            stopping.until = now.monotonic;
            return;
        }
        for signal in signals {
            match signal {
                SIGTERM | SIGINT => self.begin_to_stop(None, now),
                // Closing the window means it; a service has no window.
                SIGHUP if self.identity.has_terminal => self.begin_to_stop(None, now),
                SIGHUP => {
                    self.reload(now);
                }
                other => log::debug!("signal {other} means nothing here"),
            }
        }
    }

    /// Begins to stop; everybody is told `why`.
    pub(super) fn begin_to_stop(&mut self, why: Option<Arc<str>>, now: Now) {
        if self.stopping.is_some() {
            return;
        }
        log::info!("stopping: {} connections", self.connections.len());
        service::stopping();
        self.record("stopping", now);
        self.listeners.clear();
        let until = now.monotonic + self.config.bounds.shutdown_grace;
        self.stopping = Some(Stopping {
            until,
            told: false,
            why,
        });
        let _ = self.chat.apply(now, Input::Stop, &mut self.effects);
        self.carry_out(now);
        let clients: Vec<_> = self.connections.clients().collect();
        for client in clients {
            let Some(connection) = self.connections.find(client) else {
                continue;
            };
            match connection.link {
                Link::Handshake(..) => self.doom(client, connection_lost()),
                // What was read but not accepted is refused now, in words.
                Link::Sealed(_) | Link::Line(_) if connection.wait.is_some() => {
                    self.resume(client, now);
                }
                Link::Sealed(_) | Link::Line(_) | Link::Closing => {}
            }
        }
    }

    /// Tells everybody once the journal has answered for everything that was accepted.
    pub(super) fn go_on_stopping(&mut self, now: Now) {
        let Some(stopping) = &mut self.stopping else {
            return;
        };
        if stopping.told || !self.chat.is_settled() {
            return;
        }
        stopping.told = true;
        self.chat
            .farewell(stopping.why.as_deref(), &mut self.effects);
        self.carry_out(now);
    }

    /// Whether everything is said and everybody gone, or the grace is over.
    pub(super) fn is_done(&self) -> bool {
        self.stopping.as_ref().is_some_and(|stopping| {
            let is_over = self.clock.elapsed() >= stopping.until;
            is_over || stopping.told && self.connections.is_empty()
        })
    }
}
