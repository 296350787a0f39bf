//! What is refused about files.

use super::super::vocabulary::{FileId, Size};
use std::fmt;

/// Why nothing was done about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileRefusal {
    /// What was asked for is done by the bundled client, not by the server.
    ClientNeeded,
    /// There is no such offer, or not for who asks.
    NoSuchFile(FileId),
    /// Somebody else offers it.
    NotYours(FileId),
    /// That is no name for a file.
    BadFileName,
    /// As many files are offered as may be, by one person or by all.
    TooMany {
        /// The most there may be.
        max: usize,
    },
    /// The file does not fit into what the server keeps of files.
    QuotaReached {
        /// How many bytes would fit.
        left: u64,
        /// How many it keeps in all.
        quota: u64,
    },
    /// There is no place for its bytes.
    NotOpened(SpoolFailure),
    /// This server takes no files.
    NoFiles,
    /// The file ends before the first byte that was asked for.
    BeyondEnd {
        /// How long it is.
        bytes: u64,
    },
    /// One may not send and fetch more at the same time.
    TooManyTransfers {
        /// The most one may.
        max: usize,
    },
}

/// Why there is no place for a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpoolFailure {
    /// The disk would have too little free space left.
    DiskFull,
    /// Writing failed.
    Io,
}

impl FileRefusal {
    /// The number under which programs know this refusal. Never reused.
    pub fn code(self) -> u16 {
        match self {
            Self::ClientNeeded => 80,
            Self::NoSuchFile(_) => 81,
            Self::NotYours(_) => 82,
            Self::BadFileName => 83,
            Self::TooMany { .. } => 84,
            Self::QuotaReached { .. } => 85,
            Self::NotOpened(_) => 86,
            Self::NoFiles => 87,
            Self::BeyondEnd { .. } => 88,
            Self::TooManyTransfers { .. } => 89,
        }
    }
}

impl fmt::Display for FileRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientNeeded => f.write_str(
                "files are sent and fetched with the parlour client: it knows /send and /accept; \
                 /files lists what there is",
            ),
            Self::NoSuchFile(file) => {
                write!(
                    f,
                    "there is no N {file} for you; /files lists what there is"
                )
            }
            Self::NotYours(file) => write!(f, "N {file} is not yours; /refuse {file} hides it"),
            Self::BadFileName => f.write_str("a file needs a name of 1 to 255 bytes"),
            Self::TooMany { max } => {
                write!(
                    f,
                    "{max} files are offered, which is the most; /cancel one first"
                )
            }
            Self::QuotaReached { left, quota } => write!(
                f,
                "this server keeps {} of files and has place for {}; try again when others have \
                 expired",
                Size(*quota),
                Size(*left)
            ),
            Self::NotOpened(SpoolFailure::DiskFull) => {
                f.write_str("the server's disk would be too full with it; try again later")
            }
            Self::NotOpened(SpoolFailure::Io) => {
                f.write_str("the server could not make a place for it; try again")
            }
            Self::NoFiles => f.write_str("this server takes no files"),
            Self::BeyondEnd { bytes } => write!(f, "it is only {bytes} bytes long"),
            Self::TooManyTransfers { max } => write!(
                f,
                "{max} of your files are on their way, which is the most; wait for one of them"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_something_and_has_a_code_of_its_own() {
        let file = FileId(7);
        let all = [
            FileRefusal::ClientNeeded,
            FileRefusal::NoSuchFile(file),
            FileRefusal::NotYours(file),
            FileRefusal::BadFileName,
            FileRefusal::TooMany { max: 3 },
            FileRefusal::QuotaReached { left: 1, quota: 2 },
            FileRefusal::NotOpened(SpoolFailure::DiskFull),
            FileRefusal::NoFiles,
            FileRefusal::BeyondEnd { bytes: 3 },
            FileRefusal::TooManyTransfers { max: 3 },
        ];
        let codes: std::collections::BTreeSet<u16> = all.iter().map(|one| one.code()).collect();
        assert_eq!(codes.len(), all.len());
        for refusal in all {
            assert!(!refusal.to_string().is_empty());
        }
    }
}
