//! Failures: what went wrong in the database, and what that means for everybody else.
//!
//! A full disk and a failed write leave the database as it was before, so the next batch may work.
//! After a failed fsync nobody knows what is on the disk, and asking again is no help: the system
//! may have thrown away what it could not write. A damaged database must not be written any more.

use crate::chat::StoreFailure;
use rusqlite::{Connection, Error, ErrorCode, ffi};

/// What an error before the commit means.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the codes are the database's, and most of them mean one thing"
)]
pub(super) fn failure(error: &Error) -> StoreFailure {
    let Some(cause) = error.sqlite_error() else {
        return StoreFailure::Io;
    };
    match cause.code {
        ErrorCode::DiskFull => StoreFailure::DiskFull,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreFailure::Broken,
        ErrorCode::SystemIoFailure => match cause.extended_code {
            // The memory that writers and readers share lives on the disk too.
            ffi::SQLITE_IOERR_SHMSIZE => StoreFailure::DiskFull,
            ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => StoreFailure::Broken,
            _ => StoreFailure::Io,
        },
        _ => StoreFailure::Io,
    }
}

/// What an error of the commit itself means: a write that failed there may have reached the disk.
fn commit_failure(error: &Error) -> StoreFailure {
    match failure(error) {
        StoreFailure::Io if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) => {
            StoreFailure::Broken
        }
        failure @ (StoreFailure::Io | StoreFailure::DiskFull | StoreFailure::Broken) => failure,
    }
}

/// Why a transaction came to nothing.
#[derive(Debug)]
pub(super) struct Aborted {
    /// What it means.
    pub(super) why: StoreFailure,
    /// What the database says of it.
    pub(super) error: Error,
}

impl From<Error> for Aborted {
    fn from(error: Error) -> Self {
        let why = failure(&error);
        Self { why, error }
    }
}

/// Begins to write. Waits for another process that writes.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    Ok(())
}

/// Brings what was done since [`begin`] to the disk; or, if it failed or this does, leaves
/// everything as it was.
pub(super) fn end<T>(connection: &Connection, done: rusqlite::Result<T>) -> Result<T, Aborted> {
    let ended = done.map_err(Aborted::from).and_then(|done| {
        let committed = connection
            .prepare_cached("COMMIT")
            .and_then(|mut commit| commit.execute([]));
        committed.map(|_| done).map_err(|error| Aborted {
            why: commit_failure(&error),
            error,
        })
    });
    if ended.is_err() && !connection.is_autocommit() {
        // Should this fail too, the next BEGIN says so.
        let _ = connection.execute_batch("ROLLBACK");
    }
    ended
}
