//! The bounds an operator may change, with the defaults of [`crate::limits`].

use super::{Mistake, duration};
use crate::limits;
use serde::Deserialize;
use std::time::Duration;

/// Bounds by the names they have in the `[limits]` table of `parlour.toml`.
///
/// Sizes are bytes. Each is explained where its default stands, in [`crate::limits`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bounds {
    /// Clients at once.
    pub clients: usize,
    /// Time for the handshake.
    #[serde(deserialize_with = "duration::deserialize")]
    pub handshake_timeout: Duration,
    /// Time to give a name.
    #[serde(deserialize_with = "duration::deserialize")]
    pub login_timeout: Duration,
    /// Time for a begun message to be whole.
    #[serde(deserialize_with = "duration::deserialize")]
    pub message_timeout: Duration,
    /// Time a reader may accept nothing.
    #[serde(deserialize_with = "duration::deserialize")]
    pub stall_timeout: Duration,
    /// Silence before a ping.
    #[serde(deserialize_with = "duration::deserialize")]
    pub ping_after: Duration,
    /// Silence before a client is lost.
    #[serde(deserialize_with = "duration::deserialize")]
    pub gone_after: Duration,
    /// Idle time before TCP asks whether the peer is there.
    #[serde(deserialize_with = "duration::deserialize")]
    pub keepalive: Duration,
    /// Time for the other side to close too.
    #[serde(deserialize_with = "duration::deserialize")]
    pub close_timeout: Duration,
    /// Time a stopping server flushes.
    #[serde(deserialize_with = "duration::deserialize")]
    pub shutdown_grace: Duration,
    /// Time a lost guest may resume.
    #[serde(deserialize_with = "duration::deserialize")]
    pub resume_within: Duration,
    /// Time after which record keys change.
    #[serde(deserialize_with = "duration::deserialize")]
    pub rekey_after: Duration,
    /// Connections without a name from one source.
    pub unnamed_per_source: usize,
    /// Named connections from one source.
    pub named_per_source: usize,
    /// Failed handshakes from one source in ten minutes.
    pub failures_per_source: usize,
    /// Unnamed connections below which nobody is refused for their number.
    pub unnamed_never_refused_below: usize,
    /// Commands at once.
    pub rate_burst: u32,
    /// Commands per second.
    pub rate_per_second: u32,
    /// Bytes of commands at once.
    pub bytes_burst: usize,
    /// Bytes of commands per second.
    pub bytes_per_second: usize,
    /// Rooms on the server.
    pub rooms: usize,
    /// Rooms a guest may own.
    pub rooms_per_guest: usize,
    /// Rooms an account may own.
    pub rooms_per_account: usize,
    /// Accounts on the server.
    pub accounts: usize,
    /// Bytes of log a room keeps for newcomers.
    pub room_log_bytes_min: usize,
    /// Bytes of log a room keeps for slow readers.
    pub room_log_bytes_max: usize,
    /// Bytes of all logs.
    pub logs_bytes_max: usize,
    /// Bytes held for entries cut off from their room.
    pub unfinished_bytes_max: usize,
    /// Bytes of incomplete input of all connections.
    pub incomplete_input_bytes_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            clients: limits::CLIENTS_MAX,
            handshake_timeout: limits::HANDSHAKE_TIMEOUT,
            login_timeout: limits::LOGIN_TIMEOUT,
            message_timeout: limits::MESSAGE_TIMEOUT,
            stall_timeout: limits::STALL_TIMEOUT,
            ping_after: limits::PING_AFTER,
            gone_after: limits::GONE_AFTER,
            keepalive: limits::KEEPALIVE_IDLE,
            close_timeout: limits::CLOSE_TIMEOUT,
            shutdown_grace: limits::SHUTDOWN_GRACE,
            resume_within: limits::GUEST_RESUME_AGE_MAX,
            rekey_after: limits::REKEY_AFTER,
            unnamed_per_source: limits::UNNAMED_PER_SOURCE_MAX,
            named_per_source: limits::NAMED_PER_SOURCE_MAX,
            failures_per_source: limits::FAILURES_PER_SOURCE_MAX,
            unnamed_never_refused_below: limits::UNNAMED_NEVER_REFUSED_BELOW,
            rate_burst: limits::COMMAND_BURST,
            rate_per_second: limits::COMMANDS_PER_SECOND,
            bytes_burst: limits::COMMAND_BYTES_BURST,
            bytes_per_second: limits::COMMAND_BYTES_PER_SECOND,
            rooms: limits::ROOMS_MAX,
            rooms_per_guest: limits::ROOMS_PER_GUEST_MAX,
            rooms_per_account: limits::ROOMS_PER_ACCOUNT_MAX,
            accounts: limits::ACCOUNTS_MAX,
            room_log_bytes_min: limits::ROOM_LOG_BYTES_MIN,
            room_log_bytes_max: limits::ROOM_LOG_BYTES_MAX,
            logs_bytes_max: limits::LOGS_BYTES_MAX,
            unfinished_bytes_max: limits::UNFINISHED_BYTES_MAX,
            incomplete_input_bytes_max: limits::INCOMPLETE_INPUT_BYTES_MAX,
        }
    }
}

impl Bounds {
    /// The times that something is given; a deadline of no length would never stop being due.
    fn times(&self) -> [Duration; 8] {
        [
            self.handshake_timeout,
            self.login_timeout,
            self.message_timeout,
            self.stall_timeout,
            self.ping_after,
            self.gone_after,
            self.close_timeout,
            self.rekey_after,
        ]
    }

    /// Checks how the bounds relate.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] that names the keys and what must hold between them.
    pub(super) fn check(&self) -> Result<(), Mistake> {
        let rules = [
            (
                (1..=limits::CLIENTS_MAX).contains(&self.clients),
                "limits.clients must be between 1 and 1000000",
            ),
            (
                self.ping_after < self.gone_after,
                "limits.ping-after must be shorter than limits.gone-after",
            ),
            (
                self.rate_burst > 0 && self.rate_per_second > 0,
                "limits.rate-burst and limits.rate-per-second must be at least 1",
            ),
            (
                self.bytes_burst > 0 && self.bytes_per_second > 0,
                "limits.bytes-burst and limits.bytes-per-second must be at least 1",
            ),
            (
                self.room_log_bytes_min <= self.room_log_bytes_max,
                "limits.room-log-bytes-min must not exceed limits.room-log-bytes-max",
            ),
            (
                self.room_log_bytes_max <= self.logs_bytes_max,
                "limits.room-log-bytes-max must not exceed limits.logs-bytes-max",
            ),
            (
                (limits::KEEPALIVE_IDLE_MIN..=limits::KEEPALIVE_IDLE_MAX).contains(&self.keepalive),
                "limits.keepalive must be between \"1s\" and \"9h\", which is what TCP can count",
            ),
            (
                !self.times().contains(&Duration::ZERO),
                "no time in [limits] may be zero; write \"1ms\" for the shortest",
            ),
            (
                self.rooms >= 1,
                "limits.rooms must be at least 1, for #lobby",
            ),
            (
                self.accounts >= 1,
                "limits.accounts must be at least 1, for the account admin",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(Mistake((*rule).to_owned())),
            None => Ok(()),
        }
    }
}
