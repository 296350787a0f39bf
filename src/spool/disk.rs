//! The spool in the data folder.

use super::record;
use super::{Spool, SpoolReader};
use crate::chat::{Digest, Epoch, FileId, OfferRecord, SpoolFailure};
use crate::disk::{self, Free};
use crate::limits::{FILE_SYNC_BYTES, FILES_MAX, SPOOL_OPEN_FILES_MAX, SPOOL_RECORD_BYTES_MAX};
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// What a spool was opened with.
pub struct OpenedSpool {
    /// Where bytes go.
    pub spool: DiskSpool,
    /// Where they come from.
    pub reader: DiskReader,
    /// What is there, and how many bytes of each.
    pub offers: Vec<(OfferRecord, u64)>,
    /// The last number that was ever given.
    pub last: FileId,
}

/// Files in a folder, to be written.
pub struct DiskSpool {
    folder: PathBuf,
    open: OpenFiles,
    /// The records, and how many bytes are there.
    files: BTreeMap<FileId, (OfferRecord, u64)>,
    /// Bytes that are promised and have not come; a damaged record may promise anything.
    awaited: u128,
    /// How many bytes of a file were written since the disk was told to keep them.
    unsynced: BTreeMap<FileId, u64>,
    last: FileId,
}

/// Files in a folder, to be read.
pub struct DiskReader {
    folder: PathBuf,
    open: OpenFiles,
}

/// The files used last, kept open.
#[derive(Default)]
struct OpenFiles {
    /// The one used last is at the end.
    files: VecDeque<(FileId, File)>,
}

impl OpenFiles {
    fn get(&mut self, file: FileId, open: impl FnOnce() -> io::Result<File>) -> io::Result<&File> {
        let found = self.files.iter().position(|(other, _)| *other == file);
        let entry = match found.and_then(|at| self.files.remove(at)) {
            Some(entry) => entry,
            None => (file, open()?),
        };
        if self.files.len() >= SPOOL_OPEN_FILES_MAX {
            self.files.pop_front();
        }
        self.files.push_back(entry);
        let (_, file) = self.files.back().expect("it was just put there");
        Ok(file)
    }

    fn forget(&mut self, file: FileId) {
        self.files.retain(|(other, _)| *other != file);
    }
}

impl DiskSpool {
    /// Opens the spool of a history in a data folder, made if absent. What belongs to another
    /// history, or to nothing, is deleted.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made, read or cleaned.
    pub fn open_in(data: &Path, epoch: Epoch) -> io::Result<OpenedSpool> {
        let parent = data.join("spool");
        let mut name = String::new();
        for byte in epoch.0 {
            name.push_str(&format!("{byte:02x}"));
        }
        let folder = parent.join(&name);
        disk::make_private_folder(&folder)?;
        for other in fs::read_dir(&parent)? {
            let other = other?;
            if other.file_name() != *name && other.file_type()?.is_dir() {
                fs::remove_dir_all(other.path())?;
            }
        }
        let files = load(&folder)?;
        let newest = files.keys().next_back().copied().unwrap_or(FileId(0));
        let last = read_last(&folder)?.unwrap_or(FileId(0)).max(newest);
        let awaited = files
            .values()
            .map(|(record, have)| u128::from(record.bytes - have));
        Ok(OpenedSpool {
            reader: DiskReader {
                folder: folder.clone(),
                open: OpenFiles::default(),
            },
            offers: files.values().cloned().collect(),
            last,
            spool: Self {
                folder,
                open: OpenFiles::default(),
                awaited: awaited.sum(),
                files,
                unsynced: BTreeMap::new(),
                last,
            },
        })
    }

    /// Whether the disk has place for so many bytes more, and keeps its reserve.
    fn has_place_for(&self, bytes: u128) -> bool {
        Free::of(&self.folder)
            .is_none_or(|free| bytes <= free.bytes.saturating_sub(free.low_bytes()).into())
    }

