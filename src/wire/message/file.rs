//! Files: what a client asks for the bytes of files, and what it is told of them.
//!
//! ```text
//! who offers    Offer ->  <- Stored, Take    Chunk Chunk Chunk ->  <- Take    Uploaded ->  <- Kept
//! who fetches   Fetch ->  <- Give            <- Piece Piece        More ->    <- Piece     <- Whole
//! ```
//!
//! Both directions are the same: a position, and a bound up to where bytes may be sent, which the
//! taker moves forward. A chunk says its position, so after a lost connection either side goes on
//! where the bytes end.

use super::{decode_cbor, decode_name, encode_cbor};
use crate::chat::{
    Digest, FileEnd, FileEvent, FileId, FileListing, MessageKey, Name, RoomId, RoomName,
};
use crate::limits::{FILE_CHUNK_BYTES_MAX, FILE_PIECE_ENVELOPE_BYTES};
use crate::wire::WireError;
use crate::wire::frame::{Frame, write_frame};
use minicbor::{Decode, Encode};

/// The kinds of a client's messages about files.
pub(super) const REQUEST_KINDS: std::ops::RangeInclusive<u8> = OFFER..=FILES;
/// The kinds of what a client is told of files.
pub(super) const ANSWER_KINDS: std::ops::RangeInclusive<u8> = TAKE..=LISTED;

const OFFER: u8 = 0x07;
const SEND_ON: u8 = 0x08;
const CHUNK: u8 = 0x09;
const UPLOADED: u8 = 0x0a;
const FETCH: u8 = 0x0b;
const MORE: u8 = 0x0c;
const STOP: u8 = 0x0d;
const FILES: u8 = 0x0e;

const TAKE: u8 = 0x51;
const KEPT: u8 = 0x52;
const GIVE: u8 = 0x53;
const PIECE: u8 = 0x54;
const WHOLE: u8 = 0x55;
const OVER: u8 = 0x56;
const LISTED: u8 = 0x57;

/// What a client asks for files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileRequest<'a> {
    /// A file is there to be fetched. Answered by Stored and Take, or Refused. The same offer by the
    /// same person, with a digest, is recognised while it is not whole, and goes on.
    Offer {
        /// Comes back in the answer.
        key: MessageKey,
        /// In which room; the current room when this and `to` are absent.
        room: Option<RoomId>,
        /// To whom.
        to: Option<&'a str>,
        /// What it is called.
        name: &'a str,
        /// How long it is.
        bytes: u64,
        /// What it hashes to, if that is known.
        digest: Option<Digest>,
    },
    /// Bytes of one's own offer are to be sent on. Answered by Take, or Refused.
    SendOn {
        /// Comes back in the answer.
        key: MessageKey,
        /// Which file.
        file: FileId,
    },
    /// Some bytes, at most `limits::FILE_CHUNK_BYTES_MAX`.
    Chunk {
        /// Of which file.
        file: FileId,
        /// The place of the first one.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// All bytes were sent. Answered by Kept, or Over.
    Uploaded {
        /// Which file.
        file: FileId,
        /// What it hashes to.
        digest: Digest,
    },
    /// A file is wanted. Answered by Give, or Refused.
    Fetch {
        /// Comes back in the answer.
        key: MessageKey,
        /// Which file.
        file: FileId,
        /// The first byte that is wanted.
        offset: u64,
        /// The first byte that must not be sent yet.
        until: u64,
    },
    /// More bytes are taken.
    More {
        /// Of which file.
        file: FileId,
        /// The first byte that must not be sent yet.
        until: u64,
    },
    /// No more bytes are wanted, or will be sent.
    Stop {
        /// Of which file.
        file: FileId,
    },
    /// What there is to be fetched. Answered by any number of Listed and then Done.
    Files {
        /// Comes back in the answer.
        key: MessageKey,
    },
}

/// What a client is told of files; the mirror of [`FileEvent`], and some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileAnswer<'a> {
    /// As [`FileEvent::Take`].
    Take {
        /// The number of the command that this answers.
        key: Option<MessageKey>,
        /// Which file.
        file: FileId,
        /// How many bytes are there.
        have: u64,
        /// The first byte that must not be sent yet.
        until: u64,
    },
    /// As [`FileEvent::Kept`].
    Kept(FileId),
    /// As [`FileEvent::Give`].
    Give {
        /// The number of the command that this answers.
        key: Option<MessageKey>,
        /// Which file.
        file: FileId,
        /// Who offers it.
        from: Name,
        /// What it is called.
        name: &'a str,
        /// How long it is.
        bytes: u64,
        /// The first byte that follows.
        offset: u64,
    },
    /// Some bytes.
    Piece {
        /// Of which file.
        file: FileId,
        /// The place of the first one.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// As [`FileEvent::Whole`].
    Whole {
        /// Which file.
        file: FileId,
        /// How long it is.
        bytes: u64,
        /// What it hashes to, by its sender's word.
        digest: Digest,
    },
    /// As [`FileEvent::Over`]. A reason that is not known here is a failure.
    Over(FileId, FileEnd),
    /// As [`FileEvent::Listed`].
    Listed(FileListing),
}

