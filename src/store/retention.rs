//! Retention: what is too old, too much, or belonged to a room that has ended is deleted.
//!
//! Only ever the first entries of a log, so that what is left stays dense; in small steps, so that
//! the journal is never held up for long.

use super::Retention;
use super::index::delete_first;
use super::logs::{Log, Logs};
use super::senders;
use super::snapshot::cutoff;
use crate::chat::RoomId;
use crate::limits::{ACCOUNT_NAME_RESERVED, ACCOUNT_RESUME_AGE_MAX, RETENTION_STEP_ROOMS};
use rusqlite::{Connection, OptionalExtension};

/// Deletes a piece of what was said in rooms that have ended.
pub(super) fn delete_ended(connection: &Connection, logs: &mut Logs) -> rusqlite::Result<()> {
    let Some(log) = logs.any_ended() else {
        return Ok(());
    };
    let first = delete_first(connection, &log, log.newest + 1)?;
    logs.set_first_of_ended(connection, log.number, first)
}

/// Where a look at all rooms has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Rooms after this one are still to be looked at.
    Rooms(RoomId),
    /// Rooms are done; what is remembered besides is still to be looked at.
    Rest,
    /// All is done.
    Over,
}

/// Does the next piece of a look at everything; sets `is_erased` when texts were deleted.
pub(super) fn step(
    connection: &Connection,
    logs: &mut Logs,
    retention: Retention,
    unix_ms: u64,
    progress: Progress,
    is_erased: &mut bool,
) -> rusqlite::Result<Progress> {
    match progress {
        Progress::Rooms(_) if retention == Retention::default() => Ok(Progress::Rest),
        Progress::Rooms(after) => {
            let next = look_at_rooms(connection, logs, retention, unix_ms, after)?;
            *is_erased |= next.1;
            Ok(next.0)
        }
        Progress::Rest => forget_old(connection, unix_ms),
        Progress::Over => Ok(Progress::Over),
    }
}

/// Looks at the next rooms; how far it came, and whether it deleted anything.
fn look_at_rooms(
    connection: &Connection,
    logs: &mut Logs,
    retention: Retention,
    unix_ms: u64,
    after: RoomId,
) -> rusqlite::Result<(Progress, bool)> {
    let rooms = logs.after(after, RETENTION_STEP_ROOMS);
    let Some((last, _)) = rooms.last().copied() else {
        return Ok((Progress::Rest, false));
    };
    let mut before = after;
    for (room, log) in rooms {
        let end = first_kept(connection, &log, retention, unix_ms)?;
        let first = delete_first(connection, &log, end)?;
        if first != log.first {
            logs.set_first(room, first);
            logs.save(connection)?;
            // One room's piece is enough for one step; the room is looked at again.
            return Ok((Progress::Rooms(before), true));
        }
        before = room;
    }
    Ok((Progress::Rooms(last), false))
}

/// The id of the first entry of a log that may stay.
fn first_kept(
    connection: &Connection,
    log: &Log,
    retention: Retention,
    unix_ms: u64,
) -> rusqlite::Result<u64> {
    let by_count = retention
        .entries
        .map_or(0, |entries| (log.newest + 1).saturating_sub(entries));
    let by_age = match retention.age {
        Some(age) => first_since(connection, log, cutoff(unix_ms, age).cast_unsigned())?,
        None => 0,
    };
    Ok(by_count.max(by_age))
}

/// The id of the first entry of a log that is as new as that; the one after the newest if none is.
///
/// Times never fall within a log, so it is found by halving.
pub(super) fn first_since(
    connection: &Connection,
    log: &Log,
    unix_ms: u64,
) -> rusqlite::Result<u64> {
    let mut statement =
        connection.prepare_cached("SELECT unix_ms FROM entries WHERE place = ?1")?;
    let (mut low, mut high) = (log.first, log.newest + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<i64> = statement
            .query_row([log.place(middle)], |row| row.get(0))
            .optional()?;
        if found.is_some_and(|time| time.cast_unsigned() >= unix_ms) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

/// Forgets messages nobody will send again, sessions nobody can resume, names that are free.
fn forget_old(connection: &Connection, unix_ms: u64) -> rusqlite::Result<Progress> {
    connection
        .prepare_cached("DELETE FROM sessions WHERE seen_unix_ms <= ?1")?
        .execute([cutoff(unix_ms, ACCOUNT_RESUME_AGE_MAX)])?;
    connection
        .prepare_cached("DELETE FROM retired WHERE since_unix_ms <= ?1")?
        .execute([cutoff(unix_ms, ACCOUNT_NAME_RESERVED)])?;
    let is_more = senders::forget_old(connection, unix_ms)?;
    Ok(if is_more {
        Progress::Rest
    } else {
        Progress::Over
    })
}
