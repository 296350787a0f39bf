//! Files over one connection: those that it offers and sends, and those that it fetches.
//!
//! Nothing touches a disk: what is sent is cut out of one block of noise, and what is fetched is
//! hashed and dropped. A receiver compares what came with the SHA-256 that the sender named, as the
//! bundled client does.

use super::{Heard, Trouble};
use parlour::chat::{Digest, FileEnd, FileId, MessageKey, RoomId, Way};
use parlour::crypto::digest::FileHasher;
use parlour::limits::{CLIENT_FILE_WINDOW_BYTES, FILE_CHUNK_BYTES_MAX};
use parlour::wire::message::{
    BodyView, ClientMessage, FileAnswer, FileRequest, OfferView, ServerMessage, encode_client,
};
use std::sync::LazyLock;

/// What files are cut out of. Its length shares no factor with that of a chunk, so that no chunk
/// comes again soon.
static NOISE: LazyLock<Box<[u8]>> = LazyLock::new(|| {
    let mut state: u32 = 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(NOISE_BYTES).collect()
});
const NOISE_BYTES: usize = 1_000_003;

/// The files of one connection.
pub(super) struct Files {
    /// Whether it fetches what is offered in its room.
    fetches: bool,
    fetching: Option<Fetching>,
    sending: Option<Sending>,
    /// The last one that it offered.
    offered: Option<FileId>,
}

struct Fetching {
    file: FileId,
    have: u64,
    bytes: u64,
    until: u64,
    hasher: FileHasher,
}

struct Sending {
    key: MessageKey,
    sent: u64,
    bytes: u64,
    hasher: FileHasher,
}

impl Files {
    pub(super) fn new(fetches: bool) -> Self {
        Self {
            fetches,
            fetching: None,
            sending: None,
            offered: None,
        }
    }

    /// Takes the last file back, and offers one of so many bytes.
    pub(super) fn offer(
        &mut self,
        bytes: u64,
        room: Option<RoomId>,
        key: &mut u64,
        words: &mut Vec<u8>,
    ) {
        let mut draw = || {
            *key += 1;
            MessageKey(*key)
        };
        if let Some(file) = self.offered.take() {
            let line = format!("/cancel {file}");
            let key = draw();
            encode_client(&ClientMessage::Run { key, line: &line }, words);
        }
        let key = draw();
        ask(
            FileRequest::Offer {
                key,
                room,
                to: None,
                name: "noise.bin",
                bytes,
                digest: None,
            },
            words,
        );
        self.sending = Some(Sending {
            key,
            sent: 0,
            bytes,
            hasher: FileHasher::default(),
        });
    }

    /// Hears what may concern a file that is, or may be, on its way.
    pub(super) fn overhear(
        &mut self,
        message: &ServerMessage<'_>,
        key: &mut u64,
        words: &mut Vec<u8>,
    ) -> Result<(), Trouble> {
        if let ServerMessage::Entry(entry) = message
            && let BodyView::Offered(offer) = &entry.body
            && self.fetches
            && offer.way == Way::ToRoom
        {
            *key += 1;
            self.fetch(MessageKey(*key), offer, words);
        } else if let ServerMessage::Refused {
            key: Some(refused),
            text,
            ..
        } = message
            && let Some(sending) = &self.sending
            && sending.key == *refused
        {
            return Err(Trouble::Refused((*text).to_owned()));
        }
        Ok(())
    }

    fn fetch(&mut self, key: MessageKey, offer: &OfferView<'_>, words: &mut Vec<u8>) {
        let (file, until) = (offer.file, CLIENT_FILE_WINDOW_BYTES);
        ask(
            FileRequest::Fetch {
                key,
                file,
                offset: 0,
                until,
            },
            words,
        );
        self.fetching = Some(Fetching {
            file,
            have: 0,
            bytes: offer.bytes,
            until,
            hasher: FileHasher::default(),
        });
    }

