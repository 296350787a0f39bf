//! Senders: what each of them sent lately, so that a message sent again is recognised.
//!
//! A client that lost its connection sends again what was not acknowledged, at most
//! `limits::UNACKNOWLEDGED_MAX` messages. So the newest as many of each sender are kept for
//! `limits::DEDUPE_AGE_MAX`. More are kept until there is time to delete them.

use super::codec::{number, number_if_any};
use crate::chat::{EntryId, MessageKey, SessionId};
use crate::limits::{DEDUPE_AGE_MAX, DELETE_STEP_ENTRIES, SENDERS_COUNTED_MAX, UNACKNOWLEDGED_MAX};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// Who sent a message, and under which number.
pub(super) type Sender = (SessionId, MessageKey);
/// The places a message was given.
pub(super) type Places = (EntryId, Option<EntryId>);

/// How many messages were remembered of each sender since the last look at it.
#[derive(Debug, Default)]
pub(super) struct Senders {
    counts: BTreeMap<SessionId, usize>,
    /// Who may have more than are kept.
    full: Vec<SessionId>,
}

impl Senders {
    /// Remembers a message, unless it is known already; then its places are returned.
    pub(super) fn remember(
        &mut self,
        connection: &Connection,
        unix_ms: u64,
        sender: Sender,
        places: Places,
    ) -> rusqlite::Result<Option<Places>> {
        let sql = "INSERT INTO sent (sender, key, id, second, unix_ms) \
                   VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
        let rows = connection.prepare_cached(sql)?.execute(params![
            sender.0.0.cast_signed(),
            sender.1.0.cast_signed(),
            places.0.0.cast_signed(),
            places.1.map(|second| second.0.cast_signed()),
            unix_ms.cast_signed(),
        ])?;
        if rows == 0 {
            return known(connection, sender);
        }
        if self.counts.len() >= SENDERS_COUNTED_MAX {
            self.counts.clear();
        }
        let count = self.counts.entry(sender.0).or_default();
        *count += 1;
        if *count > UNACKNOWLEDGED_MAX {
            self.counts.remove(&sender.0);
            self.full.push(sender.0);
        }
        Ok(None)
    }

    /// Whether there are senders of whom too much is remembered.
    pub(super) fn is_any_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// Forgets what one sender sent before its newest messages.
    pub(super) fn trim_one(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let Some(sender) = self.full.pop() else {
            return Ok(());
        };
        // Of those of one millisecond all are kept: their order is not known.
        let sql = "DELETE FROM sent WHERE sender = ?1 AND unix_ms < ( \
                   SELECT unix_ms FROM sent WHERE sender = ?1 \
                   ORDER BY unix_ms DESC LIMIT 1 OFFSET ?2)";
        let kept = i64::try_from(UNACKNOWLEDGED_MAX - 1).expect("a small number");
        connection
            .prepare_cached(sql)?
            .execute(params![sender.0.cast_signed(), kept])?;
        Ok(())
    }
}

/// The places a message was given, if it is known.
pub(super) fn known(connection: &Connection, sender: Sender) -> rusqlite::Result<Option<Places>> {
    connection
        .prepare_cached("SELECT id, second FROM sent WHERE sender = ?1 AND key = ?2")?
        .query_row(
            [sender.0.0.cast_signed(), sender.1.0.cast_signed()],
            |row| {
                let second = number_if_any(row, 1)?.map(EntryId);
                Ok((EntryId(number(row, 0)?), second))
            },
        )
        .optional()
}

/// When the newest of the messages known was stored; 0 when none is.
pub(super) fn newest_unix_ms(connection: &Connection) -> rusqlite::Result<u64> {
    let newest = "SELECT ifnull(max(unix_ms), 0) FROM sent";
    connection.query_row(newest, [], |row| number(row, 0))
}

/// Forgets some of the messages that are too old to be sent again; whether there were that many.
pub(super) fn forget_old(connection: &Connection, unix_ms: u64) -> rusqlite::Result<bool> {
    let age = u64::try_from(DEDUPE_AGE_MAX.as_millis()).expect("a day fits");
    let sql = "DELETE FROM sent WHERE (sender, key) IN \
               (SELECT sender, key FROM sent WHERE unix_ms < ?1 ORDER BY unix_ms LIMIT ?2)";
    let most = i64::try_from(DELETE_STEP_ENTRIES).expect("a small number");
    let deleted = connection
        .prepare_cached(sql)?
        .execute(params![unix_ms.saturating_sub(age).cast_signed(), most])?;
    Ok(deleted == DELETE_STEP_ENTRIES)
}
