//! What the spool is asked, and what it answers.

use crate::chat::{ClientId, Digest, FileId, OfferRecord, SpoolFailure};

/// Work of the spool. Of one file at most one of the first three is out at a time, so they need no
/// order among themselves; reads go their own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Make a place for a file.
    Open(Box<OfferRecord>),
    /// Append to a file.
    Append {
        /// Which.
        file: FileId,
        /// How long it is before that.
        offset: u64,
        /// What is appended.
        bytes: Vec<u8>,
    },
    /// All of it is there: see to it that it stays.
    Finish {
        /// Which.
        file: FileId,
        /// What it hashes to, by its sender's word.
        digest: Digest,
    },
    /// Delete a file; not answered.
    Remove(FileId),
    /// Read a part of a file that is there.
    Read {
        /// For whom.
        client: ClientId,
        /// Which.
        file: FileId,
        /// Comes back in the answer.
        serial: u64,
        /// From where.
        offset: u64,
        /// How much.
        count: usize,
    },
}

/// What the spool has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// There is a place for a file, or why not.
    Opened(Box<OfferRecord>, Result<(), SpoolFailure>),
    /// The file is so long now, or why nothing was appended.
    Appended(FileId, Result<u64, SpoolFailure>),
    /// All of it is there for good, or why that is not known.
    Finished(FileId, Result<Digest, SpoolFailure>),
    /// A part of a file.
    Read {
        /// For whom.
        client: ClientId,
        /// Which.
        file: FileId,
        /// Which read this answers.
        serial: u64,
        /// What is there, as much as was asked for; or why it could not be read.
        result: Result<Vec<u8>, SpoolFailure>,
    },
}
