//! Backups: everything of a folder that cannot be made again, in one file, and its way back.
//!
//! A backup is a tar archive of `parlour.db`, in one consistent state, and `server.key`.

use super::folder as database_folder;
use super::password::fill;
use super::tar;
use crate::chat::Epoch;
use crate::config::Mistake;
use crate::disk;
use crate::store;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The names of what is in a backup: the same as in the folder.
const DATABASE: &str = "parlour.db";
const KEY: &str = "server.key";
/// A key file is much smaller.
const KEY_BYTES_MAX: u64 = 4 * 1024;

/// A file that is in the way only for a moment; it goes when this is dropped.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // It is not there when it has been moved to its place.
        let _ = fs::remove_file(&self.0);
    }
}

/// Copies everything in `folder` to the new file `file`, be it in use or not.
pub(super) fn back_up(folder: &Path, file: &Path) -> Result<String, Mistake> {
    if fs::symlink_metadata(file).is_ok() {
        return Err(Mistake(format!(
            "{} exists; name another file",
            file.display()
        )));
    }
    let into = match file.parent() {
        Some(into) if !into.as_os_str().is_empty() => into,
        Some(_) | None => Path::new("."),
    };
    if !into.is_dir() {
        return Err(Mistake(format!("there is no folder {}", into.display())));
    }
    database_folder::check(folder)?;
    let copy = Draft(beside(file, "database"));
    store::back_up(folder, &copy.0).map_err(|error| Mistake(error.to_string()))?;
    let archive = Draft(beside(file, "new"));
    let refused = |error: io::Error| of_file(file, &error);
    pack(folder, &copy.0, &archive.0).map_err(refused)?;
    // Moved when it is whole, and over nothing.
    fs::hard_link(&archive.0, file).map_err(refused)?;
    Ok(format!(
        "{} holds everything, the server's key too: keep it private",
        file.display()
    ))
}

fn pack(folder: &Path, database: &Path, archive: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(disk::create_private(archive)?);
    for (name, path) in [(KEY, folder.join(KEY)), (DATABASE, database.to_owned())] {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        tar::write_file(&mut out, name, bytes, &mut BufReader::new(file))?;
    }
    tar::write_end(&mut out)?;
    out.into_inner()?.sync_all()
}

/// Brings a backup back into `folder`, which is new, empty, or the same server's.
pub(super) fn restore(folder: &Path, file: &Path) -> Result<String, Mistake> {
    let of_backup = |error: io::Error| of_file(file, &error);
    let mut from = BufReader::new(File::open(file).map_err(of_backup)?);
    let key = read_key(&mut from).map_err(of_backup)?;
    let of_folder = |error: io::Error| of_file(folder, &error);
    disk::make_private_folder(folder).map_err(of_folder)?;
    let has_key = check_folder(folder, &key)?;
    let copy = Draft(folder.join(format!(".{DATABASE}.{}", std::process::id())));
    read_database(&mut from, &copy.0).map_err(of_backup)?;
    let mut epoch = [0; 16];
    fill(&mut epoch)?;
    store::restore(&copy.0, folder, Epoch(epoch)).map_err(|error| Mistake(error.to_string()))?;
    if !has_key {
        write_key(folder, &key).map_err(of_folder)?;
    }
    Ok(format!(
        "{} is as it was when the backup was made, with the same key; clients will be told that \
         the history was reset",
        folder.display()
    ))
}

/// Writes the database of a stopped server anew.
pub(super) fn compact(folder: &Path) -> Result<String, Mistake> {
    let bytes = || fs::metadata(folder.join(DATABASE)).map(|file| file.len());
    let of_folder = |error: io::Error| of_file(folder, &error);
    let before = bytes().map_err(of_folder)?;
    store::compact(folder).map_err(|error| Mistake(error.to_string()))?;
    let after = bytes().map_err(of_folder)?;
    Ok(format!(
        "{DATABASE} is written anew: {before} bytes before, {after} now"
    ))
}

/// Whether the folder is the same server's; refuses another one's.
fn check_folder(folder: &Path, key: &[u8]) -> Result<bool, Mistake> {
    match fs::read(folder.join(KEY)) {
        Ok(there) if there == key => Ok(true),
        Ok(_) => Err(Mistake(format!(
            "{} is another server's, with another key; restore into an empty folder with --data \
             DIR",
            folder.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match fs::symlink_metadata(folder.join(DATABASE)) {
                Ok(_) => Err(Mistake(format!(
                    "{} holds data without a key; restore into an empty folder with --data DIR",
                    folder.display()
                ))),
                Err(_) => Ok(false),
            }
        }
        Err(error) => Err(of_file(folder, &error)),
    }
}

fn read_key(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let bytes = expect_file(from, KEY)?;
    if bytes > KEY_BYTES_MAX {
        return Err(no_backup());
    }
    let mut key = Vec::new();
    from.take(bytes).read_to_end(&mut key)?;
    tar::skip_padding(from, bytes)?;
    Ok(key)
}

fn read_database(from: &mut impl Read, into: &Path) -> io::Result<()> {
    let bytes = expect_file(from, DATABASE)?;
    let mut out = disk::create_private(into)?;
    let copied = io::copy(&mut from.take(bytes), &mut out)?;
    if copied != bytes {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the backup is cut off",
        ));
    }
    out.sync_all()
}

/// The size of the next file, which must have that name.
fn expect_file(from: &mut impl Read, name: &str) -> io::Result<u64> {
    match tar::read_header(from)? {
        Some((found, bytes)) if found == name => Ok(bytes),
        Some(_) | None => Err(no_backup()),
    }
}

fn no_backup() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is no backup of Parlour")
}

fn write_key(folder: &Path, key: &[u8]) -> io::Result<()> {
    let draft = Draft(folder.join(format!("{KEY}.{}", std::process::id())));
    let mut file = disk::create_private(&draft.0)?;
    file.write_all(key)?;
    file.sync_all()?;
    fs::hard_link(&draft.0, folder.join(KEY))?;
    disk::sync_folder(folder)
}

/// A name beside `file` for something on the way.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.{ending}", std::process::id()));
    file.with_file_name(name)
}

fn of_file(path: &Path, error: &dyn Display) -> Mistake {
    Mistake(format!("{}: {error}", path.display()))
}
