//! What happens in a room, as everybody there receives it.
//!
//! ```text
//! frame header | room handle u32 | id u64 | seconds u32 | name length u8 | name | rest
//! ```
//!
//! All big-endian. `id` is 0 for what is not stored, `seconds` counts from
//! [`TIME_BASE_UNIX_SECONDS`], and `rest` is the bare text of what somebody said and a CBOR
//! array for the rest. The envelope is fixed, so that a message costs the same however large its
//! numbers are, and a pure function of the stored row, so that a byte position in it means the
//! same after a restart.

use super::{decode_cbor, decode_name, encode_cbor};
use crate::chat::{Body, Entry, EntryId, Loss, Name, Parting, RoomId};
use crate::wire::WireError;
use crate::wire::frame::{Frame, write_frame};
use minicbor::{Decode, Encode};
use std::time::Duration;

/// From where the seconds of entries are counted: 2026-01-01T00:00:00Z, as seconds since 1970.
pub const TIME_BASE_UNIX_SECONDS: u64 = 1_767_225_600;

/// The first kind that is an entry.
pub(super) const ENTRY_KINDS_BEGIN: u8 = 0x80;

const SAID: u8 = 0x80;
const ACTED: u8 = 0x81;
const RECEIVED: u8 = 0x82;
const SENT: u8 = 0x83;
const JOINED: u8 = 0x84;
const LEFT: u8 = 0x85;
const RENAMED: u8 = 0x86;
const TOPIC: u8 = 0x87;
const COUNTED: u8 = 0x88;
const KICKED: u8 = 0x89;

/// An entry of a room, lending its text from the frame or from the [`Entry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryView<'a> {
    /// The low 32 bits of the room's id.
    pub room: u32,
    /// Its place, if it is stored.
    pub id: Option<EntryId>,
    /// When, seconds since 1970.
    pub unix_seconds: u64,
    /// Who did it, under the name of that moment. In an inbox: the other side.
    pub author: Name,
    /// What.
    pub body: BodyView<'a>,
}

/// What happened; the mirror of [`Body`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyView<'a> {
    /// Somebody said something.
    Said(&'a str),
    /// Somebody did something (`/me`).
    Acted(&'a str),
    /// In an inbox: the author wrote this to its owner.
    Received(&'a str),
    /// In an inbox: its owner wrote this to the author.
    Sent(&'a str),
    /// Somebody arrived.
    Joined {
        /// How many are here now.
        here: u32,
    },
    /// Somebody went.
    Left {
        /// How long they were here, to the second.
        after: Duration,
        /// How they went.
        how: Parting,
        /// What they said of it.
        why: Option<&'a str>,
    },
    /// Somebody was removed.
    Kicked {
        /// By whom.
        by: Name,
        /// What they said of it.
        why: Option<&'a str>,
    },
    /// Somebody changed their name.
    Renamed {
        /// What they are called now.
        to: Name,
    },
    /// Somebody set the topic.
    Topic(&'a str),
    /// In a large room: how many came and went since the last count.
    Counted {
        /// How many came.
        arrived: u32,
        /// How many went.
        departed: u32,
        /// How many are here now.
        here: u32,
    },
}

#[derive(Encode, Decode)]
struct JoinedRest {
    #[n(0)]
    here: u32,
}

#[derive(Encode, Decode)]
struct LeftRest<'a> {
    #[n(0)]
    after_seconds: u64,
    #[n(1)]
    how: u8,
    #[b(2)]
    why: Option<&'a str>,
}

#[derive(Encode, Decode)]
struct KickedRest<'a> {
    #[b(0)]
    by: &'a str,
    #[b(1)]
    why: Option<&'a str>,
}

#[derive(Encode, Decode)]
struct RenamedRest<'a> {
    #[b(0)]
    to: &'a str,
}

#[derive(Encode, Decode)]
struct CountedRest {
    #[n(0)]
    arrived: u32,
    #[n(1)]
    departed: u32,
    #[n(2)]
    here: u32,
}

/// What entries call a room: the low 32 bits of its id.
pub fn room_handle(room: RoomId) -> u32 {
    u32::try_from(room.0 & u64::from(u32::MAX)).expect("32 bits were kept")
}

/// Appends `entry` of `room` as one whole frame.
///
/// The author's name and the text are copied once. Beside them a stored entry costs 21 bytes.
///
/// # Panics
///
/// When it is larger than `limits::MESSAGE_BYTES_MAX`; texts are bounded when they are accepted.
pub fn encode_entry(room: RoomId, entry: &Entry, out: &mut Vec<u8>) {
    EntryView::of(room, entry).encode(out);
}

impl<'a> EntryView<'a> {
    /// The view of `entry` that its readers in `room` have.
    pub fn of(room: RoomId, entry: &'a Entry) -> Self {
        Self {
            room: room_handle(room),
            id: entry.id,
            unix_seconds: Duration::from_millis(entry.unix_ms).as_secs(),
            author: entry.author,
            body: BodyView::of(&entry.body),
        }
    }

    /// Appends it as one whole frame, as [`encode_entry`] does.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_frame(self.body.kind(), out, |out| {
            let author = self.author.as_str();
            out.extend_from_slice(&self.room.to_be_bytes());
            out.extend_from_slice(&self.id.map_or(0, |id| id.0).to_be_bytes());
            out.extend_from_slice(&seconds_since_base(self.unix_seconds).to_be_bytes());
            out.push(u8::try_from(author.len()).expect("a name has at most 32 bytes"));
            out.extend_from_slice(author.as_bytes());
            self.body.encode(out);
        });
    }

    /// Reads an entry, lending its text from `frame`.
    ///
    /// # Errors
    ///
    /// [`WireError::UnknownKind`] and [`WireError::Malformed`].
    pub fn decode(frame: Frame<'a>) -> Result<Self, WireError> {
        let rest = &mut { frame.body };
        let room = u32::from_be_bytes(*take(rest)?);
        let id = u64::from_be_bytes(*take(rest)?);
        let seconds = u32::from_be_bytes(*take(rest)?);
        let [name_len] = *take(rest)?;
        let (name, rest) = rest
            .split_at_checked(usize::from(name_len))
            .ok_or(WireError::Malformed)?;
        Ok(Self {
            room,
            id: (id > 0).then_some(EntryId(id)),
            unix_seconds: TIME_BASE_UNIX_SECONDS + u64::from(seconds),
            author: decode_name(text(name)?)?,
            body: BodyView::decode(frame.kind, rest)?,
        })
    }
}

