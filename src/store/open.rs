//! Opening: from a folder to a database that can be trusted, or words that say what to do.
//!
//! Nothing is ever made over what is there. A new database is made beside its place and moved
//! there when it is complete, so a file that is empty or cut short is a damaged one, not a new one.

use super::schema;
use crate::chat::Epoch;
use crate::disk;
use crate::limits::{
    DATABASE_CHECKED_BYTES, JOURNAL_BUSY_MAX, JOURNAL_CACHE_KIB, STATEMENTS_CACHED_MAX,
    WAL_BYTES_KEPT_MAX, WAL_TRUNCATE_WAIT,
};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, params};
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The database in the data folder.
pub(super) const DATABASE_FILE: &str = "parlour.db";
/// Its write-ahead log.
const WAL_FILE: &str = "parlour.db-wal";
/// A database that is being made.
const DRAFT_FILE: &str = "parlour.db.new";
/// A backup that is about to take the database's place.
pub(super) const RESTORED_FILE: &str = "parlour.db.restored";
/// Locked while a server uses the folder.
const LOCK_FILE: &str = "lock";

/// Why a store cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// Another server uses the folder.
    InUse(PathBuf),
    /// The database is damaged.
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The file is another program's.
    Foreign(PathBuf),
    /// A newer version of this program wrote the database.
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that is known.
        known: i64,
    },
    /// The system or the database refuses.
    Refused {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(folder) => write!(
                f,
                "another server uses the data folder {}; stop it, or name another folder with \
                 --data DIR",
                folder.display()
            ),
            Self::Damaged { path, what } => write!(
                f,
                "{} is damaged ({what}) and is left as it is; bring back a backup with `parlourd \
                 admin restore FILE`, or move it away to begin anew",
                path.display()
            ),
            Self::Foreign(path) => write!(
                f,
                "{} belongs to another program and is left as it is; name another data folder with \
                 --data DIR",
                path.display()
            ),
            Self::Newer { path, found, known } => write!(
                f,
                "{} was written by a newer version of parlourd (format {found}, this one knows up \
                 to {known}); run that version, or bring back an older backup",
                path.display()
            ),
            Self::Refused { path, why } => write!(f, "cannot open {}: {why}", path.display()),
        }
    }
}

impl OpenError {
    /// What an error of the database in `folder` means.
    pub(super) fn of_sqlite(folder: &Path, error: rusqlite::Error) -> Self {
        Self::of_file(&folder.join(DATABASE_FILE), &error)
    }

    /// What an error of a database file means.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the errors are the database's, and few of them mean damage"
    )]
    pub(super) fn of_file(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let is_damage = match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::QueryReturnedNoRows
            | rusqlite::Error::Utf8Error(..) => true,
            other => matches!(
                other.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::Unknown)
            ),
        };
        let text = error.to_string();
        if is_damage {
            Self::Damaged { path, what: text }
        } else {
            Self::Refused { path, why: text }
        }
    }

    pub(super) fn of_system(path: &Path, error: &io::Error) -> Self {
        Self::Refused {
            path: path.to_owned(),
            why: error.to_string(),
        }
    }
}

/// A database that is ready, and the lock on its folder.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) lock: File,
    pub(super) is_new: bool,
}

/// Opens the database in `folder`, or makes it.
pub(super) fn open(folder: &Path, epoch_if_new: Epoch) -> Result<Opened, OpenError> {
    let lock = lock(folder)?;
    let path = folder.join(DATABASE_FILE);
    let is_new = match fs::metadata(&path) {
        Ok(file) if file.len() == 0 => return Err(damaged(&path, "it is empty")),
        Ok(_) => false,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(folder, epoch_if_new)?;
            true
        }
        Err(error) => return Err(OpenError::of_system(&path, &error)),
    };
    let connection = prepare(&path)?;
    Ok(Opened {
        connection,
        lock,
        is_new,
    })
}

fn damaged(path: &Path, what: &str) -> OpenError {
    OpenError::Damaged {
        path: path.to_owned(),
        what: what.to_owned(),
    }
}

/// Takes the folder for this process; the system lets go of it when the process ends, however.
pub(super) fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join(LOCK_FILE);
    let file = private(&path).map_err(|error| OpenError::of_system(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::of_system(&path, &error)),
    }
}

/// Opens a file that nobody else may read, and makes it if there is none.
pub(super) fn private(path: &Path) -> io::Result<File> {
    let mut options = disk::private();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

/// Makes a database beside its place and moves it there.
fn create(folder: &Path, epoch: Epoch) -> Result<(), OpenError> {
    let path = folder.join(DATABASE_FILE);
    let has_wal = fs::metadata(folder.join(WAL_FILE)).is_ok_and(|file| file.len() > 0);
    if has_wal {
        return Err(damaged(&path, "it is gone, though parlour.db-wal is there"));
    }
    if folder.join(RESTORED_FILE).exists() {
        return Err(damaged(&path, "it was being replaced by a backup"));
    }
    let draft = folder.join(DRAFT_FILE);
    make(&draft, epoch).map_err(|error| OpenError::of_file(&draft, &error))?;
    put_in_place(&draft, &path).map_err(|error| OpenError::of_system(&path, &error))
}

fn make(draft: &Path, epoch: Epoch) -> rusqlite::Result<()> {
    let cannot = |error: io::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    // What a crash left of an earlier attempt.
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(error)),
        Ok(()) | Err(_) => {}
    }
    private(draft).map_err(cannot)?;
    let connection = Connection::open(draft)?;
    // Nothing of it counts before it is in its place, to which it is moved when it is on the disk.
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;")?;
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
    schema::migrate(&connection)?;
    set_epoch(&connection, epoch)?;
    set_clean(&connection, true)?;
    connection.close().map_err(|(_, error)| error)
}

