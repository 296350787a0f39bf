//! The store on disk: batches become transactions of an SQLite database.
//!
//! One transaction and one fsync for all that is queued. What memory knows of logs and numbers is
//! ahead of the database only within a transaction; when that comes to nothing, memory is read
//! again before anything else is done.

use super::chores::Chores;
use super::codec;
use super::failure::{Aborted, begin, end};
use super::logs::Logs;
use super::open::{self, OpenError, Opened};
use super::reader::{Clock, SqliteReader};
use super::records::{Numbers, Records};
use super::senders::{self, Senders};
use super::{Idle, Retention, Store, snapshot, space};
use crate::chat::{
    Append, Entry, EntryId, Epoch, Outcome, RoomId, Snapshot, Space, StoreFailure, Write,
};
use rusqlite::{Connection, params};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// A store in a folder, which no other store can open meanwhile.
pub struct SqliteStore {
    pub(super) connection: Connection,
    folder: PathBuf,
    is_new: bool,
    pub(super) logs: Logs,
    numbers: Numbers,
    pub(super) senders: Senders,
    pub(super) chores: Chores,
    /// The latest time it was told; what was sent lately is ordered by it.
    unix_ms: u64,
    /// Memory is ahead of the database, and must be read again.
    is_stale: bool,
    /// What went wrong last, until something goes well again.
    failing: Option<StoreFailure>,
    /// Held until everything above is closed.
    _lock: File,
}

impl SqliteStore {
    /// Opens the store in `folder`, or makes one with a history of that epoch.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when it is in use, damaged, of a newer version or cannot be read; what is
    /// there is left as it is.
    pub fn open(
        folder: &Path,
        epoch_if_new: Epoch,
        retention: Retention,
    ) -> Result<Self, OpenError> {
        let Opened {
            mut connection,
            lock,
            is_new,
        } = open::open(folder, epoch_if_new)?;
        let refused = |error| OpenError::of_sqlite(folder, error);
        let wal_pages = Arc::new(AtomicU32::new(0));
        open::count_wal_pages(&mut connection, wal_pages.clone()).map_err(refused)?;
        Ok(Self {
            logs: Logs::load(&connection).map_err(refused)?,
            numbers: Numbers::load(&connection).map_err(refused)?,
            unix_ms: senders::newest_unix_ms(&connection).map_err(refused)?,
            connection,
            folder: folder.to_owned(),
            is_new,
            senders: Senders::default(),
            chores: Chores::new(retention, wal_pages),
            is_stale: false,
            failing: None,
            _lock: lock,
        })
    }

    /// Whether it was made just now.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Reads everything a chat begins with, as it is in force at that time.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when it cannot be read.
    pub fn load(&self, unix_ms: u64) -> Result<Snapshot, OpenError> {
        snapshot::load(&self.connection, unix_ms)
            .map_err(|error| OpenError::of_sqlite(&self.folder, error))
    }

    /// Declares that another history begins: clients forget what they knew of this one.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when it cannot be written.
    pub fn set_epoch(&mut self, epoch: Epoch) -> Result<(), OpenError> {
        open::set_epoch(&self.connection, epoch)
            .map_err(|error| OpenError::of_sqlite(&self.folder, error))
    }

    /// Opens a reader beside it.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when the file cannot be opened once more.
    pub fn reader(&self, clock: Clock) -> Result<SqliteReader, OpenError> {
        SqliteReader::open(&self.folder, clock)
    }