impl<'a> BodyView<'a> {
    /// The view of `body`.
    pub fn of(body: &'a Body) -> Self {
        match body {
            Body::Said(text) => Self::Said(text),
            Body::Acted(text) => Self::Acted(text),
            Body::Received(text) => Self::Received(text),
            Body::Sent(text) => Self::Sent(text),
            Body::Joined { here } => Self::Joined { here: *here },
            Body::Left { after, how, why } => Self::Left {
                after: *after,
                how: *how,
                why: why.as_deref(),
            },
            Body::Kicked { by, why } => Self::Kicked {
                by: *by,
                why: why.as_deref(),
            },
            Body::Renamed { to } => Self::Renamed { to: *to },
            Body::Topic(text) => Self::Topic(text),
            Body::Counted {
                arrived,
                departed,
                here,
            } => Self::Counted {
                arrived: *arrived,
                departed: *departed,
                here: *here,
            },
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Said(_) => SAID,
            Self::Acted(_) => ACTED,
            Self::Received(_) => RECEIVED,
            Self::Sent(_) => SENT,
            Self::Joined { .. } => JOINED,
            Self::Left { .. } => LEFT,
            Self::Kicked { .. } => KICKED,
            Self::Renamed { .. } => RENAMED,
            Self::Topic(_) => TOPIC,
            Self::Counted { .. } => COUNTED,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Said(text)
            | Self::Acted(text)
            | Self::Received(text)
            | Self::Sent(text)
            | Self::Topic(text) => out.extend_from_slice(text.as_bytes()),
            Self::Joined { here } => encode_cbor(JoinedRest { here }, out),
            Self::Left { after, how, why } => {
                let (after_seconds, how) = (after.as_secs(), parting_code(how));
                let rest = LeftRest {
                    after_seconds,
                    how,
                    why,
                };
                encode_cbor(rest, out);
            }
            Self::Kicked { by, why } => {
                let by = by.as_str();
                encode_cbor(KickedRest { by, why }, out);
            }
            Self::Renamed { to } => encode_cbor(RenamedRest { to: to.as_str() }, out),
            Self::Counted {
                arrived,
                departed,
                here,
            } => {
                let rest = CountedRest {
                    arrived,
                    departed,
                    here,
                };
                encode_cbor(rest, out);
            }
        }
    }

