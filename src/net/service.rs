//! The service manager, where there is one: it is told when the server is ready, reads its
//! configuration again, or stops. Without `$NOTIFY_SOCKET` nothing is said to anybody.

use sd_notify::{NotifyState, notify};

/// The server can be connected to.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The configuration is being read again; [`ready`] follows.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => log::debug!("service manager: {error}"),
    }
}

/// The server begins to stop.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = notify(states) {
        log::warn!("service manager: {error}");
    }
}
