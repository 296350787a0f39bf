//! Searching: the newest entries in which all words are.
//!
//! Each room is searched by itself, newest first, since a room's entries are a range of places and
//! the index is sorted by them: what others say elsewhere costs nothing. First only places and
//! times are gathered; texts are read of the hits that are shown.

use super::Hits;
use super::codec;
use super::logs::Log;
use super::reader::{entry, is_over};
use super::retention::first_since;
use crate::chat::{RoomId, Search};
use crate::limits::{SEARCH_HITS_MAX, SEARCH_WORDS_MAX};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

/// A hit that is not read yet: when, where.
type Hit = (u64, RoomId, i64);

/// What is looked for in the index.
enum Expression {
    /// Entries that match.
    Match(String),
    /// Every entry: nothing is asked for that the index knows.
    All,
    /// None: words are asked for that are made of no letters.
    Nothing,
}

/// Finds what is looked for, as far as the time reaches.
pub(super) fn search(connection: &Connection, search: &Search) -> rusqlite::Result<Hits> {
    let mut found = Hits::default();
    let expression = expression(search);
    let most = search.hits_max.min(SEARCH_HITS_MAX);
    let mut hits = Vec::new();
    for room in &search.rooms {
        match search_room(connection, search, &expression, *room, most, &mut hits) {
            Ok(()) => {}
            Err(error) if is_over(&error) => {
                found.is_cut = true;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    hits.sort_unstable_by_key(|(unix_ms, room, place)| (*unix_ms, *room, *place));
    found.is_cut |= hits.len() > most;
    let shown = hits.split_off(hits.len().saturating_sub(most));
    let sql = "SELECT place, unix_ms, kind, author, text FROM entries WHERE place = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    for (_, room, place) in shown {
        match statement.query_row([place], entry).optional() {
            Ok(read) => found
                .entries
                .extend(read.flatten().map(|entry| (room, entry))),
            Err(error) if is_over(&error) => {
                found.is_cut = true;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// What the index is asked for. Everything is quoted: nothing that was typed is an operator.
fn expression(search: &Search) -> Expression {
    let is_known = |word: &str| word.chars().any(char::is_alphanumeric);
    // The index takes a NUL for the end of what is asked.
    let bare = |word: &str| word.replace('"', "\"\"").replace('\0', " ");
    let quoted = |word: &str| format!("\"{}\"", bare(word));
    let mut parts: Vec<String> = search
        .words
        .iter()
        .filter(|word| is_known(word))
        .take(SEARCH_WORDS_MAX)
        .map(|word| format!("text : {}", quoted(word)))
        .collect();
    if parts.is_empty() && !search.words.is_empty() {
        return Expression::Nothing;
    }
    if let Some(from) = search.from.filter(|from| is_known(from.as_str())) {
        parts.push(format!("author : {}", quoted(from.as_str())));
    }
    if parts.is_empty() {
        Expression::All
    } else {
        Expression::Match(parts.join(" AND "))
    }
}

/// Adds the newest hits of one room: one more than are wanted, to see whether there are more.
fn search_room(
    connection: &Connection,
    search: &Search,
    expression: &Expression,
    room: RoomId,
    most: usize,
    hits: &mut Vec<Hit>,
) -> rusqlite::Result<()> {
    let Some(log) = Log::of_room(connection, room)? else {
        return Ok(());
    };
    let begin = match search.since_unix_ms {
        Some(since) => first_since(connection, &log, since)?,
        None => log.first,
    };
    if begin > log.newest {
        return Ok(());
    }
    let (first, last) = log.places(begin..=log.newest);
    let mut values = vec![Value::from(first), Value::from(last)];
    let sql = match expression {
        Expression::Match(expression) => {
            values.push(Value::from(expression.clone()));
            "SELECT place, unix_ms, kind, entries.author FROM words CROSS JOIN entries \
             ON place = words.rowid WHERE words MATCH ?3 AND words.rowid BETWEEN ?1 AND ?2 \
             ORDER BY words.rowid DESC"
        }
        Expression::All => {
            "SELECT place, unix_ms, kind, author FROM entries \
             WHERE place BETWEEN ?1 AND ?2 ORDER BY place DESC"
        }
        Expression::Nothing => return Ok(()),
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut wanted = most + 1;
    while wanted > 0 {
        let Some(row) = rows.next()? else {
            return Ok(());
        };
        let is_there = row.get::<_, i64>(2)? != codec::TAKEN_BACK;
        // The index knows the words of a name; whether it is that name is seen here.
        let is_from = match search.from {
            Some(from) => codec::name(row, 3)? == from,
            None => true,
        };
        if is_there && is_from {
            hits.push((codec::number(row, 1)?, room, row.get(0)?));
            wanted -= 1;
        }
    }
    Ok(())
}