#[derive(Encode, Decode)]
struct OfferBody<'a> {
    #[n(0)]
    key: u64,
    #[n(1)]
    room: Option<u64>,
    #[b(2)]
    to: Option<&'a str>,
    #[b(3)]
    name: &'a str,
    #[n(4)]
    bytes: u64,
    #[cbor(n(5), with = "super::digest", has_nil)]
    digest: Option<Digest>,
}

#[derive(Encode, Decode)]
struct KeyFileBody {
    #[n(0)]
    key: u64,
    #[n(1)]
    file: u64,
}

#[derive(Encode, Decode)]
struct BytesBody<'a> {
    #[n(0)]
    file: u64,
    #[n(1)]
    offset: u64,
    #[cbor(b(2), with = "minicbor::bytes")]
    bytes: &'a [u8],
}

#[derive(Encode, Decode)]
struct UploadedBody {
    #[n(0)]
    file: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    digest: [u8; 32],
}

#[derive(Encode, Decode)]
struct FetchBody {
    #[n(0)]
    key: u64,
    #[n(1)]
    file: u64,
    #[n(2)]
    offset: u64,
    #[n(3)]
    until: u64,
}

#[derive(Encode, Decode)]
struct MoreBody {
    #[n(0)]
    file: u64,
    #[n(1)]
    until: u64,
}

#[derive(Encode, Decode)]
struct FileBody {
    #[n(0)]
    file: u64,
}

#[derive(Encode, Decode)]
struct KeyBody {
    #[n(0)]
    key: u64,
}

#[derive(Encode, Decode)]
struct TakeBody {
    #[n(0)]
    key: Option<u64>,
    #[n(1)]
    file: u64,
    #[n(2)]
    have: u64,
    #[n(3)]
    until: u64,
}

#[derive(Encode, Decode)]
struct GiveBody<'a> {
    #[n(0)]
    key: Option<u64>,
    #[n(1)]
    file: u64,
    #[b(2)]
    from: &'a str,
    #[b(3)]
    name: &'a str,
    #[n(4)]
    bytes: u64,
    #[n(5)]
    offset: u64,
}

#[derive(Encode, Decode)]
struct WholeBody {
    #[n(0)]
    file: u64,
    #[n(1)]
    bytes: u64,
    #[cbor(n(2), with = "minicbor::bytes")]
    digest: [u8; 32],
}

#[derive(Encode, Decode)]
struct OverBody<'a> {
    #[n(0)]
    file: u64,
    #[n(1)]
    why: u8,
    #[b(2)]
    text: &'a str,
}

#[derive(Encode, Decode)]
struct ListedBody<'a> {
    #[n(0)]
    file: u64,
    #[b(1)]
    from: &'a str,
    #[b(2)]
    room: Option<&'a str>,
    #[b(3)]
    to: Option<&'a str>,
    #[n(4)]
    is_own: bool,
    #[b(5)]
    name: &'a str,
    #[n(6)]
    bytes: u64,
    #[cbor(n(7), with = "super::digest", has_nil)]
    digest: Option<Digest>,
    #[n(8)]
    is_whole: bool,
}

/// Appends `request` as one whole frame.
pub(super) fn encode_request(request: &FileRequest<'_>, out: &mut Vec<u8>) {
    match *request {
        FileRequest::Offer {
            key,
            room,
            to,
            name,
            bytes,
            digest,
        } => {
            let body = OfferBody {
                key: key.0,
                room: room.map(|room| room.0),
                to,
                name,
                bytes,
                digest,
            };
            write_body(OFFER, body, out);
        }
        FileRequest::SendOn { key, file } => {
            let (key, file) = (key.0, file.0);
            write_body(SEND_ON, KeyFileBody { key, file }, out);
        }
        FileRequest::Chunk {
            file,
            offset,
            bytes,
        } => write_bytes(CHUNK, file, offset, bytes, out),
        FileRequest::Uploaded { file, digest } => {
            let (file, digest) = (file.0, digest.0);
            write_body(UPLOADED, UploadedBody { file, digest }, out);
        }
        FileRequest::Fetch {
            key,
            file,
            offset,
            until,
        } => {
            let body = FetchBody {
                key: key.0,
                file: file.0,
                offset,
                until,
            };
            write_body(FETCH, body, out);
        }
        FileRequest::More { file, until } => {
            let file = file.0;
            write_body(MORE, MoreBody { file, until }, out);
        }
        FileRequest::Stop { file } => write_body(STOP, FileBody { file: file.0 }, out),
        FileRequest::Files { key } => write_body(FILES, KeyBody { key: key.0 }, out),
    }
}

