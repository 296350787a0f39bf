//! The index of words: it follows what was said, by a watermark in each log.
//!
//! It is derived: what it does not know yet, or should it be lost, is read from the entries. It
//! keeps no text of its own, so to take an entry out one must say what was put in.

use super::codec::TAKEN_BACK;
use super::logs::{Log, Logs, id_of};
use crate::limits::{DELETE_STEP_ENTRIES, INDEX_STEP_BYTES, INDEX_STEP_ENTRIES};
use rusqlite::{Connection, params};
use std::ops::RangeInclusive;

/// How much of a step is left.
struct Left {
    entries: usize,
    bytes: usize,
}

/// Puts the next entries into the index, of one log after the other; returns the number of the
/// last one. Logs are taken by their numbers, since an index is written fastest in order.
pub(super) fn follow(
    connection: &Connection,
    logs: &mut Logs,
    after: u32,
) -> rusqlite::Result<u32> {
    let mut left = Left {
        entries: INDEX_STEP_ENTRIES,
        bytes: INDEX_STEP_BYTES,
    };
    let mut last = after;
    for (room, log) in logs.behind_after(after) {
        let indexed = follow_log(connection, &log, &mut left)?;
        logs.set_indexed(room, indexed);
        last = log.number;
        if left.entries == 0 || left.bytes == 0 {
            break;
        }
    }
    logs.save(connection)?;
    Ok(last)
}

/// Puts the next entries of one log into the index; returns the id of the last one it knows.
fn follow_log(connection: &Connection, log: &Log, left: &mut Left) -> rusqlite::Result<u64> {
    let (first, last) = log.places(log.indexed.max(log.first - 1) + 1..=log.newest);
    let sql = "SELECT place, kind, author, text FROM entries \
               WHERE place BETWEEN ?1 AND ?2 ORDER BY place";
    let mut entries = connection.prepare_cached(sql)?;
    let sql = "INSERT INTO words (rowid, author, text) VALUES (?1, ?2, ?3)";
    let mut words = connection.prepare_cached(sql)?;
    let mut rows = entries.query([first, last])?;
    while let Some(row) = rows.next()? {
        let place: i64 = row.get(0)?;
        let text = row.get_ref(3)?.as_str()?;
        if row.get::<_, i64>(1)? != TAKEN_BACK {
            words.execute(params![place, row.get_ref(2)?.as_str()?, text])?;
        }
        left.entries -= 1;
        left.bytes = left.bytes.saturating_sub(text.len());
        if left.entries == 0 || left.bytes == 0 {
            return Ok(id_of(place));
        }
    }
    Ok(log.newest)
}

/// Takes entries out of the index. They must be in it, and their texts as they were then.
pub(super) fn forget(connection: &Connection, places: RangeInclusive<i64>) -> rusqlite::Result<()> {
    let sql = "INSERT INTO words (words, rowid, author, text) \
               SELECT 'delete', place, author, text FROM entries \
               WHERE place BETWEEN ?1 AND ?2 AND kind <> ?3";
    connection
        .prepare_cached(sql)?
        .execute(params![places.start(), places.end(), TAKEN_BACK])?;
    Ok(())
}

/// Deletes the first entries of a log, before `end`, from index and table; as many as one step
/// may. Returns the id of the first one that is left.
pub(super) fn delete_first(connection: &Connection, log: &Log, end: u64) -> rusqlite::Result<u64> {
    let most = u64::try_from(DELETE_STEP_ENTRIES).expect("a small number");
    let end = end.min(log.first.saturating_add(most)).min(log.newest + 1);
    if end <= log.first {
        return Ok(log.first);
    }
    let known = log.indexed.min(end - 1);
    if known >= log.first {
        let (first, last) = log.places(log.first..=known);
        forget(connection, first..=last)?;
    }
    let (first, last) = log.places(log.first..=end - 1);
    connection
        .prepare_cached("DELETE FROM entries WHERE place BETWEEN ?1 AND ?2")?
        .execute([first, last])?;
    Ok(end)
}
