//! Settings: the configuration in the words of the parts it concerns.
//!
//! They are made at the start, and once more when it is read again.

use super::deadlines::Delays;
use crate::chat::{Kept, Rates, Settings};
use crate::config::{Bounds, Config};
use crate::fanout;
use crate::limits::{EMPTY_LINE_WAIT, FILE_MEMORY_BYTES_MAX, LINGER_TIMEOUT};
use crate::store::Retention;
use std::time::Duration;

/// What the chat is to know.
pub(super) fn settings(config: &Config, kept: Kept) -> Settings {
    let bounds = &config.bounds;
    Settings {
        kept,
        rates: Rates {
            command_burst: bounds.rate_burst,
            commands_per_second: bounds.rate_per_second,
            byte_burst: bounds.bytes_burst,
            bytes_per_second: bounds.bytes_per_second,
        },
        guests_create_rooms: config.guests_create_rooms,
        rooms_max: bounds.rooms,
        rooms_per_guest: bounds.rooms_per_guest,
        rooms_per_account: bounds.rooms_per_account,
        accounts_max: bounds.accounts,
        guest_resume: bounds.resume_within,
        log_messages: config.log_messages,
        empty_line_leaves: config.empty_line_leaves,
        file_quota: file_quota(config),
        file_age: bounds.file_age,
        ..Settings::default()
    }
}

/// How many bytes of files there may be: without a data folder they are in memory.
fn file_quota(config: &Config) -> u64 {
    let is_in_memory = config.ephemeral || config.data.is_none();
    let most = if is_in_memory {
        FILE_MEMORY_BYTES_MAX
    } else {
        u64::MAX
    };
    config.bounds.file_bytes.min(most)
}

/// What the fan-out may hold.
pub(super) fn fanout_bounds(bounds: &Bounds, kept: Kept) -> fanout::Bounds {
    fanout::Bounds {
        has_store: match kept {
            Kept::Stored => true,
            Kept::InMemory | Kept::No => false,
        },
        room_log_bytes_min: bounds.room_log_bytes_min,
        room_log_bytes_max: bounds.room_log_bytes_max,
        logs_bytes_max: bounds.logs_bytes_max,
        unfinished_bytes_max: bounds.unfinished_bytes_max,
        ..fanout::Bounds::default()
    }
}

/// After what time a connection is looked at again.
pub(super) fn delays(bounds: &Bounds) -> Delays {
    // Looked at often enough that silence is noticed within a quarter of the time between asking
    // and giving up.
    let silence = (bounds.gone_after - bounds.ping_after).min(bounds.ping_after) / 4;
    let shortest = Duration::from_millis(1);
    Delays([
        bounds.handshake_timeout,
        bounds.login_timeout,
        // One entry serves all messages of a connection, so it is looked at more often than it is
        // due.
        (bounds.message_timeout / 4).max(shortest),
        silence.max(shortest),
        EMPTY_LINE_WAIT,
        bounds.close_timeout,
        LINGER_TIMEOUT.min(bounds.close_timeout),
    ])
}

/// How long what is said is kept.
pub(super) fn retention(config: &Config) -> Retention {
    let day = Duration::from_secs(24 * 3600);
    Retention {
        age: (config.history_days > 0).then(|| day * config.history_days),
        entries: Some(config.history_entries).filter(|entries| *entries > 0),
    }
}