/// Reads what a client asks for files, of one of [`REQUEST_KINDS`].
pub(super) fn decode_request(frame: Frame<'_>) -> Result<FileRequest<'_>, WireError> {
    let body = frame.body;
    Ok(match frame.kind {
        OFFER => {
            let body: OfferBody<'_> = decode_cbor(body)?;
            FileRequest::Offer {
                key: MessageKey(body.key),
                room: body.room.map(RoomId),
                to: body.to,
                name: body.name,
                bytes: body.bytes,
                digest: body.digest,
            }
        }
        SEND_ON => {
            let KeyFileBody { key, file } = decode_cbor(body)?;
            let (key, file) = (MessageKey(key), FileId(file));
            FileRequest::SendOn { key, file }
        }
        CHUNK => {
            let (file, offset, bytes) = decode_bytes(body)?;
            FileRequest::Chunk {
                file,
                offset,
                bytes,
            }
        }
        UPLOADED => {
            let UploadedBody { file, digest } = decode_cbor(body)?;
            let (file, digest) = (FileId(file), Digest(digest));
            FileRequest::Uploaded { file, digest }
        }
        FETCH => {
            let body: FetchBody = decode_cbor(body)?;
            FileRequest::Fetch {
                key: MessageKey(body.key),
                file: FileId(body.file),
                offset: body.offset,
                until: body.until,
            }
        }
        MORE => {
            let MoreBody { file, until } = decode_cbor(body)?;
            let file = FileId(file);
            FileRequest::More { file, until }
        }
        STOP => {
            let FileBody { file } = decode_cbor(body)?;
            FileRequest::Stop { file: FileId(file) }
        }
        FILES => {
            let KeyBody { key } = decode_cbor(body)?;
            let key = MessageKey(key);
            FileRequest::Files { key }
        }
        kind => return Err(WireError::UnknownKind { kind }),
    })
}

/// Appends `event` as one whole frame.
pub(super) fn encode_event(event: &FileEvent, out: &mut Vec<u8>) {
    match event {
        FileEvent::Take {
            key,
            file,
            have,
            until,
        } => {
            let body = TakeBody {
                key: key.map(|key| key.0),
                file: file.0,
                have: *have,
                until: *until,
            };
            write_body(TAKE, body, out);
        }
        FileEvent::Kept(file) => write_body(KEPT, FileBody { file: file.0 }, out),
        FileEvent::Give {
            key,
            file,
            from,
            name,
            bytes,
            offset,
        } => {
            let body = GiveBody {
                key: key.map(|key| key.0),
                file: file.0,
                from: from.as_str(),
                name,
                bytes: *bytes,
                offset: *offset,
            };
            write_body(GIVE, body, out);
        }
        FileEvent::Whole {
            file,
            bytes,
            digest,
        } => {
            let (file, bytes, digest) = (file.0, *bytes, digest.0);
            let body = WholeBody {
                file,
                bytes,
                digest,
            };
            write_body(WHOLE, body, out);
        }
        FileEvent::Over(file, end) => {
            let (file, why, text) = (file.0, end_code(*end), &*end.to_string());
            write_body(OVER, OverBody { file, why, text }, out);
        }
        FileEvent::Listed(listing) => {
            let body = ListedBody {
                file: listing.file.0,
                from: listing.from.as_str(),
                room: listing.room.as_ref().map(|room| room.as_str()),
                to: listing.to.as_ref().map(Name::as_str),
                is_own: listing.is_own,
                name: &listing.name,
                bytes: listing.bytes,
                digest: listing.digest,
                is_whole: listing.is_whole,
            };
            write_body(LISTED, body, out);
        }
    }
}

/// Appends some bytes of a file as one whole frame, which costs at most
/// `limits::FILE_PIECE_ENVELOPE_BYTES` beside them.
///
/// # Panics
///
/// When there are more than `limits::FILE_CHUNK_BYTES_MAX`.
pub fn write_piece(file: FileId, offset: u64, bytes: &[u8], out: &mut Vec<u8>) {
    write_bytes(PIECE, file, offset, bytes, out);
}

/// Reads what a client is told of files, of one of [`ANSWER_KINDS`].
pub(super) fn decode_answer(frame: Frame<'_>) -> Result<FileAnswer<'_>, WireError> {
    let body = frame.body;
    Ok(match frame.kind {
        TAKE => {
            let body: TakeBody = decode_cbor(body)?;
            FileAnswer::Take {
                key: body.key.map(MessageKey),
                file: FileId(body.file),
                have: body.have,
                until: body.until,
            }
        }
        KEPT => decode_cbor(body).map(|FileBody { file }| FileAnswer::Kept(FileId(file)))?,
        GIVE => {
            let body: GiveBody<'_> = decode_cbor(body)?;
            FileAnswer::Give {
                key: body.key.map(MessageKey),
                file: FileId(body.file),
                from: decode_name(body.from)?,
                name: body.name,
                bytes: body.bytes,
                offset: body.offset,
            }
        }
        PIECE => {
            let (file, offset, bytes) = decode_bytes(body)?;
            FileAnswer::Piece {
                file,
                offset,
                bytes,
            }
        }
        WHOLE => {
            let body: WholeBody = decode_cbor(body)?;
            FileAnswer::Whole {
                file: FileId(body.file),
                bytes: body.bytes,
                digest: Digest(body.digest),
            }
        }
        OVER => {
            let OverBody { file, why, .. } = decode_cbor(body)?;
            FileAnswer::Over(FileId(file), end_of(why))
        }
        LISTED => FileAnswer::Listed(decode_listing(body)?),
        kind => return Err(WireError::UnknownKind { kind }),
    })
}

fn decode_listing(body: &[u8]) -> Result<FileListing, WireError> {
    let body: ListedBody<'_> = decode_cbor(body)?;
    let room = body.room.map(RoomName::parse).transpose();
    Ok(FileListing {
        file: FileId(body.file),
        from: decode_name(body.from)?,
        room: room.map_err(|_| WireError::Malformed)?,
        to: body.to.map(decode_name).transpose()?,
        is_own: body.is_own,
        name: body.name.into(),
        bytes: body.bytes,
        digest: body.digest,
        is_whole: body.is_whole,
    })
}

fn write_bytes(kind: u8, file: FileId, offset: u64, bytes: &[u8], out: &mut Vec<u8>) {
    assert!(
        bytes.len() <= FILE_CHUNK_BYTES_MAX,
        "the bytes of a file are cut before they are sent"
    );
    let start = out.len();
    let file = file.0;
    let body = BytesBody {
        file,
        offset,
        bytes,
    };
    write_body(kind, body, out);
    assert!(
        out.len() - start <= bytes.len() + FILE_PIECE_ENVELOPE_BYTES,
        "the space for a chunk's envelope is enough for every number"
    );
}

/// A file, a place and bytes, of which there are some and not too many.
fn decode_bytes(body: &[u8]) -> Result<(FileId, u64, &[u8]), WireError> {
    let BytesBody {
        file,
        offset,
        bytes,
    } = decode_cbor(body)?;
    if bytes.is_empty() || bytes.len() > FILE_CHUNK_BYTES_MAX {
        return Err(WireError::Malformed);
    }
    Ok((FileId(file), offset, bytes))
}

fn end_code(end: FileEnd) -> u8 {
    match end {
        FileEnd::Cancelled => 0,
        FileEnd::Refused => 1,
        FileEnd::Expired => 2,
        FileEnd::DiskFull => 3,
        FileEnd::Failed => 4,
        FileEnd::Spoilt => 5,
        FileEnd::NotAllowed => 6,
        FileEnd::TakenOver => 7,
    }
}

/// The end of `code`; one of a newer server's is a failure all the same.
fn end_of(code: u8) -> FileEnd {
    match code {
        0 => FileEnd::Cancelled,
        1 => FileEnd::Refused,
        2 => FileEnd::Expired,
        3 => FileEnd::DiskFull,
        5 => FileEnd::Spoilt,
        6 => FileEnd::NotAllowed,
        7 => FileEnd::TakenOver,
        _ => FileEnd::Failed,
    }
}

fn write_body(kind: u8, body: impl Encode<()>, out: &mut Vec<u8>) {
    write_frame(kind, out, |out| encode_cbor(body, out));
}

#[cfg(test)]
mod tests;
