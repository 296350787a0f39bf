//! The spool: the bytes of files that are offered, and what is known of each offer.
//!
//! ```text
//! DATA/spool/EPOCH/7.offer    who offers what to whom, in CBOR; written once, and once more when whole
//! DATA/spool/EPOCH/7.bytes    as many of the bytes as are there
//! DATA/spool/EPOCH/last       the last number that was given
//! ```
//!
//! An offer lives beside its bytes and not in the database: there is nothing to agree upon between
//! the two, one deletion ends both, and a file without its record, or the other way round, is seen
//! at the next start and goes. A part that was sent is as long as its file, which is where its
//! sender goes on. Numbers of an offer's room mean something in one history only, hence the epoch.
//!
//! Everything here blocks, and is called from threads of its own only.

#[cfg(feature = "server")]
mod disk;
mod memory;
#[cfg(feature = "server")]
mod record;
#[cfg(feature = "server")]
#[cfg(test)]
mod tests;

#[cfg(feature = "server")]
pub use disk::{DiskReader, DiskSpool, OpenedSpool};
pub use memory::{MemoryReader, MemorySpool};

use crate::chat::{Digest, FileId, OfferRecord, SpoolFailure};

/// Where the bytes of files go.
pub trait Spool: Send {
    /// Makes a place for a file.
    ///
    /// # Errors
    ///
    /// [`SpoolFailure`]; there is no place then.
    fn open(&mut self, record: &OfferRecord) -> Result<(), SpoolFailure>;

    /// Appends to a file that is `offset` bytes long; returns how long it is then.
    ///
    /// # Errors
    ///
    /// [`SpoolFailure`]; the file is as long as before.
    fn append(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Result<u64, SpoolFailure>;

    /// Sees to it that a whole file stays.
    ///
    /// # Errors
    ///
    /// [`SpoolFailure::Io`] when that is not sure; it is not whole then.
    fn finish(&mut self, file: FileId, digest: Digest) -> Result<(), SpoolFailure>;

    /// Deletes a file and what is known of it.
    fn remove(&mut self, file: FileId);
}

/// Where the bytes of files come from.
pub trait SpoolReader: Send {
    /// Reads `count` bytes at `offset`, which are there.
    ///
    /// # Errors
    ///
    /// [`SpoolFailure::Io`].
    fn read(&mut self, file: FileId, offset: u64, count: usize) -> Result<Vec<u8>, SpoolFailure>;

    /// A file is deleted: nothing of it is held any longer.
    fn forget(&mut self, file: FileId);
}