    fn decode(kind: u8, rest: &'a [u8]) -> Result<Self, WireError> {
        Ok(match kind {
            SAID => Self::Said(text(rest)?),
            ACTED => Self::Acted(text(rest)?),
            RECEIVED => Self::Received(text(rest)?),
            SENT => Self::Sent(text(rest)?),
            TOPIC => Self::Topic(text(rest)?),
            JOINED => {
                let JoinedRest { here } = decode_cbor(rest)?;
                Self::Joined { here }
            }
            LEFT => {
                let rest: LeftRest<'_> = decode_cbor(rest)?;
                Self::Left {
                    after: Duration::from_secs(rest.after_seconds),
                    how: parting_of(rest.how),
                    why: rest.why,
                }
            }
            KICKED => {
                let KickedRest { by, why } = decode_cbor(rest)?;
                let by = decode_name(by)?;
                Self::Kicked { by, why }
            }
            RENAMED => {
                let RenamedRest { to } = decode_cbor(rest)?;
                let to = decode_name(to)?;
                Self::Renamed { to }
            }
            COUNTED => {
                let CountedRest {
                    arrived,
                    departed,
                    here,
                } = decode_cbor(rest)?;
                Self::Counted {
                    arrived,
                    departed,
                    here,
                }
            }
            kind => return Err(WireError::UnknownKind { kind }),
        })
    }
}

/// Seconds since the base; what lies outside the 136 years from there is moved to their edge.
fn seconds_since_base(unix_seconds: u64) -> u32 {
    u32::try_from(unix_seconds.saturating_sub(TIME_BASE_UNIX_SECONDS)).unwrap_or(u32::MAX)
}

fn parting_code(how: Parting) -> u8 {
    match how {
        Parting::Left => 0,
        Parting::Lost(Loss::Reset) => 1,
        Parting::Lost(Loss::Silent) => 2,
        Parting::Lost(Loss::TooSlow) => 3,
        Parting::Lost(Loss::Protocol) => 4,
    }
}

/// The parting of `code`. One that is not known here is a loss all the same, so that a newer
/// server may tell more of them apart.
fn parting_of(code: u8) -> Parting {
    match code {
        0 => Parting::Left,
        2 => Parting::Lost(Loss::Silent),
        3 => Parting::Lost(Loss::TooSlow),
        4 => Parting::Lost(Loss::Protocol),
        _ => Parting::Lost(Loss::Reset),
    }
}

/// Takes the next `N` bytes of `rest`.
fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], WireError> {
    let (taken, left) = rest.split_first_chunk().ok_or(WireError::Malformed)?;
    *rest = left;
    Ok(taken)
}