/// Moves a complete database to its place, so that a crash leaves all of it or nothing.
pub(super) fn put_in_place(draft: &Path, path: &Path) -> io::Result<()> {
    File::open(draft)?.sync_all()?;
    fs::rename(draft, path)?;
    match path.parent() {
        Some(folder) => disk::sync_folder(folder),
        None => Ok(()),
    }
}

/// Opens an existing database and makes sure that it is ours and whole.
pub(super) fn prepare(path: &Path) -> Result<Connection, OpenError> {
    let refused = |error| OpenError::of_file(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(refused)?;
    // Closing writes nothing: not into a database that turned out to be damaged, and not after a
    // failed write, when nobody knows what the write-ahead log is worth.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(refused)?;
    connection.busy_timeout(JOURNAL_BUSY_MAX).map_err(refused)?;
    identify(&connection, path)?;
    set_up(&connection).map_err(refused)?;
    schema::migrate(&connection).map_err(refused)?;
    check(&connection, path)?;
    set_clean(&connection, false).map_err(refused)?;
    Ok(connection)
}

/// Makes sure that a database is ours, and of a version that is known.
pub(super) fn identify(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let refused = |error| OpenError::of_file(path, &error);
    let application: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(refused)?;
    if application != schema::APPLICATION_ID {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    let (found, known) = (
        schema::version(connection).map_err(refused)?,
        schema::version_known(),
    );
    if found > known {
        let path = path.to_owned();
        return Err(OpenError::Newer { path, found, known });
    }
    Ok(())
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    let kib = |kib: usize| i64::try_from(kib).expect("a cache has fewer");
    let kept = i64::try_from(WAL_BYTES_KEPT_MAX).expect("the disk has more");
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "cache_size", -kib(JOURNAL_CACHE_KIB))?;
    connection.pragma_update(None, "journal_size_limit", kept)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // The chores do it, when it holds nobody up.
    connection.pragma_update(None, "wal_autocheckpoint", 0)
}

/// Looks whether a database is whole: after a crash, and always when that takes no time.
fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let refused = |error| OpenError::of_file(path, &error);
    let clean = "SELECT value FROM meta WHERE key = 'clean'";
    let is_clean: bool = connection
        .query_row(clean, [], |row| row.get(0))
        .map_err(refused)?;
    let bytes = fs::metadata(path).map_or(0, |file| file.len());
    if is_clean && bytes > DATABASE_CHECKED_BYTES {
        return Ok(());
    }
    if !is_clean {
        log::info!("the server was not stopped properly last time; checking the database");
    }
    look_through(connection)
        .map_err(refused)?
        .map_or(Ok(()), |fault| Err(damaged(path, &fault)))
}

/// The first fault of any table. The index of words is looked at as the tables it is made of: to
/// compare it word by word would take as long as to make it anew.
pub(super) fn look_through(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let tables: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for table in tables {
        let mut fault = None;
        connection.pragma(None, "quick_check", &table, |row| {
            let found: String = row.get(0)?;
            if found != "ok" && fault.is_none() {
                fault = Some(found.replace(['\n', '\r'], " "));
            }
            Ok(())
        })?;
        if fault.is_some() {
            return Ok(fault);
        }
    }
    Ok(None)
}

/// Writes which history this is.
pub(super) fn set_epoch(connection: &Connection, epoch: Epoch) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('epoch', ?1)";
    connection.execute(sql, [epoch.0.as_slice()]).map(|_| ())
}

/// Notes that the database was left in good order, or that it is in use.
pub(super) fn set_clean(connection: &Connection, is_clean: bool) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('clean', ?1)";
    connection.execute(sql, params![is_clean]).map(|_| ())
}

/// Lets `pages` tell how many pages the write-ahead log has.
pub(super) fn count_wal_pages(
    connection: &mut Connection,
    pages: Arc<AtomicU32>,
) -> rusqlite::Result<()> {
    let count = move |_: &mut rusqlite::hooks::Wal, found: i32| {
        pages.store(u32::try_from(found).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    };
    connection.wal_hook(Some(count))
}

/// Brings what is in the write-ahead log to its place, as far as readers let it.
pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// The same, and leaves nothing in it; whether readers let it.
pub(super) fn truncate_wal(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(WAL_TRUNCATE_WAIT)?;
    let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    connection.busy_timeout(JOURNAL_BUSY_MAX)?;
    is_busy.map(|is_busy: bool| !is_busy)
}
