//! The reader: pages of what was said, read on a connection of its own while the journal writes.
//!
//! Every question is one short read transaction with a deadline: what was found by then is the
//! answer. So a question of any size delays the next one by little, and the journal by nothing.

use super::codec;
use super::failure::failure;
use super::logs::{Log, id_of};
use super::open::{DATABASE_FILE, OpenError};
use super::retention::first_since;
use super::{Hits, Reader, search};
use crate::chat::From as Begin;
use crate::chat::{Entry, EntryId, Page, PageRequest, Search, StoreFailure};
use crate::limits::{
    ENTRY_ENVELOPE_BYTES_MAX, PAGE_BYTES_MAX, READ_STEPS_PER_CLOCK_READING, READ_TIME_MAX,
    READER_CACHE_KIB, STATEMENTS_CACHED_MAX,
};
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, OptionalExtension, Row, params};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Tells the time since an arbitrary start.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Reads what an [`SqliteStore`](super::SqliteStore) keeps.
pub struct SqliteReader {
    connection: Connection,
    clock: Clock,
    /// When the question being answered must end, microseconds of the clock.
    deadline: Arc<AtomicU64>,
}

impl SqliteReader {
    /// Opens the database in `folder`, which a store has opened.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when it cannot be read.
    pub(super) fn open(folder: &Path, clock: Clock) -> Result<Self, OpenError> {
        let deadline = Arc::new(AtomicU64::new(u64::MAX));
        connect(folder, clock.clone(), deadline.clone())
            .map(|connection| Self {
                connection,
                clock,
                deadline,
            })
            .map_err(|error| OpenError::of_sqlite(folder, error))
    }

    /// Asks within the time a question may take, and of one state of the database.
    fn ask<T>(
        &mut self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreFailure> {
        let end = micros((self.clock)() + READ_TIME_MAX);
        self.deadline.store(end, Ordering::Relaxed);
        let answer = self
            .connection
            .unchecked_transaction()
            .and_then(|transaction| question(&transaction));
        self.deadline.store(u64::MAX, Ordering::Relaxed);
        answer.map_err(|error| {
            log::warn!("store: cannot read: {error}");
            failure(&error)
        })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn connect(folder: &Path, clock: Clock, deadline: Arc<AtomicU64>) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(folder.join(DATABASE_FILE), flags)?;
    connection.busy_timeout(READ_TIME_MAX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    let kib = i64::try_from(READER_CACHE_KIB).expect("a cache has fewer");
    connection.pragma_update(None, "cache_size", -kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.progress_handler(
        READ_STEPS_PER_CLOCK_READING.into(),
        Some(move || micros(clock()) >= deadline.load(Ordering::Relaxed)),
    )?;
    Ok(connection)
}

impl Reader for SqliteReader {
    fn page(&mut self, request: &PageRequest) -> Result<Page, StoreFailure> {
        self.ask(|connection| page(connection, request))
    }

    fn search(&mut self, search: &Search) -> Result<Hits, StoreFailure> {
        self.ask(|connection| search::search(connection, search))
    }
}

/// Whether a question ended because its time was over.
pub(super) fn is_over(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

fn page(connection: &Connection, request: &PageRequest) -> rusqlite::Result<Page> {
    let mut page = Page {
        is_last: true,
        ..Page::default()
    };
    let Some(log) = Log::of_room(connection, request.room)? else {
        return Ok(page);
    };
    let end = request.before.0.min(log.newest + 1);
    let begin = match request.from {
        Begin::After(entry) => {
            let begin = entry.0.saturating_add(1);
            page.missed = log.first.min(request.before.0).saturating_sub(begin);
            begin
        }
        Begin::Since(unix_ms) => first_since(connection, &log, unix_ms)?,
        Begin::Newest(count) => newest(connection, &log, end, count)?,
    };
    let begin = begin.max(log.first);
    if begin < end {
        read_entries(connection, &log, begin, end, &mut page)?;
    }
    Ok(page)
}

/// Where the newest so many entries before `end` begin. Those taken back do not count.
fn newest(connection: &Connection, log: &Log, end: u64, count: usize) -> rusqlite::Result<u64> {
    if count == 0 || end <= log.first {
        return Ok(end);
    }
    let (first, last) = log.places(log.first..=end - 1);
    let sql = "SELECT place FROM entries WHERE place BETWEEN ?1 AND ?2 AND kind <> ?3 \
               ORDER BY place DESC LIMIT 1 OFFSET ?4";
    let skipped = i64::try_from(count - 1).unwrap_or(i64::MAX);
    let place: Option<i64> = connection
        .prepare_cached(sql)?
        .query_row(params![first, last, codec::TAKEN_BACK, skipped], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(place.map_or(log.first, id_of))
}

/// Reads the entries from `begin` to before `end`, until the page is full or the time is over.
fn read_entries(
    connection: &Connection,
    log: &Log,
    begin: u64,
    end: u64,
    page: &mut Page,
) -> rusqlite::Result<()> {
    let sql = "SELECT place, unix_ms, kind, author, text FROM entries \
               WHERE place BETWEEN ?1 AND ?2 ORDER BY place";
    let mut statement = connection.prepare_cached(sql)?;
    let (first, last) = log.places(begin..=end - 1);
    let mut rows = statement.query([first, last])?;
    let mut bytes = 0;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(()),
            Err(error) if is_over(&error) && !page.entries.is_empty() => break,
            Err(error) => return Err(error),
        };
        let Some(entry) = entry(row)? else {
            continue;
        };
        // Small texts count for more, so that there is an end to their number as well.
        bytes += row.get_ref(4)?.as_bytes()?.len() + ENTRY_ENVELOPE_BYTES_MAX;
        if bytes > PAGE_BYTES_MAX && !page.entries.is_empty() {
            break;
        }
        page.entries.push(entry);
    }
    page.is_last = false;
    Ok(())
}

/// An entry as a row has it: place, time, kind, author, text. None if it was taken back.
pub(super) fn entry(row: &Row<'_>) -> rusqlite::Result<Option<Entry>> {
    let Some(body) = codec::body(row.get(2)?, row.get_ref(4)?.as_str()?) else {
        return Ok(None);
    };
    Ok(Some(Entry {
        id: Some(EntryId(id_of(row.get(0)?))),
        unix_ms: codec::number(row, 1)?,
        author: codec::name(row, 3)?,
        origin: None,
        body,
    }))
}
