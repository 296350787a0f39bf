//! A spool in memory, for a server that keeps nothing.

use super::{Spool, SpoolReader};
use crate::chat::{Digest, FileId, OfferRecord, SpoolFailure};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files in memory. How many bytes there may be is the chat's to say.
#[derive(Default)]
pub struct MemorySpool {
    files: Arc<Mutex<BTreeMap<FileId, Vec<u8>>>>,
}

/// The same, to be read.
pub struct MemoryReader {
    files: Arc<Mutex<BTreeMap<FileId, Vec<u8>>>>,
}

impl MemorySpool {
    /// Its reader.
    pub fn reader(&self) -> MemoryReader {
        MemoryReader {
            files: Arc::clone(&self.files),
        }
    }
}

fn locked<T>(files: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here can leave them half changed.
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Spool for MemorySpool {
    fn open(&mut self, record: &OfferRecord) -> Result<(), SpoolFailure> {
        locked(&self.files).insert(record.file, Vec::new());
        Ok(())
    }

    fn append(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Result<u64, SpoolFailure> {
        let mut files = locked(&self.files);
        let content = files.get_mut(&file).ok_or(SpoolFailure::Io)?;
        if u64::try_from(content.len()) != Ok(offset) {
            return Err(SpoolFailure::Io);
        }
        content.extend_from_slice(bytes);
        u64::try_from(content.len()).map_err(|_| SpoolFailure::Io)
    }

    fn finish(&mut self, file: FileId, _digest: Digest) -> Result<(), SpoolFailure> {
        let is_there = locked(&self.files).contains_key(&file);
        is_there.then_some(()).ok_or(SpoolFailure::Io)
    }

    fn remove(&mut self, file: FileId) {
        locked(&self.files).remove(&file);
    }
}

impl SpoolReader for MemoryReader {
    fn read(&mut self, file: FileId, offset: u64, count: usize) -> Result<Vec<u8>, SpoolFailure> {
        let files = locked(&self.files);
        let content = files.get(&file).ok_or(SpoolFailure::Io)?;
        let start = usize::try_from(offset).map_err(|_| SpoolFailure::Io)?;
        let end = start.checked_add(count).ok_or(SpoolFailure::Io)?;
        content
            .get(start..end)
            .map(<[u8]>::to_vec)
            .ok_or(SpoolFailure::Io)
    }

    fn forget(&mut self, _file: FileId) {}
}