    fn create(&mut self, record: &OfferRecord) -> io::Result<()> {
        let number = record.file.0.max(self.last.0);
        write_whole(&self.folder, "last", number.to_string().as_bytes())?;
        self.last = FileId(number);
        let bytes = bytes_path(&self.folder, record.file);
        disk::create_private(&bytes)?;
        write_whole(
            &self.folder,
            &offer_name(record.file),
            &record::encode(record),
        )
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let folder = &self.folder;
        let opened = self.open.get(file, || open_to_write(folder, file))?;
        write_all_at(opened, offset, bytes)?;
        let count = u64::try_from(bytes.len()).expect("a window is small");
        let unsynced = self.unsynced.entry(file).or_default();
        *unsynced += count;
        if *unsynced >= FILE_SYNC_BYTES {
            *unsynced = 0;
            opened.sync_data()?;
        }
        Ok(())
    }

    fn keep(&mut self, record: &OfferRecord) -> io::Result<()> {
        let (folder, file) = (&self.folder, record.file);
        let opened = self.open.get(file, || open_to_write(folder, file))?;
        opened.sync_data()?;
        write_whole(folder, &offer_name(file), &record::encode(record))
    }

    /// Takes back what was written of a file beyond so many bytes.
    fn cut(&mut self, file: FileId, length: u64) {
        let folder = &self.folder;
        let opened = self.open.get(file, || open_to_write(folder, file));
        if let Err(error) = opened.and_then(|opened| opened.set_len(length)) {
            log::warn!("a file cannot be cut: {error}");
        }
    }
}

impl Spool for DiskSpool {
    fn open(&mut self, record: &OfferRecord) -> Result<(), SpoolFailure> {
        if !self.has_place_for(self.awaited + u128::from(record.bytes)) {
            return Err(SpoolFailure::DiskFull);
        }
        if let Err(error) = self.create(record) {
            log::warn!("no place for a file: {error}");
            delete(&self.folder, record.file);
            return Err(failure(&error));
        }
        self.awaited += u128::from(record.bytes);
        self.files.insert(record.file, (record.clone(), 0));
        Ok(())
    }

    fn append(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Result<u64, SpoolFailure> {
        let count = u64::try_from(bytes.len()).map_err(|_| SpoolFailure::Io)?;
        let end = offset.checked_add(count).ok_or(SpoolFailure::Io)?;
        let (record, have) = self.files.get(&file).ok_or(SpoolFailure::Io)?;
        if *have != offset || end > record.bytes {
            return Err(SpoolFailure::Io);
        }
        if !self.has_place_for(count.into()) {
            return Err(SpoolFailure::DiskFull);
        }
        if let Err(error) = self.write(file, offset, bytes) {
            log::warn!("a file cannot be written: {error}");
            // What was written of it would be taken for received.
            self.cut(file, offset);
            return Err(failure(&error));
        }
        self.awaited -= u128::from(count);
        if let Some((_, have)) = self.files.get_mut(&file) {
            *have = end;
        }
        Ok(end)
    }

    fn finish(&mut self, file: FileId, digest: Digest) -> Result<(), SpoolFailure> {
        let (record, have) = self.files.get(&file).ok_or(SpoolFailure::Io)?;
        if *have != record.bytes {
            return Err(SpoolFailure::Io);
        }
        let record = OfferRecord {
            digest: Some(digest),
            is_whole: true,
            ..record.clone()
        };
        self.keep(&record).map_err(|error| {
            log::warn!("a file cannot be kept: {error}");
            failure(&error)
        })?;
        self.unsynced.remove(&file);
        self.files.insert(file, (record.clone(), record.bytes));
        Ok(())
    }

    fn remove(&mut self, file: FileId) {
        self.open.forget(file);
        self.unsynced.remove(&file);
        if let Some((record, have)) = self.files.remove(&file) {
            self.awaited -= u128::from(record.bytes - have);
        }
        delete(&self.folder, file);
    }
}

impl SpoolReader for DiskReader {
    fn read(&mut self, file: FileId, offset: u64, count: usize) -> Result<Vec<u8>, SpoolFailure> {
        let folder = &self.folder;
        let opened = self
            .open
            .get(file, || File::open(bytes_path(folder, file)))
            .map_err(|error| failure(&error))?;
        let mut bytes = vec![0; count];
        read_exact_at(opened, offset, &mut bytes).map_err(|error| failure(&error))?;
        Ok(bytes)
    }