fn text(bytes: &[u8]) -> Result<&str, WireError> {
    std::str::from_utf8(bytes).map_err(|_| WireError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{name, only_frame, text};
    use super::*;
    use crate::limits::{ENTRY_ENVELOPE_BYTES_MAX, NAME_BYTES_MAX, TEXT_BYTES_MAX};
    use crate::wire::frame::frame_len;
    use proptest::prelude::*;
    use std::sync::Arc;

    /// When the tests take place, milliseconds since 1970.
    const THEN_UNIX_MS: u64 = TIME_BASE_UNIX_SECONDS * 1_000;

    fn encoded(room: RoomId, entry: &Entry) -> Vec<u8> {
        let mut stream = Vec::new();
        encode_entry(room, entry, &mut stream);
        stream
    }

    fn parting() -> impl Strategy<Value = Parting> {
        prop_oneof![
            Just(Parting::Left),
            Just(Parting::Lost(Loss::Reset)),
            Just(Parting::Lost(Loss::Silent)),
            Just(Parting::Lost(Loss::TooSlow)),
            Just(Parting::Lost(Loss::Protocol)),
        ]
    }

    fn body() -> impl Strategy<Value = Body> {
        let shared = || text().prop_map(Arc::<str>::from);
        prop_oneof![
            shared().prop_map(Body::Said),
            shared().prop_map(Body::Acted),
            shared().prop_map(Body::Received),
            shared().prop_map(Body::Sent),
            shared().prop_map(Body::Topic),
            any::<u32>().prop_map(|here| Body::Joined { here }),
            (any::<u64>(), parting(), prop::option::of(shared())).prop_map(|(after, how, why)| {
                let after = Duration::from_secs(after);
                Body::Left { after, how, why }
            }),
            name().prop_map(|to| Body::Renamed { to }),
            any::<(u32, u32, u32)>().prop_map(|(arrived, departed, here)| Body::Counted {
                arrived,
                departed,
                here,
            }),
        ]
    }

    fn entry() -> impl Strategy<Value = Entry> {
        let id = prop::option::of((1..=u64::MAX).prop_map(EntryId));
        let unix_ms = (0..=u64::from(u32::MAX)).prop_map(|after| THEN_UNIX_MS + after * 1_000);
        (id, unix_ms, name(), body()).prop_map(|(id, unix_ms, author, body)| Entry {
            id,
            unix_ms,
            author,
            origin: None,
            body,
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_what_is_read(room in any::<u64>(), entry in entry()) {
            let room = RoomId(room);
            let stream = encoded(room, &entry);
            prop_assert_eq!(frame_len(&stream), Some(stream.len()));
            let view = EntryView::decode(only_frame(&stream));
            prop_assert_eq!(view, Ok(EntryView::of(room, &entry)));
            let mut again = Vec::new();
            view.unwrap().encode(&mut again);
            prop_assert_eq!(again, stream);
        }

        #[test]
        fn an_entry_cut_in_its_envelope_is_malformed(entry in entry()) {
            let stream = encoded(RoomId(1), &entry);
            let Frame { kind, body } = only_frame(&stream);
            for len in 0..17 + entry.author.as_str().len() {
                let view = EntryView::decode(Frame { kind, body: &body[..len] });
                prop_assert_eq!(view, Err(WireError::Malformed));
            }
        }

        #[test]
        fn no_bytes_break_the_decoder(
            kind in 0x80u8..0x8a,
            mut body in prop::collection::vec(any::<u8>(), 0..100),
            name_len in 0u8..40,
        ) {
            // Mostly a plausible name, so that the rest is reached.
            if let Some(len) = body.get_mut(16) {
                *len = name_len;
            }
            for byte in body.iter_mut().skip(17).take(usize::from(name_len)) {
                *byte = b'a' + *byte % 16;
            }
            let _ = EntryView::decode(Frame { kind, body: &body });
        }
    }

    #[test]
    fn the_envelope_of_every_stored_entry_is_bounded() {
        let author = Name::parse(&"n".repeat(NAME_BYTES_MAX)).unwrap();
        for text in ["", "x", &"x".repeat(TEXT_BYTES_MAX)] {
            let text: Arc<str> = text.into();
            for body in [Body::Said, Body::Acted, Body::Received, Body::Sent] {
                let entry = Entry {
                    id: Some(EntryId(u64::MAX)),
                    unix_ms: u64::MAX,
                    author,
                    origin: None,
                    body: body(Arc::clone(&text)),
                };
                assert!(entry.body.is_stored());
                let stream = encoded(RoomId(u64::MAX), &entry);
                let envelope = stream.len() - text.len() - NAME_BYTES_MAX;
                assert!(envelope <= ENTRY_ENVELOPE_BYTES_MAX, "{envelope} bytes");
            }
        }
    }

    #[test]
    fn an_entry_looks_as_documented() {
        let entry = Entry {
            id: Some(EntryId(0x0203)),
            unix_ms: THEN_UNIX_MS + 22_999,
            author: Name::parse("bob").unwrap(),
            origin: None,
            body: Body::Said("hi".into()),
        };
        let expected = b"\x00\x00\x17\x80\xaa\xbb\xcc\xdd\0\0\0\0\0\0\x02\x03\0\0\0\x16\x03bobhi";
        assert_eq!(encoded(RoomId(0x77_aabb_ccdd), &entry), expected);
    }

    #[test]
    fn times_outside_the_range_are_moved_to_its_edge() {
        assert_eq!(seconds_since_base(0), 0);
        assert_eq!(seconds_since_base(TIME_BASE_UNIX_SECONDS + 5), 5);
        assert_eq!(seconds_since_base(u64::MAX), u32::MAX);
    }

    #[test]
    fn a_loss_of_a_newer_server_is_a_loss() {
        assert_eq!(parting_of(200), Parting::Lost(Loss::Reset));
    }

    #[test]
    fn text_is_lent_from_the_frame() {
        let mut stream = Vec::new();
        super::super::samples::said("hello").encode(&mut stream);
        let view = EntryView::decode(only_frame(&stream)).unwrap();
        let BodyView::Said(text) = view.body else {
            panic!("it was said");
        };
        assert!(stream.as_ptr_range().contains(&text.as_ptr()));
    }
}