    /// Takes what the server says of files.
    pub(super) fn take(
        &mut self,
        answer: &FileAnswer<'_>,
        words: &mut Vec<u8>,
        hear: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), Trouble> {
        match *answer {
            FileAnswer::Take { file, until, .. } => {
                self.offered = Some(file);
                if let Some(sending) = &mut self.sending {
                    sending.go_on(file, until, words);
                }
            }
            FileAnswer::Piece {
                file,
                offset,
                bytes,
            } => {
                let current = self.fetching.as_mut();
                let current = current.filter(|current| current.file == file);
                if let Some(fetching) = current {
                    fetching.piece(offset, bytes, words)?;
                    hear(Heard::Piece(bytes.len()));
                }
            }
            FileAnswer::Whole {
                file,
                bytes,
                digest,
            } => {
                let current = self.fetching.take_if(|current| current.file == file);
                if let Some(fetching) = current {
                    let is_whole = fetching.have == bytes && fetching.bytes == bytes;
                    let is_same = Digest(fetching.hasher.finish()) == digest;
                    hear(Heard::File(is_whole && is_same));
                }
            }
            FileAnswer::Over(file, end) => self.end(file, end, hear)?,
            FileAnswer::Kept(_) => self.sending = None,
            FileAnswer::Give { .. } | FileAnswer::Listed(_) => {}
        }
        Ok(())
    }

    /// A transfer goes no further.
    fn end(
        &mut self,
        file: FileId,
        end: FileEnd,
        hear: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), Trouble> {
        if self.fetching.take_if(|found| found.file == file).is_some() {
            hear(Heard::File(false));
        }
        if self.offered == Some(file) && self.sending.is_some() {
            return Err(Trouble::Refused(format!("the file was given up: {end}")));
        }
        Ok(())
    }
}

impl Sending {
    /// Sends up to the bound, and says what all of it hashes to behind the last byte.
    fn go_on(&mut self, file: FileId, until: u64, words: &mut Vec<u8>) {
        let noise = &NOISE[..];
        let starts = u64::try_from(noise.len() - FILE_CHUNK_BYTES_MAX).expect("usize fits u64");
        let end = until.min(self.bytes);
        let was_whole = self.sent == self.bytes;
        while self.sent < end {
            let start = usize::try_from(self.sent % starts).expect("it lies in the noise");
            let most = usize::try_from(end - self.sent).unwrap_or(usize::MAX);
            let bytes = &noise[start..start + most.min(FILE_CHUNK_BYTES_MAX)];
            let offset = self.sent;
            ask(
                FileRequest::Chunk {
                    file,
                    offset,
                    bytes,
                },
                words,
            );
            self.hasher.update(bytes);
            self.sent += u64::try_from(bytes.len()).expect("usize fits u64");
        }
        if self.sent == self.bytes && !was_whole {
            let digest = Digest(std::mem::take(&mut self.hasher).finish());
            ask(FileRequest::Uploaded { file, digest }, words);
        }
    }
}

impl Fetching {
    fn piece(&mut self, offset: u64, bytes: &[u8], words: &mut Vec<u8>) -> Result<(), Trouble> {
        if offset != self.have {
            let words = format!("a piece at {offset} where {} follows", self.have);
            return Err(Trouble::Unreadable(words));
        }
        self.hasher.update(bytes);
        self.have += u64::try_from(bytes.len()).expect("usize fits u64");
        // Told when half of it is used, so that it never runs out on the way.
        if self.until < self.bytes && self.until - self.have < CLIENT_FILE_WINDOW_BYTES / 2 {
            self.until = self.have + CLIENT_FILE_WINDOW_BYTES;
            let (file, until) = (self.file, self.until);
            ask(FileRequest::More { file, until }, words);
        }
        Ok(())
    }
}

fn ask(request: FileRequest<'_>, words: &mut Vec<u8>) {
    encode_client(&ClientMessage::File(request), words);
}