    fn forget(&mut self, file: FileId) {
        self.open.forget(file);
    }
}

fn failure(error: &io::Error) -> SpoolFailure {
    let full = [
        ErrorKind::StorageFull,
        ErrorKind::QuotaExceeded,
        ErrorKind::FileTooLarge,
    ];
    if full.contains(&error.kind()) {
        SpoolFailure::DiskFull
    } else {
        SpoolFailure::Io
    }
}

// --- The folder ---

fn offer_name(file: FileId) -> String {
    format!("{file}.offer")
}

fn bytes_path(folder: &Path, file: FileId) -> PathBuf {
    folder.join(format!("{file}.bytes"))
}

/// What is there: records with their bytes. Whatever lacks the other half, or is longer than it was
/// offered, is deleted.
fn load(folder: &Path) -> io::Result<BTreeMap<FileId, (OfferRecord, u64)>> {
    let mut files = BTreeMap::new();
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        match stem.and_then(|stem| stem.parse().ok()) {
            Some(number) => numbers.push(FileId(number)),
            // The rest of a write that was cut short.
            None if path.extension().is_some_and(|end| end == "new") => fs::remove_file(path)?,
            None => {}
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    for file in numbers {
        match read_offer(folder, file)? {
            Some(found) if files.len() < FILES_MAX => {
                files.insert(file, found);
            }
            Some(_) | None => delete(folder, file),
        }
    }
    Ok(files)
}

/// A record with its bytes; nothing when either is absent or not sound. What cannot be read may be
/// there all the same, so that is an error and nothing is deleted.
fn read_offer(folder: &Path, file: FileId) -> io::Result<Option<(OfferRecord, u64)>> {
    let bytes = read_small(&folder.join(offer_name(file)))?;
    let record = bytes.and_then(|bytes| record::decode(&bytes));
    let Some(record) = record.filter(|record| record.file == file) else {
        return Ok(None);
    };
    let Some(metadata) = if_there(fs::metadata(bytes_path(folder, file)))? else {
        return Ok(None);
    };
    let have = metadata.len();
    let is_sound = have <= record.bytes && (!record.is_whole || have == record.bytes);
    Ok(is_sound.then_some((record, have)))
}

fn read_last(folder: &Path) -> io::Result<Option<FileId>> {
    let bytes = read_small(&folder.join("last"))?.unwrap_or_default();
    let text = std::str::from_utf8(&bytes).ok();
    Ok(text.and_then(|text| text.parse().ok()).map(FileId))
}

fn read_small(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(SPOOL_RECORD_BYTES_MAX).expect("it is small");
    let Some(file) = if_there(File::open(path))? else {
        return Ok(None);
    };
    file.take(most).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a small file so that it is there whole or as before.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = folder.join(format!("{name}.new"));
    let mut file = disk::private()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, folder.join(name))?;
    disk::sync_folder(folder)
}

fn delete(folder: &Path, file: FileId) {
    // The record goes first: bytes without one are nothing.
    for path in [folder.join(offer_name(file)), bytes_path(folder, file)] {
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != ErrorKind::NotFound
        {
            log::warn!("a file of the spool cannot be deleted: {error}");
        }
    }
}

fn open_to_write(folder: &Path, file: FileId) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .open(bytes_path(folder, file))
}

#[cfg(unix)]
fn write_all_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn write_all_at(mut file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

#[cfg(not(unix))]
fn read_exact_at(mut file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}