    /// Does `work` as one transaction. Should it come to nothing, memory is read again.
    pub(super) fn transact<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> rusqlite::Result<T>,
    ) -> Result<T, StoreFailure> {
        self.refresh()?;
        let done = begin(&self.connection).map_err(Aborted::from);
        let done = done.and_then(|()| {
            let done = work(self);
            end(&self.connection, done)
        });
        match done {
            Ok(done) => {
                if self.failing.take().is_some() {
                    log::info!("store: it works again");
                }
                Ok(done)
            }
            Err(aborted) => {
                self.is_stale = true;
                Err(self.report(&aborted))
            }
        }
    }

    /// Reads memory again if it is ahead of the database.
    fn refresh(&mut self) -> Result<(), StoreFailure> {
        if !self.is_stale {
            return Ok(());
        }
        let loaded = Logs::load(&self.connection)
            .and_then(|logs| Ok((logs, Numbers::load(&self.connection)?)));
        match loaded {
            Ok((logs, numbers)) => {
                (self.logs, self.numbers) = (logs, numbers);
                self.is_stale = false;
                Ok(())
            }
            Err(error) => Err(self.report(&error.into())),
        }
    }

    /// Says in the log what went wrong, once until it goes well again.
    pub(super) fn report(&mut self, aborted: &Aborted) -> StoreFailure {
        if self.failing != Some(aborted.why) {
            log::error!("store: {:?}: {}", aborted.why, aborted.error);
            self.failing = Some(aborted.why);
        }
        aborted.why
    }

    fn write(&mut self, is_exhausted: bool, write: &Write) -> rusqlite::Result<Outcome> {
        match write {
            Write::Append(append) => self.append(is_exhausted, append),
            Write::Change { ticket, change } => {
                let mut records = Records {
                    connection: &self.connection,
                    logs: &mut self.logs,
                    numbers: &mut self.numbers,
                    is_erased: &mut self.chores.is_erased,
                    unix_ms: self.unix_ms,
                };
                records.change(change)?;
                Ok(Outcome::Changed(*ticket))
            }
        }
    }

    fn append(&mut self, is_exhausted: bool, append: &Append) -> rusqlite::Result<Outcome> {
        let ticket = append.ticket;
        let again = |(id, second)| Outcome::Stored {
            ticket,
            id,
            second,
            fresh: false,
        };
        if is_exhausted {
            let known = senders::known(&self.connection, append.sender)?;
            return Ok(known.map_or(
                Outcome::NotStored {
                    ticket,
                    why: StoreFailure::DiskFull,
                },
                again,
            ));
        }
        let room = append.row.0;
        let id = self.next_id(room);
        let second = append.second.as_ref().map(|(other, _)| {
            let is_same = *other == room;
            EntryId(self.next_id(*other).0 + u64::from(is_same))
        });
        let places = (id, second);
        let known = self
            .senders
            .remember(&self.connection, self.unix_ms, append.sender, places)?;
        if let Some(places) = known {
            return Ok(again(places));
        }
        self.insert(room, &append.row.1)?;
        if let Some((other, entry)) = &append.second {
            self.insert(*other, entry)?;
        }
        Ok(Outcome::Stored {
            ticket,
            id,
            second,
            fresh: true,
        })
    }

    fn next_id(&self, room: RoomId) -> EntryId {
        EntryId(self.logs.get(room).map_or(0, |log| log.newest) + 1)
    }

    fn insert(&mut self, room: RoomId, entry: &Entry) -> rusqlite::Result<()> {
        let (kind, text) =
            codec::of_body(&entry.body).expect("the chat hands over only what is stored");
        self.numbers.note_room(room);
        let (_, place) = self.logs.append(room, entry.unix_ms);
        let sql = "INSERT INTO entries (place, unix_ms, kind, author, text) \
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        self.connection.prepare_cached(sql)?.execute(params![
            place,
            entry.unix_ms.cast_signed(),
            kind,
            entry.author.as_str(),
            &**text,
        ])?;
        Ok(())
    }
}

impl Store for SqliteStore {
    fn commit(&mut self, unix_ms: u64, batch: &[Write]) -> Result<Vec<Outcome>, StoreFailure> {
        self.unix_ms = self.unix_ms.max(unix_ms);
        let is_exhausted = self.space() == Space::Exhausted;
        self.transact(|store| {
            let former = store.numbers;
            let outcomes = batch
                .iter()
                .map(|write| store.write(is_exhausted, write))
                .collect::<rusqlite::Result<_>>()?;
            store.logs.save(&store.connection)?;
            store.numbers.save(&store.connection, former)?;
            Ok(outcomes)
        })
    }

    fn idle(&mut self, unix_ms: u64) -> Result<Idle, StoreFailure> {
        self.unix_ms = self.unix_ms.max(unix_ms);
        self.do_chore(unix_ms)
    }

    fn space(&self) -> Space {
        space::of_disk(&self.folder)
    }

    fn close(&mut self) -> Result<(), StoreFailure> {
        let closed = open::set_clean(&self.connection, true)
            .and_then(|()| open::truncate_wal(&self.connection).map(|_| ()));
        closed.map_err(|error| self.report(&error.into()))
    }
}
