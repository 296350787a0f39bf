//! Backups: a copy of the database while it is in use, and its way back; and writing it anew.

use super::open::{self, DATABASE_FILE, OpenError, RESTORED_FILE};
use super::schema;
use crate::chat::Epoch;
use crate::limits::{BACKUP_STEP_PAGES, READ_TIME_MAX};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::io;
use std::path::Path;

/// Copies the database in `folder` to a new file, readable by its owner alone. A server may use
/// it meanwhile, and does not wait. The copy is a state that the database was in.
///
/// # Errors
///
/// [`OpenError`] when the database cannot be read, or the file exists or cannot be written.
pub fn back_up(folder: &Path, file: &Path) -> Result<(), OpenError> {
    let source = folder.join(DATABASE_FILE);
    if fs::symlink_metadata(file).is_ok() {
        return Err(OpenError::Refused {
            path: file.to_owned(),
            why: "it exists; name another file".to_owned(),
        });
    }
    open::private(file).map_err(|error| OpenError::of_system(file, &error))?;
    let copied = copy(&source, file);
    if copied.is_err() {
        // Half a copy is worse than none; what cannot be removed is at least said to be none.
        let _ = fs::remove_file(file);
    }
    copied
}

fn copy(source: &Path, file: &Path) -> Result<(), OpenError> {
    let from = read_only(source)?;
    let refused = |error| OpenError::of_file(file, &error);
    let mut to = Connection::open(file).map_err(refused)?;
    {
        let backup = Backup::new(&from, &mut to).map_err(refused)?;
        // Of one read transaction: a copy begun anew whenever something is stored never ends.
        let _state = from.unchecked_transaction().map_err(refused)?;
        let _: i64 = schema::version(&from).map_err(refused)?;
        loop {
            match backup.step(BACKUP_STEP_PAGES.into()).map_err(refused)? {
                StepResult::Done => break,
                StepResult::Busy | StepResult::Locked => std::thread::sleep(READ_TIME_MAX),
                StepResult::More | _ => {}
            }
        }
    }
    // A copy is one file, and was left in good order.
    to.pragma_update(None, "journal_mode", "DELETE")
        .map_err(refused)?;
    open::set_clean(&to, true).map_err(refused)?;
    to.close().map_err(|(_, error)| refused(error))?;
    fs::File::open(file)
        .and_then(|file| file.sync_all())
        .map_err(|error| OpenError::of_system(file, &error))
}

pub(super) fn read_only(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let refused = |error| OpenError::of_file(path, &error);
    let connection = Connection::open_with_flags(path, flags).map_err(refused)?;
    connection.busy_timeout(READ_TIME_MAX).map_err(refused)?;
    open::identify(&connection, path)?;
    Ok(connection)
}

/// Puts a backup into the place of the database in `folder`, as the beginning of another history.
/// What was there is kept beside it, under a name that ends in `.before`; no server may use it.
///
/// # Errors
///
/// [`OpenError`] when a server uses the folder, the backup is none or is damaged, or the disk
/// refuses; then everything is as it was.
pub fn restore(file: &Path, folder: &Path, epoch: Epoch) -> Result<(), OpenError> {
    let _lock = open::lock(folder)?;
    let draft = folder.join(RESTORED_FILE);
    let refused = |error: io::Error| OpenError::of_system(&draft, &error);
    if fs::symlink_metadata(&draft).is_ok() {
        fs::remove_file(&draft).map_err(refused)?;
    }
    back_up_file(file, &draft)?;
    let connection =
        Connection::open(&draft).map_err(|error| OpenError::of_file(&draft, &error))?;
    let whole = open::look_through(&connection)
        .and_then(|fault| open::set_epoch(&connection, epoch).map(|()| fault))
        .map_err(|error| OpenError::of_file(file, &error))?;
    drop(connection);
    if let Some(what) = whole {
        fs::remove_file(&draft).map_err(refused)?;
        let path = file.to_owned();
        return Err(OpenError::Damaged { path, what });
    }
    for ending in ["", "-wal", "-shm"] {
        let former = folder.join(format!("{DATABASE_FILE}{ending}"));
        if fs::symlink_metadata(&former).is_ok() {
            let kept = folder.join(format!("{DATABASE_FILE}.before{ending}"));
            fs::rename(&former, &kept).map_err(|error| OpenError::of_system(&former, &error))?;
        }
    }
    open::put_in_place(&draft, &folder.join(DATABASE_FILE)).map_err(refused)
}

/// Writes the database in `folder` anew, without any unused space; no server may use it.
///
/// What was deleted or taken back is overwritten at once, but when the database rearranges a page
/// it may leave a copy of a text in what is unused of it. This removes those too. It needs as much
/// space on the disk again as the database has.
///
/// # Errors
///
/// [`OpenError`] when a server uses the folder, or the disk refuses; then everything is as it was.
pub fn compact(folder: &Path) -> Result<(), OpenError> {
    let _lock = open::lock(folder)?;
    let path = folder.join(DATABASE_FILE);
    let connection = open::prepare(&path)?;
    connection
        .pragma_update(None, "temp_store", "FILE")
        .and_then(|()| connection.execute_batch("VACUUM"))
        .and_then(|()| open::set_clean(&connection, true))
        .and_then(|()| open::truncate_wal(&connection).map(|_| ()))
        .map_err(|error| OpenError::of_file(&path, &error))
}

/// Copies a backup, which must be one.
fn back_up_file(file: &Path, draft: &Path) -> Result<(), OpenError> {
    open::private(draft).map_err(|error| OpenError::of_system(draft, &error))?;
    copy(file, draft)
}
