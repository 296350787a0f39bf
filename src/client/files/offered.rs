//! An offer, as far as who fetches it must know it.

use crate::chat::{Digest, FileId, FileListing, Name};
use crate::wire::message::OfferView;

/// A file that somebody offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Its number.
    pub file: FileId,
    /// Who offers it.
    pub from: Name,
    /// What it is called there; to be made safe.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    /// What it hashes to, if that is known.
    pub digest: Option<Digest>,
}

impl Offered {
    /// What was listed.
    pub fn listed(listing: &FileListing) -> Self {
        Self {
            file: listing.file,
            from: listing.from,
            name: listing.name.to_string(),
            bytes: listing.bytes,
            digest: listing.digest,
        }
    }

    /// What was said in a room or to oneself.
    pub fn said(from: Name, offer: &OfferView<'_>) -> Self {
        Self {
            file: offer.file,
            from,
            name: offer.name.to_owned(),
            bytes: offer.bytes,
            digest: offer.digest,
        }
    }

    /// What tells its part from those of other files of its name: the digest, which does so on
    /// every server, else the number.
    pub fn mark(&self) -> String {
        const BYTES: usize = 8;
        match self.digest {
            Some(digest) => {
                let shown = digest.0[..BYTES].iter();
                shown.map(|byte| format!("{byte:02x}")).collect()
            }
            None => self.file.to_string(),
        }
    }
}
