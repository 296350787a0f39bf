//! Looking: what the records say, read beside a server that may be using them.

use super::backup::read_only;
use super::open::{DATABASE_FILE, OpenError};
use super::reader::{Clock, SqliteReader};
use super::snapshot;
use crate::chat::Snapshot;
use std::path::Path;

/// Reads all records in `folder` as they are in force at that time, and changes nothing.
///
/// # Errors
///
/// [`OpenError`] when there are none, or they cannot be read.
pub fn look(folder: &Path, unix_ms: u64) -> Result<Snapshot, OpenError> {
    let path = folder.join(DATABASE_FILE);
    let connection = read_only(&path)?;
    snapshot::load(&connection, unix_ms).map_err(|error| OpenError::of_file(&path, &error))
}

/// Opens a reader of what was said, beside a server that may be adding to it.
///
/// # Errors
///
/// [`OpenError`] when it cannot be read.
pub fn reader(folder: &Path, clock: Clock) -> Result<SqliteReader, OpenError> {
    // Looked at first, for a database that is none is refused in better words.
    read_only(&folder.join(DATABASE_FILE))?;
    SqliteReader::open(folder, clock)
}
