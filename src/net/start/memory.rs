//! What the server remembers: the store and the spool, opened as the configuration says.
//!
//! Without a data folder, or when nothing is to be kept, both are in memory and forget.

use crate::chat::{Epoch, FileId, Kept, OfferRecord, Snapshot};
use crate::config::{Config, Mistake};
use crate::net::clock::{Clock, unix_ms};
use crate::net::random;
use crate::net::settings::retention;
use crate::spool::{DiskSpool, MemorySpool, Spool, SpoolReader};
use crate::store::{MemoryStore, OpenError, Reader, SqliteStore, Store};
use std::sync::Arc;

/// What the server remembers, and what it remembers with.
pub(super) struct Memory {
    pub(super) store: Box<dyn Store>,
    /// Absent when nothing is kept that could be read.
    pub(super) reader: Option<Box<dyn Reader>>,
    pub(super) snapshot: Snapshot,
    pub(super) kept: Kept,
}

impl Memory {
    /// Opens the store in the data folder; or, if nothing is to be kept, one that forgets.
    pub(super) fn open(config: &Config) -> Result<Self, Mistake> {
        let epoch = Epoch(random::bytes());
        let Some(folder) = config.data.as_ref().filter(|_| !config.ephemeral) else {
            return Ok(Self {
                store: Box::new(MemoryStore::new()),
                reader: None,
                snapshot: Snapshot::empty(epoch),
                kept: Kept::InMemory,
            });
        };
        let refused = |error: OpenError| Mistake(error.to_string());
        let store = SqliteStore::open(folder, epoch, retention(config)).map_err(refused)?;
        let clock = Clock::start();
        let reader = store
            .reader(Arc::new(move || clock.elapsed()))
            .map_err(refused)?;
        Ok(Self {
            snapshot: store.load(unix_ms()).map_err(refused)?,
            store: Box::new(store),
            reader: Some(Box::new(reader)),
            kept: Kept::Stored,
        })
    }
}

/// Where the bytes of files go, and what is there of them.
pub(super) struct SpoolMemory {
    pub(super) spool: Box<dyn Spool>,
    pub(super) reader: Box<dyn SpoolReader>,
    pub(super) offers: Vec<(OfferRecord, u64)>,
    pub(super) last: FileId,
}

impl SpoolMemory {
    /// Opens the spool in the data folder; or, if nothing is to be kept, one in memory.
    pub(super) fn open(config: &Config, epoch: Epoch) -> Result<Self, Mistake> {
        let Some(folder) = config.data.as_ref().filter(|_| !config.ephemeral) else {
            let spool = MemorySpool::default();
            return Ok(Self {
                reader: Box::new(spool.reader()),
                spool: Box::new(spool),
                offers: Vec::new(),
                last: FileId(0),
            });
        };
        let opened = DiskSpool::open_in(folder, epoch).map_err(|error| {
            let folder = folder.join("spool");
            Mistake(format!(
                "the folder of files, {}, cannot be used: {error}",
                folder.display()
            ))
        })?;
        Ok(Self {
            spool: Box::new(opened.spool),
            reader: Box::new(opened.reader),
            offers: opened.offers,
            last: opened.last,
        })
    }
}
