//! The clock of the operator's commands: read once for each.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970. A clock set before then reads as 1970.
#[expect(clippy::disallowed_methods, reason = "this program's one place for it")]
pub(super) fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
